"""The schema's version: bringing a database to the one this code knows.

Several processes may start at once: one migrates under a lock, the others wait and find the work done. Where the
version is right already, which is every start but the first after an update, Alembic is not even imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from db.engine import WRITES, Database
from db.errors import DatabaseTooNew, DatabaseUnavailable
from db.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"
"""The newest revision in `migrations/versions`; a test holds the two together."""
LOCK = 0x6461_7461_7368_656C
"""Number of the advisory lock ("datashel" in ASCII)."""


def migrate(database: Database) -> None:
    """Bring the schema to HEAD, all or nothing. Safe to call from several processes at once.

    Raises DatabaseUnavailable, and DatabaseTooNew where a newer Datashelf has been at work.
    """
    with database.session() as session:
        if _version(session.connection()) == HEAD:
            return
    try:
        with database.engine.connect() as connection:
            _migrate_sqlite(connection) if database.is_sqlite else _migrate_postgres(connection)
    except OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error


def drift(database: Database) -> list[object]:
    """What `alembic check` would find: differences between the tables in the database and those in the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def _migrate_sqlite(connection: Connection) -> None:
    # A migration that rebuilds a table drops the old one, which would cascade; SQLite allows the switch outside a
    # transaction only, and asks for a check before the commit (sqlite.org/lang_altertable.html, section 7).
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        writer = connection.execution_options(**WRITES)
        with writer.begin():
            _upgrade(writer)
            broken = writer.execute(text("PRAGMA foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"The migration would leave {len(broken)} rows that point at nothing.")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _migrate_postgres(connection: Connection) -> None:
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.util import CommandError

    if _version(connection) == HEAD:
        return
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseTooNew(
            f"The database is at version {_version(connection)}, which this Datashelf does not know: a newer one "
            "migrated it. Start that version, or restore a backup made before the update."
        ) from error


def _config() -> Config:
    from alembic.config import Config

    return Config(Path(__file__).parent / "alembic.ini")


def _version(connection: Connection) -> str | None:
    try:
        with connection.begin_nested():
            row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    except (OperationalError, ProgrammingError):
        # No such table: SQLite calls that operational. A database that is away says so again at the next statement.
        return None
    return None if row is None else str(row[0])
