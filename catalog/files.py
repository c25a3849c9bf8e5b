"""One version of a dataset: showing it, deleting it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from catalog import shelf
from catalog.access import Need, find_dataset, find_file, find_ready_file
from catalog.caller import Caller
from catalog.errors import FileNotFound, FileNotReady
from catalog.events import EventKind, record
from catalog.removal import Removal
from catalog.views import FileVersion, file_version
from db import Database
from db.tables import Dataset, File, FileStatus
from db.utc import utc_now
from storage import Storages


@dataclass(frozen=True)
class Files:
    """The versions of the datasets a caller sees. What is deleted can be put back for `trash_for`."""

    database: Database
    storages: Storages
    trash_for: timedelta = timedelta(0)

    def get(self, caller: Caller, file_id: uuid.UUID) -> FileVersion:
        """A ready version. Raises FileNotFound, FileNotReady."""
        with self.database.session() as session:
            return file_version(find_ready_file(session, caller, file_id))

    def dataset_of(self, caller: Caller, file_id: uuid.UUID) -> uuid.UUID:
        """The dataset of a version that is not ready, too. Raises FileNotFound."""
        with self.database.session() as session:
            dataset_id = find_file(session, caller, file_id).dataset_id
        if dataset_id is None:
            raise FileNotFound("There is no such file. It may have been deleted.")
        return dataset_id

    def delete(self, caller: Caller, file_id: uuid.UUID, *, permanent: bool = False) -> None:
        """Put a ready or failed version into the trash, or delete it at once where there is none or `permanent` says
        so; the newest left speaks for the dataset.

        The last ready one takes the dataset with it, so that its name is free, unless another version is under way.
        Of what is deleted the row goes first and the object after it; what the store does not let go of now is removed
        later. What cannot be put back the dataset's owner alone deletes. Raises FileNotFound, NotAllowed, ReadOnly;
        FileNotReady while it is being uploaded (cancel the upload instead).
        """
        dataset_id = self.dataset_of(caller, file_id)
        to_trash = bool(self.trash_for) and not permanent
        with self.database.transaction() as session:
            need = Need.EDIT if to_trash else Need.OWN
            dataset = find_dataset(session, caller, dataset_id, need=need, lock=True)
            file = find_file(session, caller, file_id)
            if file.status == FileStatus.PENDING:
                raise FileNotReady("The file is still being uploaded. Cancel the upload instead.")
            record(
                session,
                EventKind.FILE_TRASHED if to_trash else EventKind.FILE_DELETED,
                user_id=caller.user_id,
                dataset_id=dataset_id,
                file_id=file_id,
                detail={"name": dataset.name, "version": file.version, "file_name": file.file_name},
            )
            if to_trash:
                self._to_trash(session, caller, dataset, file)
                return
            file.status = FileStatus.DELETED
            if not shelf.remove_if_empty(session, dataset):
                shelf.refresh(session, dataset, updated_at=utc_now())
        Removal(self.database, self.storages).remove([file_id])

    @staticmethod
    def _to_trash(session: Session, caller: Caller, dataset: Dataset, file: File) -> None:
        detail = {"name": dataset.name}
        if shelf.file_to_trash(session, dataset, file, at=utc_now()):
            kind = EventKind.DATASET_TRASHED
            record(session, kind, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)
