"""The rows of one version, a hundred at a time, and how much of the file they cover."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

import services
from catalog.errors import CatalogError
from catalog.views import FileVersion
from pages import wording
from pages.identity import current_caller
from preview.errors import PreviewError
from preview.result import Preview
from storage import FileNotInStorage, StorageError

PAGE = 100
ROW = 32
SHOWN = 14
"""Pixels a row is high, and how many rows are seen at once; the rest scroll inside the table."""
LOOK_AGAIN = timedelta(seconds=1)


def coverage(preview: Preview, *, counting: bool) -> str:
    """How much of the file is shown: `Rows 1–100 of 3,376 · all 7 columns`."""
    count = len(preview.frame)
    total = preview.total_rows
    if count:
        rows = f"Rows {preview.offset + 1:,}–{preview.offset + count:,}"
    else:
        rows = "No rows" if not preview.offset else "No more rows"
    if total is not None and total:
        rows += f" of {total:,}"
    elif total is None and counting:
        rows += " · counting rows…"
    shown = len(preview.columns)
    if shown == preview.column_count:
        columns = "1 column" if shown == 1 else f"all {shown:,} columns"
    else:
        columns = f"the first {shown:,} of {preview.column_count:,} columns"
    return f"{rows} · {columns}"


def pages_of(preview: Preview, page: int) -> int:
    """How many pages there are; while the rows are not counted, one more where this one is full."""
    if preview.total_rows is not None:
        return max(1, -(-preview.total_rows // PAGE))
    return page + 1 if len(preview.frame) == PAGE else page


def preview_tab(file: FileVersion) -> None:
    """Draw the tab: the rows, or why there are none and what to do."""
    page = int(st.session_state.get("rows") or 1)
    place = st.container(key="preview")
    waiting = st.empty()
    if (seen := f"{file.id}/{page}") != st.session_state.get("seen-rows"):
        waiting.skeleton(ROW * (SHOWN + 1) + 2)
    try:
        preview = services.current().previews.preview(current_caller(), file.id, rows=PAGE, offset=(page - 1) * PAGE)
    except (PreviewError, FileNotInStorage, CatalogError) as error:
        waiting.empty()
        with place:
            no_table(error)
        return
    except StorageError as error:
        waiting.empty()
        with place:
            unavailable(error)
        return
    waiting.empty()
    st.session_state["seen-rows"] = seen
    counting = file.rows_counted == "counting"
    with place:
        table(preview, page, counting=counting)
    if counting:
        watch(file)


def table(preview: Preview, page: int, *, counting: bool) -> None:
    with st.container(key="coverage", horizontal=True, vertical_alignment="center", gap="xsmall"):
        read_as = " · ".join(wording.plain(part) for part in preview.read_as)
        st.markdown(f":small[:gray[Read as] {read_as}]", width="stretch")
        st.markdown(f":small[:gray[{coverage(preview, counting=counting)}]]", width="content")
    frame = preview.frame
    frame = frame.set_axis(range(preview.offset + 1, preview.offset + 1 + len(frame)), axis=0).rename_axis("#")
    st.dataframe(
        frame,
        height=ROW * (min(max(len(frame), 1), SHOWN) + 1) + 2,
        row_height=ROW,
        column_config={
            column.name: st.column_config.NumberColumn(format="plain")
            for column in preview.columns
            if column.type in ("integer", "float")
        },
        placeholder="",
        key="preview-rows",
    )
    pages = pages_of(preview, page)
    with st.container(key="below", horizontal=True, vertical_alignment="center", gap="xsmall"):
        if pages > 1:
            st.pagination(pages, key="rows", bind="query-params", width=360)
        if preview.notes:
            notes = wording.plain(" ".join(preview.notes))
            st.markdown(f":small[:gray[{notes}]]", width="stretch", text_alignment="right")


def no_table(error: Exception) -> None:
    gone = isinstance(error, FileNotInStorage)
    title = error.title if isinstance(error, PreviewError) else "File is gone" if gone else "No preview"
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**{title}**", width="content")
        st.markdown(f":gray[{wording.plain(str(error))}]", width="content", text_alignment="center")
        if not gone:
            st.markdown(
                ":gray[The file is stored whole: Download and Copy link give it as it is.]",
                width="content",
                text_alignment="center",
            )


def unavailable(error: Exception) -> None:
    st.error(
        f"{wording.plain(str(error))} The file is safe there; try again when the store is back.",
        title="The rows cannot be read now",
        icon=":material/cloud_off:",
    )
    st.button("Try again", icon=":material/refresh:", key="read-again")


@st.fragment(run_every=LOOK_AGAIN, key="watch")
def watch(file: FileVersion) -> None:
    """Look whether the rows are counted by now, and draw the whole page again once they are."""
    try:
        known = services.current().files.get(current_caller(), file.id)
    except (CatalogError, ConnectionError):
        return
    if (known.rows_counted, known.sha256) != (file.rows_counted, file.sha256):
        st.rerun()
