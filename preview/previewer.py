"""Previews and scans of stored files, read in worker processes; safe to call from many threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from preview.limits import MB, Limits
from preview.pool import Pool
from preview.result import Column, Preview, Scan
from preview.source import Source

IDLE: Final = timedelta(seconds=60)
"""How long a worker waits for the next read before it gives its memory back."""
REMEMBERED: Final = 16 * MB
"""Bytes of rows that are kept for the next time the same page is asked for."""


class Previewer:
    """Reads files for their rows. `workers` bounds how many reads run at once; the others wait, and waiting is not
    timed.
    """

    def __init__(self, limits: Limits, workers: int, *, idle: timedelta = IDLE) -> None:
        self._limits = limits
        self._bounds = limits.to_plain()
        self._previews = Pool("preview", size=workers, memory=limits.memory, nice=0, idle=idle)
        # Scans run for minutes: in a worker of their own they never stand before a preview.
        self._scans = Pool("scan", size=1, memory=limits.memory, nice=10, idle=idle)
        self._remembered: OrderedDict[tuple[str, int, int], Preview] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()
        self._turns: dict[tuple[str, int, int], tuple[threading.Lock, int]] = {}

    def preview(self, source: Source, *, rows: int = 100, offset: int = 0, cache_key: str | None = None) -> Preview:
        """Up to `rows` rows from row `offset` on (none where the file ends earlier), at most `Limits.rows`.

        `cache_key` names content that never changes: its pages are remembered. Raises every PreviewError.
        """
        rows = max(0, min(rows, self._limits.rows))
        offset = max(0, offset)
        if cache_key is None:
            return self._read(source, rows, offset)
        with self._alone(cache_key, rows, offset):
            known = self._recall(cache_key, rows, offset)
            if known is None:
                known = self._read(source, rows, offset)
                self._remember(cache_key, rows, offset, known)
        return known

    def warm(self) -> None:
        """Expect a preview soon: starting a worker takes longer than most reads. Returns at once."""
        self._previews.warm()

    def scan(self, source: Source) -> Scan:
        """Read all stored bytes once, in bounded memory. Raises SourceUnavailable, SourceGone, TimedOut,
        WorkerCrashed.
        """
        facts, _ = self._scans.run(
            {"source": asdict(source), "limits": self._bounds}, timeout=self._limits.scan_timeout
        )
        return Scan(facts["rows"], str(facts["sha256"]), int(facts["size"]))

    def close(self) -> None:
        """Kill the workers. Reads under way, and later ones, raise WorkerCrashed."""
        self._previews.close()
        self._scans.close()

    def _read(self, source: Source, rows: int, offset: int) -> Preview:
        task = {"source": asdict(source), "rows": rows, "offset": offset, "limits": self._bounds}
        return preview_of(*self._previews.run(task, timeout=self._limits.timeout))

    @contextmanager
    def _alone(self, cache_key: str, rows: int, offset: int) -> Iterator[None]:
        """One thread at a time for a page: a new file is asked for by its screen and by the catalogue at once."""
        page = (cache_key, rows, offset)
        with self._lock:
            turn, waiting = self._turns.get(page, (threading.Lock(), 0))
            self._turns[page] = (turn, waiting + 1)
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._turns.pop(page)
                if waiting > 1:
                    self._turns[page] = (turn, waiting - 1)

    def _recall(self, cache_key: str, rows: int, offset: int) -> Preview | None:
        with self._lock:
            found = self._remembered.get((cache_key, rows, offset))
            if found is not None:
                self._remembered.move_to_end((cache_key, rows, offset))
            return found

    def _remember(self, cache_key: str, rows: int, offset: int, preview: Preview) -> None:
        if len(preview.rows_json) > REMEMBERED // 4:
            return
        with self._lock:
            old = self._remembered.pop((cache_key, rows, offset), None)
            self._held -= len(old.rows_json) if old is not None else 0
            self._remembered[cache_key, rows, offset] = preview
            self._held += len(preview.rows_json)
            while self._held > REMEMBERED:
                _, oldest = self._remembered.popitem(last=False)
                self._held -= len(oldest.rows_json)


def preview_of(facts: dict[str, Any], text: bytes) -> Preview:
    """A worker's answer as a value."""
    return Preview(
        columns=tuple(Column(str(name), str(kind)) for name, kind in facts["columns"]),
        offset=facts["offset"],
        total_rows=facts["total_rows"],
        partial=facts["partial"],
        notes=tuple(facts["notes"]),
        format=facts["format"],
        read_as=tuple(facts["read_as"]),
        column_count=facts["column_count"],
        rows_json=text,
    )
