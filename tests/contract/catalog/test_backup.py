"""A backup made while people work, restored into the other database and the other store: every row, every byte."""

from __future__ import annotations

import hashlib
import io
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from catalog.datasets import Datasets
from catalog.digests import Digests
from catalog.errors import NotSignedIn
from catalog.events import EventKind
from catalog.files import Files
from catalog.identity import Identity, Presented
from catalog.intake import NewUpload
from catalog.listing import DatasetQuery
from catalog.restored_rows import BEING_RESTORED, Outcome, settle
from catalog.shelf import refresh
from catalog.snapshots import KeptFile
from catalog.tokens import Scope, Tokens
from catalog.trash import Trash
from db.tables import (
    Column,
    Dataset,
    Event,
    File,
    FileStatus,
    PartDigests,
    Profile,
    RowPlaces,
    ShelfCount,
)
from db.utc import utc_now
from storage import BucketRole, ObjectRef
from storage.vault import Vault
from tests.contract.catalog import backups
from tests.contract.catalog.backups import HOSTILE, Place, directory_vault, equal_but_for_places, restored
from tests.contract.catalog.conftest import Shelf

LARGE = bytes(range(256)) * 4096 * 9
"""9 MiB: more than one part to the store."""


@pytest.fixture
def vault(shelf: Shelf, request: pytest.FixtureRequest, tmp_path: Path) -> Vault:
    """A directory for what lies on local disk, a bucket for what lies in a store."""
    if shelf.database.is_sqlite:
        return directory_vault(tmp_path / "backup")
    return backups.s3_vault(request.getfixturevalue("s3_server"))


