"""What the whole window needs of JavaScript: it shows nothing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def frame(*, key: str) -> None:
    """Let popovers and dialogs, which Streamlit hangs outside `.stApp`, follow the theme's colour scheme."""
    with st.container(key=key):
        _component()(key=f"{key}-script")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component("datashelf_frame", js=read("frame.js"))
