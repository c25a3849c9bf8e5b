"""What stands on the shelf: which file speaks for a dataset, what can be searched, and the kept counts.

Every function works inside the caller's transaction, which holds the dataset's lock (`find_dataset(lock=True)`); so the
copies on the dataset and the counts are right whenever a transaction ends.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CursorResult, Text, case, delete, func, insert, literal, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.access import FAILED_CHECK
from catalog.names import free_names, sort_key
from catalog.search import search_text
from db.tables import Column, Dataset, DatasetTag, File, FileStatus, ShelfCount, User
from db.utc import utc_now

OFF_THE_SHELF = (FileStatus.TRASHED, FileStatus.DELETED)


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
    """Remove the dataset where no file is left in it: not one ready, under way or failed. Says whether it did.

    Where the only ones left lie in the trash it goes there, too, and comes back with the last of them.
    """
    session.flush()
    left = select(File.status).where(File.dataset_id == dataset.id, File.status != FileStatus.DELETED)
    statuses = set(session.exec(left.distinct()))
    if statuses - {FileStatus.TRASHED}:
        return False
    if statuses:
        to_trash(session, dataset, at=utc_now())
    else:
        remove(session, dataset)
    return True


def to_trash(session: Session, dataset: Dataset, *, at: datetime) -> Sequence[uuid.UUID]:
    """Take the dataset with every version off the shelf; its name is free again, and it can be put back.

    Uploads under way into it are given up: the ids of their files, whose objects are to be removed.
    """
    session.flush()
    of_it, status = col(File.dataset_id) == dataset.id, col(File.status)
    given_up = session.exec(select(File.id).where(of_it, status == FileStatus.PENDING)).all()
    session.exec(update(File).where(of_it, status == FileStatus.PENDING).values(status=FileStatus.DELETED))
    failed = update(File).where(of_it, status == FileStatus.FAILED)
    session.exec(failed.values(failure=func.coalesce(File.failure, FAILED_CHECK)))
    kept = update(File).where(of_it, status.in_((FileStatus.READY, FileStatus.FAILED)))
    failure = case((status == FileStatus.FAILED, col(File.failure)))
    moved: CursorResult[tuple[()]] = session.execute(  # type: ignore[assignment]  # an UPDATE gives a CursorResult
        kept.values(status=FileStatus.TRASHED, trashed_at=at, failure=failure)
    )
    if not moved.rowcount:
        # All that is left went before; what comes back with the dataset is the last of that.
        at = session.exec(select(func.max(File.trashed_at)).where(of_it, status == FileStatus.TRASHED)).one() or at
    dataset.trashed_at, dataset.trashed_name = at, dataset.name
    _take_name(session, dataset, str(dataset.id))
    refresh(session, dataset)
    return given_up


def file_to_trash(session: Session, dataset: Dataset, file: File, *, at: datetime) -> bool:
    """Take a ready or failed version off the shelf. Says whether the dataset went with it, because nothing is left to
    be seen of it: no version that is ready, and none under way."""
    was_ready = file.status == FileStatus.READY
    file.failure = None if was_ready else file.failure or FAILED_CHECK
    file.status, file.trashed_at = FileStatus.TRASHED, at
    session.flush()
    left = select(File.status).where(File.dataset_id == dataset.id, col(File.status).not_in(OFF_THE_SHELF))
    statuses = set(session.exec(left.distinct()))
    if statuses & {FileStatus.READY, FileStatus.PENDING} or (statuses and not was_ready):
        refresh(session, dataset, updated_at=at)
        return False
    to_trash(session, dataset, at=at)
    return True


def out_of_trash(session: Session, dataset: Dataset) -> int:
    """Put the dataset back as it was, with the versions that went with it, and say how many those are.

    Its name gets ` (2)` where another dataset has it by now.
    """
    session.flush()
    with_it = update(File).where(
        col(File.dataset_id) == dataset.id,
        col(File.status) == FileStatus.TRASHED,
        col(File.trashed_at) == dataset.trashed_at,
    )
    ready, failed = (literal(status.value, Text()) for status in (FileStatus.READY, FileStatus.FAILED))
    back: CursorResult[tuple[()]] = session.execute(  # type: ignore[assignment]  # an UPDATE gives a CursorResult
        with_it.values(status=case((col(File.failure).is_(None), ready), else_=failed), trashed_at=None)
    )
    _take_name(session, dataset, dataset.trashed_name or str(dataset.id))
    dataset.trashed_at, dataset.trashed_name = None, None
    refresh(session, dataset)
    return back.rowcount


def file_out_of_trash(session: Session, dataset: Dataset, file: File) -> None:
    """Put one version back into its dataset, which is on the shelf."""
    file.status = FileStatus.READY if file.failure is None else FileStatus.FAILED
    file.trashed_at = None
    refresh(session, dataset, updated_at=utc_now())


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


def _take_name(session: Session, dataset: Dataset, name: str) -> None:
    """Call it so, or `name (2)` and on where that is taken; the unique constraint decides."""
    alike = select(Dataset.name).where(
        Dataset.owner_id == dataset.owner_id,
        Dataset.id != dataset.id,
        col(Dataset.name).startswith(name[:150], autoescape=True),
    )
    for candidate in free_names(name, set(session.exec(alike))):
        try:
            with session.begin_nested():
                dataset.name = candidate
                session.flush()
            return
        except IntegrityError:
            session.refresh(dataset)


def _storable(name: str) -> str:
    # A column's name comes out of the file: it may hold what PostgreSQL's text and UTF-8 cannot.
    return name.replace("\x00", "�").encode("utf-8", "replace").decode()


def _search_text(session: Session, dataset: Dataset) -> str:
    of_it = select(DatasetTag.tag).where(DatasetTag.dataset_id == dataset.id)
    tags = session.exec(of_it.order_by(col(DatasetTag.position))).all()
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
