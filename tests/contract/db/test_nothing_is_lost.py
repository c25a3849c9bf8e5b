"""The third version of the schema comes onto shelves that are in use, and goes again, on both databases."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlmodel import select

import db.schema
from db import Database, migrate, open_database
from db.tables import Dataset, DatasetTag, File, FileStatus, PartDigests, Upload
from db.utc import utc_now
from tests.contract.db.test_what_is_inside import as_stored, move

STATES = {
    "ready and checked": ("ready", True, True),
    "ready, not checked": ("ready", False, True),
    "ready, never read": ("ready", False, False),
    "failed": ("failed", True, True),
    "under way": ("pending", False, False),
}


def insert(connection: Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)


def fill(database: Database) -> dict[str, uuid.UUID]:
    """A dataset with a file in every state and an upload each; the ids of the files."""
    now = utc_now().replace(tzinfo=None)
    files = {name: uuid.uuid4() for name in STATES}
    user, dataset = (as_stored(database, uuid.uuid4()) for _ in range(2))
    with database.transaction() as session:
        connection = session.connection()
        insert(connection, "user_account", id=user, name="local", created_at=now)
        insert(connection, "shelf_count", owner_id=user, datasets=1, size=3)
        insert(
            connection,
            "dataset",
            id=dataset,
            owner_id=user,
            name="Mine",
            name_key="mine",
            description="What it is",
            created_at=now,
            updated_at=now,
            last_version=4,
            file_name="x.csv",
            format="csv",
            size=3,
            search_text="mine",
        )
        insert(
            connection,
            "dataset_tag",
            dataset_id=dataset,
            tag_key="geo",
            tag="Geo",
            position=0,
            owner_id=user,
            listed=True,
        )
        for number, (name, (status, verified, read)) in enumerate(STATES.items(), 1):
            insert(
                connection,
                "file",
                id=as_stored(database, files[name]),
                dataset_id=dataset,
                owner_id=user,
                version=number if status != "pending" else None,
                status=status,
                file_name=name,
                format="csv",
                media_type="text/csv",
                size=3,
                sha256_verified=verified,
                backend="local",
                bucket="b",
                role="datasets",
                key=name,
                downloads=number,
                created_at=now,
                scanned_at=now if read else None,
                read_attempts=0,
            )
            insert(
                connection,
                "upload",
                id=as_stored(database, uuid.uuid4()),
                file_id=as_stored(database, files[name]),
                owner_id=user,
                part_size=100,
                created_at=now,
                touched_at=now,
                completed_at=None if status == "pending" else now,
            )
    return files


def old_rows(database: Database) -> dict[str, list[Any]]:
    """What the second version knows."""
    with database.session() as session:
        return {
            table: list(session.connection().execute(text(f"SELECT {columns} FROM {table} ORDER BY 1")).all())
            for table, columns in (
                ("dataset", "id, name, name_key, description, last_version, file_name, size, search_text"),
                ("dataset_tag", "dataset_id, tag_key, tag, position, listed"),
                ("file", "id, dataset_id, version, status, file_name, size, sha256_verified, key, downloads"),
                ("upload", "id, file_id, part_size, completed_at IS NULL"),
                ("shelf_count", "owner_id, datasets, size"),
            )
        }


@pytest.mark.filterwarnings("ignore:The default datetime adapter")
def test_a_shelf_in_use_keeps_every_row_and_what_was_checked_is_known_to_be(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        move(database, command.upgrade, "0002")
        files = fill(database)
        before = old_rows(database)
        migrate(database)
        assert db.schema.drift(database) == []
        assert old_rows(database) == before
        with database.session() as session:
            rows = {one.file_name: one for one in session.exec(select(File))}
            assert {name: one.id for name, one in rows.items()} == files
            assert [name for name, one in rows.items() if one.verified_at is not None] == ["ready and checked"]
            assert rows["ready and checked"].verified_at == rows["ready and checked"].scanned_at
            assert {(one.failure, one.trashed_at, one.head_sha256) for one in rows.values()} == {(None, None, None)}
            assert {(one.folder, one.modified_at) for one in session.exec(select(Upload))} == {("", None)}
            dataset = session.exec(select(Dataset)).one()
            assert (dataset.trashed_at, dataset.trashed_name) == (None, None)


@pytest.mark.filterwarnings("ignore:The default datetime adapter")
def test_the_way_back_keeps_what_the_second_version_knows(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        move(database, command.upgrade, "0002")
        files = fill(database)
        before = old_rows(database)
        migrate(database)
        with database.transaction() as session:
            session.add(PartDigests(file_id=files["ready and checked"], part_size=100, digests=bytes(32)))
        move(database, command.downgrade, "0002")
        assert db.schema.drift(database)
        assert old_rows(database) == before
        migrate(database)
        assert db.schema.drift(database) == []
        assert old_rows(database) == before
        with database.session() as session:
            assert session.exec(select(PartDigests)).all() == []
            assert len(session.exec(select(DatasetTag)).all()) == 1


@pytest.mark.filterwarnings("ignore:The default datetime adapter")
def test_there_is_no_way_back_while_something_is_in_the_trash(empty_database_url: str) -> None:
    """The second version knows no trash: what lies there would be neither on the shelf nor removed."""
    with open_database(empty_database_url) as database:
        move(database, command.upgrade, "0002")
        files = fill(database)
        migrate(database)
        before = old_rows(database)
        with database.transaction() as session:
            file = session.get_one(File, files["ready and checked"])
            file.status, file.trashed_at = FileStatus.TRASHED, utc_now()
        with pytest.raises(RuntimeError, match="Restore it or remove it for good"):
            move(database, command.downgrade, "0002")
        assert db.schema.drift(database) == []
        with database.transaction() as session:
            file = session.get_one(File, files["ready and checked"])
            file.status, file.trashed_at = FileStatus.READY, None
        move(database, command.downgrade, "0002")
        assert old_rows(database) == before
