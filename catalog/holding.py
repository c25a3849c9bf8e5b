"""Holding a lease for as long as a piece of work takes, however long that is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from catalog.leases import Leases
from db import DatabaseUnavailable

_log = structlog.get_logger("catalog")


class LeaseHeld(Exception):
    """Another holds the lease and keeps it alive."""


@dataclass
class Hold:
    """A lease that is renewed by a thread until the block ends."""

    leases: Leases
    name: str
    life: timedelta
    lost: bool = False
    """Somebody else took it, because this process stood still for longer than its life."""
    _ended: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        while not self._ended.wait(self.life.total_seconds() / 4):
            try:
                self.lost = self.lost or not self.leases.take(self.name, self.life)
            except DatabaseUnavailable as error:
                _log.warning("a lease could not be renewed", name=self.name, error=str(error))

    def end(self) -> None:
        self._ended.set()


@contextmanager
def held(leases: Leases, name: str, *, life: timedelta) -> Iterator[Hold]:
    """Hold the lease while the block runs, after waiting for one that a killed holder left. Raises LeaseHeld.

    Where the database takes no writes, as on a full disk, the block runs without it, and the log says so.
    """
    hold = Hold(leases, name, life)
    try:
        _wait_for(leases, name, life)
    except DatabaseUnavailable as error:
        _log.warning("goes on without a lease, which the database does not take", name=name, error=str(error))
        yield hold
        return
    keeper = threading.Thread(target=hold.keep, name=f"lease-{name}", daemon=True)
    keeper.start()
    try:
        yield hold
    finally:
        hold.end()
        keeper.join()
        try:
            leases.let_go(name)
        except DatabaseUnavailable as error:
            _log.warning("a lease ends by itself later", name=name, error=str(error))


def _wait_for(leases: Leases, name: str, life: timedelta) -> None:
    deadline = time.monotonic() + life.total_seconds() * 1.25
    while not leases.take(name, life):
        if time.monotonic() > deadline:
            raise LeaseHeld(name)
        time.sleep(min(1.0, life.total_seconds() / 20))
