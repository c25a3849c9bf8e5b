"""JSON documents as tables: arrays are streamed, other shapes are read whole within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from preview.errors import NoTable, TooBig
from preview.json_cells import columns_of
from preview.json_shapes import Shape, flat, shape_of
from preview.json_text import JsonText, elements, is_sequence, values
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.read_as import Detected
from preview.table import Table

SAMPLE: Final = 1000
"""Records before the rows shown that their types are judged by too."""


def read_json(text: Text, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None) -> Table:
    """The rows of a document. Raises CorruptFile, TooBig, NoTable (an empty object)."""
    cursor = JsonText(text, limit=limits.text)
    first = cursor.peek()
    if is_sequence(text.sample()):
        return _array(
            text, cursor, "values", [], rows=rows, offset=offset, limits=limits, columns=columns, records=values(cursor)
        )
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
    table = columns_of(page, limits, sample=shape.records, columns=columns, names=shape.names)
    table.detected = Detected(encoding=text.codec)
    table.read_as, table.total_rows = ("JSON", shape.name, text.label), len(shape.records)
    table.notes[:0] = notes
    return table


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a document as they follow one another: `name` and `notes` as the reader of pages has them, and how
    far in the text, in characters, the last one ended."""

    name: str
    notes: list[str]
    records: Iterator[Any]
    position: Callable[[], int]


class NoRows(Exception):
    """A document's rows are known only once all of it is read."""


def rows_of(text: Text, limits: Limits) -> Rows:
    """All rows of a document, in bounded memory. Raises NoRows, and on the way CorruptFile, TooBig."""
    cursor = JsonText(text, limit=limits.text)

    def position() -> int:
        return cursor.position

    if is_sequence(text.sample()):
        return Rows("values", [], values(cursor), position)
    if cursor.peek() == "[":
        return Rows("array", [], elements(cursor), position)
    members = _members(cursor, limits) if cursor.peek() == "{" and not text.whole else None
    if not isinstance(members, str):
        raise NoRows
    return Rows("object", [f"The rows are those of “{members}”."], elements(cursor), position)


def count_json(text: Text, limits: Limits) -> int | None:
    """The number of rows `read_json` would show in all, in bounded memory; raises as it does."""
    if text.whole:
        return read_json(text, rows=0, offset=0, limits=limits).total_rows
    cursor = JsonText(text, limit=limits.text)
    if is_sequence(text.sample()):
        return sum(1 for _ in values(cursor))
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
    records: Iterator[Any] | None = None,
) -> Table:
    records = records or elements(cursor)
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
