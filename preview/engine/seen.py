"""What the JSON values of a column are, over as many rows as were seen, and how such values become an Arrow array.

The types are those of `preview.json_cells`, whose rules look at all values at once; here they come some thousands at a
time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from preview.engine.arrow_stored import is_storable
from preview.engine.kinds import BY_NAME, KINDS, TEXT
from preview.json_cells import json_value
from preview.result import JsonValue
from preview.said_types import as_said
from preview.table import SAFE_INTEGER, clean, nested_text
from preview.text_cells import is_iso_moment

EXACT: Final = 2**53
"""The largest integer up to which a double holds each one."""
HUGE: Final = 10**38
UNFIT: Final = (pa.ArrowException, OverflowError, TypeError, ValueError)
USUAL: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,9})?)?"
    "(?:Z|[-+][0-9]{2}:[0-9]{2})?$"
)
"""Moments as JSON shows them (`text_cells.TIMESTAMP`, written in one way)."""

# pyarrow ships no types: an array or a data type is Any to mypy.
DataType = Any


@dataclass(frozen=True, slots=True)
class Form:
    """How a column is stored: the preview's type, Arrow's, and what it stands for (a key of `tables.VALUES`, or "").

    `moment` names the kind of `kinds.KINDS` that texts of dates and times are read as.
    """

    type: str
    kind: DataType
    store: str = ""
    moment: str = ""


class Seen:
    """A column's values as they come. `con` is the DuckDB that judges texts of dates and times."""

    def __init__(self, con: Any) -> None:
        self._con = con
        self._kinds: set[type] = set()
        self._low = self._high = 0
        self._moment: str | None = ""
        """`date` or `timestamp` where all texts are that, None where not, "" where there was none yet."""
        self._blank = False
        """Whether one of the texts is empty."""
        self._ways = [kind for kind in KINDS if kind.type in ("date", "timestamp")]
        self._nested: DataType | None = pa.null()
        """The type of all lists and objects, None where no single one holds them."""

    @property
    def is_text(self) -> bool:
        """Whether all values are texts."""
        return self._kinds == {str}

    def add(self, values: Sequence[Any]) -> None:
        """Learn of some more values: as `json.loads` gives them."""
        kinds = set(map(type, values))
        kinds.discard(type(None))
        self._kinds |= kinds
        if int in kinds:
            whole = [value for value in values if type(value) is int]
            self._low, self._high = min(self._low, *whole), max(self._high, *whole)
        if self._kinds == {str} and self._moment is not None:
            self._add_moments([value for value in values if value is not None])
        if self._kinds and self._kinds <= {list, dict} and self._nested is not None:
            self._nested = _both(self._nested, _inferred(values))

    def form(self, said: str | None = None) -> Form:
        """How what was seen is stored, as the type `said` if there is one."""
        kinds = self._kinds
        if not kinds:
            return Form(said or "null", pa.int32())
        if kinds == {bool}:
            return Form("boolean", pa.bool_())
        if said == "string":
            return Form("string", pa.large_string())
        if kinds == {int}:
            return self._integers()
        if kinds <= {int, float}:
            # Beside floats, an integer that a double would round stays what it is.
            rounds = float in kinds and not -EXACT <= self._low <= self._high <= EXACT
            return Form("string", pa.large_string()) if rounds else Form("float", pa.float64())
        if kinds == {str} and self._moment:
            kind = self._ways[0] if self._ways else TEXT
            # Moments of offsets or years for which DuckDB has no type stay the text they are.
            arrow = _column(self._con, kind.name, []).type
            return Form(said or self._moment, arrow, kind.store, kind.name)
        if kinds in ({list}, {dict}):
            nested = self._nested
            usable = nested is not None and not pt.is_null(nested) and is_storable(nested)
            return Form("list" if kinds == {list} else "struct", nested if usable else pa.large_string())
        return Form("string", pa.large_string())

    def _integers(self) -> Form:
        if self._low >= -(2**63) and self._high < 2**63:
            return Form("integer", pa.int64())
        if self._low >= 0 and self._high < 2**64:
            return Form("integer", pa.uint64())
        if self._low > -HUGE and self._high < HUGE:
            return Form("integer", pa.decimal128(38, 0), "huge")
        return Form("integer", pa.large_string())

    def _add_moments(self, texts: list[str]) -> None:
        # As in `text_cells.is_iso_moment`, an empty text may stand among dates, and not among moments.
        there = [text for text in texts if text]
        self._blank = self._blank or len(there) < len(texts)
        if there:
            found = _moment_of(there)
            self._moment = found if self._moment in ("", found) else None
        if self._blank and self._moment == "timestamp":
            self._moment = None
        if texts and self._moment is not None:
            self._judge(texts)

    def _judge(self, texts: list[str]) -> None:
        """Keep the ways to store moments that these texts, too, allow."""
        ways = [kind for kind in self._ways if self._moment in ("", kind.type)]
        if ways:
            self._con.register("texts_seen", pa.table([pa.array(texts, pa.large_string())], names=["c"]))
            fits = ", ".join(f"bool_and({kind.fitting('c')})" for kind in ways)
            try:
                (answer,) = self._con.execute(f"SELECT {fits} FROM texts_seen").fetchall()
            finally:
                self._con.unregister("texts_seen")
            ways = [kind for kind, fit in zip(ways, answer, strict=True) if fit]
        self._ways = ways


