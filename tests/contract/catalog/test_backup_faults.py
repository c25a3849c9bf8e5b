"""What can go wrong with a backup: killed, damaged, full, of another version, or meant for somewhere else."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, func, insert, select, text

import db.export
from catalog.backup import Backup, BackupReport
from catalog.events import EventKind
from catalog.identity import Identity
from catalog.leases import Leases
from catalog.reconcile import Reconcile
from catalog.restored_rows import BEING_RESTORED, NotEmpty
from catalog.restoring import Restore, verify
from catalog.snapshots import (
    KeptFile,
    Lines,
    SnapshotDamaged,
    SnapshotError,
    Unwatched,
    is_own,
    read_manifest,
    write_lines,
    write_manifest,
)
from db import migrate, open_database
from db.schema import HEAD, _config, version
from db.tables import Dataset, Event, File, FileStatus, ShelfCount, User
from db.utc import utc_now
from settings import load
from storage import BucketRole, ObjectRef
from storage.multipart import MultipartCalls
from storage.s3_listing import uploads_under_way
from storage.vault import PlaceRefused, open_vault, refuse_own_ground
from storage.vault_s3 import S3Vault
from tests.app_server import ROOT
from tests.contract.catalog import backups
from tests.contract.catalog.backups import Place, directory_vault, restored
from tests.contract.catalog.conftest import Shelf, local_storages, make_shelf
from tests.seaweed import S3Server

pytestmark = pytest.mark.long

SHORT = timedelta(seconds=1)
DRIVER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from catalog.identity import Identity
from catalog.backup import Backup, BackupReport
from catalog.restoring import Restore
from db import open_database
from tests.contract.catalog.backups import directory_vault, stores

verb, folder, place, stage, limit = sys.argv[1:]

class Stops:
    def __init__(self):
        self.at, self.passed = "", 0
    def stage(self, what, total):
        self.at, self.passed = what, 0
    def advance(self, count):
        self.passed += count
        if self.at == stage and self.passed >= int(limit):
            print("here", flush=True)
            time.sleep(600)

database, storages = open_database(f"sqlite:///{folder}/datashelf.db"), stores(Path(folder))
vault = directory_vault(Path(place))
if verb == "backup":
    Backup(database, storages, vault, Stops(), 1, timedelta(seconds=1)).run(objects=True)
else:
    Restore(vault, database, storages, Stops(), 1, at_once=20).run()
"""


@pytest.fixture
def shelf(tmp_path: Path, sqlite_template: Path) -> Iterator[Shelf]:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "datashelf.db").write_bytes(sqlite_template.read_bytes())
    with closing(local_storages(folder)) as storages, open_database(f"sqlite:///{folder}/datashelf.db") as database:
        yield make_shelf(database, storages)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "other"
    with closing(backups.stores(folder)) as storages:
        yield Place(f"sqlite:///{folder}/datashelf.db", storages)


