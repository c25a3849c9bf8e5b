"""How many calls of a kind are at work at once, so that those which wait for a silent store leave the rest to work.

Routes that are no coroutines run in one pool of 40 threads (anyio's), in which the screens' own files are read as well:
without turns, forty calls that wait for the store are the end of every page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, get_args

from anyio import Semaphore
from fastapi import Depends, FastAPI, Request

Kind = Literal["store", "preview"]
AT_ONCE = 12
"""Of each kind; the kinds together leave threads over."""


def install(app: FastAPI) -> None:
    app.state.turns = {kind: Semaphore(AT_ONCE) for kind in get_args(Kind)}


def in_turn(kind: Kind) -> Any:
    """A dependency for routes, or routers, that ask the store or the preview's workers: the others of its kind wait."""

    async def turn(request: Request) -> AsyncIterator[None]:
        turns: dict[Kind, Semaphore] = request.app.state.turns
        async with turns[kind]:
            yield

    return Depends(turn)
