"""What nobody goes on with is given up, and what could not be removed is removed later; on both stores."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from catalog.errors import UploadNotFound
from catalog.intake import NewUpload
from catalog.sweep import IDLE, UNANNOUNCED, Sweep
from db.tables import Dataset, Event, File, FileStatus, Upload
from db.utc import utc_now
from storage import BucketRole, ObjectRef, WrongLength
from tests.contract.catalog.conftest import Shelf

DATA = b"a,b\n1,2\n"
MINUTE = timedelta(minutes=1)


def age(shelf: Shelf, by: timedelta, **values: object) -> None:
    with shelf.database.transaction() as session:
        session.execute(update(Upload).values(touched_at=utc_now() - by, **values))


def empty(shelf: Shelf) -> bool:
    with shelf.database.session() as session:
        rows = [session.exec(select(table)).all() for table in (Dataset, File, Upload)]
    return rows == [[], [], []] and not shelf.objects() and not shelf.uploads_in_store()


def test_an_upload_that_rests_is_given_up_after_a_week(shelf: Shelf) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5))
    shelf.put(started.parts[0].url, b"12345")
    sweep = Sweep(shelf.database, shelf.storages)
    age(shelf, IDLE - MINUTE)
    assert sweep.sweep() == 0
    shelf.uploads.get(shelf.caller, started.upload_id)
    age(shelf, IDLE + MINUTE)
    assert sweep.sweep() == 1
    assert empty(shelf)
    with shelf.database.session() as session:
        assert "upload_expired" in session.exec(select(Event.kind)).all()
    with pytest.raises(UploadNotFound):
        shelf.uploads.get(shelf.caller, started.upload_id)


def test_asking_for_links_keeps_an_upload_alive(shelf: Shelf) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5))
    age(shelf, IDLE + MINUTE)
    shelf.uploads.sign_parts(shelf.caller, started.upload_id, [1])
    assert Sweep(shelf.database, shelf.storages).sweep() == 0
    assert shelf.uploads.get(shelf.caller, started.upload_id).received == ()


def test_an_upload_that_somebody_goes_on_with_in_the_moment_of_the_sweep_stays(shelf: Shelf) -> None:
    started, sweep = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5)), Sweep(shelf.database, shelf.storages)
    age(shelf, IDLE + MINUTE)
    (stale,) = sweep.stale()
    shelf.uploads.sign_parts(shelf.caller, started.upload_id, [1])
    assert not sweep.give_up(stale, touched_before=sweep.rests_since())
    assert shelf.uploads.get(shelf.caller, started.upload_id).received == ()
    age(shelf, IDLE + MINUTE)
    assert sweep.give_up(stale, touched_before=sweep.rests_since())


def test_an_upload_cut_off_before_the_store_answered_is_given_up_after_a_day(shelf: Shelf) -> None:
    """The app died between asking the store for an upload and noting its id."""
    shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5))
    age(shelf, UNANNOUNCED - MINUTE, store_upload_id=None)
    assert Sweep(shelf.database, shelf.storages).sweep() == 0
    age(shelf, UNANNOUNCED + MINUTE)
    assert Sweep(shelf.database, shelf.storages).sweep() == 1
    assert empty(shelf)


def test_a_completed_file_is_never_swept(shelf: Shelf) -> None:
    detail = shelf.upload(DATA)
    age(shelf, 10 * IDLE)
    assert Sweep(shelf.database, shelf.storages).sweep() == 0
    assert shelf.datasets.get(shelf.caller, detail.summary.id) == detail


def test_an_upload_cut_off_between_the_store_and_the_row_is_completed_by_asking_again(shelf: Shelf) -> None:
    """The app died after the store had joined the parts; the client's retry finds the object."""
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    parts = shelf.send(started.parts, DATA, started.part_size)
    with shelf.database.session() as session:
        file, upload = session.exec(select(File)).one(), session.exec(select(Upload)).one()
    ref = ObjectRef(BucketRole(file.role), file.key, file.bucket)
    store_id = str(upload.store_upload_id)
    shelf.storage.complete_multipart(ref, store_id, shelf.storage.list_parts(ref, store_id))
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, parts)
    assert (detail.files[0].version, detail.files[0].size) == (1, len(DATA))
    assert shelf.uploads.list(shelf.caller) == ()


def test_an_object_left_by_a_removal_is_removed_by_the_sweep(shelf: Shelf) -> None:
    shelf.upload(DATA)
    with shelf.database.transaction() as session:
        session.execute(update(File).values(status=FileStatus.DELETED, dataset_id=None, version=None))
    assert Sweep(shelf.database, shelf.storages).sweep() == 1
    assert shelf.objects() == []


def test_what_cannot_be_removed_keeps_nothing_else_waiting(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.removal.BATCH", 2)
    ids = sorted(shelf.upload(DATA).files[0].id for _ in range(5))
    with shelf.database.transaction() as session:
        session.execute(update(File).values(status=FileStatus.DELETED, dataset_id=None, version=None))
        session.execute(update(File).where(col(File.id).in_(ids[:3])).values(bucket="a-bucket-that-is-gone"))
    assert Sweep(shelf.database, shelf.storages).sweep() == 2
    with shelf.database.session() as session:
        assert sorted(session.exec(select(File.id))) == ids[:3]


def test_what_the_app_itself_takes_in_goes_the_same_way(shelf: Shelf) -> None:
    detail = shelf.uploads.put(shelf.caller, NewUpload("x.csv", len(DATA), name="Given"), io.BytesIO(DATA))
    assert (detail.summary.name, detail.files[0].version) == ("Given", 1)
    with pytest.raises(WrongLength):
        shelf.uploads.put(shelf.caller, NewUpload("short.csv", 100), io.BytesIO(DATA))
    assert [upload.file_name for upload in shelf.uploads.list(shelf.caller)] == []
    assert len(shelf.objects()) == 1
    assert len(shelf.datasets.get(shelf.caller, detail.summary.id).files) == 1