def killed(verb: str, folder: Path, place: Path, stage: str, limit: int) -> None:
    """Run it in a process of its own and kill that once so many rows or bytes have passed in the stage."""
    command_line = [sys.executable, "-c", DRIVER, verb, str(folder), str(place), stage, str(limit)]
    with subprocess.Popen(command_line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == b"here\n":
                process.kill()
                return
    raise AssertionError("the process came to its end")


def stock(shelf: Shelf, count: int, *, first: int = 0, objects: bool = True) -> dict[str, str]:
    """So many datasets of one small file each, put there without the way in; their checksums by file id."""
    checksums, sizes = {}, 0
    datasets, files = [], []
    for number in range(first, first + count):
        data = b"%d," % number
        ids = {"id": uuid.uuid4(), "dataset_id": uuid.uuid4()}
        sha256 = hashlib.sha256(data).hexdigest()
        key = f"datasets/2026/11/{ids['id']}"
        if objects:
            shelf.storage.upload_file(ObjectRef(BucketRole.DATASETS, key), io.BytesIO(data), len(data), "text/csv")
        name = f"Set {number:06}"
        owner, listing = shelf.caller.user_id, {"file_name": "a.csv", "format": "csv", "size": len(data)}
        datasets.append(
            {"id": ids["dataset_id"], "owner_id": owner, "name": name, "name_key": name.lower(), "last_version": 1}
            | {"current_file_id": ids["id"], "search_text": f"{name.lower()}\nlocal\na.csv"}
            | listing
        )
        files.append(
            {"owner_id": owner, "version": 1, "status": FileStatus.READY, "media_type": "text/csv", "sha256": sha256}
            | {"backend": "local", "bucket": "datasets", "role": "datasets", "key": key}
            | {"sha256_verified": True}
            | listing
            | ids
        )
        checksums[str(ids["id"])] = sha256
        sizes += len(data)
    with shelf.database.transaction() as session:
        session.execute(insert(Dataset), datasets)
        session.execute(insert(File), files)
        for counted in session.scalars(select(ShelfCount)):
            counted.datasets += count
            counted.size += sizes
    return checksums


def test_a_killed_backup_leaves_no_snapshot_and_the_next_copies_only_the_rest(shelf: Shelf, tmp_path: Path) -> None:
    stock(shelf, 30)
    place = tmp_path / "backup"
    vault = directory_vault(place)
    earlier = backups.back_up(shelf.database, shelf.storages, vault, objects=False)
    killed("backup", tmp_path / "data", place, "Files", 40)
    there = backups.object_names(vault)
    assert 0 < len(there) < 30
    assert len(vault.folders("snapshots/")) == 2
    assert restore_finds(vault) == earlier.snapshot
    again = Backup(shelf.database, shelf.storages, vault, life=SHORT).run(objects=True)
    assert again.clean
    assert (again.done.reused, again.done.copied) == (len(there), 30 - len(there))
    assert vault.folders("snapshots/") == [earlier.snapshot, again.snapshot]
    assert list((place / ".incoming").iterdir()) == []
    assert verify(vault, watcher=Unwatched()).files == 30


def restore_finds(vault: backups.Vault) -> str:
    return verify(vault, watcher=Unwatched()).snapshot


def test_a_second_backup_waits_and_then_says_that_one_is_running(shelf: Shelf, tmp_path: Path) -> None:
    assert Leases(shelf.database).take("backup", timedelta(minutes=1))
    with pytest.raises(SnapshotError, match="Another backup of this installation is running"):
        Backup(shelf.database, shelf.storages, directory_vault(tmp_path / "b"), life=SHORT).run(objects=False)


@pytest.mark.parametrize(("stage", "limit"), [("Catalogue", 100), ("Files", 110)])
def test_a_killed_restore_goes_on(shelf: Shelf, other: Place, tmp_path: Path, stage: str, limit: int) -> None:
    checksums = stock(shelf, 60)
    place = tmp_path / "backup"
    vault = directory_vault(place)
    backups.back_up(shelf.database, shelf.storages, vault)
    before = backups.rows(shelf.database)
    (tmp_path / "other").mkdir()
    killed("restore", tmp_path / "other", place, stage, limit)
    with open_database(other.url) as database:
        if stage == "Catalogue":
            assert version(database) is None, "nothing is there before everything is"
        else:
            with database.session() as session:
                back = session.execute(select(File.status, func.count()).group_by(File.status)).all()
                waiting = session.scalars(select(File.id).where(File.failure == BEING_RESTORED)).all()
                listed = session.execute(select(func.sum(ShelfCount.datasets))).scalar_one()
            assert dict(back) == {FileStatus.READY: listed, FileStatus.FAILED: len(waiting)}
            assert 0 < listed < 60
            with pytest.raises(SnapshotError, match="Finish the restore first"):
                backups.back_up(database, other.storages, directory_vault(tmp_path / "half"))
    with restored(other, vault) as (done, database):
        assert done.went_on == (stage == "Files")
        assert (done.clean, done.files) == (True, 60)
        backups.equal_but_for_places(before, backups.rows(database))
        assert backups.checksums(database, other.storages) == checksums
        with pytest.raises(NotEmpty):
            Restore(vault, database, other.storages).run()


def test_what_is_damaged_in_the_backup_is_found_and_restored_as_failed(
    shelf: Shelf, other: Place, tmp_path: Path
) -> None:
    fine, bad, short, missing = (shelf.upload(b"data %d" % number).files[0].id for number in range(4))
    place = tmp_path / "backup"
    vault = directory_vault(place)
    backups.back_up(shelf.database, shelf.storages, vault)
    for file_id, data in ((bad, b"date 1"), (short, b"data"), (missing, None)):
        (path,) = place.glob(f"objects/*/{file_id}.*")
        path.unlink() if data is None else path.write_bytes(data)
    checked = verify(vault, watcher=Unwatched())
    assert not checked.clean
    assert {problem.file_id for problem in checked.problems} == {bad, short, missing}
    with restored(other, vault) as (done, database):
        assert {problem.file_id for problem in done.problems} == {bad, short, missing}
        assert done.files == 1
        with database.session() as session:
            files = {file.id: file for file in session.scalars(select(File))}
            told = session.scalars(select(Event.file_id).where(Event.kind == EventKind.FILE_FAILED)).all()
        assert files[fine].status == FileStatus.READY
        for file_id in (bad, short, missing):
            assert files[file_id].status == FileStatus.FAILED
            assert "did not come back with the backup" in str(files[file_id].failure)
        assert "in the backup they are missing." in str(files[missing].failure)
        assert set(told) == {bad, short, missing}
        assert not other.storages.local.file_exists(ObjectRef(BucketRole.DATASETS, files[bad].key))


def test_an_installation_without_a_user_takes_no_place_that_is_somebody_elses(
    shelf: Shelf, other: Place, tmp_path: Path
) -> None:
    shelf.upload(b"data")
    vault = directory_vault(tmp_path / "backup")
    report = backups.back_up(shelf.database, shelf.storages, vault)
    held = backups.object_names(vault)
    (tmp_path / "other").mkdir()
    with open_database(other.url) as database:
        migrate(database)
        with pytest.raises(SnapshotError, match=r"belongs to another installation .*DATA_DIR and DATABASE_URL"):
            backups.back_up(database, other.storages, vault, keep=1)
    assert (vault.folders("snapshots/"), backups.object_names(vault)) == ([report.snapshot], held)


def test_a_clock_that_was_wrong_never_costs_the_snapshot_just_made(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.upload(b"data")
    vault = directory_vault(tmp_path / "backup")
    moment = utc_now() + timedelta(days=30)
    with monkeypatch.context() as ahead:
        ahead.setattr("catalog.backup.utc_now", lambda: moment)
        late = backups.back_up(shelf.database, shelf.storages, vault)
    first = backups.back_up(shelf.database, shelf.storages, vault, keep=2)
    assert (first.pruned.snapshots, first.from_the_future) == ((), (late.snapshot,))
    second = backups.back_up(shelf.database, shelf.storages, vault, keep=2)
    assert (second.pruned.snapshots, second.from_the_future) == ((first.snapshot,), (late.snapshot,))
    third = backups.back_up(shelf.database, shelf.storages, vault, keep=1)
    assert (set(third.pruned.snapshots), third.from_the_future) == ({late.snapshot, second.snapshot}, ())
    assert vault.folders("snapshots/") == [third.snapshot]


def test_a_damaged_copy_is_healed_by_the_way_that_the_check_names(shelf: Shelf, tmp_path: Path) -> None:
    bad, missing = (shelf.upload(b"data %d" % number).files[0].id for number in range(2))
    place = tmp_path / "backup"
    vault = directory_vault(place)
    backups.back_up(shelf.database, shelf.storages, vault)
    (spoiled,), (lost,) = (list(place.glob(f"objects/*/{file_id}.*")) for file_id in (bad, missing))
    spoiled.write_bytes(b"date 0")
    lost.unlink()
    told = {problem.file_id: problem.what for problem in verify(vault, watcher=Unwatched()).problems}
    name = spoiled.relative_to(place)
    assert told[bad].endswith(f". Delete {name} in the backup and back up again with --objects.")
    assert told[missing] == "Its bytes in the backup are missing. Back up again with --objects."
    spoiled.unlink()
    assert backups.back_up(shelf.database, shelf.storages, vault).done.copied == 2
    assert verify(vault, watcher=Unwatched()).clean


@pytest.mark.parametrize("damage", ["gone", "cut", "changed"])
def test_one_file_comes_back_out_of_the_backup_by_hand(damage: str, shelf: Shelf, tmp_path: Path) -> None:
    file_id = shelf.upload(b"data", sha256=hashlib.sha256(b"data").hexdigest()).files[0].id
    for number in range(3):
        shelf.upload(b"other %d" % number)
    place = tmp_path / "backup"
    backups.back_up(shelf.database, shelf.storages, directory_vault(place))
    (path,) = (tmp_path / "data" / "objects").rglob(str(file_id))
    path.unlink() if damage == "gone" else path.write_bytes(b"da" if damage == "cut" else b"date")
    broken = Reconcile(shelf.database, shelf.storages).run(apply=True, deep=True)
    (finding,) = broken.findings
    assert (tmp_path / "data" / "objects" / finding.where.partition(":")[2]) == path
    (copy,) = place.glob(f"objects/{str(file_id)[:2]}/{file_id}.*")
    shutil.copyfile(copy, path)
    assert Reconcile(shelf.database, shelf.storages).run(apply=True, deep=True).clean
    with shelf.database.session() as session:
        assert session.get_one(File, file_id).status == FileStatus.READY


@pytest.mark.parametrize("name", ["tables/dataset.jsonl.zst", "files.jsonl.zst", "manifest.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "missing"])
def test_a_damaged_snapshot_changes_nothing(shelf: Shelf, other: Place, tmp_path: Path, name: str, damage: str) -> None:
    shelf.upload(b"data")
    place = tmp_path / "backup"
    vault = directory_vault(place)
    report = backups.back_up(shelf.database, shelf.storages, vault)
    path = place / "snapshots" / report.snapshot / name
    data = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(data[:-9])
    else:
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    kind = SnapshotError if (name, damage) == ("manifest.json", "missing") else SnapshotDamaged
    with pytest.raises(kind):
        verify(vault, watcher=Unwatched())
    with open_database(other.url) as database:
        with pytest.raises(kind):
            Restore(vault, database, other.storages).run()
        assert version(database) is None
    assert backups.back_up(shelf.database, shelf.storages, vault).clean, "and the next backup is as good as ever"


def test_an_installation_that_holds_something_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    shelf.upload(b"data")
    vault = directory_vault(tmp_path / "backup")
    backups.back_up(shelf.database, shelf.storages, vault)
    before = backups.rows(shelf.database)
    with pytest.raises(NotEmpty, match="not empty"):
        Restore(vault, shelf.database, shelf.storages).run()
    assert backups.rows(shelf.database) == before


def test_one_that_was_started_once_counts_as_empty(shelf: Shelf, other: Place, tmp_path: Path) -> None:
    shelf.upload(b"data")
    vault = directory_vault(tmp_path / "backup")
    backups.back_up(shelf.database, shelf.storages, vault)
    with open_database(other.url) as database:
        migrate(database)
        Identity(database).local_user()
        assert Restore(vault, database, other.storages).run().clean
        with database.session() as session:
            assert session.scalars(select(User.id)).all() == [shelf.caller.user_id]


def test_a_backup_of_a_newer_version_is_refused(shelf: Shelf, other: Place, tmp_path: Path) -> None:
    shelf.upload(b"data")
    vault = directory_vault(tmp_path / "backup")
    report = backups.back_up(shelf.database, shelf.storages, vault)
    manifest = read_manifest(vault, report.snapshot)
    assert manifest is not None
    write_manifest(vault, report.snapshot, manifest.model_copy(update={"revision": "9999"}))
    with open_database(other.url) as database:
        with pytest.raises(SnapshotError, match="newer Datashelf"):
            Restore(vault, database, other.storages).run()
        assert version(database) is None


@pytest.mark.parametrize("to", ["new", "started", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_backup_of_an_older_version_is_migrated(
    to: str, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    shelf.upload(b"data", name="Old")
    vault = directory_vault(tmp_path / "backup")
    # What the version before wrote: its tables with its columns, out of a database of its schema.

    def back(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")

    # As the app itself migrates: SQLite drops a table to rebuild it, which foreign keys would not let it.
    as_the_app_does = db.schema._on_sqlite if shelf.database.is_sqlite else db.schema._on_postgres
    with shelf.database.engine.connect() as connection:
        as_the_app_does(connection, back)
    old = MetaData()
    old.reflect(shelf.database.engine)
    tables = []
    for each in db.export.exported_tables():
        if each.name in old.tables:
            known = set(old.tables[each.name].columns.keys())
            older = each.to_metadata(MetaData())
            for column in [column for column in older.columns if column.name not in known]:
                older._columns.remove(column)
            tables.append(older)
    with shelf.database.engine.begin() as connection:
        connection.execute(text("UPDATE file SET scanned_at = created_at, sha256_verified = 1"))
    with monkeypatch.context() as patched:
        patched.setattr("catalog.backup.exported_tables", lambda: tables)
        patched.setattr("catalog.backup.HEAD", "0002")
        patched.setattr("catalog.backup.Backup._files", _files_of_then)
        patched.setattr("catalog.backup.Backup.run", _run_of_then)
        report = Backup(shelf.database, shelf.storages, vault).run(objects=False)
    place = other_place(to, tmp_path, request, shelf)
    with ExitStack() as stack:
        done, database = stack.enter_context(restored(place, vault))
        assert (done.snapshot, done.clean, done.files) == (report.snapshot, True, 1)
        assert version(database) == HEAD
        with database.session() as session:
            file = session.scalars(select(File)).one()
            names = session.scalars(select(Dataset.name)).all()
        assert (file.status, file.verified_at, names) == (FileStatus.READY, file.scanned_at, ["Old"])
        assert file.verified_at is not None


def _files_of_then(self: Backup, report: object, folder: str, tables: object, *, objects: bool) -> Lines:
    del report, objects, tables
    with self.database.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, file_name, status, size, sha256 FROM file")).all()
    kept = [KeptFile(uuid.UUID(id_), name, status, None, size, sha) for id_, name, status, size, sha in rows]
    return write_lines(self.vault, f"{folder}files.jsonl.zst", (each.line() for each in kept))


def _run_of_then(self: Backup, *, objects: bool, keep: int | None = None) -> BackupReport:
    # Its database has no table of leases.
    del keep
    self.vault.prepare(is_own)
    report, manifest = self._write(objects=objects)
    write_manifest(self.vault, report.snapshot, manifest)
    return report


def other_place(to: str, tmp_path: Path, request: pytest.FixtureRequest, shelf: Shelf) -> Place:
    if to == "postgres":
        return Place(request.getfixturevalue("empty_postgres"), shelf.storages)
    path = tmp_path / "target.db"
    if to == "started":
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return Place(f"sqlite:///{path}", shelf.storages)


def test_a_database_of_another_version_is_not_backed_up(shelf: Shelf, tmp_path: Path) -> None:
    with shelf.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SnapshotError, match="version 9999"):
        backups.back_up(shelf.database, shelf.storages, directory_vault(tmp_path / "b"))


def test_each_installation_needs_a_place_of_its_own(shelf: Shelf, tmp_path: Path) -> None:
    vault = directory_vault(tmp_path / "backup")
    report = backups.back_up(shelf.database, shelf.storages, vault)
    with shelf.database.transaction() as session:
        stranger = User(name="stranger")
        session.add(stranger)
        session.flush()
        session.execute(text("UPDATE user_account SET created_at = '2000-01-01 00:00:00' WHERE name = 'stranger'"))
    vault.put("snapshots/2999-01-01T00-00-00.000Z/tables/file.jsonl.zst", io.BytesIO(b"x"), 1)
    with pytest.raises(SnapshotError, match="another installation"):
        backups.back_up(shelf.database, shelf.storages, vault)
    # The second is the owner's next one, still being written.
    assert vault.folders("snapshots/") == [report.snapshot, "2999-01-01T00-00-00.000Z"]


@pytest.mark.s3
@pytest.mark.parametrize("kind", ["directory", "s3"])
def test_what_others_keep_in_the_same_place_is_left_to_them(
    kind: str, shelf: Shelf, tmp_path: Path, s3_server: S3Server
) -> None:
    vault = directory_vault(tmp_path / "b")
    if kind == "s3":
        vault = open_vault(f"s3://b-{uuid.uuid4().hex[:20]}", s3=load(minio=backups.s3(s3_server)).minio)
    theirs = ["objects/ab/cdef", "objects/pack/pack-1.idx", "snapshots/2026-01-01/home.tar", "other/x"]
    vault.prepare(is_own)
    for name in theirs:
        vault.put(name, io.BytesIO(b"theirs"), 6)
    refs = []
    if isinstance(vault, S3Vault):
        own = f"objects/ab/{uuid.uuid4()}.{'0' * 64}"
        refs = [ObjectRef(BucketRole.DATASETS, key, vault.bucket) for key in ("datasets/theirs", "objects/big", own)]
        for ref in refs:
            vault.store.start_multipart(ref, "text/csv", 5 * 1024**2)
    stock(shelf, 3)
    for _ in range(2):
        assert backups.back_up(shelf.database, shelf.storages, vault, keep=1).clean
    for name in theirs:
        with vault.open(name) as stream:
            assert stream.read() == b"theirs"
    if isinstance(vault, S3Vault):
        calls = MultipartCalls(vault.store.clients.traffic)
        left = uploads_under_way(calls, vault.store.retries, vault.bucket, "")
        assert {key for key, _, _ in left} == {ref.key for ref in refs[:2]}


def test_where_the_files_themselves_lie_is_no_place_for_their_backup(tmp_path: Path) -> None:
    minio = load(minio={"bucket": "own-files", "bucket_temp": "own-temp"}).minio
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for place in (tmp_path / "data", tmp_path / "data" / "in", tmp_path / "link" / "in"):
        with pytest.raises(PlaceRefused, match="inside DATA_DIR"):
            refuse_own_ground(open_vault(str(place), s3=minio), data_dir=tmp_path / "data", store=minio)
    for bucket in ("own-files", "own-temp"):
        with pytest.raises(PlaceRefused, match="another bucket"):
            refuse_own_ground(open_vault(f"s3://{bucket}/b", s3=minio), data_dir=tmp_path / "data", store=minio)
    for place in (str(tmp_path), "s3://elsewhere/b"):
        refuse_own_ground(open_vault(place, s3=minio), data_dir=tmp_path / "data", store=minio)
    local = load(minio={"endpoint": "localhost:9000", "bucket": "own-files"}).minio
    other_port, spelled = (minio.model_copy(update={"endpoint": f"127.0.0.1:{port}"}) for port in (9001, 9000))
    refuse_own_ground(open_vault("s3://own-files/b", s3=other_port), data_dir=tmp_path / "data", store=local)
    with pytest.raises(PlaceRefused, match="another bucket"):
        refuse_own_ground(open_vault("s3://own-files/b", s3=spelled), data_dir=tmp_path / "data", store=local)
    for place in (
        "",
        " ",
        "s3:/bucket/x",
        "s3:bucket",
        "S3:/bucket",
        "ftp://x/y",
        "s3://",
        "s3://key:secret@bucket/x",
        "s3://bucket/../x",
        "s3://bucket/a b",
    ):
        with pytest.raises(PlaceRefused):
            open_vault(place, s3=minio)


def test_memory_does_not_grow_with_the_rows(shelf: Shelf, tmp_path: Path) -> None:
    def peak(act: Callable[[], object]) -> int:
        tracemalloc.start()
        act()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    vault = directory_vault(tmp_path / "backup")
    peaks: list[tuple[int, int]] = []
    for first, more in ((0, 2_000), (2_000, 8_000)):
        stock(shelf, more, first=first, objects=False)
        away = peak(lambda: backups.back_up(shelf.database, shelf.storages, vault, objects=False))
        peaks.append((away, peak(lambda: verify(vault, watcher=Unwatched()))))
    (little_away, little_back), (much_away, much_back) = peaks
    assert much_away - little_away < 4_000_000, peaks
    assert much_back - little_back < 4_000_000, peaks
