"""The grid of the Preview: every value as it stands in the file, long ones cut with a mark and opened whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages import whole_cell
from preview.result import Column, Preview

LARGEST_EXACT = 2**53
ROW = 32
SHOWN = 14
"""Pixels a row is high, and how many rows are seen at once; the rest scroll inside the table."""
GRID = "preview-rows"
PRESSED = "pressed-cell"


@st.fragment
def rows_table(preview: Preview, file_id: uuid.UUID, *, in_file: bool) -> None:
    """Draw the rows. A fragment, so that a pressed cell opens without the rest of the page. `in_file`: the rows are
    all rows of the file in its order, so that a row's number is its place there."""
    frame = preview.frame
    frame = frame.set_axis(range(preview.offset + 1, preview.offset + 1 + len(frame)), axis=0).rename_axis("#")
    frame, formats = as_shown(frame, preview.columns)
    st.dataframe(
        frame,
        height=ROW * (min(max(len(frame), 1), SHOWN) + 1) + 2,
        row_height=ROW,
        column_config=formats,
        placeholder="",
        key=GRID,
        on_select=press,
        selection_mode="single-cell",
    )
    pressed = st.session_state.pop(PRESSED, None)
    if pressed is not None:
        row, column = pressed
        place = whole_cell.place_of(preview, file_id, row, column, in_file=in_file)
        if place is not None:
            whole_cell.open_cell(place)


def press() -> None:
    """Note which cell was pressed, and let go of it: pressed again, it opens again."""
    cells = st.session_state[GRID]["selection"]["cells"]
    if cells:
        st.session_state[PRESSED] = cells[0]
        st.session_state[GRID] = {"selection": {"cells": []}}


def as_shown(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frame and the formats in which every number reads as it stands in the file, and long texts are cut.

    The table's own formats round to four decimals ("31.9538"), or add digits that are not there ("405.00000000000006"),
    and mark what lies beyond 2^53 as an error; such a column is shown as text, as `frame` may hold it already.
    """
    formats: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    for column in columns:
        values = frame[column.name]
        if pd.api.types.is_string_dtype(values.dtype):
            if (cut := shortened(values)) is not None:
                changed[column.name] = cut
        elif not pd.api.types.is_numeric_dtype(values):
            continue
        elif column.type == "integer":
            formats[column.name] = st.column_config.NumberColumn(format="%d")
        elif column.type == "float":
            wanted = float_format(values)
            if wanted is None:
                changed[column.name] = values.map(str, na_action="ignore")
            else:
                formats[column.name] = st.column_config.NumberColumn(format=wanted)
    return frame.assign(**changed) if changed else frame, formats


def shortened(values: pd.Series[Any]) -> pd.Series[Any] | None:
    """Texts on one line and no longer than the table shows, each cut one marked by "…"; None where all are."""
    texts = values.tolist()
    short = [whole_cell.one_line(text) if isinstance(text, str) else text for text in texts]
    return None if short == texts else pd.Series(short, index=values.index, dtype="str")


def float_format(values: Iterable[Any]) -> str | None:
    """As many decimals as the longest value has; `%g`, the shortest number that is the value, where one has an exponent
    or would get digits that are not there (0.7768181049834226 with 18 decimals); None where one is beyond 2^53."""
    decimals, exponent = 0, False
    found: list[str] = []
    for value in values:
        text = str(value)
        if not text.lstrip("-")[:1].isdigit():
            continue  # a null, NaN, an infinity
        if abs(float(value)) >= LARGEST_EXACT:
            return None
        exponent = exponent or "e" in text
        decimals = max(decimals, len(text.partition(".")[2]))
        found.append(text)
    if exponent or any(float(text) and f"{float(text):.{decimals}f}".rstrip("0") != text.rstrip("0") for text in found):
        return "%g"
    return f"%.{decimals}f"
