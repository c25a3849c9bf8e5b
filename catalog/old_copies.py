"""What a moved file left behind: kept until the operator lets it go, or until the file itself is gone."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import col, delete, select

from catalog.moving_report import PLACES, Amount, Released, Trouble
from db import Database
from db.tables import File, FileStatus, OldCopy
from storage import Storages
from storage.protocol import Backend, BucketRole, FileNotInStorage, ObjectRef, StorageError

BATCH = 200


@dataclass(frozen=True)
class OldCopies:
    """Objects that a file had before it was moved."""

    database: Database
    storages: Storages

    def kept(self, backend: Backend, dataset_id: uuid.UUID | None = None) -> Amount:
        """How many there are on the backend. Raises DatabaseUnavailable."""
        query = select(func.count(), func.coalesce(func.sum(OldCopy.size), 0)).where(OldCopy.backend == backend)
        if dataset_id is not None:
            query = query.join(File, col(File.id) == OldCopy.file_id).where(File.dataset_id == dataset_id)
        with self.database.session() as session:
            files, size = session.exec(query).one()
        return Amount(files, int(size))

    def release(self, backend: Backend, go_on: Callable[[], bool], dataset_id: uuid.UUID | None = None) -> Released:
        """Delete the copies on the backend whose files lie elsewhere, whole, for as long as `go_on()` says so.

        Every file was read back before it was switched; here its new place must still have the object of that moment.
        Raises DatabaseUnavailable, and StorageUnavailable where the files' new place cannot be asked.
        """
        released, after = Released(), uuid.UUID(int=0)
        while go_on() and (rows := self._page(backend, after, dataset_id)):
            for copy, file in rows:
                if not go_on():
                    break
                reason = self._reason_to_keep(copy, file)
                if reason is None and self._delete(copy):
                    released.deleted += 1
                    released.deleted_bytes += copy.size
                else:
                    name = file.file_name if file is not None else copy.key
                    reason = reason or f"{PLACES[backend].capitalize()} would not delete it; the log says why."
                    released.kept.append(Trouble(copy.file_id, name, copy.size, reason))
            after = rows[-1][0].id
        return released

    def drop(self, file_id: uuid.UUID) -> bool:
        """Delete every old copy of a file that is gone; False where a backend would not. Raises DatabaseUnavailable."""
        with self.database.session() as session:
            copies = session.exec(select(OldCopy).where(OldCopy.file_id == file_id)).all()
        deleted = [self._delete(copy) for copy in copies]
        return all(deleted)

    def _page(
        self, backend: Backend, after: uuid.UUID, dataset_id: uuid.UUID | None
    ) -> Sequence[tuple[OldCopy, File | None]]:
        query = (
            select(OldCopy, File)
            .outerjoin(File, col(File.id) == OldCopy.file_id)
            .where(OldCopy.backend == backend, col(OldCopy.id) > after)
        )
        if dataset_id is not None:
            query = query.where(File.dataset_id == dataset_id)
        with self.database.session() as session:
            return session.exec(query.order_by(col(OldCopy.id)).limit(BATCH)).all()

    def _reason_to_keep(self, copy: OldCopy, file: File | None) -> str | None:
        if file is None or file.status == FileStatus.DELETED:
            return None
        if file.status == FileStatus.FAILED or file.failure is not None:
            return "The moved file failed a check since; this copy may be the last good one."
        if file.backend == copy.backend:
            return f"The file still lies on {PLACES[Backend(file.backend)]}."
        try:
            now = self.storages.of(Backend(file.backend)).stat_file(
                ObjectRef(BucketRole(file.role), file.key, file.bucket)
            )
        except FileNotInStorage:
            return f"{PLACES[Backend(file.backend)].capitalize()} does not have the moved file any more."
        if (now.size, now.etag) != (file.size, file.etag):
            return f"What {PLACES[Backend(file.backend)]} has is not what was read back when the file was moved."
        return None

    def _delete(self, copy: OldCopy) -> bool:
        try:
            storage = self.storages.of(Backend(copy.backend))
            if not storage.delete_file(ObjectRef(BucketRole(copy.role), copy.key, copy.bucket)):
                return False
        except StorageError:
            return False
        with self.database.transaction() as session:
            session.exec(delete(OldCopy).where(col(OldCopy.id) == copy.id))
        return True
