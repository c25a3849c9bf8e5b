"""The store stops in the middle of things: nothing half is left, and what was begun goes on when it is back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import select

from catalog.intake import NewUpload
from catalog.listing import DatasetQuery
from catalog.sweep import Sweep
from db import open_database
from db.tables import Dataset, File, Upload
from storage import StorageUnavailable
from tests.contract.catalog.conftest import Shelf, make_shelf, s3_storages
from tests.seaweed import SeaweedServer

pytestmark = pytest.mark.s3

DATA = b"a,b\n1,2\n"


@pytest.fixture
def server(own_s3_server: Callable[[], SeaweedServer]) -> SeaweedServer:
    return own_s3_server()


@pytest.fixture
def shelf(server: SeaweedServer, sqlite_template: Path, tmp_path: Path) -> Iterator[Shelf]:
    shutil.copyfile(sqlite_template, tmp_path / "x.db")
    with (
        closing(s3_storages(tmp_path, server)) as storages,
        open_database(f"sqlite:///{tmp_path / 'x.db'}") as database,
    ):
        yield make_shelf(database, storages)


def rows(shelf: Shelf) -> list[int]:
    with shelf.database.session() as session:
        return [len(session.exec(select(table)).all()) for table in (Dataset, File, Upload)]


def test_an_upload_begun_before_the_outage_is_completed_after_it(shelf: Shelf, server: SeaweedServer) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    parts = shelf.send(started.parts, DATA, started.part_size)
    server.stop()
    with pytest.raises(StorageUnavailable):
        shelf.uploads.complete(shelf.caller, started.upload_id, parts)
    with pytest.raises(StorageUnavailable):
        shelf.uploads.get(shelf.caller, started.upload_id)
    assert [upload.upload_id for upload in shelf.uploads.list(shelf.caller)] == [started.upload_id]
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0
    server.start()
    assert shelf.uploads.complete(shelf.caller, started.upload_id, parts).files[0].size == len(DATA)


def test_an_upload_that_cannot_begin_holds_no_name(shelf: Shelf, server: SeaweedServer) -> None:
    server.stop()
    with pytest.raises(StorageUnavailable):
        shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5, name="Mine"))
    assert shelf.uploads.list(shelf.caller) == ()
    server.start()
    assert shelf.upload(DATA, name="Mine").summary.name == "Mine"
    Sweep(shelf.database, shelf.storages).sweep()
    assert rows(shelf) == [1, 1, 1]


def test_what_is_cancelled_or_deleted_in_an_outage_is_removed_after_it(shelf: Shelf, server: SeaweedServer) -> None:
    kept, gone = shelf.upload(DATA, name="Kept"), shelf.upload(DATA, name="Gone")
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    shelf.send(started.parts, DATA, started.part_size)
    server.stop()
    shelf.uploads.abort(shelf.caller, started.upload_id)
    shelf.datasets.delete(shelf.caller, gone.summary.id)
    assert shelf.uploads.list(shelf.caller) == ()
    assert [item.name for item in shelf.datasets.list(shelf.caller, DatasetQuery()).items] == ["Kept"]
    assert Sweep(shelf.database, shelf.storages).sweep() == 0
    server.start()
    assert Sweep(shelf.database, shelf.storages).sweep() == 2
    assert (len(shelf.objects()), shelf.uploads_in_store()) == (1, [])
    assert rows(shelf) == [1, 1, 1]
    assert shelf.datasets.get(shelf.caller, kept.summary.id) == kept


def test_links_are_signed_without_the_store(shelf: Shelf, server: SeaweedServer) -> None:
    detail = shelf.upload(DATA)
    server.stop()
    assert shelf.downloads.redirect(shelf.caller, detail.files[0].id)
    assert len(shelf.downloads.sign_many([detail.summary])) == 1
