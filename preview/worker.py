"""The process that reads files: started by `pool.Pool`, speaks JSON over a socket, and is killed when a read goes
wrong.

It holds no secret but the link it is given, may use a bounded amount of memory, and ends with its owner: nothing that
a hostile file does here reaches the app. Answers are JSON and never pickles, so that the app trusts no object of this
process.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import resource
import select
import sys
import traceback
from base64 import b64decode
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from preview.errors import PreviewError
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.result import RowIndex
from preview.source import Source

SPENT = 256 * 1000 * 1000
"""Bytes a worker may have held at its peak and still take another task: more is given back by ending it."""


def main(arguments: list[str]) -> None:
    """Serve tasks until the socket closes. Arguments: socket fd, life pipe fd, `preview` or `scan`, memory limit,
    nice.
    """
    socket_fd, life_fd, kind = int(arguments[0]), int(arguments[1]), arguments[2]
    end_with(life_fd)
    os.nice(int(arguments[4]))
    # pyarrow imports pandas where it finds it, to make its first array: 0.2 s and 40 MB for nothing that is used here.
    sys.meta_path.insert(0, _Without("pandas"))
    if kind == "preview":
        importlib.import_module("preview.reader")  # before the first task, whose time is limited
    # A parsed file is millions of small objects without cycles: looking for those again and again costs most of a read.
    gc.freeze()
    gc.disable()
    bound(int(arguments[3]))
    connection = Connection(socket_fd)
    connection.send_bytes(b"ready")
    while True:
        try:
            task = json.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        facts, rows = answer(task)
        facts["spent"] = peak() > SPENT
        connection.send_bytes(json.dumps(facts).encode())
        connection.send_bytes(rows)
        del facts, rows
        gc.collect()


class _Without:
    """An import that finds nothing: the module is taken for not installed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def end_with(life_fd: int) -> None:
    """Let the kernel end this process when the other end of the pipe closes, even while native code spins.

    The pipe is never written to; that it hangs up raises SIGIO (fcntl(2), O_ASYNC), whose default is to end the
    process. PR_SET_PDEATHSIG would not do: it follows the thread that started the worker, not the process.
    """
    fcntl.fcntl(life_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life_fd, fcntl.F_SETFL, fcntl.fcntl(life_fd, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(life_fd, 0)
    if poll.poll(0):
        os._exit(0)


def bound(memory: int) -> None:
    """Limit this process: `memory` bytes of data, no core file.

    RLIMIT_DATA, never RLIMIT_AS: address space that is only reserved counts for the latter, and pyarrow hangs without
    it.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def peak() -> int:
    """Bytes of memory this process held at its peak.

    Not getrusage's ru_maxrss where /proc is there: it begins with the peak of the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024


def answer(task: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The facts and the rows of one task; what goes wrong is told as the name of a PreviewError and its sentence."""
    bounds = Limits.from_plain(task["limits"])
    source = Source(**task["source"])
    read_as = ReadAs.from_plain(task.get("read_as"))
    try:
        if task["kind"] == "scan":
            from preview.counting import scan

            found = scan(source, limits=bounds, read_as=read_as, part_size=task.get("part_size"))
            index = found.row_index.to_plain() if found.row_index is not None else None
            facts = {"rows": found.rows, "sha256": found.sha256, "size": found.size, "row_index": index}
            return facts, found.part_digests
        if task.get("ask") == "inspect":
            from preview.inspecting import inspect

            return inspect(source, b64decode(task["head"]), b64decode(task["tail"]), limits=bounds, read_as=read_as)
        from preview.reader import read
        from preview.table import payload, whole_cell

        if task.get("ask") == "cell":
            bounds = bounds.for_one_cell()
        table = read(
            source,
            rows=task["rows"],
            offset=task["offset"],
            limits=bounds,
            columns=task.get("columns"),
            read_as=read_as,
            index=RowIndex.from_plain(task.get("index")),
        )
        if task.get("ask") == "cell":
            return {}, whole_cell(table, offset=task["offset"], limits=bounds)
        return payload(table, offset=task["offset"], limits=bounds)
    except PreviewError as error:
        return error.facts(), b""
    except MemoryError:
        text = f"Showing this file needs more memory than the {bounds.memory // 1_000_000:,} MB a preview may use."
        return {"error": "TooBig", "text": text}, b""
    except Exception as error:  # noqa: BLE001  # whatever a file makes a reader do ends in a sentence
        text = f"The file could not be read as what it seems to be ({type(error).__name__})."
        return {"error": "CorruptFile", "text": text, "trace": traceback.format_exc(limit=-8)}, b""


if __name__ == "__main__":
    main(sys.argv[1:])
