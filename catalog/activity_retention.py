"""How long the activity is kept: the one place that removes events. Nothing changes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from catalog.events import EventKind, record
from db import Database
from db.tables import Event
from db.utc import utc_now

BATCH = 1_000
"""Events of one transaction: nobody waits for a long one."""


@dataclass(frozen=True)
class ActivityRetention:
    """Removes what is older than `keep`; None keeps everything."""

    database: Database
    keep: timedelta | None
    now: Callable[[], datetime] = utc_now

    def prune(self) -> int:
        """How many events went; that they went is an event itself. Cut off, it goes on the next time.

        Raises DatabaseUnavailable.
        """
        if self.keep is None:
            return 0
        before, gone = self.now() - self.keep, 0
        oldest = select(Event.id).where(col(Event.at) < before).order_by(col(Event.at)).limit(BATCH)
        while True:
            with self.database.transaction() as session:
                ids = session.exec(oldest).all()
                if ids:
                    session.execute(delete(Event).where(col(Event.id).in_(ids)))
                    gone += len(ids)
                if len(ids) < BATCH:
                    if gone:
                        told = {"removed": gone, "before": before.isoformat()}
                        record(session, EventKind.ACTIVITY_PRUNED, detail=told)
                    return gone
