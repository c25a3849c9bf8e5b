"""Rows as a pandas DataFrame that a browser's table shows as they are."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import pandas as pd

from preview.result import Column, JsonValue
from preview.table import NESTED, nested_text

SHOWN: Final = 2_000
"""Characters of a cell that a browser has to draw."""
SHOWN_BYTES: Final = 64


def frame_of(columns: Sequence[Column], rows: Sequence[Sequence[JsonValue]], *, offset: int) -> pd.DataFrame:
    """The frame of `result.Preview.frame`; row n of the file has the index n."""
    index = pd.RangeIndex(offset, offset + len(rows))
    series = {
        column.name: _series(column.type, [row[place] for row in rows], index) for place, column in enumerate(columns)
    }
    return pd.DataFrame(series, index=index)


def _series(kind: str, values: list[JsonValue], index: pd.RangeIndex) -> pd.Series[Any]:
    exact = _exact(kind, values, index)
    if exact is not None:
        return exact
    return pd.Series([_shown(kind, value) for value in values], index=index, dtype="str")


def _exact(kind: str, values: list[JsonValue], index: pd.RangeIndex) -> pd.Series[Any] | None:
    """The values as what they are, or None where only text shows them unchanged."""
    try:
        if kind == "boolean":
            return pd.Series(pd.array(values, dtype="boolean"), index=index)  # type: ignore[call-overload]
        if kind == "integer" and not any(isinstance(value, str) for value in values):
            return pd.Series(pd.array(values, dtype="Int64"), index=index)  # type: ignore[call-overload]
        if kind == "float":
            return pd.Series(
                [None if value is None else float(str(value)) for value in values], index=index, dtype="float64"
            )
        if kind == "date":
            dates = [None if value is None else date.fromisoformat(str(value)) for value in values]
            return pd.Series(dates, index=index, dtype="object")
        if kind == "timestamp":
            return _moments(values, index)
    except (ValueError, OverflowError, TypeError):
        return None
    return None


def _moments(values: list[JsonValue], index: pd.RangeIndex) -> pd.Series[Any]:
    # The offset of most rows is kept, so that the clock on the wall is what the file says; several offsets become UTC.
    try:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype="object"), format="ISO8601").array, index=index)
    except ValueError:
        return pd.Series(
            pd.to_datetime(pd.Series(values, dtype="object"), format="ISO8601", utc=True).array, index=index
        )


def _shown(kind: str, value: JsonValue) -> str | None:
    if value is None:
        return None
    if kind == "binary" and isinstance(value, str):
        return _hex(value)
    if isinstance(value, list | dict) or (kind not in NESTED and isinstance(value, bool)):
        text = nested_text(value)
    else:
        text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _hex(encoded: str) -> str:
    data = base64.b64decode(encoded)
    return f"0x{data[:SHOWN_BYTES].hex()}" + ("…" if len(data) > SHOWN_BYTES else "")
