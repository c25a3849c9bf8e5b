"""Taking objects out of the store whose files are `deleted`, and then their rows.

The row is marked first and the object goes after it: whatever fails in between leaves a row that says what is still to
be done, and `sweep` does it later. Nothing here fails because the store is away.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import delete
from sqlmodel import col, select

from catalog.old_copies import OldCopies
from db import Database, DatabaseUnavailable
from db.tables import File, FileStatus, Upload
from storage import Storages
from storage.protocol import Backend, BucketRole, ObjectRef, StorageError, StorageUnavailable

BATCH = 200

_log = structlog.get_logger("catalog")


def ref_of(file: File) -> ObjectRef:
    """Where the file's bytes lie in its backend."""
    return ObjectRef(BucketRole(file.role), file.key, file.bucket)


@dataclass(frozen=True)
class Removal:
    """Removes objects that no file stands for any more."""

    database: Database
    storages: Storages

    def remove(self, file_ids: Iterable[uuid.UUID]) -> int:
        """Remove the objects, uploads and rows of files marked `deleted`; says how many are gone. Never raises.

        A store that does not answer is asked once: what else lies there is left for the sweep.
        """
        gone, away = 0, set[str]()
        for file_id in file_ids:
            try:
                gone += self._remove(file_id, away)
            except (DatabaseUnavailable, StorageError) as error:
                _log.warning("object left for the sweep", file_id=str(file_id), error=str(error))
        return gone

    def sweep(self) -> int:
        """Try again what earlier removals left, all of it: what cannot go keeps nothing else waiting.

        Raises DatabaseUnavailable.
        """
        gone = 0
        last: uuid.UUID | None = None
        while True:
            left = select(File.id).where(File.status == FileStatus.DELETED)
            if last is not None:
                left = left.where(col(File.id) > last)
            with self.database.session() as session:
                file_ids = session.exec(left.order_by(col(File.id)).limit(BATCH)).all()
            gone += self.remove(file_ids)
            if len(file_ids) < BATCH:
                return gone
            last = file_ids[-1]

    def _remove(self, file_id: uuid.UUID, away: set[str]) -> bool:
        with self.database.session() as session:
            query = select(File, Upload).outerjoin(Upload, col(Upload.file_id) == File.id)
            found = session.exec(query.where(File.id == file_id, File.status == FileStatus.DELETED)).first()
        if found is None:
            return True
        file, upload = found
        if file.backend in away:
            return False
        try:
            return self._remove_from_store(file, upload)
        except StorageUnavailable:
            away.add(file.backend)
            raise

    def _remove_from_store(self, file: File, upload: Upload | None) -> bool:
        storage, ref = self.storages.of(Backend(file.backend)), ref_of(file)
        if upload is not None and upload.completed_at is None:
            if upload.store_upload_id is not None:
                storage.abort_multipart(ref, upload.store_upload_id)
            else:
                # The app ended between asking the store for an upload and noting its id.
                for lost in list(storage.list_multipart(ref.role, ref.key)):
                    storage.abort_multipart(ref, lost.upload_id)
        copies_gone = OldCopies(self.database, self.storages).drop(file.id)
        if not storage.delete_file(ref) or not copies_gone:
            return False
        with self.database.transaction() as session:
            session.exec(delete(Upload).where(col(Upload.file_id) == file.id))
            session.exec(delete(File).where(col(File.id) == file.id, col(File.status) == FileStatus.DELETED))
        return True
