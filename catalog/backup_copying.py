"""Copying files' bytes into a vault, each compared with its row on the way, while the app goes on."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from sqlmodel import col, select

from catalog.snapshots import KeptFile, Watcher, object_name
from db import Database
from db.tables import File, FileStatus
from storage import Storages
from storage.checked import CheckedStream, ContentDiffers, Reads
from storage.protocol import (
    Backend,
    BucketMissing,
    BucketRole,
    ObjectRef,
    StorageError,
    StorageUnavailable,
)
from storage.vault import Vault

BLOCK = 1024**2
IN_A_ROW = 5
"""Files that cannot be read one after another, after which it is the store that is away, and not a file."""
RESTORABLE = (FileStatus.READY, FileStatus.TRASHED, FileStatus.FAILED)
AHEAD = 16
"""Pieces of work begun for each worker before the oldest is waited for."""

Given = TypeVar("Given")
Made = TypeVar("Made")
Copy = tuple[str, int, str]
"""SHA-256, size and name of bytes in the vault."""


class Unreadable(Exception):
    """The file's own store did not give its bytes; `__cause__` says why."""


@dataclass
class Copied:
    """What came of it, in numbers."""

    copied: int = 0
    copied_size: int = 0
    reused: int = 0
    reused_size: int = 0
    gone: int = 0
    under_way: int = 0
    not_good: int = 0
    """Files that had failed before, and of which the vault has no bytes."""


@dataclass(frozen=True)
class Source:
    """A file's row in the snapshot, as far as copying needs it."""

    file_id: uuid.UUID
    file_name: str
    status: str
    failure: str | None
    size: int
    sha256: str | None
    backend: Backend
    ref: ObjectRef

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Source:
        return cls(
            row["id"],
            row["file_name"],
            row["status"],
            row["failure"],
            row["size"],
            row["sha256"],
            Backend(row["backend"]),
            ObjectRef(BucketRole(row["role"]), row["key"], row["bucket"]),
        )

    def kept(self) -> KeptFile:
        return KeptFile(self.file_id, self.file_name, self.status, self.failure, self.size, self.sha256)


@dataclass
class Copying:
    """Copies what the vault does not have yet. `watcher` hears of bytes, those of files that need no copy too."""

    database: Database
    storages: Storages
    vault: Vault
    watcher: Watcher
    parallel: int
    done: Copied = field(default_factory=Copied)
    _counting: threading.Lock = field(default_factory=threading.Lock)
    _failed_in_a_row: int = 0

    def run(
        self, sources: Iterable[Source], there: Iterator[tuple[uuid.UUID, str, int, str]]
    ) -> Generator[KeptFile, None, None]:
        """Every file, by id as `sources` and `there` are, with the name of its copy or why it has none.

        Raises StorageError where the vault or the store of all the files fails; what was copied stays for the next run.
        """
        yield from in_order(lambda pair: self._keep(*pair), _beside(sources, there), workers=self.parallel)

    def _keep(self, source: Source, found: list[Copy]) -> KeptFile:
        kept = source.kept()
        if source.status == FileStatus.PENDING:
            self._count(under_way=1)
            return kept
        if source.status not in RESTORABLE:
            return kept
        for sha256, size, name in found:
            if size == source.size and source.sha256 in (None, sha256):
                self._count(reused=1, reused_size=size)
                self.watcher.advance(size)
                return replace(kept, sha256=sha256, copy=name)
        return self._copy(source)

    def _copy(self, source: Source) -> KeptFile:
        kept, tries = source.kept(), 3
        while True:
            try:
                sha256 = source.sha256 or self._read(source, _hashed)
                name = object_name(source.file_id, sha256)
                self._read(source, partial(self._put, name, source.size, sha256))
            except (Unreadable, ContentDiffers) as error:
                now = self._where_now(source)
                if now is None:
                    self._count(gone=1)
                    return replace(kept, gone=True)
                tries -= 1
                if now != source and tries:
                    source = now
                    continue
                return self._not_copied(kept, error)
            self._count(copied=1, copied_size=source.size)
            self._failed_in_a_row = 0
            return replace(kept, sha256=sha256, copy=name)

    def _put(self, name: str, size: int, sha256: str, stream: Reads) -> None:
        self.vault.put(name, CheckedStream(stream, size=size, sha256=sha256, on_read=self.watcher.advance), size)

    def _not_copied(self, kept: KeptFile, error: Unreadable | ContentDiffers) -> KeptFile:
        cause = error.__cause__ if isinstance(error, Unreadable) else error
        if kept.failure is not None or kept.status == FileStatus.FAILED:
            self._count(not_good=1)
            return kept
        if isinstance(cause, BucketMissing):
            raise cause
        if isinstance(cause, StorageUnavailable):
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= IN_A_ROW:
                raise cause
        why = f"{cause}" if isinstance(cause, StorageError) else f"it cannot be read: {cause}"
        return replace(kept, why=why)

    def _read(self, source: Source, use: Callable[[Reads], Made]) -> Made:
        try:
            opened = self.storages.of(source.backend).get_file(source.ref)
            stream = opened.__enter__()
        except (StorageError, OSError) as error:
            raise Unreadable from error
        try:
            return use(_Guarded(stream))
        finally:
            opened.__exit__(None, None, None)

    def _where_now(self, source: Source) -> Source | None:
        """The file as the database has it at this moment; None where it is deleted."""
        with self.database.session() as session:
            file = session.exec(select(File).where(col(File.id) == source.file_id)).first()
        if file is None or file.status == FileStatus.DELETED:
            return None
        return replace(
            source, backend=Backend(file.backend), ref=ObjectRef(BucketRole(file.role), file.key, file.bucket)
        )

    def _count(self, **more: int) -> None:
        with self._counting:
            for name, number in more.items():
                setattr(self.done, name, getattr(self.done, name) + number)


class _Guarded:
    """A stream of the store whose errors are told from the vault's."""

    def __init__(self, stream: Reads) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except (StorageError, OSError) as error:
            raise Unreadable from error


def in_order(
    work: Callable[[Given], Made], things: Iterable[Given], *, workers: int, ahead: int = AHEAD
) -> Generator[Made, None, None]:
    """The results of `work`, in the order of the things; a few of them at once, and few in memory."""
    with ThreadPoolExecutor(workers, thread_name_prefix="copy") as pool:
        begun: deque[Future[Made]] = deque()
        try:
            for thing in things:
                begun.append(pool.submit(work, thing))
                if len(begun) >= workers * ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def _hashed(stream: Reads) -> str:
    digest = hashlib.sha256()
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _beside(
    sources: Iterable[Source], there: Iterator[tuple[uuid.UUID, str, int, str]]
) -> Iterator[tuple[Source, list[Copy]]]:
    """Each file with the copies the vault has of it; both come by id."""
    following = next(there, None)
    for source in sources:
        found: list[Copy] = []
        while following is not None and following[0] <= source.file_id:
            if following[0] == source.file_id:
                found.append(following[1:])
            following = next(there, None)
        yield source, found
