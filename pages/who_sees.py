"""Who else sees a dataset: nobody, the team, people and groups by name; and giving it to another owner.

Every change is made at once; the list on the screen is what holds.
"""

from __future__ import annotations

import uuid

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import CatalogError
from catalog.people import NameView
from catalog.sharing import DatasetAccess, Level, SharedWith, ShareKind, Visibility
from catalog.views import DatasetDetail
from pages import failures, undo, wording
from pages.identity import current_caller
from pages.navigation import go, open_dialog
from pages.widgets.grant_list import GrantRow, changed, grant_list

LEVELS = {"reader": "Reader", "editor": "Editor"}
VISIBLE = {"private": "Private", "team": "Team"}
TOLD = {
    "private": "Only the owner and those named here see it.",
    "team": "Everybody who signs in can look at it and download it.",
}
MAY = "A reader looks and downloads. An editor also changes all but its name, adds versions and makes links."
MATCHES = 6
"""Names offered at once; more letters find the others."""
LIST = "grants"
FAILED = "who-sees-failed"


def who_sees(detail: DatasetDetail, *, may_change: bool) -> None:
    """Draw the part, which is drawn again by itself; `may_change` for the owner alone."""
    st.fragment(_part, key="who-sees")(detail, may_change=may_change)


def _part(detail: DatasetDetail, *, may_change: bool) -> None:
    with failures.shown("Who sees it cannot be read", key="who-sees-again"):
        caller = current_caller()
        access = services.current().sharing.get(caller, detail.summary.id)
        left, right = st.columns([1, 1.9], gap="large")
        with left, st.container(gap="xsmall"):
            st.subheader("Who sees it", anchor=False)
            if may_change:
                _visibility(detail, access)
                _add(detail, access, caller)
            else:
                st.markdown(f"{TOLD[access.visibility]} :gray[{owner_says(access)}]")
        with right, st.container(gap="xsmall"):
            st.subheader("People and groups", anchor=False)
            grant_list(
                rows(access, caller),
                levels=LEVELS,
                may_change=may_change,
                on_change=lambda: _change(detail),
                key=LIST,
            )
            if may_change:
                st.markdown(f":small[:gray[{MAY}]]")
            if (failed := st.session_state.pop(FAILED, None)) is not None:
                st.error(failed, icon=":material/error:")


def owner_says(access: DatasetAccess) -> str:
    """Who can change it, in Markdown."""
    return f"{wording.plain(access.owner)} owns it and says who does."


def rows(access: DatasetAccess, caller: Caller) -> list[GrantRow]:
    """The owner, the team where it is the team's, then those it is shared with."""
    owner = GrantRow("", "user", access.owner, shown="Owner", note="you" if access.owner == caller.name else "")
    team = [GrantRow("", "group", "Everybody who signs in", shown="Reader")] if access.visibility == "team" else []
    return [
        owner,
        *team,
        *(
            GrantRow(
                str(one.id),
                one.kind.value,
                one.name,
                level=one.level.value,
                shown=LEVELS[one.level],
                note="you" if one.id == caller.user_id else "",
            )
            for one in access.people
        ),
    ]


def _visibility(detail: DatasetDetail, access: DatasetAccess) -> None:
    st.session_state["visibility"] = access.visibility.value
    st.segmented_control(
        "Visibility",
        list(VISIBLE),
        required=True,
        format_func=VISIBLE.__getitem__,
        label_visibility="collapsed",
        key="visibility",
        on_change=lambda: _set(detail, visibility=Visibility(st.session_state["visibility"])),
    )
    st.markdown(f":small[:gray[{TOLD[access.visibility]}]]")


def _add(detail: DatasetDetail, access: DatasetAccess, caller: Caller) -> None:
    wanted = st.text_input(
        "Add people or groups",
        type="search",
        live=True,
        icon=":material/person_add:",
        placeholder="Type a name",
        key="find-people",
    )
    if not wanted.strip():
        return
    there = {one.id for one in access.people}
    found = services.current().people.names(caller, wanted)
    new = [one for one in found if one.id not in there]
    with st.container(key="found-people", gap=None):
        for one in new[:MATCHES]:
            st.button(
                wording.plain(one.name),
                icon=":material/group:" if one.kind == "group" else ":material/person:",
                type="tertiary",
                help="Add as reader",
                key=f"add-{one.id}",
                on_click=_added,
                args=(detail, one),
            )
        st.markdown(f":small[:gray[{found_line(wanted, len(found), len(new))}]]")


