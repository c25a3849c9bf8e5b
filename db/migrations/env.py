"""How Alembic reaches the database: by the connection `db.schema` hands over; on the command line, by the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

import settings
from db.engine import open_database
from db.tables import METADATA


def run(connection: Connection) -> None:
    # Batch mode: SQLite changes a table by making it anew.
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_database(settings.load().sqlalchemy_url) as database, database.engine.begin() as connection:
        run(connection)
