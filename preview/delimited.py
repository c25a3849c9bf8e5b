"""CSV, TSV and their kin: rows at an offset out of a forward stream, every value as the file has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from preview.dialect import Dialect, detect
from preview.encoding import decode
from preview.errors import NoTable, TooBig, WrongReadAs
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.read_as import AS_DETECTED, Detected, ReadAs
from preview.result import RowIndex
from preview.row_ends import RowEnds
from preview.said_types import as_said
from preview.table import Table, pick
from preview.text_cells import typed
from preview.text_window import window

PROMISED: Final = {"csv": ",", "tsv": "\t"}
"""The delimiter a name promises."""


def delimited_dialect(text: Text, named: str, said: ReadAs = AS_DETECTED) -> Dialect:
    """The dialect of a text; `named` is the format its name promises. Raises NoTable for one line without end, and
    WrongReadAs.
    """
    dialect = detect(text.sample(), whole=text.whole, prefer=PROMISED.get(named), said=said)
    if dialect.delimiter is None and not text.whole and b"\n" not in text.head and b"\r" not in text.head:
        raise NoTable("The file begins with one very long line without any delimiter, which is no table.")
    return dialect


def read_delimited(
    text: Text,
    *,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None = None,
    index: RowIndex | None = None,
    named: str = "csv",
    said: ReadAs = AS_DETECTED,
) -> Table:
    """The rows of a CSV or TSV; `named` is the format its name promises, `said` what its user says of it."""
    sample = text.sample()
    dialect = delimited_dialect(text, named, said)
    first_rows = _parse_sample(dialect, sample, whole=text.whole)
    if said.skip and said.skip >= len(first_rows):
        raise WrongReadAs(
            f"The {'file' if text.whole else 'beginning of the file'} has {len(first_rows):,} rows, so {said.skip:,} "
            "cannot be skipped before the table."
        )
    if not any(any(row) for row in first_rows) and text.whole:
        raise NoTable("The file holds only blank lines, so there is nothing to show.")
    found = window(
        text,
        RowEnds(dialect),
        leading=dialect.leading_rows,
        offset=offset,
        count=rows,
        limits=limits,
        index=index,
    )
    if found.too_long and not found.data:
        raise TooBig(f"One row of this file is longer than the {limits.text // MB} MB of text a preview reads.")
    page_text, encoding = decode(found.data, text.encoding)
    page = dialect.parse(page_text)[:rows]
    table = _table(dialect, first_rows, page, limits, columns, dict(said.types))
    table.detected = Detected(
        delimiter=dialect.delimiter or "",
        quote=dialect.quote or "",
        encoding=text.codec,
        header=dialect.header,
        skip=dialect.preamble,
    )
    table.format = "tsv" if dialect.delimiter == "\t" and named != "csv" else "csv"
    label = text.label if encoding == text.encoding else f"{text.label}, then {encoding.label}"
    header = "header row" if dialect.header else "no header row"
    table.read_as = ("TSV" if table.format == "tsv" else "CSV", label, dialect.delimiter_name, header)
    if found.total is not None:
        table.total_rows = max(0, found.total - dialect.leading_rows)
    table.partial = not text.whole
    if found.too_long:
        table.notes.append(f"The row after these is longer than {limits.text // MB} MB and is not shown.")
    return table


def _parse_sample(dialect: Dialect, sample: str, *, whole: bool) -> list[list[str]]:
    rows = dialect.parse(sample)
    # The last row of a cut sample is cut as well; alone it still tells the columns.
    return rows if whole or len(rows) < 2 else rows[:-1]


def _table(
    dialect: Dialect,
    first_rows: Sequence[list[str]],
    page: list[list[str]],
    limits: Limits,
    columns: Sequence[str] | None,
    types: Mapping[str, str],
) -> Table:
    header = list(first_rows[dialect.preamble]) if dialect.header and len(first_rows) > dialect.preamble else []
    sample = list(first_rows[dialect.leading_rows :])
    header, trailing = _align(header, sample)
    width = max([len(header), *(len(row) for row in sample), *(len(row) for row in page)], default=0)
    if trailing:
        width = len(header)
    picked = pick((header + [""] * width)[:width], limits, columns, named=dialect.header)
    notes = picked.notes
    notes.extend(_ragged(sample, page, header=len(header) if dialect.header else 0, trailing=trailing))
    if dialect.preamble:
        lines = "line" if dialect.preamble == 1 else f"{dialect.preamble} lines"
        notes.append(f"The first {lines} of the file {'is' if dialect.preamble == 1 else 'are'} not part of the table.")
    if dialect.stray_quote:
        notes.append("A quote in this file is never closed, so quotes are shown as they stand.")
    samples = _columns(sample, picked.places)
    # The first page lies within the sample; looking at it twice would tell nothing new.
    within = sample[: len(page)] == page
    pages = [known[: len(page)] for known in samples] if within else _columns(page, picked.places)
    cells = []
    for name, known, shown in zip(picked.names, samples, pages, strict=True):
        if name in types:
            column, more = as_said(name, types[name], shown)
            notes.extend(more)
        else:
            column = typed(name, known if within else (*known, *shown), shown)
        cells.append(column)
    return Table(cells, len(page), "csv", (), None, column_count=width, notes=notes, all_columns=picked.all_names)


def _columns(rows: Sequence[list[str]], places: Sequence[int]) -> list[tuple[str | None, ...]]:
    width = max(places) + 1
    columns = list(zip_longest(*(row[:width] for row in rows)))
    columns += [(None,) * len(rows)] * (width - len(columns))
    return [columns[place] for place in places]


def _align(header: list[str], sample: Sequence[list[str]]) -> tuple[list[str], bool]:
    """A header one cell shorter than all rows: names row labels left out (R), or rows that end with a delimiter."""
    if header and sample and all(len(row) == len(header) + 1 for row in sample):
        if not any(row[-1] for row in sample):
            return header, True
        return ["", *header], False
    return header, False


def _ragged(sample: Sequence[list[str]], page: Sequence[list[str]], *, header: int, trailing: bool) -> list[str]:
    rows = sample or page
    expected = header or max((len(row) for row in rows), default=0)
    odd = sum(1 for row in rows if len(row) - trailing != expected)
    if not odd:
        return []
    of = f"{odd:,} of the first {len(rows):,} rows"
    if header:
        return [f"{of} {'has' if odd == 1 else 'have'} more or fewer cells than the header."]
    return [f"{of} {'has' if odd == 1 else 'have'} fewer cells than the longest."]
