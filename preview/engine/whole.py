"""Columns of JSON values, held whole, as Arrow arrays and the kinds they are stored as: workbooks, Parquet inside other
files, JSON whose rows are known only once all of it is read."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.types as pt

from preview.engine.arrow_stored import is_storable
from preview.engine.kinds import judged, judging
from preview.result import JsonValue
from preview.table import Cells, nested_text

MOMENTS: Final = frozenset({"date", "time", "timestamp"})
_SPAN: Final = re.compile(r"(-?)P(\d+)DT(\d+)H(\d+)M(\d+)(?:\.(\d{1,9}))?S")


def columns_of(con: Any, columns: Sequence[Cells]) -> tuple[list[Any], tuple[str, ...], tuple[str, ...]]:
    """For each column an array, its type of the preview, and what it stands for."""
    arrays, types, stores = [], [], []
    for cells in columns:
        array, store = _column(con, cells)
        arrays.append(array)
        types.append(cells.type)
        stores.append(store)
    return arrays, tuple(types), tuple(stores)


def _column(con: Any, cells: Cells) -> tuple[Any, str]:
    values = cells.values
    if cells.type == "null":
        return pa.nulls(len(values), pa.int32()), ""
    if cells.type == "boolean":
        return pa.array(values, pa.bool_()), ""
    if cells.type == "float":
        return pa.array([None if value is None else float(str(value)) for value in values], pa.float64()), ""
    if cells.type == "binary":
        return pa.array([None if value is None else base64.b64decode(str(value)) for value in values]), ""
    if cells.type == "integer":
        return _integers([None if value is None else int(str(value)) for value in values])
    if cells.type == "duration":
        spans = [None if value is None else _microseconds(str(value)) for value in values]
        if all(span is not None or value is None for span, value in zip(spans, values, strict=True)):
            return pa.array(spans, pa.int64()), "duration_us"
    if cells.type in ("list", "struct"):
        nested = _nested(values)
        if nested is not None:
            return nested, ""
    if cells.type == "decimal":
        with contextlib.suppress(pa.ArrowException, ArithmeticError):
            exact = pa.array([None if value is None else Decimal(str(value)) for value in values])
            # More digits than these DuckDB would round.
            if pt.is_decimal128(exact.type) or pt.is_null(exact.type):
                return exact, ""
    texts = pa.array([None if value is None else _text(value) for value in values], pa.large_string())
    return _moments(con, texts) if cells.type in MOMENTS else (texts, "")


def _integers(values: Sequence[int | None]) -> tuple[Any, str]:
    for kind in (pa.int64(), pa.uint64()):
        with contextlib.suppress(OverflowError, pa.ArrowException):
            return pa.array(values, kind), ""
    with contextlib.suppress(OverflowError, pa.ArrowException):
        return pa.array([None if value is None else Decimal(value) for value in values], pa.decimal128(38, 0)), "huge"
    return pa.array([None if value is None else str(value) for value in values], pa.large_string()), ""


def _moments(con: Any, texts: Any) -> tuple[Any, str]:
    """Texts of dates and times as such, or as they are where DuckDB has no type for them."""
    con.register("texts_read", pa.table([texts], names=["c"]))
    try:
        ((answer,),) = con.execute(f"SELECT {judging('c')} FROM texts_read").fetchall()
        kind = judged(answer)
        found = con.sql(f"SELECT {kind.checked('c', 0)} AS c FROM texts_read").to_arrow_table()
        return found.column("c").combine_chunks(), kind.store
    finally:
        con.unregister("texts_read")


def _nested(values: Sequence[JsonValue]) -> Any | None:
    """The values as Arrow's own lists and structs, or None where one type does not hold them all."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return None
    return array if is_storable(array.type) else None


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
