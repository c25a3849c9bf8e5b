"""The rows of one version, a hundred at a time: how they are read, which columns and which rows, and how much of the
file they cover."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError
from catalog.views import FileVersion
from pages import chosen_columns, read_as_form, where, wording
from pages.asked_rows import PAGE, Asked, asked_for, begin, conditions, go_to_row
from pages.no_rows import no_rows, still_counting, unavailable
from pages.rows_table import ROW, SHOWN, rows_table
from pages.similar import similar
from preview.asking import Condition
from preview.errors import PreviewError, TooBig
from preview.read_as import ReadAs
from preview.result import Preview
from storage import FileNotInStorage, StorageError


def coverage(
    preview: Preview, *, counting: bool, picked: Sequence[str] = (), conditions: Sequence[Condition] = ()
) -> str:
    """How much of the file is shown: `Rows 1–100 of 3,376 · all 7 columns`, `Rows 1–100 of 263 where state is AK`."""
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
    if conditions:
        # What they are stands below; one of them is said here too.
        rows += f" where {where.in_words(conditions)}" if len(conditions) == 1 else " that meet all conditions"
    return f"{rows} · {chosen_columns.coverage(preview, picked=picked)}"


def pages_of(preview: Preview, page: int) -> int:
    """How many pages there are; while the rows are not counted, one more where this one is full."""
    if preview.total_rows is not None:
        return max(1, -(-preview.total_rows // PAGE))
    return page + 1 if len(preview.frame) == PAGE else page


def preview_tab(file: FileVersion, caller: Caller, *, changes: bool) -> None:
    """Draw the tab: the rows, or why there are none and what to do; below them, datasets like this one. `changes`:
    whether the caller may say how the file is read."""
    begin(file)
    asked = asked_for()
    kept = services.current().previews.read_as(caller, file.dataset_id)
    place = st.container(key="preview")
    waiting = st.empty()
    if (seen := f"{file.id}/{kept.key}/{asked.mark}") != st.session_state.get("seen-rows"):
        with waiting.container():
            computing(asked)
    try:
        preview = read(file, caller, asked)
        if asked.offset and preview.frame.empty:
            # The address names a page past the end.
            asked = Asked(1, 0, asked.columns, asked.conditions)
            preview = read(file, caller, asked)
    except (PreviewError, FileNotInStorage, CatalogError) as error:
        waiting.empty()
        with place:
            if isinstance(error, TooBig) and asked.offset and file.rows_counted == "counting":
                still_counting()
            else:
                no_rows(error, file, kept, asked, changes=changes)
        return
    except StorageError as error:
        waiting.empty()
        with place:
            unavailable(error)
        return
    waiting.empty()
    st.session_state["seen-rows"] = seen
    with place:
        table(file, kept, preview, asked, changes=changes)
        similar(file, caller)


def read(file: FileVersion, caller: Caller, asked: Asked) -> Preview:
    now, columns = services.current(), asked.columns or None
    if asked.conditions:
        return chosen_columns.narrowed(
            now.queries.rows(caller, file.id, asked.conditions, columns=columns, rows=PAGE, offset=asked.offset)
        )
    return chosen_columns.narrowed(
        now.previews.preview(caller, file.id, rows=PAGE, offset=asked.offset, columns=columns)
    )


def computing(asked: Asked) -> None:
    if asked.conditions:
        st.markdown(f":small[:gray[Looking through all rows for those where {where.label(asked.conditions)}…]]")
    st.skeleton(ROW * (SHOWN + 1) + 2)


def table(file: FileVersion, kept: ReadAs, preview: Preview, asked: Asked, *, changes: bool) -> None:
    names = chosen_columns.names_of(preview)
    with st.container(key="coverage", horizontal=True, vertical_alignment="center", gap="xsmall"):
        facts(preview)
        if changes:
            read_as_form.part(file.dataset_id, kept, preview.detected)
            read_as_form.change(file.dataset_id, kept, preview.detected, names)
        # Not at the right, where the table's own tools appear above it.
        if preview.column_count > 1:
            chosen_columns.choose(names, picked=asked.columns)
        covered = coverage(
            preview,
            counting=file.rows_counted == "counting",
            picked=asked.columns,
            conditions=asked.conditions,
        )
        st.markdown(f":small[:gray[{wording.plain(covered)}]]", width="stretch", text_alignment="right")
    conditions(asked.conditions)
    rows_table(preview, file.id, in_file=not asked.conditions)
    pages = pages_of(preview, asked.page)
    with st.container(key="below", horizontal=True, vertical_alignment="center", gap="xsmall"):
        if pages > 1:
            st.pagination(pages, key="rows", bind="query-params", width=360)
            go_to_row()
        if preview.notes:
            notes = wording.plain(" ".join(preview.notes))
            st.markdown(f":small[:gray[{notes}]]", width="stretch", text_alignment="right")


def facts(preview: Preview) -> None:
    """What was detected."""
    read_as = " · ".join(wording.plain(part) for part in preview.read_as)
    said = " :gray[· as set here]" if preview.detected.chosen else ""
    st.markdown(f":small[:gray[Read as] {read_as}{said}]", width="content")
