"""A line with delay and loss between a network namespace and this machine, for clients that are started inside it.

netem is not in every kernel. Here two TUN devices stand for the two ends, and a thread carries the packets from one to
the other: each `delay` later, and one in so many not at all. TCP above it is the kernel's own, with CUBIC for its
congestion control inside, as on the laptops of those who upload (servers with BBR hardly notice such a loss). Needs
root, `ip` (Debian: iproute2) and /dev/net/tun.

Inside, `localhost:PORT` is this machine's `localhost:PORT`, for each port that is let through: links keep their host,
and a page keeps what a browser grants to localhost alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import select
import shutil
import stat
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.relay import relay

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""linux/if_tun.h"""
OUTSIDE, INSIDE = "10.213.7.1", "10.213.7.2"
MTU = 1500
CONGESTION_CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")
"""Of the namespace of who opens it."""
LONGEST_QUEUE = 4_000
"""Packets under way in one direction; more are dropped, as a router does."""


@dataclass(frozen=True)
class Line:
    """A namespace that is reached over the line alone."""

    namespace: str

    def command(self, command: Sequence[str]) -> list[str]:
        """`command`, to be run inside."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def script(self, folder: Path, program: str) -> Path:
        """An executable that starts `program` inside, for who takes a path and no command."""
        found = shutil.which(program) or program
        path = folder / f"{Path(found).name}-inside"
        path.write_text(f'#!/bin/sh\nexec ip netns exec {self.namespace} "{found}" "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path


@contextlib.contextmanager
def line(ports: Sequence[int], *, delay: float = 0.025, loss: float = 0.01, seed: int = 7) -> Iterator[Line]:
    """A line for the length of the block, with `delay` seconds and a share `loss` of packets lost in each direction.

    Raises RuntimeError where the machine cannot have one.
    """
    made = Line(f"datashelf-{os.getpid()}")
    with contextlib.ExitStack() as stack:
        if os.geteuid() != 0 or shutil.which("ip") is None or not Path("/dev/net/tun").exists():
            raise RuntimeError("a line needs root, iproute2 and /dev/net/tun")
        _ip("netns", "add", made.namespace)
        stack.callback(_ip, "netns", "delete", made.namespace)
        ends = [stack.enter_context(_tun(name)) for name in (f"ds{os.getpid()}a", f"ds{os.getpid()}b")]
        _ip("link", "set", ends[1][1], "netns", made.namespace)
        for (_, name), own, other, inside in (
            (ends[0], OUTSIDE, INSIDE, ()),
            (ends[1], INSIDE, OUTSIDE, (made.namespace,)),
        ):
            prefix = ("-n", *inside) if inside else ()
            _ip(*prefix, "address", "add", own, "peer", other, "dev", name)
            _ip(*prefix, "link", "set", "dev", name, "mtu", str(MTU), "up")
        _ip("-n", made.namespace, "link", "set", "dev", "lo", "up")
        stop = threading.Event()
        carrier = threading.Thread(
            target=_carry, args=(ends[0][0], ends[1][0], stop, delay, loss, random.Random(seed)), daemon=True
        )
        carrier.start()
        stack.callback(carrier.join)
        stack.callback(stop.set)
        doors = [(port, stack.enter_context(relay(f"127.0.0.1:{port}", host=OUTSIDE)).endpoint) for port in ports]
        command = [sys.executable, "-m", "bench.line", *(f"{port}={endpoint}" for port, endpoint in doors)]
        inside_process = subprocess.Popen(
            made.command(command),
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        stack.callback(inside_process.wait)
        assert inside_process.stdin is not None
        assert inside_process.stdout is not None
        stack.callback(inside_process.stdin.close)
        if inside_process.stdout.readline().strip() != "ready":
            raise RuntimeError("the line's far end did not start")
        yield made


@contextlib.contextmanager
def _tun(name: str) -> Iterator[tuple[int, str]]:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        yield descriptor, name
    finally:
        os.close(descriptor)


def _carry(one: int, other: int, stop: threading.Event, delay: float, loss: float, rng: random.Random) -> None:
    """Packets from each end to the other, in order."""
    under_way: dict[int, deque[tuple[float, bytes]]] = {one: deque(), other: deque()}
    far = {one: other, other: one}
    while not stop.is_set():
        now = time.monotonic()
        next_due = now + 0.2
        for source, packets in under_way.items():
            while packets and packets[0][0] <= now:
                with contextlib.suppress(OSError):  # an end that is down loses its packets
                    os.write(far[source], packets.popleft()[1])
            if packets:
                next_due = min(next_due, packets[0][0])
        for source in select.select([one, other], [], [], max(0.0, next_due - time.monotonic()))[0]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = os.read(source, MTU + 100)
                    if rng.random() >= loss and len(under_way[source]) < LONGEST_QUEUE:
                        under_way[source].append((time.monotonic() + delay, packet))


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def main(doors: Sequence[str]) -> None:
    """The far end, inside the namespace: listens where a client looks for the servers, until standard input closes."""
    CONGESTION_CONTROL.write_text("cubic")
    with contextlib.ExitStack() as stack:
        for door in doors:
            port, _, endpoint = door.partition("=")
            stack.enter_context(relay(endpoint, port=int(port)))
        print("ready", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
