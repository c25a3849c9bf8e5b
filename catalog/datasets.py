"""Datasets: the list, one in detail, changing and deleting it, and what the shelf holds in all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, or_
from sqlalchemy import select as sql_select
from sqlalchemy.orm import defer
from sqlmodel import col, select

from catalog import cursor, shelf
from catalog.access import IS_TEAM, Need, find_dataset, is_granted, owners_seen, sees_dataset
from catalog.caller import Caller
from catalog.errors import NotAllowed
from catalog.events import EventKind, record
from catalog.intake import rename
from catalog.listing import LISTED, DatasetQuery, Listing, prepare
from catalog.names import clean_description, clean_name, clean_tags
from catalog.removal import Removal
from catalog.search import words
from catalog.similar import Similar, find_similar
from catalog.views import DatasetDetail, DatasetPage, dataset_detail, dataset_summaries, with_matched_columns
from db import Database
from db.tables import Dataset, DatasetTag, File, FileStatus, ShelfCount, User
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What lies in one bucket: ready files of every version, and their bytes."""

    backend: Backend
    bucket: str
    role: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class ShelfTotals:
    """Listed datasets, ready files of every version, their bytes, and where they lie; and apart from that the files and
    bytes in the trash, which the store keeps as well."""

    datasets: int
    files: int
    size: int
    by_backend: tuple[StoreUse, ...]
    trashed_files: int = 0
    trashed_size: int = 0


@dataclass(frozen=True, slots=True)
class NotServed:
    """Ids and names of the first of `total` datasets that have failed versions and no other."""

    first: tuple[tuple[uuid.UUID, str], ...]
    total: int


