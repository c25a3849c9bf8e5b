"""Statistics of a file's columns: asked for, looked at, stopped. `profiler` computes them."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from catalog.caller import Caller
from catalog.profile_rows import SILENT, UNDER_WAY
from catalog.profiler import Profiler
from catalog.sources import find_readable
from db import Database
from db.tables import File
from db.tables import Profile as ProfileRow
from db.tables import ProfileStatus as RowStatus
from db.utc import utc_now
from preview.profile import Profile
from preview.read_as import ReadAs

Status = Literal["ready", "computing", "failed", "none"]
PATIENCE = 0.8
"""Seconds that the first one to ask waits: most files are done by then."""
STILL = timedelta(seconds=10)
"""How old a person's wish may grow before it is made again."""
REMEMBERED = 64
"""Ready profiles kept in memory, as objects: a screen asks for the same one again and again."""


@dataclass(frozen=True, slots=True)
class ProfileState:
    """How far the statistics are. While `computing`, and after a stop (`none`), `profile` is the rough one, if any.

    `progress` is a share of 1, None where not known; `error` is the sentence why they could not be computed.
    """

    status: Status
    profile: Profile | None
    progress: float | None
    error: str | None


@dataclass(frozen=True)
class Profiles:
    """Statistics of the caller's files. Every method raises FileNotFound, FileNotReady, DatabaseUnavailable."""

    database: Database
    profiler: Profiler
    _known: OrderedDict[tuple[uuid.UUID, str], tuple[datetime, Profile]] = field(
        default_factory=OrderedDict, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def state(self, caller: Caller, file_id: uuid.UUID) -> ProfileState:
        """What is known; where nothing is, it is asked for. Blocks less than a second."""
        file, read_as = self._find(caller, file_id)
        row = self.profiler.rows.get(file.id, read_as.key)
        if row is None:
            self.profiler.rows.ask(file.id, read_as.key, waiting=True)
            self.profiler.hurry(file, read_as, patience=PATIENCE)
            row = self.profiler.rows.get(file.id, read_as.key)
        elif row.status in UNDER_WAY:
            self._press(file, read_as, row)
        return self._state(row)

    def known(self, caller: Caller, file_id: uuid.UUID) -> Profile | None:
        """The whole statistics where they are ready; asks for nothing."""
        file, read_as = self._find(caller, file_id)
        row = self.profiler.rows.get(file.id, read_as.key)
        return self._state(row).profile if row is not None and row.status == RowStatus.READY else None

    def cancel(self, caller: Caller, file_id: uuid.UUID) -> None:
        """Stop computing, within about a second; `recompute` begins anew."""
        file, read_as = self._find(caller, file_id)
        self.profiler.stop(file.id, read_as.key)

    def recompute(self, caller: Caller, file_id: uuid.UUID) -> None:
        """Compute once more what failed, was stopped, or is to be fresh."""
        file, read_as = self._find(caller, file_id)
        self.profiler.rows.ask(file.id, read_as.key, waiting=True)
        self.profiler.rows.restart(file.id, read_as.key)
        self.profiler.look()

    def _find(self, caller: Caller, file_id: uuid.UUID) -> tuple[File, ReadAs]:
        with self.database.session() as session:
            return find_readable(session, caller, file_id)

    def _press(self, file: File, read_as: ReadAs, row: ProfileRow) -> None:
        now = utc_now()
        if row.status == RowStatus.WAITING and row.wanted_at < now - STILL:
            self.profiler.rows.hurry(file.id, read_as.key)
            self.profiler.hurry(file, read_as, patience=PATIENCE)
        elif row.beat_at is not None and row.beat_at < now - SILENT:
            self.profiler.look()

    def _state(self, row: ProfileRow | None) -> ProfileState:
        if row is None:
            # The file went away while it was asked about.
            return ProfileState("none", None, None, None)
        if row.status == RowStatus.READY:
            return ProfileState("ready", self._profile(row), None, None)
        content = self.profiler.rows.content(row.file_id, row.read_key)
        rough = Profile.from_plain(content) if content is not None else None
        if row.status == RowStatus.FAILED:
            return ProfileState("failed", rough, None, row.error)
        return ProfileState("computing" if row.status in UNDER_WAY else "none", rough, row.progress, None)

    def _profile(self, row: ProfileRow) -> Profile | None:
        assert row.computed_at is not None
        key = (row.file_id, row.read_key)
        with self._lock:
            at, profile = self._known.get(key, (None, None))
        if profile is None or at != row.computed_at:
            content = self.profiler.rows.content(row.file_id, row.read_key)
            profile = Profile.from_plain(content) if content is not None else None
        if profile is None:
            # Forgotten in this moment.
            return None
        with self._lock:
            self._known[key] = (row.computed_at, profile)
            self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return profile
