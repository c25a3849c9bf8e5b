"""All that is known of one column: its distribution, large; its most frequent values; every number; what to mind.

A bar or a value is a link to the rows it stands for, so it can be opened in a new tab, and the browser's Back returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from pages import column_words, histogram, wording
from pages.histogram import Bar
from pages.navigation import address
from pages.where import to_text
from pages.widgets.assets import read
from preview.asking import Condition
from preview.profile import ColumnProfile

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

WORTH = 0.05
"""Of the rows, what the most frequent values must cover to be told beside a histogram of all values."""


def card(column: ColumnProfile, rows: int, *, params: Mapping[str, str]) -> dict[str, object]:
    """What the card shows; `params` of the address lead to the file's Preview."""
    # One bar that says what the numbers say is no picture.
    bars = histogram.bars(column) if column.length_min is None or column.length_min != column.length_max else []
    tops = histogram.tops(column)
    if bars and bars[0].where and sum(bar.count for bar in tops) < WORTH * rows:
        tops = []
    return {
        "name": column.name,
        "type": column_words.type_name(column.type),
        "facts": _facts(column, rows, params),
        "hints": [{"text": hint.text, "warns": hint.warns} for hint in column.hints],
        "bars": [_linked(bar, rows, params) for bar in bars],
        "bars_title": "Distribution" if bars and bars[0].where else "Lengths",
        "ends": _ends(column),
        "top": [_linked(bar, rows, params) for bar in tops],
        "cover": column_words.cover(column, rows) if tops else "",
        "numbers": column_words.numbers(column),
    }


def column_card(column: ColumnProfile, rows: int, *, params: Mapping[str, str], key: str) -> None:
    """Draw the card; `rows` is the number of rows its numbers cover."""
    _component()(key=key, data=card(column, rows, params=params))


def _facts(column: ColumnProfile, rows: int, params: Mapping[str, str]) -> list[dict[str, str]]:
    found = []
    if column.distinct is not None:
        found.append({"text": f"{column_words.distinct(column)} distinct", "href": ""})
    if column.nulls:
        missing = f"{column.nulls:,} empty ({column_words.share(column.nulls, rows)})"
        found.append({"text": missing, "href": _href(to_text((Condition(column.name, "null"),)), params)})
    else:
        found.append({"text": "none empty", "href": ""})
    return found


def _ends(column: ColumnProfile) -> list[str]:
    if column.histogram is None:
        return []
    return [
        column_words.value(edge, column_type=column.type)
        for edge in column.histogram.edges[:: len(column.histogram.counts)]
    ]


def _linked(bar: Bar, rows: int, params: Mapping[str, str]) -> dict[str, object]:
    told = f"{bar.label}: {wording.counted(bar.count, 'row')} ({column_words.share(bar.count, rows)})"
    return {"label": bar.label, "count": bar.count, "told": told, "href": _href(bar.where, params) if bar.where else ""}


def _href(where: str, params: Mapping[str, str]) -> str:
    return address("/dataset", {**params, "where": where})


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "datashelf_column_card",
        html='<div class="card"></div>',
        css=read("column_card.css"),
        js=read("icons.js", "goto.js", "column_card.js"),
    )
