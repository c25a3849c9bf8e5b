"""Asking a dataset's files: SQL, rows under conditions; and what becomes of a result: a download, a dataset."""

from __future__ import annotations

import re
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from sqlmodel import col, select

from catalog.access import check_writes
from catalog.caller import Caller
from catalog.errors import InvalidRange
from catalog.events import EventKind, record
from catalog.examples import QueryExample, query_examples
from catalog.gate import Gate
from catalog.intake import NewUpload
from catalog.metrics import QUERIES, QUERY_SECONDS
from catalog.names import LONGEST_DESCRIPTION, clean_name, default_name, has_control
from catalog.previews import MOST_CHOSEN, MOST_ROWS
from catalog.profiles import Profiles
from catalog.results import Results
from catalog.sources import data_of, find_readable, stores_words
from catalog.uploads import Uploads
from db import Database
from db.tables import Column, Dataset, File, FileStatus
from preview.analyst import Analyst
from preview.asking import Cancel, Condition, Data, Exported, QueryResult
from preview.result import Preview
from storage import Storages

MOST_RESULT_ROWS = 10_000
"""Rows of an answer; more of them are a download."""
LONGEST_SQL = 100_000
MOST_RESULTS = 3
"""Results as large as one may be that one person has in the store at once."""
MOST_CONDITIONS = 50
RESULT_LIFE = timedelta(hours=1)
SHOWN_SQL = 2_000
"""Characters of the query in a description and in an event."""
SLASHES = re.compile(r"[/\\]")
VERSION = re.compile(r"\bv([1-9][0-9]{0,8})\b", re.IGNORECASE)

Format = Literal["parquet", "csv"]


