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
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal, or_, union_all
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.access import sees_dataset
from catalog.caller import Caller
from catalog.errors import DatasetInTrash, NotInTrash
from catalog.events import EventKind, record
from catalog.removal import Removal
from catalog.views import DatasetDetail, dataset_detail
from db import Database, DatabaseUnavailable
from db.tables import Dataset, File, FileStatus
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend

MOST = 1000
"""Things that one list shows."""
BATCH = 100
"""Things that are looked up at a time to be removed for good."""


class TrashKind(StrEnum):
    """What lies in the trash: a whole dataset, or one version of it."""

    DATASET = "dataset"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class TrashItem:
    """One thing that can be put back. `id` is that of the dataset or of the file; `size` in bytes over all `versions`.

    `file_name` is that of the newest version. `in_trashed` says of a version that its dataset lies in the trash itself
    and has to be put back first.
    """

    id: uuid.UUID
    kind: TrashKind
    dataset_id: uuid.UUID
    name: str
    version: int | None
    versions: int
    file_name: str
    size: int
    deleted_at: datetime
    purge_at: datetime
    in_trashed: bool = False


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
    """The caller's trash. `keep` is how long a thing stays; `on_ready` hears of a file that is back.

    Every change locks the dataset's row first, as everywhere: of two that want the same thing one gets it. Every method
    raises DatabaseUnavailable where the database is away.
    """

    database: Database
    storages: Storages
    keep: timedelta
    on_ready: Callable[[uuid.UUID], None] = _ignore

    def list(self, caller: Caller, *, skip: int = 0, most: int = MOST) -> TrashPage:
        """Up to `most` things after the first `skip`, the latest deleted first."""
        lying = _lying(caller).subquery("lying")
        page = sql_select(lying.c.id, lying.c.kind).order_by(lying.c.at.desc(), lying.c.id).offset(skip).limit(most)
        size = select(func.coalesce(func.sum(File.size), 0)).where(*_trashed(), File.owner_id == caller.user_id)
        with self.database.session() as session:
            found = [(id_, TrashKind(kind)) for id_, kind in session.execute(page)]
            total = session.execute(sql_select(func.count()).select_from(lying)).scalar_one()
            items = self._items(session, found)
            return TrashPage(items, total, int(session.exec(size).one()))

    def count(self, caller: Caller) -> int:
        """How many things there are."""
        with self.database.session() as session:
            return int(session.execute(sql_select(func.count()).select_from(_lying(caller).subquery())).scalar_one())

    def find(self, caller: Caller, item_id: uuid.UUID) -> TrashItem:
        """One thing. Raises NotInTrash."""
        lying = _lying(caller).subquery()
        with self.database.session() as session:
            found = session.execute(sql_select(lying.c.kind).where(lying.c.id == item_id)).first()
            if found is None:
                raise _not_there()
            return self._items(session, [(item_id, TrashKind(found[0]))])[0]

    def restore(self, caller: Caller, item_id: uuid.UUID) -> Restored:
        """Put a dataset or a version back as it was. A name taken meanwhile becomes `name (2)`.

        Raises NotInTrash; DatasetInTrash for a version whose dataset lies in the trash, too.
        """
        with self.database.transaction() as session:
            dataset = _locked(session, item_id, sees_dataset(caller))
            if dataset is not None:
                restored = self._restore_dataset(session, caller, dataset)
            else:
                restored = self._restore_version(session, caller, item_id)
        for file in restored.detail.files:
            self.on_ready(file.id)
        return restored

    def purge(self, caller: Caller, item_id: uuid.UUID) -> None:
        """Remove a thing for good, its objects too. Raises NotInTrash."""
        if not self._purge(item_id, caller):
            raise _not_there()

    def empty(self, caller: Caller, *, until: datetime | None = None) -> int:
        """Remove for good everything the caller deleted up to `until`; says how many things those were."""
        return self._purge_all(until or utc_now(), caller)

    def sweep(self, *, now: datetime | None = None) -> int:
        """Remove for good what has lain here for as long as things are kept, whosever it is; says how many it was."""
        return self._purge_all((now or utc_now()) - self.keep, None)

    def stopped(self, backend: Backend, bucket: str, key: str) -> bool:
        """Whether an object is not to be handed out by the app any more, whatever link leads to it: its file is in the
        trash, is deleted or failed its check. Never raises."""
        query = select(File.status).where(File.backend == backend, File.bucket == bucket, File.key == key)
        try:
            with self.database.session() as session:
                return session.exec(query).first() not in (None, FileStatus.READY, FileStatus.PENDING)
        except DatabaseUnavailable:
            # A link is its own credential, as on S3, where it works without a database as well.
            return False

    def _items(self, session: Session, found: Sequence[tuple[uuid.UUID, TrashKind]]) -> tuple[TrashItem, ...]:
        items: dict[uuid.UUID, TrashItem] = {}
        ids = {kind: [one for one, which in found if which is kind] for kind in TrashKind}
        if ids[TrashKind.DATASET]:
            query = (
                select(Dataset, File)
                .join(File, col(File.dataset_id) == Dataset.id)
                .where(*_trashed(), col(Dataset.id).in_(ids[TrashKind.DATASET]))
                .where(File.trashed_at == Dataset.trashed_at)
                .order_by(col(File.version))
            )
            for dataset, file in session.exec(query):
                before = items.get(dataset.id)
                items[dataset.id] = self._item(
                    TrashKind.DATASET,
                    dataset,
                    file,
                    versions=before.versions + 1 if before else 1,
                    size=before.size + file.size if before else file.size,
                )
        if ids[TrashKind.VERSION]:
            versions = select(Dataset, File).join(File, col(File.dataset_id) == Dataset.id)
            for dataset, file in session.exec(versions.where(col(File.id).in_(ids[TrashKind.VERSION]))):
                items[file.id] = self._item(TrashKind.VERSION, dataset, file, versions=1, size=file.size)
        return tuple(items[one] for one, _ in found if one in items)

    def _item(self, kind: TrashKind, dataset: Dataset, file: File, *, versions: int, size: int) -> TrashItem:
        whole = kind is TrashKind.DATASET
        assert file.trashed_at is not None
        return TrashItem(
            id=dataset.id if whole else file.id,
            kind=kind,
            dataset_id=dataset.id,
            name=dataset.trashed_name or dataset.name,
            version=None if whole else file.version,
            versions=versions,
            file_name=file.file_name,
            size=size,
            deleted_at=file.trashed_at,
            purge_at=file.trashed_at + self.keep,
            in_trashed=not whole and dataset.trashed_at is not None,
        )

    @staticmethod
    def _restore_dataset(session: Session, caller: Caller, dataset: Dataset) -> Restored:
        name = dataset.trashed_name
        files = shelf.out_of_trash(session, dataset)
        detail = {"name": dataset.name, "files": files} | ({} if name == dataset.name else {"was": name})
        record(session, EventKind.DATASET_RESTORED, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)
        return Restored(dataset_detail(session, dataset), None if name == dataset.name else name)

    @staticmethod
    def _restore_version(session: Session, caller: Caller, file_id: uuid.UUID) -> Restored:
        dataset, file = _locked_file(session, file_id, sees_dataset(caller))
        if dataset is None or file is None:
            raise _not_there()
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
        return Restored(dataset_detail(session, dataset))

    def _purge_all(self, until: datetime, caller: Caller | None) -> int:
        gone = 0
        while True:
            lying = _lying(caller).subquery("lying")
            due = sql_select(lying.c.id).where(lying.c.at <= until).order_by(lying.c.at, lying.c.id).limit(BATCH)
            with self.database.session() as session:
                ids = session.execute(due).scalars().all()
            if not ids:
                return gone
            gone += sum(self._purge(one, caller, until=until) for one in ids)

    def _purge(self, item_id: uuid.UUID, caller: Caller | None, *, until: datetime | None = None) -> bool:
        """False where it is not there any more, or was put back and deleted again after `until`."""
        mine = () if caller is None else (sees_dataset(caller),)
        with self.database.transaction() as session:
            dataset = _locked(session, item_id, *mine)
            if dataset is not None:
                gone = _remove_dataset(session, caller, dataset, until)
            else:
                gone = _remove_version(session, caller, *_locked_file(session, item_id, *mine), until)
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
    session: Session, caller: Caller | None, dataset: Dataset | None, file: File | None, until: datetime | None
) -> Sequence[uuid.UUID]:
    if dataset is None or file is None or file.trashed_at == dataset.trashed_at:
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


