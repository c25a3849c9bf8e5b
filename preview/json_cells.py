"""Parsed JSON records as columns: one per key, in order of appearance, numbers as exact as Python reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preview.limits import Limits
from preview.result import JsonValue
from preview.table import Cells, Picked, Table, clean, number, pick, real
from preview.text_cells import is_iso_moment


def columns_of(
    records: Sequence[Any],
    limits: Limits,
    *,
    sample: Sequence[Any] = (),
    columns: Sequence[str] | None = None,
    names: Sequence[str] = (),
) -> Table:
    """A table of the records. `sample` are records of the same file that are not shown.

    An object's keys are columns; an array's places are, called `names` where there are such; anything else is one
    column, `value`.
    """
    everything = [*sample, *records]
    present = [record for record in everything if record is not None]
    named = bool(names)
    if named:
        picks: list[Any] = list(range(len(names)))
    elif present and all(isinstance(record, dict) for record in present):
        names, named = list(dict.fromkeys(name for record in present for name in record)), True
        picks = list(names)
    elif present and all(isinstance(record, list) for record in present):
        picks = list(range(max(len(record) for record in present)))
        names = [""] * len(picks)
    else:
        picks = []
    if not picks:
        picked = pick(["value"], limits, columns)
        return _table([_cells("value", everything, records)], len(records), 1, picked)
    picked = pick(names, limits, columns, named=named)
    cells = [
        _cells(
            title,
            [_pick(record, picks[place]) for record in everything],
            [_pick(record, picks[place]) for record in records],
        )
        for title, place in zip(picked.names, picked.places, strict=True)
    ]
    return _table(cells, len(records), len(picks), picked)


def _table(cells: list[Cells], rows: int, width: int, picked: Picked) -> Table:
    return Table(cells, rows, "json", (), None, column_count=width, notes=picked.notes, all_columns=picked.all_names)


def _pick(record: Any, key: Any) -> Any:
    if record is None:
        return None
    if isinstance(record, dict):
        return record.get(key)
    return record[key] if key < len(record) else None


def _cells(name: str, everything: Sequence[Any], shown: Sequence[Any]) -> Cells:
    kind = type_of([value for value in everything if value is not None])
    # A column of several kinds is "string", but each value stays what the file has.
    return Cells(name, kind, [json_value(value) for value in shown])


def type_of(values: Sequence[Any]) -> str:
    """The type that holds every value; values of several kinds are `string`."""
    kinds = {type(value) for value in values}
    if not kinds:
        return "null"
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "integer"
    if kinds <= {int, float}:
        # Beside floats, an integer that a double would round stays what it is.
        return "float" if all(type(value) is float or abs(value) <= 2**53 for value in values) else "string"
    if kinds == {str}:
        return is_iso_moment(values) or "string"
    if kinds == {list}:
        return "list"
    if kinds == {dict}:
        return "struct"
    return "string"


def json_value(value: Any) -> JsonValue:
    """A value as DESIGN 5 wants it, nested ones too."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return real(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [json_value(item) for item in value]
    return {clean(str(key)): json_value(item) for key, item in value.items()}
