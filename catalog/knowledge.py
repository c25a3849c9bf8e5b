"""What was read out of a file, written down: columns, rows, checksums; and what follows from one that differs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import Session, col, select

from catalog import row_places, shelf
from catalog.digests import parts_of
from catalog.events import EventKind, record
from catalog.removal import ref_of
from catalog.verdicts import Reading
from db import Database
from db.tables import Column, Dataset, File, FileStatus, Profile
from db.utc import utc_now
from preview.formats import TEXT_FORMATS
from preview.read_as import ReadAs
from preview.result import Preview, Scan


@dataclass(frozen=True)
class Knowledge:
    """Notes facts about ready files. Facts about a file that is gone meanwhile are dropped in silence."""

    database: Database

    def note_preview(self, file_id: uuid.UUID, preview: Preview | None, read_as: ReadAs) -> bool:
        """Note what the first look at a file showed; None: it has no table, or none that can be read.

        False: nothing was noted, because the file is gone or is read in another way by now.
        """
        with self.database.transaction() as session:
            dataset, file = _locked(session, file_id)
            if dataset is None or file is None or ReadAs.from_plain(dataset.read_as) != read_as:
                return False
            columns = None if preview is None else [(column.name, column.type) for column in preview.columns]
            if preview is not None:
                file.columns = preview.column_count
                file.rows = file.rows if preview.total_rows is None else preview.total_rows
            shelf.describe(session, file, columns)
            if not needs_scan(file):
                file.scanned_at = utc_now()
            _refresh(session, dataset, file)
            return True

    def note_scan(self, read: File, scan: Scan, read_as: ReadAs) -> None:
        """Note what reading all of a file told, which was right: SHA-256, parts', and rows and where they begin, the
        latter two only where the file is still read so. Of one that was moved meanwhile nothing: it is read again.
        """
        with self.database.transaction() as session:
            dataset, file = _locked(session, read.id)
            if dataset is None or file is None or _lies_elsewhere(file, read):
                return
            note_right(session, file, Reading.of(scan, parts_of(session, file)))
            file.scanned_at = utc_now()
            if ReadAs.from_plain(dataset.read_as) == read_as:
                file.rows = file.rows if scan.rows is None else scan.rows
                row_places.keep(session, file.id, scan.row_index)
            else:
                file.scanned_at = None
            _refresh(session, dataset, file)

    def note_failure(self, read: File, failure: str, detail: Mapping[str, object]) -> bool:
        """The file `read`'s bytes are wrong: it is not served any more, and the newest good version speaks for its
        dataset. False: it is gone or lies elsewhere by now.
        """
        with self.database.transaction() as session:
            dataset, file = _locked(session, read.id)
            if dataset is None or file is None or _lies_elsewhere(file, read):
                return False
            fail(session, dataset, file, failure, detail)
            return True

    def note_attempt(self, file_id: uuid.UUID) -> None:
        """Count a scan that came to nothing."""
        with self.database.transaction() as session:
            _, file = _locked(session, file_id)
            if file is not None:
                file.read_attempts += 1


def fail(session: Session, dataset: Dataset, file: File, failure: str, detail: Mapping[str, object]) -> None:
    """Serve the file no more, inside the caller's transaction, which holds the dataset's lock. `failure` says why."""
    file.status, file.failure, file.scanned_at = FileStatus.FAILED, failure, utc_now()
    told = {"file_name": file.file_name, "version": file.version, "reason": failure, **detail}
    record(session, EventKind.FILE_FAILED, dataset_id=dataset.id, file_id=file.id, detail=told)
    shelf.refresh(session, dataset, updated_at=utc_now())


def note_right(session: Session, file: File, reading: Reading) -> None:
    """Every stored byte was read and nothing that is known speaks against it, inside the caller's transaction."""
    if not parts_of(session, file).complete:
        reading.digests.keep(session, file.id)
    file.sha256, file.sha256_verified, file.verified_at = reading.sha256, True, utc_now()


def forget_what_was_read(session: Session, dataset: Dataset) -> None:
    """Forget columns, rows and statistics of all the dataset's files, which are read in another way from now on.

    Inside the caller's transaction, which holds the dataset's lock. The background reader finds them unread.
    """
    files = session.exec(select(File).where(File.dataset_id == dataset.id, File.status == FileStatus.READY)).all()
    ids = [file.id for file in files]
    for table in (Column, Profile):
        session.exec(delete(table).where(col(table.file_id).in_(ids)))
    row_places.forget(session, ids)
    for file in files:
        file.described_at, file.columns, file.read_attempts = None, None, 0
        if file.format in TEXT_FORMATS:
            file.scanned_at = None
        file.rows = None
    shelf.refresh(session, dataset)


def needs_scan(file: File) -> bool:
    """Whether reading the whole file would tell more than is known."""
    return not file.sha256_verified or (file.format in TEXT_FORMATS and file.rows is None)


def _locked(session: Session, file_id: uuid.UUID) -> tuple[Dataset | None, File | None]:
    # The app itself asks here, for nobody's eyes; the dataset's lock comes first, as everywhere.
    dataset_id = session.exec(select(File.dataset_id).where(File.id == file_id)).first()
    if dataset_id is None:
        return None, None
    dataset = session.exec(select(Dataset).where(Dataset.id == dataset_id).with_for_update()).first()
    file = session.exec(select(File).where(File.id == file_id, File.status == FileStatus.READY)).first()
    return dataset, file


def _lies_elsewhere(file: File, read: File) -> bool:
    return ref_of(file) != ref_of(read) or file.backend != read.backend


def _refresh(session: Session, dataset: Dataset, file: File) -> None:
    if dataset.current_file_id == file.id:
        shelf.refresh(session, dataset)
