"""A stream that knows what it should be, and says so at its end where it is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from storage.protocol import StorageError


class ContentDiffers(StorageError, ValueError):
    """The bytes are not the ones that were expected: more, fewer, or with another SHA-256."""


class Reads(Protocol):
    """All that a store or a vault asks of a stream it takes in."""

    def read(self, size: int, /) -> bytes: ...


class CheckedStream:
    """Passes a stream through and raises ContentDiffers instead of ending where size or SHA-256 are wrong.

    Whoever stores what it reads publishes nothing before the end, so that wrong bytes are never kept. `on_read` hears
    how many bytes passed.
    """

    def __init__(
        self, stream: Reads, *, size: int, sha256: str | None, on_read: Callable[[int], None] | None = None
    ) -> None:
        self._stream = stream
        self._size = size
        self._sha256 = sha256
        self._on_read = on_read
        self._digest = hashlib.sha256()
        self._passed = 0

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        self._passed += len(data)
        if self._on_read is not None and data:
            self._on_read(len(data))
        if self._passed > self._size or (not data and self._passed < self._size):
            found = "more" if data else f"{self._passed:,}"
            raise ContentDiffers(f"it has {found} bytes where {self._size:,} were expected")
        if not data and self._sha256 not in (None, self.sha256):
            raise ContentDiffers("its SHA-256 is not the one that was expected")
        return data

    @property
    def sha256(self) -> str:
        """Of what has passed so far, in hex."""
        return self._digest.hexdigest()

    def finish(self) -> str:
        """Read to the end; the SHA-256 of it all. Raises ContentDiffers."""
        while self.read(1024**2):
            pass
        return self.sha256


def as_binary(stream: Reads) -> BinaryIO:
    """The same under the type that `FileStorage.upload_file` names, which calls nothing but `read`, to the end."""
    return cast(BinaryIO, stream)
