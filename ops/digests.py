"""SHA-256 of a file's ends, its parts and its whole, a block at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MIB = 1024**2
BLOCK = MIB // 4
"""Bytes read, hashed and sent at a time, by each lane."""


class SourceChanged(Exception):
    """A file is shorter than it was a moment ago."""


def blocks(file: BinaryIO, begin: int, length: int) -> Iterator[bytes]:
    """Exactly `length` bytes from `begin` on. Raises SourceChanged where the file ends before."""
    file.seek(begin)
    left = length
    while left:
        block = file.read(min(BLOCK, left))
        if not block:
            raise SourceChanged("The file became shorter while it was read.")
        left -= len(block)
        yield block


def of_range(path: Path, begin: int, length: int) -> str:
    """SHA-256 of a stretch of a file. Raises SourceChanged, OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in blocks(file, begin, length):
            digest.update(block)
    return digest.hexdigest()


def ends(path: Path, size: int) -> tuple[str, str]:
    """SHA-256 of the first and of the last MiB: by these a file is known again. Raises SourceChanged, OSError."""
    most = min(size, MIB)
    head = of_range(path, 0, most)
    return head, head if size <= MIB else of_range(path, size - most, most)


class WholeDigest:
    """SHA-256 of a whole file, computed behind the lanes that move its pieces in any order.

    A piece is hashed right after it was moved, when the system still holds it in memory: the disk reads it once.
    """

    def __init__(self, path: Path, *, size: int, piece: int) -> None:
        self._path, self._size, self._piece = path, size, piece
        self._there: set[int] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._hex = ""
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="whole-digest", daemon=True)
        self._thread.start()

    def add(self, number: int) -> None:
        """Piece `number`, counted from 1, can be read."""
        with self._changed:
            self._there.add(number)
            self._changed.notify()

    def result(self) -> str:
        """Once every piece was added. Raises SourceChanged, OSError."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._hex

    def close(self) -> None:
        """Give up."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _follow(self) -> None:
        digest = hashlib.sha256()
        try:
            with self._path.open("rb") as file:
                for number in range(1, max(1, -(-self._size // self._piece)) + 1):
                    with self._changed:
                        self._changed.wait_for(lambda: number in self._there or self._closed)  # noqa: B023  at once
                        if self._closed:
                            return
                    begin = (number - 1) * self._piece
                    for block in blocks(file, begin, min(self._piece, self._size - begin)):
                        digest.update(block)
        except (OSError, SourceChanged) as error:
            self._error = error
        self._hex = digest.hexdigest()
