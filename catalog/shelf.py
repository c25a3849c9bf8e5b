"""What stands on the shelf: which file speaks for a dataset, what can be searched, and the kept counts.

Every function works inside the caller's transaction, which holds the dataset's lock (`find_dataset(lock=True)`); so the
copies on the dataset and the counts are right whenever a transaction ends.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, update
from sqlmodel import Session, col, select

from catalog.names import sort_key
from catalog.search import search_text
from db.tables import Column, Dataset, DatasetTag, File, FileStatus, ShelfCount, User
from db.utc import utc_now


def refresh(session: Session, dataset: Dataset, *, updated_at: datetime | None = None) -> None:
    """Let the newest ready file speak for the dataset, list it or not, and keep the counts; call after any change."""
    session.flush()
    was_listed, old_size = dataset.current_file_id is not None, dataset.size
    ready = select(File).where(File.dataset_id == dataset.id, File.status == FileStatus.READY)
    newest = session.exec(ready.order_by(col(File.version).desc()).limit(1)).first()
    dataset.current_file_id = newest.id if newest else None
    dataset.file_name = newest.file_name if newest else ""
    dataset.format = newest.format if newest else "other"
    dataset.size = newest.size if newest else 0
    dataset.rows = newest.rows if newest else None
    dataset.columns = newest.columns if newest else None
    dataset.name_key = sort_key(dataset.name)
    dataset.updated_at = updated_at or dataset.updated_at
    dataset.search_text = _search_text(session, dataset)
    session.flush()
    listed = newest is not None
    if listed != was_listed:
        tags = update(DatasetTag).where(col(DatasetTag.dataset_id) == dataset.id)
        session.exec(tags.values(listed=listed))
    _count(session, dataset.owner_id, datasets=listed - was_listed, size=dataset.size - old_size)


def remove(session: Session, dataset: Dataset) -> None:
    """Take the dataset away; its name is free again. Its files' rows stay, `deleted`, until their objects are gone."""
    listed = dataset.current_file_id is not None
    files = update(File).where(col(File.dataset_id) == dataset.id)
    session.exec(files.values(status=FileStatus.DELETED, dataset_id=None, version=None))
    _count(session, dataset.owner_id, datasets=-listed, size=-dataset.size)
    session.exec(delete(DatasetTag).where(col(DatasetTag.dataset_id) == dataset.id))
    session.exec(delete(Dataset).where(col(Dataset.id) == dataset.id))
    session.expunge(dataset)


def remove_if_empty(session: Session, dataset: Dataset) -> bool:
    """Remove the dataset where no file is left in it: not one ready, under way or failed. Says whether it did."""
    session.flush()
    left = select(File.id).where(File.dataset_id == dataset.id, File.status != FileStatus.DELETED).limit(1)
    if session.exec(left).first() is not None:
        return False
    remove(session, dataset)
    return True


def set_tags(session: Session, dataset: Dataset, tags: dict[str, str]) -> None:
    """Replace the tags by those given as key → as typed."""
    session.exec(delete(DatasetTag).where(col(DatasetTag.dataset_id) == dataset.id))
    listed = dataset.current_file_id is not None
    session.add_all(
        DatasetTag(
            dataset_id=dataset.id, tag_key=key, tag=tag, position=place, owner_id=dataset.owner_id, listed=listed
        )
        for place, (key, tag) in enumerate(tags.items())
    )


def describe(session: Session, file: File, columns: Sequence[tuple[str, str]] | None) -> None:
    """Note the columns of a file as (name, type); None where it has no table."""
    if columns is not None:
        session.exec(delete(Column).where(col(Column.file_id) == file.id))
        values = [
            {"file_id": file.id, "position": place, "name": name, "type": kind, "name_key": sort_key(name)}
            for place, (name, kind) in enumerate((_storable(name), kind) for name, kind in columns)
        ]
        if values:
            session.execute(insert(Column), values)
    file.described_at = utc_now()


def _storable(name: str) -> str:
    # A column's name comes out of the file: it may hold what PostgreSQL's text and UTF-8 cannot.
    return name.replace("\x00", "�").encode("utf-8", "replace").decode()


def _search_text(session: Session, dataset: Dataset) -> str:
    tags = session.exec(select(DatasetTag.tag).where(DatasetTag.dataset_id == dataset.id)).all()
    columns: Sequence[str] = ()
    if dataset.current_file_id is not None:
        columns = session.exec(
            select(Column.name).where(Column.file_id == dataset.current_file_id).order_by(col(Column.position))
        ).all()
    owner = session.exec(select(User.name).where(User.id == dataset.owner_id)).one()
    return search_text(dataset.name, dataset.description, tags, columns, owner, dataset.file_name)


def _count(session: Session, owner_id: uuid.UUID, *, datasets: int, size: int) -> None:
    if datasets or size:
        row = update(ShelfCount).where(col(ShelfCount.owner_id) == owner_id)
        session.exec(row.values(datasets=col(ShelfCount.datasets) + datasets, size=col(ShelfCount.size) + size))
