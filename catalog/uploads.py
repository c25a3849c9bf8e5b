"""A file's way in: announced, sent to the store by the client itself, completed or given up.

The order that loses nothing: row `pending` → bytes → check against the store → row `ready`. Where a step fails, what is
left is either an upload that can go on or a row that says what is to be removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Literal, NamedTuple

from sqlalchemy import update
from sqlmodel import col, select

from catalog.access import changes_dataset, find_upload, no_such_upload
from catalog.caller import Caller
from catalog.completion import Completion, mark_deleted
from catalog.errors import NotThroughApp, PartMismatch
from catalog.events import EventKind, record
from catalog.intake import Announced, NewUpload, add_rows, check
from catalog.metrics import UPLOADS
from catalog.parts import ClientPart, each_part, part_count, part_length
from catalog.removal import Removal, ref_of
from catalog.views import DatasetDetail
from db import Database
from db.tables import Dataset, File, FileStatus, Upload
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend, FileStorage, Part

FIRST_PARTS = 100
"""How many part links the answer to `start` holds."""
MOST_PARTS_SIGNED = 1000
"""How many part links one call signs."""
Way = Literal["direct", "app"]
"""Of a part's bytes: straight to the store, or through the app."""


class PartUrl(NamedTuple):
    """A link that takes one part by PUT."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """What a client needs to send a file. Part n is bytes [(n−1)·part_size, n·part_size); links die at `expires_at`."""

    upload_id: uuid.UUID
    file_id: uuid.UUID
    dataset_id: uuid.UUID
    part_size: int
    part_count: int
    parts: tuple[PartUrl, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class UploadSummary:
    """An upload under way. `via_app`: whether its parts may be sent through the app instead."""

    upload_id: uuid.UUID
    file_id: uuid.UUID
    dataset_id: uuid.UUID
    dataset_name: str
    file_name: str
    size: int
    part_size: int
    part_count: int
    created_at: datetime
    modified_at: datetime | None
    folder: str
    head_sha256: str | None
    tail_sha256: str | None
    via_app: bool


@dataclass(frozen=True, slots=True)
class UploadDetail:
    """The same, with the parts that the store has."""

    summary: UploadSummary
    received: tuple[Part, ...]


def _unmoved() -> None:
    """For who keeps no one ready."""


def _ignore(_file_id: uuid.UUID) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Uploads:
    """Uploads of a caller. `part_url_life` is how long part links live; `on_ready` hears of every ready
    file, `on_start` that one is on its way; `via` is UPLOAD__VIA."""

    database: Database
    storages: Storages
    part_url_life: timedelta
    on_ready: Callable[[uuid.UUID], None] = _ignore
    on_start: Callable[[], None] = _unmoved
    via: Literal["direct", "app", "auto"] = "auto"

    @property
    def removal(self) -> Removal:
        return Removal(self.database, self.storages)

    @property
    def completion(self) -> Completion:
        return Completion(self.database, self.storages, self.removal, self.on_ready)

    def start(self, caller: Caller, new: NewUpload) -> StartedUpload:
        """Announce a file; it goes to the store that takes new files now.

        Raises the Invalid… errors, DatasetNotFound, DatasetNameTaken; the store's errors, and then nothing is left.
        """
        announced, storage = check(new), self.storages.primary
        file, upload = self._open(caller, announced, storage)
        assert file.dataset_id is not None
        try:
            store_id = storage.start_multipart(ref_of(file), file.media_type, upload.part_size)
        except BaseException:
            self._give_up(caller, file, EventKind.UPLOAD_ABORTED)
            raise
        with self.database.transaction() as session:
            row = (
                update(Upload)
                .where(col(Upload.id) == upload.id)
                .values(store_upload_id=store_id)
                .returning(col(Upload.id))
            )
            known = session.execute(row).first() is not None
        if not known:
            # The dataset was deleted in this moment, and the sweep may have been here already.
            storage.abort_multipart(ref_of(file), store_id)
            raise no_such_upload()
        upload.store_upload_id = store_id
        UPLOADS.labels("started").inc()
        self.on_start()
        count = part_count(file.size, upload.part_size)
        first = range(1, min(count, FIRST_PARTS) + 1)
        parts, expires_at = self._sign(storage, file, upload, first, self._way(None))
        return StartedUpload(upload.id, file.id, file.dataset_id, upload.part_size, count, parts, expires_at)

    def put(self, caller: Caller, new: NewUpload, data: BinaryIO) -> DatasetDetail:
        """Take in a file that the app itself has, in the same order, with the same checks. Raises what `start` does."""
        announced, storage = check(new), self.storages.primary
        file, upload = self._open(caller, announced, storage)
        UPLOADS.labels("started").inc()
        try:
            storage.upload_file(ref_of(file), data, file.size, file.media_type)
            return self.completion.shelve(caller, upload, file)
        except BaseException:
            self._give_up(caller, file, EventKind.UPLOAD_ABORTED)
            raise

    def list(self, caller: Caller) -> tuple[UploadSummary, ...]:
        """The caller's uploads under way, newest first, as far as they may still change what they go to."""
        with self.database.session() as session:
            query = (
                select(Upload, File, Dataset.name)
                .join(File, col(Upload.file_id) == File.id)
                .join(Dataset, col(File.dataset_id) == Dataset.id)
                .where(
                    Upload.owner_id == caller.user_id,
                    col(Upload.completed_at).is_(None),
                    col(Upload.request_id).is_(None),
                )
                .where(File.status == FileStatus.PENDING, changes_dataset(caller))
                .order_by(col(Upload.created_at).desc(), col(Upload.id))
            )
            return tuple(self._summary(upload, file, name) for upload, file, name in session.exec(query))

    def get(self, caller: Caller, upload_id: uuid.UUID) -> UploadDetail:
        """An upload under way and what the store has of it. Raises UploadNotFound and the store's errors."""
        file, upload, store_id = self._find_open(caller, upload_id)
        with self.database.session() as session:
            name = session.exec(select(Dataset.name).where(Dataset.id == file.dataset_id)).first()
        if name is None:
            raise no_such_upload()
        received = self.storages.of(Backend(file.backend)).list_parts(ref_of(file), store_id)
        parts = each_part(received, size=file.size, part_size=upload.part_size)
        return UploadDetail(self._summary(upload, file, name), parts)

    def sign_parts(
        self, caller: Caller, upload_id: uuid.UUID, numbers: Sequence[int], *, via: Way | None = None
    ) -> tuple[tuple[PartUrl, ...], datetime]:
        """Fresh links for parts, and when they expire; `via` None: as UPLOAD__VIA says.

        Raises UploadNotFound; PartMismatch for an unknown number; NotThroughApp.
        """
        way = self._way(via)
        file, upload, _ = self._find_open(caller, upload_id)
        count = part_count(file.size, upload.part_size)
        wrong = [number for number in numbers if not 1 <= number <= count]
        if wrong:
            raise PartMismatch(f"Part {wrong[0]} does not belong to this upload, which has {count} in all.")
        if len(numbers) > MOST_PARTS_SIGNED:
            raise PartMismatch(f"{len(numbers):,} links were asked for; {MOST_PARTS_SIGNED:,} is the most in one call.")
        with self.database.transaction() as session:
            session.execute(update(Upload).where(col(Upload.id) == upload.id).values(touched_at=utc_now()))
        return self._sign(self.storages.of(Backend(file.backend)), file, upload, sorted(set(numbers)), way)

    def complete(
        self, caller: Caller, upload_id: uuid.UUID, parts: Sequence[ClientPart], *, sha256: str | None = None
    ) -> DatasetDetail:
        """See `Completion.complete`."""
        return self.completion.complete(caller, upload_id, parts, sha256=sha256)

    def abort(self, caller: Caller, upload_id: uuid.UUID) -> None:
        """Give up an upload under way: no row and no byte is left, and the name of a dataset made for it is free again.

        Where the store is away the bytes are removed later. Raises UploadNotFound, for a completed one too.
        """
        with self.database.session() as session:
            upload, file = find_upload(session, caller, upload_id)
        if upload.completed_at is not None or not self._give_up(caller, file, EventKind.UPLOAD_ABORTED):
            raise no_such_upload()
        UPLOADS.labels("aborted").inc()

    def _open(self, caller: Caller, announced: Announced, storage: FileStorage) -> tuple[File, Upload]:
        with self.database.transaction() as session:
            dataset, file, upload = add_rows(session, caller, announced, storage)
            record(
                session,
                EventKind.UPLOAD_STARTED,
                user_id=caller.user_id,
                dataset_id=dataset.id,
                file_id=file.id,
                detail={"file_name": file.file_name, "size": file.size},
            )
        return file, upload

    def _give_up(self, caller: Caller, file: File, kind: EventKind) -> bool:
        with self.database.transaction() as session:
            if not mark_deleted(session, caller, file):
                return False
            record(
                session,
                kind,
                user_id=caller.user_id,
                dataset_id=file.dataset_id,
                file_id=file.id,
                detail={"file_name": file.file_name, "size": file.size},
            )
        self.removal.remove([file.id])
        return True

    def _find_open(self, caller: Caller, upload_id: uuid.UUID) -> tuple[File, Upload, str]:
        with self.database.session() as session:
            upload, file = find_upload(session, caller, upload_id)
        if upload.completed_at is not None or upload.store_upload_id is None:
            raise no_such_upload()
        return file, upload, upload.store_upload_id

    def _way(self, asked: Way | None) -> Way:
        if asked == "app" and self.via == "direct":
            raise NotThroughApp(
                "This server passes no uploads on to the store: UPLOAD__VIA is direct. Send the parts to the store."
            )
        return asked or ("app" if self.via == "app" else "direct")

    def _sign(
        self, storage: FileStorage, file: File, upload: Upload, numbers: Sequence[int], way: Way
    ) -> tuple[tuple[PartUrl, ...], datetime]:
        assert upload.store_upload_id is not None
        life, store_id, ref = self.part_url_life, upload.store_upload_id, ref_of(file)
        expires_at = utc_now() + life
        # What lies on local disk goes through the app anyway.
        relayed = way == "app" and storage.backend is not Backend.LOCAL
        sign = self.storages.relay.part_url if relayed else storage.get_presigned_part_url

        def signed(number: int) -> PartUrl:
            length = part_length(number, size=file.size, part_size=upload.part_size)
            return PartUrl(number, sign(ref, store_id, number, life, size=length))

        return tuple(map(signed, numbers)), expires_at

    def _summary(self, upload: Upload, file: File, dataset_name: str) -> UploadSummary:
        assert file.dataset_id is not None
        return UploadSummary(
            upload_id=upload.id,
            file_id=file.id,
            dataset_id=file.dataset_id,
            dataset_name=dataset_name,
            file_name=file.file_name,
            size=file.size,
            part_size=upload.part_size,
            part_count=part_count(file.size, upload.part_size),
            created_at=upload.created_at,
            modified_at=upload.modified_at,
            folder=upload.folder,
            head_sha256=file.head_sha256,
            tail_sha256=file.tail_sha256,
            via_app=self.via != "direct" and Backend(file.backend) is not Backend.LOCAL,
        )
