"""The page of an upload request: what somebody without an account is asked for, and where they drop it."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

import services
from catalog.accounts import LOCAL_USER
from catalog.link_passwords import cookie_name
from catalog.request_state import Asked, RequestState
from pages import wording
from pages.identity import now
from pages.widgets.visitor_uploader import visitor_uploader

HINT = "Keep this tab open until all are received."
ENDED = {
    RequestState.EXPIRED: "This link has expired. Ask whoever sent it to you for a new one.",
    RequestState.REVOKED: "This link was taken back. Ask whoever sent it to you for a new one.",
}


def is_request(token: str) -> bool:
    """Whether a link's token is an upload request's. Raises DatabaseUnavailable."""
    return services.current().requests.is_known(token)


def asked_by(token: str) -> Asked:
    """What the request tells this browser. Raises RequestNotFound, DatabaseUnavailable."""
    return services.current().requests.visit(token, st.context.cookies.get(cookie_name(token)))


def requested(token: str, asked: Asked) -> None:
    """Draw the inside of the card, for a request that is not locked."""
    ended = ENDED.get(asked.state)
    with st.container(horizontal=True):
        st.title(title(asked), anchor=False)
    if ended is not None:
        st.markdown(ended)
    else:
        if asked.note:
            st.markdown(wording.plain(asked.note))
        st.markdown(f":small[:gray[{limits(asked, now=now())}]]")
        if asked.state is RequestState.FULL:
            st.markdown(full(asked))
    # Also where it has ended: what this tab has begun goes on, and what it has sent stays listed.
    visitor_uploader(token, hint=HINT, closed=asked.state is not RequestState.ACTIVE, key="visitor")


def title(asked: Asked) -> str:
    """`Ada asks you for files`; on a shelf without names `You are asked for files`."""
    if asked.state in ENDED:
        return "No more files are taken"
    if asked.owner == LOCAL_USER:
        return "You are asked for files"
    return f"{wording.plain(asked.owner)} asks you for files"


def limits(asked: Asked, *, now: datetime) -> str:
    """`Up to 3 files of 2 GB each, until 30 Nov, 14:02 UTC · 1 left`."""
    each = (
        ""
        if asked.max_size is None
        else f" of {'up to ' if asked.max_files is None else ''}{round_size(asked.max_size)}"
    )
    if asked.max_files is None:
        said = f"Files{each}" if each else "Any number of files"
    else:
        said = f"Up to {wording.counted(asked.max_files, 'file')}{each}"
    if each and asked.max_files != 1:
        said += " each"
    if asked.expires_at is not None:
        said += f", until {_moment(asked.expires_at, now)} UTC"
    if asked.files_left is not None and asked.max_files is not None and 0 < asked.files_left < asked.max_files:
        said += f" · {asked.files_left:,} left"
    return said


def full(asked: Asked) -> str:
    """Why there is no drop zone, where as many as are taken have come."""
    if asked.max_files == 1:
        return "The file was sent, or is on its way. This link takes no more."
    return f"{asked.max_files or 0:,} files were sent, or are on their way. This link takes no more."


def _moment(when: datetime, now: datetime) -> str:
    here = when.astimezone(UTC)
    return f"{here.day} {here:%b, %H:%M}" if here.year == now.astimezone(UTC).year else wording.moment(here)


def round_size(count: int) -> str:
    """A limit, which somebody has typed: `2 GB`, not `2.0 GB`."""
    return wording.size(count).replace(".0 ", " ")
