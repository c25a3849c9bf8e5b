"""Work beside the session: its answer, its error, and stopping it."""

from __future__ import annotations

import threading

import pytest

from pages.jobs import Job
from preview.asking import Cancel


def test_an_answer_is_there_once_it_is_done() -> None:
    go = threading.Event()
    job = Job("key", lambda _: go.wait(30) and "answer")
    assert not job.wait(0)
    go.set()
    assert job.wait(30)
    assert job.result() == "answer"


def test_an_error_is_raised_where_the_answer_is_asked_for() -> None:
    def fail(_: Cancel) -> None:
        raise ValueError("no")

    job = Job("key", fail)
    assert job.wait(30)
    with pytest.raises(ValueError, match="no"):
        job.result()


def test_the_work_hears_that_it_is_to_stop() -> None:
    def wait(cancel: Cancel) -> bool:
        while not cancel.is_set():
            threading.Event().wait(0.01)
        return True

    job = Job("key", wait)
    assert not job.wait(0.05)
    job.cancel.set()
    assert job.wait(30)
