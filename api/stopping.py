"""Long calls that end with their client: run beside the event loop, and cancelled when nobody listens any more."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from preview.asking import Cancel

THREADS = 48
"""Threads for queries, apart from those of all other calls: more than the catalogue's gate lets run and wait."""
LOOK_EVERY = 0.25
"""Seconds between two looks whether the client is still there."""

T = TypeVar("T")

_threads = concurrent.futures.ThreadPoolExecutor(THREADS, thread_name_prefix="query")


async def until_gone(request: Request, call: Callable[[Cancel], T]) -> T:
    """What `call` returns or raises; its `Cancel` is set when the client has closed the connection.

    The request's body must have been read.
    """
    cancel, context = Cancel(), contextvars.copy_context()
    future = asyncio.get_running_loop().run_in_executor(_threads, lambda: context.run(call, cancel))
    try:
        while not (await asyncio.wait([future], timeout=LOOK_EVERY))[0]:
            if await request.is_disconnected():
                cancel.set()
    except asyncio.CancelledError:
        cancel.set()
        raise
    return future.result()
