"""A file that was made on request: its download begins by itself, once, and can be repeated."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def ready_file(url: str, name: str, *, token: str, key: str) -> None:
    """Begin the download of `url`, once for each `token`, and say so with a link to do it again."""
    _component()(key=key, data={"url": url, "name": name, "token": token})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_ready_file",
        html='<div class="ready"></div>',
        css=read("ready_file.css"),
        js=read("icons.js", "download.js", "ready_file.js"),
    )
