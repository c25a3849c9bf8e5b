"""A file's way in, on both databases and both stores."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from catalog.caller import Caller
from catalog.errors import (
    ChecksumMismatch,
    DatasetNameTaken,
    DatasetNotFound,
    InvalidChecksum,
    InvalidFileName,
    InvalidName,
    InvalidRole,
    InvalidSize,
    PartMismatch,
    PartsMissing,
    SizeMismatch,
    UploadNotFound,
)
from catalog.intake import NewUpload
from catalog.parts import LARGE_PART, SMALL_PART, ClientPart
from db.tables import Dataset, File, Upload
from db.utc import utc_now
from storage import Backend, BucketRole, ObjectRef, PartTooLarge
from tests.contract.catalog.conftest import Shelf

MIB = 1024**2


def rows(shelf: Shelf) -> tuple[int, int, int]:
    with shelf.database.session() as session:
        return tuple(len(session.exec(select(table)).all()) for table in (Dataset, File, Upload))  # type: ignore[return-value]


def test_a_file_comes_in(shelf: Shelf) -> None:
    data = b"a,b\n1,2\n"
    before = utc_now()
    started = shelf.uploads.start(shelf.caller, NewUpload("Sales 2026.csv", len(data)))
    assert [part.number for part in started.parts] == [1]
    assert started.part_size == SMALL_PART
    assert timedelta(minutes=59) < started.expires_at - before < timedelta(minutes=61)
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, shelf.send(started.parts, data, SMALL_PART))
    assert detail.summary.name == "Sales 2026"
    assert detail.summary.id == started.dataset_id
    assert detail.summary.owner == "local"
    assert (detail.summary.size, detail.summary.format) == (len(data), "csv")
    (file,) = detail.files
    assert (file.id, file.version, file.status, file.media_type) == (started.file_id, 1, "ready", "text/csv")
    assert shelf.datasets.get(shelf.caller, started.dataset_id) == detail
    assert len(shelf.objects()) == 1


def test_parts_are_joined_in_order_whatever_the_order_they_came_in(shelf: Shelf) -> None:
    data = bytes(range(256)) * (2 * SMALL_PART // 256) + b"the rest"
    started = shelf.uploads.start(shelf.caller, NewUpload("blob.bin", len(data)))
    sent = shelf.send(list(reversed(started.parts)), data, started.part_size)
    again = shelf.send(started.parts[1:2], data, started.part_size)
    named = [replace(part, etag=part.etag.strip('"').upper()) for part in [sent[0], *again, sent[2]]]
    file = shelf.uploads.complete(shelf.caller, started.upload_id, named).files[0]
    with shelf.database.session() as session:
        row = session.get_one(File, file.id)
    with shelf.storage.get_file(ObjectRef(BucketRole.DATASETS, row.key, row.bucket)) as stream:
        assert hashlib.sha256(stream.read()).digest() == hashlib.sha256(data).digest()


def test_an_empty_file_is_one_empty_part(shelf: Shelf) -> None:
    detail = shelf.upload(b"", "nothing.csv")
    assert detail.files[0].size == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\x.csv", "x.csv"),
        ('it\'s "quoted".csv', 'it\'s "quoted".csv'),
        ("prüfung 🎉.csv", "prüfung 🎉.csv"),
        ("e\u0301t\u00e9.csv", "\u00e9t\u00e9.csv"),
        ("x" * 251 + ".csv", "x" * 251 + ".csv"),
    ],
)
def test_a_file_name_is_kept_without_its_folders(local_shelf: Shelf, given: str, kept: str) -> None:
    assert local_shelf.upload(b"a\n1\n", given).files[0].file_name == kept


@pytest.mark.parametrize("name", ["", "folder/", "..", "a\nb.csv", "a\x00.csv", "\ud800.csv", "x" * 256, "   "])
def test_a_file_name_nobody_can_use_is_refused(local_shelf: Shelf, name: str) -> None:
    with pytest.raises(InvalidFileName):
        local_shelf.uploads.start(local_shelf.caller, NewUpload(name, 1))
    assert rows(local_shelf) == (0, 0, 0)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewUpload("a.csv", -1), InvalidSize),
        (NewUpload("a.csv", 6 * 1024**4), InvalidSize),
        (NewUpload("a.csv", 1, sha256="abc"), InvalidChecksum),
        (NewUpload("a.csv", 1, sha256="z" * 64), InvalidChecksum),
        (NewUpload("a.csv", 1, role="attic"), InvalidRole),
        (NewUpload("a.csv", 1, name=" "), InvalidName),
        (NewUpload("a.csv", 1, name="a\tb"), InvalidName),
        (NewUpload("a.csv", 1, name="x" * 201), InvalidName),
        (NewUpload("a.csv", 1, dataset_id=uuid.uuid4()), DatasetNotFound),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    local_shelf: Shelf, new: NewUpload, error: type[Exception]
) -> None:
    with pytest.raises(error):
        local_shelf.uploads.start(local_shelf.caller, new)
    assert rows(local_shelf) == (0, 0, 0)
    assert local_shelf.uploads_in_store() == []


def test_the_first_hundred_parts_are_signed_and_the_rest_on_request(shelf: Shelf) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("big.parquet", 300 * LARGE_PART))
    assert (started.part_size, started.part_count, len(started.parts)) == (LARGE_PART, 300, 100)
    more, expires_at = shelf.uploads.sign_parts(shelf.caller, started.upload_id, [300, 101, 101])
    assert [part.number for part in more] == [101, 300]
    assert expires_at > utc_now()
    for wrong in ([0], [301], [-1], list(range(1, 1002))):
        with pytest.raises(PartMismatch):
            shelf.uploads.sign_parts(shelf.caller, started.upload_id, wrong)


def test_a_missing_part_is_named_and_the_upload_stays_open(shelf: Shelf) -> None:
    data = b"x" * (SMALL_PART + 10)
    started = shelf.uploads.start(shelf.caller, NewUpload("two.bin", len(data)))
    first = shelf.send(started.parts[:1], data, SMALL_PART)
    for named in (first, [*first, ClientPart(2, "0" * 32)], []):
        with pytest.raises(PartsMissing) as refused:
            shelf.uploads.complete(shelf.caller, started.upload_id, named)
        assert 2 in refused.value.missing
    received = shelf.uploads.get(shelf.caller, started.upload_id).received
    assert [(part.number, part.size) for part in received] == [(1, SMALL_PART)]
    assert shelf.datasets.get(shelf.caller, started.dataset_id).files == ()
    second = shelf.send(started.parts[1:], data, SMALL_PART)
    assert shelf.uploads.complete(shelf.caller, started.upload_id, first + second).files[0].size == len(data)


def test_a_wrong_part_is_refused_and_the_upload_stays_open(shelf: Shelf) -> None:
    data = b"a,b\n1,2\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data)))
    (part,) = shelf.send(started.parts, data, SMALL_PART)
    for named in (
        [replace(part, etag="0" * 32)],
        [part, part],
        [part, ClientPart(2, part.etag)],
        [ClientPart(0, part.etag), part],
    ):
        with pytest.raises(PartMismatch):
            shelf.uploads.complete(shelf.caller, started.upload_id, named)
    assert shelf.uploads.complete(shelf.caller, started.upload_id, [part]).files


@pytest.mark.parametrize("sent", [b"short", b"longer than was announced"])
def test_another_size_than_announced_is_refused_and_can_be_sent_again(shelf: Shelf, sent: bytes) -> None:
    announced = b"just as long"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(announced)))
    if len(sent) > len(announced) and "/objects/" in started.parts[0].url:
        with pytest.raises(PartTooLarge):  # our own link says how much it takes
            shelf.put(started.parts[0].url, sent)
    else:
        wrong = ClientPart(1, shelf.put(started.parts[0].url, sent))
        with pytest.raises(SizeMismatch):
            shelf.uploads.complete(shelf.caller, started.upload_id, [wrong])
    right = shelf.send(started.parts, announced, SMALL_PART)
    assert shelf.uploads.complete(shelf.caller, started.upload_id, right).files[0].size == len(announced)


def test_completing_again_gives_the_same_answer_with_any_parts(shelf: Shelf) -> None:
    data = b"a\n1\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data)))
    named = shelf.send(started.parts, data, SMALL_PART)
    first = shelf.uploads.complete(shelf.caller, started.upload_id, named)
    for again in (named, [], [ClientPart(7, "nonsense")]):
        assert shelf.uploads.complete(shelf.caller, started.upload_id, again) == first


def test_a_cancelled_upload_leaves_nothing_and_frees_the_name(shelf: Shelf) -> None:
    data = b"a\n1\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data), name="Mine"))
    named = shelf.send(started.parts, data, SMALL_PART)
    shelf.uploads.abort(shelf.caller, started.upload_id)
    assert rows(shelf) == (0, 0, 0)
    assert (shelf.objects(), shelf.uploads_in_store()) == ([], [])
    for call in (shelf.uploads.abort, shelf.uploads.get):
        with pytest.raises(UploadNotFound):
            call(shelf.caller, started.upload_id)
    with pytest.raises(UploadNotFound):
        shelf.uploads.complete(shelf.caller, started.upload_id, named)
    assert shelf.upload(data, name="Mine").summary.name == "Mine"


def test_a_cancelled_version_leaves_its_dataset_alone(shelf: Shelf) -> None:
    detail = shelf.upload(b"a\n1\n", name="Mine")
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 9, dataset_id=detail.summary.id))
    shelf.uploads.abort(shelf.caller, started.upload_id)
    assert shelf.datasets.get(shelf.caller, detail.summary.id) == detail


def test_a_completed_upload_cannot_be_cancelled(shelf: Shelf) -> None:
    data = b"a\n1\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data)))
    shelf.uploads.complete(shelf.caller, started.upload_id, shelf.send(started.parts, data, SMALL_PART))
    with pytest.raises(UploadNotFound):
        shelf.uploads.abort(shelf.caller, started.upload_id)
    assert len(shelf.objects()) == 1


def test_no_link_changes_the_file_after_completion(shelf: Shelf) -> None:
    data = b"a\n1\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data)))
    shelf.uploads.complete(shelf.caller, started.upload_id, shelf.send(started.parts, data, SMALL_PART))
    with pytest.raises(Exception, match=r"404|not under way"):
        shelf.put(started.parts[0].url, b"b\n2\n")
    with shelf.storage.get_file(ObjectRef(BucketRole.DATASETS, shelf.objects()[0])) as stream:
        assert stream.read() == data


def test_a_right_checksum_is_kept(shelf: Shelf) -> None:
    data = b"a\n1\n"
    file = shelf.upload(data, sha256=hashlib.sha256(data).hexdigest().upper()).files[0]
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    assert file.sha256_verified is (shelf.storage.backend is Backend.LOCAL)


def test_a_wrong_checksum_is_never_served_as_good(shelf: Shelf) -> None:
    if shelf.storage.backend is Backend.LOCAL:
        with pytest.raises(ChecksumMismatch):
            shelf.upload(b"a\n1\n", sha256="0" * 64)
        assert rows(shelf) == (0, 0, 0)
        assert shelf.objects() == []
    else:
        assert not shelf.upload(b"a\n1\n", sha256="0" * 64).files[0].sha256_verified


def test_the_checksum_of_the_only_part_is_the_files(shelf: Shelf) -> None:
    data = b"a\n1\n"
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data)))
    (part,) = shelf.send(started.parts, data, SMALL_PART)
    digest = hashlib.sha256(data).hexdigest()
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, [replace(part, sha256=digest)])
    assert detail.files[0].sha256 == digest


def test_a_taken_name_is_refused_and_a_default_one_gets_a_number(shelf: Shelf) -> None:
    first = shelf.upload(b"a\n1\n", "x.csv.gz")
    assert first.summary.name == "x"
    with pytest.raises(DatasetNameTaken) as taken:
        shelf.uploads.start(shelf.caller, NewUpload("y.csv", 1, name=" x "))
    assert taken.value.dataset_id == first.summary.id
    assert [shelf.upload(b"a\n1\n", f"x.{end}").summary.name for end in ("csv", "parquet")] == ["x (2)", "x (3)"]


def test_unfinished_uploads_are_listed(shelf: Shelf) -> None:
    shelf.upload(b"a\n1\n", "done.csv")
    started = [shelf.uploads.start(shelf.caller, NewUpload(f"{name}.csv", 5)) for name in ("one", "two")]
    listed = shelf.uploads.list(shelf.caller)
    assert [upload.upload_id for upload in listed] == [one.upload_id for one in reversed(started)]
    assert (listed[0].file_name, listed[0].dataset_name, listed[0].part_count) == ("two.csv", "two", 1)
    assert shelf.uploads.list(Caller(uuid.uuid4(), "someone else")) == ()


def test_someone_elses_upload_is_not_there(shelf: Shelf) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5))
    stranger = Caller(uuid.uuid4(), "stranger")
    for call in (
        lambda: shelf.uploads.get(stranger, started.upload_id),
        lambda: shelf.uploads.sign_parts(stranger, started.upload_id, [1]),
        lambda: shelf.uploads.complete(stranger, started.upload_id, []),
        lambda: shelf.uploads.abort(stranger, started.upload_id),
    ):
        with pytest.raises(UploadNotFound):
            call()


def test_keys_are_ours(shelf: Shelf) -> None:
    shelf.upload(b"a\n1\n", "../secret name.csv")
    assert re.fullmatch(r"datasets/\d{4}/\d{2}/[0-9a-f-]{36}", shelf.objects()[0])
