"""The rows a reader found, column by column as JSON values, and how they become the answer of a worker."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from preview.errors import NoTable
from preview.limits import Limits
from preview.read_as import Detected
from preview.result import JsonValue

SAFE_INTEGER = 2**53 - 1
"""The largest integer that JSON's usual readers keep exact (RFC 8259, 6)."""
LONGEST_NAME = 200
NESTED = frozenset({"list", "struct", "map"})
LONG = NESTED | {"string", "binary", "decimal"}
"""Types whose cells may be long."""


@dataclass(slots=True)
class Cells:
    """One column of the rows asked for: JSON values as DESIGN 5 wants them."""

    name: str
    type: str
    values: list[JsonValue]


@dataclass(slots=True)
class Table:
    """What a reader hands on. `rows` is the number of rows in `cells`; the rest as in `result.Preview`."""

    cells: list[Cells]
    rows: int
    format: str
    read_as: tuple[str, ...]
    total_rows: int | None
    partial: bool = False
    column_count: int | None = None
    notes: list[str] = field(default_factory=list)
    detected: Detected = field(default_factory=Detected)
    all_columns: tuple[str, ...] = ()


def unique_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names kept apart, and notes on what was changed: an empty one becomes `column_3`, a second `a` becomes `a_2`."""
    taken, result = set(names), []
    seen: set[str] = set()
    empty = repeated = cut = 0
    for place, raw in enumerate(names, 1):
        name = clean(raw)
        if not name.strip():
            name, empty = f"column_{place}", empty + 1
        elif len(name) > LONGEST_NAME:
            name, cut = name[: LONGEST_NAME - 1] + "…", cut + 1
        if name in seen:
            repeated += 1
            number = 2
            while f"{name}_{number}" in seen or f"{name}_{number}" in taken:
                number += 1
            name = f"{name}_{number}"
        seen.add(name)
        result.append(name)
    notes = []
    if empty:
        notes.append("Columns without a name are called column_1, column_2 … by their place.")
    if repeated:
        notes.append("Columns with the same name are told apart by a number.")
    if cut:
        notes.append(f"Column names longer than {LONGEST_NAME} characters are cut.")
    return result, notes


@dataclass(frozen=True, slots=True)
class Picked:
    """The columns to show: their places in the file and their names; `all_names` where these are not all of them."""

    places: list[int]
    names: list[str]
    notes: list[str]
    all_names: tuple[str, ...] = ()


def pick(names: Sequence[str], limits: Limits, columns: Sequence[str] | None, *, named: bool = True) -> Picked:
    """The first columns that there is room for, or the chosen ones in the order of `columns`, by the names they are
    shown under; `named` says that the file itself names them. Raises NoTable where no chosen one is there.
    """
    width = len(names)
    known, notes = unique_names(names[: limits.names])
    if not named:
        notes = []
    if columns is None:
        shown = min(len(known), limits.columns)
        if width > shown:
            notes.append(f"The first {shown:,} of {width:,} columns are shown.")
        return Picked(list(range(shown)), known[:shown], notes, tuple(known) if width > shown else ())
    place_of = {name: place for place, name in enumerate(known)}
    wanted = list(dict.fromkeys(columns))
    chosen = [name for name in wanted if name in place_of][: limits.columns]
    missing = [name for name in wanted if name not in place_of]
    listed = ", ".join(f"“{name[:80]}”" for name in missing[:10]) + (" …" if len(missing) > 10 else "")
    if not chosen:
        raise NoTable(f"This file has no column named {listed}." if missing else "No column is chosen.")
    if missing:
        notes.append(f"This file has no column named {listed}.")
    return Picked([place_of[name] for name in chosen], chosen, notes, tuple(known))


def number(value: int) -> JsonValue:
    """An integer as JSON: text where a reader would round it."""
    return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)


def real(value: float) -> JsonValue:
    """A floating-point number as JSON, which knows neither NaN nor infinity."""
    if value - value == 0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def clean(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can carry."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def payload(table: Table, *, offset: int, limits: Limits) -> tuple[dict[str, JsonValue], bytes]:
    """The facts and the rows (JSON) that leave the worker, cells cut to the limits."""
    notes = list(table.notes)
    cut = _cut(table.cells, _longest_cell(table.cells, limits))
    if cut:
        notes.append(f"{cut:,} long {'cell is' if cut == 1 else 'cells are'} cut; download the file for the whole.")
    rows = list(zip_longest(*(cells.values for cells in table.cells))) if table.cells else []
    text = json.dumps(rows, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    facts: dict[str, JsonValue] = {
        "columns": [[cells.name, cells.type] for cells in table.cells],
        "offset": offset,
        "total_rows": table.total_rows,
        "partial": table.partial,
        "notes": list[JsonValue](notes),
        "format": table.format,
        "read_as": list[JsonValue](table.read_as),
        "column_count": len(table.cells) if table.column_count is None else table.column_count,
        "detected": table.detected.to_plain(),
        "all_columns": list[JsonValue](table.all_columns),
    }
    return facts, text.encode()


def whole_cell(table: Table, *, offset: int, limits: Limits) -> bytes:
    """The first cell of a table as JSON. Raises NoTable where it has no row."""
    if not table.rows or not table.cells:
        raise NoTable(f"This file has no row {offset:,}.")
    _cut(table.cells, limits.cell)
    return json.dumps(table.cells[0].values[0], ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _longest_cell(columns: Iterable[Cells], limits: Limits) -> int:
    """The longest a cell may be so that all of them stay within `limits.rows_text`."""
    lengths = [size for cells in columns if cells.type in LONG for size in map(_length, cells.values) if size > 200]
    longest = limits.cell
    while longest > 200 and sum(min(size, longest) for size in lengths) > limits.rows_text:
        longest //= 2
    return longest


def _length(value: JsonValue) -> int:
    if isinstance(value, str):
        return len(value)
    return len(nested_text(value)) if isinstance(value, list | dict) else 8


def nested_text(value: JsonValue) -> str:
    """A nested value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _cut(columns: Iterable[Cells], longest: int) -> int:
    count = 0
    for cells in columns:
        if cells.type not in LONG:
            continue
        for place, value in enumerate(cells.values):
            if isinstance(value, str) and len(value) > longest:
                # Base64 without its last group is still base64; a mark would make it none.
                cells.values[place] = (
                    value[: longest - longest % 4] if cells.type == "binary" else value[: longest - 1] + "…"
                )
                count += 1
            elif isinstance(value, list | dict) and _length(value) > longest:
                cells.values[place] = nested_text(value)[: longest - 1] + "…"
                count += 1
    return count
