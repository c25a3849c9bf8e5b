"""A text of very many columns as Parquet: parsed by Arrow some rows at a time, and each column turned into its kind.

DuckDB works on 2,048 rows of all the columns of a statement at once, more than once, and plans thousands of columns far
longer than it reads them. Arrow does most of them as well; what it reads in another way than the preview, DuckDB does.
"""

from __future__ import annotations

import csv
import fcntl
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from preview.dialect import Dialect
from preview.engine.kinds import MISFIT, Kind, judged, judging
from preview.table import clean

BLOCK: Final = 8_000_000
"""Bytes of text that are parsed at once; a longer row is read by nobody."""
TOGETHER: Final = 100
JUDGED_TOGETHER: Final = 50
"""Columns of one statement: of one that casts, and of one that tries all kinds."""
PLAIN: Final = Dialect(",", header=False)
DECIMAL: Final = r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$"


@contextmanager
def beside(target: Path, name: str) -> Iterator[Path]:
    """A file in the folder of a copy that is being made, gone with the block; no sweep deletes it before."""
    path = target.with_name(f"{target.name.removesuffix('.tmp')}.{name}.tmp")
    with path.open("wb") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


def write_unquoted(path: Path, blocks: Iterable[bytes], quote: str | None) -> bool:
    """Write a text as it is; False, and not to its end, where there is a quote in it, which Arrow takes for more than
    the preview does."""
    mark = (quote or '"').encode()
    with path.open("wb") as out:
        for block in blocks:
            if mark in block:
                return False
            out.write(block)
    return True


def write_plain(path: Path, rows: Iterable[Sequence[Sequence[str]]], width: int) -> tuple[int, int]:
    """Write rows, in `PLAIN`, each with `width` cells; gives their number and the length of the longest."""
    count = longest = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for some in rows:
            count += len(some)
            longest = max(longest, max(map(len, some), default=0))
            writer.writerows([[clean(cell) for cell in row] + [""] * (width - len(row)) for row in some])
    return count, longest


def copy_wide(
    con: Any, path: Path, dialect: Dialect, kinds: Sequence[Kind], width: int, target: Path
) -> tuple[int, list[Kind]]:
    """Copy the first columns of a text, one for each kind, to `target`, and give the number of rows and the kinds that
    they turned out to be. Raises what DuckDB raises, and pyarrow.ArrowInvalid for a text that is not as said.
    """
    found = list(kinds)
    while True:
        rows, wrong = _copied(con, path, dialect, found, width, target)
        if not wrong:
            return rows, found
        for place, kind in zip(wrong, judged_columns(con, _batches(path, dialect, width), wrong), strict=True):
            found[place] = kind


def _copied(
    con: Any, path: Path, dialect: Dialect, kinds: Sequence[Kind], width: int, target: Path
) -> tuple[int, list[int]]:
    """The number of rows, and the places of columns that are not of their kind: then the copy is of no use."""
    rows = 0
    wrong: set[int] = set()
    writer: Any = None
    try:
        for batch in _batches(path, dialect, width):
            columns, misfits = typed_columns(con, kinds, batch)
            wrong.update(misfits)
            rows += batch.num_rows
            if wrong:
                continue
            table = pa.table({f"c{place}": columns[place] for place in range(len(kinds))})
            if writer is None:
                # A dictionary for each of so many columns would be most of the work.
                writer = pq.ParquetWriter(target, table.schema, compression="lz4", use_dictionary=False)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    if writer is None and not wrong:
        pq.write_table(pa.table({f"c{place}": pa.nulls(0, pa.int32()) for place in range(len(kinds))}), target)
    return rows, sorted(wrong)


def typed_columns(con: Any, kinds: Sequence[Kind], batch: Any) -> tuple[dict[int, Any], list[int]]:
    """The columns of a batch or table of texts as their kinds, by place, and the places of those that may not be of
    their kind. Raises what DuckDB raises."""
    columns: dict[int, Any] = {}
    left, wrong = [], []
    for place, kind in enumerate(kinds):
        column = _quickly(kind, batch.column(place))
        if column is None:
            left.append(place)
        else:
            columns[place] = column
    for begin in range(0, len(left), TOGETHER):
        few = left[begin : begin + TOGETHER]
        found = _slowly(con, kinds, few, batch)
        if found is None:
            wrong.extend(few)
        else:
            columns |= dict(zip(few, found, strict=True))
    return columns, wrong


def _batches(path: Path, dialect: Dialect, width: int) -> Iterator[Any]:
    if not path.stat().st_size:
        return
    names = [f"c{place}" for place in range(width)]
    yield from pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=BLOCK, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=dialect is PLAIN),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
        ),
        # Room for a whole block is asked for each column: malloc's counts as used at once, and goes past the limit.
        memory_pool=pa.mimalloc_memory_pool(),
    )


def _quickly(kind: Kind, column: Any) -> Any | None:
    """The column as Arrow casts it, where that is sure to be right, else None."""
    if kind.name == "text":
        return column
    if column.null_count == len(column) and kind.name in ("empty", "bigint", "double"):
        return pa.nulls(len(column), {"empty": pa.int32(), "bigint": pa.int64(), "double": pa.float64()}[kind.name])
    try:
        if kind.name == "bigint":
            whole = pc.cast(column, pa.int64())
            return whole if pc.cast(whole, pa.string()).equals(column) else None
        if kind.name == "double" and pc.all(pc.match_substring_regex(column, DECIMAL)).as_py():
            return pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        pass
    return None


def _slowly(con: Any, kinds: Sequence[Kind], places: Sequence[int], batch: Any) -> list[Any] | None:
    """The columns as DuckDB casts them, None where a cell of one is not of its kind."""
    values = ", ".join(kinds[place].checked(f"c{place}", place) for place in places)
    con.register("wide_read", pa.table({f"c{place}": batch.column(place) for place in places}))
    try:
        table = con.sql(f"SELECT {values} FROM wide_read").to_arrow_table()
    except duckdb.Error as error:
        if re.search(MISFIT, str(error)):
            return None
        raise
    finally:
        con.unregister("wide_read")
    return [column.combine_chunks() for column in table.columns]


def judged_columns(con: Any, batches: Iterable[Any], places: Sequence[int]) -> list[Kind]:
    """The kinds that all cells of the columns at these places fit. Raises what DuckDB raises."""
    answers: list[list[bool | None]] = []
    for batch in batches:
        found: list[list[bool | None]] = []
        for begin in range(0, len(places), JUDGED_TOGETHER):
            few = places[begin : begin + JUDGED_TOGETHER]
            con.register("wide_read", pa.table({f"c{place}": batch.column(place) for place in few}))
            lists = ", ".join(f"{judging(f'c{place}')} AS j{place}" for place in few)
            found.extend(con.execute(f"SELECT {lists} FROM wide_read").fetchall()[0])
            con.unregister("wide_read")
        answers = [_both(*pair) for pair in zip(answers, found, strict=True)] if answers else found
    return [judged(answer) for answer in answers]


def _both(first: Sequence[bool | None], second: Sequence[bool | None]) -> list[bool | None]:
    """Two answers to `kinds.judging` as one about all their rows: what fits must fit both, what is there be in one."""
    fits = [b if a is None else a if b is None else a and b for a, b in zip(first[:-2], second[:-2], strict=True)]
    return [*fits, *(bool(a or b) for a, b in zip(first[-2:], second[-2:], strict=True))]
