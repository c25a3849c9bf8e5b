"""A user's SELECT, and the first rows of what it gives in the preview's shape."""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from preview.arrow_cells import Arrow, type_name
from preview.engine.complaints import complaint
from preview.engine.connect import connect
from preview.engine.fence import Connection, bare, checked, lock
from preview.engine.tasks import COPYING, Answer, Desk
from preview.errors import ResultTooBig
from preview.limits import Limits
from preview.result import JsonValue
from preview.table import Cells, Table, number, payload, unique_names

MOST_ROWS: Final = 10_000
BATCH: Final = 2048
"""Rows fetched at once: DuckDB's own vectors."""

AS_TEXT: Final = ("BIGNUM", "BIT", "GEOMETRY", "TIME WITH TIME ZONE", "UHUGEINT", "VARIANT")
"""Types that Arrow has none for, or that lose something on the way: their text is exact."""
_AS_THEY_ARE: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "FLOAT",
        "DOUBLE",
        "BOOLEAN",
        "DATE",
        "VARCHAR",
    }
)
"""Types that Arrow writes into CSV as DuckDB would."""
_WHOLE: Final = frozenset({"HUGEINT", "UHUGEINT", "BIGNUM"})


class Rows:
    """The result of one SELECT as record batches. `types` are DuckDB's names of the column types, `schema` is Arrow's
    once the first batch was asked for."""

    def __init__(
        self,
        con: Connection,
        sql: str,
        values: Sequence[Any] = (),
        *,
        as_text: tuple[str, ...] = AS_TEXT,
        as_csv: bool = False,
    ) -> None:
        """`as_text` are the beginnings of types whose values come as text; `as_csv`: all that CSV writes otherwise."""
        relation = _bound(con, sql, values)
        self.names, self.notes = unique_names(relation.columns)
        self.types = [str(kind) for kind in relation.types]
        shown = [_shown(f"c{place}", kind, as_text, as_csv) for place, kind in enumerate(self.types)]
        if any(value.startswith(("CAST", "to_")) for value in shown):
            names = ", ".join(f"c{place}" for place in range(len(shown)))
            relation = _bound(con, f"SELECT {', '.join(shown)} FROM (\n{bare(sql)}\n) AS result({names})", values)
        self._relation = relation
        self.schema: Any = None

    def batches(self, size: int) -> Generator[Any, None, None]:
        """Record batches of up to `size` rows, made while they are asked for."""
        reader = self._relation.to_arrow_reader(size)
        self.schema = reader.schema
        try:
            yield from reader
        finally:
            # A connection has one result at a time.
            del reader


def run(
    con: Connection, sql: str, *, tables: Collection[str], limit: int, limits: Limits
) -> tuple[dict[str, JsonValue], bytes]:
    """The facts (`Preview`'s, and `more`, `seconds`) and the rows as JSON: at most `limit`, and 10,000, of them.

    Raises QueryRefused, QueryFailed, ResultTooBig.
    """
    begun = time.perf_counter()
    limit = max(0, min(limit, MOST_ROWS))
    checked(con, sql, tables)
    with complaining(sql):
        rows = Rows(con, sql)
        found, more = first_rows(rows, limit, limits)
    table = table_of(rows, found, limit, limits=limits)
    if more:
        table.total_rows, table.partial = None, True
    facts, text = payload(table, offset=0, limits=limits)
    return {**facts, "more": more, "seconds": time.perf_counter() - begun}, text


def prepare(desk: Desk, task: dict[str, Any]) -> Answer:
    """Make what reading the tables needs: the columnar copies of those that are not Parquet."""
    # Nothing of a user's runs here, so it may go to disk; a text of many short rows would not fit otherwise.
    with desk.spill() as spill, connect(memory=min(COPYING, desk.memory), spill=Path(spill)) as engine:
        for name, plain in task["tables"].items():
            desk.open(engine, name, plain, on_progress=desk.on_progress)
    return {}, b""


def query(desk: Desk, task: dict[str, Any]) -> Answer:
    """Answer `Analyst.query`."""
    with fenced(desk, task["tables"]) as con:
        return run(con, task["sql"], tables=set(task["tables"]), limit=task["limit"], limits=desk.limits)


@contextmanager
def fenced(desk: Desk, tables: Mapping[str, dict[str, Any]]) -> Iterator[Connection]:
    """A locked connection that has these tables."""
    with connect(memory=desk.memory) as engine:
        opened = [desk.open(engine, name, plain) for name, plain in tables.items()]
        lock(engine.con, files=[table.path for table in opened])
        yield engine.con


@contextmanager
def complaining(sql: str) -> Iterator[None]:
    """Whatever DuckDB raises inside leaves as a PreviewError about this SQL."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, MemoryError, OSError) as error:
        raise complaint(error, sql) from None


def _bound(con: Connection, sql: str, values: Sequence[Any]) -> Any:
    try:
        return con.sql(sql, params=list(values) or None)
    except duckdb.Error:
        # `sql` loses the place in the query on its way, `execute` keeps it; what cannot be bound takes no time.
        con.execute(sql, list(values) or None)
        raise


def _shown(name: str, kind: str, as_text: tuple[str, ...], as_csv: bool) -> str:  # noqa: FBT001
    nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))
    if as_csv and kind == "BLOB":
        return f"to_base64({name})"
    if as_csv and nested:
        return f"CAST(to_json({name}) AS VARCHAR)"
    if (as_csv and kind not in _AS_THEY_ARE) or (kind.startswith(as_text) and not kind.endswith("]")):
        return f"CAST({name} AS VARCHAR)"
    return name


def first_rows(rows: Rows, limit: int, limits: Limits) -> tuple[list[Any], bool]:
    """Up to `limit` rows as batches, and whether there are more."""
    found: list[Any] = []
    count = size = 0
    for batch in rows.batches(min(limit + 1, BATCH)):
        if count + batch.num_rows > limit:
            found.append(batch.slice(0, limit - count))
            return found, True
        found.append(batch)
        count += batch.num_rows
        size += batch.nbytes
        if size > limits.text:
            raise ResultTooBig(
                f"The first {count:,} rows of this result are more than {limits.text // 1_000_000:,} MB. Ask for fewer "
                "columns or rows, or shorten long texts with left(column, 100)."
            )
    return found, False


def table_of(rows: Rows, batches: list[Any], limit: int, *, limits: Limits) -> Table:
    """The batches as cells; as many columns as so many rows leave room for."""
    kept = limits.for_rows(limit).columns
    convert = Arrow(cell=limits.cell)
    cells = []
    for place, (name, kind) in enumerate(zip(rows.names[:kept], rows.types, strict=False)):
        values: list[JsonValue] = []
        for batch in batches:
            values.extend(convert.values(batch.column(place)))
        cells.append(_whole(Cells(name, type_name(rows.schema.field(place).type), values), kind))
    notes = list(rows.notes)
    if len(rows.names) > kept:
        notes.append(f"The first {kept:,} of {len(rows.names):,} columns are shown.")
    if convert.cut:
        notes.append(f"{convert.cut:,} long {'cell is' if convert.cut == 1 else 'cells are'} cut.")
    count = sum(batch.num_rows for batch in batches)
    return Table(cells, count, "sql", (), count, column_count=len(rows.names), notes=notes)


def _whole(cells: Cells, kind: str) -> Cells:
    """Whole numbers past 64 bits as what they are; Arrow carries them as decimals or texts."""
    if kind not in _WHOLE:
        return cells
    return Cells(
        cells.name, "integer", [None if value is None else number(int(Decimal(str(value)))) for value in cells.values]
    )
