"""What is due is done by one of all replicas, and nothing that fails or hangs keeps the rest from being done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from sqlmodel import select

from catalog.housekeeping import Housekeeping, Task
from catalog.leases import Leases
from db import Database
from db.tables import Lease
from db.utc import utc_now

HOUR = timedelta(hours=1)
NEW = timedelta(0)


def replica(database: Database, *tasks: Task, look_every: timedelta = HOUR) -> Housekeeping:
    return Housekeeping(Leases(database), tasks, look_every=look_every)


def let_pass(database: Database, passed: timedelta) -> None:
    with database.transaction() as session:
        for lease in session.exec(select(Lease)):
            lease.until -= passed


def test_a_task_is_done_once_by_all_replicas_until_it_is_due_again(database: Database) -> None:
    done: list[str] = []
    replicas = [replica(database, Task("sweep", HOUR, lambda name=name: done.append(name))) for name in "ab"]  # type: ignore[misc]
    for each in (*replicas, *replicas):
        each.do_due(age=NEW)
    assert done == ["a"]
    let_pass(database, HOUR)
    replicas[1].do_due(age=NEW)
    replicas[0].do_due(age=NEW)
    assert done == ["a", "b"]


def test_a_task_that_fails_is_tried_again_soon_and_keeps_no_other_back(database: Database) -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise ValueError("broken")

    day = timedelta(days=1)
    each = replica(database, Task("bad", day, fail), Task("good", day, lambda: done.append("good")))
    each.do_due(age=NEW)
    each.do_due(age=NEW)
    assert done == ["failed", "good"]
    let_pass(database, timedelta(minutes=6))
    each.do_due(age=NEW)
    assert done == ["failed", "good", "failed"]


def test_a_task_may_wait_until_the_process_has_settled(database: Database) -> None:
    done: list[int] = []
    each = replica(database, Task("check", HOUR, lambda: done.append(1), after=timedelta(minutes=5)))
    each.do_due(age=timedelta(minutes=4))
    assert done == []
    each.do_due(age=timedelta(minutes=5))
    assert done == [1]


def test_the_thread_does_what_is_due_until_it_is_closed(database: Database) -> None:
    done = threading.Event()
    each = replica(database, Task("check", HOUR, done.set), look_every=timedelta(milliseconds=20))
    with database.transaction() as session:
        session.add(Lease(name="check", holder=each.leases.holder, until=utc_now() + HOUR))
    each.start()
    assert not done.wait(0.1), "it was done an hour ago"
    let_pass(database, HOUR)
    assert done.wait(20)
    took = _seconds(each.close)
    assert took < 5
    assert not any(thread.name == "housekeeping" for thread in threading.enumerate())


def test_closing_does_not_wait_for_a_task_that_hangs(database: Database) -> None:
    began, end = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        end.wait(60)

    later: list[int] = []
    each = replica(database, Task("long", HOUR, hang), Task("next", HOUR, lambda: later.append(1)))
    each.start()
    try:
        assert began.wait(20)
        assert _seconds(each.close) < 10
    finally:
        end.set()
    assert each._thread is not None
    each._thread.join(20)
    assert later == []


def _seconds(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began
