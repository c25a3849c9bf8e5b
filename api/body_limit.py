"""A bound on request bodies of the API, so that no caller can fill the memory. Object bytes have their own."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import TOO_LARGE, TOO_LARGE_SENTENCE, answer

LONGEST_BODY = 4 * 1024 * 1024
"""Bytes: `complete` of 10,000 parts with digests is under 2 MB."""


class AnnouncedBodyLimit:
    """ASGI middleware: 413 as a problem where Content-Length is over the bound.

    FastAPI's own `max_body_size` stops a body that was not announced; for an announced one it would answer plain text.
    """

    def __init__(self, app: ASGIApp, *, exempt: tuple[str, ...]) -> None:
        self.app = app
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/") and not scope["path"].startswith(self.exempt):
            announced = Headers(scope=scope).get("content-length", "0")
            if not announced.isdigit() or int(announced) > LONGEST_BODY:
                await answer(TOO_LARGE, TOO_LARGE_SENTENCE)(scope, receive, send)
                return
        await self.app(scope, receive, send)
