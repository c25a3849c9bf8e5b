"""What a process and its children use: memory as PSS, and CPU seconds.

PSS (proc(5), smaps_rollup) counts a shared page once over all who share it, so that the sum over a process tree is
what the tree costs the machine. Files that are only cached are not in it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

EVERY = 0.05
"""Seconds between two looks; a read of smaps_rollup costs about a millisecond."""


def tree(pid: int) -> list[psutil.Process]:
    """The process and all that live below it."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory(pid: int, *, alone: bool = False) -> float:
    """MB (decimal) of PSS of the process and its children, or of the process `alone`."""
    total = 0
    for process in tree(pid)[: 1 if alone else None]:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total / 1e6


def cpu(pid: int) -> float:
    """CPU seconds so far of the process, of its children and of those that have ended."""
    total = 0.0
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
            if process.pid == pid:
                total += times.children_user + times.children_system
    return total


@dataclass
class Watch:
    """What was seen over the length of a block."""

    before: float
    peak: float = 0.0
    after: float = 0.0
    cpu: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def growth(self) -> float:
        """MB at the highest, above what it was before."""
        return self.peak - self.before

    @property
    def kept(self) -> float:
        """MB still held when the block ended, above what it was before."""
        return self.after - self.before


@contextlib.contextmanager
def watched(pid: int, *, alone: bool = False) -> Iterator[Watch]:
    """Look at the process tree all through the block.

    `alone` leaves the children's memory out: one that ends meanwhile would hide what the process itself takes.
    """
    watch = Watch(before=memory(pid, alone=alone))
    watch.peak = watch.before
    spent = cpu(pid)

    def look() -> None:
        while not watch._stop.wait(EVERY):
            watch.peak = max(watch.peak, memory(pid, alone=alone))

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    try:
        yield watch
    finally:
        watch._stop.set()
        looker.join()
        watch.after = memory(pid, alone=alone)
        watch.peak = max(watch.peak, watch.after)
        watch.cpu = cpu(pid) - spent
