"""Where Zstandard frames end (RFC 8878, 3.1): the library says nothing of a last frame that is cut short."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

FRAME: Final = 0xFD2FB528
SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
RLE: Final = 1
"""A block of one byte that is repeated: its size is that of what it unpacks to."""


class Frames:
    """Feed it packed bytes in order; `ended` says that no frame is open behind them.

    Bytes that are no frame are the decompressor's to complain about; nothing is told of them here.
    """

    def __init__(self) -> None:
        self.ended = True
        self._steps = self._walk()
        self._collect, self._wanted = next(self._steps)
        self._held = b""

    def feed(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            self.ended = False
            taken = data[position : position + self._wanted]
            position += len(taken)
            self._wanted -= len(taken)
            if self._collect:
                self._held += taken
            if not self._wanted:
                self._collect, self._wanted = self._steps.send(self._held)
                self._held = b""

    def _walk(self) -> Generator[tuple[bool, int], bytes]:
        """Yields whether the next bytes are looked at, and how many; is sent them."""
        while True:
            magic = int.from_bytes((yield True, 4), "little")
            if magic in SKIPPABLE:
                yield from _skip(int.from_bytes((yield True, 4), "little"))
            elif magic == FRAME:
                yield from self._frame()
            else:
                self.ended = True
                while True:
                    yield False, 1 << 62
            self.ended = True

    def _frame(self) -> Generator[tuple[bool, int], bytes]:
        descriptor = (yield True, 1)[0]
        single = descriptor >> 5 & 1
        content_size = (single, 2, 4, 8)[descriptor >> 6]
        yield from _skip((1 - single) + (0, 1, 2, 4)[descriptor & 3] + content_size)
        last = False
        while not last:
            header = int.from_bytes((yield True, 3), "little")
            last = bool(header & 1)
            yield from _skip(1 if header >> 1 & 3 == RLE else header >> 3)
        yield from _skip(4 if descriptor >> 2 & 1 else 0)


def _skip(count: int) -> Generator[tuple[bool, int], bytes]:
    if count:
        yield False, count
