"""The records of a text of JSON, all of them, some thousands at a time, for a columnar copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from preview.encoding import decode
from preview.engine.records import RecordColumns, Written
from preview.engine.text_rows import whole_rows
from preview.errors import CorruptFile, NoTable
from preview.json_document import rows_of
from preview.json_lines import LINES, records_of
from preview.json_shapes import flat
from preview.limits import Limits
from preview.opened_text import Text
from preview.read_as import Detected
from preview.table import Cells, Table

PIECE: Final = 1 << 20
"""Characters of text whose records are held at once, or one record that is longer."""
RECORDS: Final = 20_000


def lines_as_columns(text: Text, columns: RecordColumns, limits: Limits) -> Table | None:
    """Write all records of JSON Lines; None where the text has to be read once more.

    A line that is no JSON is a row of nulls, and a note; where none is, CorruptFile. Raises TooBig too.
    """
    lines = _Lines(text, limits)
    found = columns.write(lines)
    if found is None:
        return None
    if lines.bad and lines.bad == lines.rows:
        raise CorruptFile(f"This is not JSON Lines: line {lines.first_bad[0]:,} is not JSON ({lines.why}).")
    table = _table(found, ("JSON Lines", text.label), "jsonl", text)
    if lines.bad:
        which = ", ".join(f"{line:,}" for line in lines.first_bad) + (" …" if lines.bad > len(lines.first_bad) else "")
        verb = "is" if lines.bad == 1 else "are"
        table.notes.append(f"{lines.bad:,} of these lines {verb} not JSON and shown empty: line {which}.")
    return table


class _Lines:
    """The records of the lines, and which of those are none: how many, the first five, and why the first."""

    def __init__(self, text: Text, limits: Limits) -> None:
        self.rows = self.bad = 0
        self.first_bad: list[int] = []
        self.why = ""
        self._text, self._limits = text, limits

    def __iter__(self) -> Iterator[list[Any]]:
        for data in whole_rows(self._text, LINES, self._limits):
            records, bad, why = records_of(decode(data, self._text.encoding)[0])
            self.first_bad += [self.rows + line for line in bad[: 5 - len(self.first_bad)]]
            self.why = self.why or why
            self.rows += len(records)
            self.bad += len(bad)
            yield records


def document_as_columns(text: Text, columns: RecordColumns, limits: Limits) -> Table | None:
    """Write all rows of a document whose rows follow one another; None where the text has to be read once more.

    Raises CorruptFile, NoTable, TooBig; `json_document.NoRows` where the document is of another shape.
    """
    rows = rows_of(text, limits)
    found = columns.write(_pieces(rows.records, rows.position))
    if found is None:
        return None
    if not found.rows:
        raise NoTable("The JSON array is empty, so there is nothing to show.")
    table = _table(found, ("JSON", rows.name, text.label), "json", text)
    table.notes[:0] = rows.notes
    return table


def _pieces(records: Iterator[Any], position: Callable[[], int]) -> Iterator[list[Any]]:
    while True:
        begin, some = position(), []
        for record in islice(records, RECORDS):
            some.append(flat(record))
            if position() - begin > PIECE:
                break
        if not some:
            return
        yield some


def _table(written: Written, read_as: tuple[str, ...], name: str, text: Text) -> Table:
    plan = written.plan
    cells = [Cells(title, form.type, []) for title, form in zip(plan.names, plan.forms, strict=True)]
    return Table(
        cells,
        written.rows,
        name,
        read_as,
        written.rows,
        column_count=plan.width,
        notes=written.notes,
        detected=Detected(encoding=text.codec),
    )
