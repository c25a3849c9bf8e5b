"""The rows of one version, a hundred at a time: how they are read, which columns and which rows, and how much of the
file they cover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError
from catalog.views import FileVersion
from pages import chosen_columns, read_as_form, where, wording
from pages.listing import page_number
from pages.rows_table import ROW, SHOWN, rows_table
from pages.similar import similar
from preview.asking import Condition
from preview.errors import PreviewError, TooBig
from preview.formats import TEXT_FORMATS
from preview.read_as import AS_DETECTED, ReadAs
from preview.result import Preview
from storage import FileNotInStorage, StorageError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PAGE = 100
PLAIN = frozenset({"", ".txt", ".log", ".dat", ".asc", ".out"})
"""Ends of the names of texts that may be anything."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks to see: rows from `offset` on, which lie on page `page`."""

    page: int
    offset: int
    columns: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def mark(self) -> str:
        """Tells two views of one file apart."""
        return json.dumps([self.offset, self.columns, where.to_text(self.conditions)])


def begin(file: FileVersion) -> None:
    """Of another dataset, opened from this one, the address alone says what to show, not what was chosen before."""
    if st.session_state.get("rows-of") == file.dataset_id:
        return
    if "rows-of" in st.session_state:
        st.session_state["rows"] = page_number(st.query_params.get("rows"))
        st.session_state[chosen_columns.KEY] = st.query_params.get_all(chosen_columns.KEY)
    st.session_state["rows-of"] = file.dataset_id


def asked_for() -> Asked:
    """A row asked for stands first, until another page is chosen."""
    row = page_number(st.query_params.get("row")) if "row" in st.query_params else None
    chosen = st.session_state.get("rows") or st.query_params.get("rows")
    page = page_number(chosen) if chosen is not None or row is None else page_of(row)
    if row is not None and page_of(row) != page:
        st.query_params.pop("row", None)
        row = None
    offset = (page - 1) * PAGE if row is None else row - 1
    if row is not None:
        # The pages below the table know of it before they are drawn.
        st.session_state["rows"] = page
    return Asked(page, offset, chosen_columns.chosen(), where.parse(st.query_params.get("where")))


def page_of(row: int) -> int:
    """The page on which a row, counted from 1, lies."""
    return (row - 1) // PAGE + 1


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


def preview_tab(file: FileVersion, caller: Caller) -> None:
    """Draw the tab: the rows, or why there are none and what to do; below them, datasets like this one."""
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
                no_rows(error, file, kept, asked)
        return
    except StorageError as error:
        waiting.empty()
        with place:
            unavailable(error)
        return
    waiting.empty()
    st.session_state["seen-rows"] = seen
    with place:
        table(file, kept, preview, asked)
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


def table(file: FileVersion, kept: ReadAs, preview: Preview, asked: Asked) -> None:
    names = chosen_columns.names_of(preview)
    with st.container(key="coverage", horizontal=True, vertical_alignment="center", gap="xsmall"):
        facts(file, kept, preview, names)
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


def facts(file: FileVersion, kept: ReadAs, preview: Preview, names: tuple[str, ...]) -> None:
    """What was detected, and where it can be said otherwise."""
    read_as = " · ".join(wording.plain(part) for part in preview.read_as)
    said = " :gray[· as set here]" if preview.detected.chosen else ""
    st.markdown(f":small[:gray[Read as] {read_as}{said}]", width="content")
    read_as_form.part(file.dataset_id, kept, preview.detected)
    read_as_form.change(file.dataset_id, kept, preview.detected, names)


def conditions(of: tuple[Condition, ...]) -> None:
    """What the rows shown have in common: a press takes one away."""
    if not of:
        return
    with st.container(key="conditions", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(":small[:gray[Only rows where]]", width="content")
        for place, one in enumerate(of):
            rest = of[:place] + of[place + 1 :]
            st.button(
                wording.plain(where.sentence(one)),
                icon=":material/close:",
                icon_position="right",
                help="Show the rows without this condition",
                key=f"condition-{place}",
                on_click=show_where,
                args=(rest,),
            )
        if len(of) > 1:
            st.button("Show all rows", type="tertiary", key="no-conditions", on_click=show_where, args=((),))


def show_where(conditions: tuple[Condition, ...]) -> None:
    """Show other rows, from the first on."""
    st.session_state["rows"] = 1
    st.query_params.pop("row", None)
    if text := where.to_text(conditions):
        st.query_params["where"] = text
    else:
        st.query_params.pop("where", None)


def go_to_row() -> None:
    st.text_input(
        "Go to row",
        placeholder="Go to row",
        label_visibility="collapsed",
        max_chars=12,
        width=104,
        key="go-to-row",
        on_change=jump,
    )


def jump() -> None:
    """To the row that was typed, with or without commas between its thousands; anything else leads nowhere."""
    typed = str(st.session_state["go-to-row"]).replace(",", "").replace(" ", "")
    st.session_state["go-to-row"] = ""
    if not typed.isascii() or not typed.isdigit():
        return
    row = max(1, int(typed))
    st.session_state["rows"] = page_of(row)
    st.query_params["row"] = str(row)


def no_rows(error: Exception, file: FileVersion, kept: ReadAs, asked: Asked) -> None:
    """Why there is no table, and what can be done: other columns, all rows, another way of reading."""
    conditions(asked.conditions)
    with no_table(error):
        if isinstance(error, FileNotInStorage):
            return
        if asked.columns or asked.conditions:
            st.button("Show all columns and rows", key="show-everything", on_click=show_everything)
        elif kept != AS_DETECTED or may_be_text(file):
            read_as_form.change(file.dataset_id, kept, None, ())


def no_table(error: Exception) -> DeltaGenerator:
    """What is wrong, in the middle of the tab; the container takes what can be done about it."""
    gone = isinstance(error, FileNotInStorage)
    title = error.title if isinstance(error, PreviewError) else "File is gone" if gone else "No preview"
    nothing = st.container(key="nothing", horizontal_alignment="center", gap="xsmall")
    with nothing:
        st.markdown(f"**{title}**", width="content")
        st.markdown(f":gray[{wording.plain(str(error))}]", width="content", text_alignment="center")
        if not gone:
            st.markdown(
                ":gray[The file is stored whole: Download and Copy link give it as it is.]",
                width="content",
                text_alignment="center",
            )
    return nothing


def may_be_text(file: FileVersion) -> bool:
    """Whether saying a delimiter or an encoding may make a table of a file that has none as detected."""
    return file.format in TEXT_FORMATS or Path(file.file_name).suffix.lower() in PLAIN


def show_everything() -> None:
    chosen_columns.forget()
    show_where(())


def still_counting() -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown("**The row index is being built**", width="content")
        st.markdown(
            ":gray[Rows this far into a text are shown as soon as they are counted. This page looks again by itself.]",
            width="content",
            text_alignment="center",
        )
        st.button("Show the first rows", key="first-rows", on_click=show_where, args=((),))


def unavailable(error: Exception) -> None:
    st.error(
        f"{wording.plain(str(error))} The file is safe there; try again when the store is back.",
        title="The rows cannot be read now",
        icon=":material/cloud_off:",
    )
    st.button("Try again", icon=":material/refresh:", key="read-again")
