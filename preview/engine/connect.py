"""A DuckDB in memory that knows no file, no network, no extension and no variable of Python's but what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from preview.engine.filesystem import StoredFiles

THREADS: Final = 2
SPILL_LIMIT: Final = 10_000_000_000
"""Bytes that one connection may write to its spill folder."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A connection, and the files it can read as `shelf://…` paths (see `filesystem`)."""

    con: Any
    """A `duckdb.DuckDBPyConnection`."""
    files: StoredFiles
    held: ExitStack
    """What is given back when the connection ends."""
    memory: int
    """Bytes DuckDB may hold."""


@contextmanager
def connect(*, memory: int, threads: int = THREADS, spill: Path | None = None) -> Iterator[Engine]:
    """A connection that ends with the block.

    `memory` is the number of bytes DuckDB may hold; what needs more fails, unless a `spill` folder of its own lets it
    go to disk. That folder can be read by whoever writes the SQL, so a user's SQL gets none. External access is still
    on, for the views to be made; the fence turns it off.
    """
    con = duckdb.connect(
        config={
            "memory_limit": f"{memory}B",
            "threads": str(threads),
            "temp_directory": str(spill) if spill is not None else "",
            "python_enable_replacements": "false",
            "allow_persistent_secrets": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
        }
    )
    try:
        # Printed to a stdout that belongs to nobody.
        con.execute("set enable_progress_bar = false")
        # A file is read once or twice a connection: keeping its bytes would cost more memory than it saves time.
        con.execute("set enable_external_file_cache = false")
        # Moments without an offset are compared with others as UTC, wherever this runs.
        con.execute("set TimeZone = 'UTC'")
        if spill is not None:
            con.execute(f"set max_temp_directory_size = '{SPILL_LIMIT}B'")
        files = StoredFiles()
        con.register_filesystem(files)
        with ExitStack() as held:
            yield Engine(con, files, held, memory)
    finally:
        con.close()


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