def array_of(con: Any, form: Form, values: Sequence[Any]) -> Any:
    """Some of the values that a `Seen` has seen, or of a part of them, as an array of its form."""
    if form.moment:
        return _column(con, form.moment, values)
    if form.kind == pa.large_string():
        # A column of nothing but texts takes no look at each of them.
        with contextlib.suppress(pa.ArrowException, ValueError):
            return pa.array(values, form.kind)
        return pa.array([None if value is None else text_of(json_value(value)) for value in values], form.kind)
    if form.store == "huge":
        return pa.array([None if value is None else Decimal(value) for value in values], form.kind)
    if form.type == "null" or form.kind == pa.int32():
        return pa.nulls(len(values), form.kind)
    if form.type in ("list", "struct"):
        # What JSON writes as text (a NaN, a large integer) has no place in a type that was found for all values.
        with contextlib.suppress(*UNFIT):
            return pa.array(values, form.kind)
        return pa.array([json_value(value) for value in values], form.kind)
    return pa.array(values, form.kind)


def text_of(value: JsonValue) -> str:
    """A JSON value as a cell of text."""
    return clean(value) if isinstance(value, str) else nested_text(value)


def said_values(name: str, said: str, values: Sequence[Any]) -> tuple[list[Any], int]:
    """Values as the type that a user says, None where one is not of it; and how many those are."""
    texts = [None if value is None else text_of(json_value(value)) for value in values]
    found = as_said(name, said, texts)[0].values
    lost = sum(value is None and bool(text) for value, text in zip(found, texts, strict=True))
    if said in ("integer", "float"):
        make = int if said == "integer" else float
        return [None if value is None else make(str(value)) for value in found], lost
    return list(found), lost


def taken_as_empty(lost: Mapping[str, int], said: Mapping[str, str]) -> list[str]:
    """A note on each column of which values were not of the type that is said."""
    return [
        f"Of “{name}”, {'1 value is' if count == 1 else f'{count:,} values are'} no {said[name]} and taken as empty."
        for name, count in lost.items()
        if count
    ]


def _column(con: Any, moment: str, values: Sequence[Any]) -> Any:
    kind = BY_NAME[moment]
    con.register("texts_seen", pa.table([pa.array(values, pa.large_string())], names=["c"]))
    try:
        found = con.sql(f"SELECT {kind.checked('c', 0)} AS c FROM texts_seen").to_arrow_table()
        return found.column("c").combine_chunks()
    finally:
        con.unregister("texts_seen")


def _moment_of(texts: Sequence[str]) -> str | None:
    """What `is_iso_moment` says of texts of which none is empty, sooner where all are written the usual way."""
    with contextlib.suppress(ValueError):
        array = pa.array(texts, pa.large_string())
        if pc.all(pc.match_substring_regex(array, USUAL)).as_py():
            for day in pc.utf8_slice_codeunits(array, 0, 10).unique().to_pylist():
                date.fromisoformat(day)
            return "timestamp"
    return is_iso_moment(texts)


def _inferred(values: Sequence[Any]) -> DataType | None:
    """The type that holds these values as JSON writes them, None where there is none."""
    with contextlib.suppress(*UNFIT):
        array = pa.array(values)
        if _is_plain(array):
            return array.type
    with contextlib.suppress(*UNFIT):
        return pa.array([json_value(value) for value in values]).type
    return None


def _is_plain(array: Any) -> bool:
    """Whether no number of a nested array is one that JSON writes as text."""
    kind = array.type
    if pt.is_list(kind):
        return _is_plain(array.flatten())
    if pt.is_struct(kind):
        return all(_is_plain(part) for part in array.flatten())
    if pt.is_integer(kind):
        span = pc.min_max(array)
        return (
            span["min"].as_py() is None or -SAFE_INTEGER <= span["min"].as_py() <= span["max"].as_py() <= SAFE_INTEGER
        )
    return not pt.is_floating(kind) or pc.all(pc.is_finite(array)).as_py() is not False


def _both(one: DataType | None, other: DataType | None) -> DataType | None:
    """The type that holds the values of both, None where there is none."""
    if one is None or other is None or one == other:
        return one if one == other else None
    if pt.is_null(one) or pt.is_null(other):
        return other if pt.is_null(one) else one
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pt.is_list(one) and pt.is_list(other):
        inner = _both(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    if pt.is_struct(one) and pt.is_struct(other):
        parts = {field.name: field.type for field in one}
        for field in other:
            parts[field.name] = _both(parts.get(field.name, pa.null()), field.type)
        return None if None in parts.values() else pa.struct(list(parts.items()))
    return None
