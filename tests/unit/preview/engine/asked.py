"""How the tests ask a table without a worker: the engine itself, on the result of some SQL as a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from preview.asking import Data
from preview.engine.connect import Engine, connect
from preview.engine.copies import Copies
from preview.engine.tables import OpenTable, open_table
from preview.limits import MB, Limits
from preview.source import Source

LIMITS = Limits()


def parquet(path: Path, sql: str) -> Data:
    """A Parquet file that holds the result of this SQL."""
    with duckdb.connect() as con:
        con.execute(f"SET TimeZone = 'UTC'; COPY ({sql}) TO '{path}' (FORMAT parquet)")
    return data_at(path)


def data_at(path: Path) -> Data:
    """A file on disk."""
    return Data(Source(path.resolve().as_uri(), path.stat().st_size, path.name), path.name)


@contextmanager
def table(content: str | pa.Table) -> Iterator[tuple[Engine, OpenTable]]:
    """A connection whose view `data` is the result of this SQL, or this table, read from a file as any other."""
    with TemporaryDirectory() as folder, connect(memory=256 * MB) as engine:
        path = Path(folder) / "data.parquet"
        if not isinstance(content, str):
            pq.write_table(content, path)
        data = parquet(path, content) if isinstance(content, str) else data_at(path)
        copies = Copies(Path(folder) / "copies", 100 * MB)
        yield engine, open_table(engine, "data", data, copies=copies, limits=LIMITS)


def rows_of(facts: dict[str, Any], text: bytes) -> list[list[Any]]:
    """The rows of a worker's answer."""
    found: list[list[Any]] = json.loads(text)
    return found
