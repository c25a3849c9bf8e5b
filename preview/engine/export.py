"""The whole result of a user's SELECT as a file: Parquet, or CSV in UTF-8.

DuckDB only hands out the rows; the file is opened and written here. So the fence is as closed as for any query, and no
COPY is ever run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from preview.engine.fence import Connection, checked
from preview.engine.query import AS_TEXT, Rows, complaining, fenced
from preview.engine.tasks import Answer, Desk
from preview.errors import ResultTooBig

BATCH: Final = 2048 * 16
"""Rows fetched at once."""
GROUP_ROWS: Final = 1 << 17
GROUP_BYTES: Final = 64_000_000
"""A row group of Parquet is written as soon as it has so many rows or bytes: it is held in memory until then."""

_NO_PARQUET: Final = (*AS_TEXT, "INTERVAL", "UNION")
"""Types that go into Parquet as text."""
_TYPES: Final = (
    ("BOOLEAN", "boolean"),
    ("DECIMAL", "decimal"),
    ("FLOAT", "float"),
    ("DOUBLE", "float"),
    ("TIMESTAMP", "timestamp"),
    ("TIME", "time"),
    ("DATE", "date"),
    ("INTERVAL", "duration"),
    ("BLOB", "binary"),
    ("STRUCT", "struct"),
    ("MAP", "map"),
    ("NULL", "null"),
)


def export(desk: Desk, task: dict[str, Any]) -> Answer:
    """Answer `Analyst.export`: write the file `to`, of at most `most` bytes; there is none where anything goes wrong.

    Raises QueryRefused, QueryFailed, ResultTooBig, and OSError where the disk is full.
    """
    sql = str(task["sql"])
    with fenced(desk, task["tables"]) as con:
        checked(con, sql, task["tables"])
        with complaining(sql):
            return written(con, sql, Path(task["to"]), form=str(task["format"]), most=int(task["most"])), b""


def written(con: Connection, sql: str, to: Path, *, form: str, most: int) -> dict[str, Any]:
    """Write what the checked SELECT gives to the file `to`, of at most `most` bytes; there is none where this raises.

    Raises ResultTooBig, what DuckDB and Arrow raise, and OSError where the disk is full.
    """
    write = write_csv if form == "csv" else write_parquet
    try:
        with to.open("wb") as file:
            rows, columns = write(lambda **as_what: Rows(con, sql, **as_what), _Bounded(file, most))
        return {"rows": rows, "size": to.stat().st_size, "columns": columns}
    except BaseException:
        to.unlink(missing_ok=True)
        raise


class _Bounded:
    """A file to write to that may have up to `most` bytes, for pyarrow."""

    closed = False

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._most = file, most

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if self._file.tell() + view.nbytes > self._most:
            raise ResultTooBig(
                f"This result is more than {self._most // 1_000_000:,} MB as a file. Ask for fewer rows or columns."
            )
        return self._file.write(view)

    def restart(self) -> None:
        """Begin again with an empty file."""
        self._file.seek(0)
        self._file.truncate()

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """The file belongs to the caller."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def write_parquet(ask: Callable[..., Rows], file: Any) -> tuple[int, list[tuple[str, str]]]:
    """Parquet with Zstandard; the number of rows and the columns. Whole numbers that DuckDB has wider than 64 bits, as
    every sum, are stored in 64 where they fit, which all of them do but in odd cases: then as decimals.
    """
    for narrow in (True, False):
        rows = ask(as_text=_NO_PARQUET)
        batches = rows.batches(BATCH)
        try:
            return _written(rows, batches, file, narrow=narrow), _columns(rows)
        except pa.ArrowInvalid:
            if not narrow or "HUGEINT" not in rows.types:
                raise
            batches.close()
            file.restart()
    raise AssertionError


def _written(rows: Rows, batches: Iterator[Any], file: Any, *, narrow: bool) -> int:
    first = next(batches, None)
    schema = rows.schema
    fields = [
        pa.field(name, pa.int64() if narrow and kind == "HUGEINT" else field.type)
        for name, kind, field in zip(rows.names, rows.types, schema, strict=True)
    ]
    schema = pa.schema(fields)
    count = 0
    held: list[Any] = []
    size = held_rows = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while first is not None:
            columns = [pc.cast(column, field.type) for column, field in zip(first.columns, fields, strict=True)]
            held.append(pa.record_batch(columns, schema=schema))
            count, held_rows, size = count + first.num_rows, held_rows + first.num_rows, size + first.nbytes
            if held_rows >= GROUP_ROWS or size >= GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(held, schema), row_group_size=GROUP_ROWS)
                held, held_rows, size = [], 0, 0
            first = next(batches, None)
        if held:
            writer.write_table(pa.Table.from_batches(held, schema), row_group_size=GROUP_ROWS)
    return count


def write_csv(ask: Callable[..., Rows], file: Any) -> tuple[int, list[tuple[str, str]]]:
    """CSV with a header: an empty cell is null, "" is an empty text; nested values are JSON, bytes base64."""
    rows = ask(as_csv=True)
    batches = rows.batches(BATCH)
    first = next(batches, None)
    schema = pa.schema([field.with_name(name) for field, name in zip(rows.schema, rows.names, strict=True)])
    count = 0
    with pyarrow.csv.CSVWriter(file, schema) as writer:
        while first is not None:
            writer.write_batch(pa.record_batch(first.columns, schema=schema))
            count += first.num_rows
            first = next(batches, None)
    return count, _columns(rows)


def _columns(rows: Rows) -> list[tuple[str, str]]:
    return [(name, _type(kind)) for name, kind in zip(rows.names, rows.types, strict=True)]


def _type(kind: str) -> str:
    if kind.endswith("]"):
        return "list"
    if kind.endswith(("INT", "INTEGER", "BIGNUM")):
        return "integer"
    return next((name for start, name in _TYPES if kind.strip('"').startswith(start)), "string")
