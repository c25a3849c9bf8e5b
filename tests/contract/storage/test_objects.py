"""Storing, reading, looking up and deleting whole objects, the same on every backend."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from storage import BucketMissing, BucketRole, FileNotInStorage, FileStorage, InvalidKey, ObjectRef, WrongLength
from tests.contract.storage.conftest import fresh_ref

MB = 1024**2
BIG = bytes(range(256)) * 4096 * 17  # 17 MiB: more than one piece of any backend


class Pipe(io.RawIOBase):
    """A stream that cannot be read twice and gives less than it is asked for, as a socket does."""

    def __init__(self, data: bytes) -> None:
        self._rest = memoryview(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        size = min(size if size >= 0 else len(self._rest), 300_000)
        taken, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return taken


class BrokenPipe(Pipe):
    """Gives its bytes and then fails, as a sender that went away."""

    def read(self, size: int = -1, /) -> bytes:
        taken = super().read(size)
        if not taken:
            raise TimeoutError("the sender went away")
        return taken


def pipe(data: bytes) -> BinaryIO:
    return Pipe(data)  # type: ignore[return-value]  # read() is all that a stream needs here


def content(store: FileStorage, ref: ObjectRef) -> bytes:
    with store.get_file(ref) as file:
        return file.read()


def test_stored_bytes_come_back_with_what_is_known_of_them(store: FileStorage, ref: ObjectRef) -> None:
    stored = store.upload_file(ref, io.BytesIO(b"a,b\n1,2\n"), 8, "text/csv")
    assert (stored.ref, stored.size, stored.content_type) == (ref, 8, "text/csv")
    assert stored.bucket == store.bucket_for(ref.role)
    assert stored.etag
    assert '"' not in stored.etag
    assert stored.modified_at is not None
    assert stored.modified_at.tzinfo is not None
    assert content(store, ref) == b"a,b\n1,2\n"
    assert store.stat_file(ref) == stored


@pytest.mark.parametrize("size", [len(BIG), None], ids=["announced", "unknown size"])
def test_stream_that_can_be_read_only_once_is_stored_whole(
    store: FileStorage, ref: ObjectRef, size: int | None
) -> None:
    assert store.upload_file(ref, pipe(BIG), size, "text/csv").size == len(BIG)
    assert content(store, ref) == BIG


@pytest.mark.parametrize("size", [0, None], ids=["announced", "unknown size"])
def test_empty_stream_is_an_empty_object(store: FileStorage, ref: ObjectRef, size: int | None) -> None:
    assert store.upload_file(ref, io.BytesIO(), size, "text/csv").size == 0
    assert content(store, ref) == b""
    with store.open_file(ref) as file:
        assert file.read() == b""


@pytest.mark.parametrize("length", [5, len(BIG)], ids=["small", "several pieces"])
@pytest.mark.parametrize("surplus", [1, -1], ids=["shorter than announced", "longer than announced"])
def test_stream_of_another_length_than_announced_stores_nothing(
    store: FileStorage, ref: ObjectRef, length: int, surplus: int
) -> None:
    with pytest.raises(WrongLength) as caught:
        store.upload_file(ref, pipe(BIG[:length]), length + surplus, "text/csv")
    assert isinstance(caught.value, ValueError)
    assert not store.file_exists(ref)
    assert list(store.list_multipart(ref.role, ref.key)) == []


def test_stream_that_breaks_stores_nothing_and_keeps_what_was_there(store: FileStorage, ref: ObjectRef) -> None:
    store.upload_file(ref, io.BytesIO(b"old"), 3, "text/csv")
    with pytest.raises(TimeoutError, match="the sender went away"):
        store.upload_file(ref, BrokenPipe(BIG), len(BIG) + 1, "text/csv")  # type: ignore[arg-type]  # as pipe()
    assert content(store, ref) == b"old"
    assert list(store.list_multipart(ref.role, ref.key)) == []


def test_second_upload_replaces_the_whole_object(store: FileStorage, ref: ObjectRef) -> None:
    first = store.upload_file(ref, io.BytesIO(b"a longer first text"), 19, "text/csv")
    second = store.upload_file(ref, io.BytesIO(b"short"), 5, "application/json")
    assert content(store, ref) == b"short"
    assert second.etag != first.etag
    assert store.stat_file(ref).content_type == "application/json"


def test_open_file_reads_any_range(store: FileStorage, ref: ObjectRef) -> None:
    store.upload_file(ref, io.BytesIO(BIG), len(BIG), "text/csv")
    with store.open_file(ref) as file:
        assert file.seekable()
        assert file.seek(-7, os.SEEK_END) == len(BIG) - 7
        assert file.read() == BIG[-7:]
        assert file.read(1) == b""
        file.seek(3 * MB + 5)
        assert file.read(10) == BIG[3 * MB + 5 : 3 * MB + 15]
        file.seek(10, os.SEEK_CUR)
        assert file.tell() == 3 * MB + 25
        assert file.read(2 * MB) == BIG[3 * MB + 25 : 5 * MB + 25]
        file.seek(0)
        assert file.read() == BIG
        file.seek(len(BIG) + 10)
        assert file.read(5) == b""


def test_absent_object_is_not_found_by_every_way_of_reading(store: FileStorage, ref: ObjectRef) -> None:
    with pytest.raises(FileNotInStorage) as caught:
        store.stat_file(ref)
    assert isinstance(caught.value, FileNotFoundError)
    assert (caught.value.ref, caught.value.operation) == (ref, "stat_file")
    with pytest.raises(FileNotInStorage):
        store.open_file(ref)
    with pytest.raises(FileNotInStorage), store.get_file(ref):
        pytest.fail("there was nothing to open")


def test_exists_says_true_and_false(store: FileStorage, ref: ObjectRef) -> None:
    assert not store.file_exists(ref)
    store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    assert store.file_exists(ref)


def test_missing_bucket_is_an_error_and_not_false(store: FileStorage) -> None:
    nowhere = ObjectRef(BucketRole.DATASETS, "datasets/x", "datashelf-no-such-bucket")
    with pytest.raises(BucketMissing):
        store.file_exists(nowhere)
    with pytest.raises(BucketMissing):
        store.stat_file(nowhere)
    with pytest.raises(BucketMissing), store.get_file(nowhere):
        pytest.fail("there was nothing to open")


def test_deleted_object_is_gone_and_deleting_again_is_fine(store: FileStorage, ref: ObjectRef) -> None:
    store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    assert store.delete_file(ref) is True
    assert not store.file_exists(ref)
    assert store.delete_file(ref) is True


def test_failing_delete_says_false_and_raises_nothing(store: FileStorage) -> None:
    assert store.delete_file(ObjectRef(BucketRole.DATASETS, "datasets/x", "datashelf-no-such-bucket")) is False


def test_nothing_stays_open_where_a_reader_fails(store: FileStorage, ref: ObjectRef) -> None:
    store.upload_file(ref, io.BytesIO(BIG), len(BIG), "text/csv")

    def fail_in_mid_read() -> None:
        with pytest.raises(ZeroDivisionError), store.get_file(ref) as file:
            _ = file.read(10)[0] // 0

    fail_in_mid_read()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        fail_in_mid_read()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_stored_files_own_bucket_wins_over_the_roles(store: FileStorage, ref: ObjectRef) -> None:
    stored = store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    remembered = ObjectRef(BucketRole.MODELS, ref.key, stored.bucket)
    assert store.stat_file(remembered).bucket == stored.bucket


@pytest.mark.parametrize(
    "key",
    [
        *("../escaped", "datasets/../../escaped", "/etc/passwd", "datasets//x", "datasets/./x", "", "datasets/"),
        *("datasets/x\0y", "datasets\\..\\x", "datasets/new\nline", "datasets/" + "x" * 300, "y/" * 600 + "y"),
    ],
)
def test_key_that_would_leave_its_bucket_is_refused_everywhere(store: FileStorage, key: str) -> None:
    ref = ObjectRef(BucketRole.DATASETS, key)
    with pytest.raises(InvalidKey):
        store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    with pytest.raises(InvalidKey):
        store.stat_file(ref)
    with pytest.raises(InvalidKey):
        store.start_multipart(ref, "text/csv", 5 * MB)
    assert store.delete_file(ref) is False


def test_roles_have_buckets_and_health_is_good(store: FileStorage) -> None:
    store.prepare()
    health = store.check_health()
    assert health.ok
    assert health.latency is not None
    for role in BucketRole:
        ref = fresh_ref(role)
        assert store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv").bucket == store.bucket_for(role)
