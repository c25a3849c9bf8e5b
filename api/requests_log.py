"""Every request in the log and in the metrics: route, status, seconds, and bytes in and out.

The path is logged without its query, where signatures live. `datashelf_http_request_bytes_total` is how an operator
(and a test) sees that no dataset's body passed through the app.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import KNOWN_METHODS

log = structlog.get_logger("datashelf.access")

REQUESTS = Counter("datashelf_http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "datashelf_http_request_seconds", "Seconds until the last byte of an answer was handed over.", ["method", "route"]
)
BYTES_IN = Counter("datashelf_http_request_bytes_total", "Bytes of request bodies read by the app.", ["route"])
BYTES_OUT = Counter("datashelf_http_response_bytes_total", "Bytes of response bodies sent by the app.", ["route"])

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

        async def counted_receive() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                seen["in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            elif message["type"] == "http.response.body":
                seen["out"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, counted_receive, counted_send)
        finally:
            took = time.perf_counter() - started
            own = scope["path"].startswith(("/api/", "/metrics", "/s/"))
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
                    # As it was sent: decoded, a %0A in it would forge a line of the log.
                    path=scope["raw_path"].decode("ascii", "replace"),
                    status=seen["status"],
                    bytes_in=seen["in"],
                    bytes_out=seen["out"],
                    seconds=round(took, 4),
                )
