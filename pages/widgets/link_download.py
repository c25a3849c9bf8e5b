"""The one button of a recipient's page: a plain link to the download, in the same tab (`st.link_button` always opens
another one)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def link_download(url: str, label: str, *, key: str) -> None:
    """Draw it. Where there is nothing to send, the address answers with the page again, which says why."""
    _component()(key=key, data={"url": url, "label": label})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_link_download",
        html='<div class="place"></div>',
        css=read("buttons.css", "link_download.css"),
        js=read("icons.js", "link_download.js"),
    )
