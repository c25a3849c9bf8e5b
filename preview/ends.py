"""A file of which only the first and the last bytes are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from preview.errors import PreviewError
from preview.streams import RangeFile

UNKNOWN: Final = (
    "It cannot be told from the file's first and last bytes alone; the table is shown once the file is here."
)


class OutsideEnds(PreviewError):
    """What is asked for lies between the first and the last bytes."""


class Ends:
    """A transport that has the first and the last bytes only; `missed` turns true where others were asked for."""

    def __init__(self, size: int, head: bytes, tail: bytes) -> None:
        self.missed = False
        self._tail_start = size - len(tail)
        self._head, self._tail = head, tail

    def fetch(self, start: int, length: int) -> bytes:
        if start >= self._tail_start:
            return self._tail[start - self._tail_start :][:length]
        if start + length > len(self._head):
            self.missed = True
            raise OutsideEnds(UNKNOWN)
        return self._head[start : start + length]

    def stream(self, start: int) -> Iterator[bytes]:
        yield self._head[start:]


def file_of_ends(size: int, head: bytes, tail: bytes) -> tuple[RangeFile, Ends]:
    """A file of `size` bytes, and the transport that knows what was missed; whole where its ends meet."""
    tail = tail[-size:] if size else b""
    missing = size - len(head) - len(tail)
    if missing <= 0:
        head, tail = (head + tail[-missing:] if missing else head + tail)[:size], b""
    ends = Ends(size, head, tail)
    file = RangeFile(ends, size, readahead=0)
    file.known = len(head)
    return file, ends
