"""The real app as a process of its own, started as README says, for the tests and the benchmarks.

`running_app(...)` is plain Python for `bench/`; the fixtures below give the suites one app on local disk and one on the
real S3 server, and `shelf`, which is each of them in turn.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.real_parts import free_port
from tests.seaweed import S3Server

ROOT = Path(__file__).parent.parent
START_WITHIN = 60
OWN_SETTINGS = (
    "STORAGE_",
    "MINIO",
    "AUTH_",
    "RATES_",
    "TRUSTED_PROXIES",
    "ACTIVITY_DAYS",
    "PREVIEW_",
    "UPLOAD_",
    "DOWNLOAD_",
    "LIFECYCLE_",
    "BACKUP_",
    "TRASH_DAYS",
    "SCRUB_DAYS",
    "DATABASE_URL",
    "DATA_DIR",
    "PUBLIC_URL",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "LOG_",
    "STREAMLIT_",
)


class AppDidNotStart(Exception):
    """The process ended or stayed unhealthy; the message holds the end of its log and, its exit code."""

    def __init__(self, message: str, *, code: int | None) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class RunningApp:
    """A started app: where it answers, where its log is, and how to end it."""

    url: str
    port: int
    data_dir: Path
    log_file: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def api(self) -> str:
        return f"{self.url}/api/ml/v1"

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.api, timeout=30, **options)  # type: ignore[arg-type]  # httpx's own options

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def start_app(
    data_dir: Path,
    env: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
    wait: bool = True,
    under: Sequence[str] = (),
) -> RunningApp:
    """Start `streamlit run app.py` on loopback. Raises AppDidNotStart; with `wait=False` it returns at once.

    `under` is a command that runs it with other rights or limits (setpriv, prlimit).
    """
    port = port or free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    log_file = data_dir.parent / f"{data_dir.name}-{port}.log"
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN_SETTINGS)}
    full = {**clean, "DATA_DIR": str(data_dir), "LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1", **(env or {})}
    command = [*under, sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=full, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    app = RunningApp(f"http://localhost:{port}", port, data_dir, log_file, full, process)
    if wait:
        wait_healthy(app)
    return app


def wait_healthy(app: RunningApp) -> None:
    """Until /api/health/ready answers 200; ends the process and raises AppDidNotStart where it does not."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            raise AppDidNotStart(
                f"the app ended with {app.process.returncode}:\n{app.log[-4000:]}", code=app.process.returncode
            )
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{app.url}/api/health/ready", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    app.stop()
    raise AppDidNotStart(f"not healthy within {START_WITHIN} s:\n{app.log[-4000:]}", code=None)


@contextlib.contextmanager
def running_app(
    data_dir: Path, env: Mapping[str, str] | None = None, *, port: int | None = None, under: Sequence[str] = ()
) -> Iterator[RunningApp]:
    """A healthy app for the length of the block."""
    app = start_app(data_dir, env, port=port, under=under)
    try:
        yield app
    finally:
        app.stop()


def s3_env(server: S3Server, *, bucket: str = "mlops-files") -> dict[str, str]:
    """The settings that put the app on a real S3 server."""
    return {
        "STORAGE_BACKEND": "minio",
        "MINIO__ENDPOINT": server.endpoint,
        "MINIO__SECURE": str(server.secure).lower(),
        "MINIO__PUBLIC_ENDPOINT": server.url,
        "MINIO__REGION": server.region,
        "MINIO__ACCESS_KEY": server.access_key,
        "MINIO__SECRET_KEY": server.secret_key,
        "MINIO__BUCKET": bucket,
        "MINIO__RETRY_BACKOFF": "0.1",
    }


@pytest.fixture(scope="session")
def local_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """One app on local disk and SQLite, shared by the session: tests make their own datasets in it."""
    with running_app(tmp_path_factory.mktemp("local-app") / "data") as app:
        yield app


@pytest.fixture(scope="session")
def s3_app(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[RunningApp]:
    """One app on the real S3 server, shared by the session."""
    with running_app(tmp_path_factory.mktemp("s3-app") / "data", s3_env(s3_server)) as app:
        yield app


@pytest.fixture(params=["local", pytest.param("minio", marks=pytest.mark.s3)])
def shelf(request: pytest.FixtureRequest) -> RunningApp:
    """The app on each backend in turn."""
    app: RunningApp = request.getfixturevalue("local_app" if request.param == "local" else "s3_app")
    return app
