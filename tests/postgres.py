"""A real PostgreSQL server for the tests, and the `database` fixture that runs a test on SQLite and on PostgreSQL.

The server is the machine's own (Debian keeps it under /usr/lib/postgresql); it lives in a temporary folder, listens on
a random port of loopback and does not wait for the disk (a killed server loses nothing by that, a power cut would).
Every test gets a database of its own, copied from a migrated template.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db import Database, migrate, open_database
from tests.real_parts import free_port, missing

TEMPLATE = "datashelf_template"


@dataclass
class PostgresServer:
    """One server process; a fault test may stop it and start it again with its data kept."""

    binaries: Path
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, name: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        self._process = self._run(
            *("postgres", "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)),
            *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"),
            *("-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "max_connections=60"),
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self._conninfo(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Cut every connection at once, as a server that falls over does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=20)
            self._process = None

    def initialise(self) -> None:
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
        process = self._run("initdb", "-D", str(self.folder / "data"), *options)
        if process.wait(timeout=60) != 0:
            raise RuntimeError((self.folder / "log").read_text(errors="replace"))

    def run_sql(self, statement: str) -> None:
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        # PostgreSQL refuses to run as root; a container's tests usually are.
        other: dict[str, Any] = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        )
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binaries / program, *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"TZ": "UTC"},
                **other,
            )


def _find_binaries() -> Path | None:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found else None


def start_postgres(stack: ExitStack, *, beside: Path = Path("/tmp")) -> PostgresServer:
    """A server of one's own, for a test that stops it; `stack` ends it. Its folder is made in `beside`, which the
    account postgres must be able to reach."""
    binaries = _find_binaries()
    if binaries is None:
        missing("PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="datashelf-pg-", dir=beside))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            missing("The account postgres, which PostgreSQL needs where the tests run as root,")
        os.chown(folder, account.pw_uid, account.pw_gid)
    server = PostgresServer(binaries, folder, free_port())
    server.initialise()
    stack.callback(server.stop)
    server.start()
    return server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server all tests of a session share; do not stop it."""
    with ExitStack() as stack:
        yield start_postgres(stack)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A migrated, empty database to copy from: 30 ms a test instead of a migration each."""
    postgres_server.run_sql(f"create database {TEMPLATE}")
    with open_database(postgres_server.url(TEMPLATE)) as database:
        migrate(database)
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    with open_database(f"sqlite:///{path}") as database:
        migrate(database)
    return path


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"t_{uuid.uuid4().hex}"
    postgres_server.run_sql(f"create database {name}")
    yield postgres_server.url(name)
    postgres_server.run_sql(f"drop database {name} with (force)")


@pytest.fixture
def migrated_postgres(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    name = f"t_{uuid.uuid4().hex}"
    postgres_server.run_sql(f"create database {name} template {postgres_template}")
    yield postgres_server.url(name)
    postgres_server.run_sql(f"drop database {name} with (force)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with nothing in it, SQLite and PostgreSQL in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("empty_postgres")
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database of the test's own, SQLite and PostgreSQL in turn."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("migrated_postgres")
        return url
    path = tmp_path / "datashelf.db"
    shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same, opened: what a test of the catalogue asks for."""
    with open_database(database_url) as opened:
        yield opened
