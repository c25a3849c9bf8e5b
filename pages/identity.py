"""Who is at the screen, and under which address: asked anew on every rerun."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

import services
from catalog.caller import Caller


def current_caller() -> Caller:
    """The caller of this rerun; every page passes it on, none decides for itself who somebody is."""
    return services.current().access.local_user()


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
