"""What the catalogue may count on: times in UTC, snapshots, waiting writers, one error for a database that is away."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import col, select

from db import Database, DatabaseUnavailable, migrate, open_database
from db.tables import User
from tests.postgres import start_postgres


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    local = datetime(2026, 11, 24, 23, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with database.transaction() as session:
        session.add(User(name="one", created_at=local))
    with database.session() as session:
        stored = session.exec(select(User.created_at)).one()
    assert stored == local
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="no time zone"), database.transaction() as session:
        session.add(User(name="one", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001  # the fault under test


def test_what_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:  # noqa: PT012  # the block is what rolls back
        session.add(User(name="one"))
        session.flush()
        raise RuntimeError
    with database.session() as session:
        assert session.exec(select(User)).all() == []


def test_a_unique_constraint_passes_through(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add_all([User(name="one"), User(name="one")])


def test_no_error_tells_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        session.add_all([User(name="one"), User(name="one", password_hash="$argon2id$secret")])
    # PostgreSQL itself names the column that clashed; what else was to be stored is nobody's to read in a log.
    assert "$argon2id$secret" not in str(caught.value)
    assert "hidden" in str(caught.value)


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.connection().execute(
            text("INSERT INTO shelf_count (owner_id, datasets, size) VALUES (:id, 0, 0)"),
            {"id": "00000000000000000000000000000001"},
        )


def test_writers_that_read_first_wait_for_each_other(database: Database) -> None:
    """On SQLite a reader that turns writer would fail as "locked"; the lock is taken at the beginning instead."""
    with database.transaction() as session:
        session.add(User(name="0"))
    failures: list[BaseException] = []

    def count_up() -> None:
        try:
            for _ in range(20):
                with database.transaction() as session:
                    user = session.exec(select(User).with_for_update()).one()
                    session.execute(update(User).where(col(User.id) == user.id).values(name=str(int(user.name) + 1)))
        except BaseException as error:  # noqa: BLE001  # reported by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.session() as session:
        assert session.exec(select(User.name)).one() == "80"


def test_a_session_sees_one_moment(database: Database) -> None:
    with database.session() as session:
        assert session.exec(select(User)).all() == []
        with database.transaction() as other:
            other.add(User(name="late"))
        assert session.exec(select(User)).all() == []
    with database.session() as session:
        assert len(session.exec(select(User)).all()) == 1


def test_a_sqlite_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with open_database(f"sqlite:///{tmp_path / 'folder.db'}") as database, pytest.raises(DatabaseUnavailable):
        database.ping()


def test_sqlite_makes_its_folder(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'new' / 'deep' / 'x.db'}") as database:
        database.ping()


@pytest.mark.postgres
def test_a_server_that_is_away_is_unavailable_and_a_restarted_one_is_found_again() -> None:
    with ExitStack() as stack:
        server = start_postgres(stack)
        database = stack.enter_context(open_database(server.url()))
        migrate(database)
        database.ping()
        server.stop()
        for act in (database.ping, lambda: migrate(database)):
            with pytest.raises(DatabaseUnavailable):
                act()
        with pytest.raises(DatabaseUnavailable), database.transaction() as session:
            session.add(User(name="one"))
        server.start()
        database.ping()


@pytest.mark.postgres
def test_a_connection_cut_in_mid_transaction_is_unavailable() -> None:
    with ExitStack() as stack:
        server = start_postgres(stack)
        database = stack.enter_context(open_database(server.url()))
        migrate(database)
        with pytest.raises(DatabaseUnavailable), database.transaction() as session:  # noqa: PT012  # the cut is inside
            session.add(User(name="one"))
            session.flush()
            server.stop()
            session.exec(select(User)).all()
