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
from storage.protocol import Backend, BucketRole, ObjectRef, StorageError

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
        """Remove the objects, uploads and rows of files marked `deleted`; says how many are gone. Never raises."""
        gone = 0
        for file_id in file_ids:
            try:
                gone += self._remove(file_id)
            except (DatabaseUnavailable, StorageError) as error:
                _log.warning("object left for the sweep", file_id=str(file_id), error=str(error))
        return gone

    def sweep(self) -> int:
        """Try again what earlier removals left. Raises DatabaseUnavailable."""
        with self.database.session() as session:
            left = select(File.id).where(File.status == FileStatus.DELETED).order_by(col(File.created_at)).limit(BATCH)
            file_ids = session.exec(left).all()
        return self.remove(file_ids)

    def _remove(self, file_id: uuid.UUID) -> bool:
        with self.database.session() as session:
            query = select(File, Upload).outerjoin(Upload, col(Upload.file_id) == File.id)
            found = session.exec(query.where(File.id == file_id, File.status == FileStatus.DELETED)).first()
        if found is None:
            return True
        file, upload = found
        storage, ref = self.storages.of(Backend(file.backend)), ref_of(file)
        if upload is not None and upload.completed_at is None:
            if upload.store_upload_id is not None:
                storage.abort_multipart(ref, upload.store_upload_id)
            else:
                # The app ended between asking the store for an upload and noting its id.
                for lost in list(storage.list_multipart(ref.role, ref.key)):
                    storage.abort_multipart(ref, lost.upload_id)
        copies_gone = OldCopies(self.database, self.storages).drop(file_id)
        if not storage.delete_file(ref) or not copies_gone:
            return False
        with self.database.transaction() as session:
            session.exec(delete(Upload).where(col(Upload.file_id) == file_id))
            session.exec(delete(File).where(col(File.id) == file_id, col(File.status) == FileStatus.DELETED))
        return True
