"""What a backup looks like in its vault, and how its parts are written and read.

objects/3f/{file id}.{SHA-256}     a file's bytes; they never change, so that snapshots share them
snapshots/{UTC time}/tables/*      the rows of every table as one moment had them (`db/export.py`)
snapshots/{UTC time}/files…        for every file of that moment, which object holds its bytes, or why none does
snapshots/{UTC time}/manifest.json put last: without it the snapshot is unfinished, and nobody uses it
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Literal, Protocol

import zstandard
from pydantic import BaseModel, ConfigDict, ValidationError

from db.export import Columns
from storage.checked import CheckedStream, ContentDiffers
from storage.protocol import FileNotInStorage
from storage.vault import Chunks, Kept, Vault

SNAPSHOTS, OBJECTS = "snapshots/", "objects/"
MANIFEST = "manifest.json"
_SNAPSHOT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z")
_OBJECT = re.compile(r"objects/[0-9a-f]{2}/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{64}")
"""As `snapshot_name` and `object_name` make them: what is called otherwise in the same place is somebody else's."""
LEVEL = 3
"""Of zstd: its default."""
BLOCK = 1024**2
LARGEST_MANIFEST = 64 * BLOCK


class SnapshotError(Exception):
    """A backup cannot be made or restored; the message is a sentence for the operator."""


class SnapshotDamaged(SnapshotError):
    """Something in the backup is missing or is not what its manifest says."""


class Watcher(Protocol):
    """Who shows how far it is; called from several threads."""

    def stage(self, what: str, total: int) -> None:
        """A step begins: rows, or bytes, so many in all."""
        ...

    def advance(self, count: int) -> None: ...


class Unwatched:
    """Nobody looks."""

    def stage(self, what: str, total: int) -> None:
        return

    def advance(self, count: int) -> None:
        return


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lines(_Plain):
    """A file of lines in a snapshot: its name in the vault, its lines, and its bytes as they lie there."""

    name: str
    rows: int
    size: int
    sha256: str


class TableLines(Lines):
    """The rows of a table."""

    table: str
    columns: Columns


class Manifest(_Plain):
    """What makes a snapshot complete. `shelf` tells installations apart; None where it has no user yet."""

    format: Literal[1] = 1
    taken_at: datetime
    revision: str
    """The schema's version (Alembic)."""
    shelf: uuid.UUID | None
    database: str
    with_objects: bool
    size: int
    """Bytes of all files that can be restored."""
    tables: tuple[TableLines, ...]
    files: Lines


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as a snapshot holds it. `copy` names its bytes in the vault; `why` says why there are none.

    `gone`: it was deleted while the backup was made.
    """

    file_id: uuid.UUID
    file_name: str
    status: str
    failure: str | None
    size: int
    sha256: str | None
    copy: str | None = None
    why: str | None = None
    gone: bool = False

    def line(self) -> bytes:
        values = [str(self.file_id), self.file_name, self.status, self.failure, self.size, self.sha256]
        return json.dumps([*values, self.copy, self.why, self.gone], separators=(",", ":")).encode() + b"\n"

    @classmethod
    def of_line(cls, line: bytes) -> KeptFile:
        """Raises SnapshotDamaged."""
        try:
            file_id, *rest = json.loads(line)
            return cls(uuid.UUID(file_id), *rest)
        except (ValueError, TypeError) as error:
            raise SnapshotDamaged(f"A line in the backup's list of files is damaged: {error}.") from error


def object_name(file_id: uuid.UUID, sha256: str) -> str:
    """Where a file's bytes lie in the vault; names sort as ids do."""
    return f"{OBJECTS}{str(file_id)[:2]}/{file_id}.{sha256}"


def snapshot_name(moment: datetime) -> str:
    """The folder of a snapshot: names sort by time, and no file system minds them."""
    return moment.strftime("%Y-%m-%dT%H-%M-%S.") + f"{moment.microsecond // 1000:03}Z"


def write_lines(vault: Vault, name: str, lines: Iterable[bytes]) -> Lines:
    """Keep lines, compressed, under a name. What the iterable raises passes through, and nothing is kept."""
    digest, rows = hashlib.sha256(), 0

    def chunks() -> Iterator[bytes]:
        nonlocal rows
        compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        for line in lines:
            rows += 1
            if chunk := compressor.compress(line):
                digest.update(chunk)
                yield chunk
        chunk = compressor.flush()
        digest.update(chunk)
        yield chunk

    size = vault.put(name, Chunks(chunks()), None)
    return Lines(name=name, rows=rows, size=size, sha256=digest.hexdigest())


