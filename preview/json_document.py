"""JSON documents as tables: arrays are streamed, other shapes are read whole within limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from preview.delimited import Text
from preview.errors import NoTable, TooBig
from preview.json_cells import columns_of
from preview.json_text import JsonText, elements
from preview.limits import MB, Limits
from preview.read_as import Detected
from preview.table import Table

SAMPLE: Final = 1000
"""Records before the rows shown that their types are judged by too."""


@dataclass(slots=True)
class Shape:
    """Which values of a document are its rows, and what to call that."""

    records: list[Any]
    name: str
    notes: list[str] = field(default_factory=list)


def read_json(text: Text, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None) -> Table:
    """The rows of a document. Raises CorruptFile, TooBig, NoTable (an empty object)."""
    cursor = JsonText(text, limit=limits.text)
    first = cursor.peek()
    if first == "[":
        return _array(text, cursor, "array", [], rows=rows, offset=offset, limits=limits, columns=columns)
    if first == "{" and not text.whole:
        members = _members(cursor, limits)
        if isinstance(members, str):
            where = f"The rows are those of “{members}”."
            return _array(text, cursor, "object", [where], rows=rows, offset=offset, limits=limits, columns=columns)
        shape = shape_of(members)
    else:
        value = cursor.value()
        shape = shape_of(value) if isinstance(value, dict) else Shape([value], "one value")
    notes = list(shape.notes)
    if cursor.peek():
        notes.append("There is more text after the JSON value; it is not shown.")
    page = shape.records[offset : offset + rows]
    table = columns_of(page, limits, sample=shape.records, columns=columns)
    table.detected = Detected(encoding=text.codec)
    table.read_as, table.total_rows = ("JSON", shape.name, text.label), len(shape.records)
    table.notes[:0] = notes
    return table


def count_json(text: Text, limits: Limits) -> int | None:
    """The number of rows `read_json` would show in all, in bounded memory; raises as it does."""
    if text.whole:
        return read_json(text, rows=0, offset=0, limits=limits).total_rows
    cursor = JsonText(text, limit=limits.text)
    if cursor.peek() == "{":
        members = _members(cursor, limits)
        if not isinstance(members, str):
            return len(shape_of(members).records)
    elif cursor.peek() != "[":
        return 1
    return sum(1 for _ in elements(cursor))


def _array(
    text: Text,
    cursor: JsonText,
    name: str,
    notes: list[str],
    *,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None,
) -> Table:
    records = elements(cursor)
    sample: list[Any] = []
    skipped = 0
    for record in islice(records, offset):
        skipped += 1
        if text.whole or skipped <= SAMPLE:
            sample.append(flat(record))
        if cursor.passed > limits.skip:
            raise TooBig(
                f"Rows this far into a JSON file cannot be shown yet: they begin more than {limits.skip // MB} MB from "
                "its start. Earlier rows can, and the download has them all."
            )
    page = [flat(record) for record in islice(records, rows)]
    rest = [flat(record) for record in records] if text.whole else []
    ended = text.whole or len(page) < rows
    total = skipped + len(page) + len(rest) if ended else None
    if total == 0:
        raise NoTable("The JSON array is empty, so there is nothing to show.")
    table = columns_of(page, limits, sample=sample + rest, columns=columns)
    covered = text.whole or (ended and not offset)
    table.detected = Detected(encoding=text.codec)
    table.read_as, table.total_rows, table.partial = ("JSON", name, text.label), total, not covered
    table.notes[:0] = notes
    return table


def _members(cursor: JsonText, limits: Limits) -> dict[str, Any] | str:
    """The members of an object too large to be read at once; or the key before whose array of objects the cursor
    stops.
    """
    members: dict[str, Any] = {}
    cursor.take("{")
    if cursor.peek() == "}":
        cursor.take("}")
        return members
    while True:
        key = cursor.value() if cursor.peek() == '"' else cursor.take('"')
        cursor.take(":")
        if cursor.peek() == "[" and cursor.opens_objects():
            return str(key)
        members[key] = cursor.value()
        if cursor.passed > limits.text:
            raise TooBig(
                "A JSON object that is no list of rows has to be read whole, which is done up to "
                f"{limits.text // MB} MB."
            )
        if cursor.take(",}") == "}":
            return members


def flat(record: Any) -> Any:
    """A GeoJSON feature as a record of its properties and its geometry (RFC 7946, 3.2); anything else as it is."""
    if isinstance(record, dict) and record.get("type") == "Feature" and "geometry" in record:
        properties = record.get("properties")
        own = {"id": record["id"]} if "id" in record else {}
        inner = properties if isinstance(properties, dict) else {}
        return {**own, **inner, "geometry": record["geometry"]}
    return record


def shape_of(document: dict[str, Any]) -> Shape:
    """Which of the usual shapes an object has."""
    if not document:
        raise NoTable("The JSON object is empty, so there is nothing to show.")
    values = list(document.values())
    titles, data = document.get("columns"), document.get("data")
    if (
        isinstance(titles, list)
        and isinstance(data, list)
        and set(document) <= {"columns", "data", "index"}
        and all(isinstance(row, list) for row in data)
    ):
        names = [str(title) for title in titles]
        return Shape([dict(zip(names, row, strict=False)) for row in data], "columns and data")
    tables = [
        key
        for key, value in document.items()
        if isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
    ]
    if tables:
        key = max(tables, key=lambda name: len(document[name]))
        notes = [f"The rows are those of “{key}”."]
        if len(document) > 1:
            rest = ", ".join(name for name in document if name != key)
            notes.append(f"Beside them the file has: {rest[:200]}.")
        return Shape([flat(record) for record in document[key]], "object", notes)
    if all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1 and values[0]:
        return Shape([dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)], "object of arrays")
    if len(values) > 1 and all(isinstance(value, dict) and value for value in values):
        keys = [set(value) for value in values]
        if all(found == keys[0] for found in keys) and all(key.isdecimal() for key in keys[0]):
            return Shape(
                [{name: column[place] for name, column in document.items()} for place in values[0]], "object of columns"
            )
        if len(set.intersection(*keys)) * 2 >= max(map(len, keys)):
            return Shape([{"key": key, **value} for key, value in document.items()], "object of objects")
    return Shape([document], "one object")
