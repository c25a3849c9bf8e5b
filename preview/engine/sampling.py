"""A part of a file that is read at once: a Parquet footer, blocks from all over a text, or the first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from preview.asking import Data
from preview.delimited import delimited_dialect, read_delimited
from preview.dialect import Dialect
from preview.encoding import decode
from preview.engine.connect import quoted
from preview.engine.kinds import MISFIT, TEXT, Kind, guess, judged, judging
from preview.engine.tables import VALUES, TableColumn, sql_names
from preview.engine.whole import columns_of
from preview.engine.wide import judged_columns, typed_columns
from preview.json_document import read_json
from preview.json_lines import read_json_lines
from preview.limits import Limits
from preview.opened_text import Text
from preview.reader import Job, finished, read_file
from preview.row_ends import RowEnds
from preview.streams import RangeFile
from preview.table import Table, clean
from preview.transport import open_transport

BLOCKS: Final = 16
BLOCK: Final = 128 * 1024
"""Bytes of each of so many blocks, spread evenly over a text: 2 MiB take half a second in all."""
FIRST_ROWS: Final = 2_000
SAMPLED: Final = "sampled"
WIDE: Final = 500
"""Columns above which Arrow holds the sample."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A table in DuckDB under the name `SAMPLED`. `how` says in words what it covers, None where that is all."""

    columns: tuple[TableColumn, ...]
    table: Table
    how: str | None


def sample(con: Any, data: Data, *, limits: Limits) -> Sample:
    """Make the sample of a file that is not Parquet. Raises every PreviewError but TimedOut and WorkerCrashed."""
    file = RangeFile(open_transport(data.source), data.source.size)
    sampler = _Sampler(con, file)
    job = Job(data.source.file_name, FIRST_ROWS, 0, limits, None, data.read_as, None, sampler.take)
    table = finished(read_file(file, job), job)
    if sampler.found is not None:
        return replace(sampler.found, table=table)
    whole = table.total_rows == table.rows and not table.partial
    return _made(con, table, None if whole else f"the first {table.rows:,} rows")


@dataclass(slots=True)
class _Sampler:
    con: Any
    file: RangeFile
    found: Sample | None = field(default=None)

    def take(self, text: Text, kind: str, job: Job) -> Table:
        if kind == "jsonl":
            return read_json_lines(text, **job.page)
        if kind == "json":
            return read_json(text, **job.page)
        if text.enter is None or job.read_as.types:
            return read_delimited(text, named=job.named, said=job.read_as, **job.page)
        table = read_delimited(text, named=job.named, said=job.read_as, **{**job.page, "rows": 0})
        dialect = delimited_dialect(text, job.named, job.read_as)
        names = [cells.name for cells in table.cells]
        rows: list[Sequence[str]] = []
        for place, data in enumerate(_blocks(self.file)):
            rows.extend(_rows(data, text, dialect, len(names) if place else None))
        how = None if self.file.size <= BLOCKS * BLOCK else f"a sample of {len(rows):,} rows from all over the file"
        arrays = [
            pa.array([clean(row[place]) or None if place < len(row) else None for row in rows], pa.large_string())
            for place in range(len(names))
        ]
        kinds = [
            guess(cells.type, [row[place] for row in rows[:100] if place < len(row)])
            for place, cells in enumerate(table.cells)
        ]
        if len(names) > WIDE:
            self.found = Sample(_typed_wide(self.con, names, kinds, arrays), table, how)
            return table
        self.con.register("rows_read", pa.table(arrays, names=[f"c{place}" for place in range(len(names))]))
        try:
            columns = _typed(self.con, names, kinds, said=None)
        except duckdb.Error as error:
            if MISFIT not in str(error):
                raise
            lists = ", ".join(f"{judging(f'c{place}')} AS j{place}" for place in range(len(names)))
            (answer,) = self.con.execute(f"SELECT {lists} FROM rows_read").fetchall()
            columns = _typed(self.con, names, [judged(found) for found in answer], said=None)
        self.found = Sample(columns, table, how)
        return table


