"""The rows of a snapshot in the database they are restored into: put there at once, and made good file by file.

Until a file's bytes are there and right, its row says that it is being restored: it is `failed`, or in the trash as one
that had failed, and so never served; its dataset is listed with the first version that is ready.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Select, Table, delete, insert, select, update
from sqlmodel import Session, col

from catalog import shelf
from catalog.access import FAILED_CHECK
from catalog.digests import still_to_be_compared
from catalog.events import EventKind, record
from catalog.reports import ReportKind, Reports
from catalog.snapshots import KeptFile, Manifest, SnapshotDamaged, SnapshotError, Watcher, read_lines
from db import Database
from db.export import LineDamaged, Loader
from db.schema import fill
from db.tables import METADATA, Dataset, DatasetTag, File, FileStatus, OldCopy, Report, ShelfCount
from db.utc import utc_now
from storage.protocol import BucketRole, FileStorage, StoredObject
from storage.vault import Vault

BEING_RESTORED = (
    "The file is being restored from a backup, and its bytes are not back yet. If this stays so, run the restore again."
)
DROPPED = (FileStatus.PENDING, FileStatus.DELETED)
"""What cannot come back: uploads under way, of which the store had but parts, and files that had been deleted."""


_FILE, _DATASET = METADATA.tables["file"], METADATA.tables["dataset"]


class NotEmpty(SnapshotError):
    """The installation holds something already."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: `stored` where its bytes were written, `problem` where there are none that are right.

    Neither: its bytes are where its row says.
    """

    kept: KeptFile
    stored: StoredObject | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of the rows: uploads given up, and rows in which NULs had to be replaced."""

    given_up: int
    replaced: int


def fill_catalogue(
    database: Database, vault: Vault, snapshot: str, manifest: Manifest, watcher: Watcher, target: FileStorage | None
) -> Filled:
    """Put every row of the snapshot into an empty database, migrated to today's schema; all or nothing.

    `target` is the store that the bytes will be written to; None where they are to be found where they were.
    Raises NotEmpty, SnapshotDamaged, and the database's errors.
    """
    given_up = replaced = 0

    def load(connection: Connection) -> None:
        nonlocal replaced
        loader = Loader(connection)
        for kept in manifest.tables:
            with read_lines(vault, kept) as lines:
                try:
                    count = loader.load(kept.table, kept.columns, _told(lines, watcher))
                except LineDamaged as error:
                    raise SnapshotDamaged(f"The backup is damaged: in {kept.name} {error}.") from error
            if count != kept.rows:
                raise SnapshotDamaged(f"The backup is damaged: {kept.name} has {count} rows instead of {kept.rows}.")
        replaced = loader.replaced

    def finish(connection: Connection) -> None:
        nonlocal given_up
        given_up = _give_up(connection)
        _hold_back(connection)
        _rest_on(connection, max(timedelta(0), utc_now() - manifest.taken_at))
        if target is not None:
            _readdress(connection, target)
        content = {"snapshot": snapshot, "place": vault.place, "finished": False}
        connection.execute(insert(Report).values(kind=ReportKind.RESTORE, made_at=utc_now(), content=content))

    watcher.stage("Catalogue", sum(kept.rows for kept in manifest.tables))
    fill(database, manifest.revision, clear=_clear, load=load, finish=finish)
    return Filled(given_up, replaced)


def begun_restore(database: Database) -> str | None:
    """The snapshot whose restore was begun in a database of today's schema and is not finished."""
    last = Reports(database).last(ReportKind.RESTORE)
    return str(last.content["snapshot"]) if last is not None and not last.content["finished"] else None


def rows_of(database: Database, files: Iterable[KeptFile]) -> dict[uuid.UUID, File]:
    """The rows of these files; those that say BEING_RESTORED wait for their bytes."""
    ids = [kept.file_id for kept in files]
    with database.session() as session:
        return {file.id: file for file in session.scalars(select(File).where(col(File.id).in_(ids)))}


def settle(database: Database, outcomes: Sequence[Outcome]) -> None:
    """Note what became of files: those that are right are what they were, and their datasets are listed again."""
    with database.transaction() as session:
        touched = [_settle(session, outcome) for outcome in outcomes]
        session.flush()
        for dataset_id in sorted({each for each in touched if each is not None}):
            dataset = session.get(Dataset, dataset_id, with_for_update=True)
            if dataset is not None and not _removed(session, dataset):
                shelf.refresh(session, dataset)


def _removed(session: Session, dataset: Dataset) -> bool:
    """Remove a dataset whose last file is gone; one that only has files in the trash goes there itself."""
    if dataset.trashed_at is None:
        return shelf.remove_if_empty(session, dataset)
    if session.scalars(select(col(File.id)).where(col(File.dataset_id) == dataset.id).limit(1)).first() is not None:
        return False
    shelf.remove(session, dataset)
    return True


