"""People, for admins: who may come in and as what, and the groups that datasets are shared with."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

import services
from catalog.errors import AdminsOnly
from catalog.people import GroupView, PersonView
from pages import failures, people_acts, undo, wording
from pages.identity import caller_of_run, now, zone
from pages.no_entry import for_admins
from pages.widgets.people_list import group_list, people_list

ASKED = "people-asked"
"""Which row was pressed, and for what, until its dialog is open."""
HOW_THEY_COME = {
    "oidc": "People appear here when they first sign in with your provider, with the role that their groups give them.",
    "header": "People appear here when your proxy first names them, with the role that their groups give them.",
}


def pressed(what: str, key: str) -> None:
    name = what.rpartition("-")[2]
    st.session_state[ASKED] = (what, UUID(str(st.session_state[key][name])))


def found(people: Sequence[PersonView], search: str) -> list[PersonView]:
    """Those in whose name or address every word of the search stands."""
    words = search.casefold().split()
    return [one for one in people if all(word in f"{one.name} {one.email or ''}".casefold() for word in words)]


def draw_people(people: Sequence[PersonView], groups: Sequence[GroupView], search: str) -> None:
    shown = found(people, search)
    if not shown:
        with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
            st.markdown(f"**Nobody matches “{wording.plain(search)}”**", width="content")
            st.markdown(":gray[Names and e-mail addresses were searched.]", width="content")
        return
    of: dict[UUID, list[str]] = {}
    for group in groups:
        for member in group.members:
            of.setdefault(member.id, []).append(group.name)
    me = caller_of_run().user_id
    people_list(
        shown, of, me=me, now=now(), zone=zone(), on_edit=lambda: pressed("person-edit", "people"), key="people"
    )


def draw_groups(groups: Sequence[GroupView]) -> None:
    if not groups:
        with st.container(key="nothing", horizontal_alignment="center", gap="xsmall"):
            st.markdown("**No groups yet**", width="content")
            st.markdown(":gray[A dataset shared with a group is shared with everybody in it.]", width="content")
        return
    group_list(
        groups,
        on_edit=lambda: pressed("group-edit", "groups"),
        on_delete=lambda: pressed("group-delete", "groups"),
        key="groups",
    )


def open_asked(people: Sequence[PersonView], groups: Sequence[GroupView]) -> None:
    what, wanted = st.session_state.pop(ASKED, (None, None))
    person = next((one for one in people if one.id == wanted), None)
    group = next((one for one in groups if one.id == wanted), None)
    if what == "person-edit" and person is not None:
        people_acts.edit_person(person, people)
    if what == "group-edit" and group is not None:
        people_acts.edit_group(group, people)
    if what == "group-delete" and group is not None:
        people_acts.delete_group(group)


def draw() -> None:
    running, caller = services.current(), caller_of_run()
    mode = running.settings.auth.mode
    with failures.shown("The people cannot be read", key="people-failed"):
        try:
            people, groups = running.people.list(caller), running.people.groups(caller)
        except AdminsOnly:
            for_admins("People")
            return
        add = None
        with st.container(key="head", horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.title("People", anchor=False, width="stretch")
            if st.button("Add a group", icon=":material/group_add:", key="add-group"):
                add = "group"
            if mode == "password" and st.button(
                "Add a person", icon=":material/person_add:", type="primary", key="add-person"
            ):
                add = "person"
        undo.line(people_acts.PLACE)
        if mode in HOW_THEY_COME:
            st.markdown(f":gray[{HOW_THEY_COME[mode]}]")
        with st.container(key="filters", horizontal=True, vertical_alignment="center", gap="small"):
            search = st.text_input(
                "Search people",
                type="search",
                live=True,
                icon=":material/search:",
                placeholder="Search names and addresses",
                label_visibility="collapsed",
                width=320,
                key="who",
                bind="query-params",
            )
            part = st.segmented_control(
                "Show",
                ["People", "Groups"],
                default="People",
                required=True,
                label_visibility="collapsed",
                key="part",
                bind="query-params",
            )
        if part == "Groups":
            draw_groups(groups)
        else:
            draw_people(people, groups, search)
        if add == "person":
            people_acts.add_person()
        elif add == "group":
            people_acts.add_group(people)
        else:
            open_asked(people, groups)


draw()
