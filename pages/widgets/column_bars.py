"""A file's columns in a narrow place: each with its type, what it mostly holds and a small picture of it; to be looked
at, not to be pressed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages import column_words, histogram
from pages.widgets.assets import read
from preview.profile import ColumnProfile

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def line(column: ColumnProfile, rows: int) -> dict[str, object]:
    """What one line shows, in the words of the screen; `rows` is the number of rows it was counted over."""
    heights, of_values = histogram.heights(column)
    empty = column_words.share(column.nulls, rows)
    about = [column_words.summary(column, rows), "" if empty in ("none", "all") else f"{empty} empty"]
    return {
        "name": column.name,
        "type": column_words.type_name(column.type),
        "bars": heights,
        "lengths": not of_values,
        "alt": histogram.alt(column),
        "about": " · ".join(part for part in about if part),
    }


def column_bars(columns: Sequence[ColumnProfile], *, rows: int, key: str) -> None:
    """Draw the lines, in a box that scrolls where they are many."""
    _component()(key=key, data={"columns": [line(column, rows) for column in columns]})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_column_bars",
        html='<ul class="columns" aria-label="Columns"></ul>',
        css=read("column_bars.css"),
        js=read("icons.js", "small_bars.js", "column_bars.js"),
    )
