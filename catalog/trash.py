"""What was deleted and can be put back: datasets with the versions that went with them, and single versions.

A dataset in the trash has its id for a name, so that its own is free, and no current file, so that no list shows it. A
file in the trash is `trashed`; those that went with their dataset bear its `trashed_at`, and come back with it. What
has been there for `keep` is removed for good: row `deleted`, then the object, as with every other deletion.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.access import Need, changes_dataset, check_need, check_writes
from catalog.caller import Caller
from catalog.errors import DatasetInTrash, NotInTrash
from catalog.events import EventKind, record
from catalog.removal import Removal
from catalog.trash_items import TrashItem, TrashKind, items_of, locked, locked_file, lying, trashed
from catalog.views import DatasetDetail, dataset_detail
from db import Database, DatabaseUnavailable
from db.tables import Dataset, File, FileStatus, OldCopy
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend

MOST = 1000
"""Things that one list shows."""
BATCH = 100
"""Things that are looked up at a time to be removed for good."""


@dataclass(frozen=True, slots=True)
class TrashPage:
    """The things deleted last come first; there are `total` of `total_size` bytes in all."""

    items: tuple[TrashItem, ...]
    total: int
    total_size: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What is back. `was` is the name it had, where another dataset has that by now and it got another one."""

    detail: DatasetDetail
    was: str | None = None


def _ignore(_file_id: uuid.UUID) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Trash:
    """What lies in the trash of datasets that the caller may change; only its owner removes a thing for good. `keep` is
    how long it stays; `on_ready` hears of a file that is back.

    Every change locks the dataset's row first, as everywhere: of two that want the same thing one gets it. Every method
    raises DatabaseUnavailable where the database is away.
    """

    database: Database
    storages: Storages
    keep: timedelta
    on_ready: Callable[[uuid.UUID], None] = _ignore

    def list(self, caller: Caller, *, skip: int = 0, most: int = MOST) -> TrashPage:
        """Up to `most` things after the first `skip`, the latest deleted first."""
        there = lying(caller).subquery("lying")
        page = sql_select(there.c.id, there.c.kind).order_by(there.c.at.desc(), there.c.id).offset(skip).limit(most)
        size = select(func.coalesce(func.sum(File.size), 0)).where(*trashed())
        if caller.alone:
            size = size.where(File.owner_id == caller.user_id)
        else:
            size = size.join(Dataset, col(Dataset.id) == col(File.dataset_id)).where(changes_dataset(caller))
        with self.database.session() as session:
            found = [(id_, TrashKind(kind)) for id_, kind in session.execute(page)]
            total = session.execute(sql_select(func.count()).select_from(there)).scalar_one()
            items = items_of(session, caller, found, self.keep)
            return TrashPage(items, total, int(session.exec(size).one()))

    def count(self, caller: Caller) -> int:
        """How many things there are."""
        with self.database.session() as session:
            return int(session.execute(sql_select(func.count()).select_from(lying(caller).subquery())).scalar_one())

    def find(self, caller: Caller, item_id: uuid.UUID) -> TrashItem:
        """One thing. Raises NotInTrash."""
        there = lying(caller).subquery()
        with self.database.session() as session:
            found = session.execute(sql_select(there.c.kind).where(there.c.id == item_id)).first()
            if found is None:
                raise _not_there()
            return items_of(session, caller, [(item_id, TrashKind(found[0]))], self.keep)[0]

    def restore(self, caller: Caller, item_id: uuid.UUID) -> Restored:
        """Put a dataset or a version back as it was. A name taken meanwhile becomes `name (2)`.

        Raises NotInTrash, ReadOnly; DatasetInTrash for a version whose dataset lies in the trash, too.
        """
        with self.database.transaction() as session:
            dataset = locked(session, item_id, changes_dataset(caller))
            if dataset is not None:
                restored = self._restore_dataset(session, caller, dataset)
            else:
                restored = self._restore_version(session, caller, item_id)
        for file in restored.detail.files:
            self.on_ready(file.id)
        return restored

    def purge(self, caller: Caller, item_id: uuid.UUID) -> None:
        """Remove a thing for good, its objects too. Raises NotInTrash, NotAllowed, ReadOnly."""
        if not self._purge(item_id, caller):
            raise _not_there()

    def empty(self, caller: Caller, *, until: datetime | None = None) -> int:
        """Remove for good what lies here of the caller's own datasets, deleted up to `until`; says how many things
        those were. Raises ReadOnly."""
        check_writes(caller)
        return self._purge_all(until or utc_now(), caller)

    def sweep(self, *, now: datetime | None = None) -> int:
        """Remove for good what has lain here for as long as things are kept, whosever it is; says how many it was."""
        return self._purge_all((now or utc_now()) - self.keep, None)

    def stopped(self, backend: Backend, bucket: str, key: str) -> bool:
        """Whether an object is not to be handed out by the app any more, whatever link leads to it: its file is in the
        trash, is deleted or failed its check. The same for the old copy of a file that was moved. Never raises."""
        here = select(File.status).where(File.backend == backend, File.bucket == bucket, File.key == key)
        before = (
            select(File.status)
            .join(OldCopy, col(OldCopy.file_id) == File.id)
            .where(OldCopy.backend == backend, OldCopy.bucket == bucket, OldCopy.key == key)
        )
        try:
            with self.database.session() as session:
                status = session.exec(here).first() or session.exec(before).first()
            return status not in (None, FileStatus.READY, FileStatus.PENDING)
        except DatabaseUnavailable:
            # A link is its own credential, as on S3, where it works without a database as well.
            return False

    @staticmethod
    def _restore_dataset(session: Session, caller: Caller, dataset: Dataset) -> Restored:
        check_writes(caller)
        name = dataset.trashed_name
        files = shelf.out_of_trash(session, dataset)
        detail = {"name": dataset.name, "files": files} | ({} if name == dataset.name else {"was": name})
        record(session, EventKind.DATASET_RESTORED, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)
        return Restored(dataset_detail(session, caller, dataset), None if name == dataset.name else name)

    @staticmethod
    def _restore_version(session: Session, caller: Caller, file_id: uuid.UUID) -> Restored:
        dataset, file = locked_file(session, file_id, changes_dataset(caller))
        if dataset is None or file is None:
            raise _not_there()
        check_writes(caller)
        if dataset.trashed_at is not None:
            raise DatasetInTrash(dataset.trashed_name or dataset.name, dataset.id)
        shelf.file_out_of_trash(session, dataset, file)
        record(
            session,
            EventKind.FILE_RESTORED,
            user_id=caller.user_id,
            dataset_id=dataset.id,
            file_id=file.id,
            detail={"name": dataset.name, "version": file.version, "file_name": file.file_name},
        )
        return Restored(dataset_detail(session, caller, dataset))

    def _purge_all(self, until: datetime, caller: Caller | None) -> int:
        gone = 0
        while True:
            there = lying(caller, own=True).subquery("lying")
            due = sql_select(there.c.id).where(there.c.at <= until).order_by(there.c.at, there.c.id).limit(BATCH)
            with self.database.session() as session:
                ids = session.execute(due).scalars().all()
            if not ids:
                return gone
            gone += sum(self._purge(one, caller, until=until) for one in ids)

    def _purge(self, item_id: uuid.UUID, caller: Caller | None, *, until: datetime | None = None) -> bool:
        """False where it is not there any more, or was put back and deleted again after `until`."""
        theirs = () if caller is None else (changes_dataset(caller),)
        with self.database.transaction() as session:
            dataset, file = locked(session, item_id, *theirs), None
            whole = dataset is not None
            if dataset is None:
                dataset, file = locked_file(session, item_id, *theirs)
            if dataset is None or (not whole and file is None):
                return False
            if caller is not None:
                check_need(session, caller, dataset, Need.OWN)
            if file is None:
                gone = _remove_dataset(session, caller, dataset, until)
            else:
                gone = _remove_version(session, caller, dataset, file, until)
        Removal(self.database, self.storages).remove(gone)
        return bool(gone)


