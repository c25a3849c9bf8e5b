"""An object in the store as a stream or as a seekable file, with our errors and no connection left behind."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from urllib3.response import BaseHTTPResponse

from storage.protocol import ObjectRef
from storage.s3_errors import s3_errors

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 256 * 1024
"""What a small read of a seekable file fetches: one request costs about as much as 256 KiB on a fast line."""


class ObjectStream(io.RawIOBase):
    """A response's body, read once. Closing it drops a connection with unread bytes and gives back a read one."""

    def __init__(self, response: BaseHTTPResponse, ref: ObjectRef) -> None:
        self._response = response
        self._ref = ref

    def readable(self) -> bool:
        return True

    def readall(self) -> bytes:
        with s3_errors(self._ref):
            return self._response.read()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        with s3_errors(self._ref):
            data = self._response.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._response.close()
            self._response.release_conn()
        super().close()


class RangeFile(io.RawIOBase):
    """A seekable file over `fetch(offset, length)`; wrap it in a BufferedReader of BLOCK_BYTES."""

    def __init__(self, fetch: Callable[[int, int], bytes], *, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        # Inherited, it would ask for 8 KiB at a time.
        return self._next(self._size)

    def _next(self, length: int) -> bytes:
        length = min(length, self._size - self._position)
        if self.closed:
            raise ValueError("read of a closed file")
        if length <= 0:
            return b""
        data = self._fetch(self._position, length)
        self._position += len(data)
        return data