def found_line(wanted: str, found: int, new: int) -> str:
    """What there is to say of the names found, in Markdown: `new` of them do not see the dataset by name yet."""
    if new > MATCHES:
        return f"The first {MATCHES} names; type more of it to find the others."
    if new:
        return "Press a name to add it as reader."
    return "Named here already." if found else f"Nobody and no group has “{wording.plain(wanted)}” in the name."


def _added(detail: DatasetDetail, name: NameView) -> None:
    st.session_state["find-people"] = ""
    _regrant(detail, SharedWith(ShareKind(name.kind), name.id, Level.READER))


def _change(detail: DatasetDetail) -> None:
    change = changed(LIST)
    if change is None:
        return
    try:
        kind, id_ = ShareKind(change.kind), uuid.UUID(change.id)
        _regrant(detail, SharedWith(kind, id_, Level(change.level or "reader")), gone=not change.level)
    except ValueError:
        return  # no button of this page says so


def _regrant(detail: DatasetDetail, one: SharedWith, *, gone: bool = False) -> None:
    """Give `one` what it says, or take it away; the others stay as they are at this moment."""
    try:
        people = services.current().sharing.get(current_caller(), detail.summary.id).people
    except (CatalogError, ConnectionError) as error:
        _failed(error)
        return
    others = [other for other in people if (other.kind, other.id) != (one.kind, one.id)]
    _set(detail, people=others if gone else [*others, one])


def _set(
    detail: DatasetDetail, *, visibility: Visibility | None = None, people: list[SharedWith] | None = None
) -> None:
    try:
        services.current().sharing.set(current_caller(), detail.summary.id, visibility=visibility, people=people)
    except (CatalogError, ConnectionError) as error:
        _failed(error)


def _failed(error: Exception) -> None:
    sentence = "The database does not answer. Nothing was changed; try again in a moment."
    st.session_state[FAILED] = wording.plain(str(error)) if isinstance(error, CatalogError) else sentence


def hand_over(detail: DatasetDetail) -> None:
    """Ask whom to give the dataset to."""
    open_dialog(f"Hand over {wording.plain(detail.summary.name)}", _ask_to_hand_over, detail)


def _ask_to_hand_over(detail: DatasetDetail) -> None:
    st.markdown(
        "The new owner decides who sees it, and only they can delete it. You keep what everybody has: nothing where it "
        "is private. The links you made to it end; those of others go on."
    )
    wanted = st.text_input(
        "New owner", type="search", live=True, placeholder="Type a name", key="find-owner", autocomplete="off"
    )
    people = [one for one in services.current().people.names(current_caller(), wanted) if one.kind == "user"]
    chosen = None
    if people:
        chosen = st.radio(
            "People",
            people[:MATCHES],
            format_func=lambda one: wording.plain(one.name),
            index=None,
            label_visibility="collapsed",
            key="new-owner",
        )
    elif wanted.strip():
        st.markdown(f":small[:gray[Nobody has “{wording.plain(wanted)}” in the name.]]")
    else:
        st.markdown(":small[:gray[There is nobody else here yet.]]")
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Keep it", key="keep"):
            st.rerun()
        sure = st.button("Hand over", type="primary", disabled=chosen is None, key="really")
    if sure and chosen is not None:
        _hand_over(detail, chosen)


def _hand_over(detail: DatasetDetail, to: NameView) -> None:
    try:
        services.current().sharing.hand_over(current_caller(), detail.summary.id, str(to.id))
    except CatalogError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    except ConnectionError:
        st.error(
            "The database does not answer. Nothing was changed; try again in a moment.", icon=":material/cloud_off:"
        )
        return
    name = wording.plain(detail.summary.name)
    undo.tell(undo.Told(undo.LIST, f"“{name}” belongs to {wording.plain(to.name)} now."))
    go("/", **st.session_state.get("listing", {}))