def _remove_dataset(
    session: Session, caller: Caller | None, dataset: Dataset, until: datetime | None
) -> Sequence[uuid.UUID]:
    assert dataset.trashed_at is not None
    if until is not None and dataset.trashed_at > until:
        return ()
    sizes = dict(session.exec(select(File.id, File.size).where(File.dataset_id == dataset.id)).all())
    detail = {"name": dataset.trashed_name, "files": len(sizes), "size": sum(sizes.values())}
    user_id = None if caller is None else caller.user_id
    record(session, EventKind.TRASH_PURGED, user_id=user_id, dataset_id=dataset.id, detail=detail)
    shelf.remove(session, dataset)
    return tuple(sizes)


def _remove_version(
    session: Session, caller: Caller | None, dataset: Dataset, file: File, until: datetime | None
) -> Sequence[uuid.UUID]:
    if file.trashed_at == dataset.trashed_at:
        return ()
    if until is not None and (file.trashed_at is None or file.trashed_at > until):
        return ()
    record(
        session,
        EventKind.TRASH_PURGED,
        user_id=None if caller is None else caller.user_id,
        dataset_id=dataset.id,
        file_id=file.id,
        detail={
            "name": dataset.trashed_name or dataset.name,
            "version": file.version,
            "file_name": file.file_name,
            "size": file.size,
        },
    )
    file.status = FileStatus.DELETED
    return (file.id,)


def _not_there() -> NotInTrash:
    return NotInTrash("There is no such thing in the Trash. It was restored, or removed for good.")
