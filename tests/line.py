"""The line between a client and a server, as a test wants it: counted, held up, slowed, cut, or answering by itself.

It speaks TCP, so that signatures over the Host hold: a server is known to its clients by the line's own address.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65_536
DRIPS = 20
"""Pieces a second of what goes to a client whose line has a rate."""
KEPT = 4_000_000
"""Bytes of what clients said that are kept to be looked at."""


@dataclass
class Line:
    """`sent` and `received` count bytes from clients and to them. Set what shall happen; it holds from then on."""

    target: tuple[str, int]
    hold_after: int | None = None
    """Bytes from clients after which no more of them pass, until this is None."""
    rate: int | None = None
    """Bytes a second to clients, on each connection."""
    spoil: bool = False
    """Whether one byte of each longer answer is another."""
    sent: int = 0
    received: int = 0
    said: bytearray = field(default_factory=bytearray, repr=False)
    held: threading.Event = field(default_factory=threading.Event, repr=False)
    _answer: bytes | None = None
    _open: set[socket.socket] = field(default_factory=set, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _listener: socket.socket = field(
        default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=128), repr=False
    )

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def answer(self, status: int | None, code: str = "SlowDown") -> None:
        """Answer every request with an S3 error instead of passing it on; None passes again."""
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        self._answer = None if status is None else f"{head}Connection: close\r\n\r\n".encode() + body
        self.cut()

    def cut(self) -> None:
        """Break every connection."""
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hold_after = None
        self.cut()

    def _serve(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            if (answer := self._answer) is not None:
                _drain(near)
                near.sendall(answer)
                return
            with socket.create_connection(self.target) as far:
                with self._lock:
                    self._open |= {near, far}
                up = threading.Thread(target=self._up, args=(near, far), daemon=True)
                up.start()
                self._down(far, near)
                up.join()
                with self._lock:
                    self._open -= {near, far}

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while data := near.recv(CHUNK):
                while self.hold_after is not None and self.sent >= self.hold_after:
                    self.held.set()
                    time.sleep(0.01)
                with self._lock:
                    self.sent += len(data)
                    if len(self.said) < KEPT:
                        self.said += data[:2000]
                far.sendall(data)
        _shut(near, far)

    def _down(self, far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := far.recv(CHUNK):
                if self.spoil and len(data) > 20_000:
                    data = data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]
                while data:
                    # A slow line gives a little all the time: what comes in bursts would count as silence.
                    size = len(data) if self.rate is None else max(1, self.rate // DRIPS)
                    drop, data = data[:size], data[size:]
                    if self.rate is not None:
                        time.sleep(len(drop) / self.rate)
                    with self._lock:
                        self.received += len(drop)
                    near.sendall(drop)
        _shut(near, far)


@contextmanager
def line_to(endpoint: str) -> Iterator[Line]:
    """A line to host:port, for the length of the block."""
    host, _, port = endpoint.rpartition(":")
    line = Line((host, int(port)))
    threading.Thread(target=line.accept, daemon=True).start()
    try:
        yield line
    finally:
        line.close()


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _drain(near: socket.socket) -> None:
    """Take the whole request, for who is answered in the middle of sending may never read the answer."""
    near.settimeout(10)
    data = b""
    while b"\r\n\r\n" not in data:
        more = near.recv(CHUNK)
        if not more:
            return
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    left = int(found[1]) - len(body) if found else 0
    while left > 0 and (more := near.recv(CHUNK)):
        left -= len(more)
