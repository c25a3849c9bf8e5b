"""Which rows of a file the Preview shows: a page, a row that was asked for, conditions. All of it is in the address."""

from __future__ import annotations

import json
from dataclasses import dataclass

import streamlit as st

from catalog.views import FileVersion
from pages import chosen_columns, where, wording
from pages.listing import page_number
from preview.asking import Condition

PAGE = 100


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
