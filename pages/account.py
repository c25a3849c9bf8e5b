"""Account: what is the caller's own here: name and password, API tokens, and where they are signed in."""

from __future__ import annotations

from html import escape

import streamlit as st

import services
from catalog.caller import Caller
from catalog.people import SelfView
from catalog.sessions import SessionView
from catalog.tokens import TokenView
from pages import account_acts, failures, undo, wording
from pages.account_menu import ROLES
from pages.activity_words import agent_name
from pages.identity import caller_of_run, now, zone


def head(me: SelfView) -> None:
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.title("API tokens" if me.alone else "Account", anchor=False, width="stretch")
    if me.alone:
        return
    known = [me.name, ROLES[me.role.value], me.email or "", *(f"in {group}" for group in me.groups)]
    # No Markdown, which makes a link of an e-mail address.
    st.html(f'<p class="ds-self">{escape(" · ".join(one for one in known if one))}</p>')


def token_words(token: TokenView) -> str:
    """`ds_…x7Qa · last used 2 min ago · expires in 6 days`."""
    at, here = now(), zone()
    used = (
        "never used"
        if token.last_used_at is None
        else f"last used {wording.ago(token.last_used_at, now=at, zone=here)}"
    )
    if token.expires_at is None:
        ends = "does not expire"
    elif token.expires_at <= at:
        ends = "expired"
    else:
        ends = f"expires {wording.ahead(token.expires_at, now=at, zone=here)}"
    return f"ds_…{token.hint} · made {wording.ago(token.created_at, now=at, zone=here)} · {used} · {ends}"


def token_row(token: TokenView) -> None:
    badges = [":gray-badge[read]" if token.scope.value == "read" else ":gray-badge[read and write]"]
    if token.expires_at is not None and token.expires_at <= now():
        badges.append(":orange-badge[expired]")
    with st.container(key=f"row-token-{token.id}", horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(key=f"main-token-{token.id}", gap=None):
            st.markdown(f"**{wording.plain(token.name)}** {' '.join(badges)}")
            st.markdown(f":small[:gray[{wording.plain(token_words(token))}]]")
        if st.button("Revoke", type="tertiary", key=f"revoke-{token.id}", help=f"Revoke {wording.plain(token.name)}"):
            account_acts.revoke_token(token)


def tokens(caller: Caller) -> None:
    found = services.current().tokens.list(caller)
    with st.container(key="tokens-head", horizontal=True, vertical_alignment="center"):
        if not caller.alone:
            st.header("API tokens", anchor=False, width="stretch")
        if st.button("Make a token", icon=":material/key:", type="primary", key="make-token"):
            account_acts.make_token(caller)
    st.markdown(
        ":gray[Notebooks, scripts and `python -m ops push` sign in with one, from the variable `DATASHELF_TOKEN`. "
        "A token may do what you may, or only read.]"
        if not caller.alone
        else ":gray[Nobody has to sign in here, so nothing needs a token. Scripts that send one anyway work.]"
    )
    if not found:
        st.markdown("No tokens yet.")
    with st.container(key="tokens", gap=None):
        for token in found:
            token_row(token)


def session_row(session: SessionView) -> None:
    at, here = now(), zone()
    this = " :gray-badge[this browser]" if session.is_this else ""
    told = [
        session.address or "address unknown",
        f"signed in {wording.ago(session.created_at, now=at, zone=here)}",
        f"last seen {wording.ago(session.seen_at, now=at, zone=here)}",
        f"ends {wording.ahead(session.ends_at, now=at, zone=here)} if unused",
    ]
    name = agent_name(session.agent)
    with st.container(key=f"row-session-{session.id}", horizontal=True, vertical_alignment="center", gap="xsmall"):
        with st.container(key=f"main-session-{session.id}", gap=None):
            st.markdown(f"**{wording.plain(name[:1].upper() + name[1:])}**{this}")
            st.markdown(f":small[:gray[{wording.plain(' · '.join(told))}]]")
        if not session.is_this and st.button(
            "Sign out", type="tertiary", key=f"end-{session.id}", help=f"Sign {wording.plain(name)} out"
        ):
            account_acts.end_sessions([session])


def sessions(caller: Caller) -> None:
    if caller.session_id is None:
        return
    found = services.current().sessions.list(caller)
    others = [session for session in found if not session.is_this]
    with st.container(key="sessions-head", horizontal=True, vertical_alignment="center"):
        st.header("Where you are signed in", anchor=False, width="stretch")
        if others and st.button("Sign out everywhere else", icon=":material/logout:", key="end-others"):
            account_acts.end_sessions(others)
    with st.container(key="sessions", gap=None):
        for session in found:
            session_row(session)


def yourself(me: SelfView) -> None:
    """Only where they are kept here: a provider or a proxy has its own names, and its own passwords."""
    if me.alone or services.current().settings.auth.mode != "password":
        return
    with st.container(key="self-head", horizontal=True):
        st.header("Name and password", anchor=False)
    with st.container(key="self", horizontal=True, gap="xsmall"):
        if st.button("Change name", icon=":material/edit:", key="change-name"):
            account_acts.change_name(me)
        if me.has_password and st.button("Change password", icon=":material/password:", key="change-password"):
            account_acts.change_password()


def draw() -> None:
    caller = caller_of_run()
    with failures.shown("Your account cannot be read", key="account-page"):
        me = services.current().people.me(caller)
        account_acts.begin()
        head(me)
        undo.line(account_acts.PLACE)
        tokens(caller)
        sessions(caller)
        yourself(me)


draw()
