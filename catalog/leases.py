"""Things that are done once across all replicas: whoever holds the lease does them.

A lease ends by itself, so that a replica that was killed holds nothing up for longer than that. Whoever needs it for
longer takes it again while it lasts.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from db import Database
from db.tables import Lease
from db.utc import utc_now


@dataclass(frozen=True)
class Leases:
    """The leases this process may hold; each instance is a holder of its own."""

    database: Database
    holder: uuid.UUID = field(default_factory=uuid.uuid4)

    def take(self, name: str, life: timedelta, *, now: datetime | None = None) -> bool:
        """Take the lease, or hold it for longer; False where another holder has it. Raises DatabaseUnavailable."""
        now = now or utc_now()
        free = or_(col(Lease.holder) == self.holder, col(Lease.until) <= now)
        with self.database.transaction() as session:
            taken: CursorResult[tuple[()]] = session.execute(  # type: ignore[assignment]  # an UPDATE gives one
                update(Lease).where(col(Lease.name) == name, free).values(holder=self.holder, until=now + life)
            )
            if taken.rowcount:
                return True
            try:
                with session.begin_nested():
                    session.add(Lease(name=name, holder=self.holder, until=now + life))
                    session.flush()
            except IntegrityError:
                return False
            return True

    def held(self, *, now: datetime | None = None) -> frozenset[str]:
        """The leases that somebody has. Raises DatabaseUnavailable."""
        with self.database.session() as session:
            return frozenset(session.exec(select(Lease.name).where(col(Lease.until) > (now or utc_now()))))

    def let_go(self, name: str) -> None:
        """Give the lease back; nothing happens where another has it. Raises DatabaseUnavailable."""
        with self.database.transaction() as session:
            session.execute(delete(Lease).where(col(Lease.name) == name, col(Lease.holder) == self.holder))
