"""What whoever runs the shelf wants to know of it beside its totals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlmodel import col

from catalog.caller import Caller
from db import Database
from db.tables import Dataset, File, FileStatus
from db.utc import utc_now


@dataclass(frozen=True)
class Overview:
    """Every method raises DatabaseUnavailable."""

    database: Database

    def old_versions(self, caller: Caller, older_than: timedelta) -> tuple[int, int]:
        """How many versions, and how many bytes, are that old and have a newer one on the shelf: of the caller's own,
        for an admin of everybody's."""
        whose = () if caller.runs_shelf else (col(File.owner_id) == caller.user_id,)
        query = (
            select(func.count(), func.coalesce(func.sum(File.size), 0))
            .join(Dataset, col(Dataset.id) == col(File.dataset_id))
            .where(
                *whose,
                col(File.status) == FileStatus.READY,
                col(File.created_at) < utc_now() - older_than,
                col(Dataset.current_file_id).is_not(None),
                col(Dataset.current_file_id) != col(File.id),
            )
        )
        with self.database.session() as session:
            count, size = session.execute(query).one()
        return int(count), int(size)
