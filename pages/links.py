"""Shared links: every address given to people without an account, what it is good for still, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

import services
from catalog.caller import Caller
from catalog.share_links import ShareLinkView
from pages import failures, link_acts, link_words, wording
from pages.identity import base_url, caller_of_run, now, zone
from pages.listing import page_number
from pages.navigation import go
from pages.request_links import request_links
from pages.widgets.link_list import link_list

SHOWS = ("Active", "Ended", "All")
PAGE = 50
PLACE = "links"
LIST = "link-list"
HEADS = ("Downloads", "Expires", "Last used")


def matching(links: Sequence[ShareLinkView], wanted: str) -> list[ShareLinkView]:
    """Those with every word of `wanted` in whom they are for, their dataset, who made them or their address."""
    words = wanted.casefold().split()
    return [
        link
        for link in links
        if all(word in f"{link.note} {link.dataset_name} {link.owner} {link.url or ''}".casefold() for word in words)
    ]


def shown_as(links: Sequence[ShareLinkView], show: str) -> list[ShareLinkView]:
    """Of `links` the ones that work, the ones that do not any more, or all."""
    if show == "All":
        return list(links)
    return [link for link in links if (link.state == "active") == (show == "Active")]


def asked_show() -> str:
    """The part the address asks for."""
    asked = st.query_params.get("show", "").capitalize()
    return asked if asked in SHOWS else SHOWS[0]


def choose_show() -> None:
    st.session_state["page"] = 1
    if (chosen := st.session_state["show-links"]) == SHOWS[0]:
        st.query_params.pop("show", None)
    else:
        st.query_params["show"] = chosen.lower()


def first_page() -> None:
    st.session_state["page"] = 1


def controls(links: Sequence[ShareLinkView]) -> tuple[str, str]:
    """What is searched for, and the part shown."""
    with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
        wanted = st.text_input(
            "Search links",
            type="search",
            live=True,
            icon=":material/search:",
            placeholder="Search links and datasets",
            label_visibility="collapsed",
            width=320,
            key="find",
            bind="query-params",
            on_change=first_page,
        )
        found = matching(links, wanted)
        # The address decides; the widget only shows it.
        st.session_state["show-links"] = asked_show()
        with st.container(key="shows", width="content"):
            show = st.segmented_control(
                "Which links",
                SHOWS,
                required=True,
                format_func=lambda one: f"{one} {len(shown_as(found, one)):,}",
                label_visibility="collapsed",
                key="show-links",
                on_change=choose_show,
            )
    return wanted, show or SHOWS[0]


def act() -> None:
    link_acts.act(PLACE, LIST)


def rows(links: Sequence[ShareLinkView], show: str, caller: Caller) -> None:
    pages = max(1, -(-len(links) // PAGE))
    page = min(page_number(st.session_state.get("page") or st.query_params.get("page")), pages)
    base, at, here = base_url(), now(), zone()
    adjective = "" if show == "All" else f"{show.lower()} "
    link_list(
        [
            link_words.row(link, base=base, caller=caller.name, now=at, zone=here, may_change=caller.writes)
            for link in links[(page - 1) * PAGE : page * PAGE]
        ],
        summary=wording.counted(len(links), f"{adjective}link"),
        heads=HEADS,
        on_act=act,
        label="Shared links",
        key=LIST,
    )
    if pages > 1:
        with st.container(key="paging", horizontal=True):
            st.pagination(pages, key="page", bind="query-params", width=360)


def no_links(caller: Caller) -> None:
    said = (
        "Open a dataset and press Share: whoever has the link can download it, without an account, as long as you say."
        if caller.writes
        else "Your role is viewer, which makes no links. An admin can make you an editor."
    )
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        st.markdown("**No links yet**", width="content")
        st.markdown(
            f":gray[{said}]",
            width="content",
            text_alignment="center",
        )
        if st.button("Show all datasets", key="show-all"):
            go("/")


def clear() -> None:
    st.session_state["find"] = ""
    first_page()


def show_everything() -> None:
    clear()
    st.query_params["show"] = "all"


def none_here(wanted: str, show: str) -> None:
    """Why the list is empty, with the way to what there is."""
    with st.container(key="nothing-here", horizontal_alignment="center", gap="xsmall"):
        if wanted.strip():
            which = "link" if show == "All" else f"{show.lower()} link"
            st.markdown(f"**No {which} matches “{wording.plain(wanted)}”**", width="content")
            st.markdown(
                ":gray[Whom links are for, their datasets and their addresses were searched.]",
                width="content",
                text_alignment="center",
            )
            with st.container(horizontal=True, horizontal_alignment="center", gap="xsmall"):
                st.button("Clear search", key="clear", on_click=clear)
                if show != "All":
                    st.button("Search all links", type="tertiary", key="search-all", on_click=search_all)
        else:
            st.markdown(f"**No {show.lower()} links**", width="content")
            st.button("Show all links", key="show-everything", on_click=show_everything)


def search_all() -> None:
    first_page()
    st.query_params["show"] = "all"


def share_links(caller: Caller) -> None:
    page = services.current().shares.page(caller)
    links = page.items
    link_acts.said(PLACE)
    if not links:
        no_links(caller)
        return
    wanted, show = controls(links)
    found = shown_as(matching(links, wanted), show)
    if found:
        rows(found, show, caller)
    else:
        none_here(wanted, show)
    if page.next_cursor is not None:
        st.caption(f"These are the newest {len(links):,} links. Older ones are on their datasets’ Share tabs.")


def draw() -> None:
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("Shared links", anchor=False, width="stretch")
    caller = caller_of_run()
    with failures.shown("The links cannot be read", key="links"):
        share_links(caller)
    with failures.shown("The upload requests cannot be read", key="requests"):
        request_links(caller)


draw()
