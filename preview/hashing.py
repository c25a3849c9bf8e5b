"""SHA-256 of a stream while it is read: of the whole, and of each part as it was sent."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from preview.streams import Forward

WORTH_A_THREAD: Final = 1 << 16
"""Bytes from which handing them to another thread costs less than hashing them."""


class Hashed:
    """A forward stream that digests what passes: the whole and, with a `part_size`, every part of so many bytes.

    Both at once, in two threads: hashlib lets go of the interpreter's lock.
    """

    def __init__(self, stream: Forward, part_size: int | None = None) -> None:
        self.size = 0
        self._stream = stream
        self._digest = hashlib.sha256()
        self._part_size = part_size
        self._part = hashlib.sha256()
        self._parts: list[bytes] = []
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="digest") if part_size is not None else None

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        if self._aside is None or len(data) < WORTH_A_THREAD:
            self._digest.update(data)
            self._cut(data)
        else:
            whole = self._aside.submit(self._digest.update, data)
            self._cut(data)
            whole.result()
        self.size += len(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def parts(self) -> bytes:
        """The parts' digests, 32 bytes each, one after the other; an empty file has one. Call it at the end."""
        if self._aside is None or self._part_size is None:
            return b""
        self._aside.shutdown()
        unfinished = self.size % self._part_size or self.size == 0
        return b"".join([*self._parts, self._part.digest()] if unfinished else self._parts)

    def _cut(self, data: bytes) -> None:
        if self._part_size is None:
            return
        view, left = memoryview(data), self._part_size - self.size % self._part_size
        while len(view) >= left:
            self._part.update(view[:left])
            self._parts.append(self._part.digest())
            self._part = hashlib.sha256()
            view, left = view[left:], self._part_size
        self._part.update(view)
