"""A TCP relay on loopback that counts the bytes an app fetches from its store."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK = 262_144


@dataclass
class Relay:
    """Where it listens, and how many bytes came back from the far side so far."""

    endpoint: str
    received: int = 0


@contextlib.contextmanager
def relay(target: str, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Relay]:
    """Pass every connection to `host:port` (0: any free one) on to `target` for the length of the block."""
    target_host, _, target_port = target.rpartition(":")
    listener = socket.create_server((host, port))
    counted = Relay(f"{host}:{listener.getsockname()[1]}")
    lock = threading.Lock()

    def pump(source: socket.socket, sink: socket.socket, *, count: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if count:
                    with lock:
                        counted.received += len(data)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return  # the block has ended
            far = socket.create_connection((target_host, int(target_port)))
            threading.Thread(target=pump, args=(near, far), kwargs={"count": False}, daemon=True).start()
            threading.Thread(target=pump, args=(far, near), kwargs={"count": True}, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield counted
    finally:
        listener.close()
