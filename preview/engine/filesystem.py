"""Stored files for DuckDB as `shelf://…` paths: only those that were published, only to read, only by ranges.

What DuckDB asks of an fsspec filesystem is little known: `info`, `glob`, `modified` with an aware datetime, and `open`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from preview.source import Source
from preview.transport import Transport, open_transport

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
    """One open file; DuckDB decides how much it reads at once, so nothing is read ahead."""

    def __init__(self, files: StoredFiles, path: str, source: Source) -> None:
        super().__init__(files, path, "rb", cache_type="none", size=source.size)
        # Each of DuckDB's threads has its own handle; a transport holds a position.
        self._transport: Transport = open_transport(source)

    def _fetch_range(self, start: int, end: int) -> bytes:
        data = self._transport.fetch(start, min(end, self.size) - start)
        self.fs.on_read(len(data))
        return data
