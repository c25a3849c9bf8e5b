"""What is in each column of one version: a table of all of them, a card of the chosen one, and what both cover."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

import services
from catalog.errors import CatalogError
from catalog.profiles import ProfileState
from catalog.views import DatasetDetail, FileVersion
from pages import column_words, failures, wording
from pages.drift import drift_card
from pages.identity import current_caller
from pages.listing import page_number
from pages.navigation import draw_anew, go
from pages.no_rows import no_table
from pages.widgets.column_card import column_card
from pages.widgets.column_list import column_list
from preview.errors import PreviewError
from preview.profile import ColumnProfile, Profile
from storage import FileNotInStorage

PAGE = 50
"""Columns shown at once; the search finds the others."""
SEARCH_FROM = 20
LOOK_AGAIN = timedelta(seconds=1)
ROW = 44


def columns_tab(detail: DatasetDetail, file: FileVersion) -> None:
    """Draw the tab, in parts that are drawn again by themselves."""
    # Above, but drawn last: comparing may wait for the other version to be looked at.
    above = st.container(key="drift-place")
    _columns(detail, file)
    with above:
        drift_card(detail, file)


@st.fragment(key="columns")
def _columns(detail: DatasetDetail, file: FileVersion) -> None:
    with failures.shown("The columns cannot be read", key="columns-failed"):
        waiting = st.empty()
        if st.session_state.get("seen-columns") != file.id:
            waiting.skeleton(ROW * 8)
        state = services.current().profiles.state(current_caller(), file.id)
        waiting.empty()
        st.session_state["seen-columns"] = file.id
        if state.profile is not None and state.profile.columns:
            _table(detail, file, state)
        elif state.status == "computing":
            _coverage(file, state)
            st.skeleton(ROW * 8)
        else:
            _nothing(file.id, state)


def _table(detail: DatasetDetail, file: FileVersion, state: ProfileState) -> None:
    profile = state.profile
    assert profile is not None
    shown, page = _shown(profile.columns)
    chosen = _chosen(profile.columns, shown)
    table, card = st.columns([3.1, 1.05], gap="small")
    with table:
        if shown:
            first = (page - 1) * PAGE
            column_list(
                shown[first : first + PAGE],
                rows=profile.rows,
                chosen=chosen.name if chosen else None,
                on_choose=_choose,
                key="column-list",
            )
        else:
            wanted = wording.plain(str(st.session_state["find-column"]))
            st.markdown(f":gray[No column has “{wanted}” in its name.]")
        if len(shown) > PAGE:
            pages = -(-len(shown) // PAGE)
            with st.container(key="below-columns", horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.pagination(pages, key="columns-page", width=360)
                last = min(page * PAGE, len(shown))
                st.markdown(
                    f":small[:gray[{(page - 1) * PAGE + 1:,}–{last:,} of {wording.counted(len(shown), 'column')}]]"
                )
        _coverage(file, state)
    if chosen is not None:
        with card, st.container(key="column-card", border=True, gap="small"):
            column_card(chosen, profile.rows, params=_params(detail, file), key="column-card-body")
            with st.container(horizontal=True, gap="xsmall"):
                if st.button("Chart", icon=":material/bar_chart:", key="chart-column"):
                    go("/dataset", **_params(detail, file), tab="Chart", x=chosen.name)
                if st.button("Query", icon=":material/terminal:", key="query-column"):
                    go("/dataset", **_params(detail, file), tab="Query", sql=_count_by(chosen.name))


def _params(detail: DatasetDetail, file: FileVersion) -> dict[str, str]:
    """The part of the address that names this version."""
    newest = detail.files[0].version
    return {"id": str(detail.summary.id), "v": "" if file.version == newest else str(file.version)}


def _count_by(name: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"SELECT {quoted}, count(*) AS rows\nFROM data\nGROUP BY ALL\nORDER BY rows DESC\nLIMIT 100"


def _shown(columns: Sequence[ColumnProfile]) -> tuple[list[ColumnProfile], int]:
    """The columns the search finds, and the page of them to draw: at first the one with the address's column."""
    wanted = ""
    if len(columns) > SEARCH_FROM:
        wanted = st.text_input(
            "Find a column",
            placeholder=f"Find one of {wording.counted(len(columns), 'column')}",
            type="search",
            live=True,
            icon=":material/search:",
            label_visibility="collapsed",
            width=360,
            key="find-column",
        )
    found = matching(columns, wanted)
    if "columns-page" not in st.session_state:
        st.session_state["columns-page"] = page_with(found, st.query_params.get("col"))
    page = min(page_number(st.session_state["columns-page"]), max(1, -(-len(found) // PAGE)))
    if page != st.session_state["columns-page"]:
        st.session_state["columns-page"] = page
    return found, page


def matching(columns: Sequence[ColumnProfile], wanted: str) -> list[ColumnProfile]:
    """Those with `wanted` in their names, whatever its case; every word of it must be there."""
    words = wanted.casefold().split()
    return [column for column in columns if all(word in column.name.casefold() for word in words)]


def page_with(columns: Sequence[ColumnProfile], name: str | None) -> int:
    """The page that has the column of that name; the first where there is none."""
    return next((place // PAGE + 1 for place, column in enumerate(columns) if column.name == name), 1)


def _chosen(columns: Sequence[ColumnProfile], shown: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column the address names, wherever it is; the first one shown where it names none."""
    name = st.query_params.get("col")
    return next((column for column in columns if column.name == name), shown[0] if shown else None)


def _choose() -> None:
    name = st.session_state.get("column-list", {}).get("chosen")
    if isinstance(name, str):
        st.query_params["col"] = name


def _coverage(file: FileVersion, drawn: ProfileState) -> None:
    """What the numbers cover; while the whole is counted, how far that is, looked at again and again."""
    again = LOOK_AGAIN if drawn.status == "computing" else None
    st.fragment(_coverage_now, run_every=again, key="columns-coverage-now")(file.id, drawn)


def _coverage_now(file_id: uuid.UUID, drawn: ProfileState) -> None:
    # Of its own: what fails inside a fragment is shown by Streamlit before anything around it hears of it.
    with failures.shown("What the numbers cover cannot be told", key="coverage-failed"), st.container(gap="xxsmall"):
        _told_coverage(file_id, drawn)


def _told_coverage(file_id: uuid.UUID, drawn: ProfileState) -> None:
    state = drawn
    if drawn.status == "computing":
        state = services.current().profiles.state(current_caller(), file_id)
        if (state.status, state.profile is None) != (drawn.status, drawn.profile is None):
            draw_anew()
    profile = state.profile
    with st.container(key="columns-coverage", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":small[:gray[{wording.plain(coverage_line(state))}]]", width="content")
        if state.status == "computing":
            if st.button("Stop", type="tertiary", icon=":material/close:", key="stop-profile"):
                services.current().profiles.cancel(current_caller(), file_id)
                st.rerun()
        elif profile is not None and profile.partial:
            label = "Try again" if state.status == "failed" else "Count the whole file"
            if st.button(label, type="tertiary", icon=":material/refresh:", key="count-all"):
                services.current().profiles.recompute(current_caller(), file_id)
                st.rerun()
    if profile is not None:
        for hint in profile.hints:
            st.markdown(f":small[:orange[:material/info:] {wording.plain(hint.text)}]")
        if notes := notes_of(profile):
            st.markdown(f":small[:gray[{wording.plain(notes)}]]")


def notes_of(profile: Profile) -> str:
    """What else is to be known of the numbers."""
    notes = list(profile.notes)
    if len(profile.columns) < profile.column_count:
        notes.insert(0, f"The first {len(profile.columns):,} of {profile.column_count:,} columns were looked at.")
    return " ".join(notes)


def coverage_line(state: ProfileState) -> str:
    """`Counted over all 3,376 rows.`; while a first look stands there, how far the whole is."""
    percent = "" if state.progress is None else f", {100 * state.progress:.0f} %"
    if state.profile is None:
        return f"Counting the whole file{percent}"
    words = column_words.coverage(state.profile)
    if state.status == "computing":
        return f"{words}; counting the whole file{percent}"
    if state.status == "failed":
        return f"{words}. The whole could not be counted: {state.error or 'the reader stopped'}"
    return f"{words}."


def _nothing(file_id: uuid.UUID, state: ProfileState) -> None:
    """Why there are no columns to show, and the next step."""
    if state.status == "failed":
        try:
            services.current().previews.preview(current_caller(), file_id, rows=1)
        except (PreviewError, FileNotInStorage, CatalogError) as error:
            # Without rows there is nothing to count, and trying again would find no more.
            no_table(error)
            return
    empty = state.profile is not None
    title = "No columns" if empty else "The columns are not counted"
    reason = "The file has no columns." if empty else state.error or "Counting was stopped."
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**{title}**", width="content")
        st.markdown(f":gray[{wording.plain(reason)}]", width="content", text_alignment="center")
        label = "Count them" if state.status == "none" else "Try again"
        if not empty and st.button(label, icon=":material/refresh:", key="count-again"):
            services.current().profiles.recompute(current_caller(), file_id)
            st.rerun()
