"""The Doctor's list on the Storage screen: what the server found, and what this browser finds by trying the store.

Both halves run in the browser's own time, past any rerun: it asks the API for the server's findings, tries the store
itself, and has the API judge what it saw (`catalog/doctor_browser.py`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

HTML = (
    '<section class="doctor" aria-label="Checks"><p class="verdict" role="status"></p>'
    '<p class="step" role="status"></p><ul class="list"></ul></section>'
)


def doctor(*, run: int, key: str) -> None:
    """Draw the list. Another `run` tries everything anew; the first, 0, may take what was found some seconds ago."""
    _component()(key=key, data={"run": run})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_doctor",
        html=HTML,
        css=read("buttons.css", "doctor.css"),
        js=read("icons.js", "clipboard.js", "doctor_probe.js", "doctor.js"),
    )
