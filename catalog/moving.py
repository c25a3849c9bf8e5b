"""Moving every file from one backend to the other while the app runs.

A run that is killed is gone on with by the next: a switched row is not looked at again, a whole object that the killed
run left is read back and taken, and at most one file a job is sent twice. The old copy of a file stays where it was, so
that links signed for it go on working, until the operator has it deleted.

The length is that of one run, which decides in one place what each outcome of a file means for the others; a file's
own way, the checks, the lock and the report have modules of their own.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import tuple_
from sqlmodel import col, select

from catalog.errors import DatasetNotFound
from catalog.metered import BackendFailed, Stopped, Throttle
from catalog.moving_checks import Checklist, Checks, left_at, movable
from catalog.moving_file import MOVABLE, FileChanged, FileMove, Moved, SourceDiffers, TargetDiffers
from catalog.moving_lock import Hold, held
from catalog.moving_report import PLACES, Left, MoveReport, Route, Trouble
from catalog.old_copies import OldCopies
from catalog.scrub import Outcome, Scrub
from db import Database, DatabaseUnavailable
from db.tables import Dataset, File
from storage import Storages
from storage.protocol import (
    Backend,
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    MultipartUpload,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
    sentence,
)

BATCH = 200
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15, 30))
"""Before each further attempt where a backend does not answer, on top of the storage's own retries."""
LOOK = timedelta(seconds=0.5)

T = TypeVar("T")
_log = structlog.get_logger("catalog")


class Watcher(Protocol):
    """Hears how a move goes, from several threads."""

    def planned(self, left: Left) -> None:
        """What there is to move now, beside what was moved already."""
        ...

    def advanced(self, size: int) -> None:
        """Bytes copied, and once more when they were read back; negative where an attempt came to nothing."""
        ...

    def finished(self, file_size: int) -> None:
        """A file is done with, well or not."""
        ...

    def said(self, text: str) -> None:
        """A sentence for whoever looks on."""
        ...


