"""Datasets: find one of many, open it, or take it along in one click."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import streamlit as st

import services
from catalog.caller import Caller
from catalog.listing import DatasetQuery
from catalog.views import DatasetPage
from pages import failures, listing, undo, wording
from pages.identity import caller_of_run, current_caller, now, zone
from pages.listing import MINE, Listing
from pages.navigation import draw_anew, go
from pages.widgets.dataset_list import dataset_list
from pages.widgets.uploader import uploader

HERE = Path(__file__).parent
FRESH = timedelta(minutes=10)
LOOK_AGAIN = timedelta(seconds=2)
SAMPLES = "Airports · Palmer penguins · Movies · Seattle weather · Flights with 3 M rows"


def first_page() -> None:
    """Another question begins at its first page."""
    st.session_state["page"] = 1


def clear() -> None:
    st.session_state.update(q="", format=None, tag=[], owner=None, page=1)


def head(caller: Caller, *, upload: bool) -> None:
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("Datasets", anchor=False, width="stretch")
        if lying := services.current().trash.count(caller):
            st.page_link(HERE / "trash.py", label=f"Trash · {lying:,}", icon=":material/delete:", width="content")
        if upload and st.button("Upload", icon=":material/upload:", type="primary", key="to-upload"):
            go("/upload")
    undo.line(undo.LIST)


def controls(caller: Caller) -> Listing:
    """The filter line; what it says is the address."""
    with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
        search = st.text_input(
            "Search datasets",
            type="search",
            live=True,
            icon=":material/search:",
            placeholder="Search names, columns, tags",
            label_visibility="collapsed",
            width=360,
            key="q",
            bind="query-params",
            on_change=first_page,
        )
        with st.container(key="formats", width="content"):
            chosen = st.pills(
                "Format",
                list(listing.FORMATS),
                label_visibility="collapsed",
                key="format",
                bind="query-params",
                on_change=first_page,
            )
        with st.container(key="arrange", horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            tags, owner = more_filters(caller)
            sort = st.selectbox(
                "Sort by",
                list(listing.SORTS),
                label_visibility="collapsed",
                width=145,
                key="sort",
                bind="query-params",
                on_change=first_page,
            )
    return Listing(
        search=search,
        format=chosen,
        tags=tags,
        owner=owner,
        sort=sort,
        page=listing.page_number(st.session_state.get("page") or st.query_params.get("page")),
    )


def more_filters(caller: Caller) -> tuple[tuple[str, ...], str | None]:
    """The popover: tags and, among several people, an owner. What there is to choose is only asked for while it is
    open, for counting tags is work on a large shelf."""
    chosen = list(st.session_state.get("tag") or st.query_params.get_all("tag"))
    whose = None if caller.alone else st.session_state.get("owner") or st.query_params.get("owner")
    count = len(chosen) + bool(whose)
    label = f"Filter · {count}" if count else "Filter"
    datasets = services.current().datasets
    owner = None
    with st.popover(label, icon=":material/filter_list:", key="filter", on_change="rerun") as popover:
        known = [tag for tag, _ in datasets.tags(caller)] if popover.open else []
        tags = st.multiselect(
            "Tags",
            list(dict.fromkeys([*chosen, *known])),
            placeholder="A dataset must have every tag chosen",
            width=300,
            key="tag",
            select_all=False,
            bind="query-params",
            on_change=first_page,
        )
        if not caller.alone:
            # The first of the names is the caller's own.
            others = datasets.owners(caller)[1:] if popover.open else ()
            owner = st.selectbox(
                "Owner",
                list(dict.fromkeys([MINE, *filter(None, [whose]), *others])),
                index=None,
                placeholder="Everyone",
                width=300,
                key="owner",
                bind="query-params",
                on_change=first_page,
            )
    return tuple(tags), owner


def rows(shown: Listing, page: DatasetPage) -> None:
    dataset_list(
        page.items,
        summary=f"{wording.counted(page.total, 'dataset')} · {wording.size(page.total_size)}",
        now=now(),
        zone=zone(),
        key="datasets",
    )
    pages = listing.pages(page.total)
    if pages == 1:
        return
    with st.container(key="paging", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.pagination(pages, key="page", bind="query-params", width=360)
        reach = shown.range(len(page.items), page.total)
        st.markdown(f":small[:gray[{reach}]]", width="stretch", text_alignment="right")


def others_have() -> None:
    """Where people signed in before and nobody does now: without a word, their datasets would seem lost."""
    caller = caller_of_run()
    count = services.current().datasets.of_others(caller) if caller.alone else 0
    if count:
        have = "belongs" if count == 1 else "belong"
        st.info(
            f"{wording.counted(count, 'dataset')} here {have} to people who sign in. With AUTH__MODE=none you see what "
            "was put here without signing in. Set AUTH__MODE back, or take them over: "
            "`python -m ops users hand-over NAME local`.",
            icon=":material/group:",
        )


def empty_shelf(caller: Caller) -> None:
    head(caller, upload=False)
    if not caller.writes:
        st.markdown(
            ":gray[Nothing here yet. What the team sees, or somebody shares with you, stands here. Your role is "
            "viewer; an admin can make you an editor, who uploads.]"
        )
        return
    st.markdown(":gray[Nothing on the shelf yet. Drop a file, look at its rows, hand out a link.]")
    uploader(key="first-upload")
    with st.container(key="samples", horizontal_alignment="center", gap="xsmall"):
        if st.button("Load 5 sample datasets", icon=":material/science:", key="load-samples"):
            with st.spinner("Putting five datasets on the shelf"):
                services.current().samples.load(caller)
            st.rerun()
        st.markdown(f":small[:gray[{SAMPLES}]]", width="content", text_alignment="center")


def nothing_found(shown: Listing, caller: Caller) -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown(f"**No dataset matches {wording.plain(shown.wanted())}**", width="content")
        st.markdown(
            ":gray[Names, descriptions, column names and tags were searched.]", width="content", text_alignment="center"
        )
        with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall"):
            st.button("Clear search", key="clear", on_click=clear)
            if caller.writes and st.button(
                "Upload a dataset", icon=":material/upload:", type="tertiary", key="upload-instead"
            ):
                go("/upload")


def changing(page: DatasetPage, caller: Caller) -> bool:
    """Whether the list will soon look different: files are on their way, or being read for the first time."""
    fresh = now() - FRESH
    unread = any(
        (item.rows is None or item.columns is None) and item.format != "other" and item.updated_at > fresh
        for item in page.items
    )
    return unread or bool(services.current().uploads.list(caller))


@st.fragment(run_every=LOOK_AGAIN, key="list-watch")
def watch(shown: Listing, page: DatasetPage) -> None:
    """Draw the list again once it has changed."""
    try:
        caller = current_caller()
        new = services.current().datasets.list(caller, shown.query(caller.name))
    except ConnectionError:
        return
    if new != page:
        draw_anew()


def failed_download() -> None:
    """Where a download came to nothing and no dataset is known to show it at: a deleted file, a mistyped address."""
    slug = st.query_params.get("error")
    if slug is None:
        return
    sentence = "It was deleted, or the address is mistyped. Look for its dataset below."
    if slug != "file-not-found":
        sentence = failures.download_sentence(slug)
    st.error(sentence, title="The file was not downloaded", icon=":material/error:")
    st.button("Dismiss", type="tertiary", key="dismiss", on_click=failures.forget_download)


def not_served(caller: Caller) -> None:
    """Datasets that stand in no list because no version of theirs is good: without a word they would seem lost."""
    found = services.current().datasets.not_served(caller)
    if not found.total:
        return
    one = found.total == 1
    st.warning(
        "Its stored bytes are not what was sent, or are gone. Its page says what can be done."
        if one
        else "Their stored bytes are not what was sent, or are gone. Each page says what can be done.",
        title=f"{wording.counted(found.total, 'dataset')} {'is' if one else 'are'} not served",
        icon=":material/warning:",
    )
    with st.container(key="not-served", horizontal=True, vertical_alignment="center", gap="xsmall"):
        for dataset_id, name in found.first:
            query = {"id": str(dataset_id)}
            st.page_link(
                HERE / "dataset.py",
                label=wording.plain(name),
                icon=":material/arrow_forward:",
                query_params=query,
                width="content",
            )
        if found.total > len(found.first):
            st.markdown(f":gray[and {found.total - len(found.first):,} more]", width="content")


def draw() -> None:
    failed_download()
    datasets, caller = services.current().datasets, caller_of_run()
    with failures.shown("The list cannot be read", key="list"):
        others_have()
        not_served(caller)
        if not datasets.list(caller, DatasetQuery(limit=1)).total:
            empty_shelf(caller)
            return
        head(caller, upload=caller.writes)
        shown = controls(caller)
        st.session_state["listing"] = shown.address()
        page = datasets.list(caller, shown.query(caller.name))
        if not page.items and page.total:
            # The address names a page past the end: datasets were deleted, or it was typed.
            shown = replace(shown, page=1)
            page = datasets.list(caller, shown.query(caller.name))
        if page.items:
            rows(shown, page)
            if changing(page, caller):
                watch(shown, page)
        else:
            nothing_found(shown, caller)


draw()
