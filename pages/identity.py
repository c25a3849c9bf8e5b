"""Who is at the screen, and under which address: asked anew on every rerun."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

import services
from catalog.caller import Caller


def current_caller() -> Caller:
    """The caller of this rerun, asked of the service: the frame's gate, and whatever runs without the frame (a
    fragment, a dialog). Raises DatabaseUnavailable."""
    return services.current().access.local_user()


def pass_gate() -> None:
    """Ask who is here, once for the whole run, before any page is drawn. Raises DatabaseUnavailable."""
    st.session_state["caller"] = current_caller()


def caller_of_run() -> Caller:
    """The caller the gate let in, for what is drawn in the same whole run."""
    caller: Caller = st.session_state["caller"]
    return caller


def base_url() -> str:
    """The address people reach this shelf under, without a slash at its end: PUBLIC_URL, or what the browser has."""
    public = services.current().settings.public_url
    if public is not None:
        return public
    parts = urlsplit(st.context.url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "http://localhost:8501"


def zone() -> tzinfo:
    """The browser's time zone; UTC where it does not say or says what this machine does not know."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def now() -> datetime:
    return datetime.now(UTC)
