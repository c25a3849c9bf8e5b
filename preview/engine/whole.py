"""Columns of JSON values, held whole, as Arrow arrays and the kinds they are stored as: workbooks, JSON, small packed
files."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from preview.engine.kinds import EMPTY, TEXT, Kind, judged, judging
from preview.result import JsonValue
from preview.table import Cells, nested_text

WIDE: Final = Kind(
    "wide", "integer", "try_cast({c} AS DECIMAL(38, 0))", "try_cast({c} AS DECIMAL(38, 0)) IS NOT NULL", store="huge"
)
MOMENTS: Final = frozenset({"date", "time", "timestamp"})
_SPAN: Final = re.compile(r"(-?)P(\d+)DT(\d+)H(\d+)M(\d+)(?:\.(\d{1,9}))?S")


def columns_of(con: Any, columns: Sequence[Cells]) -> tuple[list[Any], list[Kind], tuple[str, ...], tuple[str, ...]]:
    """For each column an array, what to read it as, its type of the preview, and what it stands for."""
    arrays, kinds, types, stores = [], [], [], []
    for cells in columns:
        array, kind, store = _column(con, cells)
        arrays.append(array)
        kinds.append(kind)
        types.append(cells.type)
        stores.append(store or kind.store)
    return arrays, kinds, tuple(types), tuple(stores)


def _column(con: Any, cells: Cells) -> tuple[Any, Kind, str]:
    values = cells.values
    if cells.type == "null":
        return pa.nulls(len(values), pa.string()), EMPTY, ""
    if cells.type == "boolean":
        return pa.array(values, pa.bool_()), TEXT, ""
    if cells.type == "float":
        return pa.array([None if value is None else float(str(value)) for value in values], pa.float64()), TEXT, ""
    if cells.type == "binary":
        decoded = [None if value is None else base64.b64decode(str(value)) for value in values]
        return pa.array(decoded, pa.large_binary()), TEXT, ""
    if cells.type == "duration":
        spans = [None if value is None else _microseconds(str(value)) for value in values]
        if all(span is not None or value is None for span, value in zip(spans, values, strict=True)):
            return pa.array(spans, pa.int64()), TEXT, "duration_us"
    if cells.type in ("list", "struct"):
        nested = _nested(values)
        if nested is not None:
            return nested, TEXT, ""
    if cells.type == "decimal":
        try:
            return pa.array([None if value is None else Decimal(str(value)) for value in values]), TEXT, ""
        except (pa.ArrowException, ArithmeticError):
            pass
    texts = pa.array([None if value is None else _text(value) for value in values], pa.large_string())
    if cells.type == "integer" or cells.type in MOMENTS:
        return texts, _judged(con, texts, cells.type), ""
    return texts, TEXT, ""


def _judged(con: Any, texts: Any, kind: str) -> Kind:
    con.register("texts_read", pa.table([texts], names=["c"]))
    try:
        ((answer,),) = con.execute(f"SELECT {judging('c')} FROM texts_read").fetchall()  # no user's words
        found = judged(answer)
        if found.type == kind or found is EMPTY:
            return found
        wide = con.execute(f"SELECT bool_and({WIDE.fitting('c')}) FROM texts_read WHERE c IS NOT NULL").fetchall()[0][0]
        return WIDE if kind == "integer" and wide else TEXT
    finally:
        con.unregister("texts_read")


def _nested(values: Sequence[JsonValue]) -> Any | None:
    """The values as Arrow's own lists and structs, or None where one type does not hold them all."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    return None if _has_nothing(array.type) else array


def _has_nothing(kind: Any) -> bool:
    """Whether there is a part that Parquet has no way to write: a struct without fields."""
    if pa.types.is_struct(kind):
        return kind.num_fields == 0 or any(_has_nothing(kind.field(place).type) for place in range(kind.num_fields))
    return pa.types.is_list(kind) and _has_nothing(kind.value_type)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else nested_text(value)


def _microseconds(text: str) -> int | None:
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    sign, days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    span = whole * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
    return -span if sign else span
