"""The drop zone of somebody without an account, who sends files by an upload request's link.

It is the uploader's own queue and list with other modules in place of those that know the shelf (`visitor.js`): the
bytes go from the browser to the store as from everybody else's, and Python learns only that something arrived.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.uploader import LIST_SCRIPTS, QUEUE_SCRIPTS, read_sources

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

REPLACED = {"look.js", "records.js", "same_content.js", "beginning.js", "unfinished.js"}
"""Of the queue's modules: what a visitor must not ask, and what must not stay in their browser."""
SCRIPTS = (*(name for name in QUEUE_SCRIPTS if name not in REPLACED), *LIST_SCRIPTS, "visitor.js")


def visitor_uploader(token: str, *, hint: str, closed: bool = False, key: str) -> None:
    """Draw the drop zone with `hint` on it, and below it what this tab has sent by the link with `token`.

    `closed` leaves the zone out: nothing more is taken, and what was begun is still listed. Each time nothing is under
    way any more the page runs again.
    """
    _component()(
        key=key,
        data={"token": token, "hint": hint, "closed": closed, "visitor": True},
        on_completed_change=_rerun_only,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_visitor_uploader",
        html=read_sources("picker.html"),
        css=read_sources("controls.css", "picker.css", "visitor.css"),
        js=read_sources(*SCRIPTS),
    )


def _rerun_only() -> None:
    """What is left of the request is asked anew."""
