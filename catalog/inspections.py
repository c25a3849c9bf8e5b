"""What a file holds, told from its first and last bytes before it is sent, and how that fits what is on the shelf."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlmodel import Session, col, select

from catalog.access import Need, find_dataset, is_granted
from catalog.caller import Caller
from catalog.errors import InvalidInspection
from catalog.intake import check_size
from catalog.likeness import Columns, compare_columns
from catalog.names import clean_file_name
from catalog.sources import read_as_of
from db import Database
from db.tables import Column, Dataset, File, Level
from preview import Previewer
from preview.inspection import Inspection
from preview.read_as import AS_DETECTED

END = 256 * 1024
"""Bytes of a file's beginning, and of its end, that are looked at."""


@dataclass(frozen=True, slots=True)
class SameAs:
    """A dataset that the caller may change and whose newest version has the same file name."""

    dataset_id: uuid.UUID
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """`comparison` is a sentence about the columns of the dataset it is to go to, or of the one in `same_as`."""

    inspection: Inspection
    comparison: str | None
    same_as: SameAs | None


@dataclass(frozen=True)
class Inspections:
    """Looks at files that are still with the caller."""

    database: Database
    previewer: Previewer

    def inspect(
        self,
        caller: Caller,
        file_name: str,
        size: int,
        head: bytes,
        tail: bytes,
        *,
        dataset_id: uuid.UUID | None = None,
    ) -> Inspected:
        """`head` and `tail` are the file's first and last bytes, at most `END` of each.

        Raises InvalidFileName, InvalidSize, InvalidInspection, DatasetNotFound, NotAllowed, ReadOnly, TimedOut,
        WorkerCrashed.
        """
        file_name = clean_file_name(file_name)
        check_size(size)
        if len(head) > END or len(tail) > END:
            raise InvalidInspection(f"Send the first and the last {END:,} bytes of the file, not more.")
        if len(head) < min(size, 1) or len(head) > size or len(tail) > size:
            raise InvalidInspection("The bytes sent are not the beginning and the end of a file of this size.")
        with self.database.session() as session:
            # Asked first: what is to go nowhere is not looked at.
            dataset = None if dataset_id is None else find_dataset(session, caller, dataset_id, need=Need.EDIT)
            named = self._of_that_name(session, caller, file_name) if dataset is None else None
            target = dataset or named
            read_as = read_as_of(session, dataset.id) if dataset is not None else AS_DETECTED
            newest = session.get(File, target.current_file_id) if target and target.current_file_id else None
            columns = _columns(session, newest) if newest is not None else ()
        inspection = self.previewer.inspect(file_name, size, head, tail, read_as=read_as)
        comparison = None
        if newest is not None and columns and inspection.columns:
            what = f"version {newest.version}" if named is None else f"“{named.name}” version {newest.version}"
            comparison = compare_columns([(one.name, one.type) for one in inspection.columns], columns, what)
        same_as = SameAs(named.id, named.name, newest.version or 0) if named and newest is not None else None
        return Inspected(inspection, comparison, same_as)

    @staticmethod
    def _of_that_name(session: Session, caller: Caller, file_name: str) -> Dataset | None:
        """The caller's own before one that they may change: of one's own there may be many, and an index has them."""
        query = select(Dataset).where(Dataset.file_name == file_name, col(Dataset.current_file_id).is_not(None))
        newest = query.order_by(col(Dataset.updated_at).desc()).limit(1)
        mine = session.exec(newest.where(Dataset.owner_id == caller.user_id)).first()
        if mine is not None or caller.alone:
            return mine
        return session.exec(newest.where(is_granted(caller, Level.EDITOR))).first()


def _columns(session: Session, file: File) -> Columns:
    query = select(Column.name, Column.type).where(Column.file_id == file.id).order_by(col(Column.position))
    return [(name, kind) for name, kind in session.exec(query)]
