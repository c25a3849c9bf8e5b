"""Every row beside every object: both read in the order of their keys, so that nothing has to be held in memory.

What does not fit together is a `Suspect`, no more: rows are read as of one moment and objects at another, while people
go on working. Suspects go to a temporary file, and whoever judges them looks at row and object once more.
"""

from __future__ import annotations

import json
import re
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from heapq import merge
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any, NamedTuple, Self

from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from catalog.damage import Checked, Damage
from db import Database
from db.tables import File, FileStatus, OldCopy, Upload
from storage import Storages
from storage.protocol import Backend, BucketMissing, BucketRole, MultipartUpload, ObjectRef, StoredObject

PAGE = 1000
"""Rows fetched at a time."""
OWN_KEY = re.compile(
    r"(?:datasets|models|temp)/\d{4}/\d{2}/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
"""A key as the catalogue makes it (`intake.add_rows`); nothing else is ever taken for an object that lost its row."""
NEVER_ROWS = (f"{BucketRole.TEMP}/results/", f"{BucketRole.TEMP}/doctor/", "doctor/")
"""Where objects lie for which no row is meant to be: results of queries, and what the Doctor tries things with."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something that may be wrong, and all that is needed to look again. `ref_id` is a row's, or the store's upload."""

    kind: Damage
    backend: str
    bucket: str
    role: str
    key: str
    size: int = 0
    ref_id: str = ""

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(BucketRole(self.role), self.key, self.bucket)

    @property
    def where(self) -> str:
        return f"{self.backend}:{self.bucket}/{self.key}"

    @property
    def key_id(self) -> uuid.UUID:
        """The file's id, with which every key that the catalogue makes ends."""
        return uuid.UUID(self.key.rpartition("/")[2])


class Place(NamedTuple):
    """A real bucket of a backend."""

    backend: Backend
    bucket: str


@dataclass
class PlaceSeen:
    """What one bucket held. `missing` says why it could not be looked into."""

    place: Place
    rows: int = 0
    """Files that should have an object."""
    objects: int = 0
    lost: int = 0
    missing: str = ""


class Suspects(AbstractContextManager["Suspects"]):
    """A list on disk: written once, then read."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed by __exit__

    def add(self, suspect: Suspect) -> None:
        self._file.write(json.dumps(asdict(suspect)) + "\n")

    def __iter__(self) -> Iterator[Suspect]:
        self._file.seek(0)
        for line in self._file:
            facts = json.loads(line)
            yield Suspect(**{**facts, "kind": Damage(facts["kind"])})

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self


class _Row(NamedTuple):
    key: str
    id: uuid.UUID
    role: str
    status: str
    size: int
    failure: str | None
    store_upload_id: str | None
    touched_at: datetime | None


class _Copy(NamedTuple):
    key: str
    id: uuid.UUID
    role: str
    size: int


@dataclass
class Inventory:
    """Goes through every place once. Objects and uploads touched since `before` are too young to be judged; an upload
    touched since `rests_since` may still be gone on with."""

    database: Database
    storages: Storages
    before: datetime
    rests_since: datetime
    suspects: Suspects
    checked: Checked
    seen: list[PlaceSeen] = field(default_factory=list)

    def take(self) -> None:
        """Fill `suspects`, `checked` and `seen`; changes nothing.

        Raises the store's errors, but for a bucket that is missing, which `seen` tells; DatabaseUnavailable.
        """
        for place in self._places():
            seen = PlaceSeen(place)
            self.seen.append(seen)
            try:
                under_way = list(self._under_way(place))
                self._compare(seen, {upload.upload_id for upload in under_way})
                self._look_at(place, under_way)
            except BucketMissing as error:
                seen.missing = str(error)
                seen.rows = self._count(place)

    def _places(self) -> list[Place]:
        places = {Place(Backend.LOCAL, role.value) for role in BucketRole}
        if self.storages.state.configured is Backend.MINIO:
            store = self.storages.of(Backend.MINIO)
            places |= {Place(Backend.MINIO, store.bucket_for(role)) for role in BucketRole}
        with self.database.session() as session:
            for table in (File, OldCopy):
                named = sql_select(col(table.backend), col(table.bucket)).distinct()
                places |= {Place(Backend(backend), bucket) for backend, bucket in session.execute(named)}
        return sorted(places)

    def _count(self, place: Place) -> int:
        with self.database.session() as session:
            return sum(row.status not in (FileStatus.PENDING, FileStatus.DELETED) for row in _rows(session, place))

    def _compare(self, seen: PlaceSeen, upload_ids: set[str]) -> None:
        with self.database.session() as session:
            streams = (
                ((row.key, row) for row in _rows(session, seen.place)),
                ((copy.key, copy) for copy in _copies(session, seen.place)),
                ((stored.ref.key, stored) for stored in self._objects(seen.place)),
            )
            together = merge(*streams, key=itemgetter(0))
            for _, group in groupby(together, key=itemgetter(0)):
                found = [item for _, item in group]
                self._judge(
                    seen,
                    next((item for item in found if isinstance(item, _Row)), None),
                    next((item for item in found if isinstance(item, _Copy)), None),
                    next((item for item in found if isinstance(item, StoredObject)), None),
                    upload_ids,
                )

    def _objects(self, place: Place) -> Iterator[StoredObject]:
        storage = self.storages.of(place.backend)
        for role, prefix in _listings(place):
            yield from storage.list_files(role, prefix, bucket=place.bucket)

    def _under_way(self, place: Place) -> Iterator[MultipartUpload]:
        storage = self.storages.of(place.backend)
        for role, prefix in _listings(place):
            yield from storage.list_multipart(role, prefix, bucket=place.bucket)

    def _judge(
        self,
        seen: PlaceSeen,
        row: _Row | None,
        copy: _Copy | None,
        stored: StoredObject | None,
        upload_ids: set[str],
    ) -> None:
        if stored is not None:
            seen.objects += 1
            self.checked.objects += 1
            self.checked.object_bytes += stored.size
        if copy is not None and stored is None:
            self._suspect(Damage.OLD_COPY_GONE, seen.place, copy, ref_id=str(copy.id))
        if row is not None:
            self._judge_row(seen, row, stored, upload_ids)
        elif copy is None and stored is not None:
            self._judge_object(seen.place, stored)

    def _judge_row(self, seen: PlaceSeen, row: _Row, stored: StoredObject | None, upload_ids: set[str]) -> None:
        self.checked.files += 1
        kind = None
        if row.status == FileStatus.DELETED:
            kind = Damage.REMOVAL_CUT_OFF
        elif row.status == FileStatus.PENDING:
            if stored is not None:
                kind = Damage.COMPLETION_CUT_OFF
            elif row.store_upload_id not in upload_ids:
                kind = Damage.UPLOAD_GONE
            elif row.touched_at is not None and row.touched_at < self.rests_since:
                kind = Damage.UPLOAD_RESTING
        else:
            seen.rows += 1
            if stored is None or stored.size != row.size:
                kind = Damage.LOST if stored is None else Damage.SIZE_DIFFERS
            if row.failure is not None:
                self.checked.known_failed += 1
                kind = None
            seen.lost += kind is Damage.LOST
        if kind is not None:
            self._suspect(kind, seen.place, row, ref_id=str(row.id))

    def _judge_object(self, place: Place, stored: StoredObject) -> None:
        key = stored.ref.key
        if key.startswith(NEVER_ROWS):
            return
        if OWN_KEY.fullmatch(key) is None:
            self.checked.foreign += 1
        elif stored.modified_at is None or stored.modified_at >= self.before:
            self.checked.young += 1
        else:
            self.suspects.add(Suspect(Damage.ORPHAN, place.backend, place.bucket, _role_of(key), key, stored.size))

    def _look_at(self, place: Place, under_way: Sequence[MultipartUpload]) -> None:
        self.checked.uploads += len(under_way)
        for upload in under_way:
            key = upload.ref.key
            if OWN_KEY.fullmatch(key) is not None:
                kind, id_ = Damage.STALE_UPLOAD, upload.upload_id
                if upload.started_at is not None and upload.started_at < self.before:
                    self.suspects.add(Suspect(kind, place.backend, place.bucket, _role_of(key), key, ref_id=id_))

    def _suspect(self, kind: Damage, place: Place, row: _Row | _Copy, *, ref_id: str) -> None:
        self.suspects.add(Suspect(kind, place.backend, place.bucket, row.role, row.key, row.size, ref_id))


def _listings(place: Place) -> list[tuple[BucketRole, str]]:
    """What to list so that everything of ours comes, in key order: in a store others may keep things beside ours."""
    if place.backend is Backend.LOCAL and place.bucket in tuple(BucketRole):
        return [(BucketRole(place.bucket), "")]
    return [(role, f"{role}/") for role in sorted(BucketRole)]


def _role_of(key: str) -> str:
    return key.partition("/")[0]


def _rows(session: Session, place: Place) -> Iterator[_Row]:
    query = (
        sql_select(
            *(col(File.key), col(File.id), col(File.role), col(File.status), col(File.size), col(File.failure)),
            *(col(Upload.store_upload_id), col(Upload.touched_at)),
        )
        .outerjoin(Upload, col(Upload.file_id) == col(File.id))
        .where(col(File.backend) == place.backend, col(File.bucket) == place.bucket)
    )
    return (_Row(*row) for row in _streamed(session, query, col(File.key)))


def _copies(session: Session, place: Place) -> Iterator[_Copy]:
    query = sql_select(col(OldCopy.key), col(OldCopy.id), col(OldCopy.role), col(OldCopy.size))
    query = query.where(col(OldCopy.backend) == place.backend, col(OldCopy.bucket) == place.bucket)
    return (_Copy(*row) for row in _streamed(session, query, col(OldCopy.key)))


def _streamed(session: Session, query: Any, key: Any) -> Iterator[Any]:
    # Stores list keys by their bytes; PostgreSQL would sort by the database's language.
    postgres = session.get_bind().dialect.name == "postgresql"
    in_order = query.order_by(key.collate("C") if postgres else key)
    yield from session.execute(in_order, execution_options={"yield_per": PAGE})
