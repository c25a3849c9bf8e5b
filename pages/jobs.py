"""Work that may take seconds, done beside the session: the screen stays alive, and what is under way can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import streamlit as st

from preview.asking import Cancel

T = TypeVar("T")


class Job(Generic[T]):
    """One call in a thread of its own, from the moment it is made. `key` says what was asked, to know it again."""

    def __init__(self, key: Hashable, work: Callable[[Cancel], T]) -> None:
        self.key = key
        self.cancel = Cancel()
        self.began = time.monotonic()
        self._done = threading.Event()
        self._error: Exception | None = None
        self._value: T
        threading.Thread(target=self._run, args=(work,), name="screen-job", daemon=True).start()

    def _run(self, work: Callable[[Cancel], T]) -> None:
        try:
            self._value = work(self.cancel)
        except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
            self._error = error
        finally:
            self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is done, after at most so many seconds."""
        return self._done.wait(seconds)

    @property
    def done(self) -> bool:
        return self._done.is_set()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    def result(self) -> T:
        """What the call gave, or raises what it raised. Only after it is done."""
        if self._error is not None:
            raise self._error
        return self._value


def ask(slot: str, key: Hashable, work: Callable[[Cancel], T]) -> Job[T]:
    """The session's job in `slot` where it answers `key`; else a new one, and the old one is stopped."""
    job: Job[T] | None = st.session_state.get(slot)
    if job is None or job.key != key:
        stop(slot)
        job = Job(key, work)
        st.session_state[slot] = job
    return job


def running(slot: str) -> bool:
    """Whether the session's job in `slot` is still under way."""
    job: Job[object] | None = st.session_state.get(slot)
    return job is not None and not job.done


def stop(slot: str) -> None:
    """Stop the session's job in `slot`, if there is one; its answer is then that it was stopped."""
    job: Job[object] | None = st.session_state.get(slot)
    if job is not None:
        job.cancel.set()


def forget(slot: str) -> None:
    """Stop it, and let the next `ask` begin anew."""
    stop(slot)
    st.session_state.pop(slot, None)
