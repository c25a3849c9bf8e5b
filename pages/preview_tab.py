"""The rows of one version, a hundred at a time, and how much of the file they cover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError
from catalog.views import FileVersion
from pages import wording
from pages.listing import page_number
from preview.errors import PreviewError
from preview.result import Column, Preview
from storage import FileNotInStorage, StorageError

PAGE = 100
LARGEST_EXACT = 2**53
ROW = 32
SHOWN = 14
"""Pixels a row is high, and how many rows are seen at once; the rest scroll inside the table."""


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


def preview_tab(file: FileVersion, caller: Caller) -> None:
    """Draw the tab: the rows, or why there are none and what to do."""
    page = page_number(st.session_state.get("rows") or st.query_params.get("rows"))
    place = st.container(key="preview")
    waiting = st.empty()
    if (seen := f"{file.id}/{page}") != st.session_state.get("seen-rows"):
        waiting.skeleton(ROW * (SHOWN + 1) + 2)
    try:
        preview = read(file, caller, page)
        if page > 1 and preview.frame.empty:
            # The address names a page past the end.
            page, preview = 1, read(file, caller, 1)
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
    with place:
        table(preview, page, counting=file.rows_counted == "counting")


def read(file: FileVersion, caller: Caller, page: int) -> Preview:
    return services.current().previews.preview(caller, file.id, rows=PAGE, offset=(page - 1) * PAGE)


def as_shown(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame and the formats in which every number reads as it stands in the file.

    The table's own formats round to four decimals ("31.9538"), or add digits that are not there ("405.00000000000006"),
    and mark what lies beyond 2^53 as an error; such a column is shown as text, as `frame` may hold it already.
    """
    formats: dict[str, Any] = {}
    for column in columns:
        if not pd.api.types.is_numeric_dtype(frame[column.name]):
            continue
        if column.type == "integer":
            formats[column.name] = st.column_config.NumberColumn(format="%d")
        elif column.type == "float":
            wanted = float_format(frame[column.name])
            if wanted is None:
                frame = frame.assign(**{column.name: frame[column.name].map(str, na_action="ignore")})
            else:
                formats[column.name] = st.column_config.NumberColumn(format=wanted)
    return frame, formats


def float_format(values: Iterable[Any]) -> str | None:
    """As many decimals as the longest value has; `%g` where one has an exponent; None where one is beyond 2^53."""
    decimals, exponent = 0, False
    for value in values:
        text = str(value)
        if not text.lstrip("-")[:1].isdigit():
            continue  # a null, NaN, an infinity
        if abs(float(value)) >= LARGEST_EXACT:
            return None
        exponent = exponent or "e" in text
        decimals = max(decimals, len(text.partition(".")[2]))
    return "%g" if exponent else f"%.{decimals}f"


def table(preview: Preview, page: int, *, counting: bool) -> None:
    with st.container(key="coverage", horizontal=True, vertical_alignment="center", gap="xsmall"):
        read_as = " · ".join(wording.plain(part) for part in preview.read_as)
        st.markdown(f":small[:gray[Read as] {read_as}]", width="stretch")
        st.markdown(f":small[:gray[{coverage(preview, counting=counting)}]]", width="content")
    frame = preview.frame
    frame = frame.set_axis(range(preview.offset + 1, preview.offset + 1 + len(frame)), axis=0).rename_axis("#")
    frame, formats = as_shown(frame, preview.columns)
    st.dataframe(
        frame,
        height=ROW * (min(max(len(frame), 1), SHOWN) + 1) + 2,
        row_height=ROW,
        column_config=formats,
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
