"""The uploads in the frame: a card in the sidebar, and on a phone a one-line pill at the bottom edge.

Both look at the browser's upload queue (`uploader/queue.js`), which the pill opens where no uploader has, so that they
say after a reload what was under way. They show nothing while it is empty or while an uploader on the page shows the
same list. Draw them outside `pg.run()`: then no change of page mounts them anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.widgets.uploader import QUEUE_SCRIPTS, read_sources

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def tray(*, key: str) -> str | None:
    """Draw the card; call it inside `st.sidebar`. Returns "upload", once, where the user asks for the Upload page."""
    return read_request(_tray()(key=key, on_show_change=_rerun_only))


def pill(*, key: str) -> str | None:
    """Draw the pill, on screens up to 640 px wide; call it in the main area. Returns as `tray` does.

    It is fixed to the screen's edge and takes no room where it is called, so it may stand before `pg.run()`.
    """
    return read_request(_pill()(key=key, on_show_change=_rerun_only))


def read_request(answer: Mapping[str, Any]) -> str | None:
    """The page asked for, if any; what a tampered browser sends instead counts for nothing."""
    return "upload" if answer.get("show") == "upload" else None


@cache
def _tray() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_tray",
        css=read_sources("controls.css", "tray.css"),
        js=read_sources("format.js", "shapes.js", "states.js", "watch.js", "tray.js"),
    )


@cache
def _pill() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_pill",
        css=read_sources("controls.css", "pill.css"),
        js=read_sources(*QUEUE_SCRIPTS, "watch.js", "pill.js"),
    )


def _rerun_only() -> None:
    """Streamlit fills in only those values a callback is registered for."""
