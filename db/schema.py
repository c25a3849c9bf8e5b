"""The schema's version: bringing a database to the one this code knows.

Several processes may start at once: one migrates under a lock, the others wait and find the work done. Where the
version is right already, which is every start but the first after an update, Alembic is not even imported.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from db.engine import WRITES, Database
from db.errors import DatabaseTooNew, DatabaseUnavailable
from db.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The newest revision in `migrations/versions`; a test holds the two together."""
LOCK = 0x6461_7461_7368_656C
"""Number of the advisory lock ("datashel" in ASCII)."""


def migrate(database: Database) -> None:
    """Bring the schema to HEAD, all or nothing. Safe to call from several processes at once.

    Raises DatabaseUnavailable, and DatabaseTooNew where a newer Datashelf has been at work.
    """
    with database.session() as session:
        if version_in(session.connection()) == HEAD:
            return
    try:
        with database.engine.connect() as connection:
            _on_sqlite(connection, _upgrade) if database.is_sqlite else _on_postgres(connection, _upgrade)
    except OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error


def version(database: Database) -> str | None:
    """The schema's version in the database; None where it has none. Raises DatabaseUnavailable."""
    with database.session() as session:
        return version_in(session.connection())


def is_known(revision: str) -> bool:
    """Whether this code has the migrations up to the revision."""
    from alembic.script import ScriptDirectory

    return any(each.revision == revision for each in ScriptDirectory.from_config(_config()).walk_revisions())


def fill(
    database: Database,
    revision: str,
    *,
    clear: Callable[[Connection], None],
    load: Callable[[Connection], None],
    finish: Callable[[Connection], None],
) -> None:
    """Put rows of an older schema, or of this one, into a database, all or nothing.

    `clear` sees the schema of HEAD and leaves no rows; `load` puts them into the schema of `revision`; `finish` sees
    them migrated to HEAD. Foreign keys are checked at the end. Raises DatabaseUnavailable, DatabaseTooNew, and what the
    three raise.
    """

    def work(connection: Connection) -> None:
        _upgrade(connection)
        clear(connection)
        if revision != HEAD:
            _alembic(connection, "downgrade", revision)
        load(connection)
        _upgrade(connection)
        finish(connection)

    try:
        with database.engine.connect() as connection:
            _on_sqlite(connection, work) if database.is_sqlite else _on_postgres(connection, work)
    except OperationalError as error:
        raise DatabaseUnavailable("The database does not answer.") from error


def drift(database: Database) -> list[object]:
    """What `alembic check` would find: differences between the tables in the database and those in the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def _on_sqlite(connection: Connection, work: Callable[[Connection], None]) -> None:
    # A migration that rebuilds a table drops the old one, which would cascade; SQLite allows the switch outside a
    # transaction only, and asks for a check before the commit (sqlite.org/lang_altertable.html, section 7).
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        writer = connection.execution_options(**WRITES)
        with writer.begin():
            work(writer)
            broken = writer.execute(text("PRAGMA foreign_key_check")).all()
            if broken:
                raise RuntimeError(f"The migration would leave {len(broken)} rows that point at nothing.")
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _on_postgres(connection: Connection, work: Callable[[Connection], None]) -> None:
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        work(connection)


def _upgrade(connection: Connection) -> None:
    if version_in(connection) != HEAD:
        _alembic(connection, "upgrade", "head")


def _alembic(connection: Connection, direction: Literal["upgrade", "downgrade"], revision: str) -> None:
    from alembic import command
    from alembic.util import CommandError

    config = _config()
    config.attributes["connection"] = connection
    try:
        getattr(command, direction)(config, revision)
    except CommandError as error:
        raise DatabaseTooNew(
            f"The database is at version {version_in(connection)}, which this Datashelf does not know: a newer one "
            "migrated it. Start that version, or restore a backup made before the update."
        ) from error


def _config() -> Config:
    from alembic.config import Config

    return Config(Path(__file__).parent / "alembic.ini")


def version_in(connection: Connection) -> str | None:
    """The same, as the connection's transaction sees it."""
    try:
        with connection.begin_nested():
            row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    except (OperationalError, ProgrammingError):
        # No such table: SQLite calls that operational. A database that is away says so again at the next statement.
        return None
    return None if row is None else str(row[0])
