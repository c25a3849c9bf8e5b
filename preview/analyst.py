"""Questions about whole files (statistics, SQL, filters, charts), answered by DuckDB in worker processes.

The app's side: nothing here imports DuckDB or reads a file. Safe to call from many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from preview.asking import Cancel, ChartData, ChartSpec, Condition, Data, Exported, QueryResult
from preview.errors import ResultTooBig, TimedOut, WorkerCrashed
from preview.limits import Limits
from preview.pool import Pool
from preview.previewer import preview_of
from preview.profile import Profile
from preview.result import Preview

IDLE: Final = timedelta(seconds=60)
"""How long a worker waits for the next question before it gives its memory back."""
PREPARED: Final = 10_000
"""Files known to be ready for a query; forgotten together, for asking again costs little."""
QUICK: Final = timedelta(seconds=20)
"""What a first answer may take; it is of use only while the whole one is not there."""


class Analyst:
    """Asks workers, each of which may hold `memory` bytes. `workers` bounds how many queries, filters and charts are
    answered at once, `query_timeout` how long one may take; statistics have a worker of their own, and `timeout` for
    one file, or for making a copy of it. `copies` is the folder of the columnar copies, of at most `copies_limit`
    bytes; a result written to a file may have `export_limit` bytes.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        workers: int,
        memory: int,
        timeout: timedelta,
        copies: Path,
        copies_limit: int,
        idle: timedelta = IDLE,
        query_timeout: timedelta = timedelta(seconds=30),
        export_limit: int = 2_000_000_000,
    ) -> None:
        self._timeout = timeout
        self._query_timeout = query_timeout
        self.export_limit = export_limit
        self._common = {
            "limits": limits.to_plain(),
            "copies": str(copies.resolve()),
            "copies_limit": copies_limit,
        }
        # Statistics of a large file take minutes: no query waits for them, nor they for the time of a query.
        self._whole = Pool("engine-whole", size=1, memory=memory, nice=10, idle=idle, module="preview.engine.worker")
        self._queries = Pool(
            "engine-query", size=workers, memory=memory, nice=0, idle=idle, module="preview.engine.worker"
        )
        self._prepared: set[str] = set()
        # A first answer does not wait behind the whole ones.
        self._quick = Pool("engine-quick", size=1, memory=memory, nice=0, idle=idle, module="preview.engine.worker")

    def profile(
        self, data: Data, *, on_progress: Callable[[float], None] | None = None, cancel: Cancel | None = None
    ) -> Profile:
        """The statistics of all columns over all rows. Raises every PreviewError; Cancelled where `cancel` is set."""
        task = {**self._common, "ask": "profile", "data": data_to_plain(data)}
        facts, _ = self._whole.run(task, timeout=self._timeout, on_progress=on_progress, cancel=cancel)
        return Profile.from_plain(facts)

    def quick_profile(self, data: Data) -> Profile:
        """A first, partial answer from a footer or from blocks spread over the file. Raises every PreviewError."""
        task = {**self._common, "ask": "quick_profile", "data": data_to_plain(data)}
        facts, _ = self._quick.run(task, timeout=min(QUICK, self._timeout))
        return Profile.from_plain(facts)

    def query(self, tables: Mapping[str, Data], sql: str, *, limit: int, cancel: Cancel | None = None) -> QueryResult:
        """The first `limit` rows, at most 10,000, of one SELECT over the tables. Raises QueryRefused, QueryFailed,
        ResultTooBig, and every other PreviewError.
        """
        task = {"tables": _plain_tables(tables), "sql": sql, "limit": limit}
        facts, rows = self._answer("query", task, tables.values(), cancel)
        return QueryResult(preview_of(facts, rows), bool(facts["more"]), float(facts["seconds"]))

    def export(
        self,
        tables: Mapping[str, Data],
        sql: str,
        *,
        format: Literal["parquet", "csv"],  # noqa: A002  # what it is called everywhere else
        to: Path,
        cancel: Cancel | None = None,
    ) -> Exported:
        """Write all rows of one SELECT to the file `to`, which is there only if this returns. Raises as `query`."""
        task = {
            "tables": _plain_tables(tables),
            "sql": sql,
            "format": format,
            "to": str(to.resolve()),
            "most": self.export_limit,
        }
        return self._exported("export", task, tables.values(), to, cancel)

    def excerpt(
        self,
        data: Data,
        *,
        columns: Sequence[str] | None,
        where: str | None,
        format: Literal["parquet", "csv"],  # noqa: A002  # what it is called everywhere else
        to: Path,
        cancel: Cancel | None = None,
    ) -> Exported:
        """Write these columns (None: all) of the rows that meet the SQL condition `where` (None: all) to the file `to`,
        which is there only if this returns. In the condition the file is the table `data`. Raises as `query`; the
        place in an error is one in the condition.
        """
        task = {
            "data": data_to_plain(data),
            "columns": None if columns is None else list(columns),
            "where": where,
            "format": format,
            "to": str(to.resolve()),
            "most": self.export_limit,
        }
        return self._exported("excerpt", task, [data], to, cancel)

    def chart(self, data: Data, spec: ChartSpec, *, cancel: Cancel | None = None) -> ChartData:
        """A chart's few records. Raises QueryFailed where a column is gone or does not fit, and every PreviewError."""
        facts, _ = self._answer("chart", {"data": data_to_plain(data), "spec": asdict(spec)}, [data], cancel)
        return ChartData.from_plain(facts)

    def rows(
        self,
        data: Data,
        conditions: Sequence[Condition],
        *,
        columns: Sequence[str] | None = None,
        rows: int = 100,
        offset: int = 0,
        cancel: Cancel | None = None,
    ) -> Preview:
        """The rows that match all conditions, in the file's order; `total_rows` is how many do. Raises QueryFailed for
        a column that is gone or a value it cannot have, and every PreviewError.
        """
        task = {
            "data": data_to_plain(data),
            "conditions": [asdict(condition) for condition in conditions],
            "columns": list(columns) if columns is not None else None,
            "rows": rows,
            "offset": offset,
        }
        return preview_of(*self._answer("rows", task, [data], cancel))

    def _exported(
        self, what: str, task: dict[str, Any], read: Collection[Data], to: Path, cancel: Cancel | None
    ) -> Exported:
        try:
            facts, _ = self._answer(what, task, read, cancel)
        except BaseException:
            # A worker that was killed could not tidy up.
            to.unlink(missing_ok=True)
            raise
        columns = tuple((str(name), str(kind)) for name, kind in facts["columns"])
        return Exported(int(facts["rows"]), int(facts["size"]), columns)

    def _answer(
        self, what: str, task: dict[str, Any], read: Collection[Data], cancel: Cancel | None
    ) -> tuple[dict[str, Any], bytes]:
        """Ask what a user waits for. A file's copy is made before, for the time a query has is not meant for that."""
        wanted_by_key = {data.cache_key + data.read_as.key: data for data in read}
        fresh = {key: data for key, data in wanted_by_key.items() if key not in self._prepared}
        if fresh:
            wanted = {f"t{place}": data_to_plain(data) for place, data in enumerate(fresh.values())}
            self._queries.run(
                {**self._common, "ask": "prepare", "tables": wanted}, timeout=self._timeout, cancel=cancel
            )
            if len(self._prepared) > PREPARED:
                self._prepared.clear()
            self._prepared.update(fresh)
        try:
            return self._queries.run({**self._common, "ask": what, **task}, timeout=self._query_timeout, cancel=cancel)
        except TimedOut:
            # A copy may have been dropped for others, and its making again be what took so long.
            self._prepared.difference_update(wanted_by_key)
            seconds = f"{self._query_timeout.total_seconds():g}"
            raise TimedOut(
                f"This took longer than {seconds} s and was stopped. Ask for less: fewer rows by WHERE, fewer columns, "
                "or a smaller join."
            ) from None
        except WorkerCrashed:
            raise ResultTooBig(
                "This needs more memory than it may use. Ask for fewer rows or columns, aggregate earlier, "
                "or sort less."
            ) from None

    def close(self) -> None:
        """Kill the workers. What is under way, and what is asked later, raises an error."""
        self._queries.close()
        self._whole.close()
        self._quick.close()


def _plain_tables(tables: Mapping[str, Data]) -> dict[str, dict[str, Any]]:
    return {name: data_to_plain(data) for name, data in tables.items()}


def data_to_plain(data: Data) -> dict[str, Any]:
    """A file as a task carries it."""
    return {
        "source": asdict(data.source),
        "cache_key": data.cache_key,
        "read_as": data.read_as.to_plain(),
    }
