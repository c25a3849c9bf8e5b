"""The rows that stand for a file's statistics: asked for, claimed by one of several apps, filled, given up.

A claim is a random id beside a beat that goes on. Every step of who computes is an UPDATE that names the claim, so that
somebody whose claim was taken over, or whose work is not wanted any more, learns it at the next step and changes
nothing.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlmodel import col, select

from db import Database
from db.tables import File, FileStatus, Profile, ProfileStatus
from db.utc import utc_now

SILENT = timedelta(seconds=30)
"""How long a claim lives without a beat."""
MOST_ATTEMPTS = 3
"""How often a computation may end without an answer (its app was killed) before it counts as failed."""
LATER = timedelta(days=1)
"""How far behind a person's wish the ones stand that nobody is waiting for."""
UNDER_WAY = (ProfileStatus.WAITING, ProfileStatus.COMPUTING)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose turn it is to compute which statistics."""

    id: uuid.UUID
    file_id: uuid.UUID
    read_key: str


@dataclass(frozen=True)
class ProfileRows:
    """Every method raises DatabaseUnavailable where the database is away."""

    database: Database

    def get(self, file_id: uuid.UUID, read_key: str) -> Profile | None:
        """The row with all but its content, which may be megabytes."""
        query = select(Profile).where(Profile.file_id == file_id, Profile.read_key == read_key)
        with self.database.session() as session:
            return session.exec(query.options(defer(Profile.content, raiseload=True))).first()  # type: ignore[arg-type]

    def content(self, file_id: uuid.UUID, read_key: str) -> Mapping[str, Any] | None:
        """What was computed, `Profile.to_plain` of the preview; None where there is nothing yet."""
        query = select(Profile.content).where(Profile.file_id == file_id, Profile.read_key == read_key)
        with self.database.session() as session:
            return session.exec(query).first()

    def ask(self, file_id: uuid.UUID, read_key: str, *, waiting: bool) -> None:
        """Want the statistics, unless somebody did before; `waiting`: a person waits for them."""
        wanted = utc_now() - (timedelta(0) if waiting else LATER)
        try:
            with self.database.transaction() as session:
                if session.get(Profile, (file_id, read_key)) is None:
                    session.add(Profile(file_id=file_id, read_key=read_key, wanted_at=wanted))
        except IntegrityError:
            # Asked for in the same moment, or the file is gone.
            return

    def hurry(self, file_id: uuid.UUID, read_key: str) -> None:
        """A person waits for what was asked for in passing."""
        self._change(file_id, read_key, col(Profile.status) == ProfileStatus.WAITING, {"wanted_at": utc_now()})

    def restart(self, file_id: uuid.UUID, read_key: str) -> None:
        """Begin anew, whatever became of it before."""
        fresh = {"status": ProfileStatus.WAITING, "error": None, "attempts": 0, "claim": None, "progress": None}
        self._change(file_id, read_key, None, {**fresh, "wanted_at": utc_now()})

    def stop(self, file_id: uuid.UUID, read_key: str) -> None:
        """Nobody is to go on with it."""
        stopped = {"status": ProfileStatus.STOPPED, "claim": None, "progress": None}
        self._change(file_id, read_key, col(Profile.status).in_(UNDER_WAY), stopped)

    def claim(self) -> tuple[Claim, File] | None:
        """Take the next one to compute: a person's wish first, the newest first; None where nothing is to be done."""
        while True:
            now, mine = utc_now(), uuid.uuid4()
            free = or_(
                col(Profile.status) == ProfileStatus.WAITING,
                and_(col(Profile.status) == ProfileStatus.COMPUTING, col(Profile.beat_at) < now - SILENT),
            )
            ready = File.status == FileStatus.READY
            query = select(Profile, File).join(File, col(File.id) == Profile.file_id).where(free, ready)
            query = query.options(defer(Profile.content, raiseload=True))  # type: ignore[arg-type]
            with self.database.session() as session:
                found = session.exec(query.order_by(col(Profile.wanted_at).desc()).limit(1)).first()
            if found is None:
                return None
            row, file = found
            file_id, read_key = row.file_id, row.read_key
            same = col(Profile.claim).is_(None) if row.claim is None else col(Profile.claim) == row.claim
            if row.attempts >= MOST_ATTEMPTS:
                text = "Computing the statistics was cut off several times. Compute them again to give it another try."
                failed = {"status": ProfileStatus.FAILED, "error": text, "claim": None, "progress": None}
                self._change(file_id, read_key, and_(free, same), failed)
                continue
            taken = {"status": ProfileStatus.COMPUTING, "claim": mine, "beat_at": now, "attempts": row.attempts + 1}
            if self._change(file_id, read_key, and_(free, same), taken):
                return Claim(mine, file_id, read_key), file

    def beat(self, claim: Claim, progress: float | None) -> bool:
        """Say that it goes on, and how far it is. False: it is not wanted any more, or not from this claim."""
        return self._mine(claim, {"beat_at": utc_now(), "progress": progress})

    def note_rough(self, file_id: uuid.UUID, read_key: str, content: Mapping[str, Any]) -> None:
        """Keep the first rough answer while the whole one is under way."""
        rough = and_(col(Profile.status).in_(UNDER_WAY), col(Profile.content).is_(None))
        self._change(file_id, read_key, rough, {"content": storable(content)})

    def finish(self, claim: Claim, content: Mapping[str, Any]) -> bool:
        done = {"status": ProfileStatus.READY, "content": storable(content), "computed_at": utc_now(), "error": None}
        return self._mine(claim, {**done, "claim": None, "progress": None})

    def fail(self, claim: Claim, error: str) -> bool:
        return self._mine(
            claim, {"status": ProfileStatus.FAILED, "error": error, "claim": None, "progress": None, "content": None}
        )

    def hand_back(self, claim: Claim) -> bool:
        """Let somebody else try, or this app later: nothing is wrong with the file."""
        back = {"status": ProfileStatus.WAITING, "claim": None, "progress": None, "attempts": col(Profile.attempts) - 1}
        return self._mine(claim, back)

    def _mine(self, claim: Claim, values: dict[str, Any]) -> bool:
        mine = and_(col(Profile.claim) == claim.id, col(Profile.status) == ProfileStatus.COMPUTING)
        return self._change(claim.file_id, claim.read_key, mine, values)

    def _change(
        self, file_id: uuid.UUID, read_key: str, condition: ColumnElement[bool] | None, values: dict[str, Any]
    ) -> bool:
        row = update(Profile).where(col(Profile.file_id) == file_id, col(Profile.read_key) == read_key)
        if condition is not None:
            row = row.where(condition)
        with self.database.transaction() as session:
            done: CursorResult[tuple[()]] = session.execute(row.values(**values))  # type: ignore[assignment]  # an UPDATE
        return done.rowcount == 1


def storable(value: Any) -> Any:
    """The same without what JSON has no number for: NaN and infinities become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    return value
