"""Questions about whole files (statistics, SQL, filters, charts), answered by DuckDB in worker processes.

The app's side: nothing here imports DuckDB or reads a file. Safe to call from many threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from preview.asking import Cancel, Data
from preview.limits import Limits
from preview.pool import Pool
from preview.profile import Profile

IDLE: Final = timedelta(seconds=60)
"""How long a worker waits for the next question before it gives its memory back."""
QUICK: Final = timedelta(seconds=20)
"""What a first answer may take; it is of use only while the whole one is not there."""


class Analyst:
    """Asks workers. `workers` bounds how many questions are answered at once, `memory` what each may hold (bytes),
    `timeout` how long one may take; `copies` is the folder of the columnar copies, of at most `copies_limit` bytes.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        workers: int,
        memory: int,
        timeout: timedelta,
        copies: Path,
        copies_limit: int,
        idle: timedelta = IDLE,
    ) -> None:
        self._timeout = timeout
        self._common = {
            "limits": limits.to_plain(),
            "copies": str(copies.resolve()),
            "copies_limit": copies_limit,
        }
        self._pool = Pool("engine", size=workers, memory=memory, nice=5, idle=idle, module="preview.engine.worker")
        # Statistics of a large file take minutes: no query waits for them, nor they for the time of a query.
        self._whole = Pool("engine-whole", size=1, memory=memory, nice=10, idle=idle, module="preview.engine.worker")
        self._whole_timeout = limits.scan_timeout
        # A first answer does not wait behind the whole ones.
        self._quick = Pool("engine-quick", size=1, memory=memory, nice=0, idle=idle, module="preview.engine.worker")

    def profile(
        self, data: Data, *, on_progress: Callable[[float], None] | None = None, cancel: Cancel | None = None
    ) -> Profile:
        """The statistics of all columns over all rows. Raises every PreviewError; Cancelled where `cancel` is set."""
        task = {**self._common, "ask": "profile", "data": data_to_plain(data)}
        facts, _ = self._whole.run(task, timeout=self._whole_timeout, on_progress=on_progress, cancel=cancel)
        return Profile.from_plain(facts)

    def quick_profile(self, data: Data) -> Profile:
        """A first, partial answer from a footer or from blocks spread over the file. Raises every PreviewError."""
        task = {**self._common, "ask": "quick_profile", "data": data_to_plain(data)}
        facts, _ = self._quick.run(task, timeout=min(QUICK, self._timeout))
        return Profile.from_plain(facts)

    def close(self) -> None:
        """Kill the workers. What is under way, and what is asked later, raises WorkerCrashed."""
        self._pool.close()
        self._whole.close()
        self._quick.close()

    def _ask(
        self,
        what: str,
        task: dict[str, Any],
        *,
        on_progress: Callable[[float], None] | None = None,
        cancel: Cancel | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        return self._pool.run(
            {**self._common, "ask": what, **task}, timeout=self._timeout, on_progress=on_progress, cancel=cancel
        )


def data_to_plain(data: Data) -> dict[str, Any]:
    """A file as a task carries it."""
    return {
        "source": asdict(data.source),
        "cache_key": data.cache_key,
        "read_as": data.read_as.to_plain(),
    }
