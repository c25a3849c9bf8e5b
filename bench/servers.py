"""The processes that are measured: Datashelf on either backend, and a peer's Streamlit app."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.app_server import RunningApp, running_app, s3_env
from tests.real_parts import free_port
from tests.seaweed import SeaweedServer, seaweed_server
from tests.shelf_client import complete, put_part, start

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Peer:
    """An app that runs: where it answers, and its process."""

    url: str
    pid: int


@contextlib.contextmanager
def datashelf(
    folder: Path, backend: str, *, env: Mapping[str, str] | None = None
) -> Iterator[tuple[RunningApp, SeaweedServer | None]]:
    """Datashelf on an empty folder, with a store of its own where `backend` is `minio`."""
    with contextlib.ExitStack() as stack:
        store = None
        settings: dict[str, str] = {}
        if backend == "minio":
            store = stack.enter_context(seaweed_server(folder / "store", memory="1GiB"))
            settings = s3_env(store)
        app = stack.enter_context(running_app(folder / "data", {**settings, **(env or {})}))
        yield app, store


def stored(app: RunningApp, file: Path) -> str:
    """Put `file` on the shelf through the API, wait until the background reader is through with it; the file's id."""
    size = file.stat().st_size
    started = start(app, size, file.name)
    part_size, parts = started["part_size"], started["parts"]
    count = max(1, -(-size // part_size))
    with app.client() as client, file.open("rb") as source:
        while len(parts) < count:
            numbers = list(range(len(parts) + 1, min(len(parts) + 100, count) + 1))
            parts += client.post(f"/uploads/{started['upload_id']}/parts", json={"numbers": numbers}).json()["parts"]
        done = [{"number": part["number"], "etag": put_part(part["url"], source.read(part_size))} for part in parts]
        answer = complete(app, started, done)
        answer.raise_for_status()
        file_id = str(answer.json()["files"][0]["id"])
    until_read(app, file_id)
    return file_id


def until_read(app: RunningApp, file_id: str, *, seconds: float = 300) -> None:
    """Wait for the background reader: what it costs is not to be counted with what follows. Raises RuntimeError."""
    deadline = time.monotonic() + seconds
    with app.client() as client:
        while time.monotonic() < deadline:
            if client.get(f"/files/{file_id}").json()["sha256"]:
                return
            time.sleep(0.2)
    raise RuntimeError(f"the file {file_id} was not read in the background within {seconds:.0f} s")


@contextlib.contextmanager
def peer(script: str, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Peer]:
    """`streamlit run` on one of bench/peers/, with Streamlit's own settings; started outside the project's folder, so
    that the project's .streamlit/config.toml does not speak for it."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(PEERS / script)]
    command += [f"--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false", *options]
    with _running(command, f"http://localhost:{port}", "/_stcore/health", PEERS, env or {}) as started:
        yield started


@contextlib.contextmanager
def proxy(store: SeaweedServer) -> Iterator[Peer]:
    """The app that passes a store's bytes on (bench/peers/proxy.py)."""
    port = free_port()
    env = {"BENCH_ENDPOINT": store.endpoint, "BENCH_ACCESS_KEY": store.access_key, "BENCH_SECRET_KEY": store.secret_key}
    command = [sys.executable, str(PEERS / "proxy.py")]
    with _running(
        command, f"http://localhost:{port}", "/_stcore/health", PEERS, {**env, "BENCH_PORT": str(port)}
    ) as started:
        yield started


@contextlib.contextmanager
def launched(code: str, data: Path, *, port: int) -> Iterator[Peer]:
    """Datashelf, started by a piece of Python that changes what is to be compared."""
    env = {"DATA_DIR": str(data), "LOG_LEVEL": "warning"}
    with _running([sys.executable, "-c", code], f"http://localhost:{port}", "/api/health/ready", ROOT, env) as started:
        yield started


@contextlib.contextmanager
def _running(command: list[str], url: str, health: str, folder: Path, env: Mapping[str, str]) -> Iterator[Peer]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"{url}{health}", process)
        yield Peer(url, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], *, seconds: float = 60) -> None:
    """Until `url` answers. Raises RuntimeError where it does not, or the process ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=2).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"no answer from {url}")
