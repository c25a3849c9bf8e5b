"""Worker processes that may die: started when needed, killed when a read takes too long, gone when idle.

Why not `multiprocessing`, or pebble on top of it: a child there imports the parent's `__main__`, which under Streamlit
is whatever page script runs at that moment, and its fork server belongs to the whole process and cannot be stopped.
Here a worker is a plain subprocess with nothing of the parent's but two descriptors; the calling threads do the
waiting. The length is that of a worker's life, whose every end has to be told from the others in one place.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import structlog

from preview import errors
from preview.asking import Cancel
from preview.errors import Cancelled, PreviewError, TimedOut, WorkerCrashed

log = structlog.get_logger(__name__)

START: Final = 60.0
"""Seconds a worker may take to import its readers, on a machine that is busy."""
TASKS: Final = 200
"""Tasks after which a worker is replaced, so that nothing a library leaks adds up."""
LOOK: Final = 0.1
"""Seconds between two looks whether somebody has cancelled."""

OnProgress = Callable[[float], None]

PASSED_ON: Final = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "PYTHONHASHSEED",
        "VIRTUAL_ENV",
    }
)
"""What a worker sees of the environment: no setting and no secret of the app."""
OWN_ENVIRONMENT: Final = {
    "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    # One reserved arena per thread would count against the memory limit.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUTF8": "1",
}


class _Died(Exception):  # never leaves this module
    pass


class Worker:
    """One process and the socket to it."""

    def __init__(self, kind: str, *, memory: int, nice: int, module: str = "preview.worker") -> None:
        ours, theirs = socket.socketpair()
        life_read, self._life = os.pipe()
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        module,
                        str(theirs.fileno()),
                        str(life_read),
                        kind,
                        str(memory),
                        str(nice),
                    ],
                    pass_fds=(theirs.fileno(), life_read),
                    env={**{name: os.environ[name] for name in PASSED_ON if name in os.environ}, **OWN_ENVIRONMENT},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                os.close(self._life)
                raise
            finally:
                os.close(life_read)
        self._connection = Connection(ours.detach())
        self._ready = False
        self.tasks = 0
        self.idle_since = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(
        self, task: bytes, *, timeout: float, on_progress: OnProgress | None = None, cancel: Cancel | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """Run one task. Raises _Died, TimeoutError and Cancelled; the worker is of no use after any of them."""
        try:
            if not self._ready:
                if not self._poll(time.monotonic() + START, cancel):
                    raise _Died("it did not start")
                self._connection.recv_bytes()
                self._ready = True
            self.tasks += 1
            self._connection.send_bytes(task)
            deadline = time.monotonic() + timeout
            while self._poll(deadline, cancel):
                facts = json.loads(self._connection.recv_bytes())
                if "progress" not in facts:
                    return facts, self._connection.recv_bytes()
                if on_progress is not None:
                    on_progress(float(facts["progress"]))
        except (EOFError, OSError) as error:
            raise _Died(str(error)) from error
        raise TimeoutError

    def _poll(self, deadline: float, cancel: Cancel | None) -> bool:
        """Whether the worker says something before the deadline."""
        if cancel is None:
            return self._connection.poll(max(0.0, deadline - time.monotonic()))
        while not cancel.is_set():
            left = deadline - time.monotonic()
            if self._connection.poll(max(0.0, min(left, LOOK))):
                return True
            if left <= 0:
                return False
        raise _cancelled()

    def kill(self) -> int:
        """End the process now; returns its exit status."""
        self._process.kill()
        status = self._process.wait()
        self._connection.close()
        with contextlib.suppress(OSError):
            os.close(self._life)
        self._life = -1
        return status


class Pool:
    """At most `size` workers of one kind, shared by any number of threads; they wait in a queue until one is free.

    `module` is what a worker runs; `memory` is in bytes, `nice` as in nice(1), `idle` how long one waits for a task.
    """

    def __init__(
        self, kind: str, *, size: int, memory: int, nice: int, idle: timedelta, module: str = "preview.worker"
    ) -> None:
        self._kind, self._memory, self._nice, self._module = kind, memory, nice, module
        self._size = size
        self._idle_seconds = idle.total_seconds()
        self._lock = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._called = 0
        """Threads whose turn it is, and that have not taken their worker yet."""
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._starting = 0
        self._reaper: threading.Thread | None = None
        self._closed = False
        atexit.register(self.close)

    def run(
        self,
        task: dict[str, Any],
        *,
        timeout: timedelta,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """Run a task in a worker; `timeout` counts from when one takes it. A worker that dies costs one more try.

        `on_progress` is called by this thread with a share of 1; `cancel` ends the worker, or the wait for one. Raises
        TimedOut, WorkerCrashed, Cancelled and whatever PreviewError the worker reports.
        """
        message = json.dumps({**task, "kind": self._kind}).encode()
        for attempt in (1, 2):
            worker = self._take(cancel)
            keep = False
            try:
                facts, rows = worker.call(
                    message, timeout=timeout.total_seconds(), on_progress=on_progress, cancel=cancel
                )
                keep = not facts.pop("spent", False) and worker.tasks < TASKS
                break
            except TimeoutError:
                log.warning("preview_timed_out", kind=self._kind, seconds=timeout.total_seconds())
                seconds = f"{timeout.total_seconds():g}"
                raise TimedOut(
                    f"Reading this file took longer than {seconds} s and was stopped. The file itself is untouched: "
                    "try again, or download it."
                ) from None
            except _Died:
                log.warning("preview_worker_died", kind=self._kind, attempt=attempt, closed=self._closed)
                if attempt == 2 or self._closed:
                    raise WorkerCrashed(
                        "Reading this file stopped its reader twice: the file is damaged, or needs more memory than a "
                        "preview may use. It is stored as it is and can be downloaded."
                    ) from None
            finally:
                self._give_back(worker, keep=keep)
        if "error" in facts:
            if "trace" in facts:
                log.error("preview_reader_failed", kind=self._kind, trace=facts["trace"])
            raise _error(facts)
        return facts, rows

    def warm(self) -> None:
        """Have a worker importing its readers before the first task comes; nothing to do where there is one."""
        with self._lock:
            if self._closed or self._idle or self._busy or self._starting:
                return
        self._give_back(self._take(), keep=True)

    def _take(self, cancel: Cancel | None = None) -> Worker:
        turn = threading.Event()
        with self._lock:
            self._queue.append(turn)
            self._call_next()
        try:
            while not turn.wait(LOOK if cancel is not None else None) and not (cancel is not None and cancel.is_set()):
                pass
        except BaseException:
            self._leave(turn)
            raise
        if cancel is not None and cancel.is_set():
            self._leave(turn)
            raise _cancelled()
        with self._lock:
            self._called -= 1
            if self._closed:
                raise WorkerCrashed("The app is stopping.")
            if self._idle:
                worker = self._idle.pop()
                self._busy.add(worker)
                return worker
            self._starting += 1
        try:
            worker = Worker(self._kind, memory=self._memory, nice=self._nice, module=self._module)
        except BaseException:
            with self._lock:
                self._starting -= 1
                self._call_next()
            raise
        with self._lock:
            self._starting -= 1
            self._busy.add(worker)
        return worker

    def _call_next(self) -> None:
        """Let those who wait longest have what is free; the lock is held."""
        while self._queue and (self._closed or len(self._busy) + self._starting + self._called < self._size):
            self._called += 1
            self._queue.popleft().set()

    def _leave(self, turn: threading.Event) -> None:
        """Give up waiting."""
        with self._lock:
            if turn.is_set():
                self._called -= 1
                self._call_next()
            else:
                self._queue.remove(turn)

    def _give_back(self, worker: Worker, *, keep: bool) -> None:
        if not keep or self._closed:
            worker.kill()
        with self._lock:
            self._busy.discard(worker)
            if keep and not self._closed:
                worker.idle_since = time.monotonic()
                self._idle.append(worker)
                if self._reaper is None:
                    self._reaper = threading.Thread(target=self._reap, name=f"{self._kind}-reaper", daemon=True)
                    self._reaper.start()
            self._call_next()

    def _reap(self) -> None:
        """End workers that have been idle for long; ends itself with the last of them."""
        while True:
            with self._lock:
                if self._closed or not (self._idle or self._busy or self._starting):
                    self._reaper = None
                    return
                limit = time.monotonic() - self._idle_seconds
                tired = [worker for worker in self._idle if worker.idle_since <= limit]
                self._idle = [worker for worker in self._idle if worker.idle_since > limit]
            for worker in tired:
                worker.kill()
            time.sleep(min(self._idle_seconds / 4, 5))

    def close(self) -> None:
        """Kill all workers; a read under way ends in WorkerCrashed, and so does any later one."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
            self._call_next()
        for worker in idle:
            worker.kill()
        for worker in busy:
            # Its thread sees the socket close, and tidies up.
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, 9)
        atexit.unregister(self.close)


def _cancelled() -> Cancelled:
    return Cancelled("This was stopped before it was done. The file itself is untouched.")


def _error(facts: dict[str, Any]) -> PreviewError:
    family = getattr(errors, str(facts["error"]), PreviewError)
    if not (isinstance(family, type) and issubclass(family, PreviewError)):
        family = PreviewError
    return family.from_facts(facts)
