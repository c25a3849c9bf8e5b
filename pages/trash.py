"""Trash: what was deleted, putting it back, and removing it for good."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

import streamlit as st

import services
from catalog.errors import NotAllowed, NotInTrash, ReadOnly
from catalog.trash import TrashPage
from catalog.trash_items import TrashItem
from pages import failures, undo, wording
from pages.identity import caller_of_run, current_caller, now, zone
from pages.listing import page_number
from pages.navigation import go, open_dialog
from pages.undo import Told, tell
from pages.widgets.trash_list import trash_list

HERE = Path(__file__).parent
PLACE = "trash"
PAGE_SIZE = 50
ASKED = "purge-asked"


def back() -> None:
    with st.container(key="back"):
        st.page_link(
            HERE / "datasets.py",
            label="Datasets",
            icon=":material/arrow_back:",
            query_params=st.session_state.get("listing"),
        )


def rests() -> str:
    days = services.current().settings.trash_days
    if not days:
        return "What is deleted is removed at once; what was deleted before goes within the hour."
    return f"What is deleted rests here for {wording.counted(days, 'day')}, then it is removed for good."


def called(item: TrashItem) -> str:
    """In Markdown: `“Airports”`, `Version 2 of “Airports”`."""
    name = f"“{wording.plain(item.name)}”"
    return name if item.version is None else f"Version {item.version} of {name}"


def wanted(slot: str) -> uuid.UUID:
    return uuid.UUID(str(st.session_state["trash"][slot]))


def restore() -> None:
    undo.restore(PLACE, wanted("restore"))


def ask_about() -> None:
    st.session_state[ASKED] = wanted("purge")


def ask_to_purge(item: TrashItem) -> None:
    what = f"{wording.size(item.size)}, is removed from the store."
    if item.version is None:
        what = f"{'Its only version' if item.versions == 1 else f'All {item.versions} versions'}, {what}"
    else:
        what = f"{wording.plain(item.file_name)}, {what}"
    st.markdown(f"{what} This cannot be undone.")
    if answered("Delete for good"):
        try:
            services.current().trash.purge(current_caller(), item.id)
        except (NotInTrash, NotAllowed, ReadOnly) as error:
            tell(Told(PLACE, wording.plain(str(error))))
        except ConnectionError:
            no_database()
            return
        else:
            tell(Told(PLACE, f"{called(item)} was deleted for good."))
        st.rerun()


def ask_to_empty(asked: tuple[TrashPage, datetime]) -> None:
    """Of what lay there at a moment: what is deleted while the question stands was not asked about."""
    page, until = asked
    what = wording.counted(page.total, "item")
    what = (
        f"{what}, {wording.size(page.total_size)} in all, {'is' if page.total == 1 else 'are'} removed from the store."
    )
    if not caller_of_run().alone:
        # Of what others own and the caller may change, nothing goes.
        what = "Everything here that was deleted from your own datasets is removed from the store."
    st.markdown(f"{what} This cannot be undone.")
    if answered("Empty Trash"):
        try:
            with st.spinner("Removing what is there"):
                gone = services.current().trash.empty(current_caller(), until=until)
        except ReadOnly as error:
            tell(Told(PLACE, wording.plain(str(error))))
            st.rerun()
        except ConnectionError:
            no_database()
            return
        tell(Told(PLACE, f"{wording.counted(gone, 'item')} {'was' if gone == 1 else 'were'} deleted for good."))
        st.rerun()


def answered(yes: str) -> bool:
    """Two buttons; whether it is to be done."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Keep", key="keep"):
            st.rerun()
        return st.button(yes, type="primary", key="really")


def no_database() -> None:
    st.error("The database does not answer. Nothing was deleted; try again in a moment.", icon=":material/cloud_off:")


def nothing() -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown("**Nothing in the Trash**", width="content")
        st.markdown(f":gray[{rests()}]", width="content", text_alignment="center")
        if st.button("Show all datasets", key="show-all"):
            go("/")


def rows(page: TrashPage, *, may_change: bool) -> None:
    trash_list(
        page.items,
        summary=f"{wording.counted(page.total, 'item')} · {wording.size(page.total_size)}",
        now=now(),
        zone=zone(),
        may_change=may_change,
        on_restore=restore,
        on_purge=ask_about,
        key="trash",
    )
    pages = max(1, -(-page.total // PAGE_SIZE))
    if pages > 1:
        with st.container(key="paging", horizontal=True):
            st.pagination(pages, key="page", bind="query-params", width=360)


def draw() -> None:
    back()
    with failures.shown("The Trash cannot be read", key="trash-failed"):
        trash, caller = services.current().trash, caller_of_run()
        number = page_number(st.session_state.get("page") or st.query_params.get("page"))
        page = trash.list(caller, skip=(number - 1) * PAGE_SIZE, most=PAGE_SIZE)
        if not page.items and page.total:
            page = trash.list(caller, most=PAGE_SIZE)
        empty = False
        with st.container(key="head", horizontal=True, vertical_alignment="center"):
            st.title("Trash", anchor=False, width="stretch")
            if caller.writes and any(item.owner is None for item in page.items):
                empty = st.button("Empty Trash", icon=":material/delete_forever:", key="empty-trash")
        undo.line(PLACE)
        if not page.items:
            nothing()
            return
        st.markdown(f":gray[{rests()}]")
        rows(page, may_change=caller.writes)
        asked = st.session_state.pop(ASKED, None)
        if empty:
            open_dialog("Empty the Trash?", ask_to_empty, (page, now()))
        for item in page.items:
            if item.id == asked:
                open_dialog(f"Delete {called(item)} for good?", ask_to_purge, item)


draw()
