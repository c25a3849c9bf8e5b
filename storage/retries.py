"""Trying a call to the store again, with exponential backoff, and only where doing it twice does no harm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from storage.observe import note
from storage.protocol import ObjectRef, StorageUnavailable
from storage.s3_errors import StoreUnreachable, s3_errors

T = TypeVar("T")
LONGEST_WAIT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all (1: never again), waiting `backoff`, then twice that, and so on, up to 30 s."""

    attempts: int
    backoff: timedelta

    def safe(self, act: Callable[[], T], ref: ObjectRef | None = None) -> T:
        """For what may be done twice: any StorageUnavailable is tried again. Only our errors leave, the last one."""
        return self._call(act, ref, StorageUnavailable)

    def unsafe(self, act: Callable[[], T], ref: ObjectRef | None = None) -> T:
        """For what must not be done twice: tried again only where no connection came about."""
        return self._call(act, ref, StoreUnreachable)

    def _call(self, act: Callable[[], T], ref: ObjectRef | None, kind: type[StorageUnavailable]) -> T:
        def translated() -> T:
            with s3_errors(ref):
                return act()

        first = self.backoff.total_seconds()
        return Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait_exponential_jitter(multiplier=first, max=LONGEST_WAIT.total_seconds(), jitter=first / 4),
            retry=retry_if_exception_type(kind),
            before_sleep=_log,
            reraise=True,
        )(translated)


def _log(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    note(
        "storage operation is tried again", attempt=state.attempt_number, error=str(error), wait_s=state.upcoming_sleep
    )
