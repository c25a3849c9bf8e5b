"""JSON Lines: one record a line, read like a text of one column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from preview.dialect import Dialect
from preview.encoding import decode
from preview.errors import CorruptFile, TooBig
from preview.json_cells import columns_of
from preview.json_shapes import flat
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.read_as import Detected
from preview.result import RowIndex
from preview.row_ends import RowEnds
from preview.table import Table
from preview.text_window import window

LINES = Dialect(None, quote=None, header=False)


def read_json_lines(
    text: Text,
    *,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None = None,
    index: RowIndex | None = None,
) -> Table:
    """The records at `offset`. A line that is no JSON is a row of nulls, and a note; where none is, CorruptFile."""
    found = window(text, RowEnds(LINES), leading=0, offset=offset, count=rows, limits=limits, index=index)
    if found.too_long and not found.data:
        raise TooBig(f"One line of this file is longer than the {limits.text // MB} MB of text a preview reads.")
    page, _ = decode(found.data, text.encoding)
    records, bad, why = records_of(page)
    sample: list[Any] = []
    if offset or text.whole:
        lines = text.sample().splitlines()[: None if text.whole else -1]
        sample, *_ = records_of("\n".join(lines if text.whole else lines[:1000]))
    if records and bad and all(record is None for record in records):
        raise CorruptFile(f"This is not JSON Lines: line {bad[0] + offset:,} is not JSON ({why}).")
    table = columns_of(records, limits, sample=sample, columns=columns)
    if bad:
        which = ", ".join(f"{line + offset:,}" for line in bad[:5]) + (" …" if len(bad) > 5 else "")
        table.notes.append(
            f"{len(bad):,} of these lines {'is' if len(bad) == 1 else 'are'} not JSON and shown empty: line {which}."
        )
    if found.too_long:
        table.notes.append(f"The line after these is longer than {limits.text // MB} MB and is not shown.")
    table.detected = Detected(encoding=text.codec)
    table.format, table.read_as = "jsonl", ("JSON Lines", text.label)
    table.total_rows, table.partial = found.total, not text.whole
    return table


def records_of(text: str) -> tuple[list[Any], list[int], str]:
    """The records of some lines, None for one that is no JSON; the numbers of those, and what is wrong with the
    first."""
    records: list[Any] = []
    bad: list[int] = []
    why = ""
    for raw in text.replace("\r", "\n").split("\n"):
        if not raw:
            continue
        try:
            # A record separator before each record makes it a JSON text sequence (RFC 7464).
            records.append(flat(json.loads(raw.removeprefix("\x1e"))))
        except RecursionError:
            records.append(None)
            bad.append(len(records))
            why = why or "nested too deeply"
        except ValueError as error:
            records.append(None)
            bad.append(len(records))
            why = why or str(error)
    return records, bad, why
