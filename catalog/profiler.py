"""Computing statistics in the background: the rough ones at once for whoever waits, then the whole, one file at a time.

What is wanted stands in the database (`profile_rows`), so a restart goes on, and of several replicas one computes.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import structlog

from catalog.metrics import PROFILE_SECONDS, PROFILES
from catalog.profile_rows import Claim, ProfileRows
from catalog.sources import data_of, read_as_of
from db import Database, DatabaseUnavailable
from db.tables import File
from preview.analyst import Analyst
from preview.asking import Cancel
from preview.errors import Cancelled, PreviewError, SourceUnavailable
from preview.read_as import ReadAs
from storage import Storages
from storage.protocol import StorageError

LOOK_EVERY = timedelta(seconds=60)
"""How often to look for what another replica took and did not finish."""
BACK_OFF = timedelta(seconds=15)
"""How long to wait while the store or the database is away."""
BEAT_EVERY = 1.0
"""Seconds: as often progress is noted, and a wish to stop is heard of."""
ROUGH_FROM = 4_000_000
"""Bytes from which the whole takes long enough for a rough answer before it."""
AUTOMATIC_TO = 1_000_000_000
"""Bytes of the largest file whose statistics are computed without anybody having asked."""

_log = structlog.get_logger("catalog")


class Wish(NamedTuple):
    """A rough answer that somebody waits for."""

    file: File
    read_as: ReadAs


@dataclass
class Profiler:
    """Two daemon threads; `start` them once, `close` stops them within about two seconds."""

    database: Database
    storages: Storages
    analyst: Analyst
    back_off: timedelta = BACK_OFF
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _wake: threading.Event = field(default_factory=threading.Event, repr=False)
    _wishes: list[Wish] = field(default_factory=list, repr=False)
    _running: dict[tuple[uuid.UUID, str], Cancel] = field(default_factory=dict, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)
    _news: int = 0

    @property
    def rows(self) -> ProfileRows:
        return ProfileRows(self.database)

    def start(self) -> None:
        for name, act in (("whole", self._compute_all), ("rough", self._answer_wishes)):
            thread = threading.Thread(target=act, name=f"profiler-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop. What is under way is handed back to the database."""
        self._stop.set()
        self._wake.set()
        for cancel in list(self._running.values()):
            cancel.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)

    def described(self, file: File, read_as: ReadAs) -> None:
        """A file's columns became known: compute its statistics when there is time, where it is not too large."""
        if file.size <= AUTOMATIC_TO:
            self.rows.ask(file.id, read_as.key, waiting=False)
            self._wake.set()

    def hurry(self, file: File, read_as: ReadAs, *, patience: float) -> None:
        """Somebody waits for the statistics of a file, which were asked for: wait up to `patience` seconds for news."""
        with self._changed:
            # A small file's whole answer is as quick, unless it has to wait behind another one's.
            if file.size >= ROUGH_FROM or self._running:
                self._wishes.append(Wish(file, read_as))
            news = self._news
            self._wake.set()
            self._changed.notify_all()
            until = time.monotonic() + patience
            while self._news == news and not self._stop.is_set() and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def look(self) -> None:
        """Something is wanted: look at once. Returns at once."""
        self._wake.set()

    def stop(self, file_id: uuid.UUID, read_key: str) -> None:
        """Stop computing, here at once and elsewhere at the next beat."""
        self.rows.stop(file_id, read_key)
        cancel = self._running.get((file_id, read_key))
        if cancel is not None:
            cancel.set()

    def _tell(self) -> None:
        with self._changed:
            self._news += 1
            self._changed.notify_all()

    def _answer_wishes(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                while not self._wishes and not self._stop.is_set():
                    self._changed.wait()
                wish = self._wishes.pop() if self._wishes else None
            if wish is None:
                continue
            try:
                profile = self.analyst.quick_profile(data_of(self.storages, wish.file, wish.read_as))
                self.rows.note_rough(wish.file.id, wish.read_as.key, profile.to_plain())
            except (PreviewError, StorageError, DatabaseUnavailable) as error:
                # The whole answer will say it.
                _log.info("no rough statistics", file_id=str(wish.file.id), error=str(error))
            except Exception:  # noqa: BLE001  # the thread is never started again, so nothing may end it
                _log.exception("rough statistics failed", file_id=str(wish.file.id))
            self._tell()

    def _compute_all(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            pause = LOOK_EVERY
            try:
                while not self._stop.is_set() and (claimed := self.rows.claim()) is not None:
                    self._compute(*claimed)
            except (SourceUnavailable, StorageError, DatabaseUnavailable) as error:
                pause = self.back_off
                _log.warning("statistics wait", error=str(error), seconds=pause.total_seconds())
            except Exception:  # noqa: BLE001  # as above
                pause = self.back_off
                _log.exception("computing statistics failed")
            self._wake.wait(pause.total_seconds())

    def _compute(self, claim: Claim, file: File) -> None:
        """Raises what is to be waited for: SourceUnavailable, StorageError, DatabaseUnavailable."""
        began, outcome = time.perf_counter(), "ok"
        try:
            with self.database.session() as session:
                read_as = read_as_of(session, file.dataset_id)
            if read_as.key != claim.read_key:
                self.rows.fail(claim, "The file is read in another way by now.")
                return
            with self._beating(claim) as (cancel, note):
                data = data_of(self.storages, file, read_as)
                profile = self.analyst.profile(data, on_progress=note, cancel=cancel)
            self.rows.finish(claim, profile.to_plain())
        except (Cancelled, SourceUnavailable, StorageError) as error:
            outcome = type(error).__name__
            # Nothing changes where it was stopped: then the claim is gone.
            self.rows.hand_back(claim)
            if not isinstance(error, Cancelled):
                raise
        except PreviewError as error:
            outcome = type(error).__name__
            self.rows.hand_back(claim) if self._stop.is_set() else self.rows.fail(claim, str(error))
        except Exception:
            outcome = "fault"
            self.rows.fail(claim, "The statistics could not be computed; the app's log says why.")
            raise
        finally:
            PROFILES.labels(outcome).inc()
            PROFILE_SECONDS.observe(time.perf_counter() - began)
            self._tell()

    @contextmanager
    def _beating(self, claim: Claim) -> Iterator[tuple[Cancel, _Progress]]:
        """Let the claim's beat go on beside the computation, and cancel it where the claim is lost."""
        cancel, progress, over = Cancel(), _Progress(), threading.Event()

        def beat() -> None:
            while not over.wait(BEAT_EVERY):
                try:
                    if not self.rows.beat(claim, progress.share):
                        cancel.set()
                        return
                except DatabaseUnavailable:
                    continue

        key = (claim.file_id, claim.read_key)
        self._running[key] = cancel
        thread = threading.Thread(target=beat, name="profiler-beat", daemon=True)
        thread.start()
        try:
            yield cancel, progress
        finally:
            over.set()
            thread.join()
            self._running.pop(key, None)


class _Progress:
    """The share of 1 that is done, as it was last told."""

    def __init__(self) -> None:
        self.share: float | None = None

    def __call__(self, share: float) -> None:
        self.share = min(max(share, 0.0), 1.0)
