"""No more run at once than may, and who waits in vain is told so."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from catalog.errors import Busy
from catalog.gate import Gate
from preview.asking import Cancel
from preview.errors import Cancelled


def test_the_next_enters_when_one_leaves() -> None:
    gate, inside, entered = Gate(1, patience=timedelta(seconds=30)), threading.Event(), threading.Event()

    def second() -> None:
        inside.wait(30)
        with gate.turn():
            entered.set()

    thread = threading.Thread(target=second)
    thread.start()
    with gate.turn():
        inside.set()
        assert not entered.wait(0.2)
    assert entered.wait(30)
    thread.join()


def test_patience_has_an_end_and_so_has_the_queue() -> None:
    gate = Gate(1, waiting=0, patience=timedelta(seconds=30))
    with gate.turn(), pytest.raises(Busy), gate.turn():
        pass
    impatient = Gate(1, patience=timedelta(seconds=0.05))
    with impatient.turn(), pytest.raises(Busy, match="Try again"), impatient.turn():
        pass
    with impatient.turn():
        pass


def test_who_is_cancelled_waits_no_longer_and_an_error_gives_the_turn_back() -> None:
    gate, cancel = Gate(1, patience=timedelta(seconds=30)), Cancel()
    cancel.set()
    with gate.turn(), pytest.raises(Cancelled), gate.turn(cancel):
        pass
    with pytest.raises(ZeroDivisionError), gate.turn():
        raise ZeroDivisionError
    with gate.turn():
        pass
