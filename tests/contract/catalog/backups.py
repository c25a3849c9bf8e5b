"""What the tests of backup and restore share: installations, a store of hostile things, and what must be equal."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import select

from catalog.backup import Backup, BackupReport
from catalog.restoring import Restore, RestoreReport
from db import Database, open_database
from db.export import exported_tables, lines
from db.tables import File, FileStatus
from settings import load
from storage import Backend, ObjectRef, Storages
from storage.protocol import BucketRole
from storage.vault import Vault, open_vault
from tests.contract.catalog.conftest import SECRET
from tests.seaweed import S3Server

HOSTILE = [
    "naïve café ☕.csv",
    "../../etc/passwd",
    "a'; DROP TABLE file;--.csv",
    "emoji 👩‍👩‍👧 “quoted”.txt",
    "\u202egnp.exe",
    "con.csv",
    "-rf.csv",
    " .csv",
]
ROWS = b"id,name\n1,one\n2,two\n"


@dataclass(frozen=True)
class Place:
    """Where an installation is to be: its database and its store."""

    url: str
    storages: Storages


def stores(folder: Path, server: S3Server | None = None, **minio: Any) -> Storages:
    """Both backends of an installation, the S3 one configured where a server is given; no bucket is made yet."""
    if server is None:
        return Storages(load(data_dir=folder), secret=SECRET, link_base=lambda: "http://localhost:8501")
    settings = load(data_dir=folder, storage_backend="minio", storage_fallback="fail", minio=s3(server) | minio)
    return Storages(settings, secret=SECRET, link_base=lambda: "http://localhost:8501")


def s3(server: S3Server) -> dict[str, Any]:
    """MINIO__… for a server, with a bucket of its own."""
    return {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "secure": server.secure,
        "public_endpoint": server.url,
        "bucket": f"t-{uuid.uuid4().hex[:20]}",
        "retry_attempts": 2,
        "retry_backoff": 0.01,
    }


def s3_vault(server: S3Server) -> Vault:
    settings = load(minio=s3(server)).minio
    return open_vault(f"s3://b-{uuid.uuid4().hex[:20]}/some/prefix", s3=settings)


def directory_vault(folder: Path) -> Vault:
    return open_vault(str(folder), s3=load().minio)


def back_up(database: Database, storages: Storages, vault: Vault, *, objects: bool = True, **more: Any) -> BackupReport:
    return Backup(database, storages, vault).run(objects=objects, **more)


@contextmanager
def restored(place: Place, vault: Vault, **more: Any) -> Iterator[tuple[RestoreReport, Database]]:
    """The newest snapshot in a new installation, whose database stays open."""
    with open_database(place.url) as database:
        yield Restore(vault, database, place.storages).run(**more), database


def rows(database: Database) -> dict[str, list[list[Any]]]:
    """Every row of every table as the export tells it."""
    with database.session() as session:
        connection = session.connection()
        found = {each.name: sorted_rows(map(json.loads, lines(connection, each))) for each in exported_tables()}
    return found | {"event": told(found["event"])}


def snapshot_rows(vault: Vault, report: BackupReport) -> dict[str, list[list[Any]]]:
    """The same as a snapshot holds it, read without the code that restores."""
    found = {}
    for each in exported_tables():
        with vault.open(f"snapshots/{report.snapshot}/tables/{each.name}.jsonl.zst") as stream:
            text = zstandard.ZstdDecompressor().stream_reader(stream.read()).read()
        found[each.name] = sorted_rows(json.loads(line) for line in text.splitlines())
    return found | {"event": told(found["event"])}


def told(events: list[list[Any]]) -> list[list[Any]]:
    """Without the words that a backup was made or restored, of which each place has its own."""
    return [event for event in events if not any(value in ("backed_up", "restored") for value in event)]


def sorted_rows(found: Any) -> list[list[Any]]:
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True))


MOVED = ("backend", "bucket", "etag", "sha256", "sha256_verified", "verified_at", "trashed_at")
"""What a file's row says of its bytes' place, of when they were last right, and of the time left in the trash: new in a
new installation."""
NEW = {"file": MOVED, "dataset": ("trashed_at",)}


def without(found: list[list[Any]], table: str, *names: str) -> list[list[Any]]:
    columns = next([column.name for column in each.columns] for each in exported_tables() if each.name == table)
    left = [[value for name, value in zip(columns, row, strict=True) if name not in names] for row in found]
    return sorted_rows(left)


def equal_but_for_places(before: dict[str, list[list[Any]]], after: dict[str, list[list[Any]]]) -> None:
    """Assert that every field of every row is the same, but for where a file's bytes lie."""
    assert before.keys() == after.keys()
    for name in before:
        one, two = (without(each[name], name, *NEW.get(name, ())) for each in (before, after))
        assert two == one, (name, [pair for pair in zip(one, two, strict=False) if pair[0] != pair[1]][:3])


def checksums(database: Database, storages: Storages) -> dict[str, str]:
    """SHA-256 of every stored file that is ready or in the trash, read from the store that its row names."""
    found = {}
    with database.session() as session:
        files = session.scalars(select(File)).all()
    for file in files:
        if file.status in (FileStatus.READY, FileStatus.TRASHED):
            ref = ObjectRef(BucketRole(file.role), file.key, file.bucket)
            with storages.of(Backend(file.backend)).get_file(ref) as stream:
                found[str(file.id)] = hashlib.sha256(stream.read()).hexdigest()
    return found


def object_names(vault: Vault) -> list[str]:
    return [entry.name for entry in vault.entries("objects/")]
