"""Dialogs of the Account screen: making and revoking tokens, signing other browsers out, name and password."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import SessionNotFound, TokenNotFound
from catalog.people import Role, SelfView
from catalog.sessions import SessionView
from catalog.tokens import LONGEST_NAME, Scope, TokenView
from pages import wording
from pages.failures import done
from pages.identity import current_caller
from pages.navigation import open_dialog
from pages.undo import Told, tell
from settings import SHORTEST_PASSWORD

PLACE = "account"
"""Where what was done is told."""
SECRET = "new-token"  # noqa: S105  # the name it is kept under
LIVES = {
    "30 days": timedelta(days=30),
    "90 days": timedelta(days=90),
    "a year": timedelta(days=365),
    "until I revoke it": None,
}
SCOPES = {Scope.READ: "Read", Scope.WRITE: "Read and write"}
WHAT_IT_MAY = {
    Scope.READ: "Lists, previews, queries and downloads what you may see.",
    Scope.WRITE: "Also uploads, changes, shares and deletes, as you may.",
}


def begin() -> None:
    """Of a whole run, in which no dialog is open: a secret that was shown is forgotten."""
    st.session_state.pop(SECRET, None)


def make_token(caller: Caller) -> None:
    open_dialog("Make a token", _make_token, caller, width="medium")


def revoke_token(token: TokenView) -> None:
    open_dialog(f"Revoke “{wording.plain(token.name)}”?", _revoke_token, token)


def end_sessions(sessions: Sequence[SessionView]) -> None:
    title = "Sign that browser out?" if len(sessions) == 1 else f"Sign {len(sessions):,} browsers out?"
    open_dialog(title, _end_sessions, sessions)


def change_name(me: SelfView) -> None:
    open_dialog("Change your name", _change_name, me)


def change_password() -> None:
    open_dialog("Change your password", _change_password, None)


def _make_token(caller: Caller) -> None:
    if SECRET in st.session_state:
        _show_secret(st.session_state[SECRET])
        return
    name = st.text_input("Name", max_chars=LONGEST_NAME, key="token-name", placeholder="Where it will be used")
    if caller.role is Role.VIEWER and not caller.alone:
        scope = Scope.READ
    else:
        scope = st.segmented_control(
            "It may", list(SCOPES), default=Scope.READ, required=True, format_func=lambda one: SCOPES[one], key="scope"
        )
    st.markdown(f":small[:gray[{WHAT_IT_MAY[Scope(scope)]}]]")
    life = st.segmented_control("It works", list(LIVES), default="90 days", required=True, key="token-life")
    if not st.button("Make it", type="primary", key="token-make"):
        return

    def make() -> None:
        _, st.session_state[SECRET] = services.current().tokens.create(
            current_caller(), name, Scope(scope), expires_in=LIVES[life]
        )

    if done(make):
        st.rerun(scope="fragment")


def _show_secret(secret: str) -> None:
    st.markdown("Copy it now: it is not shown again.")
    st.code(secret, language=None, wrap_lines=True)
    st.markdown(":small[:gray[In a shell, for the snippets and for `python -m ops push`:]]")
    st.code(f"export DATASHELF_TOKEN={secret}", language=None, wrap_lines=True)
    if st.button("Done", type="primary", key="token-done"):
        st.rerun()


def _answered(yes: str) -> bool:
    """Two buttons; whether it is to be done."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Keep", key="keep"):
            st.rerun()
        return st.button(yes, type="primary", key="really")


def _revoke_token(token: TokenView) -> None:
    st.markdown(f"Whatever signs in with ds\\_…{wording.plain(token.hint)} is refused from now on.")
    if not _answered("Revoke"):
        return

    def revoke() -> None:
        try:
            services.current().tokens.revoke(current_caller(), token.id)
        except TokenNotFound:
            # Somebody was faster, in another tab; it is what was wanted.
            return

    if done(revoke):
        tell(Told(PLACE, f"“{wording.plain(token.name)}” was revoked."))
        st.rerun()


def _end_sessions(sessions: Sequence[SessionView]) -> None:
    st.markdown("It is out at its next move." if len(sessions) == 1 else "They are out at their next move.")
    if not _answered("Sign out"):
        return

    def end() -> None:
        caller = current_caller()
        for session in sessions:
            try:
                services.current().sessions.revoke(caller, session.id)
            except SessionNotFound:
                continue

    if done(end):
        tell(Told(PLACE, f"{wording.counted(len(sessions), 'browser')} signed out."))
        st.rerun()


def _change_name(me: SelfView) -> None:
    name = st.text_input("Name", value=me.name, max_chars=100, key="my-name")
    if st.button("Save", type="primary", key="save-name") and done(
        lambda: services.current().people.rename_me(current_caller(), name)
    ):
        tell(Told(PLACE, f"You are {wording.plain(name)} now."))
        st.rerun()


def _change_password(_: None) -> None:
    with st.form("password-form", border=False):
        old = st.text_input("Your password of now", type="password", key="old", autocomplete="current-password")
        new = st.text_input(
            f"A new one, of at least {SHORTEST_PASSWORD} characters",
            type="password",
            key="new",
            autocomplete="new-password",
        )
        again = st.text_input("The new one again", type="password", key="again", autocomplete="new-password")
        st.markdown(":small[:gray[Every other browser of yours is signed out.]]")
        wanted = st.form_submit_button("Change password", type="primary")
    if not wanted:
        return
    if new != again:
        st.error("The two new passwords differ. Nothing was changed.", icon=":material/error:")
        return
    if done(lambda: services.current().sign_in.change_password(current_caller(), old, new)):
        for name in ("old", "new", "again"):
            st.session_state.pop(name, None)
        tell(Told(PLACE, "Your password was changed; every other browser was signed out."))
        st.rerun()
