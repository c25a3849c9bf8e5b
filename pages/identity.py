"""Who is at the screen, and under which address: asked anew on every rerun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

import services
from catalog.caller import Caller
from catalog.errors import DatabaseUnavailable, NotSignedIn
from catalog.identity import Presented, cookie_name, proxied_by
from catalog.origin import Origin, origin, shown_agent
from pages.widgets.assets import read
from settings import is_loopback

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


@dataclass(frozen=True, slots=True)
class Knock:
    """Who is at the gate: a caller, or why it is nobody."""

    caller: Caller | None
    refusal: NotSignedIn | DatabaseUnavailable | None = None

    @property
    def known(self) -> Caller | None:
        """Whom the navigation goes by. While the database does not answer, it is as it was."""
        known = self.caller or st.session_state.get("caller")
        return known if isinstance(known, Caller) else None


def current_caller() -> Caller:
    """The caller of this rerun, asked of the service: the frame's gate, and whatever runs without the frame (a
    fragment, a dialog). Where the session has ended the run ends here, and the browser goes to the sign-in page.
    Raises DatabaseUnavailable."""
    return _let_in(knock())


def knock() -> Knock:
    """Ask who is here, before anything is drawn."""
    running = services.current()
    # Cookie and headers are those of the handshake: whom they stand for, and with which role, the database knows.
    cookie = cookie_name(running.settings.public_url)
    origin.set(Origin(address=st.context.ip_address, agent=shown_agent(st.context.headers.get("User-Agent"))))
    session, proxied = st.context.cookies.get(cookie), proxied_by(st.context.headers, running.settings.auth)
    try:
        return Knock(running.identity.caller(Presented(session=session, proxied=proxied, kept_open=True)))
    except (NotSignedIn, DatabaseUnavailable) as refusal:
        return Knock(None, refusal)


def pass_gate(knocked: Knock) -> Caller:
    """Let the caller in for the whole run, before any page is drawn; nobody goes to the sign-in page. Raises
    DatabaseUnavailable."""
    st.session_state["caller"] = caller = _let_in(knocked)
    return caller


def _let_in(knocked: Knock) -> Caller:
    if knocked.caller is None:
        if isinstance(knocked.refusal, DatabaseUnavailable):
            raise knocked.refusal
        _leave()
    return knocked.caller


def _leave() -> NoReturn:
    st.session_state.pop("caller", None)
    _leaving()(key="leave", data={"to": "/sign-in"})
    st.stop()


def caller_of_run() -> Caller:
    """The caller the gate let in, for what is drawn in the same whole run."""
    caller: Caller = st.session_state["caller"]
    return caller


@cache
def _leaving() -> ComponentRenderer:
    return st.components.v2.component("datashelf_leave", js=read("leave.js"))


def base_url() -> str:
    """The address people reach this shelf under, without a slash at its end: PUBLIC_URL, or what the browser has."""
    public = services.current().settings.public_url
    if public is not None:
        return public
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "http://localhost:8501"


def reaches_others() -> bool:
    """Whether the address people reach this shelf under leads here from another machine, too."""
    return not is_loopback(urlsplit(base_url()).hostname)


def zone() -> tzinfo:
    """The browser's time zone; UTC where it does not say or says what this machine does not know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def now() -> datetime:
    return datetime.now(UTC)
