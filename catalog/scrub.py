"""Reading stored files again from time to time, so that what a disk or a store loses is known before it is needed.

The file whose last check is the longest ago comes first, one at a time, once across all replicas. How far the scrub is
stands in the files' own rows (`verified_at`), so whatever cuts it off costs the file that was being read.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.digests import Digests, parts_of
from catalog.events import EventKind, record
from catalog.knowledge import fail, needs_scan, note_right
from catalog.leases import Leases
from catalog.metrics import CHECKED_BYTES, CHECKS
from catalog.removal import ref_of
from catalog.reports import ReportKind, Reports
from catalog.verdicts import Reading, Wrong, cutting, wrong_with
from db import Database, DatabaseUnavailable
from db.tables import Dataset, File, FileStatus
from db.utc import utc_now
from preview.hashing import Hashed
from storage import Storages
from storage.protocol import Backend, BucketMissing, FileNotInStorage, StorageError, StorageUnavailable

LOOK_EVERY = timedelta(minutes=5)
"""How often to look for files that are due, or whether the store is back."""
LEASE = timedelta(minutes=10)
"""How long nobody takes over from a replica that was killed; held for longer by the one that reads."""
SHARE = 0.25
"""Of the time that is spent reading: the rest belongs to those who use the shelf."""
CHUNK = 1024**2
MOST_LOOKED_FOR = 500
"""Missing files that are looked for again each time."""
GONE = (
    "The stored file is no longer in the store, so this version is not served; put the object back where it was, or "
    "upload the file again."
)
CHECKED = (FileStatus.READY, FileStatus.FAILED)

_log = structlog.get_logger("catalog")


class Outcome(StrEnum):
    """What a check found. `unsure`: the store sent other bytes each time, or the file changed meanwhile."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"
    UNSURE = "unsure"


class Stopped(Exception):
    """The app is ending; nothing is known of the file."""


@dataclass
class _Round:
    files: int = 0
    bytes: int = 0
    failed: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)


