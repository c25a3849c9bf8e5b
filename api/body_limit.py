"""A bound on request bodies, so that no caller can fill the memory. Object bytes have their own."""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import TOO_LARGE, TOO_LARGE_SENTENCE, answer

LONGEST_BODY = 4 * 1024 * 1024
"""Bytes: `complete` of 10,000 parts with digests is under 2 MB."""
LONGEST_FORM = 16 * 1024
"""Bytes of a form that asks for a name and a password."""

_FORMS = re.compile(r"/(sign-in|sign-out|set-up|set-password|s/[^/]*/unlock)(/|$)")
_BODIES = re.compile(r"/(api|s)/")
_SENTENCES = {
    LONGEST_BODY: TOO_LARGE_SENTENCE,
    LONGEST_FORM: "What this form sends may hold 16 KiB.",
}


def longest(path: str) -> int | None:
    """Bytes a request to this path may hold; None where we do not say."""
    if _FORMS.match(path):
        return LONGEST_FORM
    return LONGEST_BODY if _BODIES.match(path) else None


class AnnouncedBodyLimit:
    """ASGI middleware: 413 as a problem where Content-Length is over the bound.

    FastAPI's own `max_body_size` stops a body that was not announced; for an announced one it would answer plain text.
    A form that is not announced is refused at once: every browser knows how long what it sends is.
    """

    def __init__(self, app: ASGIApp, *, exempt: tuple[str, ...]) -> None:
        self.app = app
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = longest(scope["path"]) if scope["type"] == "http" else None
        if most is not None and not scope["path"].startswith(self.exempt):
            headers = Headers(scope=scope)
            announced = headers.get("content-length", "0")
            unknown = most == LONGEST_FORM and "transfer-encoding" in headers
            if unknown or not announced.isdigit() or int(announced) > most:
                await answer(TOO_LARGE, _SENTENCES[most])(scope, receive, send)
                return
        await self.app(scope, receive, send)