def _blocks(file: RangeFile) -> Iterator[bytes]:
    """The blocks, the first one first; the whole file where it is no larger than they are."""
    if file.size <= BLOCKS * BLOCK:
        yield file.read_at(0, file.size)
        return
    for place in range(BLOCKS):
        yield file.read_exactly_at((file.size - BLOCK) * place // (BLOCKS - 1), BLOCK)


def _rows(data: bytes, text: Text, dialect: Dialect, width: int | None) -> list[list[str]]:
    """The whole rows of a block: of the first, those of values; of a later one, those of the table's width, for it may
    begin within a quoted cell."""
    if width is not None:
        begin = data.find(b"\n") + 1
        data = data[begin : data.rfind(b"\n") + 1]
    elif len(data) == BLOCK:
        ends = RowEnds(dialect).feed(data)
        data = data[: int(ends[-1])] if len(ends) else b""
    rows = dialect.parse(decode(data[text.start or 0 if width is None else 0 :], text.encoding)[0])
    return rows[dialect.leading_rows :] if width is None else [row for row in rows if len(row) == width]


def _made(con: Any, table: Table, how: str | None) -> Sample:
    arrays, types, stores = columns_of(con, table.cells)
    con.register("rows_read", pa.table(arrays, names=[f"c{place}" for place in range(len(arrays))]))
    columns = _typed(
        con, [cells.name for cells in table.cells], [TEXT] * len(arrays), said=list(zip(types, stores, strict=True))
    )
    return Sample(columns, table, how)


def _typed(
    con: Any, names: Sequence[str], kinds: Sequence[Kind], *, said: Sequence[tuple[str, str]] | None
) -> tuple[TableColumn, ...]:
    """The table of the rows read; `said` are types and stores where they are not those of the kinds."""
    pairs = said if said is not None else [(kind.type, kind.store) for kind in kinds]
    types, stores = [kind for kind, _ in pairs], [store for _, store in pairs]
    shown = sql_names(names)
    values = ", ".join(
        f"{VALUES[store].format(kind.checked(f'c{place}', place))} AS {quoted(name)}"
        for place, (kind, store, name) in enumerate(zip(kinds, stores, shown, strict=True))
    )
    con.execute(f"CREATE OR REPLACE TABLE {SAMPLED} AS SELECT {values} FROM rows_read")
    con.unregister("rows_read")
    return _described(con, names, types)


def _typed_wide(con: Any, names: Sequence[str], kinds: list[Kind], arrays: Sequence[Any]) -> tuple[TableColumn, ...]:
    """The same for very many columns, which Arrow holds: a statement over all of them takes DuckDB too much memory."""
    inner = [f"c{place}" for place in range(len(names))]
    texts = pa.table([array.cast(pa.string()) for array in arrays], names=inner)
    typed, wrong = typed_columns(con, kinds, texts)
    if wrong:
        for place, kind in zip(wrong, judged_columns(con, [texts], wrong), strict=True):
            kinds[place] = kind
        typed, _ = typed_columns(con, kinds, texts)
    con.register("rows_typed", pa.table([typed[place] for place in range(len(names))], names=inner))
    values = ", ".join(
        f"{VALUES[kind.store].format(column)} AS {quoted(name)}"
        for kind, column, name in zip(kinds, inner, sql_names(names), strict=True)
    )
    con.execute(f"CREATE OR REPLACE VIEW {SAMPLED} AS SELECT {values} FROM rows_typed")
    return _described(con, names, [kind.type for kind in kinds])


def _described(con: Any, names: Sequence[str], types: Sequence[str]) -> tuple[TableColumn, ...]:
    shown = sql_names(names)
    described = con.execute(f"DESCRIBE {SAMPLED}").fetchall()
    return tuple(
        TableColumn(name, kind, sql, str(row[1]))
        for name, kind, sql, row in zip(names, types, shown, described, strict=True)
    )


def footer_facts(data: Data, names: Sequence[str]) -> list[dict[str, Any]] | None:
    """What a Parquet footer says of each column over all rows: `nulls`, `min`, `max` (as Python values, None where they
    are not kept); or None where it does not count the nulls of them all, as with nested columns."""
    metadata = pq.ParquetFile(RangeFile(open_transport(data.source), data.source.size)).metadata
    if metadata.num_columns != len(metadata.schema.to_arrow_schema().names) or len(names) > metadata.num_columns:
        return None
    facts: list[dict[str, Any]] = [{"nulls": 0, "lows": [], "highs": []} for _ in names]
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for place, found in enumerate(facts):
            statistics = row_group.column(place).statistics
            if statistics is None or not statistics.has_null_count or row_group.column(place).path_in_schema.count("."):
                return None
            found["nulls"] += statistics.null_count
            if statistics.has_min_max:
                found["lows"].append(statistics.min)
                found["highs"].append(statistics.max)
            elif statistics.null_count < row_group.num_rows:
                found["unknown"] = True
    for found in facts:
        lows, highs = found.pop("lows"), found.pop("highs")
        known = lows and not found.pop("unknown", False)
        found["min"], found["max"] = (min(lows), max(highs)) if known else (None, None)
    return facts
