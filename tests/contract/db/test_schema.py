"""The schema comes up on both databases, once, whoever starts first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

import db.schema
from db import DatabaseTooNew, migrate, open_database

START = """
import sys, alembic.command
from db import migrate, open_database
with open_database(sys.argv[1]) as database:
    print("ready", flush=True)
    sys.stdin.readline()
    migrate(database)
    database.ping()
"""


def test_tables_in_the_code_and_in_the_database_are_the_same(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        migrate(database)
        assert db.schema.drift(database) == []


def test_alembic_check_finds_drift(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        migrate(database)
        with database.transaction() as session:
            session.connection().execute(text("DROP INDEX ix_dataset_by_name"))
        assert db.schema.drift(database)


def test_head_names_the_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(Config(Path(db.schema.__file__).parent / "alembic.ini"))
    assert scripts.get_current_head() == db.schema.HEAD


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    with open_database(empty_database_url) as database:
        migrate(database)
        migrate(database)
        assert db.schema.drift(database) == []


def test_processes_that_start_at_once_all_come_up(empty_database_url: str) -> None:
    command = [sys.executable, "-c", START, empty_database_url]
    processes = [
        subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, "\n".join(errors)
    with open_database(empty_database_url) as database:
        assert db.schema.drift(database) == []


def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    with open_database(database_url) as database:
        with database.transaction() as session:
            session.connection().execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(DatabaseTooNew, match="9999"):
            migrate(database)


def test_a_failed_migration_leaves_nothing_behind(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    upgrade = command.upgrade

    def stumble(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", stumble)
    with open_database(empty_database_url) as database:
        with pytest.raises(RuntimeError, match="the power went"):
            migrate(database)
        monkeypatch.undo()
        migrate(database)
        assert db.schema.drift(database) == []
