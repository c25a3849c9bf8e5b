"""The table of a file's columns: a row a column, one of them chosen.

Streamlit's own table is a canvas: no screen reader meets its rows, and on a phone it is scrolled sideways. Here the
rows are a table of radio buttons, so the arrow keys walk through the columns, and where there is less room each row
takes two lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages import column_words, histogram
from pages.widgets.assets import read
from preview.profile import ColumnProfile

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer


def row(column: ColumnProfile, rows: int) -> dict[str, object]:
    """What one row shows, in the words of the screen; `rows` is the number of rows it was counted over."""
    heights, of_values = histogram.heights(column)
    return {
        "name": column.name,
        "type": column_words.type_name(column.type),
        "tone": column_words.TONES.get(column.type, "grey"),
        "bars": heights,
        "lengths": not of_values,
        "alt": histogram.alt(column),
        "empty": column_words.share(column.nulls, rows),
        "distinct": column_words.distinct(column),
        "summary": column_words.summary(column, rows),
        "hints": [{"text": hint.text, "warns": hint.warns} for hint in column.hints],
    }


def column_list(
    columns: Sequence[ColumnProfile], *, rows: int, chosen: str | None, on_choose: Callable[[], None], key: str
) -> None:
    """Draw the table. `on_choose` is a callback; the column's name is then in `st.session_state[key]["chosen"]`."""
    _component()(
        key=key,
        data={"columns": [row(column, rows) for column in columns], "chosen": chosen},
        on_chosen_change=on_choose,
    )


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_column_list",
        html='<div class="frame"></div>',
        css=read("column_list.css"),
        js=read("icons.js", "small_bars.js", "column_list.js"),
    )