@contextmanager
def read_lines(vault: Vault, kept: Lines) -> Iterator[Iterator[bytes]]:
    """The lines, for whoever reads them to their end, which may take long: no connection is held meanwhile.

    The file is checked before the first line is given. Raises SnapshotDamaged.
    """
    with tempfile.TemporaryFile() as local:
        try:
            with vault.open(kept.name) as stream:
                checked = CheckedStream(stream, size=kept.size, sha256=kept.sha256)
                while block := checked.read(BLOCK):
                    local.write(block)
        except FileNotInStorage:
            raise SnapshotDamaged(f"The backup is damaged: {kept.name} is missing.") from None
        except ContentDiffers as error:
            raise SnapshotDamaged(f"The backup is damaged: {kept.name} is not what was written; {error}.") from error
        local.seek(0)
        with zstandard.ZstdDecompressor().stream_reader(local, closefd=False) as plain:
            yield iter(io.BufferedReader(plain, BLOCK))


def snapshots(vault: Vault) -> list[str]:
    """The names of all snapshots, the oldest first, unfinished ones among them."""
    return [name for name in vault.folders(SNAPSHOTS) if _SNAPSHOT.fullmatch(name)]


def objects(vault: Vault) -> Iterator[Kept]:
    """The copies of files, in the order of their names."""
    return (entry for entry in vault.entries(OBJECTS) if _OBJECT.fullmatch(entry.name))


def is_own(name: str) -> bool:
    """Whether a backup gives such a name."""
    in_snapshot = name.startswith(SNAPSHOTS) and _SNAPSHOT.fullmatch(name.split("/")[1]) is not None
    return in_snapshot or _OBJECT.fullmatch(name) is not None


def read_manifest(vault: Vault, snapshot: str) -> Manifest | None:
    """None where the snapshot is unfinished. Raises SnapshotError where its form is unknown or damaged."""
    name = f"{SNAPSHOTS}{snapshot}/{MANIFEST}"
    try:
        with vault.open(name) as stream:
            # Piece by piece: room for the largest one is not asked for at once.
            text = b"".join(islice(iter(partial(stream.read, BLOCK), b""), LARGEST_MANIFEST // BLOCK))
    except FileNotInStorage:
        return None
    try:
        found = json.loads(text)
        if isinstance(found, dict) and found.get("format", 1) != 1:
            raise SnapshotError(
                f"The snapshot {snapshot} has the form {found['format']}, which a newer Datashelf wrote. Use that one."
            )
        return Manifest.model_validate_json(text)
    except (ValidationError, ValueError) as error:
        raise SnapshotDamaged(
            f"The backup is damaged: {name} cannot be read. Another snapshot may be whole: name it with --snapshot."
        ) from error


def write_manifest(vault: Vault, snapshot: str, manifest: Manifest) -> None:
    """Make the snapshot complete."""
    text = manifest.model_dump_json(indent=1).encode()
    vault.put(f"{SNAPSHOTS}{snapshot}/{MANIFEST}", io.BytesIO(text), len(text))


def complete_snapshots(vault: Vault) -> Iterator[tuple[str, Manifest]]:
    """Every complete snapshot, the newest first."""
    for name in reversed(snapshots(vault)):
        manifest = read_manifest(vault, name)
        if manifest is not None:
            yield name, manifest


def find_snapshot(vault: Vault, wanted: str = "latest") -> tuple[str, Manifest]:
    """The snapshot of a name, or the newest complete one. Raises SnapshotError."""
    if wanted == "latest":
        for found in complete_snapshots(vault):
            return found
        raise SnapshotError(f"There is no complete backup at {vault.place}.")
    manifest = read_manifest(vault, wanted) if wanted in snapshots(vault) else None
    if manifest is None:
        names = ", ".join(name for name, _ in complete_snapshots(vault)) or "none"
        raise SnapshotError(f"There is no complete snapshot “{wanted}” at {vault.place}; there are {names}.")
    return wanted, manifest


def remove_snapshot(vault: Vault, snapshot: str) -> None:
    """Remove a snapshot, its manifest first: what is left of it in between counts as unfinished. Objects stay."""
    folder = f"{SNAPSHOTS}{snapshot}/"
    vault.remove(f"{folder}{MANIFEST}")
    for entry in list(vault.entries(folder)):
        vault.remove(entry.name)


def copies(vault: Vault) -> Iterator[tuple[uuid.UUID, str, int, str]]:
    """(file id, SHA-256, size, name) of every object, by id."""
    for entry in objects(vault):
        file_id, _, sha256 = entry.name.rpartition("/")[2].partition(".")
        yield uuid.UUID(file_id), sha256, entry.size, entry.name