@dataclass
class Scrub:
    """One daemon thread; `start` it once, `close` stops it within about a second. `every` zero: never.

    `check` alone needs neither.
    """

    database: Database
    storages: Storages
    every: timedelta
    share: float = SHARE
    look_every: timedelta = LOOK_EVERY
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        if self.every:
            self._thread = threading.Thread(target=self._work, name="scrub", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def run(self) -> bool:
        """Check every file that is due, unless another replica does. Says whether it was ours to do.

        Raises StorageUnavailable and its like where the store cannot be read now, DatabaseUnavailable.
        """
        leases = Leases(self.database)
        if not leases.take("scrub", LEASE):
            return False
        done, unsure = _Round(), set[uuid.UUID]()
        held_until = time.monotonic() + LEASE.total_seconds() / 2

        def hold() -> None:
            nonlocal held_until
            if time.monotonic() >= held_until:
                leases.take("scrub", LEASE)
                held_until = time.monotonic() + LEASE.total_seconds() / 2

        try:
            for file_id in self._back():
                self.check(file_id, pace=hold)
            while not self._stop.is_set() and (file := self._due(unsure)) is not None:
                outcome = self.check(file.id, pace=hold)
                done.files, done.bytes = done.files + 1, done.bytes + file.size
                if outcome in (Outcome.WRONG, Outcome.MISSING):
                    done.failed.append(str(file.id))
                elif outcome is Outcome.UNSURE:
                    # Every other outcome takes the file out of those that are due.
                    unsure.add(file.id)
                    done.unsure.append(str(file.id))
        except Stopped:
            pass
        finally:
            if done.files:
                self._report(done)
            leases.let_go("scrub")
        return True

    def check(self, file_id: uuid.UUID, *, pace: Callable[[], None] | None = None, note: bool = True) -> Outcome:
        """Read a ready or failed file and act on what is found: a wrong or missing one is served no more, and a failed
        one that is right again is ready again. `pace` is called between pieces; without it the file is read at once.
        Without `note` it is only said what was found.

        Raises the store's errors where it cannot be read now, and then nothing changed.
        """
        with self.database.session() as session:
            query = select(File).where(File.id == file_id, col(File.status).in_(CHECKED))
            file = session.exec(query).first()
            told = parts_of(session, file) if file is not None else None
        if file is None or told is None:
            return Outcome.UNSURE
        try:
            reading, wrong = self._judged(file, told, pace)
        except BucketMissing:
            raise
        except FileNotInStorage:
            self._doubt(file)
            reading, wrong = None, Wrong(GONE, {"missing": True})
        outcome = self._note(file, reading, wrong) if note else _outcome(reading, wrong)
        CHECKS.labels("scrub", outcome).inc()
        CHECKED_BYTES.labels("scrub").inc(reading.size if reading is not None else 0)
        if outcome is not Outcome.RIGHT:
            facts = wrong.detail if wrong is not None else {}
            _log.error("stored file is not right", file_id=str(file_id), outcome=str(outcome), **facts)
        return outcome

    def _doubt(self, file: File) -> None:
        """Raises StorageUnavailable where not this file is missing but everything: the wrong disk, or an empty one."""
        there = (File.backend == file.backend, File.bucket == file.bucket, File.role == file.role)
        with self.database.session() as session:
            others = select(File.id).where(*there, File.status == FileStatus.READY, File.id != file.id).limit(1)
            alone = session.exec(others).first() is None
        storage, ref = self.storages.of(Backend(file.backend)), ref_of(file)
        if alone or storage.bucket_for(ref.role) != file.bucket:
            return
        if next(storage.list_files(ref.role), None) is None:
            raise StorageUnavailable("the bucket is empty, though files were stored in it", ref=ref)

    def _judged(
        self, file: File, told: Digests, pace: Callable[[], None] | None
    ) -> tuple[Reading | None, Wrong | None]:
        """What was read, None where two readings differ; and what is wrong with it, by two readings that agree."""
        first = self._read(file, told, pace)
        wrong = wrong_with(file, told, first)
        if wrong is None:
            return first, None
        again = self._read(file, told, pace)
        still = wrong_with(file, told, again)
        if still is not None and (again.sha256, again.size) != (first.sha256, first.size):
            return None, None
        return again, still

    def _read(self, file: File, told: Digests, pace: Callable[[], None] | None) -> Reading:
        storage, ref = self.storages.of(Backend(file.backend)), ref_of(file)
        # Asked apart: a store that loses an object answers so at once, and a stream says nothing of the size.
        storage.stat_file(ref)
        with storage.get_file(ref) as stream:
            hashed, began = Hashed(stream, cutting(file, told)), time.monotonic()
            while hashed.read(CHUNK):
                if self._stop.is_set():
                    raise Stopped
                if pace is not None:
                    pace()
                    self._stop.wait((time.monotonic() - began) * (1 / self.share - 1))
                    began = time.monotonic()
            digests = hashed.parts()
        return Reading.made(hashed.hexdigest(), hashed.size, digests, told.part_size)

    def _note(self, read: File, reading: Reading | None, wrong: Wrong | None) -> Outcome:
        with self.database.transaction() as session:
            dataset, file = _locked(session, read)
            if dataset is None or file is None or (reading is None and wrong is None):
                return Outcome.UNSURE
            if wrong is not None:
                return self._note_wrong(session, dataset, file, wrong)
            assert reading is not None
            note_right(session, file, reading)
            if file.status == FileStatus.FAILED:
                file.status, file.failure, file.read_attempts = FileStatus.READY, None, 0
                file.scanned_at = None if needs_scan(file) else utc_now()
                told = {"file_name": file.file_name, "version": file.version}
                record(session, EventKind.FILE_VERIFIED, dataset_id=dataset.id, file_id=file.id, detail=told)
                shelf.refresh(session, dataset, updated_at=utc_now())
            return Outcome.RIGHT

    def _note_wrong(self, session: Session, dataset: Dataset, file: File, wrong: Wrong) -> Outcome:
        if file.status == FileStatus.READY:
            fail(session, dataset, file, wrong.failure, wrong.detail)
        else:
            file.failure = wrong.failure
        return _outcome(None, wrong)

    def _back(self) -> list[uuid.UUID]:
        """Files that failed because they were not there, and are there now: someone has put them back."""
        query = select(File).where(File.status == FileStatus.FAILED, File.failure == GONE)
        with self.database.session() as session:
            gone = session.exec(query.order_by(col(File.created_at)).limit(MOST_LOOKED_FOR)).all()
        return [file.id for file in gone if self.storages.of(Backend(file.backend)).file_exists(ref_of(file))]

    def _due(self, unsure: set[uuid.UUID]) -> File | None:
        query = select(File).where(self._is_due(), col(File.id).not_in(unsure))
        with self.database.session() as session:
            return session.exec(query.order_by(func.coalesce(File.verified_at, File.created_at)).limit(1)).first()

    def _is_due(self) -> ColumnElement[bool]:
        before = utc_now() - self.every
        never = and_(col(File.verified_at).is_(None), col(File.created_at) < before)
        return and_(col(File.status) == FileStatus.READY, or_(col(File.verified_at) < before, never))

    def _report(self, done: _Round) -> None:
        with self.database.session() as session:
            oldest: datetime | None = session.exec(
                select(func.min(File.verified_at)).where(File.status == FileStatus.READY)
            ).one()
            due = session.exec(select(func.count()).select_from(File).where(self._is_due())).one()
        content = {
            "files": done.files,
            "bytes": done.bytes,
            "failed": done.failed,
            "unsure": done.unsure,
            "due": due,
            "oldest_verified_at": None if oldest is None else oldest.isoformat(),
        }
        Reports(self.database).keep(ReportKind.SCRUB, content)
        _log.info("scrubbed", **content)

    def _work(self) -> None:
        while not self._stop.wait(self.look_every.total_seconds()):
            try:
                self.run()
            except (StorageError, DatabaseUnavailable) as error:
                away = isinstance(error, (StorageUnavailable, DatabaseUnavailable))
                (_log.info if away else _log.warning)("scrub waits", error=str(error))
            except Exception:  # noqa: BLE001  # the thread is never started again, so nothing may end it
                _log.exception("scrub failed")


def _locked(session: Session, read: File) -> tuple[Dataset | None, File | None]:
    """The dataset and the file, unless it changed or moved since it was read."""
    query = select(Dataset).where(Dataset.id == read.dataset_id).with_for_update()
    dataset = session.exec(query).first()
    file = session.exec(select(File).where(File.id == read.id, File.status == read.status)).first()
    moved = file is not None and (ref_of(file) != ref_of(read) or file.backend != read.backend)
    return dataset, None if moved else file


def _outcome(reading: Reading | None, wrong: Wrong | None) -> Outcome:
    if wrong is not None:
        return Outcome.MISSING if "missing" in wrong.detail else Outcome.WRONG
    return Outcome.UNSURE if reading is None else Outcome.RIGHT
