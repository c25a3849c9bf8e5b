"""Dialogs of the People screen: adding and changing a person, a group, and handing over what somebody left."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

import services
from catalog.people import GroupView, PersonView, Role
from catalog.sign_in import LINK_LIFE
from pages import wording
from pages.failures import done
from pages.identity import base_url, current_caller, now, zone
from pages.navigation import open_dialog
from pages.undo import Told, tell

PLACE = "people"
"""Where what was done is told."""
LINK = "password-link"
ROLES = [Role.VIEWER, Role.EDITOR, Role.ADMIN]
WHAT_THEY_MAY = {
    Role.VIEWER: "Looks at what is shared with them and downloads it.",
    Role.EDITOR: "Also uploads, shares and hands out links.",
    Role.ADMIN: "Also runs the shelf: people, storage, activity. Sees nobody’s private datasets.",
}


def add_person() -> None:
    st.session_state.pop(LINK, None)
    open_dialog("Add a person", _add_person, None)


def edit_person(person: PersonView, people: Sequence[PersonView]) -> None:
    st.session_state.pop(LINK, None)
    open_dialog(wording.plain(person.name), _edit_person, (person, people))


def add_group(people: Sequence[PersonView]) -> None:
    open_dialog("Add a group", _edit_group, (None, people))


def edit_group(group: GroupView, people: Sequence[PersonView]) -> None:
    open_dialog(wording.plain(group.name), _edit_group, (group, people))


def delete_group(group: GroupView) -> None:
    open_dialog(f"Delete {wording.plain(group.name)}?", _delete_group, group)


def _role(value: Role) -> Role:
    chosen = st.segmented_control(
        "Role", ROLES, default=value, required=True, format_func=lambda role: role.value.capitalize(), key="person-role"
    )
    st.markdown(f":small[:gray[{WHAT_THEY_MAY[Role(chosen)]}]]")
    return Role(chosen)


def _show_link(name: str) -> None:
    """The link by which somebody chooses a password, where one was just made."""
    secret = st.session_state.get(LINK)
    if secret is None:
        return
    until = wording.moment(now() + LINK_LIFE, zone=zone())
    st.markdown(f"Send {wording.plain(name)} this link. It works once, until {until}, and is not shown again.")
    st.code(f"{base_url()}/set-password?token={secret}", language=None, wrap_lines=True)


def _add_person(_: None) -> None:
    if LINK in st.session_state:
        _show_link(st.session_state.get("person-name", "them"))
        if st.button("Done", type="primary", key="link-sent"):
            st.rerun()
        return
    name = st.text_input("Name", max_chars=100, key="person-name", placeholder="As others see them")
    email = st.text_input("E-mail", max_chars=254, key="person-email", placeholder="To sign in with")
    role = _role(Role.EDITOR)
    if not st.button("Add", type="primary", key="person-add"):
        return

    def add() -> None:
        _, st.session_state[LINK] = services.current().people.create(
            current_caller(), name=name, email=email, role=role
        )

    if done(add):
        tell(Told(PLACE, f"{wording.plain(name)} was added."))
        if st.session_state[LINK] is None:
            del st.session_state[LINK]
            st.rerun()
        st.rerun(scope="fragment")


def _edit_person(about: tuple[PersonView, Sequence[PersonView]]) -> None:
    person, people = about
    running = services.current()
    name = st.text_input("Name", value=person.name, max_chars=100, key="person-name")
    email = st.text_input("E-mail", value=person.email or "", max_chars=254, key="person-email")
    role = _role(person.role)
    may_come = st.toggle("May come in", value=person.disabled_at is None, key="person-enabled")
    if not may_come and person.disabled_at is None:
        st.markdown(":small[:gray[They are signed out everywhere at once, and their tokens and links stop.]]")
    if st.button("Save", type="primary", key="person-save") and done(
        lambda: running.people.change(
            current_caller(),
            person.id,
            name=name,
            email=email if email.strip() or person.email else None,
            role=role,
            disabled=not may_come,
        )
    ):
        tell(Told(PLACE, f"{wording.plain(name)} was changed."))
        st.rerun()
    if running.settings.auth.mode == "password" and person.disabled_at is None:
        _password_link(person)
    if person.datasets:
        _hand_over(person, [one for one in people if one.id != person.id and one.disabled_at is None])


def _password_link(person: PersonView) -> None:
    label = "Make a link for a new password" if person.has_password else "Make a link for a password"
    if st.button(label, icon=":material/key:", type="tertiary", key="person-link"):

        def make() -> None:
            st.session_state[LINK] = services.current().people.password_link(current_caller(), person.id)

        done(make)
    _show_link(person.name)


def _hand_over(person: PersonView, others: Sequence[PersonView]) -> None:
    if not others:
        return
    names = {one.id: one.name for one in others}
    with st.expander(f"Hand over {wording.counted(person.datasets, 'dataset')}", key="person-hand-over"):
        to = st.selectbox(
            "To", list(names), index=None, format_func=lambda one: names[one], placeholder="Choose a person", key="to"
        )
        st.markdown(
            ":small[:gray[What they have in the trash goes along, and the links they made end. A name that is taken "
            "there gets a number.]]"
        )
        if st.button("Hand over", disabled=to is None, key="hand-over") and to is not None:
            moved: list[int] = []
            if done(lambda: moved.append(_give_all(person.id, to))):
                what = wording.counted(moved[0], "dataset")
                tell(Told(PLACE, f"{wording.plain(names[to])} has {what} of {wording.plain(person.name)} now."))
                st.rerun()


def _give_all(from_id: UUID, to_id: UUID) -> int:
    return services.current().people.hand_over_all(current_caller(), from_id, to_id)


def _edit_group(about: tuple[GroupView | None, Sequence[PersonView]]) -> None:
    group, people = about
    names = {one.id: one.name for one in people}
    name = st.text_input("Name", value=group.name if group else "", max_chars=100, key="group-name")
    # Above the button: the list of people opens downwards and would lie over it.
    members = st.multiselect(
        "People",
        list(names),
        default=[member.id for member in group.members if member.id in names] if group else [],
        format_func=lambda one: names[one],
        placeholder="Choose people",
        key="group-members",
    )
    if not st.button("Save" if group else "Add", type="primary", key="group-save"):
        return
    running = services.current()
    if group is None:
        saved = done(lambda: running.people.create_group(current_caller(), name, members))
    else:
        saved = done(lambda: running.people.change_group(current_caller(), group.id, name=name, members=members))
    if saved:
        tell(Told(PLACE, f"Group {wording.plain(name)} was {'changed' if group else 'added'}."))
        st.rerun()


def _delete_group(group: GroupView) -> None:
    st.markdown("What is shared with it is shared with its people no more. The people and the datasets stay.")
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Keep it", key="keep"):
            st.rerun()
        sure = st.button("Delete", type="primary", key="delete")
    if sure and done(lambda: services.current().people.delete_group(current_caller(), group.id)):
        tell(Told(PLACE, f"Group {wording.plain(group.name)} was deleted."))
        st.rerun()
