"""A second look at each suspect, and the repair of what is truly wrong.

Whoever works on the shelf meanwhile loses nothing: every repair looks at row and object again, changes a row under its
dataset's lock and only where it still is what it was, and removes no object that is younger than the given age. So two
that repair at the same moment do each other no harm. The length is that of the kinds of damage: one repair for each.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select

from catalog.caller import Caller
from catalog.completion import CHUNK, LARGEST_CHECKED, Completion
from catalog.damage import Checked, Damage, Finding
from catalog.errors import Invalid, NotFound
from catalog.events import EventKind, record
from catalog.inventory import Suspect
from catalog.knowledge import fail
from catalog.leases import Leases
from catalog.moving_lock import LEASE as MOVE
from catalog.removal import Removal, ref_of
from catalog.scrub import GONE, Outcome, Scrub
from catalog.sweep import Sweep
from db import Database
from db.tables import Dataset, File, FileStatus, OldCopy, Upload
from storage import Storages
from storage.protocol import Backend, FileNotInStorage, FileStorage, StoredObject, UploadNotFound

SERVED = (FileStatus.READY, FileStatus.FAILED, FileStatus.TRASHED)


def _ignore(_file_id: uuid.UUID) -> None:
    """Nobody wants to know."""


def _say_nothing() -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Repairs:
    """`look` tells what is wrong, and repairs it where `mends` has its kind.

    `before`: objects and uploads touched since are never removed. `rests_since`: uploads touched since are gone on
    with. `finish_young`: whether an upload that was cut off after `before` is finished already, which removes nothing.
    """

    database: Database
    storages: Storages
    before: datetime
    rests_since: datetime
    mends: frozenset[Damage]
    checked: Checked
    finish_young: bool = True
    on_ready: Callable[[uuid.UUID], None] = _ignore
    on_progress: Callable[[], None] = _say_nothing

    def look(self, suspect: Suspect) -> Finding | None:
        """None where all is well by now, or where it is too young to be judged.

        Raises the store's errors; DatabaseUnavailable.
        """
        act: dict[Damage, Callable[[Suspect], Finding | None]] = {
            Damage.LOST: self._lost,
            Damage.SIZE_DIFFERS: self._size_differs,
            Damage.COMPLETION_CUT_OFF: self._completion_cut_off,
            Damage.UPLOAD_GONE: self._upload_gone,
            Damage.UPLOAD_RESTING: self._upload_resting,
            Damage.REMOVAL_CUT_OFF: self._removal_cut_off,
            Damage.ORPHAN: self._orphan,
            Damage.STALE_UPLOAD: self._stale_upload,
            Damage.UNKNOWN_OBJECT: self._orphan,
            Damage.UNKNOWN_UPLOAD: self._stale_upload,
            Damage.OLD_COPY_GONE: self._old_copy_gone,
        }
        return act[suspect.kind](suspect)

    def is_lost(self, suspect: Suspect) -> bool:
        """Whether the object of a file that is not known to have failed is truly not there."""
        file = self._file(suspect)
        return file is not None and file.status in SERVED and file.failure is None and self._stat(suspect) is None

    def read(self, file: File) -> Finding | None:
        """Read every byte of a ready or failed file and hold it against all that is known of it, as the scrub does."""
        failed = file.status == FileStatus.FAILED
        kind = Damage.RIGHT_AGAIN if failed else Damage.CHECKSUM_DIFFERS
        scrub = Scrub(self.database, self.storages, timedelta(0), share=1.0)
        outcome = scrub.check(file.id, pace=self.on_progress, note=kind in self.mends)
        if outcome is Outcome.MISSING:
            # The light form of the check tells of it.
            return None
        self.checked.files_read += 1
        self.checked.bytes_read += file.size
        if outcome is not (Outcome.RIGHT if failed else Outcome.WRONG):
            return None
        where = f"{file.backend}:{file.bucket}/{file.key}"
        return Finding(kind, where, file.file_name, file.size, str(file.id), repaired=kind in self.mends)

    def _lost(self, suspect: Suspect) -> Finding | None:
        file = self._file(suspect)
        if file is None or not self.is_lost(suspect):
            return None
        found = Finding(Damage.LOST, suspect.where, file.file_name, file.size, str(file.id))
        # By this sentence the scrub knows the files to look for again, in case somebody puts them back.
        return self._marked(found, file, GONE)

    def _size_differs(self, suspect: Suspect) -> Finding | None:
        file, stored = self._file(suspect), self._stat(suspect)
        if file is None or file.status not in SERVED or file.failure is not None:
            return None
        if stored is None or stored.size == file.size:
            return None
        detail = f"{file.file_name}: {stored.size:,} bytes in the store, {file.size:,} in the catalogue"
        found = Finding(Damage.SIZE_DIFFERS, suspect.where, detail, file.size, str(file.id))
        said = f"The stored file has {stored.size:,} bytes where {file.size:,} were sent"
        return self._marked(found, file, f"{said}, so this version is not served; upload the file again.")

    def _completion_cut_off(self, suspect: Suspect) -> Finding | None:
        both, stored = self._upload(suspect), self._stat(suspect)
        if both is None or stored is None:
            return None
        file, upload = both
        old = stored.modified_at is not None and max(stored.modified_at, upload.touched_at) < self.before
        if not old and (not self.finish_young or not self._is_good(file, stored)):
            # What would be refused is removed with its bytes, and those are too young for that.
            self.checked.young += 1
            return None
        kind = Damage.COMPLETION_CUT_OFF
        found = Finding(kind, suspect.where, file.file_name, file.size, str(file.id))
        if kind not in self.mends:
            return found
        removal = Removal(self.database, self.storages)
        completion = Completion(self.database, self.storages, removal, self.on_ready)
        try:
            completion.shelve(Caller(file.owner_id, ""), upload, file)
        except Invalid as error:
            return replace(found, detail=f"{file.file_name}: given up. {error}", repaired=True)
        except (NotFound, FileNotInStorage):
            # Completed, cancelled or deleted by its owner in this moment.
            return None
        return replace(found, repaired=True)

    def _upload_gone(self, suspect: Suspect) -> Finding | None:
        both = self._upload(suspect)
        if both is None or self._stat(suspect) is not None:
            return None
        file, upload = both
        if upload.store_upload_id is not None:
            try:
                self.storages.of(Backend(file.backend)).list_parts(ref_of(file), upload.store_upload_id)
            except UploadNotFound:
                pass
            else:
                return None
        if upload.touched_at >= self.before:
            self.checked.young += 1
            return None
        return self._given_up(Finding(suspect.kind, suspect.where, file.file_name, 0, str(file.id)), file)

    def _upload_resting(self, suspect: Suspect) -> Finding | None:
        both = self._upload(suspect)
        if both is None or both[1].touched_at >= self.rests_since or self._stat(suspect) is not None:
            return None
        file = both[0]
        return self._given_up(Finding(suspect.kind, suspect.where, file.file_name, 0, str(file.id)), file)

    def _given_up(self, found: Finding, file: File) -> Finding | None:
        if found.kind not in self.mends:
            return found
        touched_before = max(self.before, self.rests_since)
        if not Sweep(self.database, self.storages).give_up(file, touched_before=touched_before):
            return None
        Removal(self.database, self.storages).remove([file.id])
        return replace(found, repaired=True)

    def _removal_cut_off(self, suspect: Suspect) -> Finding | None:
        file = self._file(suspect)
        if file is None or file.status != FileStatus.DELETED:
            return None
        stored = self._stat(suspect)
        found = Finding(
            Damage.REMOVAL_CUT_OFF, suspect.where, file.file_name, stored.size if stored else 0, str(file.id)
        )
        if found.kind in self.mends:
            # Somebody asked for it: that is not a matter of age.
            Removal(self.database, self.storages).remove([file.id])
        return replace(found, repaired=self._file(suspect) is None)

    def _orphan(self, suspect: Suspect) -> Finding | None:
        stored = self._stat(suspect)
        # A move that goes on finds what an earlier one left at its goal, under the file's own key.
        moving = self._is_moving()
        if stored is None or self._known(suspect):
            return None
        if moving or stored.modified_at is None or stored.modified_at >= self.before:
            self.checked.young += 1
            return None
        detail = f"stored {stored.modified_at:%Y-%m-%d %H:%M} UTC"
        found = Finding(suspect.kind, suspect.where, detail, stored.size)
        if found.kind not in self.mends:
            return found
        return replace(found, repaired=self._storage(suspect).delete_file(suspect.ref))

    def _stale_upload(self, suspect: Suspect) -> Finding | None:
        if self._is_moving():
            # What a move sends to its goal goes by an upload of its own, and may take longer than a day.
            self.checked.young += 1
            return None
        query = select(File.status, Upload.store_upload_id).outerjoin(Upload, col(Upload.file_id) == File.id)
        with self.database.session() as session:
            row = session.exec(query.where(*_at(suspect))).first()
        if row is not None:
            status, store_id = row
            # One whose id was never noted is the row's own; so is every one of a row that is being removed.
            if status == FileStatus.DELETED or (status == FileStatus.PENDING and store_id in (None, suspect.ref_id)):
                return None
        try:
            self._storage(suspect).list_parts(suspect.ref, suspect.ref_id)
        except UploadNotFound:
            return None
        found = Finding(suspect.kind, suspect.where, f"upload {suspect.ref_id}")
        if found.kind not in self.mends:
            return found
        self._storage(suspect).abort_multipart(suspect.ref, suspect.ref_id)
        return replace(found, repaired=True)

    def _old_copy_gone(self, suspect: Suspect) -> Finding | None:
        if self._stat(suspect) is not None:
            return None
        one = col(OldCopy.id) == uuid.UUID(suspect.ref_id)
        with self.database.session() as session:
            copy = session.exec(select(OldCopy).where(one)).first()
        if copy is None:
            return None
        found = Finding(Damage.OLD_COPY_GONE, suspect.where, "", copy.size, str(copy.file_id))
        if found.kind not in self.mends:
            return found
        with self.database.transaction() as session:
            session.exec(delete(OldCopy).where(one))
        return replace(found, repaired=True)

    def _marked(self, found: Finding, file: File, sentence: str) -> Finding | None:
        """Mark the file failed, where it still is what it was; one in the trash is failed when it comes back."""
        if found.kind not in self.mends:
            return found
        with self.database.transaction() as session:
            # The dataset's lock comes first, as everywhere.
            locked = select(Dataset).where(Dataset.id == file.dataset_id).with_for_update()
            dataset = session.exec(locked).first()
            now = session.exec(select(File).where(File.id == file.id)).first()
            same = now is not None and (now.backend, now.bucket, now.key) == (file.backend, file.bucket, file.key)
            if dataset is None or now is None or not same or now.status not in SERVED or now.failure is not None:
                return None
            reason = {"found": found.kind.value}
            if now.status == FileStatus.READY:
                fail(session, dataset, now, sentence, reason)
            else:
                now.failure = sentence
                record(session, EventKind.FILE_FAILED, dataset_id=dataset.id, file_id=file.id, detail=reason)
        return replace(found, repaired=True)

    def _is_good(self, file: File, stored: StoredObject) -> bool:
        """Whether completing would take it: it checks the SHA-256 itself only where that does not take long."""
        if stored.size != file.size:
            return False
        at_once = file.backend == Backend.LOCAL and file.size <= LARGEST_CHECKED
        if file.sha256 is None or not at_once:
            return True
        return self._sha256(self.storages.local, file) == file.sha256

    def _sha256(self, storage: FileStorage, file: File) -> str:
        digest = hashlib.sha256()
        with storage.get_file(ref_of(file)) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                self.on_progress()
        return digest.hexdigest()

    def _storage(self, suspect: Suspect) -> FileStorage:
        return self.storages.of(Backend(suspect.backend))

    def _stat(self, suspect: Suspect) -> StoredObject | None:
        """None where the object is not there; a missing bucket raises BucketMissing."""
        if not self._storage(suspect).file_exists(suspect.ref):
            return None
        try:
            return self._storage(suspect).stat_file(suspect.ref)
        except FileNotInStorage:
            return None

    def _file(self, suspect: Suspect) -> File | None:
        """The row as it is now, where it still lies at this place."""
        with self.database.session() as session:
            return session.exec(select(File).where(*_at(suspect))).first()

    def _upload(self, suspect: Suspect) -> tuple[File, Upload] | None:
        """A pending file and its upload, still under way."""
        query = select(File, Upload).join(Upload, col(Upload.file_id) == File.id)
        pending = query.where(File.status == FileStatus.PENDING, col(Upload.completed_at).is_(None))
        with self.database.session() as session:
            found = session.exec(pending.where(*_at(suspect))).first()
        return None if found is None else (found[0], found[1])

    def _is_moving(self) -> bool:
        return MOVE in Leases(self.database).held()

    def _known(self, suspect: Suspect) -> bool:
        copies = (OldCopy.backend == suspect.backend, OldCopy.bucket == suspect.bucket, OldCopy.key == suspect.key)
        with self.database.session() as session:
            if session.exec(select(File.id).where(*_at(suspect))).first() is not None:
                return True
            return session.exec(select(OldCopy.id).where(*copies)).first() is not None


def _at(suspect: Suspect) -> tuple[bool, bool, bool]:
    return File.backend == suspect.backend, File.bucket == suspect.bucket, File.key == suspect.key
