"""How a delimited text is written: its delimiter, its quote, and whether its first row names the columns."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from preview.errors import WrongReadAs
from preview.header import MOMENT, has_header, kind_of
from preview.read_as import AS_DETECTED, ReadAs

# One read is bounded by Limits.text; the csv module's own bound of 131,072 characters a cell would fail earlier.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

SAMPLE_ROWS: Final = 200
SAMPLE_TEXT: Final = 1 << 17
"""Characters looked at."""

DELIMITERS: Final = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "pipe",
    ":": "colon",
    " ": "space",
    "^": "caret",
    "~": "tilde",
    "\x01": "Ctrl-A",
    "\x1f": "unit separator",
}
"""The delimiters that are tried → their names; earlier ones win a tie."""
PRIORS: Final = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 0.99,
    ":": 0.7,
    " ": 0.75,
    "^": 0.9,
    "~": 0.9,
    "\x01": 1.0,
    "\x1f": 1.0,
}
MOST_SKIPPED: Final = 1_000
"""Rows that a user can say stand before the table."""
ONE_COLUMN: Final = 0.55
"""A delimiter that scores less does not divide the text: it has one column."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`delimiter` is None for a text of one column, `quote` None where quotes are ordinary characters.

    `preamble` counts the rows before the table (titles, comments); `stray_quote` says that a quote is never closed.
    """

    delimiter: str | None
    quote: str | None = '"'
    escape: str | None = None
    skip_spaces: bool = False
    header: bool = True
    preamble: int = 0
    stray_quote: bool = False

    @property
    def leading_rows(self) -> int:
        """Rows before the first row of values."""
        return self.preamble + (1 if self.header else 0)

    @property
    def delimiter_name(self) -> str:
        return DELIMITERS.get(self.delimiter, f"“{self.delimiter}”") if self.delimiter else "one column"

    def parse(self, text: str, *, most: int | None = None) -> list[list[str]]:
        """The rows of a text, or the first ones, empty lines left out."""
        reader = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter or "\x1e",
            quotechar=self.quote or '"',
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape,
            skipinitialspace=self.skip_spaces,
            strict=False,
        )
        return list(itertools.islice(filter(None, reader), most))


def detect(text: str, *, whole: bool, prefer: str | None = None, said: ReadAs = AS_DETECTED) -> Dialect:
    """The dialect of a text that begins with `text`; `prefer` is the delimiter its name promises, `said` what its user
    does. Raises WrongReadAs where that cannot be.
    """
    check(said)
    told = _TOLD.match(text)
    if told is not None and said.delimiter is None and said.skip is None:
        # Excel's own first line, which says the delimiter and is no part of the table.
        said = replace(said, delimiter=told["delimiter"], skip=1)
    sample = text[:SAMPLE_TEXT]
    cut = not whole or len(text) > SAMPLE_TEXT
    quotings = _quotings(sample, said.quote)
    best, best_score = replace(quotings[0], delimiter=said.delimiter or None), 0.0
    for base in quotings:
        for delimiter in DELIMITERS if said.delimiter is None else said.delimiter:
            if delimiter not in sample:
                continue
            if base.skip_spaces and not _has_spaces_before_quotes(base, delimiter, sample):
                continue
            dialect = replace(base, delimiter=delimiter, skip_spaces=base.skip_spaces or delimiter == " ")
            score = _score(_sample_rows(dialect, sample, cut=cut), delimiter)
            if delimiter == prefer:
                score *= 1.15
            if score > best_score:
                best, best_score = dialect, score
    if best_score < ONE_COLUMN and not said.delimiter:
        best = Dialect(None, quote='"' if said.quote is None else said.quote or None)
    if said.quote is None:
        best = _without_stray_quote(best, text, whole=whole)
    rows = _sample_rows(best, sample, cut=cut)
    preamble = said.skip if said.skip is not None else _preamble(rows) if best.delimiter else 0
    return replace(best, preamble=preamble, header=has_header(rows[preamble:]) if said.header is None else said.header)


_TOLD = re.compile(r"\"?sep=(?P<delimiter>[ -~\t])\"?\r?\n", re.IGNORECASE)


def check(said: ReadAs) -> None:
    """Raises WrongReadAs for a delimiter or a quote that no text can be read with, or a negative number of rows."""
    for name, mark in (("delimiter", said.delimiter), ("quote", said.quote)):
        if mark and (len(mark) != 1 or not mark.isascii() or mark in "\r\n\0"):
            raise WrongReadAs(
                f"A {name} is one ASCII character, not “{mark[:20]}”; none at all is said by leaving it empty."
            )
    if said.delimiter and said.delimiter == said.quote:
        raise WrongReadAs("The delimiter and the quote cannot be the same character.")
    if said.skip is not None and not 0 <= said.skip <= MOST_SKIPPED:
        raise WrongReadAs(f"From 0 to {MOST_SKIPPED:,} rows can be skipped before the table, not {said.skip:,}.")


def _quotings(sample: str, said: str | None) -> list[Dialect]:
    plain = Dialect(None, quote='"' if said is None else said or None)
    if not plain.quote:
        return [plain]
    choices = [plain]
    mark = re.escape(plain.quote)
    if re.search(rf"[,;|\t] +{mark}", sample):
        choices.append(replace(plain, skip_spaces=True))
    # A backslash before the quote that ends a cell is a path's last; one that doubles its quotes does not escape them.
    inside = rf"[^{mark},;|\t\r\n]"
    if re.search(rf"\\{mark}{inside}", sample) and not re.search(rf"{inside}{mark}{mark}{inside}", sample):
        choices.append(replace(plain, escape="\\"))
    if (
        said is None
        and '"' not in sample
        and len(re.findall(r"(?:^|[,;|\t])'[^'\n]*'(?=[,;|\t\r\n])", sample, re.MULTILINE)) > 1
    ):
        choices.insert(0, replace(plain, quote="'"))
    return choices


def _has_spaces_before_quotes(dialect: Dialect, delimiter: str, sample: str) -> bool:
    """Whether cells begin with spaces and a quote: the same inside a quoted cell is part of a sentence."""
    rows = _sample_rows(replace(dialect, delimiter=delimiter, skip_spaces=False), sample, cut=False)
    return any(cell[:1] == " " and cell.lstrip(" ")[:1] == dialect.quote for row in rows for cell in row[1:])


def _sample_rows(dialect: Dialect, sample: str, *, cut: bool) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        lines = dialect.parse(sample, most=SAMPLE_ROWS + 1)
    except csv.Error:
        return []
    if cut and len(lines) > 1:
        lines.pop()
    return lines[:SAMPLE_ROWS]


def _score(rows: list[list[str]], delimiter: str) -> float:
    """How well a delimiter divides the rows, 0 to 1: as many cells everywhere, and cells that look like values."""
    body = rows[next((place for place, row in enumerate(rows) if len(row) > 1), len(rows)) :]
    if not body:
        return 0.0
    widths = Counter(len(row) for row in body)
    first, usual = len(body[0]), max((count * width, width) for width, count in widths.items() if width > 1)[1]
    near = 0.0
    for width, count in widths.items():
        # A short or long row is a ragged row of this delimiter; short ones speak for it where the first is full.
        near += count * (1.0 if width == usual else 0.6 if width < first == max(widths) else 0.5 if width > 1 else 0.0)
    near /= len(body)
    if len(body) < len(rows) and near < 0.9:
        # Titles stand before tables; a text whose first line is not divided and whose others are so unevenly is prose.
        near *= 0.6
    if len(rows[0]) == 1:
        # The more so where something else divides it.
        near *= 0.7 if _OTHERS.search(rows[0][0]) else 0.9
        if usual == 2 and _is_inside(body, delimiter):
            return 0.0
    if delimiter in " :" and _are_moments(rows, delimiter):
        return 0.0
    cells = [cell for row in rows[:60] for cell in row[:200]]
    quality = sum(_quality(cell, delimiter) for cell in cells) / len(cells)
    return near * quality * PRIORS[delimiter] * (0.9 + 0.1 * (1 - 1 / usual))


def _is_inside(body: list[list[str]], delimiter: str) -> bool:
    """Whether a delimiter that leaves the first line whole and cuts the others in two stands inside values: addresses,
    sentences, names (`Doe, Jane`) and decimal commas under one title.
    """
    if delimiter in " :":
        return True
    pairs = [row for row in body if len(row) == 2]
    spaced = sum(row[1][:1] == " " for row in pairs)
    decimal = sum(row[0].lstrip("+-").isdecimal() and row[1].isdecimal() for row in pairs) if delimiter == "," else 0
    return max(spaced, decimal) > len(pairs) * 0.7


def _are_moments(rows: list[list[str]], delimiter: str) -> bool:
    """Whether the lines, undivided, are dates with times: they contain a space and colons of their own."""
    joined = [delimiter.join(row) for row in rows]
    moments = sum(MOMENT.fullmatch(line) is not None for line in joined)
    return moments > len(rows) * 0.7 or (moments > (len(rows) - 1) * 0.7 and not MOMENT.fullmatch(joined[0]))


_OTHERS = re.compile(r"[,;\t|]")


def _quality(cell: str, delimiter: str) -> float:
    kind = kind_of(cell)
    if kind != "text":
        return 1.0
    if cell.count('"') % 2:
        return 0.2
    if _OTHERS.search(cell.replace(delimiter, "")):
        return 0.45
    # A sentence divided at its commas leaves cells that begin with a space.
    return 0.75 if cell[:1] == " " or cell[-1:] == " " else 0.95


def _without_stray_quote(dialect: Dialect, text: str, *, whole: bool) -> Dialect:
    """The dialect with quotes taken as they stand, where one opens a cell that swallows the rest of the text."""
    if not dialect.quote or dialect.quote not in text:
        return dialect
    try:
        last = dialect.parse(text)[-1:]
    except csv.Error:
        return dialect
    tail = last[0][-1] if last and last[0] else ""
    lines = tail.count("\n")
    if lines < 2 or not text.endswith(tail[-200:]) or text.rstrip("\r\n").endswith(dialect.quote):
        return dialect
    if whole or (lines > 200 and len(tail) > 1 << 16):
        return replace(dialect, quote=None, escape=None, stray_quote=True)
    return dialect


def _preamble(rows: list[list[str]]) -> int:
    """How many rows of one cell stand before a table of two columns or more."""
    widths = Counter(len(row) for row in rows)
    usual = widths.most_common(1)[0][0] if widths else 0
    if comments := _comments(rows, usual):
        return comments
    if usual < 2 or len(rows) < 4:
        return 0
    for index, row in enumerate(rows[:20]):
        if len(row) > 1:
            return index if len(row) >= usual - 1 else 0
    return 0


def _comments(rows: list[list[str]], usual: int) -> int:
    """How many rows before the table begin with #; the last of them may be its header."""
    count = next((place for place, row in enumerate(rows) if not row[0].lstrip().startswith("#")), 0)
    if not count or len(rows) - count < 2:
        return 0
    is_header = len(rows[count - 1]) == usual > 1 and (count == 1 or not has_header(rows[count:]))
    return count - 1 if is_header else count