@dataclass(frozen=True)
class Datasets:
    """The datasets a caller sees. What is deleted can be put back for `trash_for`.

    Every method raises DatabaseUnavailable where the database is away.
    """

    database: Database
    storages: Storages
    trash_for: timedelta = timedelta(0)

    def list(self, caller: Caller, query: DatasetQuery) -> DatasetPage:
        """A page of the datasets that have a ready file. Raises InvalidQuery, InvalidCursor."""
        listing = prepare(caller, query)
        place = None if query.cursor is None else cursor.decode(query.cursor, listing.mark, listing.order.kind)
        skip = 0 if query.page is None else (query.page - 1) * query.limit
        with self.database.session() as session:
            found = listing.find(session, after=place, skip=skip, most=query.limit + 1)
            ids = found.ids[: query.limit]
            rows = select(Dataset).where(col(Dataset.id).in_(ids)).options(defer(Dataset.search_text))  # type: ignore[arg-type]
            by_id = {row.id: row for row in session.exec(rows)} if ids else {}
            datasets = [by_id[one] for one in ids]
            items = with_matched_columns(session, dataset_summaries(session, caller, datasets), words(query.q))
        more = len(found.ids) > query.limit
        return DatasetPage(items, _next(listing, datasets[-1]) if more else None, found.total, found.size)

    def get(self, caller: Caller, dataset_id: uuid.UUID) -> DatasetDetail:
        """One dataset, listed or not. Raises DatasetNotFound."""
        with self.database.session() as session:
            return dataset_detail(session, caller, find_dataset(session, caller, dataset_id))

    def not_served(self, caller: Caller, *, most: int = 3) -> NotServed:
        """The caller's datasets that no list shows, because no version of them is good any more; the latest first."""
        # By way of the failed files, of which there are few: nothing else leads to datasets that are in no list.
        none_good = (
            File.owner_id == caller.user_id,
            File.status == FileStatus.FAILED,
            Dataset.owner_id == caller.user_id,
            col(Dataset.hidden_for).is_(None),
            col(Dataset.trashed_at).is_(None),
            col(Dataset.current_file_id).is_(None),
        )
        of_failed = select(Dataset.id, Dataset.name).join(File, col(File.dataset_id) == Dataset.id)
        query = of_failed.where(*none_good).group_by(col(Dataset.id))
        with self.database.session() as session:
            latest = query.order_by(col(Dataset.updated_at).desc(), col(Dataset.id)).limit(most)
            first = tuple((id_, name) for id_, name in session.exec(latest))
            count = sql_select(func.count()).select_from(query.subquery())
            return NotServed(first, int(session.execute(count).scalar_one()) if first else 0)

    def similar(self, caller: Caller, dataset_id: uuid.UUID, *, most: int = 5) -> tuple[Similar, ...]:
        """Other datasets that share columns with this one, the most alike first. Raises DatasetNotFound."""
        with self.database.session() as session:
            return find_similar(session, caller, dataset_id, most)

    def update(
        self,
        caller: Caller,
        dataset_id: uuid.UUID,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> DatasetDetail:
        """Change what is given; None leaves it as it is. The name is the owner's to change, among whose names it
        stands: from a taken one an editor would learn of a dataset they may not see.

        Raises DatasetNotFound, NotAllowed, ReadOnly, DatasetNameTaken, InvalidName, InvalidDescription, InvalidTags;
        nothing is changed then.
        """
        new_name = None if name is None else clean_name(name)
        new_description = None if description is None else clean_description(description)
        new_tags = None if tags is None else clean_tags(tags)
        with self.database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id, need=Need.EDIT, lock=True)
            changed: dict[str, object] = {}
            if new_name is not None and new_name != dataset.name:
                if dataset.owner_id != caller.user_id:
                    raise NotAllowed(
                        "Only its owner gives a dataset another name. You may change its description and tags."
                    )
                changed["name"] = [dataset.name, new_name]
                rename(session, dataset, new_name)
            if new_description is not None and new_description != dataset.description:
                changed["description"] = True
                dataset.description = new_description
            if new_tags is not None:
                old = (
                    select(DatasetTag.tag).where(DatasetTag.dataset_id == dataset.id).order_by(col(DatasetTag.position))
                )
                if list(session.exec(old)) != list(new_tags.values()):
                    changed["tags"] = list(new_tags.values())
                    shelf.set_tags(session, dataset, new_tags)
            if changed:
                shelf.refresh(session, dataset, updated_at=utc_now())
                record(
                    session, EventKind.DATASET_CHANGED, user_id=caller.user_id, dataset_id=dataset.id, detail=changed
                )
            return dataset_detail(session, caller, dataset)

    def delete(self, caller: Caller, dataset_id: uuid.UUID, *, permanent: bool = False) -> None:
        """Put the dataset into the trash with every version, or delete it at once where there is none or `permanent`
        says so; its name is free again. Uploads under way into it are given up.

        Of what is deleted the rows go first and the objects after them; what the store does not let go of now is
        removed later. Raises DatasetNotFound, NotAllowed, ReadOnly.
        """
        with self.database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id, need=Need.OWN, lock=True)
            statuses = dict(session.exec(select(File.id, File.status).where(File.dataset_id == dataset.id)).all())
            detail = {"name": dataset.name, "files": len(statuses)}
            if self.trash_for and not permanent and set(statuses.values()) - {FileStatus.PENDING, FileStatus.DELETED}:
                kind = EventKind.DATASET_TRASHED
                gone = shelf.to_trash(session, dataset, at=utc_now())
            else:
                kind, gone = EventKind.DATASET_DELETED, tuple(statuses)
                shelf.remove(session, dataset)
            record(session, kind, user_id=caller.user_id, dataset_id=dataset_id, detail=detail)
        Removal(self.database, self.storages).remove(gone)

    def tags(self, caller: Caller) -> tuple[tuple[str, int], ...]:
        """The tags of the listed datasets and how many have each, the most used first."""
        counted = func.count().label("counted")
        query = (
            select(func.min(DatasetTag.tag), counted)
            .where(col(DatasetTag.listed).is_(True))
            .group_by(DatasetTag.tag_key)
            .order_by(counted.desc(), col(DatasetTag.tag_key))
        )
        if caller.alone:
            # An index yields them without a look at the datasets.
            query = query.where(DatasetTag.owner_id == caller.user_id)
        else:
            # Each by an index, instead of a look at every tag and its dataset.
            mine, of = col(DatasetTag.owner_id) == caller.user_id, col(DatasetTag.dataset_id)
            others = (sql_select(col(Dataset.id)).where(one, LISTED) for one in (IS_TEAM, is_granted(caller)))
            query = query.where(or_(mine, *(of.in_(one) for one in others)))
        with self.database.session() as session:
            return tuple((tag, count) for tag, count in session.exec(query))

    def formats(self, caller: Caller) -> tuple[tuple[str, int], ...]:
        """The formats of the listed datasets and how many have each, the most used first."""
        counted = func.count().label("counted")
        query = (
            select(Dataset.format, counted)
            .where(sees_dataset(caller), col(Dataset.current_file_id).is_not(None))
            .group_by(Dataset.format)
            .order_by(counted.desc(), col(Dataset.format))
        )
        with self.database.session() as session:
            return tuple((name, count) for name, count in session.exec(query))

    def owners(self, caller: Caller) -> tuple[str, ...]:
        """The names of the people whose datasets stand in the caller's list, in order; the caller's own first."""
        query = select(User.name).where(owners_seen(caller), User.id != caller.user_id).order_by(User.name)
        with self.database.session() as session:
            return caller.name, *session.exec(query)

    def of_others(self, caller: Caller) -> int:
        """How many listed datasets the one user of mode `none` does not see, because people who signed in own them."""
        if not caller.alone:
            return 0
        query = select(func.coalesce(func.sum(ShelfCount.datasets), 0)).where(ShelfCount.owner_id != caller.user_id)
        with self.database.session() as session:
            return int(session.exec(query).one())

    def totals(self, caller: Caller) -> ShelfTotals:
        """What the caller owns; for an admin, who looks after the store, what everybody does."""
        whose = () if caller.runs_shelf else (col(File.owner_id) == caller.user_id,)
        query = (
            sql_select(col(File.backend), col(File.bucket), col(File.role), func.count(), func.sum(File.size))
            .where(*whose, col(File.status) == FileStatus.READY)
            .group_by(col(File.backend), col(File.bucket), col(File.role))
            .order_by(col(File.backend), col(File.bucket), col(File.role))
        )
        kept = select(func.coalesce(func.sum(ShelfCount.datasets), 0))
        if not caller.runs_shelf:
            kept = kept.where(ShelfCount.owner_id == caller.user_id)
        trashed = sql_select(func.count(), func.coalesce(func.sum(File.size), 0)).where(
            *whose, col(File.status) == FileStatus.TRASHED
        )
        with self.database.session() as session:
            datasets = int(session.exec(kept).one())
            trashed_files, trashed_size = session.execute(trashed).one()
            uses = tuple(
                StoreUse(Backend(backend), bucket, role, files, int(size))
                for backend, bucket, role, files, size in session.execute(query)
            )
        return ShelfTotals(
            datasets,
            sum(use.files for use in uses),
            sum(use.size for use in uses),
            uses,
            trashed_files=trashed_files,
            trashed_size=int(trashed_size),
        )


def _next(listing: Listing, last: Dataset) -> str:
    return cursor.encode(cursor.Cursor(getattr(last, listing.order.column.key), last.id), listing.mark)
