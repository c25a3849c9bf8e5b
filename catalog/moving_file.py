"""One file on its way to another backend: copied, read back, compared, and only then its row is switched.

Whatever ends it half-way leaves the row as it was and, at the target, at most a whole object under the file's own key
that no row names. The next run finds that object, reads it back, and takes it where it is the file.
"""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from sqlmodel import Session, col, delete, select

from catalog.digests import still_to_be_compared
from catalog.events import EventKind, record
from catalog.metered import BLOCK_BYTES, BackendFailed, MeteredStream, Throttle
from catalog.moving_report import PLACES
from catalog.removal import ref_of
from db import Database, DatabaseUnavailable
from db.tables import Dataset, File, FileStatus, OldCopy
from db.utc import utc_now
from storage.protocol import (
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    FileStorage,
    ObjectRef,
    StorageError,
    StoredObject,
    WrongLength,
)

MOVABLE = (FileStatus.READY, FileStatus.TRASHED)
"""What is moved: everything that can be served, now or once it is put back."""
DATABASE_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15))


class Moved(Enum):
    """How a file came to its new place."""

    SENT = "sent"
    FOUND = "found"
    """It lay there already, whole and right."""


class SourceDiffers(Exception):
    """What the source holds is not what the catalogue knows of the file; the message is a sentence."""


class TargetDiffers(Exception):
    """What was read back is not what was sent; it is gone again. The message is a sentence."""


class FileChanged(Exception):
    """The file was deleted or changed while it was copied; what was copied is gone again."""


