"""What stands on the shelf: which file speaks for a dataset, what can be searched, and the kept counts.

Every function works inside the caller's transaction, which holds the dataset's lock (`find_dataset(lock=True)`); so the
copies on the dataset and the counts are right whenever a transaction ends.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, CursorResult, Text, case, delete, func, insert, literal, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.access import FAILED_CHECK
from catalog.names import free_names, sort_key
from catalog.search import search_text
from db.tables import Column, Dataset, DatasetTag, File, FileStatus, ShareLink, ShelfCount, User, Visibility
from db.utc import utc_now

OFF_THE_SHELF = (FileStatus.TRASHED, FileStatus.DELETED)


def refresh(session: Session, dataset: Dataset, *, updated_at: datetime | None = None) -> None:
    """Let the newest ready file speak for the dataset, list it or not, and keep the counts; call after any change."""
    session.flush()
    was_listed, old_size = dataset.current_file_id is not None, dataset.size
    ready = select(File).where(File.dataset_id == dataset.id, File.status == FileStatus.READY)
    newest = session.exec(ready.order_by(col(File.version).desc()).limit(1)).first()
    if dataset.hidden_for is not None:
        newest = None  # a copy made for a link: in no list, in no count
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
    _count(session, dataset, datasets=listed - was_listed, size=dataset.size - old_size)


def remove(session: Session, dataset: Dataset) -> None:
    """Take the dataset away; its name is free again. Its files' rows stay, `deleted`, until their objects are gone."""
    listed = dataset.current_file_id is not None
    files = update(File).where(col(File.dataset_id) == dataset.id)
    session.exec(files.values(status=FileStatus.DELETED, dataset_id=None, version=None))
    _count(session, dataset, datasets=-listed, size=-dataset.size)
    session.exec(delete(DatasetTag).where(col(DatasetTag.dataset_id) == dataset.id))
    session.exec(delete(Dataset).where(col(Dataset.id) == dataset.id))
    session.expunge(dataset)
    # What links serve of it goes along; the hourly sweep takes the objects out of the store.
    made_of_it = select(ShareLink.slice_dataset_id).where(ShareLink.dataset_id == dataset.id)
    copies = session.exec(made_of_it.where(col(ShareLink.slice_dataset_id).is_not(None))).all()
    if copies:
        remove_copies(session, col(Dataset.id).in_(copies))


def remove_copies(session: Session, which: ColumnElement[bool]) -> Sequence[uuid.UUID]:
    """Take away copies made for links, which no list and no count knows; the ids of their files, whose objects are to
    be removed."""
    of_links = select(Dataset.id).where(col(Dataset.hidden_for).is_not(None), which)
    copies = session.exec(of_links.order_by(col(Dataset.id)).with_for_update()).all()
    if not copies:
        return ()
    gone = session.exec(select(File.id).where(col(File.dataset_id).in_(copies))).all()
    files = update(File).where(col(File.dataset_id).in_(copies))
    session.exec(files.values(status=FileStatus.DELETED, dataset_id=None, version=None))
    links = update(ShareLink).where(col(ShareLink.slice_dataset_id).in_(copies))
    session.exec(links.values(slice_dataset_id=None))
    session.exec(delete(Dataset).where(col(Dataset.id).in_(copies)))
    return gone


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


def show_to(session: Session, dataset: Dataset, visibility: Visibility) -> None:
    """Let the team see the dataset, or let it see it no more; and keep the counts."""
    session.flush()
    if visibility == dataset.visibility:
        return
    step = 1 if visibility == Visibility.TEAM else -1
    dataset.visibility = visibility
    if dataset.current_file_id is not None:
        kept = {
            "team_datasets": col(ShelfCount.team_datasets) + step,
            "team_size": col(ShelfCount.team_size) + step * dataset.size,
        }
        session.exec(update(ShelfCount).where(col(ShelfCount.owner_id) == dataset.owner_id).values(**kept))
    session.flush()


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


def change_owner(session: Session, dataset: Dataset, owner_id: uuid.UUID) -> None:
    """Put the dataset on another shelf: its name, the counts of both shelves, its tags and what is searched.

    Its name gets ` (2)` where the other shelf has it.
    """
    session.flush()
    # Both counts are taken in one order, so that two that go opposite ways do not wait for each other.
    both = select(ShelfCount).where(col(ShelfCount.owner_id).in_((dataset.owner_id, owner_id)))
    session.exec(both.order_by(col(ShelfCount.owner_id)).with_for_update()).all()
    listed = int(dataset.current_file_id is not None)
    _count(session, dataset, datasets=-listed, size=-dataset.size)
    _take_name(session, dataset, dataset.name, owner_id=owner_id)
    _count(session, dataset, datasets=listed, size=dataset.size)
    session.exec(update(DatasetTag).where(col(DatasetTag.dataset_id) == dataset.id).values(owner_id=owner_id))
    refresh(session, dataset)


def refresh_owner_name(session: Session, owner_id: uuid.UUID) -> None:
    """Let what is searched say the owner's new name, in every dataset of theirs."""
    session.flush()
    owned = select(Dataset).where(Dataset.owner_id == owner_id).order_by(col(Dataset.id))
    for dataset in session.exec(owned.with_for_update().execution_options(populate_existing=True)):
        dataset.search_text = _search_text(session, dataset)


def _take_name(session: Session, dataset: Dataset, name: str, *, owner_id: uuid.UUID | None = None) -> None:
    """Call it so, or `name (2)` and on where that is taken; the unique constraint decides.

    `owner_id` is whose it becomes with the name, where that is another.
    """
    owner_id = owner_id or dataset.owner_id
    alike = select(Dataset.name).where(
        Dataset.owner_id == owner_id,
        Dataset.id != dataset.id,
        col(Dataset.name).startswith(name[:150], autoescape=True),
    )
    for candidate in free_names(name, set(session.exec(alike))):
        try:
            with session.begin_nested():
                dataset.owner_id, dataset.name = owner_id, candidate
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


def _count(session: Session, dataset: Dataset, *, datasets: int, size: int) -> None:
    if not datasets and not size:
        return
    kept: dict[str, object] = {"datasets": col(ShelfCount.datasets) + datasets, "size": col(ShelfCount.size) + size}
    if dataset.visibility == Visibility.TEAM:
        kept["team_datasets"] = col(ShelfCount.team_datasets) + datasets
        kept["team_size"] = col(ShelfCount.team_size) + size
    session.exec(update(ShelfCount).where(col(ShelfCount.owner_id) == dataset.owner_id).values(**kept))