def _settle(session: Session, outcome: Outcome) -> uuid.UUID | None:
    """Note it on the file's row; the dataset that it belongs to, where there is one."""
    kept = outcome.kept
    file = session.get(File, kept.file_id)
    if file is None or file.failure != BEING_RESTORED:
        return None
    dataset_id = file.dataset_id
    if kept.gone:
        session.delete(file)
        return dataset_id
    if outcome.problem is not None:
        file.failure = outcome.problem
        detail = {"file_name": file.file_name, "reason": "restore"}
        record(session, EventKind.FILE_FAILED, dataset_id=dataset_id, file_id=file.id, detail=detail)
        return dataset_id
    file.status, file.failure = kept.status, kept.failure
    if file.trashed_at is not None:
        # Where the app ran meanwhile, somebody may have put it there.
        if kept.status == FileStatus.FAILED:
            file.failure = kept.failure or FAILED_CHECK
        file.status = FileStatus.TRASHED
    elif kept.status == FileStatus.TRASHED:
        # Taken out of there meanwhile.
        file.status = FileStatus.READY if kept.failure is None else FileStatus.FAILED
    if outcome.stored is not None:
        file.etag, file.bucket = outcome.stored.etag, outcome.stored.bucket
        if not still_to_be_compared(session, file):
            file.sha256_verified, file.verified_at = True, utc_now()
        file.sha256 = kept.sha256
    return dataset_id


def _clear(connection: Connection) -> None:
    """Empty the tables of what every start leaves there. Raises NotEmpty where there is more."""
    for table in (_DATASET, _FILE):
        if connection.execute(select(table.c.id).limit(1)).first() is not None:
            raise NotEmpty(
                "This installation is not empty, and a restore would mix the two. Restore into a new one: another "
                "DATABASE_URL or DATA_DIR, and a bucket of its own. Nothing was changed."
            )
    for each in reversed(METADATA.sorted_tables):
        connection.execute(delete(each))


def _give_up(connection: Connection) -> int:
    """Take out the rows of files that cannot come back, with all that hangs on them; the number of uploads given up."""
    pending = select(_FILE.c.id, _FILE.c.dataset_id, _FILE.c.file_name, _FILE.c.size)
    given_up = connection.execute(pending.where(_FILE.c.status == FileStatus.PENDING)).all()
    with _session(connection) as session:
        for file_id, dataset_id, file_name, size in given_up:
            detail = {"file_name": file_name, "size": size, "reason": "restore"}
            record(session, EventKind.UPLOAD_EXPIRED, dataset_id=dataset_id, file_id=file_id, detail=detail)
    _delete(connection, _FILE, select(_FILE.c.id).where(_FILE.c.status.in_(DROPPED)))
    left = select(_FILE.c.id).where(_FILE.c.dataset_id == _DATASET.c.id)
    _delete(connection, _DATASET, select(_DATASET.c.id).where(~left.exists()))
    return len(given_up)


def _delete(connection: Connection, table: Table, ids: Select[tuple[uuid.UUID]]) -> None:
    # SQLite cascades nothing while its foreign keys are off, as they are in a migration.
    for other in METADATA.sorted_tables:
        for key in other.foreign_keys:
            if key.column is table.c.id and other not in (_FILE, _DATASET):
                connection.execute(delete(other).where(key.parent.in_(ids)))
    connection.execute(delete(table).where(table.c.id.in_(ids)))


def _hold_back(connection: Connection) -> None:
    """Take every file off the shelf until its bytes are back, with the counts and copies that speak of it."""
    seen = update(_FILE).where(_FILE.c.status.in_((FileStatus.READY, FileStatus.FAILED)))
    connection.execute(seen.values(status=FileStatus.FAILED, failure=BEING_RESTORED))
    connection.execute(update(_FILE).where(_FILE.c.status == FileStatus.TRASHED).values(failure=BEING_RESTORED))
    nothing = {"current_file_id": None, "file_name": "", "format": "other", "size": 0, "rows": None, "columns": None}
    connection.execute(update(_DATASET).where(_DATASET.c.current_file_id.is_not(None)).values(**nothing))
    connection.execute(update(DatasetTag).values(listed=False))
    connection.execute(update(ShelfCount).values(datasets=0, size=0))
    off = select(_FILE.c.id).where(_FILE.c.dataset_id == _DATASET.c.id, _FILE.c.status != FileStatus.TRASHED)
    with _session(connection) as session:
        for dataset in session.scalars(select(Dataset).where(_DATASET.c.trashed_at.is_(None), ~off.exists())).all():
            # Of it only an upload was seen, which is given up.
            shelf.remove_if_empty(session, dataset)


def _rest_on(connection: Connection, since: timedelta) -> None:
    """Let what lies in the trash have as long left as it had when the backup was made, `since` ago.

    Else the first sweep would remove for good all of an older backup's trash, and what was put back since then with it.
    """
    for table in (_DATASET, _FILE):
        moments = select(table.c.trashed_at).where(table.c.trashed_at.is_not(None)).distinct()
        # The latest first, so that none is moved to where another still is.
        for at in sorted(connection.execute(moments).scalars().all(), reverse=True):
            later = update(table).where(table.c.trashed_at == at).values(trashed_at=at + since)
            connection.execute(later)


def _readdress(connection: Connection, target: FileStorage) -> None:
    """Let every file be where it is going to be written."""
    connection.execute(delete(OldCopy))
    for role in BucketRole:
        to = update(_FILE).where(_FILE.c.role == role)
        connection.execute(to.values(backend=target.backend, bucket=target.bucket_for(role)))


@contextmanager
def _session(connection: Connection) -> Iterator[Session]:
    """A session inside the connection's transaction."""
    with Session(connection, join_transaction_mode="create_savepoint") as session, session.begin():
        yield session


def _told(lines: Iterator[bytes], watcher: Watcher) -> Iterator[bytes]:
    for line in lines:
        yield line
        watcher.advance(1)
