"""The connection to the database: engine, sessions, and what "the database is away" looks like.

SQLite runs in WAL mode, so that readers and the one writer do not wait for each other, and syncs every commit: what was
acknowledged survives a power cut. PostgreSQL is reached through psycopg 3 with a pool that tests a connection before
using it, so that a restarted server costs no failed request. Values never stand in errors and logs: passwords' hashes,
names and addresses are among them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from db.errors import DatabaseUnavailable

BUSY_TIMEOUT = 15.0
"""Seconds a SQLite connection waits for another's write."""
WRITES = {"datashelf_writes": True}


@dataclass(frozen=True)
class Database:
    """An open database. Threads may share it; a session belongs to one thread."""

    engine: Engine

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session to read with: all its queries see the database as of one moment, and nothing is committed.

        Raises DatabaseUnavailable for every error that means the database is away.
        """
        # SQLite's transactions are snapshots anyway.
        reader = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        with _own_errors(), Session(reader, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session to write with: committed when the block ends, rolled back when it raises.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE): a reader that turns writer half-way could not wait
        for its turn and would fail as "locked". Raises DatabaseUnavailable; IntegrityError passes through.
        """
        writer = self.engine.execution_options(**WRITES)
        with _own_errors(), Session(writer, expire_on_commit=False) as session, session.begin():
            yield session

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises DatabaseUnavailable."""
        with self.session() as session:
            session.connection().execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_database(url: str) -> Database:
    """Make the engine of a `sqlite:///…` or `postgresql+psycopg://…` address; no connection is made yet.

    SQLite's folder is created. Raises OSError where that is not possible.
    """
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        return Database(_sqlite_engine(address))
    return Database(_postgres_engine(address))


def _sqlite_engine(address: URL) -> Engine:
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        address,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT},
        pool_size=8,
        max_overflow=24,
        pool_timeout=20,
    )
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # None turns off Python's own, late BEGIN; `_begin_sqlite` says when a transaction starts and of which kind.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA temp_store = MEMORY")
    # Searching reads every row: through the page cache's own memory that is twice as fast, and copies nothing.
    connection.execute("PRAGMA mmap_size = 268435456")
    deadline = time.monotonic() + BUSY_TIMEOUT
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Two processes that make the database at once: the change of mode does not honour the busy timeout.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("datashelf_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_engine(address: URL) -> Engine:
    return create_engine(
        address,
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=20,
        pool_pre_ping=True,
        pool_recycle=1800,
        # Seconds; a server that vanished without a word is noticed in half a minute instead of hours.
        connect_args={"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        | {"tcp_user_timeout": 30_000, "application_name": "datashelf"},
    )


@contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise DatabaseUnavailable("The database does not answer.") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable("The database closed the connection.") from error
        if isinstance(error.orig, sqlite3.DatabaseError) and "not a database" in str(error.orig):
            raise DatabaseUnavailable("The file is not a SQLite database.") from error
        raise
