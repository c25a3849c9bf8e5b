"""Columns turned into the type a user says they have; what is not of it becomes null and is counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from preview.errors import WrongReadAs
from preview.read_as import TYPES_TO_CHOOSE
from preview.result import JsonValue
from preview.table import Cells, Table, clean, nested_text, number, real
from preview.text_cells import FLOAT, READ, TIMESTAMP

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,4000}")
_FLOAT: Final = re.compile(FLOAT[1:-1] + r"|\s*[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?\s*")
_TIMESTAMP: Final = re.compile(TIMESTAMP[1:-1])
_DAYS: Final = (
    re.compile(r"(?P<year>[0-9]{4})([-/.]?)(?P<month>[0-9]{2})\2(?P<day>[0-9]{2})"),
    re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})"),
)
"""2024-01-31, 2024/01/31, 20240131 and 31.01.2024. Never 01/02/2024, which has two meanings."""
_TRUTHS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def retype(table: Table, types: Mapping[str, str]) -> None:
    """Give the columns that are named the types that are said. Raises WrongReadAs for a type that cannot be chosen."""
    for kind in types.values():
        check_type(kind)
    for place, cells in enumerate(table.cells):
        said = types.get(cells.name)
        # A column of several kinds of JSON values is called string before any of them is text.
        mixed = cells.type == "string" and any(not isinstance(value, str | None) for value in cells.values)
        if said is not None and (said != cells.type or mixed):
            table.cells[place], notes = as_said(cells.name, said, [_text(value) for value in cells.values])
            table.notes.extend(notes)


def as_said(name: str, kind: str, texts: Sequence[str | None]) -> tuple[Cells, list[str]]:
    """The cells as that type, and a note on how many are not of it. An empty text is null and counts as nothing."""
    check_type(kind)
    values = [None if not text else PARSE[kind](text) for text in texts]
    lost = sum(value is None and bool(text) for value, text in zip(values, texts, strict=True))
    verb = "is" if lost == 1 else "are"
    notes = [f"{lost:,} of the cells shown of “{name}” {verb} no {kind} and shown empty."] if lost else []
    return Cells(name, kind, values), notes


def check_type(kind: str) -> None:
    """Raises WrongReadAs for a type that cannot be chosen."""
    if kind not in TYPES_TO_CHOOSE:
        raise WrongReadAs(f"“{kind[:40]}” is no type to choose; these are: {', '.join(TYPES_TO_CHOOSE)}.")


def _text(value: JsonValue) -> str | None:
    """A JSON value as the text it would be in a CSV."""
    if value is None or isinstance(value, str):
        return value
    return nested_text(value)


def _integer(text: str) -> JsonValue:
    return number(int(text)) if _INTEGER.fullmatch(text := text.strip()) else None


def _real(text: str) -> JsonValue:
    return real(float(text)) if _FLOAT.fullmatch(text) else None


def _truth(text: str) -> JsonValue:
    return _TRUTHS.get(text.strip().lower())


def _iso_day(text: str) -> str | None:
    for pattern in _DAYS:
        found = pattern.fullmatch(text)
        if found is not None:
            try:
                return date(int(found["year"]), int(found["month"]), int(found["day"])).isoformat()
            except ValueError:
                return None
    return None


def _day(text: str) -> JsonValue:
    moment = _moment(text)
    return moment[:10] if isinstance(moment, str) else None


def _moment(text: str) -> JsonValue:
    day, _, clock = text.strip().replace("T", " ").partition(" ")
    found = _iso_day(day)
    written = f"{found}T{clock.strip() or '00:00:00'}"
    return READ["timestamp"](written) if found and _TIMESTAMP.fullmatch(written) else None


PARSE: Final[dict[str, Callable[[str], JsonValue]]] = {
    "string": clean,
    "integer": _integer,
    "float": _real,
    "boolean": _truth,
    "date": _day,
    "timestamp": _moment,
}
