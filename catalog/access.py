"""Who may see and change what: the one place that decides. Everything else asks it for its rows.

Today a user sees and changes what they own, and nobody else's. What a caller may not see does not exist for them: the
error is the same.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.caller import Caller
from catalog.errors import DatasetNotFound, FileNotFound, FileNotReady, UploadNotFound
from db import Database
from db.tables import Dataset, File, FileStatus, ShelfCount, Upload, User

LOCAL_USER = "local"
FAILED_CHECK = (
    "The stored bytes did not match the checksum given at upload, so the file is not served. Upload it again."
)
"""Of a failed file where nothing else was noted."""


@dataclass(frozen=True)
class Access:
    """Says who the caller is."""

    database: Database

    def local_user(self) -> Caller:
        """The one user of mode `none`, made at the first call. Raises DatabaseUnavailable."""
        with self.database.session() as session:
            user = _find_user(session, LOCAL_USER)
        if user is None:
            user = self._make_user(LOCAL_USER)
        return Caller(user.id, user.name)

    def _make_user(self, name: str) -> User:
        user = User(name=name)
        try:
            with self.database.transaction() as session:
                session.add(user)
                session.flush()
                session.add(ShelfCount(owner_id=user.id))
        except IntegrityError:
            # Another process was faster; the name is unique, so its user is the one.
            with self.database.session() as session:
                found = _find_user(session, name)
            if found is None:
                raise
            return found
        return user


def sees_dataset(caller: Caller) -> ColumnElement[bool]:
    """The condition under which the caller sees a dataset: on the shelf where it is listed, in the trash where not."""
    return col(Dataset.owner_id) == caller.user_id


def find_dataset(session: Session, caller: Caller, dataset_id: uuid.UUID, *, lock: bool = False) -> Dataset:
    """The dataset, listed or not, but not one in the trash. Raises DatasetNotFound.

    `lock` makes other writers of this dataset wait (SQLite has one writer anyway): every change of a dataset or of its
    files takes this lock first, so that two of them never wait for each other.
    """
    query = select(Dataset).where(Dataset.id == dataset_id, sees_dataset(caller), col(Dataset.trashed_at).is_(None))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    dataset = session.exec(query).first()
    if dataset is None:
        raise DatasetNotFound("There is no such dataset. It may have been deleted.")
    return dataset


def find_file(session: Session, caller: Caller, file_id: uuid.UUID) -> File:
    """The file in whatever state but deleted or in the trash. Raises FileNotFound."""
    query = select(File).where(File.id == file_id, File.owner_id == caller.user_id, _there())
    file = session.exec(query).first()
    if file is None:
        raise FileNotFound("There is no such file. It may have been deleted.")
    return file


def find_ready_file(session: Session, caller: Caller, file_id: uuid.UUID) -> File:
    """The file, to be served. Raises FileNotFound, FileNotReady."""
    file = find_file(session, caller, file_id)
    if file.status == FileStatus.FAILED:
        raise FileNotReady(file.failure or FAILED_CHECK)
    if file.status != FileStatus.READY:
        raise FileNotReady("The file is still being uploaded. Try again when the upload has finished.")
    return file


def find_upload(session: Session, caller: Caller, upload_id: uuid.UUID) -> tuple[Upload, File]:
    """The upload with its file, under way or completed. Raises UploadNotFound."""
    query = (
        select(Upload, File)
        .join(File, col(Upload.file_id) == File.id)
        .where(Upload.id == upload_id, Upload.owner_id == caller.user_id, _there())
    )
    found = session.exec(query).first()
    if found is None:
        raise no_such_upload()
    return found[0], found[1]


def no_such_upload() -> UploadNotFound:
    return UploadNotFound("There is no such upload. It was cancelled, or its file was deleted; start it again.")


def _there() -> ColumnElement[bool]:
    return col(File.status).not_in((FileStatus.TRASHED, FileStatus.DELETED))


def _find_user(session: Session, name: str) -> User | None:
    return session.exec(select(User).where(User.name == name)).first()
