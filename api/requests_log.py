"""Every request in the log and in the metrics: who, from where, route, status, seconds, and bytes in and out.

The path is logged without its query, where signatures live, and of a link's address only the route: its token opens it.
Every line logged on behalf of a request has its `request_id`, which the answer bears, too.
`datashelf_http_request_bytes_total` is how an operator (and a test) sees that no dataset's body passed through the app.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import KNOWN_METHODS
from catalog.caller import Caller
from catalog.origin import Origin, origin, shown_agent
from catalog.secrets import digest

log = structlog.get_logger("datashelf.access")

REQUESTS = Counter("datashelf_http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "datashelf_http_request_seconds", "Seconds until the last byte of an answer was handed over.", ["method", "route"]
)
BYTES_IN = Counter("datashelf_http_request_bytes_total", "Bytes of request bodies read by the app.", ["route"])
BYTES_OUT = Counter("datashelf_http_response_bytes_total", "Bytes of response bodies sent by the app.", ["route"])

OWN = ("/api/", "/metrics", "/s/", "/sign-in", "/sign-out", "/set-up", "/set-password")
"""What begins so is answered by us."""
LINKS = "/s/"
DIGITS = 12
"""Of a digest, to tell one link from another."""
REQUEST_ID = "X-Request-Id"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
OUTSIDE = "screens"
"""The route label of everything Streamlit serves: its own paths would make a label each."""


class RequestsLog:
    """ASGI middleware; put it outermost, so that what the guard refuses is logged too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        seen: dict[str, Any] = {"status": 500, "in": 0, "out": 0}
        state = scope.setdefault("state", {})
        # What a proxy before us calls it, so that its log and ours can be laid side by side.
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)

        async def counted_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                seen["in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            elif message["type"] == "http.response.body":
                seen["out"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, counted_receive, counted_send)
        finally:
            took = time.perf_counter() - started
            own = scope["path"].startswith(OWN)
            route = getattr(scope.get("route"), "path", "unknown") if own else OUTSIDE
            method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
            REQUESTS.labels(method, route, str(seen["status"])).inc()
            SECONDS.labels(method, route).observe(took)
            BYTES_IN.labels(route).inc(seen["in"])
            BYTES_OUT.labels(route).inc(seen["out"])
            if own:
                log.info(
                    "request",
                    method=method,
                    path=_path(scope, route),
                    status=seen["status"],
                    bytes_in=seen["in"],
                    bytes_out=seen["out"],
                    seconds=round(took, 4),
                    **_who(scope["path"], state.get("caller"), _come_from(scope)),
                )
            structlog.contextvars.unbind_contextvars("request_id")


def _path(scope: Scope, route: str) -> str:
    if scope["path"].startswith(LINKS):
        return route if route != "unknown" else f"{LINKS}…"
    # As it was sent: decoded, a %0A in it would forge a line of the log.
    return str(scope["raw_path"].decode("ascii", "replace"))


def _come_from(scope: Scope) -> Origin:
    """What the route learned of it; where none was reached, what the connection says."""
    known = origin.get()
    if known.address is not None or not scope.get("client"):
        return known
    return Origin(address=scope["client"][0], agent=shown_agent(Headers(scope=scope).get("user-agent")))


def _who(path: str, caller: Caller | None, come_from: Origin) -> dict[str, str]:
    """User and by what they came, address and agent, each where known. By what: `token:ID`, `session:ID`, `user`, or
    `link:` and how the digest begins that the catalogue keeps of the link's token."""
    by = None
    if path.startswith(LINKS):
        by = f"link:{digest(path.removeprefix(LINKS).partition('/')[0])[:DIGITS]}"
    elif caller is not None and caller.token_id is not None:
        by = f"token:{caller.token_id}"
    elif caller is not None and caller.session_id is not None:
        by = f"session:{caller.session_id}"
    elif caller is not None:
        by = "user"
    told = {
        "user": None if caller is None else caller.name,
        "by": by,
        "address": come_from.address,
        "agent": come_from.agent,
    }
    return {name: value for name, value in told.items() if value is not None}
