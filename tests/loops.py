"""An event loop of its own for one coroutine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import anyio

P = ParamSpec("P")
R = TypeVar("R")


def run(function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `function` answers, run to its end in a thread of its own.

    Playwright's synchronous interface keeps a loop running in the thread of the tests, for as long as its worker
    lives, and no second one may be run beside it.
    """

    async def call() -> R:
        return await function(*args, **kwargs)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, call).result()
