"""The frame for the eye: right types where a browser's table keeps them, text where it would not."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from preview.frames import SHOWN, frame_of
from preview.result import Column, JsonValue


def series(kind: str, values: list[JsonValue]) -> pd.Series:
    return frame_of([Column("c", kind)], [[value] for value in values], offset=0)["c"]


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("boolean", [True, None], "boolean"),
        ("integer", [1, None], "Int64"),
        ("integer", [1, "9007199254740993"], "str"),
        ("float", [1.5, None, "NaN", "Infinity"], "float64"),
        ("decimal", ["1.10", None], "str"),
        ("string", ["a", None], "str"),
        ("null", [None, None], "str"),
        ("list", [[1, {"a": 2}], None], "str"),
    ],
)
def test_types(kind: str, values: list[JsonValue], dtype: str) -> None:
    assert str(series(kind, values).dtype) == dtype


def test_values_are_readable() -> None:
    assert series("integer", [1, "9007199254740993"]).tolist() == ["1", "9007199254740993"]
    assert series("struct", [{"a": ["ü", None]}]).tolist() == ['{"a": ["ü", null]}']
    assert series("binary", ["AP8="]).tolist() == ["0x00ff"]
    assert series("string", [5, True, "x"]).tolist() == ["5", "true", "x"]
    assert series("date", ["2024-02-29"]).tolist() == [dt.date(2024, 2, 29)]
    assert series("date", ["10000-01-01"]).tolist() == ["10000-01-01"]


def test_moments_keep_the_clock_of_the_file() -> None:
    same = series("timestamp", ["2024-07-01T12:00:00+02:00", None])
    assert same[0].isoformat() == "2024-07-01T12:00:00+02:00"
    mixed = series("timestamp", ["2024-07-01T12:00:00+02:00", "2024-12-01T12:00:00+01:00"])
    assert mixed[0].isoformat() == "2024-07-01T10:00:00+00:00"
    assert series("timestamp", ["0001-01-01T00:00:00", "20000-01-01T00:00:00"]).tolist()[1] == "20000-01-01T00:00:00"


def test_fat_cells_are_cut_with_a_mark() -> None:
    cell = series("string", ["x" * 5000])[0]
    assert (len(cell), cell[-1]) == (SHOWN, "…")


def test_a_browser_can_be_sent_the_frame() -> None:
    kinds: dict[str, JsonValue] = {
        "boolean": True,
        "integer": 1,
        "float": 0.5,
        "date": "2024-01-01",
        "timestamp": "2024-01-01T00:00:00Z",
        "string": "a",
        "list": [1],
        "null": None,
    }
    frame = frame_of([Column(kind, kind) for kind in kinds], [list(kinds.values()), [None] * len(kinds)], offset=7)
    assert pa.Table.from_pandas(frame).num_rows == 2
    assert list(frame.index) == [7, 8]
