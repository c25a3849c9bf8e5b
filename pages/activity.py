"""Activity, for admins: who did what to which dataset, from where and when; searched and filtered, and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

import services
from catalog.activity import ActivityPage, ActivityQuery
from catalog.activity_export import Format
from catalog.activity_groups import Group
from catalog.caller import Caller
from catalog.errors import InvalidQuery
from pages import failures, wording
from pages.identity import caller_of_run, now, zone
from pages.navigation import go
from pages.no_entry import for_admins
from pages.widgets.activity_list import activity_list

EXPORT = "/api/ml/v1/activity/export"
FORMATS: dict[str, Format] = {"CSV": "csv", "JSON Lines": "jsonl"}
SPANS = {"24 hours": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30), "All": None}
ANY_TIME = "All"
NAMES = {group: group.value.capitalize() for group in Group}
FILTERS = ("find", "kinds", "who", "span", "after", "dataset", "link")
"""What the address says of what is shown."""


def from_the_newest() -> None:
    """After a filter changed: the page that was open is another one now."""
    st.query_params.pop("after", None)


def show_all() -> None:
    for name in ("after", "dataset", "link"):
        st.query_params.pop(name, None)
    # The widgets take theirs out of the address themselves.
    st.session_state.update(find="", kinds=[], who=None, span=ANY_TIME)


def id_in_address(name: str) -> UUID | None:
    try:
        return UUID(st.query_params.get(name, ""))
    except ValueError:
        return None


def controls(people: Sequence[tuple[UUID, str]], at: datetime) -> ActivityQuery:
    with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
        find = st.text_input(
            "Search the activity",
            type="search",
            live=True,
            icon=":material/search:",
            placeholder="Search datasets, files, people, addresses",
            label_visibility="collapsed",
            width=340,
            key="find",
            bind="query-params",
            on_change=from_the_newest,
        )
        who = st.selectbox(
            "Person",
            [name for _, name in people],
            index=None,
            placeholder="Everybody",
            label_visibility="collapsed",
            width=180,
            key="who",
            bind="query-params",
            on_change=from_the_newest,
        )
        span = st.segmented_control(
            "Time",
            list(SPANS),
            default=ANY_TIME,
            required=True,
            label_visibility="collapsed",
            key="span",
            bind="query-params",
            on_change=from_the_newest,
        )
    kinds = st.pills(
        "Kinds",
        list(NAMES.values()),
        selection_mode="multi",
        label_visibility="collapsed",
        key="kinds",
        bind="query-params",
        on_change=from_the_newest,
    )
    groups = {name: group for group, name in NAMES.items()}
    length = SPANS[span or ANY_TIME]
    since = None if length is None else at.replace(second=0, microsecond=0) - length
    return ActivityQuery(
        q=find.strip(),
        person=who,
        groups=tuple(groups[name] for name in kinds),
        dataset_id=id_in_address("dataset"),
        link_id=id_in_address("link"),
        since=since,
        cursor=st.query_params.get("after"),
    )


def is_filtered(query: ActivityQuery) -> bool:
    return query != ActivityQuery(cursor=query.cursor)


def exports(query: ActivityQuery) -> dict[str, str]:
    """Addresses of what is shown, all of it, as files."""
    asked = {
        "q": query.q,
        "person": query.person,
        "group": [group.value for group in query.groups],
        "dataset_id": query.dataset_id,
        "link_id": query.link_id,
        "since": None if query.since is None else query.since.isoformat(),
    }
    given = {name: value for name, value in asked.items() if value}
    return {label: f"{EXPORT}?{urlencode({'format': form, **given}, doseq=True)}" for label, form in FORMATS.items()}


def nothing(query: ActivityQuery) -> None:
    with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
        if is_filtered(query) or query.cursor:
            st.markdown("**Nothing matches**", width="content")
            st.markdown(
                ":gray[Names of datasets, files and people, and addresses were searched.]",
                width="content",
                text_alignment="center",
            )
            st.button("Show all activity", key="show-all", on_click=show_all)
        else:
            st.markdown("**Nothing has happened yet**", width="content")
            st.markdown(
                ":gray[Sign-ins, uploads, downloads, shares, changes and deletions are written down here.]",
                width="content",
                text_alignment="center",
            )


def narrowed(query: ActivityQuery, page: ActivityPage) -> None:
    """What the address narrows it to, beside what the controls say."""
    if query.dataset_id is None and query.link_id is None:
        return
    named = next((one.dataset_name for one in page.items if one.dataset_name), None)
    what = f"“{wording.plain(named)}”" if query.dataset_id and named else "one dataset"
    with st.container(key="narrowed", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":gray[Only {'one link' if query.link_id else what}]", width="content")
        st.button("Show all activity", type="tertiary", key="widen", on_click=show_all)


def paging(page: ActivityPage, query: ActivityQuery) -> None:
    if page.next_cursor is None and query.cursor is None:
        return
    here = {name: st.query_params.get_all(name) for name in FILTERS if name != "after"}
    with st.container(key="paging", horizontal=True, gap="xsmall"):
        if query.cursor is not None and st.button("Newest", icon=":material/first_page:", key="newest"):
            go("/activity", **here)
        if page.next_cursor is not None and st.button("Older", icon=":material/chevron_right:", key="older"):
            go("/activity", after=page.next_cursor, **here)


def kept() -> str:
    days = services.current().settings.activity_days
    return f"kept for {wording.counted(days, 'day')}" if days else "kept for good"


def draw_activity(caller: Caller) -> None:
    running, at = services.current(), now()
    query = controls(running.activity.people(caller), at)
    try:
        page = running.activity.list(caller, query)
    except InvalidQuery as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        st.button("Show all activity", key="show-all", on_click=show_all)
        return
    narrowed(query, page)
    if not page.items:
        nothing(query)
        return
    summary = f"{'Older' if query.cursor else 'Newest first'} · {kept()} · export"
    activity_list(page.items, summary=summary, exports=exports(query), now=at, zone=zone(), key="activity-list")
    paging(page, query)


def draw() -> None:
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("Activity", anchor=False, width="stretch")
    with failures.shown("The activity cannot be read", key="activity"):
        draw_activity(caller_of_run())


if caller_of_run().is_admin:
    draw()
else:
    for_admins("Activity")
