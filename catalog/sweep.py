"""Giving up uploads that nobody goes on with, and removing what earlier removals had to leave.

Object stores can be told to do this; SeaweedFS and MinIO do not keep to it (tried), so the catalogue sweeps itself. Two
replicas that sweep at once do each other no harm: a row can be given up only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, or_
from sqlmodel import col, select

from catalog.caller import Caller
from catalog.completion import mark_deleted
from catalog.events import EventKind, record
from catalog.metrics import UPLOADS
from catalog.removal import Removal
from catalog.results import KEPT, Results
from db import Database
from db.tables import File, FileStatus, Upload
from db.utc import utc_now
from storage import Storages

IDLE = timedelta(days=7)
"""How long an upload may rest unless LIFECYCLE__UPLOAD_DAYS says otherwise: as long as a signed link can live."""
UNANNOUNCED = timedelta(days=1)
"""The same for one that the store was never told of, which no client can go on with."""
BY_LINK = timedelta(days=1)
"""The same for one that came by an upload request: its sender goes on in the same tab or not at all, and until then it
takes one of the places there are."""

_log = structlog.get_logger("catalog")


@dataclass(frozen=True)
class Sweep:
    """What is done about once an hour. `idle` is how long an upload may rest, `results_for` how long results stay."""

    database: Database
    storages: Storages
    idle: timedelta = IDLE
    results_for: timedelta = KEPT

    def sweep(self) -> int:
        """Give up stale uploads, drop old results of queries, finish removals; says how many files are gone.

        Raises DatabaseUnavailable.
        """
        for file in self.stale():
            self.give_up(file, touched_before=self.rests_since())
        Results(self.storages).sweep(self.results_for)
        gone = Removal(self.database, self.storages).sweep()
        if gone:
            _log.info("swept", files=gone)
        return gone

    def rests_since(self, *, now: datetime | None = None) -> datetime:
        """An upload touched since is stale in no case."""
        return (now or utc_now()) - min(self.idle, UNANNOUNCED, BY_LINK)

    def stale(self, *, now: datetime | None = None) -> Sequence[File]:
        """Files of uploads that nobody goes on with. Raises DatabaseUnavailable."""
        now = now or utc_now()
        rests = or_(
            col(Upload.touched_at) < now - self.idle,
            and_(col(Upload.store_upload_id).is_(None), col(Upload.touched_at) < now - UNANNOUNCED),
            and_(col(Upload.request_id).is_not(None), col(Upload.touched_at) < now - BY_LINK),
        )
        query = (
            select(File).join(Upload, col(Upload.file_id) == File.id).where(File.status == FileStatus.PENDING, rests)
        )
        with self.database.session() as session:
            return session.exec(query.where(col(Upload.completed_at).is_(None))).all()

    def give_up(self, file: File, *, touched_before: datetime) -> bool:
        """Give up a pending file for nobody's asking; its bytes go with the next removal. False: it is pending no more,
        or somebody went on with it in this moment.

        Raises DatabaseUnavailable.
        """
        rests = select(Upload.id).where(Upload.file_id == file.id, col(Upload.touched_at) < touched_before)
        with self.database.transaction() as session:
            if session.exec(rests).first() is None or not mark_deleted(session, Caller(file.owner_id, ""), file):
                return False
            detail = {"file_name": file.file_name, "size": file.size}
            record(session, EventKind.UPLOAD_EXPIRED, dataset_id=file.dataset_id, file_id=file.id, detail=detail)
        UPLOADS.labels("aborted").inc()
        return True
