"""A file as Parquet, every value kept, columns typed over all rows: what statistics and queries read.

The length is that of the ways to read a text: through DuckDB, Arrow or Python, where the one before cannot keep every
value.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from preview.asking import Data
from preview.delimited import delimited_dialect, read_delimited
from preview.dialect import Dialect
from preview.engine.arrow_copy import ArrowColumns
from preview.engine.connect import Engine, literal
from preview.engine.facts import Facts
from preview.engine.json_copy import document_as_columns, lines_as_columns
from preview.engine.kinds import MISFIT, TEXT, Kind, guess, judged, judging
from preview.engine.records import RecordColumns
from preview.engine.text_rows import Pipe, Values, csv_relation, is_plain, parsed_rows, recoded
from preview.engine.whole import columns_of
from preview.engine.wide import PLAIN, beside, copy_wide, write_plain, write_unquoted
from preview.errors import NoTable, TooBig
from preview.ipc_batches import batches_of
from preview.json_document import NoRows, read_json
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.reader import Job, finished, read_file
from preview.said_types import PARSE, check_type
from preview.streams import Forward, RangeFile
from preview.table import Table, clean, nested_text, unique_names
from preview.text_cells import FLOAT
from preview.transport import Transport, open_transport

ALL: Final = 1 << 60
WIDE: Final = 500
"""Columns above which a text is parsed by Arrow."""
GROUP_CELLS: Final = 600_000
"""Cells of a row group: what the writer holds at once, for each of its threads."""
WRITTEN: Final = "COMPRESSION lz4_raw, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 2000, WRITE_BLOOM_FILTER false"
"""Version 2's encodings make the copy a fifth smaller and cheaper to write; what has very many values gains nothing
from a dictionary, and nobody looks for single values by a filter."""


class _Batches:
    """Parsed rows as record batches of text columns c0, c1 …; empty cells are null.

    `longest` is the number of cells of the longest row; `lost` counts the cells that are not of the type said for their
    column; `error` is what kept the text from being read.
    """

    def __init__(self, text: Text, dialect: Dialect, shown: int, said: Mapping[int, str], limits: Limits) -> None:
        self.schema = pa.schema([(f"c{place}", pa.large_string()) for place in range(shown)])
        self.longest = 0
        self.lost: Counter[int] = Counter()
        self.error: Exception | None = None
        self._rows = parsed_rows(text, dialect, limits)
        self._said = said

    def __iter__(self) -> Iterator[Any]:
        try:
            for rows in self._rows:
                self.longest = max(self.longest, max(map(len, rows), default=0))
                columns = [self._column(rows, place) for place in range(len(self.schema))]
                yield pa.RecordBatch.from_arrays(columns, schema=self.schema)
        except Exception as error:
            self.error = error
            raise

    def _column(self, rows: Sequence[Sequence[str]], place: int) -> Any:
        cells = [(clean(row[place]) or None) if place < len(row) else None for row in rows]
        if place in self._said:
            parse = PARSE[self._said[place]]
            values = [None if cell is None else parse(cell) for cell in cells]
            self.lost[place] += sum(
                value is None and cell is not None for value, cell in zip(values, cells, strict=True)
            )
            cells = [value if value is None or isinstance(value, str) else nested_text(value) for value in values]
        return pa.array(cells, pa.large_string())


def _may_be_number(cells: Sequence[str | None]) -> bool:
    first = next((cell for cell in cells if cell), "")
    return re.fullmatch(FLOAT[1:-1], first) is not None


class _Again(Exception):  # never leaves this module
    """The file has to be read once more, in another way."""


class WatchedFile(RangeFile):
    """Tells how far a file has been read, and looks each time whether it may be read on."""

    def __init__(
        self, transport: Transport, size: int, on_progress: Callable[[float], None] | None, check: Callable[[], None]
    ) -> None:
        super().__init__(transport, size)
        self._on_progress, self._check = on_progress, check
        self.in_order = True
        """Whether what was read last says how far all has been."""
        self._furthest = 0

    def _fetch(self, start: int, length: int) -> bytes:
        self._check()
        data = super()._fetch(start, length)
        if start + length > self._furthest:
            self._furthest = start + length
            if self._on_progress is not None and self.in_order:
                self._on_progress(min(1.0, self._furthest / max(self.size, 1)))
        return data


def convert(
    engine: Engine,
    data: Data,
    target: Path,
    *,
    limits: Limits,
    on_progress: Callable[[float], None] | None,
    check: Callable[[], None],
) -> Facts:
    """Write the file as Parquet to `target`, which is there and empty. `check` may raise, at any moment.

    Raises every PreviewError but TimedOut and WorkerCrashed.
    """
    if data.source.size == 0:
        raise NoTable("The file is empty (0 bytes), so there is nothing to show.")
    said = dict(data.read_as.types)
    conversion = _Conversion(
        engine,
        target,
        said,
        limits,
        RecordColumns(engine.con, target, limits, said),
        ArrowColumns(engine.con, target, limits, said, check, on_progress or (lambda _: None)),
    )
    # One that has to be held whole is bounded by the worker's memory alone.
    everything = replace(limits, cells=ALL, cell=ALL, rows=ALL, skip=ALL, rows_text=ALL, text=ALL)
    job = Job(
        data.source.file_name, ALL, 0, everything, None, data.read_as, None, conversion.take, conversion.take_arrow
    )
    while True:
        file = WatchedFile(open_transport(data.source), data.source.size, on_progress, check)
        try:
            table = read_file(file, job)
            break
        except _Again:
            continue
        except MemoryError:
            raise TooBig(
                f"Reading all of this file needs more memory than the {limits.memory // MB:,} MB one may use."
            ) from None
        except RecursionError:
            raise TooBig("This file is nested deeper than is read (about 1,000 levels).") from None
    if conversion.facts is None:
        conversion.write_whole(finished(table, job))
    facts = conversion.facts
    assert facts is not None
    table.notes[:] = [note for note in table.notes if not note.endswith("is cut; download the file for the whole.")]
    return replace(
        facts,
        format=table.format,
        read_as=tuple(table.read_as),
        notes=(*table.notes, *conversion.notes),
        detected=replace(
            table.detected, chosen=tuple(name for name in data.read_as.to_plain() if name in table.detected.to_plain())
        ),
    )


@dataclass(slots=True)
class _Conversion:
    """How one file is read in the end; each attempt may teach what the next one needs."""

    engine: Engine
    target: Path
    said: dict[str, str]
    limits: Limits
    records: RecordColumns
    arrow: ArrowColumns
    whole: bool = False
    fast: bool = True
    width: int = 0
    kinds: list[Kind] | None = None
    judge: bool = False
    facts: Facts | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, text: Text, kind: str, job: Job) -> Table:
        """Read a text to its end; see `reader.Job`."""
        if kind == "jsonl":
            lines = lines_as_columns(text, self.records, self.limits)
            return self._known(lines, self.records.stores)
        if kind == "json" and self.whole:
            return read_json(text, **job.page)
        if kind == "json":
            try:
                rows = document_as_columns(text, self.records, job.limits)
                return self._known(rows, self.records.stores)
            except NoRows:
                self.whole = True
                raise _Again from None
        table = read_delimited(text, named=job.named, said=job.read_as, **{**job.page, "rows": 0})
        if (table.column_count or 0) > WIDE and job.read_as.types:
            # What a user says of types is looked at cell by cell.
            return read_delimited(text, named=job.named, said=job.read_as, **job.page)
        dialect = delimited_dialect(text, job.named, job.read_as)
        self._delimited(text, dialect, table)
        return table

    def take_arrow(self, source: RangeFile | Forward, kind: str, job: Job) -> Table:
        """Read Arrow to its end; see `reader.Job`."""
        if isinstance(source, WatchedFile) and kind == "file":
            source.in_order = False
        table = self.arrow.write(batches_of(source, kind, shown=job.limits.columns))
        return self._known(table, self.arrow.stores)

    def _known(self, table: Table | None, stores: tuple[str, ...]) -> Table:
        """A table that has been written without its rows. Raises _Again where it has to be read once more."""
        if table is None:
            raise _Again
        self._know(
            tuple(cells.name for cells in table.cells),
            tuple(cells.type for cells in table.cells),
            stores,
            table.rows,
            table,
        )
        return table

    def write_whole(self, table: Table) -> None:
        """Write a table that is held whole."""
        arrays, types, stores = columns_of(self.engine.con, table.cells)
        names = tuple(cells.name for cells in table.cells)
        stored = pa.table(arrays, names=[f"c{place}" for place in range(len(arrays))])
        group = max(1, GROUP_CELLS // max(len(arrays), 1))
        pq.write_table(stored, self.target, row_group_size=group, compression="lz4")
        self._know(names, types, stores, table.rows, table)

    def _delimited(self, text: Text, dialect: Dialect, table: Table) -> None:
        names = [cells.name for cells in table.cells]
        width = max(self.width, table.column_count or 0)
        if width > len(names) and len(names) < self.limits.columns:
            # A row further on is wider than any of the first.
            names, _ = unique_names((names + [""] * width)[: min(width, self.limits.columns)])
        said = {place: self.said[name] for place, name in enumerate(names) if name in self.said}
        for kind in said.values():
            check_type(kind)
        if self.kinds is None:
            samples = dialect.parse(text.sample())[dialect.leading_rows :]
            first = [[row[place] if place < len(row) else None for row in samples] for place in range(len(names))]
            types = [cells.type for cells in table.cells] + ["null"] * (len(names) - len(table.cells))
            self.kinds = [guess(kind, cells) for kind, cells in zip(types, first, strict=True)]
            # What a user says is looked at cell by cell; and NaN alone is no number, until one comes.
            if said or any(
                kind is TEXT and _may_be_number(cells) for kind, cells in zip(self.kinds, first, strict=True)
            ):
                self.judge = True
        for place, kind in said.items():
            if kind == "string":
                self.kinds[place] = TEXT
        if width > WIDE and not said:
            rows = self._through_arrow(text, dialect, width, len(names))
        elif self.fast and not said and is_plain(dialect, width):
            rows = self._through_duckdb(text, dialect, width, len(names))
        else:
            rows = self._through_python(text, dialect, width, len(names), said)
        kinds = self.kinds
        self.notes.extend(dict.fromkeys(kind.note for kind in kinds if kind.note))
        stores = tuple(kind.store for kind in kinds)
        types_found = tuple(said.get(place, kind.type) for place, kind in enumerate(kinds))
        table.column_count = width
        self._know(tuple(names), types_found, stores, rows, table)

    def _through_duckdb(self, text: Text, dialect: Dialect, width: int, shown: int) -> int:
        values = Values(text, dialect)
        with Pipe(values, text.encoding.codec) as pipe:
            relation = csv_relation(pipe.path, dialect, width)
            try:
                rows = self._run(relation, shown)
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error as error:
                pipe.stop()
                if pipe.error is not None:
                    raise pipe.error from None
                self._learn(error)
                # A row that its parser does not take, or bytes that are no UTF-8.
                self.fast = False
                raise _Again from None
            pipe.finish()
        if rows != values.rows:
            self.fast = False
            raise _Again
        return rows

    def _through_arrow(self, text: Text, dialect: Dialect, width: int, shown: int) -> int:
        """Copy a text of very many columns."""
        assert self.kinds is not None
        with beside(self.target, "rows") as spool:
            values = Values(text, dialect)
            if self.fast and is_plain(dialect, width):
                self.fast = write_unquoted(spool, recoded(values, text.encoding.codec), dialect.quote)
                if not self.fast:
                    raise _Again
                expected = values.rows
            else:
                self.fast = False
                expected, longest = write_plain(spool, parsed_rows(text, dialect, self.limits), width)
                dialect = PLAIN
                if longest > width:
                    self.width, self.kinds = longest, None
                    raise _Again
            try:
                rows, self.kinds = copy_wide(self.engine.con, spool, dialect, self.kinds, width, self.target)
            except pa.ArrowInvalid as error:
                if not self.fast:
                    raise TooBig(f"A row of this file is longer than is read, or broken: {error}.") from None
                rows = -1
        if rows != expected:
            # A row that its parser does not take, or bytes that are no UTF-8.
            self.fast = False
            raise _Again
        return rows

    def _through_python(self, text: Text, dialect: Dialect, width: int, shown: int, said: dict[int, str]) -> int:
        batches = _Batches(text, dialect, shown, said, self.limits)
        reader = pa.RecordBatchReader.from_batches(batches.schema, iter(batches))
        self.engine.con.register("rows_read", reader)
        try:
            rows = self._run("rows_read", shown)
        except duckdb.Error as error:
            if batches.error is not None:
                raise batches.error from None
            self._learn(error)
            raise
        finally:
            self.engine.con.unregister("rows_read")
        if batches.longest > width:
            self.width, self.kinds = batches.longest, None
            raise _Again
        for place, lost in batches.lost.items():
            if lost:
                what = "1 cell is" if lost == 1 else f"{lost:,} cells are"
                self.notes.append(f"Of column {place + 1}, {what} no {said[place]} and taken as empty.")
        return rows

    def _run(self, relation: str, shown: int) -> int:
        """Copy the rows; or judge what the columns are, to copy them the next time."""
        assert self.kinds is not None
        if not self.judge:
            return self._copy(relation, self.kinds)
        lists = ", ".join(f"{judging(f'c{place}')} AS j{place}" for place in range(shown))
        (answer,) = self.engine.con.execute(f"SELECT {lists} FROM {relation}").fetchall()
        self.kinds, self.judge = [judged(found) for found in answer], False
        raise _Again

    def _learn(self, error: duckdb.Error) -> None:
        """Where a cell was not what the first ones promised, judge all cells, and read once more. Raises _Again."""
        if re.search(MISFIT, str(error)):
            self.judge = True
            raise _Again from None

    def _copy(self, relation: str, kinds: list[Kind]) -> int:
        # What is cast is cast once: within a CASE DuckDB would do it again for each branch.
        tried = "".join(f", {kind.tried(f'c{place}')} AS v{place}" for place, kind in enumerate(kinds) if kind.cast)
        values = ", ".join(
            f"{kind.checked(f'c{place}', place, f'v{place}' if kind.cast else None)} AS c{place}"
            for place, kind in enumerate(kinds)
        )
        group = max(2048, GROUP_CELLS // max(len(kinds), 1) // 2048 * 2048)
        ((rows,),) = self.engine.con.execute(
            f"COPY (SELECT {values} FROM (SELECT *{tried} FROM {relation})) TO {literal(str(self.target))} "
            f"(FORMAT parquet, {WRITTEN}, ROW_GROUP_SIZE {group})"
        ).fetchall()
        return int(rows)

    def _know(
        self, names: tuple[str, ...], types: tuple[str, ...], stores: tuple[str, ...], rows: int, table: Table
    ) -> None:
        count = table.column_count or len(names)
        self.facts = Facts(names, types, stores, rows, count, table.format, (), (), table.detected)
