"""A TCP relay in front of a store that fails on demand: what a bad network or a dying server does to one connection."""

from __future__ import annotations

import select
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto


class Fault(Enum):
    DROP = auto()
    """The connection breaks once the request has begun to arrive; nothing of it reaches the store."""
    SWALLOW = auto()
    """The store does what it is asked, and its answer is lost."""
    CUT = auto()
    """The answer breaks off after `Relay.cut_after` bytes."""
    HANG = auto()
    """The request arrives and nothing ever comes back."""


class Relay:
    """Forwards connections to a target; the next ones suffer the faults that were ordered, one each."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._faults: deque[Fault] = deque()
        self._stopping = threading.Event()
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.cut_after = 0

    def fail_next(self, fault: Fault, times: int = 1) -> None:
        """Order faults for the next connections, and count connections from here."""
        self._faults.extend([fault] * times)
        self.connections = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            fault = self._faults.popleft() if self._faults else None
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, client: socket.socket, fault: Fault | None) -> None:
        with client, suppress(OSError):
            if fault is Fault.DROP:
                client.recv(1)
                return
            if fault is Fault.HANG:
                self._stopping.wait()
                return
            with socket.create_connection(self._target) as store:
                self._forward(client, store, fault)

    def _forward(self, client: socket.socket, store: socket.socket, fault: Fault | None) -> None:
        left = self.cut_after if fault is Fault.CUT else None
        while not self._stopping.is_set():
            for ready in select.select([client, store], [], [], 0.2)[0]:
                data = ready.recv(65536)
                if not data or (fault is Fault.SWALLOW and ready is store):
                    return
                if ready is client:
                    store.sendall(data)
                    continue
                if left is not None:
                    data, left = data[:left], left - len(data)
                client.sendall(data)
                if left is not None and left <= 0:
                    return


@contextmanager
def relaying(target: str) -> Iterator[Relay]:
    """A running relay to host:port."""
    relay = Relay(target)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join(5)