def _lying(caller: Caller | None) -> Any:
    """Everything in the trash as (id, kind, at): datasets, and versions that did not go with theirs."""
    datasets: Any = sql_select(
        col(Dataset.id).label("id"), literal(TrashKind.DATASET.value).label("kind"), col(Dataset.trashed_at).label("at")
    ).where(col(Dataset.trashed_at).is_not(None))
    alone = or_(col(Dataset.trashed_at).is_(None), col(Dataset.trashed_at) != File.trashed_at)
    versions: Any = (
        sql_select(col(File.id), literal(TrashKind.VERSION.value), col(File.trashed_at))
        .join(Dataset, col(Dataset.id) == File.dataset_id)
        .where(*_trashed(), alone)
    )
    if caller is not None:
        datasets, versions = datasets.where(sees_dataset(caller)), versions.where(sees_dataset(caller))
    return union_all(datasets, versions)


def _trashed() -> tuple[ColumnElement[bool], ...]:
    # The second says nothing new, but that there is an index for it.
    return col(File.status) == FileStatus.TRASHED, col(File.trashed_at).is_not(None)


def _locked(session: Session, dataset_id: uuid.UUID, *conditions: ColumnElement[bool]) -> Dataset | None:
    """A dataset in the trash, for the rest of the transaction."""
    query = select(Dataset).where(Dataset.id == dataset_id, col(Dataset.trashed_at).is_not(None), *conditions)
    return session.exec(query.with_for_update()).first()


def _locked_file(
    session: Session, file_id: uuid.UUID, *conditions: ColumnElement[bool]
) -> tuple[Dataset | None, File | None]:
    """A version in the trash and its dataset, which is locked for the rest of the transaction."""
    dataset_id = session.exec(select(File.dataset_id).where(File.id == file_id)).first()
    dataset = session.exec(select(Dataset).where(Dataset.id == dataset_id, *conditions).with_for_update()).first()
    file = session.exec(select(File).where(File.id == file_id, *_trashed())).first()
    return dataset, file


def _not_there() -> NotInTrash:
    return NotInTrash("There is no such thing in the Trash. It was restored, or removed for good.")
