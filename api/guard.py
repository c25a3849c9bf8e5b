"""Who may speak to this server at all: a Host we answer to, headers of a size, and on a call that changes something no
foreign Origin.

The Host check ends DNS rebinding, the Origin check cross-site request forgery (OWASP, "CSRF prevention": verifying the
origin with standard headers). It wraps everything the process serves, Streamlit's websocket too.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import Problem, answer

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

UNKNOWN_HOST = Problem(403, "unknown-host", "Unknown host")
TOO_LONG = Problem(431, "headers-too-large", "The headers are too large")
MOST = 64 * 1024
"""Bytes of a request's address and headers together; a query's SQL may stand in the address of a screen."""
TOO_LONG_PATH = Problem(414, "path-too-long", "The address is too long")
MOST_OF_PATH = 2048
"""Characters of an address before its `?`: every one of ours is far shorter, and some are looked at again and again."""
FOREIGN_ORIGIN = Problem(403, "foreign-origin", "Foreign origin")


def size_of(scope: Scope) -> int:
    """Bytes of the address and the headers."""
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope.get("raw_path") or b"") + len(scope["query_string"])


class Guard:
    """ASGI middleware that refuses an unknown Host, and a foreign Origin where something would change, with 403; too
    large headers with 431; too long an address with 414.

    `hosts` are names or name:port beside loopback (ALLOWED_HOSTS); `public_url` is the address users see, or None.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], public_url: str | None) -> None:
        self.app = app
        self.hosts = LOOPBACK | {host.lower() for host in hosts}
        self.public_origin: str | None = None
        if public_url is not None:
            parts = urlsplit(public_url)
            self.public_origin = f"{parts.scheme}://{parts.netloc.lower()}"
            self.hosts |= {parts.hostname or ""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        refusal: tuple[Problem, str] | None = None
        if size_of(scope) > MOST:
            refusal = (TOO_LONG, "The address and the headers of a request may hold 64 KiB.")
        elif len(scope["path"]) > MOST_OF_PATH:
            refusal = (TOO_LONG_PATH, f"An address here has at most {MOST_OF_PATH:,} characters before its “?”.")
        elif not self.knows(host):
            refusal = (
                UNKNOWN_HOST,
                f"This server does not answer to “{host[:200]}”. Set PUBLIC_URL or ALLOWED_HOSTS if it should.",
            )
        elif self.changes(scope) and not self.is_own(headers, host):
            refusal = (FOREIGN_ORIGIN, "A page of another origin may not change anything here.")
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await answer(*refusal)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    def knows(self, host: str) -> bool:
        """Whether a Host header names us: with its port, or by its name alone."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
        return bool(host) and (host in self.hosts or name.strip("[]") in self.hosts)

    @staticmethod
    def changes(scope: Scope) -> bool:
        return scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS

    def is_own(self, headers: Headers, host: str) -> bool:
        """Whether the page behind the call is ours. A caller that is no browser sends neither header and may pass:
        every browser names the origin of what is not GET, and sends our cookie (SameSite=Lax) for no foreign page.
        """
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") not in ("cross-site", "same-site")
        try:
            parts = urlsplit(origin.lower())
        except ValueError:
            return False  # such as `http://[`: no browser's own, so nobody's of ours
        if self.public_origin is not None and parts.netloc == urlsplit(self.public_origin).netloc:
            # Under the address that people use the scheme counts, too: without TLS anybody on the way is that page.
            return f"{parts.scheme}://{parts.netloc}" == self.public_origin
        return parts.netloc == host
