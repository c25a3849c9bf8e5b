"""Bytes on their way: hashed, counted, held to a rate and stopped on a word, in blocks of bounded size."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from storage.disk import disk_errors
from storage.protocol import Backend, StorageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 1024**2


class Stopped(Exception):
    """Somebody asked for an end; what was under way counts for nothing."""


class BackendFailed(Exception):
    """A backend would not do what it was asked; `error` says why."""

    def __init__(self, backend: Backend, error: StorageError) -> None:
        super().__init__(str(error))
        self.backend = backend
        self.error = error


class Throttle:
    """Lets so many bytes a second through, all threads together; None lets everything through."""

    def __init__(self, rate: float | None, stop: threading.Event) -> None:
        self._rate = rate
        self._stop = stop
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, count: int) -> None:
        """Wait until `count` bytes may pass. Raises Stopped."""
        if self._rate is not None:
            with self._lock:
                now = time.monotonic()
                self._free_at = max(self._free_at, now) + count / self._rate
                pause = self._free_at - now
            self._stop.wait(pause)
        if self._stop.is_set():
            raise Stopped


class MeteredStream(io.RawIOBase):
    """Reads `stream` once; `sha256` is that of what was read. Wrap it in a BufferedReader of BLOCK_BYTES.

    Raises Stopped; BackendFailed for whatever goes wrong with the stream itself, so that it is not taken for an error
    of whoever takes the bytes.
    """

    def __init__(self, stream: BinaryIO, backend: Backend, throttle: Throttle, on_bytes: Callable[[int], None]) -> None:
        self._stream = stream
        self._backend = backend
        self._throttle = throttle
        self._on_bytes = on_bytes
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self.take(min(len(view), BLOCK_BYTES))
        view[: len(data)] = data
        return len(data)

    def take(self, length: int = BLOCK_BYTES) -> bytes:
        """The next bytes, at most `length`; none at the end."""
        try:
            with disk_errors():
                data = self._stream.read(length)
        except StorageError as error:
            raise BackendFailed(self._backend, error) from error
        self._digest.update(data)
        self._throttle.take(len(data))
        self._on_bytes(len(data))
        return data
