"""The store stops in the middle of things: nothing half is left, and what was begun goes on when it is back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from catalog.intake import NewUpload
from catalog.listing import DatasetQuery
from catalog.reader import BackgroundReader
from catalog.sweep import Sweep
from db import open_database
from db.tables import Dataset, File, Upload
from preview import Limits, Previewer
from storage import StorageUnavailable
from tests.contract.catalog.conftest import Shelf, make_shelf, s3_storages
from tests.seaweed import SeaweedServer

pytestmark = pytest.mark.s3

DATA = b"a,b\n1,2\n"


@pytest.fixture
def shelf(own_s3_server: SeaweedServer, sqlite_template: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copyfile(sqlite_template, tmp_path / "x.db")
    with (
        closing(s3_storages(tmp_path, own_s3_server)) as storages,
        open_database(f"sqlite:///{tmp_path / 'x.db'}") as database,
    ):
        yield make_shelf(database, storages)


def rows(shelf: Shelf) -> list[int]:
    with shelf.database.session() as session:
        return [len(session.exec(select(table)).all()) for table in (Dataset, File, Upload)]


def test_an_upload_begun_before_the_outage_is_completed_after_it(shelf: Shelf, own_s3_server: SeaweedServer) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    parts = shelf.send(started.parts, DATA, started.part_size)
    own_s3_server.stop()
    with pytest.raises(StorageUnavailable):
        shelf.uploads.complete(shelf.caller, started.upload_id, parts)
    with pytest.raises(StorageUnavailable):
        shelf.uploads.get(shelf.caller, started.upload_id)
    assert [upload.upload_id for upload in shelf.uploads.list(shelf.caller)] == [started.upload_id]
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0
    own_s3_server.start()
    assert shelf.uploads.complete(shelf.caller, started.upload_id, parts).files[0].size == len(DATA)


def test_an_upload_that_cannot_begin_holds_no_name(shelf: Shelf, own_s3_server: SeaweedServer) -> None:
    own_s3_server.stop()
    with pytest.raises(StorageUnavailable):
        shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5, name="Mine"))
    assert shelf.uploads.list(shelf.caller) == ()
    own_s3_server.start()
    assert shelf.upload(DATA, name="Mine").summary.name == "Mine"
    Sweep(shelf.database, shelf.storages).sweep()
    assert rows(shelf) == [1, 1, 1]


def test_what_is_cancelled_or_deleted_in_an_outage_is_removed_after_it(
    shelf: Shelf, own_s3_server: SeaweedServer
) -> None:
    kept, gone = shelf.upload(DATA, name="Kept"), shelf.upload(DATA, name="Gone")
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    shelf.send(started.parts, DATA, started.part_size)
    own_s3_server.stop()
    shelf.uploads.abort(shelf.caller, started.upload_id)
    shelf.datasets.delete(shelf.caller, gone.summary.id)
    assert shelf.uploads.list(shelf.caller) == ()
    assert [item.name for item in shelf.datasets.list(shelf.caller, DatasetQuery()).items] == ["Kept"]
    assert Sweep(shelf.database, shelf.storages).sweep() == 0
    own_s3_server.start()
    assert Sweep(shelf.database, shelf.storages).sweep() == 2
    assert (len(shelf.objects()), shelf.uploads_in_store()) == (1, [])
    assert rows(shelf) == [1, 1, 1]
    assert shelf.datasets.get(shelf.caller, kept.summary.id) == kept


def test_links_are_signed_without_the_store(shelf: Shelf, own_s3_server: SeaweedServer) -> None:
    detail = shelf.upload(DATA)
    own_s3_server.stop()
    assert shelf.downloads.redirect(shelf.caller, detail.files[0].id)
    assert len(shelf.downloads.sign_many([detail.summary])) == 1


def test_background_reading_waits_for_the_store_and_goes_on(shelf: Shelf, own_s3_server: SeaweedServer) -> None:
    files = [shelf.upload(DATA, f"{number}.csv").files[0].id for number in range(2)]
    own_s3_server.stop()
    with (
        closing(Previewer(Limits(), workers=1)) as previewer,
        closing(
            BackgroundReader(shelf.database, shelf.storages, previewer, back_off=timedelta(milliseconds=100))
        ) as reader,
    ):
        reader.start()
        time.sleep(1)
        for file_id in files:
            file = shelf.files.get(shelf.caller, file_id)
            assert (file.columns, file.sha256, file.rows_counted) == (None, None, "counting")
        own_s3_server.start()
        deadline = time.monotonic() + 60
        while not all(shelf.files.get(shelf.caller, file_id).sha256_verified for file_id in files):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert shelf.files.get(shelf.caller, files[0]).rows == 1
