"""What an engine's worker can be asked, by name; each task is a function of plain JSON values.

A task gets a `Desk`, on which everything lies that all of them need, and what it was asked; it gives the facts and the
rows of its answer, as `Pool.run` hands them on.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from preview.asking import Data
from preview.engine.connect import Engine
from preview.engine.copies import Copies
from preview.engine.tables import OpenTable, open_table
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.source import Source

DUCKDB_SHARE: Final = 0.4
"""Of a worker's memory: the rest is for Python, Arrow, what is read ahead, and what DuckDB does not count."""

COPYING: Final = 220_000_000
"""Bytes DuckDB may hold where it may go to disk (copies, statistics): more makes neither any faster."""

Answer = tuple[dict[str, Any], bytes]

TASKS: Final = {
    "profile": "preview.engine.profiling",
    "quick_profile": "preview.engine.profiling",
    "prepare": "preview.engine.query",
    "query": "preview.engine.query",
    "rows": "preview.engine.conditions",
    "export": "preview.engine.export",
    "excerpt": "preview.engine.excerpt",
    "chart": "preview.engine.chart",
}
"""What can be asked → the module whose function of that name answers it, given a `Desk` and the task."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every task works with; `memory` is what DuckDB may hold, in bytes."""

    copies: Copies
    limits: Limits
    memory: int
    on_progress: Callable[[float], None]

    def open(
        self, engine: Engine, name: str, plain: dict[str, Any], *, on_progress: Callable[[float], None] | None = None
    ) -> OpenTable:
        """The view `name` over a file that `data_to_plain` described."""
        return open_table(
            engine, name, data_from_plain(plain), copies=self.copies, limits=self.limits, on_progress=on_progress
        )

    @contextlib.contextmanager
    def spill(self) -> Iterator[str]:
        """A folder of one's own for what DuckDB cannot hold; gone with its block, or, where a worker was killed, with
        the next one that is made: an flock(2) says whose owner still lives.
        """
        self.copies.folder.mkdir(parents=True, exist_ok=True)
        for left in self.copies.folder.glob("spill-*"):
            with contextlib.suppress(OSError), _locked(left):
                shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=self.copies.folder, ignore_cleanup_errors=True) as made:
            # Under its name only once it is locked, so that nobody takes it for one that was left.
            folder = Path(made).with_name(Path(made).name.replace("new-", "spill-"))
            with _locked(Path(made)):
                Path(made).rename(folder)
                try:
                    yield str(folder)
                finally:
                    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for as long as the block. Raises BlockingIOError where somebody else does."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def run(task: dict[str, Any], *, memory: int, on_progress: Callable[[float], None]) -> Answer:
    """Answer one task. Raises every PreviewError, MemoryError and what DuckDB raises."""
    desk = Desk(
        Copies(Path(task["copies"]), int(task["copies_limit"])),
        Limits.from_plain(task["limits"]),
        int(memory * DUCKDB_SHARE),
        on_progress,
    )
    asked = str(task["ask"])
    answer: Callable[[Desk, dict[str, Any]], Answer] = getattr(importlib.import_module(TASKS[asked]), asked)
    return answer(desk, task)


def data_from_plain(plain: dict[str, Any]) -> Data:
    """What `analyst.data_to_plain` gave."""
    return Data(Source(**plain["source"]), str(plain["cache_key"]), ReadAs.from_plain(plain["read_as"]))
