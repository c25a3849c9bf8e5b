"""Previews and scans of stored files, read in worker processes; safe to call from many threads."""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final, NamedTuple, cast

from preview.inspection import Inspection
from preview.limits import MB, Limits
from preview.pool import Pool
from preview.read_as import AS_DETECTED, Detected, ReadAs
from preview.result import Column, JsonValue, Preview, RowIndex, Scan
from preview.source import Source

IDLE: Final = timedelta(seconds=60)
"""How long a worker waits for the next read before it gives its memory back."""
REMEMBERED: Final = 16 * MB
"""Bytes of rows that are kept for the next time the same page is asked for."""


class _Page(NamedTuple):
    """What a remembered page is known by."""

    content: str
    rows: int
    offset: int
    columns: tuple[str, ...] | None
    read_key: str


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
        self._remembered: OrderedDict[_Page, Preview] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()
        self._turns: dict[_Page, tuple[threading.Lock, int]] = {}

    def preview(
        self,
        source: Source,
        *,
        rows: int = 100,
        offset: int = 0,
        columns: Sequence[str] | None = None,
        read_as: ReadAs = AS_DETECTED,
        index: RowIndex | None = None,
        cache_key: str | None = None,
    ) -> Preview:
        """Up to `rows` rows from row `offset` on (none where the file ends earlier), at most `Limits.rows`.

        `columns` are the names of those to show, None for the first ones; `index` shortens the way to a later page.
        `cache_key` names content that never changes: its pages are remembered. Raises every PreviewError.
        """
        rows = max(0, min(rows, self._limits.rows))
        offset = max(0, offset)
        chosen = tuple(columns) if columns is not None else None
        if cache_key is None:
            return self._read(source, rows, offset, chosen, read_as, index)
        page = _Page(cache_key, rows, offset, chosen, read_as.key)
        with self._alone(page):
            known = self._recall(page)
            if known is None:
                known = self._read(source, rows, offset, chosen, read_as, index)
                self._remember(page, known)
        return known

    def cell(
        self,
        source: Source,
        *,
        row: int,
        column: str,
        read_as: ReadAs = AS_DETECTED,
        index: RowIndex | None = None,
    ) -> JsonValue:
        """One whole cell, up to `Limits.text` characters: row `row`, counted from 0, of the column shown as `column`.

        Raises every PreviewError; NoTable where there is no such row or column.
        """
        task = self._task(source, rows=1, offset=max(0, row), columns=(column,), read_as=read_as, index=index)
        _, text = self._previews.run({**task, "ask": "cell"}, timeout=self._limits.timeout)
        return cast("JsonValue", json.loads(text))

    def inspect(
        self, file_name: str, size: int, head: bytes, tail: bytes, *, read_as: ReadAs = AS_DETECTED
    ) -> Inspection:
        """What a file of `size` bytes will show, by its first and its last bytes alone.

        That it has no table, or that it cannot be told from these, is said in the inspection. Raises TimedOut and
        WorkerCrashed.
        """
        task = {
            "ask": "inspect",
            "source": asdict(Source("", size, file_name)),
            "head": base64.b64encode(head).decode("ascii"),
            "tail": base64.b64encode(tail).decode("ascii"),
            "read_as": read_as.to_plain(),
            "limits": self._bounds,
        }
        facts, text = self._previews.run(task, timeout=self._limits.timeout)
        return inspection_of(facts, text)

    def warm(self) -> None:
        """Expect a preview soon: starting a worker takes longer than most reads. Returns at once."""
        self._previews.warm()

    def scan(self, source: Source, *, read_as: ReadAs = AS_DETECTED, part_size: int | None = None) -> Scan:
        """Read all stored bytes once, in bounded memory; with `part_size` the SHA-256 of every part of so many bytes as
        well. Raises SourceUnavailable, SourceGone, TimedOut, WorkerCrashed.
        """
        task = {"source": asdict(source), "read_as": read_as.to_plain(), "limits": self._bounds, "part_size": part_size}
        facts, part_digests = self._scans.run(task, timeout=self._limits.scan_timeout)
        index = RowIndex.from_plain(facts["row_index"])
        return Scan(facts["rows"], str(facts["sha256"]), int(facts["size"]), index, part_digests)

    def close(self) -> None:
        """Kill the workers. Reads under way, and later ones, raise WorkerCrashed."""
        self._previews.close()
        self._scans.close()

    def _read(
        self,
        source: Source,
        rows: int,
        offset: int,
        columns: tuple[str, ...] | None,
        read_as: ReadAs,
        index: RowIndex | None,
    ) -> Preview:
        task = self._task(source, rows=rows, offset=offset, columns=columns, read_as=read_as, index=index)
        return preview_of(*self._previews.run(task, timeout=self._limits.timeout))

    def _task(
        self,
        source: Source,
        *,
        rows: int,
        offset: int,
        columns: tuple[str, ...] | None,
        read_as: ReadAs,
        index: RowIndex | None,
    ) -> dict[str, Any]:
        return {
            "source": asdict(source),
            "rows": rows,
            "offset": offset,
            "columns": columns,
            "read_as": read_as.to_plain(),
            "index": index.to_plain() if index is not None else None,
            "limits": self._bounds,
        }

    @contextmanager
    def _alone(self, page: _Page) -> Iterator[None]:
        """One thread at a time for a page: a new file is asked for by its screen and by the catalogue at once."""
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

    def _recall(self, page: _Page) -> Preview | None:
        with self._lock:
            found = self._remembered.get(page)
            if found is not None:
                self._remembered.move_to_end(page)
            return found

    def _remember(self, page: _Page, preview: Preview) -> None:
        if len(preview.rows_json) > REMEMBERED // 4:
            return
        with self._lock:
            old = self._remembered.pop(page, None)
            self._held -= len(old.rows_json) if old is not None else 0
            self._remembered[page] = preview
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
        detected=Detected.from_plain(facts["detected"]),
        all_columns=tuple(facts["all_columns"]),
    )


def inspection_of(facts: dict[str, Any], text: bytes) -> Inspection:
    """A worker's answer to what a file's ends tell."""
    return Inspection(
        format=facts["format"],
        columns=tuple(Column(str(name), str(kind)) for name, kind in facts["columns"]),
        column_count=facts["column_count"],
        first_rows=tuple(tuple(row) for row in json.loads(text or b"[]")),
        rows=facts["rows"],
        rows_exact=facts["rows_exact"],
        read_as=tuple(facts["read_as"]),
        detected=Detected.from_plain(facts["detected"]),
        notes=tuple(facts["notes"]),
        reason=facts["reason"],
        certain=facts["certain"],
    )
