"""A file's way out, on both databases and both stores."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlmodel import select

from catalog.errors import FileNotFound, FileNotReady, InvalidExpiry
from catalog.intake import NewUpload
from db.tables import Event, File, FileStatus
from storage import Backend, BucketRole, FileNotInStorage, ObjectRef
from tests.contract.catalog.conftest import LIFE, Shelf

DATA = b"a,b\n1,2\n"


def fetch(shelf: Shelf, url: str) -> tuple[bytes, str]:
    """What a client that follows the link gets: the bytes, and the name to save them under."""
    if shelf.storage.backend is Backend.LOCAL:
        parts = urlsplit(url)
        bucket, key = unquote(parts.path).removeprefix("/api/ml/v1/objects/").split("/", 1)
        grant = shelf.storages.local.verify_link("GET", bucket=bucket, key=key, query=parts.query)
        return shelf.storages.local.open_for_grant(grant)[0].read_bytes(), str(grant.filename)
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read(), unquote(answer.headers["Content-Disposition"].rpartition("''")[2])


def test_a_link_gives_the_bytes_under_the_files_name(shelf: Shelf) -> None:
    file_id = shelf.upload(DATA, "Zürich 北京.csv").files[0].id
    link = shelf.downloads.link(shelf.caller, file_id)
    assert (link.file_id, link.backend, link.expires_in) == (file_id, shelf.storage.backend, LIFE)
    assert fetch(shelf, link.url) == (DATA, "Zürich 北京.csv")
    assert shelf.files.get(shelf.caller, file_id).downloads == 0


def test_a_link_lives_as_long_as_asked(shelf: Shelf) -> None:
    file_id = shelf.upload(DATA).files[0].id
    for seconds in (1, 86_400):
        link = shelf.downloads.link(shelf.caller, file_id, expires_in=timedelta(seconds=seconds))
        assert link.expires_in == timedelta(seconds=seconds)
        if shelf.storage.backend is Backend.MINIO:
            assert parse_qs(urlsplit(link.url).query)["X-Amz-Expires"] == [str(seconds)]
    for seconds in (0, -1, 86_401, 10**9):
        with pytest.raises(InvalidExpiry):
            shelf.downloads.link(shelf.caller, file_id, expires_in=timedelta(seconds=seconds))


def test_a_redirect_is_counted_and_written_down(shelf: Shelf) -> None:
    detail = shelf.upload(DATA)
    (file,) = detail.files
    assert fetch(shelf, shelf.downloads.redirect(shelf.caller, file.id))[0] == DATA
    shelf.downloads.redirect(shelf.caller, file.id)
    assert shelf.files.get(shelf.caller, file.id).downloads == 2
    assert shelf.datasets.get(shelf.caller, detail.summary.id).downloads == 2
    with shelf.database.session() as session:
        event = session.exec(select(Event).where(Event.kind == "file_downloaded")).all()[0]
    assert (event.user_id, event.dataset_id, event.file_id) == (shelf.caller.user_id, detail.summary.id, file.id)
    assert event.detail == {"size": len(DATA), "version": 1, "asked": len(DATA)}
    assert (event.dataset_name, event.file_name) == (detail.summary.name, file.file_name)


def test_head_says_what_a_download_will_be(shelf: Shelf) -> None:
    file_id = shelf.upload(DATA, "x.csv.gz").files[0].id
    assert shelf.downloads.head(shelf.caller, file_id) == (len(DATA), "application/gzip", "x.csv.gz")


def test_what_is_not_ready_is_not_served(shelf: Shelf) -> None:
    pending = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5)).file_id
    failed = shelf.upload(DATA).files[0].id
    with shelf.database.transaction() as session:
        session.get_one(File, failed).status = FileStatus.FAILED
    for file_id in (pending, failed):
        for call in (shelf.downloads.link, shelf.downloads.redirect, shelf.downloads.head, shelf.files.get):
            with pytest.raises(FileNotReady):
                call(shelf.caller, file_id)
    with pytest.raises(FileNotFound):
        shelf.downloads.link(shelf.caller, uuid.uuid4())


def test_a_list_is_signed_in_one_go(shelf: Shelf) -> None:
    details = [shelf.upload(DATA + bytes([48 + number])) for number in range(3)]
    urls = shelf.downloads.sign_many([detail.summary for detail in details])
    assert set(urls) == {detail.files[0].id for detail in details}
    assert fetch(shelf, urls[details[1].files[0].id])[0] == DATA + b"1"
    assert shelf.downloads.sign_many([]) == {}


def test_a_link_that_cannot_be_signed_is_left_out(shelf: Shelf) -> None:
    good, bad = shelf.upload(DATA), shelf.upload(DATA)
    with shelf.database.transaction() as session:
        session.get_one(File, bad.files[0].id).role = "no such role"
    gone = replace(good.summary, file_id=uuid.uuid4())
    urls = shelf.downloads.sign_many([good.summary, bad.summary, gone])
    assert set(urls) == {good.files[0].id}


def test_bytes_lost_on_local_disk_are_said_and_not_counted(local_shelf: Shelf) -> None:
    shelf = local_shelf
    file_id = shelf.upload(DATA).files[0].id
    shelf.storage.delete_file(ObjectRef(BucketRole.DATASETS, shelf.objects()[0]))
    with pytest.raises(FileNotInStorage):
        shelf.downloads.redirect(shelf.caller, file_id)
    assert shelf.files.get(shelf.caller, file_id).downloads == 0


@pytest.mark.s3
def test_a_file_of_the_other_backend_stays_in_reach(shelf: Shelf) -> None:
    """A change of STORAGE_BACKEND loses sight of nothing: the row remembers where its bytes are."""
    file_id = shelf.upload(DATA).files[0].id
    storage = shelf.storage
    assert storage is shelf.storages.of(storage.backend)
    assert shelf.files.get(shelf.caller, file_id).backend is storage.backend
