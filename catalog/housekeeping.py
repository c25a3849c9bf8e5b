"""What is done from time to time, by one of all replicas: each task under a lease that lives until it is due again.

So the interval counts from the last time that anybody began it, and a restart repeats nothing. Tasks are done one after
the other in one thread; one that takes long keeps the others waiting, so each stops by itself after a while and goes on
the next time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from catalog.leases import Leases
from db import DatabaseUnavailable
from storage.protocol import StorageError

LOOK_EVERY = timedelta(minutes=1)
RETRY = timedelta(minutes=5)
"""When a task that failed is tried again, unless it is due sooner."""

_log = structlog.get_logger("catalog")


@dataclass(frozen=True)
class Task:
    """`run` every so often, the first time not before the process is `after` old; it may be cut off at any moment."""

    name: str
    every: timedelta
    run: Callable[[], object]
    after: timedelta = timedelta(0)


@dataclass
class Housekeeping:
    """One daemon thread; `start` it once, `close` stops it within about a second."""

    leases: Leases
    tasks: Sequence[Task]
    look_every: timedelta = LOOK_EVERY
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop waiting. A task under way is left behind: it ends with the process or with what it was using."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1)

    def do_due(self, *, age: timedelta) -> None:
        """Do every task whose time has come; `age` is the process's. Raises DatabaseUnavailable before the first."""
        held = self.leases.held()
        for task in self.tasks:
            if self._stop.is_set():
                return
            if task.name not in held and age >= task.after:
                self._do(task)

    def _work(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                self.do_due(age=timedelta(seconds=time.monotonic() - began))
            except DatabaseUnavailable as error:
                _log.warning("housekeeping waits", error=str(error))
            except Exception:  # noqa: BLE001  # the thread is never started again, so nothing may end it
                _log.exception("housekeeping failed")
            self._stop.wait(self.look_every.total_seconds())

    def _do(self, task: Task) -> None:
        # A holder of its own: this process, too, waits until the task is due again.
        lease = Leases(self.leases.database)
        if not lease.take(task.name, task.every):
            return
        began = time.monotonic()
        try:
            task.run()
        except Exception as error:  # noqa: BLE001  # whatever a task runs into, the others are done
            if self._stop.is_set():
                _log.info("housekeeping cut off", task=task.name)
            elif isinstance(error, (DatabaseUnavailable, StorageError)):
                _log.warning("housekeeping left for later", task=task.name, error=str(error))
            else:
                _log.exception("housekeeping failed", task=task.name)
            lease.take(task.name, min(RETRY, task.every))
            return
        _log.info("housekeeping done", task=task.name, seconds=round(time.monotonic() - began, 3))
