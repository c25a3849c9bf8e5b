"""Where the rows of a delimited text end, found chunk by chunk with numpy, newlines inside quotes told apart.

The rules are those of Python's `csv` module, which later parses the rows: a quote opens a quoted cell only where a cell
begins, a doubled quote inside is a quote, LF, CRLF and a lone CR end a row, and an empty line is no row.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from preview.dialect import Dialect

LF: Final = 10
CR: Final = 13
LONGEST_HELD: Final = 1 << 20
"""Bytes kept back until the next chunk says what they mean; a longer run of quotes means nothing."""

Positions = NDArray[np.int64]


class RowEnds:
    """Feed it the bytes of an ASCII-compatible text in order; it answers with the positions just behind each row.

    Positions count from the first byte fed. `inside` says that the bytes so far end within a quoted cell.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.inside = False
        self.position = 0
        self._quote = ord(dialect.quote) if dialect.quote else None
        self._escape = ord(dialect.escape) if dialect.escape else None
        delimiter = dialect.delimiter.encode() if dialect.delimiter else b""
        self._openers = delimiter + b"\r\n"
        # Spaces after a delimiter are passed over only in dialects that say so; the slow path knows how.
        self._vector = self._escape is None and not dialect.skip_spaces
        self._skip_spaces = dialect.skip_spaces
        space = rb" *" if dialect.skip_spaces else b""
        mark = re.escape(bytes([self._quote])) if self._quote is not None else b"(?!)"
        starts = b"[" + re.escape(self._openers) + b"]"
        self._opening = re.compile(b"(?:" + starts + space + b")" + mark)
        self._first = re.compile(space + mark)
        self._closing = re.compile((rb"\\.|" if self._escape else b"") + mark + mark + b"?", re.DOTALL)
        self._held = b""
        self._before = LF
        self._row_start = 0

    def feed(self, chunk: bytes, *, final: bool = False) -> Positions:
        """The ends of the non-empty rows that the chunk completes."""
        data = self._held + chunk
        self._held = b""
        if not final:
            data, self._held = self._hold_back(data)
        if not data:
            return np.empty(0, np.int64)
        base = self.position
        array = np.frombuffer(data, np.uint8)
        ends = self._newlines(data, array)
        if self._quote is not None and (self.inside or data.find(self._quote) >= 0):
            ends = self._outside(data, array, ends)
        self.position += len(data)
        self._before = data[-1]
        return self._filled(array, ends, base)

    def finish(self) -> Positions:
        """The end of the last row, where no newline follows it."""
        ends = self.feed(b"", final=True)
        if self._row_start < self.position:
            self._row_start = self.position
            return np.append(ends, np.int64(self.position))
        return ends

    def _hold_back(self, data: bytes) -> tuple[bytes, bytes]:
        # What the last bytes mean depends on the next: CR LF, a doubled quote, an escape.
        keep = len(data)
        if data.endswith(b"\r"):
            keep -= 1
        elif self._quote is not None:
            tail = bytes([self._quote]) + (b"\\" if self._escape else b"") + (b" " if self._skip_spaces else b"")
            keep = len(data.rstrip(tail))
            if len(data) - keep > LONGEST_HELD:
                keep = len(data)
        return data[:keep], data[keep:]

    def _newlines(self, data: bytes, array: NDArray[np.uint8]) -> Positions:
        lone = data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else 0
        if not lone:
            return np.flatnonzero(array == LF).astype(np.int64) + 1
        follows = np.append(array[1:], 0)
        return np.flatnonzero((array == LF) | ((array == CR) & (follows != LF))).astype(np.int64) + 1

    def _outside(self, data: bytes, array: NDArray[np.uint8], ends: Positions) -> Positions:
        quotes = np.flatnonzero(array == self._quote)
        if self._vector and self._is_regular(array, quotes):
            parity = (np.searchsorted(quotes, ends) + self.inside) % 2
            self.inside = bool((len(quotes) + self.inside) % 2)
            outside: Positions = ends[parity == 0]
            return outside
        return self._outside_slowly(data, ends)

    def _is_regular(self, array: NDArray[np.uint8], quotes: Positions) -> bool:
        """Whether every quote stands where a quoted cell begins or ends, so that counting them tells in from out."""
        first = 1 if self.inside else 0
        opening, closing = quotes[first::2], quotes[1 - first :: 2]
        before = np.where(opening > 0, array[np.maximum(opening - 1, 0)], self._before)
        last = len(array) - 1
        after = np.where(closing < last, array[np.minimum(closing + 1, last)], LF)
        openers = np.frombuffer(self._openers + bytes([self._quote or 0]), np.uint8)
        return bool(np.isin(before, openers).all() and np.isin(after, openers).all())

    def _outside_slowly(self, data: bytes, ends: Positions) -> Positions:
        starts, stops = [], []
        position = 0
        first = self._first.match(data) if self._before in self._openers else None
        if not self.inside and first is not None:
            starts.append(0)
            self.inside, position = True, first.end()
        elif self.inside:
            starts.append(0)
        while True:
            if self.inside:
                for found in self._closing.finditer(data, position):
                    if len(found.group()) == 1:
                        break
                else:
                    break
                stops.append(found.end())
                self.inside, position = False, found.end()
            opened = self._opening.search(data, position)
            if opened is None:
                break
            starts.append(opened.end() - 1)
            self.inside, position = True, opened.end()
        if len(stops) < len(starts):
            stops.append(len(data) + 1)
        if not starts:
            return ends
        index = np.searchsorted(np.array(starts), ends - 1, side="right") - 1
        within = (index >= 0) & (ends - 1 < np.array(stops)[np.maximum(index, 0)])
        return ends[~within]

    def _filled(self, array: NDArray[np.uint8], ends: Positions, base: int) -> Positions:
        if not len(ends):
            return ends
        absolute = ends + base
        lengths = np.diff(absolute, prepend=self._row_start)
        self._row_start = int(absolute[-1])
        empty = lengths == 1
        pairs = np.flatnonzero(lengths == 2)
        if len(pairs):
            where = np.maximum(ends[pairs] - 2, 0)
            empty[pairs] = (array[where] == CR) & (array[ends[pairs] - 1] == LF)
        return absolute[~empty] if empty.any() else absolute
