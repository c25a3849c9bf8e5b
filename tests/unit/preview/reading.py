"""How the tests look at a file without a worker: the readers themselves, on bytes under a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from preview.counting import scan
from preview.limits import Limits
from preview.previewer import preview_of
from preview.read_as import AS_DETECTED, ReadAs
from preview.reader import read
from preview.result import Preview, Scan
from preview.source import Source
from preview.table import payload

LIMITS = Limits()


def source_of(path: Path, *, name: str | None = None) -> Source:
    return Source(path.resolve().as_uri(), path.stat().st_size, name or path.name)


def look_at(
    path: Path,
    *,
    name: str | None = None,
    rows: int = 100,
    offset: int = 0,
    limits: Limits = LIMITS,
    columns: Sequence[str] | None = None,
    read_as: ReadAs = AS_DETECTED,
) -> Preview:
    """The preview of a file on disk."""
    source = source_of(path, name=name)
    table = read(source, rows=rows, offset=offset, limits=limits, columns=columns, read_as=read_as)
    return preview_of(*payload(table, offset=offset, limits=limits))


def look(
    content: bytes | str,
    name: str,
    *,
    rows: int = 100,
    offset: int = 0,
    limits: Limits = LIMITS,
    columns: Sequence[str] | None = None,
    read_as: ReadAs = AS_DETECTED,
) -> Preview:
    """The preview of these bytes under a name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return look_at(path, name=name, rows=rows, offset=offset, limits=limits, columns=columns, read_as=read_as)


def count(content: bytes | str, name: str) -> Scan:
    """What a scan finds in these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "content"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return scan(source_of(path, name=name), limits=LIMITS)


def types_of(preview: Preview) -> dict[str, str]:
    return {column.name: column.type for column in preview.columns}
