"""One move at a time: among the processes of one data folder, and among the machines of one database.

Local disk is one end of every move, so a lock on a file in the data folder tells at once whether whoever held it still
lives. The lease speaks to other machines; its holder is kept in that file, so that after a kill the next run on the
same folder takes the lease over without waiting for its end.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from catalog.leases import Leases
from catalog.moving_report import Route
from db import Database, DatabaseUnavailable
from db.utc import utc_now
from storage.disk import locked

LEASE = "move"
"""One for both directions: two moves against each other would send the same files to and fro."""
LIFE = timedelta(seconds=60)
BEAT = timedelta(seconds=10)


class MoveUnderWay(Exception):
    """Somebody else is moving files; the message says who."""


@dataclass
class Hold:
    """Held for as long as it is `kept`."""

    leases: Leases
    beat_at: float

    def kept(self) -> bool:
        """Hold on; call it every few seconds. False where another machine took over, after a long silence of ours."""
        if time.monotonic() - self.beat_at < BEAT.total_seconds():
            return True
        self.beat_at = time.monotonic()
        try:
            return self.leases.take(LEASE, LIFE)
        except DatabaseUnavailable:
            # Nobody else can take it either, and switching a file needs the database anyway.
            return True


@contextmanager
def held(database: Database, folder: Path, route: Route) -> Iterator[Hold]:
    """Hold the lock and the lease. Raises MoveUnderWay, DatabaseUnavailable."""
    path = folder / "migrate.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        # A disk that can only be read can still be moved from; the lease alone has to do.
        with _leased(database, uuid.uuid4()) as hold:
            yield hold
        return
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        try:
            stack.enter_context(locked(descriptor, exclusive=True, wait=False))
        except BlockingIOError:
            raise MoveUnderWay(_who(_read(descriptor))) from None
        holder = _holder(_read(descriptor))
        _write(descriptor, holder, route)
        yield stack.enter_context(_leased(database, holder))


@contextmanager
def _leased(database: Database, holder: uuid.UUID) -> Iterator[Hold]:
    leases = Leases(database, holder)
    if not leases.take(LEASE, LIFE):
        raise MoveUnderWay(
            "Another machine that uses this database is moving files. Wait until it is done; if it was killed, try "
            f"again in {LIFE.total_seconds():.0f} seconds."
        )
    try:
        yield Hold(leases, time.monotonic())
    finally:
        with suppress(DatabaseUnavailable):
            leases.let_go(LEASE)


def _read(descriptor: int) -> dict[str, Any]:
    try:
        known = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _holder(known: dict[str, Any]) -> uuid.UUID:
    """The holder that this folder's moves have always been, or a new one."""
    try:
        return uuid.UUID(known["holder"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return uuid.uuid4()


def _write(descriptor: int, holder: uuid.UUID, route: Route) -> None:
    text = {"holder": str(holder), "host": socket.gethostname(), "pid": os.getpid(), "route": str(route)}
    data = json.dumps({**text, "since": f"{utc_now():%Y-%m-%d %H:%M:%S} UTC"}).encode()
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))


def _who(known: dict[str, Any]) -> str:
    if "pid" not in known:
        return "Another process is moving files. Wait until it is done."
    return (
        f"Process {known['pid']} on {known.get('host')} has been moving files {known.get('route')} since "
        f"{known.get('since')}. Wait until it is done, or stop it; nothing is lost either way."
    )
