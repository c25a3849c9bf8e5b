"""A bound on what runs at once, with a bounded queue before it: who would wait too long is told so instead."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from catalog.errors import Busy
from preview.asking import Cancel
from preview.errors import Cancelled

PATIENCE = timedelta(seconds=10)
LOOK_EVERY = 0.1
"""Seconds between two looks whether who waits has been cancelled."""


class Gate:
    """At most `most` inside; at most `waiting` wait for their turn, none longer than `patience`. Thread-safe."""

    def __init__(self, most: int, *, waiting: int = 32, patience: timedelta = PATIENCE) -> None:
        self._most, self._waiting = most, waiting
        self._patience = patience.total_seconds()
        self._inside = self._outside = 0
        self._changed = threading.Condition()

    @property
    def inside(self) -> int:
        """How many are in now."""
        return self._inside

    @contextmanager
    def turn(self, cancel: Cancel | None = None) -> Iterator[None]:
        """Raises Busy where no turn comes, Cancelled where it is not wanted any more."""
        self._enter(cancel)
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def _enter(self, cancel: Cancel | None) -> None:
        until = time.monotonic() + self._patience
        with self._changed:
            if self._inside >= self._most and self._outside >= self._waiting:
                raise self._busy()
            self._outside += 1
            try:
                while self._inside >= self._most:
                    left = until - time.monotonic()
                    if left <= 0:
                        raise self._busy()
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("Stopped before its turn came.")
                    self._changed.wait(min(left, LOOK_EVERY))
                self._inside += 1
            finally:
                self._outside -= 1

    def _busy(self) -> Busy:
        return Busy(f"{self._most} queries are running, as many as may at once. Try again in a moment.")
