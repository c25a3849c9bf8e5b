"""Parsed JSON records as columns: one per key, in order of appearance, numbers as exact as Python reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from preview.limits import Limits
from preview.result import JsonValue
from preview.table import Cells, clean, number, real, unique_names
from preview.text_cells import is_iso_moment


def columns_of(
    records: Sequence[Any], limits: Limits, *, sample: Sequence[Any] = ()
) -> tuple[list[Cells], int, list[str]]:
    """The columns of the records, how many there are, and notes. `sample` are records of the same file that are not
    shown.

    An object's keys are columns; an array's places are; anything else is one column, `value`.
    """
    everything = [*sample, *records]
    present = [record for record in everything if record is not None]
    if present and all(isinstance(record, dict) for record in present):
        names = list(dict.fromkeys(name for record in present for name in record))
        picks: list[Any] = names
    elif present and all(isinstance(record, list) for record in present):
        picks = list(range(max(len(record) for record in present)))
        names = [""] * len(picks)
    else:
        picks = []
    if not picks:
        return [_cells("value", everything, records)], 1, []
    shown = picks[: limits.columns]
    titles, notes = unique_names(names[: len(shown)])
    if picks and isinstance(picks[0], int):
        notes = []
    if len(picks) > len(shown):
        notes.append(f"The first {len(shown):,} of {len(picks):,} columns are shown.")
    cells = [
        _cells(title, [_pick(r, pick) for r in everything], [_pick(r, pick) for r in records])
        for title, pick in zip(titles, shown, strict=True)
    ]
    return cells, len(picks), notes


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
        return "float"
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
