"""Reading new files in the background: first what is inside, then every byte once.

What is still unknown stands in the database, so a restart goes on where the last run ended, and two replicas that read
the same file note the same facts. Describing (a preview, a fraction of a second) never waits for scanning (the whole
file, for SHA-256 and rows): each has a thread of its own and takes one file at a time.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, and_
from sqlmodel import col, select

from catalog.digests import Digests, parts_of
from catalog.knowledge import Knowledge
from catalog.metrics import CHECKED_BYTES, CHECKS, READS
from catalog.previews import DEFAULT_ROWS
from catalog.removal import ref_of
from catalog.scrub import Outcome, Scrub
from catalog.sources import LINK_LIFE, LONG_LIFE, read_as_of, source_of
from catalog.verdicts import Reading, cutting, wrong_with
from catalog.views import MOST_READ_ATTEMPTS
from db import Database, DatabaseUnavailable
from db.tables import File, FileStatus
from preview import Previewer
from preview.errors import PreviewError, SourceGone, SourceUnavailable
from preview.read_as import ReadAs
from preview.result import Scan
from storage import Storages
from storage.protocol import Backend, FileNotInStorage, StorageError

LOOK_EVERY = timedelta(seconds=60)
"""How often to look for files that another replica took in and did not read to the end."""
BACK_OFF = timedelta(seconds=15)
"""How long to wait while the store or the database is away."""
BATCH = 50

_log = structlog.get_logger("catalog")


def _ignore(_file: File, _read_as: ReadAs) -> None:
    """Nobody wants to know."""


class _Away(Exception):
    """The store cannot be read now; nothing is wrong with the file."""


@dataclass
class BackgroundReader:
    """Two daemon threads; `start` them once, `close` stops them within about two seconds."""

    database: Database
    storages: Storages
    previewer: Previewer
    on_described: Callable[[File, ReadAs], None] = _ignore
    """Hears of every file whose columns became known."""
    back_off: timedelta = BACK_OFF
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _wakes: tuple[threading.Event, threading.Event] = field(
        default_factory=lambda: (threading.Event(), threading.Event()), repr=False
    )
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    def start(self) -> None:
        for name, round_, wake in (
            ("describe", self._describe_all, self._wakes[0]),
            ("scan", self._scan_all, self._wakes[1]),
        ):
            thread = threading.Thread(target=self._run, args=(round_, wake), name=f"reader-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def notice(self, _file_id: uuid.UUID) -> None:
        """A file is ready: look at once. Returns at once."""
        for wake in self._wakes:
            wake.set()

    def close(self) -> None:
        """Stop. A read that is under way is left to its worker, which ends with the previewer."""
        self._stop.set()
        for wake in self._wakes:
            wake.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def _run(self, round_: Callable[[], None], wake: threading.Event) -> None:
        while not self._stop.is_set():
            wake.clear()
            pause = LOOK_EVERY
            try:
                round_()
            except (_Away, DatabaseUnavailable, StorageError) as error:
                pause = self.back_off
                _log.warning("background reading waits", error=str(error), seconds=pause.total_seconds())
            except Exception:  # noqa: BLE001  # the thread is never started again, so nothing may end it
                pause = self.back_off
                _log.exception("background reading failed")
            wake.wait(pause.total_seconds())

    def _describe_all(self) -> None:
        # The newest first: someone is waiting for it in front of the screen.
        while files := self._unread(col(File.described_at).is_(None), newest_first=True):
            for file in files:
                if self._stop.is_set():
                    return
                self._describe(file)
            # The knowledge that someone needs a scan is new.
            self._wakes[1].set()

    def _describe(self, file: File) -> None:
        preview, outcome, read_as = None, "ok", self._read_as(file)
        try:
            source = source_of(self.storages, file, life=LINK_LIFE)
            preview = self.previewer.preview(source, rows=DEFAULT_ROWS, read_as=read_as, cache_key=str(file.id))
        except SourceUnavailable as error:
            raise _Away(str(error)) from error
        except PreviewError as error:
            # Whoever opens the file sees the same reason; once is enough to know that it has no columns.
            outcome = type(error).__name__
        READS.labels("describe", outcome).inc()
        if Knowledge(self.database).note_preview(file.id, preview, read_as) and preview is not None:
            self.on_described(file, read_as)

    def _scan_all(self) -> None:
        unscanned = and_(
            col(File.scanned_at).is_(None),
            col(File.described_at).is_not(None),
            col(File.read_attempts) < MOST_READ_ATTEMPTS,
        )
        while files := self._unread(unscanned, newest_first=False):
            failed = 0
            for file in files:
                if self._stop.is_set():
                    return
                failed += not self._scan(file)
            if failed:
                raise _Away(f"{failed} files could not be read to the end")

    def _scan(self, file: File) -> bool:
        knowledge, read_as = Knowledge(self.database), self._read_as(file)
        with self.database.session() as session:
            told = parts_of(session, file)
        scan = self._read_to_end(file, read_as, told)
        if scan is None:
            return False
        wrong = wrong_with(file, told, Reading.of(scan, told))
        if wrong is not None:
            # A store may answer with wrong bytes once, and a good file must not fail for it.
            _log.warning("stored bytes look wrong and are read again", file_id=str(file.id), **wrong.detail)
            again = self._read_to_end(file, read_as, told)
            if again is None:
                return False
            still = wrong_with(file, told, Reading.of(again, told))
            if still is not None and again.sha256 != scan.sha256:
                CHECKS.labels("first", "unsure").inc()
                return self._failed_scan(file, "Unsteady", "the store sent other bytes each time")
            if still is None:
                _log.warning("stored bytes were right when read again", file_id=str(file.id))
            scan, wrong = again, still
        CHECKED_BYTES.labels("first").inc(scan.size)
        if wrong is None:
            compared = told.complete or file.sha256 is not None
            knowledge.note_scan(file, scan, read_as)
            _log.info("stored file read", file_id=str(file.id), checksum="compared" if compared else "recorded")
        else:
            knowledge.note_failure(file, wrong.failure, wrong.detail)
            _log.error("stored bytes differ from what was sent", file_id=str(file.id), **wrong.detail)
        READS.labels("scan", "ok" if wrong is None else "ChecksumMismatch").inc()
        CHECKS.labels("first", "right" if wrong is None else "wrong").inc()
        return True

    def _read_to_end(self, file: File, read_as: ReadAs, told: Digests) -> Scan | None:
        source = source_of(self.storages, file, life=LONG_LIFE)
        try:
            scan = self.previewer.scan(source, read_as=read_as, part_size=cutting(file, told))
        except SourceUnavailable as error:
            raise _Away(str(error)) from error
        except SourceGone as error:
            if not self._got_shorter(file):
                self._failed_scan(file, type(error).__name__, str(error))
            return None
        except PreviewError as error:
            self._failed_scan(file, type(error).__name__, str(error))
            return None
        return scan

    def _got_shorter(self, file: File) -> bool:
        """Whether the object has fewer bytes than the file, which the scrub has judged then. One that is not there at
        all may lie in a bucket that is gone as a whole, which the checks that look at all of it tell apart.
        """
        try:
            if self.storages.of(Backend(file.backend)).stat_file(ref_of(file)).size == file.size:
                return False
            return Scrub(self.database, self.storages, timedelta(0), share=1.0).check(file.id) is Outcome.WRONG
        except FileNotInStorage:
            return False
        except StorageError as error:
            raise _Away(str(error)) from error

    def _failed_scan(self, file: File, outcome: str, reason: str) -> bool:
        READS.labels("scan", outcome).inc()
        _log.warning("scan failed", file_id=str(file.id), outcome=outcome, reason=reason)
        Knowledge(self.database).note_attempt(file.id)
        return False

    def _read_as(self, file: File) -> ReadAs:
        with self.database.session() as session:
            return read_as_of(session, file.dataset_id)

    def _unread(self, condition: ColumnElement[bool], *, newest_first: bool) -> Sequence[File]:
        at = col(File.created_at)
        query = select(File).where(File.status == FileStatus.READY, condition)
        order = at.desc() if newest_first else at.asc()
        with self.database.session() as session:
            return session.exec(query.order_by(col(File.read_attempts), order).limit(BATCH)).all()
