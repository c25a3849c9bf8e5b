"""Stored files that are read again: what changed or went missing is found, once across replicas; both backends."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from catalog.errors import FileNotReady
from catalog.leases import Leases
from catalog.parts import SMALL_PART
from catalog.removal import ref_of
from catalog.reports import ReportKind, Reports
from catalog.scrub import Outcome, Scrub
from db.tables import Event, File, FileStatus
from db.utc import utc_now
from storage import Backend, StorageUnavailable
from tests.contract.catalog.conftest import Shelf

DAY = timedelta(days=1)
DATA = b"id,name\n1,Ada\n"


@pytest.fixture
def scrub(shelf: Shelf) -> Scrub:
    return Scrub(shelf.database, shelf.storages, timedelta(days=30), share=1.0)


def row_of(shelf: Shelf, file_id: uuid.UUID) -> File:
    with shelf.database.session() as session:
        return session.get_one(File, file_id)


def put_under(shelf: Shelf, file_id: uuid.UUID, data: bytes) -> None:
    file = row_of(shelf, file_id)
    shelf.storages.of(Backend(file.backend)).upload_file(ref_of(file), io.BytesIO(data), len(data), file.media_type)


def aged(shelf: Shelf, data: bytes = DATA, *, days: int = 40, **more: object) -> uuid.UUID:
    """A file that was verified so many days ago."""
    detail = shelf.upload(data, sha256=hashlib.sha256(data).hexdigest(), **more)  # type: ignore[arg-type]
    file_id = detail.files[0].id
    with shelf.database.transaction() as session:
        at = utc_now() - timedelta(days=days)
        session.execute(update(File).where(col(File.id) == file_id).values(verified_at=at, sha256_verified=True))
    return file_id


def verified_at(shelf: Shelf, file_id: uuid.UUID) -> datetime:
    at = row_of(shelf, file_id).verified_at
    assert at is not None
    return at


def test_what_is_due_is_read_and_the_rest_is_let_be(shelf: Shelf, scrub: Scrub) -> None:
    due, recent = aged(shelf), aged(shelf, days=10)
    before = verified_at(shelf, recent)
    assert scrub.run()
    assert utc_now() - verified_at(shelf, due) < DAY
    assert verified_at(shelf, recent) == before
    report = Reports(shelf.database).last(ReportKind.SCRUB)
    assert report is not None
    assert (report.content["files"], report.content["bytes"], report.content["failed"]) == (1, len(DATA), [])
    assert (report.content["due"], report.content["oldest_verified_at"]) == (0, before.isoformat())


def test_the_longest_unread_comes_first_and_a_cut_loses_nothing(shelf: Shelf, scrub: Scrub) -> None:
    newer, older = aged(shelf, days=35), aged(shelf, days=50)
    checked: list[uuid.UUID] = []
    check = Scrub.check

    class Cut(Scrub):
        def check(self, file_id: uuid.UUID, **more: object) -> Outcome:  # type: ignore[override]
            checked.append(file_id)
            outcome = check(self, file_id, **more)  # type: ignore[arg-type]
            self.close()
            return outcome

    Cut(shelf.database, shelf.storages, timedelta(days=30), share=1.0).run()
    assert checked == [older]
    assert utc_now() - verified_at(shelf, newer) > timedelta(days=30)
    assert scrub.run()
    assert utc_now() - verified_at(shelf, newer) < DAY


def test_a_changed_byte_fails_the_file_until_it_is_right_again(shelf: Shelf, scrub: Scrub) -> None:
    data = os.urandom(SMALL_PART + 10)
    file_id = aged(shelf, data)
    assert scrub.check(file_id) is Outcome.RIGHT
    put_under(shelf, file_id, data[:5] + bytes([data[5] ^ 1]) + data[6:])
    assert scrub.check(file_id) is Outcome.WRONG
    row = row_of(shelf, file_id)
    assert row.status == FileStatus.FAILED
    assert str(row.failure).startswith("Part 1 of the stored file (bytes 0–16,777,215) differs from what was sent")
    with pytest.raises(FileNotReady, match="Part 1 of the stored file"):
        shelf.downloads.redirect(shelf.caller, file_id)
    put_under(shelf, file_id, data)
    assert scrub.check(file_id) is Outcome.RIGHT
    row = row_of(shelf, file_id)
    assert (row.status, row.failure) == (FileStatus.READY, None)
    assert shelf.downloads.redirect(shelf.caller, file_id)
    with shelf.database.session() as session:
        kinds = session.exec(select(Event.kind).where(Event.file_id == file_id).order_by(col(Event.at))).all()
    assert [kind for kind in kinds if kind in ("file_failed", "file_verified")] == ["file_failed", "file_verified"]


def test_another_size_is_said(shelf: Shelf, scrub: Scrub) -> None:
    file_id = aged(shelf)
    put_under(shelf, file_id, DATA + b"more")
    assert scrub.check(file_id) is Outcome.WRONG
    assert "has 18 bytes where 14 were sent" in str(row_of(shelf, file_id).failure)


def test_a_missing_object_fails_the_file_and_comes_back_with_it(shelf: Shelf, scrub: Scrub) -> None:
    good = aged(shelf)
    dataset_id = row_of(shelf, good).dataset_id
    newest = aged(shelf, DATA + b"2,Grace\n", dataset_id=dataset_id)
    row = row_of(shelf, newest)
    assert shelf.storages.of(Backend(row.backend)).delete_file(ref_of(row))
    assert scrub.run()
    assert "no longer in the store" in str(row_of(shelf, newest).failure)
    assert dataset_id is not None
    assert shelf.datasets.get(shelf.caller, dataset_id).summary.file_id == good
    report = Reports(shelf.database).last(ReportKind.SCRUB)
    assert report is not None
    assert report.content["failed"] == [str(newest)]
    put_under(shelf, newest, DATA + b"2,Grace\n")
    assert scrub.run()
    assert shelf.datasets.get(shelf.caller, dataset_id).summary.file_id == newest


def test_where_everything_is_gone_the_store_is_doubted_and_not_the_files(shelf: Shelf, scrub: Scrub) -> None:
    files = [aged(shelf), aged(shelf)]
    for file_id in files:
        row = row_of(shelf, file_id)
        assert shelf.storages.of(Backend(row.backend)).delete_file(ref_of(row))
    with pytest.raises(StorageUnavailable):
        scrub.run()
    assert [row_of(shelf, file_id).status for file_id in files] == [FileStatus.READY] * 2


def test_one_of_two_replicas_scrubs(shelf: Shelf, scrub: Scrub) -> None:
    file_id = aged(shelf)
    other = Leases(shelf.database)
    assert other.take("scrub", DAY)
    assert not scrub.run()
    assert utc_now() - verified_at(shelf, file_id) > timedelta(days=30)
    other.let_go("scrub")
    assert scrub.run()
    assert utc_now() - verified_at(shelf, file_id) < DAY


def test_what_is_under_way_or_deleted_is_no_business_of_it(shelf: Shelf, scrub: Scrub) -> None:
    file_id = aged(shelf)
    shelf.datasets.delete(shelf.caller, row_of(shelf, file_id).dataset_id)
    assert scrub.check(file_id) is Outcome.UNSURE
    assert scrub.check(uuid.uuid4()) is Outcome.UNSURE
