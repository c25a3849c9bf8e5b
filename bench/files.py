"""The files that are sent around, made once a run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import numpy as np
import pyarrow
import pyarrow.parquet

BLOCK = 1_048_576
ROW_GROUP = 122_880
"""Rows of a row group as DuckDB writes it where nothing else is said; pyarrow, and so pandas, takes 1,048,576."""
FLIGHTS = """
select i as flight_id,
    timestamp '2013-01-01 00:00:00' + to_seconds(i * 17) as departed_at,
    ['AA','B6','DL','EV','UA','WN','AS','F9','HA','MQ','OO','US','VX','YV','9E','FL'][1 + (hash(i) % 16)::int]
        as carrier,
    'N' || (100 + hash(i, 1) % 4000)::varchar || 'X' as tail,
    case when hash(i, 2) % 37 <> 0 then (hash(i, 3) % 180)::int - 20 end as delay,
    (80 + hash(i, 4) % 4900)::int as distance,
    case when hash(i, 5) % 11 <> 0 then round((hash(i, 6) % 100000) / 100.0, 2) end as fare,
    hash(i, 7) / 18446744073709551616.0 as load_factor,
    'passenger ' || (hash(i, 8) % 3000000)::varchar as passenger,
    substr(md5(i::varchar), 1, 16) as ticket
from range({rows}) numbers(i)
"""
"""An id, a time, text of 16, 4,000 and 3 million values, integers and floats with and without nulls, a hash."""


def random_file(path: Path, size: int) -> Path:
    """`size` bytes that do not compress."""
    noise = np.random.default_rng(7)
    with path.open("wb") as out:
        for begin in range(0, size, BLOCK):
            out.write(noise.bytes(min(BLOCK, size - begin)))
    return path


def tables(csv: Path, parquet: Path, *, rows: int, row_group: int = ROW_GROUP) -> None:
    """The same ten columns as CSV and as Parquet: 6 million rows are about 600 and 300 MB.

    Every run writes the same bytes: the values are hashes of the row's number.
    """
    with duckdb.connect() as made:
        made.execute("set enable_progress_bar=false")
        made.execute(
            f"copy ({FLIGHTS.format(rows=int(rows))}) to {_quoted(parquet)} "
            f"(format parquet, compression snappy, row_group_size {int(row_group)})"
        )
        made.execute(f"copy (from {_quoted(parquet)}) to {_quoted(csv)} (format csv)")


def sparse_parquet(path: Path, model: Path, *, size: int) -> None:
    """The row groups of `model` spread over a file of `size` bytes that takes no more room on the disk than they do."""
    source = pyarrow.parquet.ParquetFile(model)
    groups = source.num_row_groups
    with path.open("wb") as file:
        sink = _Holed(file)
        with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(sink, mode="w"), source.schema_arrow) as writer:
            for group in range(groups):
                writer.write_table(source.read_row_group(group))
                sink.skip((size - model.stat().st_size) // groups)


class _Holed(io.RawIOBase):
    """A file to write to that can leave holes, which read as zeros."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def skip(self, length: int) -> None:
        self._file.seek(length, io.SEEK_CUR)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
