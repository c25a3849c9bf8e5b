"""The files that are sent around, made once a run."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np

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


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
