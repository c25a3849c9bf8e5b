"""Rows of a stored file, joined with what the catalogue knows of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from catalog.access import find_ready_file
from catalog.caller import Caller
from catalog.errors import InvalidRange
from catalog.knowledge import Knowledge
from catalog.metrics import PREVIEW_SECONDS, PREVIEWS
from catalog.removal import ref_of
from db import Database
from db.tables import File
from preview import Previewer
from preview.errors import SourceGone, SourceUnavailable
from preview.result import Preview
from preview.source import Source
from storage import Storages
from storage.protocol import Backend, FileNotInStorage, StorageUnavailable

DEFAULT_ROWS = 100
MOST_ROWS = 1000
LINK_LIFE = timedelta(minutes=15)
"""How long a worker may go on opening ranges; far longer than a read may take."""


@dataclass(frozen=True)
class Previews:
    """Previews of the caller's files."""

    database: Database
    storages: Storages
    previewer: Previewer

    def preview(self, caller: Caller, file_id: uuid.UUID, *, rows: int = DEFAULT_ROWS, offset: int = 0) -> Preview:
        """Rows `offset` to `offset + rows`; `total_rows` is the exact count wherever it is known.

        The first look at a file also tells the catalogue its columns. Raises FileNotFound, FileNotReady, InvalidRange,
        the PreviewErrors that say why there is no table, StorageUnavailable, FileNotInStorage.
        """
        if not 1 <= rows <= MOST_ROWS or not 0 <= offset < 2**63:
            raise InvalidRange(f"A preview gives 1 to {MOST_ROWS:,} rows from row 0 on.")
        with self.database.session() as session:
            file = find_ready_file(session, caller, file_id)
        began = time.perf_counter()
        outcome = "ok"
        try:
            preview = self._read(file, rows=rows, offset=offset)
        except Exception as error:
            outcome = type(error).__name__
            raise
        finally:
            PREVIEWS.labels(outcome).inc()
            PREVIEW_SECONDS.observe(time.perf_counter() - began)
        if file.described_at is None or file.columns is None:
            # Never looked at, or the background reader's look came to nothing that time.
            Knowledge(self.database).note_preview(file.id, preview)
        if preview.total_rows is None and file.rows is not None:
            preview = replace(preview, total_rows=file.rows)
        return preview

    def _read(self, file: File, *, rows: int, offset: int) -> Preview:
        source = source_of(self.storages, file, life=LINK_LIFE)
        try:
            return self.previewer.preview(source, rows=rows, offset=offset, cache_key=str(file.id))
        except SourceUnavailable as error:
            raise StorageUnavailable(str(error), operation="preview", ref=ref_of(file)) from error
        except SourceGone as error:
            raise FileNotInStorage(str(error), operation="preview", ref=ref_of(file)) from error


def source_of(storages: Storages, file: File, *, life: timedelta) -> Source:
    """Where a worker reads the file. Raises the store's errors."""
    url = storages.of(Backend(file.backend)).get_internal_url(ref_of(file), life)
    return Source(url, file.size, file.file_name)
