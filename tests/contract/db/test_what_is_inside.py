"""The second version of the schema comes onto shelves that are full already, on both databases."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlmodel import col, select

import db.schema
from db import Database, migrate, open_database
from db.tables import Column, File
from db.utc import utc_now

FILES = {
    "long.csv": ("csv", 5_000_000),
    "long.csv.gz": ("csv", 5_000_000),
    "short.csv": ("csv", 5_000),
    "long.parquet": ("parquet", 5_000_000),
}
NAMES = {"Customer_ID": "customer_id", "ﬁeld": "field", "plain": "plain", "L" * 500: "l" * 200}


def move(database: Database, way: Callable[[Config, str], None], revision: str) -> None:
    config = Config(Path(db.schema.__file__).parent / "alembic.ini")

    def work(connection: Connection) -> None:
        config.attributes["connection"] = connection
        way(config, revision)

    # As the app itself migrates: SQLite drops a table to rebuild it, which foreign keys would not let it.
    as_the_app_does = db.schema._on_sqlite if database.is_sqlite else db.schema._on_postgres
    with database.engine.connect() as connection:
        as_the_app_does(connection, work)


def fill(database: Database) -> None:
    user, now = uuid.uuid4(), utc_now()
    insert_file = text(
        "INSERT INTO file (id, owner_id, status, file_name, format, media_type, size, sha256_verified, backend, bucket,"
        " role, key, downloads, created_at, described_at, scanned_at, read_attempts) VALUES (:id, :owner, 'ready',"
        " :name, :format, 'x/y', :size, :yes, 'local', 'b', 'datasets', :name, 0, :now, :now, :now, 2)"
    )
    insert_column = text(
        "INSERT INTO file_column (file_id, position, name, type) VALUES (:id, :place, :name, 'string')"
    )
    with database.transaction() as session:
        connection = session.connection()
        plain = {"owner": as_stored(database, user), "now": now.replace(tzinfo=None), "yes": True}
        account = text("INSERT INTO user_account (id, name, created_at) VALUES (:owner, 'local', :now)")
        connection.execute(account, {"owner": plain["owner"], "now": plain["now"]})
        for name, (form, size) in FILES.items():
            file_id = as_stored(database, uuid.uuid4())
            connection.execute(insert_file, {**plain, "id": file_id, "name": name, "format": form, "size": size})
            for place, column in enumerate(NAMES):
                connection.execute(insert_column, {"id": file_id, "place": place, "name": column})


def as_stored(database: Database, value: uuid.UUID) -> str:
    return value.hex if database.is_sqlite else str(value)


@pytest.mark.filterwarnings("ignore:The default datetime adapter")
def test_a_full_shelf_gets_folded_names_and_long_texts_are_scanned_again(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        move(database, command.upgrade, "0001")
        fill(database)
        migrate(database)
        assert db.schema.drift(database) == []
        with database.session() as session:
            keys = dict(session.exec(select(Column.name, Column.name_key).distinct()).all())
            unread = session.exec(select(File.file_name).where(col(File.scanned_at).is_(None))).all()
            tries = dict(session.exec(select(File.file_name, File.read_attempts)).all())
        assert keys == NAMES
        assert unread == ["long.csv"]
        assert tries == {**dict.fromkeys(FILES, 2), "long.csv": 0}


def test_the_way_back_leads_to_the_first_version(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        migrate(database)
        move(database, command.downgrade, "0001")
        assert db.schema.drift(database)
        migrate(database)
        assert db.schema.drift(database) == []