class Silent:
    """Nobody looks on."""

    def planned(self, left: Left) -> None: ...

    def advanced(self, size: int) -> None: ...

    def finished(self, file_size: int) -> None: ...

    def said(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class MoveOptions:
    """`jobs` files at a time; `rate` in bytes a second for what is sent, and as much again for what is read back."""

    jobs: int = 4
    rate: float | None = None
    dataset_id: uuid.UUID | None = None
    delete_source: bool = False


@dataclass(frozen=True)
class Move:
    """Moves files along one route. `folder` is the data folder, where one move at a time is seen to."""

    database: Database
    storages: Storages
    route: Route
    folder: Path
    pauses: tuple[timedelta, ...] = PAUSES

    def look(self, dataset_id: uuid.UUID | None = None, *, prepare: bool = False) -> Checklist:
        """The checklist. Raises DatasetNotFound (one in the trash is there), DatabaseUnavailable."""
        if dataset_id is not None:
            with self.database.session() as session:
                if session.get(Dataset, dataset_id) is None:
                    raise DatasetNotFound(f"There is no dataset {dataset_id}; nothing was moved.")
        return Checks(self.database, self.storages, self.route, dataset_id).look(prepare=prepare)

    def run(
        self, options: MoveOptions, *, stop: threading.Event | None = None, watcher: Watcher | None = None
    ) -> MoveReport:
        """Move what there is, and what is finished meanwhile, until nothing is left or `stop` is set.

        With `delete_source` the old copies of files that are safe at the target are deleted after that. Raises
        MoveUnderWay, DatabaseUnavailable.
        """
        with held(self.database, self.folder, self.route) as hold:
            run = _Run(self, options, stop or threading.Event(), watcher or Silent(), hold)
            return run.run()


@dataclass
class _Run:
    move: Move
    options: MoveOptions
    stop: threading.Event
    watcher: Watcher
    hold: Hold
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _given_up: set[uuid.UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        move, stop = self.move, self.stop
        self.report = MoveReport(move.route)
        self._source = move.storages.of(move.route.source)
        self._target = move.storages.of(move.route.target)
        self._file_move = FileMove(
            move.database,
            self._source,
            self._target,
            sending=Throttle(self.options.rate, stop),
            reading=Throttle(self.options.rate, stop),
            stop=stop,
            on_sent=self._sent,
        )

    def run(self) -> MoveReport:
        database, dataset_id = self.move.database, self.options.dataset_id
        copies = OldCopies(database, self.move.storages)
        try:
            self.report.aborted_uploads = self._abort_left_uploads()
            self._move_all()
            if self.options.delete_source and not self.stop.is_set():
                self.report.released = copies.release(self.move.route.source, self._goes_on, dataset_id)
        except (BackendFailed, StorageError, DatabaseUnavailable) as error:
            self._end(sentence(str(error)))
        if self.stop.is_set():
            self._end("It was stopped.")
        with database.session() as session:
            self.report.left = left_at(session, self.move.route.source, dataset_id)
        self.report.old_copies = copies.kept(self.move.route.source, dataset_id)
        return self.report

    def _goes_on(self) -> bool:
        if not self.hold.kept():
            self._end("Another machine took over, because this one had been silent for too long.")
        return not self.stop.is_set()

    def _end(self, reason: str) -> None:
        """End the run; the first reason counts."""
        with self._lock:
            self.report.stopped = self.report.stopped or reason
        self.stop.set()

    def _sent(self, count: int) -> None:
        with self._lock:
            self.report.sent_bytes += count

    def _move_all(self) -> None:
        with ThreadPoolExecutor(self.options.jobs, thread_name_prefix="move") as pool:
            try:
                while not self.stop.is_set() and self._one_round(pool):
                    pass
            except BaseException:
                # Leaving the block waits for the jobs; they must not go on to the end of a long file.
                self.stop.set()
                raise

    def _one_round(self, pool: ThreadPoolExecutor) -> bool:
        """Every file there is, once; says whether there was one. What is uploaded meanwhile is the next round's."""
        with self.move.database.session() as session:
            self.watcher.planned(left_at(session, self.move.route.source, self.options.dataset_id))
        files, under_way, some = self._files(), set[Future[None]](), False
        while not self.stop.is_set():
            for file in islice(files, self.options.jobs - len(under_way)):
                under_way.add(pool.submit(self._one, file))
                some = True
            if not under_way:
                break
            done, under_way = wait(under_way, LOOK.total_seconds(), FIRST_COMPLETED)
            for future in done:
                future.result()
            self._goes_on()
        return some

    def _files(self) -> Iterator[File]:
        """What is to be moved, in the order of bucket and key; not what this run could not move before."""
        after = ("", "")
        while True:
            place = tuple_(col(File.bucket), col(File.key))
            query = select(File).where(movable(self.move.route.source, self.options.dataset_id), place > after)
            with self.move.database.session() as session:
                page = session.exec(query.order_by(col(File.bucket), col(File.key)).limit(BATCH)).all()
            yield from (file for file in page if file.id not in self._given_up)
            if len(page) < BATCH:
                return
            after = (page[-1].bucket, page[-1].key)

    def _one(self, file: File) -> None:
        """Move one file and note how it went. Never raises but for a mistake of ours."""
        try:
            how = self._patiently(file)
            with self._lock:
                self.report.moved += 1
                self.report.moved_bytes += file.size
                self.report.found += how is Moved.FOUND
        except Stopped:
            return
        except FileChanged:
            self._give_up(file, self.report.skipped, "It was deleted or changed while it was copied.")
        except TargetDiffers as error:
            self._give_up(file, self.report.failed, str(error))
        except SourceDiffers as error:
            self._give_up(file, self.report.failed, f"{error}{self._judged(file)}")
        except DatabaseUnavailable as error:
            self._end(f"The database cannot be used: {error}.")
        except BackendFailed as failed:
            self._failed(file, failed)
        self.watcher.finished(file.size)

    def _judged(self, file: File) -> str:
        """Have a file whose bytes are wrong looked at by who decides whether it is served, and say what came of it."""
        try:
            outcome = Scrub(self.move.database, self.move.storages, every=timedelta()).check(file.id)
        except StorageError:
            return ""
        return " It is not served any more; upload it again." if outcome is Outcome.WRONG else ""

    def _failed(self, file: File, failed: BackendFailed) -> None:
        error, place = failed.error, PLACES[failed.backend]
        said = sentence(str(error))
        at_target = failed.backend is self.move.route.target
        if isinstance(error, BucketMissing) or (at_target and isinstance(error, StorageFull | StorageDenied)):
            self._end(said)
        elif isinstance(error, StorageUnavailable) and not self._healthy(failed.backend):
            self._end(f"{place.capitalize()} does not answer any more: {error}.")
        elif isinstance(error, FileNotInStorage) and not at_target and not self._still_there(file):
            self._give_up(file, self.report.skipped, "It was deleted while it was to be copied.")
        else:
            self._give_up(file, self.report.failed, f"{place.capitalize()}: {error}.")

    def _give_up(self, file: File, where: list[Trouble], reason: str) -> None:
        _log.warning("file not moved", file_id=str(file.id), reason=reason)
        with self._lock:
            self._given_up.add(file.id)
            where.append(Trouble(file.id, file.file_name, file.size, reason))

    def _patiently(self, file: File) -> Moved:
        """Move it, again after a pause where a backend does not answer or what was read back differs."""
        once_more = True
        pauses = iter(self.move.pauses)
        while True:
            advanced = 0

            def advance(size: int) -> None:
                nonlocal advanced
                advanced += size
                self.watcher.advanced(size)

            try:
                return self._file_move.move(file, advance)
            except (SourceDiffers, TargetDiffers):
                # A disk or a line that errs once in a while is right the second time.
                self.watcher.advanced(-advanced)
                if not once_more:
                    raise
                once_more = False
            except BackendFailed as failed:
                self.watcher.advanced(-advanced)
                pause = next(pauses, None)
                if pause is None or not isinstance(failed.error, StorageUnavailable):
                    raise
                if not once_more and self._healthy(failed.backend):
                    raise
                once_more = False
                self.watcher.said(
                    f"{PLACES[failed.backend].capitalize()}: {failed.error}. Trying again in {pause.seconds} s."
                )
                if self.stop.wait(pause.total_seconds()):
                    raise Stopped from failed
            except BaseException:
                self.watcher.advanced(-advanced)
                raise

    def _healthy(self, backend: Backend) -> bool:
        return self.move.storages.of(backend).check_health().ok

    def _still_there(self, file: File) -> bool:
        condition = movable(self.move.route.source, self.options.dataset_id)
        with self.move.database.session() as session:
            return session.exec(select(File.id).where(File.id == file.id, condition)).first() is not None

    def _abort_left_uploads(self) -> int:
        """Abort uploads that a killed run began at the target: their keys are those of files that still lie here."""
        aborted = 0
        for role in BucketRole:
            uploads = iter(self._target.list_multipart(role))
            while batch := list(islice(uploads, BATCH)):
                for upload in self._ours(batch):
                    self._target.abort_multipart(upload.ref, upload.upload_id)
                    aborted += 1
        return aborted

    def _ours(self, uploads: list[MultipartUpload]) -> list[MultipartUpload]:
        keys = [upload.ref.key for upload in uploads]
        query = select(File.key).where(
            col(File.key).in_(keys), col(File.backend) == self.move.route.source, col(File.status).in_(MOVABLE)
        )
        with self.move.database.session() as session:
            here = set(session.exec(query))
        return [upload for upload in uploads if upload.ref.key in here]
