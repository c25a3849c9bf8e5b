"""The process that reads whole files: like `preview.worker`, but with DuckDB, and it tells how far it is.

A process of its own so that no preview waits for DuckDB to be imported, or has less memory for it.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any, Final

import duckdb

from preview.engine.complaints import unreadable
from preview.engine.tasks import run
from preview.errors import PreviewError
from preview.limits import MB
from preview.worker import bound, end_with, peak

EVERY: Final = 0.1
"""Seconds between two tellings of how far a task is."""
SPENT: Final = 0.6
"""Share of its memory that a worker may have held at its peak and still take another task."""


def main(arguments: list[str]) -> None:
    """Serve tasks until the socket closes; the arguments are those of `preview.worker`."""
    socket_fd, life_fd, memory = int(arguments[0]), int(arguments[1]), int(arguments[3])
    end_with(life_fd)
    os.nice(int(arguments[4]))
    bound(memory)
    connection = Connection(socket_fd)
    connection.send_bytes(b"ready")
    while True:
        try:
            task = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        facts, rows = answer(task, memory, teller(connection))
        # What ran out of memory may have left much of it in pieces.
        facts["spent"] = peak() > memory * SPENT or facts.get("error") in ("ResultTooBig", "TooBig")
        connection.send_bytes(json.dumps(facts).encode())
        connection.send_bytes(rows)
        del facts, rows
        gc.collect()


def teller(connection: Connection) -> Callable[[float], None]:
    """Tells the owner the share done, never backwards and not too often."""
    last, told = 0.0, 0.0

    def tell(share: float) -> None:
        nonlocal last, told
        now = monotonic()
        if share > told and now - last >= EVERY:
            last, told = now, share
            connection.send_bytes(json.dumps({"progress": min(share, 1.0)}).encode())

    return tell


def answer(task: dict[str, Any], memory: int, tell: Callable[[float], None]) -> tuple[dict[str, Any], bytes]:
    """The facts and the rows of one task; what goes wrong is told as the name of a PreviewError and its sentence."""
    try:
        return run(task, memory=memory, on_progress=tell)
    except PreviewError as error:
        return error.facts(), b""
    except (MemoryError, duckdb.OutOfMemoryException):
        text = f"This needs more memory than the {memory // MB:,} MB that reading a whole file may use."
        return {"error": "TooBig", "text": text}, b""
    except OSError as error:
        text = f"The disk that keeps copies of files cannot be used: {error.strerror or error}."
        return {"error": "SourceUnavailable", "text": text, "trace": traceback.format_exc(limit=-8)}, b""
    except Exception as error:  # noqa: BLE001  # whatever a file makes DuckDB do ends in a sentence
        known = unreadable(str(error).partition(" Error: ")[2]) if isinstance(error, duckdb.Error) else None
        if known is not None:
            return known.facts(), b""
        text = f"The file could not be read as a whole ({type(error).__name__})."
        return {"error": "CorruptFile", "text": text, "trace": traceback.format_exc(limit=-8)}, b""


if __name__ == "__main__":
    main(sys.argv[1:])
