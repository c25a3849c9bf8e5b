"""Where the rows of a text file begin: an index made in the pass that counts them, and the way into a page by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from preview.result import RowIndex
from preview.row_ends import Positions

STEP: Final = 10_000
"""Rows between two entries: at 100 bytes a row a page costs half a MB on average."""
MOST: Final = 20_000
"""Entries of one index; a longer file has them further apart."""
ROOM: Final = 1 << 16
"""Bytes fetched beyond what the rows are expected to take."""


class IndexBuilder:
    """Takes note of every `step`-th row while the ends of the rows pass by, in memory that does not grow with them.

    `leading` counts the rows before the first row of values, `start` the bytes before the first position.
    """

    def __init__(self, *, leading: int, start: int = 0, step: int = STEP, most: int = MOST) -> None:
        self._leading, self._start, self._step, self._most = leading, start, step, most
        self._offsets: list[int] = [] if leading else [start]
        self._seen = 0

    def add(self, ends: Positions) -> None:
        """The positions just behind the next rows, as `RowEnds` gives them."""
        if not len(ends):
            return
        begun = len(self._offsets)
        # Row n of values begins where the (leading + n)-th row of the text ends.
        first = self._leading + begun * self._step - self._seen - 1
        found = ends[first :: self._step] if first < len(ends) else ends[:0]
        self._offsets += (found.astype(np.int64) + self._start).tolist()
        self._seen += len(ends)
        while len(self._offsets) > self._most:
            self._offsets = self._offsets[::2]
            self._step *= 2

    def index(self, *, read_key: str) -> RowIndex | None:
        """The index of all rows so far; None where they are so few that it would say nothing."""
        rows = self._seen - self._leading
        offsets = self._offsets[: max(0, -(-rows // self._step))]
        return RowIndex(self._step, tuple(offsets), read_key) if len(offsets) > 1 else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of values and the byte of the stored file where it begins; `length` is about what is to be fetched."""

    row: int
    byte: int
    length: int


def entry_for(index: RowIndex, *, row: int, rows: int) -> Entry:
    """Where to begin for `rows` rows from row `row` on."""
    place = min(row // index.step, len(index.offsets) - 1)
    begin = index.offsets[place]
    after = place + 1 if place + 1 < len(index.offsets) else place
    before = place if after > place else max(0, place - 1)
    per_row = (index.offsets[after] - index.offsets[before]) / index.step
    wanted = min(row - place * index.step, index.step) + rows
    return Entry(place * index.step, begin, int(per_row * wanted * 1.1) + ROOM)
