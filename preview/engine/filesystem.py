"""Stored files for DuckDB as `shelf://…` paths: only those that were published, only to read, only by ranges.

What DuckDB asks of an fsspec filesystem is little known: `info`, `glob`, `modified` with an aware datetime, and `open`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from preview.errors import SourceGone
from preview.source import Source
from preview.transport import open_transport

SCHEME: Final = "shelf"
UNCHANGED_SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A stored file never changes; any moment does."""


class StoredFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """The published files of one connection. Every way to write, list or reach another file raises an OSError."""

    protocol = SCHEME
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._sources: dict[str, Source] = {}
        self.on_read: Callable[[int], None] = lambda _: None
        """Told how many bytes each read fetched, by any of DuckDB's threads."""

    def publish(self, source: Source, *, suffix: str = "parquet") -> str:
        """The path under which DuckDB finds the file from now on."""
        name = f"{len(self._sources)}/data.{suffix}"
        self._sources[name] = source
        return f"{SCHEME}://{name}"

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        source = self._source(path)
        return {"name": self._strip_protocol(path), "size": source.size, "type": "file"}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:  # noqa: FBT001, FBT002  # fsspec's signature
        found = self.info(path)
        return [found] if detail else [found["name"]]

    def glob(self, path: str, **_: Any) -> list[str]:
        name = self._strip_protocol(path)
        return [name] if name in self._sources else []

    def exists(self, path: str, **_: Any) -> bool:
        return self._strip_protocol(path) in self._sources

    def modified(self, path: str) -> datetime:
        self._source(path)
        return UNCHANGED_SINCE

    def _open(self, path: str, mode: str = "rb", **_: Any) -> StoredFile:
        source = self._source(path)
        if mode != "rb":
            raise PermissionError("stored files can only be read")
        return StoredFile(self, path, source)

    def _source(self, path: str) -> Source:
        try:
            return self._sources[self._strip_protocol(path)]
        except KeyError:
            raise FileNotFoundError("no such table") from None


class StoredFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec ships no types
    """One open file. DuckDB's threads share it, and each seeks and reads: each has a position of its own.

    DuckDB decides how much it reads at once, so nothing is read ahead.
    """

    def __init__(self, files: StoredFiles, path: str, source: Source) -> None:
        self._own = threading.local()
        super().__init__(files, path, "rb", cache_type="none", size=source.size)
        self._ranges = open_ranges(source)

    @property
    def loc(self) -> int:
        """Where the calling thread reads next."""
        return getattr(self._own, "loc", 0)

    @loc.setter
    def loc(self, value: int) -> None:
        self._own.loc = value

    def seek(self, loc: int, whence: int = 0) -> int:
        self.loc = loc + {0: 0, 1: self.loc, 2: self.size}[whence]
        return self.loc

    def read(self, length: int = -1) -> bytes:
        begin = self.loc
        end = self.size if length < 0 else min(self.size, begin + length)
        data = self._ranges(begin, end - begin) if end > begin else b""
        self.loc = begin + len(data)
        self.fs.on_read(len(data))
        return data

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._ranges(start, end - start)


def open_ranges(source: Source) -> Callable[[int, int], bytes]:
    """What fetches a range of a file for any thread: a transport over HTTP does, one on the disk has a position."""
    transport = open_transport(source)
    path = getattr(transport, "path", None)
    if path is None:
        return transport.fetch
    file: BinaryIO = path.open("rb", buffering=0)

    def fetch(start: int, length: int) -> bytes:
        parts = []
        while length > 0:
            part = os.pread(file.fileno(), length, start)
            if not part:
                raise SourceGone("The stored file is shorter than it was when it was added.")
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    return fetch
