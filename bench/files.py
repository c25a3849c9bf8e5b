"""The files that are sent around, made once a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

BLOCK = 1_048_576
CHUNK = 500_000
"""Rows made at a time; also the Parquet file's row group size."""


def random_file(path: Path, size: int) -> Path:
    """`size` bytes that do not compress."""
    noise = np.random.default_rng(7)
    with path.open("wb") as out:
        for begin in range(0, size, BLOCK):
            out.write(noise.bytes(min(BLOCK, size - begin)))
    return path


def tables(csv: Path, parquet: Path, *, rows: int) -> None:
    """The same ten columns as CSV and as Parquet: 6 million rows are about 600 and 300 MB."""
    noise = np.random.default_rng(7)
    stations = pa.array([f"station-{n:04d}" for n in range(2000)])
    with csv.open("wb") as text, pa.OSFile(str(parquet), "wb") as binary:
        columns = _chunk(noise, stations, 0, 1).schema
        csv_out = pyarrow.csv.CSVWriter(text, columns)
        parquet_out = pyarrow.parquet.ParquetWriter(binary, columns)
        for begin in range(0, rows, CHUNK):
            part = _chunk(noise, stations, begin, min(CHUNK, rows - begin))
            csv_out.write_table(part)
            parquet_out.write_table(part, row_group_size=CHUNK)
        csv_out.close()
        parquet_out.close()


def _chunk(noise: np.random.Generator, stations: pa.Array, begin: int, rows: int) -> pa.Table:
    number = np.arange(begin, begin + rows)
    return pa.table(
        {
            "id": number,
            "at": (np.datetime64("2020-01-01T00:00:00", "s") + number * np.timedelta64(17, "s")),
            "station": stations.take(pa.array(noise.integers(0, 2000, rows))),
            "temperature": noise.normal(11, 8, rows).round(3),
            "pressure": noise.normal(1013, 9, rows).round(4),
            "humidity": noise.uniform(0, 100, rows).round(4),
            "wind": noise.gamma(2, 2, rows),
            "count": noise.integers(0, 1_000_000, rows),
            "valid": noise.random(rows) > 0.03,
            "code": noise.integers(10**9, 10**10, rows),
        }
    )