@pytest.fixture
def other(shelf: Shelf, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The other database over the other store, as empty as a new installation is."""
    folder = tmp_path / "other"
    if shelf.database.is_sqlite:
        url: str = request.getfixturevalue("empty_postgres")
        storages = backups.stores(folder, request.getfixturevalue("s3_server"))
    else:
        url, storages = f"sqlite:///{folder / 'datashelf.db'}", backups.stores(folder)
    with closing(storages):
        yield Place(url, storages)


def fill(shelf: Shelf) -> None:
    """A bit of everything that a shelf can hold."""
    for number, name in enumerate(HOSTILE):
        shelf.upload(backups.ROWS * number, name)
    shelf.upload(b"", "nothing.csv")
    shelf.upload(LARGE, "large.bin", name="Large", sha256=hashlib.sha256(LARGE).hexdigest())
    versions = shelf.upload(b"one", name="Versions").summary.id
    for data in (b"two", b"three"):
        shelf.upload(data, dataset_id=versions)
    shelf.datasets.update(shelf.caller, versions, description="Of three ☃", tags=["Ünïcode", "b"])
    trash = shelf.upload(b"in the trash", name="Trashed").summary.id
    week = timedelta(days=7)
    Datasets(shelf.database, shelf.storages, trash_for=week).delete(shelf.caller, trash)
    newest = shelf.upload(b"four", dataset_id=versions).files[0].id
    Files(shelf.database, shelf.storages, trash_for=week).delete(shelf.caller, newest)
    with shelf.database.transaction() as session:
        file = session.scalars(select(File).where(File.file_name == "large.bin")).one()
        content = {"nul": "a\x00b", "big": 2**70, "third": 1 / 3, "none": None, "list": [True, "é", {"x": []}]}
        session.add(Column(file_id=file.id, position=0, name="é", type="integer", name_key="é"))
        session.add(Profile(file_id=file.id, read_key="k", content=content, progress=1 / 3))
        session.add(RowPlaces(file_id=file.id, read_key="", step=10_000, offsets=bytes(range(256))))
        session.add(PartDigests(file_id=file.id, part_size=2**23, digests=bytes(64)))
        session.add(Event(kind="file_verified", detail={"nested": {"b": [1, 2.5, None]}}))
        session.flush()
        refresh(session, session.get_one(Dataset, file.dataset_id))


def counted(place: Any) -> tuple[int, int]:
    with place.session() as session:
        found = session.execute(select(func.sum(ShelfCount.datasets), func.sum(ShelfCount.size))).one()
    return tuple(map(int, found))  # type: ignore[return-value]


def test_digests_that_nobody_compared_are_not_taken_for_compared_after_a_restore(
    shelf: Shelf, vault: Vault, other: Place
) -> None:
    file_id = shelf.upload(b"what came out").files[0].id
    with shelf.database.transaction() as session:
        Digests(5 * 1024**2, (hashlib.sha256(b"what was sent").digest(),)).keep(session, file_id)
    assert backups.back_up(shelf.database, shelf.storages, vault).clean
    with restored(other, vault) as (done, database):
        assert done.clean
        with database.session() as session:
            file = session.get_one(File, file_id)
        assert (file.status, file.sha256) == (FileStatus.READY, hashlib.sha256(b"what came out").hexdigest())
        assert (file.sha256_verified, file.verified_at, file.scanned_at) == (False, None, None)


def test_what_lay_in_the_trash_of_an_old_backup_has_as_long_left_as_then(
    shelf: Shelf, vault: Vault, other: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, now = timedelta(days=7), utc_now()
    whole, part = shelf.upload(b"1"), shelf.upload(b"2")
    shelf.upload(b"3", dataset_id=part.summary.id)
    Datasets(shelf.database, shelf.storages, keep).delete(shelf.caller, whole.summary.id)
    Files(shelf.database, shelf.storages, keep).delete(shelf.caller, part.files[0].id)
    for table in (Dataset, File):
        with shelf.database.transaction() as session:
            for lying in session.scalars(select(table).where(table.trashed_at.is_not(None))):  # type: ignore[union-attr]
                lying.trashed_at = lying.trashed_at - timedelta(days=36)
    monkeypatch.setattr("catalog.backup.utc_now", lambda: now - timedelta(days=30))
    assert backups.back_up(shelf.database, shelf.storages, vault).clean
    with restored(other, vault) as (done, database):
        assert done.clean
        trash = Trash(database, other.storages, keep)
        assert (trash.sweep(), trash.count(shelf.caller)) == (0, 2)
        assert [file.id for file in trash.restore(shelf.caller, whole.summary.id).detail.files] == [whole.files[0].id]
        assert (trash.sweep(now=now + timedelta(days=2)), trash.count(shelf.caller)) == (1, 0)


@pytest.mark.parametrize("was", [FileStatus.READY, FileStatus.FAILED, FileStatus.TRASHED])
@pytest.mark.parametrize("lies", [False, True], ids=["taken out of the trash", "put into the trash"])
def test_what_is_done_with_a_file_while_it_is_restored_holds(lies: bool, was: FileStatus, local_shelf: Shelf) -> None:
    keep, shelf = timedelta(days=7), local_shelf
    detail = shelf.upload(b"1")
    file_id = detail.files[0].id
    with shelf.database.transaction() as session:
        file = session.get_one(File, file_id)
        file.status, file.failure = FileStatus.FAILED, BEING_RESTORED
    if lies:
        Datasets(shelf.database, shelf.storages, keep).delete(shelf.caller, detail.summary.id)
    settle(shelf.database, [Outcome(KeptFile(file_id, "data.csv", was, None, 1, None))])
    with shelf.database.session() as session:
        file, dataset = session.get_one(File, file_id), session.get_one(Dataset, detail.summary.id)
    good = FileStatus.READY if was != FileStatus.FAILED else FileStatus.FAILED
    assert (file.status, file.trashed_at is None) == ((FileStatus.TRASHED, False) if lies else (good, True))
    assert dataset.current_file_id == (file_id if good == FileStatus.READY and not lies else None)
    if lies:
        Trash(shelf.database, shelf.storages, keep).restore(shelf.caller, detail.summary.id)
        with shelf.database.session() as session:
            assert session.get_one(File, file_id).status == good


def test_restored_into_the_other_database_and_store_every_row_and_byte_is_the_same(
    shelf: Shelf, vault: Vault, other: Place
) -> None:
    fill(shelf)
    report = backups.back_up(shelf.database, shelf.storages, vault)
    assert report.clean, report.problems
    assert (report.files, report.done.copied, report.done.reused) == (len(HOSTILE) + 7, len(HOSTILE) + 7, 0)
    before = backups.rows(shelf.database)
    assert backups.snapshot_rows(vault, report) == before
    with restored(other, vault) as (done, database):
        assert done.clean, done.problems
        assert (done.files, done.size) == (report.files, report.size)
        assert (done.given_up, done.gone, done.not_good, done.replaced) == (0, 0, 0, 0)
        equal_but_for_places(before, backups.rows(database))
        bytes_before = backups.checksums(shelf.database, shelf.storages)
        assert backups.checksums(database, other.storages) == bytes_before
        assert len(bytes_before) == report.files
        assert counted(database) == counted(shelf.database)
        listed = Datasets(database, other.storages).list(shelf.caller, DatasetQuery(limit=100))
        assert listed.total == len(HOSTILE) + 3
        assert len(listed.items) == listed.total
        with database.session() as session:
            assert all(file.sha256_verified and file.verified_at for file in session.scalars(select(File)))
            assert {file.backend for file in session.scalars(select(File))} == {other.storages.state.configured}
        trash = Trash(database, other.storages, timedelta(days=7))
        for item in trash.list(shelf.caller).items:
            trash.restore(shelf.caller, item.id)
        assert Datasets(database, other.storages).list(shelf.caller, DatasetQuery(limit=100)).total == listed.total + 1


def test_a_restore_brings_back_no_token_that_was_revoked_since(shelf: Shelf, vault: Vault, other: Place) -> None:
    tokens = Tokens(shelf.database)
    token, secret = tokens.create(shelf.caller, "nightly", Scope.WRITE)
    assert Identity(shelf.database).caller(Presented(token=secret)).token_id == token.id
    backups.back_up(shelf.database, shelf.storages, vault)
    tokens.revoke(shelf.caller, token.id)
    with restored(other, vault) as (done, database):
        assert done.clean, done.problems
        assert Tokens(database).list(shelf.caller) == ()
        with pytest.raises(NotSignedIn):
            Identity(database).caller(Presented(token=secret))


def test_what_is_under_way_deleted_or_failed_is_told_apart(shelf: Shelf, vault: Vault, other: Place) -> None:
    kept = shelf.upload(b"kept", name="Kept")
    lost = shelf.upload(b"lost", name="Lost").files[0].id
    changed = shelf.upload(b"right", name="Changed", sha256=hashlib.sha256(b"right").hexdigest()).files[0].id
    failed = shelf.upload(b"failed", name="Failed", sha256="0" * 64 if not shelf.database.is_sqlite else None)
    shelf.uploads.start(shelf.caller, NewUpload("coming.csv", 4, dataset_id=kept.summary.id))
    shelf.uploads.start(shelf.caller, NewUpload("coming.csv", 4, name="Only coming"))
    with shelf.database.transaction() as session:
        session.add(
            File(
                owner_id=shelf.caller.user_id,
                status=FileStatus.DELETED,
                file_name="x",
                format="other",
                media_type="a/b",
                size=1,
                backend="local",
                bucket="datasets",
                role="datasets",
                key="datasets/2026/01/x",
            )
        )
        for file in session.scalars(select(File).where(File.id == failed.files[0].id)):
            file.status, file.failure, file.sha256 = FileStatus.FAILED, "It is not right.", "0" * 64
        there = {file.id: file for file in session.scalars(select(File))}
        refs = {each: (there[each].role, there[each].key, there[each].bucket) for each in (lost, changed)}
    for file_id, data in ((lost, None), (changed, b"wrong")):
        role, key, bucket = refs[file_id]
        ref = ObjectRef(BucketRole(role), key, bucket)
        assert shelf.storage.delete_file(ref)
        if data is not None:
            shelf.storage.upload_file(ref, io.BytesIO(data), len(data), "text/csv")
    report = backups.back_up(shelf.database, shelf.storages, vault)
    assert not report.clean
    assert {problem.file_id for problem in report.problems} == {lost, changed}
    assert (report.done.under_way, report.done.not_good, report.done.copied) == (2, 1, 1)
    with restored(other, vault) as (done, database):
        assert {problem.file_id for problem in done.problems} == {lost, changed}
        assert (done.given_up, done.not_good, done.files) == (2, 1, 1)
        with database.session() as session:
            files = {file.id: file for file in session.scalars(select(File))}
            names = set(session.scalars(select(Dataset.name)))
            given_up = session.scalars(select(Event).where(Event.kind == EventKind.UPLOAD_EXPIRED)).all()
        assert {file.status for file in files.values()} == {FileStatus.READY, FileStatus.FAILED}
        assert len(files) == 4
        assert "upload the file again" in str(files[lost].failure)
        assert files[failed.files[0].id].failure == "It is not right."
        assert names == {"Kept", "Lost", "Changed", "Failed"}
        assert sorted(event.detail["file_name"] for event in given_up) == ["coming.csv"] * 2
        assert counted(database) == (1, 4)


def test_people_work_while_the_backup_is_made(shelf: Shelf, vault: Vault, other: Place) -> None:
    sent: dict[uuid.UUID, str] = {}
    ends, begun = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def upload(number: int) -> uuid.UUID:
        data = f"{number},".encode() * 500
        detail = shelf.upload(data, f"{number}.csv", name=f"Set {number}")
        sent[detail.files[0].id] = hashlib.sha256(data).hexdigest()
        return detail.summary.id

    datasets = [upload(number) for number in range(40)]

    def work() -> None:
        try:
            number = 40
            while not ends.is_set():
                datasets.append(upload(number))
                shelf.datasets.update(shelf.caller, datasets[number % 40 + 5], name=f"Renamed {number}")
                shelf.upload(b"v2 %d" % number, dataset_id=datasets[-1])
                gone = datasets.pop(0)
                shelf.datasets.delete(shelf.caller, gone, permanent=True)
                number += 1
                begun.set()
        except Exception as error:  # noqa: BLE001  # told by the test's own thread
            errors.append(error)
            begun.set()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert begun.wait(60)
        report = backups.back_up(shelf.database, shelf.storages, vault)
    finally:
        ends.set()
        worker.join()
    assert not errors, errors
    assert report.clean, report.problems
    snapshot = backups.snapshot_rows(vault, report)
    with restored(other, vault) as (done, database):
        assert done.clean, done.problems
        assert done.gone == report.done.gone
        assert done.files == report.done.copied
        after = backups.rows(database)
        with database.session() as session:
            there = {str(each) for each in session.scalars(select(File.id))}
            assert session.scalar(select(func.count()).where(File.status != FileStatus.READY)) == 0
        statuses = [row[4] for row in snapshot["file"]]
        assert len(there) == statuses.count(FileStatus.READY) + statuses.count(FileStatus.TRASHED) - done.gone
        for file_id, digest in backups.checksums(database, other.storages).items():
            assert sent.get(uuid.UUID(file_id), digest) == digest
        held = backups.without([row for row in snapshot["file"] if row[0] in there], "file", *backups.MOVED)
        assert backups.without(after["file"], "file", *backups.MOVED) == held
        assert counted(database) == (
            len([row for row in after["dataset"] if row[8] is not None]),
            sum(row[11] for row in after["dataset"]),
        )


def test_a_second_run_copies_only_what_is_new(shelf: Shelf, vault: Vault) -> None:
    for number in range(5):
        shelf.upload(b"x" * (number + 1), name=f"Old {number}")
    first = backups.back_up(shelf.database, shelf.storages, vault)
    assert (first.done.copied, first.done.copied_size) == (5, 15)
    shelf.upload(b"y" * 100, name="New")
    second = backups.back_up(shelf.database, shelf.storages, vault)
    assert (second.done.copied, second.done.copied_size) == (1, 100)
    assert (second.done.reused, second.done.reused_size) == (5, 15)
    assert len(backups.object_names(vault)) == 6


def test_old_snapshots_go_with_the_objects_that_none_needs(shelf: Shelf, vault: Vault) -> None:
    gone = shelf.upload(b"gone", name="Gone").summary.id
    shelf.upload(b"stays", name="Stays")
    first = backups.back_up(shelf.database, shelf.storages, vault)
    shelf.datasets.delete(shelf.caller, gone, permanent=True)
    catalogue = backups.back_up(shelf.database, shelf.storages, vault, objects=False, keep=1)
    assert catalogue.pruned == ((), 0, 0), "a snapshot without files takes no place from one with files"
    second = backups.back_up(shelf.database, shelf.storages, vault, keep=2)
    assert second.pruned == ((), 0, 0)
    third = backups.back_up(shelf.database, shelf.storages, vault, keep=2)
    assert third.pruned == ((first.snapshot,), 1, 4)
    assert vault.folders("snapshots/") == [catalogue.snapshot, second.snapshot, third.snapshot]
    assert len(backups.object_names(vault)) == 1


def test_the_catalogue_alone_comes_back_over_the_store_that_kept_the_files(
    shelf: Shelf, vault: Vault, other: Place
) -> None:
    for number in range(3):
        shelf.upload(b"x" * number, name=f"Set {number}")
    lost = shelf.upload(b"lost", name="Lost").files[0].id
    report = backups.back_up(shelf.database, shelf.storages, vault, objects=False)
    assert backups.object_names(vault) == []
    before = backups.rows(shelf.database)
    shelf.files.delete(shelf.caller, lost, permanent=True)
    with ExitStack() as stack:
        done, database = stack.enter_context(restored(Place(other.url, shelf.storages), vault))
        assert [problem.file_id for problem in done.problems] == [lost]
        assert done.files == 3
        after = backups.rows(database)
    ours = [row for row in before["file"] if row[0] != str(lost)]
    assert [row for row in after["file"] if row[0] != str(lost)] == ours
    assert report.clean
