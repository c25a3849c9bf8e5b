"""How the tests of the engine reach it without a worker: an open DuckDB, a folder for copies, files made there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preview.asking import Data
from preview.engine.connect import Engine, connect
from preview.engine.copies import Copies
from preview.engine.profiling import profile, quick_profile
from preview.engine.tables import OpenTable, open_table
from preview.engine.tasks import Desk
from preview.limits import Limits
from preview.profile import ColumnProfile, Profile
from preview.read_as import AS_DETECTED, ReadAs
from preview.source import Source

MEMORY = 200_000_000
LIMITS = Limits()


def data_of(folder: Path, content: bytes | str, name: str, *, read_as: ReadAs = AS_DETECTED) -> Data:
    """A stored file of this content under a name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"stored-{len(list(folder.iterdir()))}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return data_at(path, name=name, read_as=read_as)


def data_at(path: Path, *, name: str | None = None, read_as: ReadAs = AS_DETECTED) -> Data:
    """The stored file at a path."""
    return Data(Source(path.resolve().as_uri(), path.stat().st_size, name or path.name), str(path), read_as)


def copies_in(folder: Path, *, limit: int = 1_000_000_000) -> Copies:
    return Copies(folder / "copies", limit)


@contextmanager
def opened(folder: Path, data: Data, *, limits: Limits = LIMITS) -> Iterator[tuple[Engine, OpenTable]]:
    """The file as the view `data`."""
    with connect(memory=MEMORY) as engine:
        yield engine, open_table(engine, "data", data, copies=copies_in(folder), limits=limits)


def plain(data: Data) -> dict[str, object]:
    source = {"url": data.source.url, "size": data.source.size, "file_name": data.source.file_name}
    return {"source": source, "cache_key": data.cache_key, "read_as": data.read_as.to_plain()}


def profiled(folder: Path, data: Data, *, quick: bool = False) -> Profile:
    """The profile a worker would give."""
    desk = Desk(copies_in(folder), LIMITS, MEMORY, lambda _: None)
    facts, _ = (quick_profile if quick else profile)(desk, {"data": plain(data)})
    return Profile.from_plain(facts)


def by_name(profile: Profile) -> dict[str, ColumnProfile]:
    return {column.name: column for column in profile.columns}


def slugs(column: ColumnProfile) -> list[str]:
    return [hint.slug for hint in column.hints]
