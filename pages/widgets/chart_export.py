"""Taking a chart along as a picture: PNG or SVG, made in the browser from what is drawn there.

Streamlit's own menu names every picture after the time of day and has no SVG. The picture carries a line that says what
it shows and what it covers, so that it can be believed where the page is not at hand.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages.widgets.assets import read

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

LONGEST = 120
"""Characters of a file's name, without its ending."""


def file_stem(name: str) -> str:
    """`name` as every system takes it in a file's name."""
    kept = "".join("-" if char in '<>:"/\\|?*' or ord(char) < 32 else char for char in name)
    return " ".join(kept.split()).strip(". ")[:LONGEST].strip(". ") or "chart"


def chart_export(*, name: str, caption: str, figure: str, key: str) -> None:
    """Draw the two buttons for the chart in the container with the key `figure`."""
    _component()(
        key=key,
        width="content",
        data={"stem": file_stem(name), "caption": caption, "figure": figure},
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_chart_export",
        html='<div class="actions"></div>',
        css=read("quiet_buttons.css"),
        js=read("icons.js", "save.js", "chart_export.js"),
    )
