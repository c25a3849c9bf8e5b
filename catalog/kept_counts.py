"""Counts and copies that the shelf keeps so that lists are quick, held against what they are kept of.

Every transaction leaves them right (`catalog/shelf.py`), so one look at the database as of one moment tells the truth.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, case, func, or_, update
from sqlalchemy import select as sql_select
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from catalog import shelf
from db import Database
from db.tables import Dataset, DatasetTag, File, FileStatus, ShelfCount, User, Visibility

_OF_TEAM = col(Dataset.visibility) == Visibility.TEAM
_COUNTED = (
    func.count().label("datasets"),
    func.coalesce(func.sum(Dataset.size), 0).label("size"),
    func.coalesce(func.sum(case((_OF_TEAM, 1), else_=0)), 0).label("team_datasets"),
    func.coalesce(func.sum(case((_OF_TEAM, Dataset.size), else_=0)), 0).label("team_size"),
)
"""The columns of ShelfCount, as they are counted over an owner's listed datasets."""


@dataclass(frozen=True)
class KeptCounts:
    """Every method raises DatabaseUnavailable."""

    database: Database

    def wrong_datasets(self) -> Sequence[uuid.UUID]:
        """Datasets whose copies are not their newest ready file's facts, or whose tags say that it is not listed."""
        newest = aliased(File)
        best = (
            sql_select(func.max(File.version))
            .where(col(File.dataset_id) == Dataset.id, col(File.status) == FileStatus.READY)
            .correlate(Dataset)
            .scalar_subquery()
        )
        is_newest = and_(
            col(newest.dataset_id) == Dataset.id,
            col(newest.status) == FileStatus.READY,
            col(newest.version) == best,
            # A copy made for a link is in no list, so that no file speaks for it.
            col(Dataset.hidden_for).is_(None),
        )
        listed = col(Dataset.current_file_id).is_not(None)
        tagged = (
            sql_select(col(DatasetTag.dataset_id))
            .where(col(DatasetTag.dataset_id) == Dataset.id, col(DatasetTag.listed) != listed)
            .correlate(Dataset)
            .exists()
        )
        query = (
            select(Dataset.id)
            .outerjoin(newest, is_newest)
            .where(
                or_(
                    col(Dataset.current_file_id).is_distinct_from(newest.id),
                    col(Dataset.size) != func.coalesce(newest.size, 0),
                    col(Dataset.file_name) != func.coalesce(newest.file_name, ""),
                    col(Dataset.format) != func.coalesce(newest.format, "other"),
                    col(Dataset.rows).is_distinct_from(newest.rows),
                    col(Dataset.columns).is_distinct_from(newest.columns),
                    tagged,
                )
            )
        )
        with self.database.session() as session:
            return session.exec(query).all()

    def wrong_owners(self) -> Sequence[uuid.UUID]:
        """Users whose count of listed datasets, or of their bytes, is not what their datasets say; of those that the
        team sees, too."""
        listed = (
            sql_select(col(Dataset.owner_id).label("owner_id"), *_COUNTED)
            .where(col(Dataset.current_file_id).is_not(None))
            .group_by(col(Dataset.owner_id))
            .subquery()
        )
        query = (
            sql_select(col(User.id))
            .outerjoin(listed, listed.c.owner_id == User.id)
            .outerjoin(ShelfCount, col(ShelfCount.owner_id) == User.id)
            .where(
                or_(
                    *(
                        func.coalesce(getattr(ShelfCount, one.name), -1) != func.coalesce(listed.c[one.name], 0)
                        for one in _COUNTED
                    )
                )
            )
        )
        with self.database.session() as session:
            return session.execute(query).scalars().all()

    def mend_dataset(self, dataset_id: uuid.UUID) -> None:
        """Copy the facts anew. The owner's count goes along with what changes, right or wrong: mend it afterwards."""
        with self.database.transaction() as session:
            dataset = session.exec(select(Dataset).where(Dataset.id == dataset_id).with_for_update()).first()
            if dataset is None:
                return
            shelf.refresh(session, dataset)
            tags = update(DatasetTag).where(col(DatasetTag.dataset_id) == dataset_id)
            session.execute(tags.values(listed=dataset.current_file_id is not None))

    def mend_owner(self, owner_id: uuid.UUID) -> None:
        """Count anew."""
        with self.database.transaction() as session:
            # Whoever changes the count has changed a dataset before, in the same transaction: what is counted while
            # the count's row is locked is either in it already, or will be added by whoever waits for the lock.
            kept = session.exec(select(ShelfCount).where(ShelfCount.owner_id == owner_id).with_for_update()).first()
            listed = sql_select(*_COUNTED).where(
                col(Dataset.owner_id) == owner_id, col(Dataset.current_file_id).is_not(None)
            )
            counted = session.execute(listed).one()
            kept = kept or ShelfCount(owner_id=owner_id)
            for one, value in zip(_COUNTED, counted, strict=True):
                setattr(kept, one.name, int(value))
            session.add(kept)