@dataclass(frozen=True)
class FileMove:
    """Moves one file at a time; threads may share it. `on_bytes` hears of bytes copied and of bytes read back."""

    database: Database
    source: FileStorage
    target: FileStorage
    sending: Throttle
    reading: Throttle
    stop: threading.Event
    on_sent: Callable[[int], None]
    """Bytes that travelled to the target."""

    def move(self, file: File, on_bytes: Callable[[int], None]) -> Moved:
        """Raises BackendFailed, SourceDiffers, TargetDiffers, FileChanged, DatabaseUnavailable, Stopped."""
        goal = ObjectRef(BucketRole(file.role), file.key, self.target.bucket_for(BucketRole(file.role)))
        found = self._found(file, goal, on_bytes)
        stored, sha256 = found or self._sent(file, goal, on_bytes)
        with self._at(self.target):
            # What the row is about to name must be what was read back: a check of the whole store may have taken an
            # object away that no row named yet.
            now = self.target.stat_file(goal)
        if (now.size, now.etag) != (stored.size, stored.etag):
            raise TargetDiffers("The copy was replaced while it was being checked.")
        self._switch(file, goal, stored, sha256)
        return Moved.FOUND if found else Moved.SENT

    def _found(self, file: File, goal: ObjectRef, on_bytes: Callable[[int], None]) -> tuple[StoredObject, str] | None:
        """What a run before this one left at the target, where it is the file to the last byte."""
        with self._at(self.target):
            try:
                stored = self.target.stat_file(goal)
            except BucketMissing:
                raise
            except FileNotInStorage:
                return None
        if stored.size != file.size:
            return None
        sha256 = self._read(self.target, goal, self.reading, on_bytes)
        if file.sha256 is None:
            right = self._read(self.source, ref_of(file), self.sending, on_bytes)
        else:
            right = file.sha256
            on_bytes(stored.size)
        if sha256 == right:
            return stored, sha256
        on_bytes(-2 * stored.size)
        return None

    def _sent(self, file: File, goal: ObjectRef, on_bytes: Callable[[int], None]) -> tuple[StoredObject, str]:
        origin = ref_of(file)
        with self._at(self.source):
            size = self.source.stat_file(origin).size
        if size != file.size:
            raise SourceDiffers(
                f"{PLACES[self.source.backend].capitalize()} has {size:,} bytes of it, the catalogue knows of "
                f"{file.size:,}."
            )

        def sent(count: int) -> None:
            on_bytes(count)
            self.on_sent(count)

        with self._at(self.source), self.source.get_file(origin) as stream:
            metered = MeteredStream(stream, self.source.backend, self.sending, sent)
            with self._at(self.target):
                buffered = io.BufferedReader(metered, BLOCK_BYTES)
                stored = self.target.upload_file(goal, buffered, file.size, file.media_type)
        if file.sha256 not in (None, metered.sha256):
            self.target.delete_file(goal)
            raise SourceDiffers(
                f"What {PLACES[self.source.backend]} holds has another SHA-256 than the catalogue knows "
                f"({metered.sha256[:12]}…, not {str(file.sha256)[:12]}…)."
            )
        read_back = self._read(self.target, goal, self.reading, on_bytes)
        if read_back != metered.sha256:
            self.target.delete_file(goal)
            raise TargetDiffers(
                f"What {PLACES[self.target.backend]} gave back has another SHA-256 than what was sent "
                f"({read_back[:12]}…, not {metered.sha256[:12]}…)."
            )
        return stored, read_back

    def _read(self, storage: FileStorage, ref: ObjectRef, throttle: Throttle, on_bytes: Callable[[int], None]) -> str:
        """The SHA-256 of an object, every byte of it read from where it lies."""
        with self._at(storage), storage.get_file(ref) as stream:
            metered = MeteredStream(stream, storage.backend, throttle, on_bytes)
            while metered.take():
                pass
        return metered.sha256

    def _switch(self, file: File, goal: ObjectRef, stored: StoredObject, sha256: str) -> None:
        for pause in (*DATABASE_PAUSES, None):
            try:
                with self.database.transaction() as session:
                    if self._switched(session, file, goal, stored, sha256):
                        return
                    named = _is_named(session, self.target.backend, stored)
                break
            except DatabaseUnavailable:
                # Doing it twice does no harm: a row that was switched is found so.
                if pause is None or self.stop.wait(pause.total_seconds()):
                    raise
        if not named:
            self.target.delete_file(goal)
        raise FileChanged

    def _switched(self, session: Session, file: File, goal: ObjectRef, stored: StoredObject, sha256: str) -> bool:
        """True: the row names the new place, now or since an attempt whose answer was lost."""
        row = _locked(session, file.id)
        if row is None or row.status not in MOVABLE or row.size != stored.size:
            return False
        new_place = (self.target.backend, stored.bucket, goal.key)
        if (row.backend, row.bucket, row.key) == new_place:
            return True
        if (row.backend, row.bucket, row.key) != (file.backend, file.bucket, file.key):
            return False
        if row.sha256 not in (None, sha256):
            return False
        _forget_old_copy(session, *new_place)
        session.add(
            OldCopy(file_id=row.id, backend=row.backend, bucket=row.bucket, role=row.role, key=row.key, size=row.size)
        )
        record(
            session,
            EventKind.FILE_MOVED,
            dataset_id=row.dataset_id,
            file_id=row.id,
            detail={
                "file_name": row.file_name,
                "version": row.version,
                "size": row.size,
                "from": row.backend,
                "to": self.target.backend.value,
            },
        )
        row.backend, row.bucket, row.etag = self.target.backend, stored.bucket, stored.etag
        if not still_to_be_compared(session, row):
            row.sha256_verified, row.verified_at = True, utc_now()
        row.sha256 = sha256
        return True

    @contextmanager
    def _at(self, storage: FileStorage) -> Iterator[None]:
        """Say which end it was that failed."""
        try:
            yield
        except WrongLength as error:
            raise SourceDiffers(f"The file changed while it was read: {error}.") from error
        except StorageError as error:
            raise BackendFailed(storage.backend, error) from error


def _locked(session: Session, file_id: uuid.UUID) -> File | None:
    # The dataset's lock comes first, as everywhere.
    dataset_id = session.exec(select(File.dataset_id).where(File.id == file_id)).first()
    if dataset_id is None:
        return None
    session.exec(select(Dataset.id).where(Dataset.id == dataset_id).with_for_update()).first()
    return session.exec(select(File).where(File.id == file_id)).first()


def _forget_old_copy(session: Session, backend: str, bucket: str, key: str) -> None:
    # Moved back: what was an old copy is the file again.
    session.exec(
        delete(OldCopy).where(col(OldCopy.backend) == backend, col(OldCopy.bucket) == bucket, col(OldCopy.key) == key)
    )


def _is_named(session: Session, backend: str, stored: StoredObject) -> bool:
    """Whether a row of any kind stands for the object."""
    place = (File.backend == backend, File.bucket == stored.bucket, File.key == stored.ref.key)
    copy = (OldCopy.backend == backend, OldCopy.bucket == stored.bucket, OldCopy.key == stored.ref.key)
    return (
        session.exec(select(File.id).where(*place, File.status != FileStatus.DELETED)).first() is not None
        or session.exec(select(OldCopy.id).where(*copy)).first() is not None
    )
