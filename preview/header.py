"""What cells look like, and whether the first row of a table names its columns."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

JUDGED_ROWS: Final = 100
JUDGED_COLUMNS: Final = 200
"""Rows and columns that tell whether there is a header."""

FEW: Final = 5
"""Rows from which on it tells something that a word comes again."""

Row = Sequence[str]

_NUMBER = re.compile(r"\s*[-+]?[$€£]?(\d+|\d{1,3}([,. ']\d{3})+|\d*[.,]\d+|\d+[.,]\d*)([eE][-+]?\d+)?\s*%?\s*")
MOMENT = re.compile(
    r"\s*(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)"
    r"\s*([AaPp][Mm]|Z|[-+]\d{2}:?\d{2})?\s*"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
"""A year may be the name of a column of numbers."""
_TRUTH = re.compile(r"(?i:true|false)")
_MISSING = re.compile(r"(?i:|na|n/a|nan|null|none|-|\?|\.|#n/a)")


def kind_of(cell: str) -> str:
    """`missing number moment truth text`: what a cell looks like, for judging dialects, never for reading values."""
    if _MISSING.fullmatch(cell):
        return "missing"
    if len(cell) < 64:
        if _NUMBER.fullmatch(cell):
            return "number"
        if MOMENT.fullmatch(cell):
            return "moment"
        if _TRUTH.fullmatch(cell):
            return "truth"
    return "text"


def has_header(rows: Sequence[Row]) -> bool:
    """Whether the first row names the columns: text above numbers or dates says yes, another number says no."""
    if not rows:
        return True
    first, body = rows[0][:JUDGED_COLUMNS], rows[1:JUDGED_ROWS]
    kinds = [kind_of(cell) for cell in first]
    if not body:
        return all(kind in ("text", "missing") for kind in kinds) and "text" in kinds
    votes = sum(
        _vote(cell, kinds[index], [row[index] for row in body if index < len(row)]) for index, cell in enumerate(first)
    )
    if votes < 0:
        return _is_series(first, kinds)
    if votes > 0:
        return True
    named = [cell for cell in first if cell.strip()]
    are_names = all(
        kind in ("text", "missing") or _YEAR.fullmatch(cell) for cell, kind in zip(first, kinds, strict=True)
    )
    return len(named) == len(set(named)) and "text" in kinds and are_names


def _vote(head: str, kind: str, cells: Sequence[str]) -> float:
    below = [kind_of(cell) for cell in cells]
    present = Counter(found for found in below if found != "missing")
    if not present or kind == "missing":
        return 0.0
    usual, count = present.most_common(1)[0]
    if _YEAR.fullmatch(head) and not all(map(_YEAR.fullmatch, filter(None, cells))):
        return -0.25 if usual == "number" else 0.0
    share = count / present.total()
    if usual != "text":
        if kind == "text":
            return (1.0 if share == 1 else 0.5) if head not in cells else -0.5
        return -1.0 if kind == usual else 0.0
    if kind != "text":
        return -0.5
    if head in cells:
        return -1.0
    if len(cells) >= FEW and len(set(cells)) * 2 <= len(cells):
        # Words that come again and again, and the first one never.
        return 0.5
    lengths = {len(cell) for cell in cells if cell}
    return 0.5 if len(lengths) == 1 and len(head) not in lengths and len(cells) > 2 else 0.0


def _is_series(first: Row, kinds: Sequence[str]) -> bool:
    """Whether the numbers of a row run on like the years or weeks above a cross table (`country,2019,2020,2021`)."""
    numbers = [
        int(cell) for cell, kind in zip(first, kinds, strict=True) if kind == "number" and cell.strip().isdecimal()
    ]
    steps = {later - sooner for sooner, later in itertools.pairwise(numbers)}
    return (
        len(numbers) > 1
        and len(steps) == 1
        and steps != {0}
        and "text" in kinds[:2]
        and kinds.count("number") == len(numbers)
    )
