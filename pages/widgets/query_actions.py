"""Copying a query's address or its rows: only a click in the browser may write to the clipboard."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def query_actions(*, link: str, csv: str | None, key: str) -> None:
    """Draw “Copy link” and “Copy as CSV”; without a button where `link` is empty, or `csv` is too big."""
    _component()(key=key, width="content", data={"link": link, "csv": csv})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_query_actions",
        html='<div class="actions"></div>',
        css=read("quiet_buttons.css"),
        js=read("icons.js", "clipboard.js", "query_actions.js"),
    )
