"""A small HTTP relay before a store, whose clock is wrong or which alters what it hands out."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def relayed(
    target: str, *, clock: timedelta = timedelta(0), alter: Callable[[bytes], bytes] | None = None
) -> Iterator[str]:
    """host:port of a relay to `target` (host:port). `clock` is how far its Date is off; `alter` is given the bytes of
    each answer to a GET that is not the store's own XML, and gives as many others."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            store = http.client.HTTPConnection(target, timeout=30)
            store.request(self.command, self.path, body=body or None, headers=headers)
            answer = store.getresponse()
            data = answer.read()
            store.close()
            if alter is not None and self.command == "GET" and "xml" not in (answer.getheader("Content-Type") or ""):
                data = alter(data)
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in ("date", "transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            self.send_header("Date", format_datetime(datetime.now(UTC) + clock, usegmt=True))
            self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = pass_on  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
