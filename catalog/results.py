"""Results of queries to download: objects in the bucket for what is temporary, for which no row stands.

They lie under a prefix of their own, apart from files that somebody uploads into that bucket, and the day they were
made stands in their key: the sweep needs nothing but the listing.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from db.utc import utc_now
from storage import Storages
from storage.protocol import (
    Backend,
    BucketMissing,
    BucketRole,
    FileStorage,
    ObjectRef,
    StorageError,
    StoredObject,
)

PREFIX = f"{BucketRole.TEMP}/results/"
KEPT = timedelta(days=1)
"""How long a result can be downloaded at least; its link lives shorter."""
STAMP = "%Y%m%dT%H%M%SZ"
OWNER = 12
"""Hexadecimal digits of a person's id that stand in a key, to know their own results by."""
MEDIA_TYPES = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}

_log = structlog.get_logger("catalog")


@dataclass(frozen=True)
class Results:
    """Puts results into the store that takes new files now, and takes old ones out of both."""

    storages: Storages

    def put(self, path: Path, *, owner_id: uuid.UUID, form: str, file_name: str, life: timedelta, most: int) -> str:
        """A link to the stored result, which is saved under `file_name`. Of a person's older results those go that
        would be more than `most` bytes together with it. Raises the store's errors."""
        storage = self.storages.primary
        mine = f"{owner_id.hex[:OWNER]}-"
        self._make_room(storage, mine, most - path.stat().st_size)
        ref = ObjectRef(BucketRole.TEMP, f"{PREFIX}{utc_now():{STAMP}}-{mine}{uuid.uuid4()}")
        with path.open("rb") as data:
            storage.upload_file(ref, data, path.stat().st_size, MEDIA_TYPES[form])
        return storage.get_presigned_url(ref, life, file_name)

    def sweep(self, kept: timedelta = KEPT) -> int:
        """Drop what is older, in every store that is used; says how many. Never raises."""
        return sum(self._sweep(self.storages.of(backend), kept) for backend in self._used())

    def old(self, kept: timedelta, *, now: datetime) -> Iterator[tuple[FileStorage, StoredObject]]:
        """What is older, and where it lies. Raises the store's errors."""
        for backend in sorted(self._used()):
            storage = self.storages.of(backend)
            yield from ((storage, stored) for stored in _old(storage, now - kept))

    @staticmethod
    def _make_room(storage: FileStorage, mine: str, room: int) -> None:
        held = [
            one for one in storage.list_files(BucketRole.TEMP, PREFIX) if one.ref.key.partition("-")[2].startswith(mine)
        ]
        for one in sorted(held, key=lambda stored: stored.ref.key, reverse=True):
            room -= one.size
            if room < 0:
                storage.delete_file(one.ref)

    def _used(self) -> set[Backend]:
        return {Backend.LOCAL, self.storages.state.configured}

    @staticmethod
    def _sweep(storage: FileStorage, kept: timedelta) -> int:
        gone = 0
        try:
            for stored in list(_old(storage, utc_now() - kept)):
                gone += storage.delete_file(stored.ref)
        except StorageError as error:
            _log.warning("results left for the next sweep", backend=str(storage.backend), error=str(error))
        return gone


def clear(folder: Path) -> None:
    """Drop what apps that were killed left half-written in the folder; others may be writing there now."""
    oldest = (utc_now() - KEPT).timestamp()
    for path in folder.glob("*"):
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            continue


def _old(storage: FileStorage, before: datetime) -> Iterator[StoredObject]:
    try:
        for stored in storage.list_files(BucketRole.TEMP, PREFIX):
            made = _made_at(stored.ref.key)
            if made is not None and made < before:
                yield stored
    except BucketMissing:
        # Nothing was ever put there.
        return


def _made_at(key: str) -> datetime | None:
    try:
        return datetime.strptime(key.removeprefix(PREFIX).partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
