"""The last step of a file's way in: the bytes are checked against the store, and only then the file is ready.

Whatever happens half-way, completing again goes on from there: the store's part of it gives the same object each time,
and of two that arrive at once one makes the version and both give the same answer.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.access import Need, find_dataset, find_file, find_upload, no_such_upload
from catalog.caller import Caller
from catalog.digests import Digests
from catalog.errors import (
    ChecksumMismatch,
    DatasetNotFound,
    InvalidChecksum,
    NotAllowed,
    PartMismatch,
    PartsMissing,
    ReadOnly,
    SizeMismatch,
)
from catalog.events import EventKind, record
from catalog.intake import clean_sha256
from catalog.metrics import UPLOADED_BYTES, UPLOADS
from catalog.parts import ClientPart, chosen_parts, part_count
from catalog.removal import Removal, ref_of
from catalog.request_places import give_place_back
from catalog.verdicts import Reading, cutting, wrong_with
from catalog.views import DatasetDetail, dataset_detail
from db import Database
from db.tables import File, FileStatus, Upload
from db.utc import utc_now
from preview.hashing import Hashed
from storage import Storages
from storage.protocol import (
    Backend,
    BucketMissing,
    FileNotInStorage,
    FileStorage,
    PartRejected,
    StoredObject,
)
from storage.protocol import UploadNotFound as NotUnderWay

LARGEST_CHECKED = 256_000_000
"""Bytes of a file on local disk whose SHA-256 is checked before the answer (about half a second)."""
CHUNK = 1024**2


@dataclass(frozen=True)
class Completion:
    """Makes a pending file ready."""

    database: Database
    storages: Storages
    removal: Removal
    on_ready: Callable[[uuid.UUID], None]

    def complete(
        self, caller: Caller, upload_id: uuid.UUID, named: Sequence[ClientPart], *, sha256: str | None = None
    ) -> DatasetDetail:
        """Join the parts and put the file on the shelf; completing again gives the same answer.

        The digests that come with the parts, and `sha256` of the whole, are kept for the background reader, which holds
        them against the stored bytes. PartsMissing, PartMismatch, SizeMismatch and InvalidChecksum (ill-formed, or not
        the one announced) leave the upload open. ChecksumMismatch undoes it: parts that were
        joined cannot be sent again, so the client starts anew. Raises UploadNotFound, and the store's errors, after
        which completing again goes on.
        """
        with self.database.session() as session:
            upload, file = find_upload(session, caller, upload_id)
        digests = Digests.told(named, size=file.size, part_size=upload.part_size)
        if upload.completed_at is not None:
            return self._again(caller, file.id, digests)
        if upload.store_upload_id is None:
            raise no_such_upload()
        file.sha256 = _whole(file, upload, named, sha256)
        storage = self.storages.of(Backend(file.backend))
        try:
            received = storage.list_parts(ref_of(file), upload.store_upload_id)
            parts = chosen_parts(named, received, size=file.size, part_size=upload.part_size)
            storage.complete_multipart(ref_of(file), upload.store_upload_id, parts)
        except NotUnderWay:
            detail = self._joined_already(caller, upload_id, file, storage)
            if detail is not None:
                return detail
        except (PartRejected, PartsMissing, PartMismatch) as error:
            # A store may answer so to the slower of two that complete at once.
            for pause in (0.1, 0.4):
                time.sleep(pause)
                with self.database.session() as session:
                    upload, now = find_upload(session, caller, upload_id)
                    if upload.completed_at is not None:
                        return _detail(session, caller, now)
            # An object under this key is the parts, joined: whoever joined them has only not said so yet.
            if not storage.file_exists(ref_of(file)):
                if not isinstance(error, PartRejected):
                    raise
                raise PartMismatch("A part changed while the upload was being completed. Send it again.") from error
        return self.shelve(caller, upload, file, digests=digests)

    def shelve(self, caller: Caller, upload: Upload, file: File, *, digests: Digests | None = None) -> DatasetDetail:
        """Check the stored object and make the file ready, with what the client told of its parts.

        Raises SizeMismatch, ChecksumMismatch, UploadNotFound.
        """
        storage = self.storages.of(Backend(file.backend))
        try:
            stored = storage.stat_file(ref_of(file))
            verified = stored.size == file.size and self._check_checksum(caller, file, storage, digests)
        except FileNotInStorage:
            # Cancelled in this moment, unless the store lost it.
            with self.database.session() as session:
                find_upload(session, caller, upload.id)
            raise
        if stored.size != file.size:
            self._undo(caller, file, "size")
            raise SizeMismatch(
                f"The store has {stored.size:,} bytes where {file.size:,} were announced. "
                "Nothing was kept; upload the file again."
            )
        with self.database.transaction() as session:
            made = self._make_ready(session, caller, upload, file, stored, verified=verified)
            if made and digests is not None:
                digests.keep(session, file.id)
            detail = _detail(session, caller, file) if made is not None else None
        if detail is None:
            # The object may have come into being after whoever cancelled looked for it; nothing else has its key.
            storage.delete_file(ref_of(file))
            self.removal.remove([file.id])
            raise no_such_upload()
        if made:
            UPLOADS.labels("completed").inc()
            UPLOADED_BYTES.labels(file.backend).inc(file.size)
            self.on_ready(file.id)
        return detail

    def _again(self, caller: Caller, file_id: uuid.UUID, digests: Digests | None) -> DatasetDetail:
        """The answer to whoever completes what is complete. Where a repair did that after a crash it had no digests:
        those that come now are kept for the reader, unless something is known of the file by now.
        """
        with self.database.transaction() as session:
            file = find_file(session, caller, file_id)
            if digests is not None and file.sha256 is None and Digests.kept(session, file_id) is None:
                digests.keep(session, file_id)
            return _detail(session, caller, file)

    def _joined_already(
        self, caller: Caller, upload_id: uuid.UUID, file: File, storage: FileStorage
    ) -> DatasetDetail | None:
        """What to answer where the store knows the upload no more: another request completed it, or a crash cut us off.

        None: the object is there, and its row is still to be made ready. Raises UploadNotFound where there is neither.
        """
        for pause in (0.0, 0.1, 0.4):
            time.sleep(pause)
            with self.database.session() as session:
                upload, now = find_upload(session, caller, upload_id)
                if upload.completed_at is not None:
                    return _detail(session, caller, now)
            try:
                storage.stat_file(ref_of(file))
            except BucketMissing:
                raise
            except FileNotInStorage:
                continue
            return None
        raise no_such_upload()

    def _make_ready(
        self, session: Session, caller: Caller, upload: Upload, file: File, stored: StoredObject, *, verified: bool
    ) -> bool | None:
        """True: this call made the version; False: another did; None: the upload was cancelled meanwhile, or the
        dataset is no longer the caller's to change, and the upload is given up.

        Raises UploadNotFound where it was made and lies in the trash by now, bytes and all.
        """
        assert file.dataset_id is not None
        try:
            dataset = find_dataset(session, caller, file.dataset_id, need=Need.EDIT, lock=True)
        except (DatasetNotFound, NotAllowed, ReadOnly):
            if _is_made(session, file):
                return False
            # For whoever owns it at this moment, since it may just have been handed over.
            owner_id = session.exec(select(File.owner_id).where(File.id == file.id)).first()
            if owner_id is not None:
                mark_deleted(session, Caller(owner_id, ""), file)
            return None
        now = utc_now()
        pending = update(File).where(col(File.id) == file.id, col(File.status) == FileStatus.PENDING)
        done: CursorResult[tuple[()]] = session.execute(  # type: ignore[assignment]  # an UPDATE gives a CursorResult
            pending.values(
                status=FileStatus.READY,
                version=dataset.last_version + 1,
                etag=stored.etag,
                sha256=file.sha256,
                sha256_verified=verified,
                verified_at=now if verified else None,
                created_at=now,
            )
        )
        if done.rowcount == 0:
            return False if _is_made(session, file) else None
        dataset.last_version += 1
        session.execute(update(Upload).where(col(Upload.id) == upload.id).values(completed_at=now, touched_at=now))
        shelf.refresh(session, dataset, updated_at=now)
        record(
            session,
            EventKind.UPLOAD_COMPLETED,
            # The app, finishing what a crash cut off, does it for who began it.
            user_id=caller.user_id if caller.name else upload.owner_id,
            dataset_id=dataset.id,
            file_id=file.id,
            detail={"file_name": file.file_name, "size": file.size, "version": dataset.last_version},
        )
        return True

    def _check_checksum(self, caller: Caller, file: File, storage: FileStorage, digests: Digests | None) -> bool:
        """Whether every byte was held against what the client told, of the whole or of every part; the file's SHA-256
        is known then. Where reading would take long, the background reader does it.
        """
        if file.sha256 is None and digests is None:
            return False
        if storage.backend is not Backend.LOCAL or file.size > LARGEST_CHECKED:
            return False
        told = digests or Digests.none(file.size, max(file.size, 1))
        with storage.get_file(ref_of(file)) as stream:
            hashed = Hashed(stream, cutting(file, told))
            while hashed.read(CHUNK):
                pass
            reading = Reading.made(hashed.hexdigest(), hashed.size, hashed.parts(), told.part_size)
        if wrong_with(file, told, reading) is None:
            if told.complete:
                file.sha256 = reading.sha256
            return file.sha256 is not None
        self._undo(caller, file, "sha256")
        raise ChecksumMismatch(
            "What arrived is not what was announced: its SHA-256 differs. Nothing was kept; upload the file again."
        )

    def _undo(self, caller: Caller, file: File, reason: str) -> None:
        with self.database.transaction() as session:
            undone = mark_deleted(session, caller, file)
            if undone:
                detail = {"file_name": file.file_name, "reason": reason}
                record(
                    session,
                    EventKind.FILE_FAILED,
                    user_id=caller.user_id,
                    dataset_id=file.dataset_id,
                    file_id=file.id,
                    detail=detail,
                )
        if undone:
            UPLOADS.labels("failed").inc()
            self.removal.remove([file.id])


def mark_deleted(session: Session, caller: Caller, file: File) -> bool:
    """Give up a pending file, and its dataset where nothing else is in it; False where it is pending no more."""
    assert file.dataset_id is not None
    try:
        dataset = find_dataset(session, caller, file.dataset_id, need=Need.EDIT, lock=True)
    except (DatasetNotFound, NotAllowed, ReadOnly):
        return False
    pending = update(File).where(col(File.id) == file.id, col(File.status) == FileStatus.PENDING)
    done: CursorResult[tuple[()]] = session.execute(pending.values(status=FileStatus.DELETED))  # type: ignore[assignment]
    if done.rowcount == 0:
        return False
    shelf.remove_if_empty(session, dataset)
    give_place_back(session, file.id)
    return True


def _is_made(session: Session, file: File) -> bool:
    """Whether somebody made the version. Raises UploadNotFound for one in the trash, whose bytes nobody may remove."""
    status = session.exec(select(File.status).where(File.id == file.id)).first()
    if status == FileStatus.TRASHED:
        raise no_such_upload()
    return status in (FileStatus.READY, FileStatus.FAILED)


def _whole(file: File, upload: Upload, named: Sequence[ClientPart], told: str | None) -> str | None:
    """SHA-256 of the whole, as far as the client told it. Raises InvalidChecksum."""
    only = named[0].sha256 if len(named) == 1 and part_count(file.size, upload.part_size) == 1 else None
    # The only part is the file.
    known = [clean_sha256(one) for one in (file.sha256, told, only) if one is not None]
    if len(set(known)) > 1:
        raise InvalidChecksum(
            "Two different checksums were given for this file. Nothing was changed; complete it with the right one."
        )
    return known[0] if known else None


def _detail(session: Session, caller: Caller, file: File) -> DatasetDetail:
    if file.dataset_id is None:
        raise no_such_upload()
    return dataset_detail(session, caller, find_dataset(session, caller, file.dataset_id))
