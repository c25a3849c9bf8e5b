"""A store on loopback that serves ranges as an S3 server does, counts what it sends, and fails when told to."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from preview.source import Source


class RangeServer(ThreadingHTTPServer):
    """Serves the files of a folder.

    `drop_after` closes each of the next `drops` answers after so many bytes; `pause` is how many seconds an answer
    takes to begin, and `waiting` how many were asked for.
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self._sent = 0
        self._writing = 0
        self._counted = threading.Condition()
        self.requests: list[tuple[int, int]] = []
        self.drops = 0
        self.drop_after = 0
        self.status: int | None = None
        self.said = b""
        self.pause = 0.0
        self.waiting = 0
        self.lock = threading.Lock()

    def source(self, name: str, *, size: int | None = None, file_name: str | None = None) -> Source:
        port = self.server_address[1]
        actual = (self.root / name).stat().st_size if size is None else size
        return Source(f"http://127.0.0.1:{port}/{name}?X-Amz-Signature=abc", actual, file_name or name)

    @property
    def sent(self) -> int:
        """Bytes sent. What a client has received it may ask for before this side has counted it: that is waited for."""
        with self._counted:
            self._counted.wait_for(lambda: not self._writing, timeout=1)
            return self._sent

    @contextmanager
    def counting(self, size: int) -> Iterator[None]:
        """Send `size` bytes in the block; they count where it does not raise."""
        with self._counted:
            self._writing += 1
        sent = 0
        try:
            yield
            sent = size
        finally:
            with self._counted:
                self._writing -= 1
                self._sent += sent
                self._counted.notify_all()

    def reset(self) -> None:
        with self._counted:
            self._sent = 0
        self.requests = []


class _Handler(BaseHTTPRequestHandler):
    server: RangeServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.waiting += 1
        began = time.monotonic()
        while time.monotonic() - began < self.server.pause:
            time.sleep(0.02)
        path = self.server.root / self.path.lstrip("/").split("?")[0]
        if self.server.status is not None or not path.is_file():
            self.send_response(self.server.status or 404)
            self.send_header("Content-Length", str(len(self.server.said)))
            self.end_headers()
            self.wfile.write(self.server.said)
            return
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)?", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2] or size - 1), size - 1)) if asked else (0, size - 1)
        if first >= size:
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with self.server.lock:
            self.server.requests.append((first, last))
            drop = self.server.drops > 0 and last - first + 1 > self.server.drop_after
            self.server.drops -= drop
        self._send(path, first, self.server.drop_after if drop else last - first + 1)
        if drop:
            self.close_connection = True

    def _send(self, path: Path, first: int, length: int) -> None:
        with path.open("rb") as file:
            file.seek(first)
            while length > 0 and (block := file.read(min(1 << 20, length))):
                try:
                    with self.server.counting(len(block)):
                        self.wfile.write(block)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                    return
                length -= len(block)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def serving(root: Path) -> Iterator[RangeServer]:
    """A server of the folder's files, stopped at the end."""
    server = RangeServer(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
