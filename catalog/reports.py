"""What checks found last, kept for the screens and for whoever asks: one report of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from db import Database
from db.tables import Report
from db.utc import utc_now


class ReportKind(StrEnum):
    """What was checked."""

    RECONCILE = "reconcile"
    SCRUB = "scrub"
    LIFECYCLE = "lifecycle"
    RESTORE = "restore"
    """How far an installation's restoring from a backup is, and what was found."""


class KeptReport(NamedTuple):
    """A report as it was made."""

    made_at: datetime
    content: dict[str, Any]


@dataclass(frozen=True)
class Reports:
    """Every method raises DatabaseUnavailable."""

    database: Database

    def keep(self, kind: ReportKind, content: Mapping[str, Any]) -> None:
        """Keep a report instead of the one before; `content` is what JSON can hold."""
        made_at, kept = utc_now(), dict(content)
        again = update(Report).where(col(Report.kind) == kind).values(made_at=made_at, content=kept)
        with self.database.transaction() as session:
            done: CursorResult[tuple[()]] = session.execute(again)  # type: ignore[assignment]  # an UPDATE gives one
            if done.rowcount:
                return
            try:
                with session.begin_nested():
                    session.add(Report(kind=kind, made_at=made_at, content=kept))
                    session.flush()
            except IntegrityError:
                # Another process kept the first one of this kind in the same moment.
                session.execute(again)

    def last(self, kind: ReportKind) -> KeptReport | None:
        with self.database.session() as session:
            found = session.exec(select(Report).where(Report.kind == kind)).first()
        return None if found is None else KeptReport(found.made_at, found.content)
