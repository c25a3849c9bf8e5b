"""Rows of a stored file, joined with what the catalogue knows of it; and how a dataset's files are read."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from catalog import row_places
from catalog.access import Need, find_dataset
from catalog.caller import Caller
from catalog.errors import InvalidRange
from catalog.events import EventKind, record
from catalog.knowledge import Knowledge, forget_what_was_read
from catalog.metrics import PREVIEW_SECONDS, PREVIEWS
from catalog.reading import check_read_as
from catalog.sources import LINK_LIFE, find_readable, read_as_of, source_of, stores_words
from db import Database
from db.tables import File
from preview import Previewer
from preview.errors import PreviewError, WrongReadAs
from preview.read_as import ReadAs
from preview.result import JsonValue, Preview, RowIndex
from storage import StorageError, Storages

DEFAULT_ROWS = 100
MOST_ROWS = 1000
MOST_CHOSEN = 1000
"""Columns that can be asked for by name."""
FAR = 10_000
"""Rows from which an index is worth a query."""


def _ignore(_file_id: uuid.UUID) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Previews:
    """Previews of the caller's files. `on_forgotten` hears of files whose contents are to be described anew."""

    database: Database
    storages: Storages
    previewer: Previewer
    on_forgotten: Callable[[uuid.UUID], None] = _ignore

    def preview(
        self,
        caller: Caller,
        file_id: uuid.UUID,
        *,
        rows: int = DEFAULT_ROWS,
        offset: int = 0,
        columns: Sequence[str] | None = None,
    ) -> Preview:
        """Rows `offset` to `offset + rows`, of the columns named; `total_rows` is the exact count wherever it is known.

        The first look at a file also tells the catalogue its columns. Raises FileNotFound, FileNotReady, InvalidRange,
        the PreviewErrors that say why there is no table, StorageUnavailable, FileNotInStorage.
        """
        if not 1 <= rows <= MOST_ROWS or not 0 <= offset < 2**63:
            raise InvalidRange(f"A preview gives 1 to {MOST_ROWS:,} rows from row 0 on.")
        if columns is not None and not 1 <= len(columns) <= MOST_CHOSEN:
            raise InvalidRange(f"Choose 1 to {MOST_CHOSEN:,} columns.")
        with self.database.session() as session:
            file, read_as = find_readable(session, caller, file_id)
            index = self._index(session, file, read_as, offset)
        began = time.perf_counter()
        outcome = "ok"
        try:
            with stores_words(file, "preview"):
                preview = self.previewer.preview(
                    source_of(self.storages, file, life=LINK_LIFE),
                    rows=rows,
                    offset=offset,
                    columns=columns,
                    read_as=read_as,
                    index=index,
                    cache_key=str(file.id),
                )
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            PREVIEWS.labels(outcome).inc()
            PREVIEW_SECONDS.observe(time.perf_counter() - began)
        if columns is None and (file.described_at is None or file.columns is None):
            # Never looked at, or the background reader's look came to nothing that time.
            Knowledge(self.database).note_preview(file.id, preview, read_as)
        if preview.total_rows is None and file.rows is not None:
            preview = replace(preview, total_rows=file.rows)
        return preview

    def cell(self, caller: Caller, file_id: uuid.UUID, *, row: int, column: str) -> JsonValue:
        """One whole cell, which a preview may have cut: row `row`, counted from 0, of the column shown as `column`.

        Raises what `preview` does; NoTable where there is no such row or column.
        """
        if not 0 <= row < 2**63:
            raise InvalidRange("Rows are counted from 0.")
        with self.database.session() as session:
            file, read_as = find_readable(session, caller, file_id)
            index = self._index(session, file, read_as, row)
        with stores_words(file, "preview"):
            source = source_of(self.storages, file, life=LINK_LIFE)
            return self.previewer.cell(source, row=row, column=column, read_as=read_as, index=index)

    def read_as(self, caller: Caller, dataset_id: uuid.UUID) -> ReadAs:
        """How the dataset's files are read, where it is not as detected. Raises DatasetNotFound."""
        with self.database.session() as session:
            return read_as_of(session, find_dataset(session, caller, dataset_id).id)

    def try_read_as(self, caller: Caller, dataset_id: uuid.UUID, read_as: ReadAs) -> None:
        """Read the newest version so, without keeping it. Raises DatasetNotFound, NotAllowed, ReadOnly, InvalidReadAs,
        and WrongReadAs where that file cannot be: it has no such sheet, or fewer rows than are to be skipped. That the
        store does not answer, or that there is no table either way, is no reason against it."""
        check_read_as(read_as)
        with self.database.session() as session:
            file_id = find_dataset(session, caller, dataset_id, need=Need.EDIT).current_file_id
            file = session.get(File, file_id) if file_id is not None else None
        if file is None:
            return
        try:
            source = source_of(self.storages, file, life=LINK_LIFE)
            self.previewer.preview(source, rows=DEFAULT_ROWS, read_as=read_as, cache_key=str(file.id))
        except WrongReadAs:
            raise
        except (PreviewError, StorageError):
            return

    def set_read_as(self, caller: Caller, dataset_id: uuid.UUID, read_as: ReadAs) -> None:
        """Read the dataset's files so from now on; what was read of them otherwise is forgotten and read anew.

        Raises DatasetNotFound, NotAllowed, ReadOnly, InvalidReadAs.
        """
        check_read_as(read_as)
        with self.database.transaction() as session:
            dataset = find_dataset(session, caller, dataset_id, need=Need.EDIT, lock=True)
            plain = read_as.to_plain() or None
            if plain == dataset.read_as:
                return
            dataset.read_as = plain
            forget_what_was_read(session, dataset)
            file_id = dataset.current_file_id
            detail = {"read_as": plain or {}}
            record(session, EventKind.DATASET_CHANGED, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)
        if file_id is not None:
            self.on_forgotten(file_id)

    @staticmethod
    def _index(session: Session, file: File, read_as: ReadAs, row: int) -> RowIndex | None:
        return row_places.recall(session, file.id, read_as.key) if row >= FAR else None
