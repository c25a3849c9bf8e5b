"""How many calls of a kind are at work at once, so that those which wait for a silent store leave the rest to work.

Routes that are no coroutines run in one pool of 40 threads (anyio's), in which the screens' own files are read as well:
without turns, forty calls that wait for the store are the end of every page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from anyio import Semaphore
from fastapi import Depends, Request

AT_ONCE = 12
"""Of each kind; the kinds together leave threads over."""


def in_turn(kind: str) -> Any:
    """A dependency for routes, or routers, that ask the store or the preview's workers: the others of its kind wait."""
    return Depends(_turns(kind))


def _turns(kind: str) -> Callable[[Request], AsyncIterator[None]]:
    async def turn(request: Request) -> AsyncIterator[None]:
        # Made inside the event loop, and once for all requests.
        state, name = request.app.state, f"turns_{kind}"
        if not hasattr(state, name):
            setattr(state, name, Semaphore(AT_ONCE))
        turns: Semaphore = getattr(state, name)
        async with turns:
            yield

    return turn