@dataclass(frozen=True, slots=True)
class ExportedResult:
    """A result in the store; `url` works for `expires_in`, for anyone who has it."""

    url: str
    file_name: str
    rows: int
    size: int
    expires_in: timedelta


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query is about."""

    file: File
    dataset: Dataset
    tables: dict[str, Data]


@dataclass(frozen=True)
class Queries:
    """Queries over the caller's files. In SQL `data` is the file asked about; `v1`, `v2` … are the versions of its
    dataset that are ready. `gate` bounds how many run at once, `folder` is where results are written on the way.

    Every method raises FileNotFound, FileNotReady, Busy, StorageUnavailable, FileNotInStorage and the PreviewErrors,
    among them QueryRefused, QueryFailed, ResultTooBig, TimedOut, Cancelled.
    """

    database: Database
    storages: Storages
    analyst: Analyst
    profiles: Profiles
    uploads: Uploads
    gate: Gate
    folder: Path

    def run(
        self, caller: Caller, file_id: uuid.UUID, sql: str, *, limit: int = 100, cancel: Cancel | None = None
    ) -> QueryResult:
        """The first `limit` rows of the answer. Raises InvalidRange, too."""
        if not 1 <= limit <= MOST_RESULT_ROWS:
            raise InvalidRange(f"An answer has 1 to {MOST_RESULT_ROWS:,} rows; a larger one can be downloaded.")
        asked = self._ask(caller, file_id, sql)
        with self._turn("run", asked.file, cancel):
            return self.analyst.query(asked.tables, sql, limit=limit, cancel=cancel)

    def export(
        self,
        caller: Caller,
        file_id: uuid.UUID,
        sql: str,
        *,
        format: Format,  # noqa: A002  # what pandas and DuckDB call it
        cancel: Cancel | None = None,
    ) -> str:
        """A link to download the whole answer from, good for an hour."""
        return self.export_result(caller, file_id, sql, form=format, cancel=cancel).url

    def export_result(
        self, caller: Caller, file_id: uuid.UUID, sql: str, *, form: Format, cancel: Cancel | None = None
    ) -> ExportedResult:
        """The same, with what is known of it."""
        asked = self._ask(caller, file_id, sql)
        with self._written("export", asked, sql, form, cancel) as (path, exported):
            file_name = f"{default_name(asked.file.file_name)[:150]}-result.{form}"
            url = Results(self.storages).put(
                path,
                owner_id=caller.user_id,
                form=form,
                file_name=file_name,
                life=RESULT_LIFE,
                most=MOST_RESULTS * self.analyst.export_limit,
            )
        with self.database.transaction() as session:
            detail = {"sql": told(sql), "format": form, "rows": exported.rows, "size": exported.size}
            dataset_id, user_id = asked.dataset.id, caller.user_id
            kind = EventKind.RESULT_EXPORTED
            record(session, kind, user_id=user_id, dataset_id=dataset_id, file_id=file_id, detail=detail)
        return ExportedResult(url, file_name, exported.rows, exported.size, RESULT_LIFE)

    def save(
        self, caller: Caller, file_id: uuid.UUID, sql: str, *, name: str, cancel: Cancel | None = None
    ) -> uuid.UUID:
        """Keep the whole answer as a new dataset of the caller's, a Parquet file; its description says where it comes
        from.

        Raises InvalidName, DatasetNameTaken, ReadOnly, too; nothing is kept then.
        """
        check_writes(caller)
        name = clean_name(name)
        asked = self._ask(caller, file_id, sql)
        with self._written("save", asked, sql, "parquet", cancel) as (path, exported), path.open("rb") as data:
            new = NewUpload(
                f"{SLASHES.sub('-', name)}.parquet", exported.size, name=name, description=_origin(asked, sql)
            )
            detail = self.uploads.put(caller, new, data)
        with self.database.transaction() as session:
            made_from = {"dataset": asked.dataset.name, "version": asked.file.version, "sql": told(sql)}
            dataset_id, new_file, user_id = detail.summary.id, detail.summary.file_id, caller.user_id
            kind = EventKind.RESULT_SAVED
            record(session, kind, user_id=user_id, dataset_id=dataset_id, file_id=new_file, detail=made_from)
        return dataset_id

    def rows(
        self,
        caller: Caller,
        file_id: uuid.UUID,
        conditions: Sequence[Condition],
        *,
        columns: Sequence[str] | None = None,
        rows: int = 100,
        offset: int = 0,
        cancel: Cancel | None = None,
    ) -> Preview:
        """The rows that meet all conditions, a page of them; `total_rows` counts those. Raises InvalidRange, too."""
        if not 1 <= rows <= MOST_ROWS or not 0 <= offset < 2**63:
            raise InvalidRange(f"A page has 1 to {MOST_ROWS:,} rows from row 0 on.")
        if len(conditions) > MOST_CONDITIONS:
            raise InvalidRange(f"There can be {MOST_CONDITIONS} conditions at once.")
        if columns is not None and not 1 <= len(columns) <= MOST_CHOSEN:
            raise InvalidRange(f"Choose 1 to {MOST_CHOSEN:,} columns.")
        file, data = self._find(caller, file_id)
        with self._turn("rows", file, cancel):
            return self.analyst.rows(data, conditions, columns=columns, rows=rows, offset=offset, cancel=cancel)

    def examples(self, caller: Caller, file_id: uuid.UUID) -> list[QueryExample]:
        """Queries to begin with, made from the file's own columns; none where they are not known yet."""
        with self.database.session() as session:
            file, _ = find_readable(session, caller, file_id)
            named = select(Column.name, Column.type).where(Column.file_id == file.id).order_by(col(Column.position))
            columns = [(name, kind) for name, kind in session.exec(named.limit(1000))]
            earlier = select(File.version).where(
                File.dataset_id == file.dataset_id, File.status == FileStatus.READY, col(File.version) < file.version
            )
            before = session.exec(earlier.order_by(col(File.version).desc()).limit(1)).first()
        return query_examples(columns, self.profiles.known(caller, file_id), before=before)

    def _find(self, caller: Caller, file_id: uuid.UUID) -> tuple[File, Data]:
        with self.database.session() as session:
            file, read_as = find_readable(session, caller, file_id)
        return file, data_of(self.storages, file, read_as)

    def _ask(self, caller: Caller, file_id: uuid.UUID, sql: str) -> _Asked:
        if len(sql) > LONGEST_SQL:
            raise InvalidRange(f"The query has {len(sql):,} characters; {LONGEST_SQL:,} is the most.")
        with self.database.session() as session:
            file, read_as = find_readable(session, caller, file_id)
            dataset = session.get_one(Dataset, file.dataset_id)
            # Only those that the query could mean: each is opened before it runs.
            numbers = {int(number) for number in VERSION.findall(sql)}
            versions = select(File).where(
                File.dataset_id == dataset.id, File.status == FileStatus.READY, col(File.version).in_(numbers)
            )
            named = {f"v{one.version}": one for one in session.exec(versions)} if numbers else {}
        tables = {name: data_of(self.storages, one, read_as) for name, one in {"data": file, **named}.items()}
        return _Asked(file, dataset, tables)

    @contextmanager
    def _written(
        self, act: str, asked: _Asked, sql: str, form: Format, cancel: Cancel | None
    ) -> Iterator[tuple[Path, Exported]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="result-", dir=self.folder) as folder:
            path = Path(folder) / f"result.{form}"
            with self._turn(act, asked.file, cancel):
                exported = self.analyst.export(asked.tables, sql, format=form, to=path, cancel=cancel)
            yield path, exported

    @contextmanager
    def _turn(self, act: str, file: File, cancel: Cancel | None) -> Iterator[None]:
        with counted(act), self.gate.turn(cancel), stores_words(file, act):
            yield


@contextmanager
def counted(act: str) -> Iterator[None]:
    """Count a query and its seconds by how it ends."""
    began, outcome = time.perf_counter(), "ok"
    try:
        yield
    except Exception as error:
        outcome = type(error).__name__
        raise
    finally:
        QUERIES.labels(act, outcome).inc()
        QUERY_SECONDS.labels(act).observe(time.perf_counter() - began)


def _origin(asked: _Asked, sql: str) -> str:
    said = f"Result of a query over “{asked.dataset.name}” version {asked.file.version} ({asked.file.file_name}):"
    return f"{said}\n\n{told(sql)}"[:LONGEST_DESCRIPTION]


def told(sql: str) -> str:
    """The query as an event and a description keep it: not too long, and without what no database stores."""
    plain = "".join(" " if has_control(c, allowed="\n\t") else c for c in sql.strip()[:SHOWN_SQL])
    return plain if len(sql.strip()) <= SHOWN_SQL else f"{plain} …"
