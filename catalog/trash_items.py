"""What lies in the trash, as rows: finding it, locking it, and what is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, literal, or_, union_all
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from catalog.access import changes_dataset
from catalog.caller import Caller
from db.tables import Dataset, File, FileStatus, User


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
    owner: str | None = None
    """Whose it is, where it is not the caller's own: then it can be put back, and not be removed for good."""


def items_of(
    session: Session, caller: Caller, found: Sequence[tuple[uuid.UUID, TrashKind]], keep: timedelta
) -> tuple[TrashItem, ...]:
    """What is told of the things found, in their order."""
    items: dict[uuid.UUID, TrashItem] = {}
    ids = {kind: [one for one, which in found if which is kind] for kind in TrashKind}
    if ids[TrashKind.DATASET]:
        query = (
            select(Dataset, File, User.name)
            .join(File, col(File.dataset_id) == Dataset.id)
            .join(User, col(User.id) == Dataset.owner_id)
            .where(*trashed(), col(Dataset.id).in_(ids[TrashKind.DATASET]))
            .where(File.trashed_at == Dataset.trashed_at)
            .order_by(col(File.version))
        )
        for dataset, file, owner in session.exec(query):
            before = items.get(dataset.id)
            items[dataset.id] = _item(
                TrashKind.DATASET,
                dataset,
                file,
                versions=before.versions + 1 if before else 1,
                size=before.size + file.size if before else file.size,
                keep=keep,
                owner=None if dataset.owner_id == caller.user_id else owner,
            )
    if ids[TrashKind.VERSION]:
        versions = (
            select(Dataset, File, User.name)
            .join(File, col(File.dataset_id) == Dataset.id)
            .join(User, col(User.id) == Dataset.owner_id)
        )
        for dataset, file, owner in session.exec(versions.where(col(File.id).in_(ids[TrashKind.VERSION]))):
            other = None if dataset.owner_id == caller.user_id else owner
            items[file.id] = _item(TrashKind.VERSION, dataset, file, versions=1, size=file.size, keep=keep, owner=other)
    return tuple(items[one] for one, _ in found if one in items)


def _item(
    kind: TrashKind, dataset: Dataset, file: File, *, versions: int, size: int, keep: timedelta, owner: str | None
) -> TrashItem:
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
        purge_at=file.trashed_at + keep,
        in_trashed=not whole and dataset.trashed_at is not None,
        owner=owner,
    )


def lying(caller: Caller | None, *, own: bool = False) -> Any:
    """Everything in the trash as (id, kind, at): datasets, and versions that did not go with theirs. Of those that the
    caller may change, or of their `own`; None: of everybody's."""
    datasets: Any = sql_select(
        col(Dataset.id).label("id"), literal(TrashKind.DATASET.value).label("kind"), col(Dataset.trashed_at).label("at")
    ).where(col(Dataset.trashed_at).is_not(None))
    alone = or_(col(Dataset.trashed_at).is_(None), col(Dataset.trashed_at) != File.trashed_at)
    versions: Any = (
        sql_select(col(File.id), literal(TrashKind.VERSION.value), col(File.trashed_at))
        .join(Dataset, col(Dataset.id) == File.dataset_id)
        .where(*trashed(), alone)
    )
    if caller is not None:
        theirs = col(Dataset.owner_id) == caller.user_id if own else changes_dataset(caller)
        # A copy made for a link is nobody's to put back.
        shown = (theirs, col(Dataset.hidden_for).is_(None))
        datasets, versions = datasets.where(*shown), versions.where(*shown)
    return union_all(datasets, versions)


def trashed() -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a file lies in the trash."""
    # The second says nothing new, but that there is an index for it.
    return col(File.status) == FileStatus.TRASHED, col(File.trashed_at).is_not(None)


def locked(session: Session, dataset_id: uuid.UUID, *conditions: ColumnElement[bool]) -> Dataset | None:
    """A dataset in the trash, for the rest of the transaction."""
    query = select(Dataset).where(Dataset.id == dataset_id, col(Dataset.trashed_at).is_not(None), *conditions)
    return session.exec(query.with_for_update()).first()


def locked_file(
    session: Session, file_id: uuid.UUID, *conditions: ColumnElement[bool]
) -> tuple[Dataset | None, File | None]:
    """A version in the trash and its dataset, which is locked for the rest of the transaction."""
    dataset_id = session.exec(select(File.dataset_id).where(File.id == file_id)).first()
    dataset = session.exec(select(Dataset).where(Dataset.id == dataset_id, *conditions).with_for_update()).first()
    file = session.exec(select(File).where(File.id == file_id, *trashed())).first()
    return dataset, file
