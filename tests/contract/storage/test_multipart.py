"""Multipart uploads through signed part links: the way every dataset comes in."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from storage import (
    MIN_PART_SIZE,
    BucketRole,
    FileNotInStorage,
    FileStorage,
    ObjectRef,
    Part,
    PartRejected,
    UploadNotFound,
)
from tests.contract.storage.conftest import MINUTE, fresh_ref

FIRST = b"a" * MIN_PART_SIZE
SECOND = b"b" * MIN_PART_SIZE
LAST = b"the end"


class Upload:
    """One upload as a client sees it: signed links, and the ETags that came back."""

    def __init__(self, store: FileStorage, http: httpx.Client, ref: ObjectRef | None = None) -> None:
        self.store = store
        self.http = http
        self.ref = ref or fresh_ref()
        self.upload_id = store.start_multipart(self.ref, "text/csv", MIN_PART_SIZE)

    def url(self, number: int) -> str:
        return self.store.get_presigned_part_url(self.ref, self.upload_id, number, MINUTE)

    def put(self, number: int, data: bytes) -> Part:
        answer = self.http.put(self.url(number), content=data)
        assert answer.status_code == 200, answer.text
        return Part(number, answer.headers["etag"])

    def received(self) -> list[tuple[int, int | None]]:
        return [(part.number, part.size) for part in self.store.list_parts(self.ref, self.upload_id)]

    def content(self) -> bytes:
        with self.store.get_file(self.ref) as file:
            return file.read()


@pytest.fixture
def upload(store: FileStorage, http: httpx.Client) -> Upload:
    return Upload(store, http)


def test_parts_become_the_object(store: FileStorage, upload: Upload) -> None:
    parts = [upload.put(1, FIRST), upload.put(2, SECOND), upload.put(3, LAST)]
    assert upload.received() == [(1, len(FIRST)), (2, len(SECOND)), (3, len(LAST))]
    assert not store.file_exists(upload.ref)

    done = store.complete_multipart(upload.ref, upload.upload_id, parts)

    assert (done.ref, done.size, done.content_type) == (upload.ref, len(FIRST + SECOND + LAST), "text/csv")
    assert done == store.stat_file(upload.ref)
    assert upload.content() == FIRST + SECOND + LAST
    assert list(store.list_multipart(upload.ref.role, upload.ref.key)) == []


def test_part_answers_a_quoted_etag_that_the_store_lists(upload: Upload) -> None:
    part = upload.put(1, LAST)
    assert part.etag == f'"{hashlib.md5(LAST).hexdigest()}"'
    assert [listed.etag for listed in upload.store.list_parts(upload.ref, upload.upload_id)] == [part.etag.strip('"')]


def test_parts_may_come_and_be_named_in_any_order(store: FileStorage, upload: Upload) -> None:
    third, first, second = upload.put(3, LAST), upload.put(1, FIRST), upload.put(2, SECOND)
    store.complete_multipart(upload.ref, upload.upload_id, [second, third, first])
    assert upload.content() == FIRST + SECOND + LAST


def test_part_sent_again_with_the_same_bytes_is_one_part(store: FileStorage, upload: Upload) -> None:
    assert upload.put(1, LAST) == upload.put(1, LAST)
    assert upload.received() == [(1, len(LAST))]


@pytest.mark.parametrize("earlier", [b"something longer than the end", b"short"])
def test_newest_sending_of_a_part_makes_the_object(store: FileStorage, upload: Upload, earlier: bytes) -> None:
    upload.put(2, earlier)
    parts = [upload.put(1, FIRST), upload.put(2, LAST)]
    assert (2, len(LAST)) in upload.received()
    store.complete_multipart(upload.ref, upload.upload_id, parts)
    assert upload.content() == FIRST + LAST


def test_empty_file_is_one_empty_part(store: FileStorage, upload: Upload) -> None:
    part = upload.put(1, b"")
    assert upload.received() == [(1, 0)]
    assert store.complete_multipart(upload.ref, upload.upload_id, [part]).size == 0
    assert upload.content() == b""


def test_etag_may_be_quoted_or_bare_and_a_size_is_checked(store: FileStorage, upload: Upload) -> None:
    part = upload.put(1, LAST)
    bare = part.etag.strip('"')
    with pytest.raises(PartRejected):
        store.complete_multipart(upload.ref, upload.upload_id, [Part(1, bare, len(LAST) + 1)])
    store.complete_multipart(upload.ref, upload.upload_id, [Part(1, bare, len(LAST))])
    assert upload.content() == LAST


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(lambda first, last: [], id="none"),
        pytest.param(lambda first, last: [last], id="the first left out"),
        pytest.param(lambda first, last: [first, Part(3, last.etag)], id="a gap"),
        pytest.param(lambda first, last: [first, last, last], id="one twice"),
        pytest.param(lambda first, last: [first, last, Part(3, last.etag)], id="one never sent"),
        pytest.param(lambda first, last: [first, Part(2, first.etag)], id="a wrong etag"),
        pytest.param(lambda first, last: [first, Part(2, "0" * 32)], id="an etag of nothing"),
    ],
)
def test_wrong_parts_are_refused_and_the_upload_stays_open(store: FileStorage, upload: Upload, named) -> None:  # type: ignore[no-untyped-def]
    first, last = upload.put(1, FIRST), upload.put(2, LAST)
    with pytest.raises(PartRejected):
        store.complete_multipart(upload.ref, upload.upload_id, named(first, last))
    assert not store.file_exists(upload.ref)
    assert upload.received() == [(1, len(FIRST)), (2, len(LAST))]
    assert store.complete_multipart(upload.ref, upload.upload_id, [first, last]).size == len(FIRST + LAST)


def test_short_part_that_is_not_the_last_is_refused(store: FileStorage, upload: Upload) -> None:
    short, last = upload.put(1, b"short"), upload.put(2, LAST)
    with pytest.raises(PartRejected):
        store.complete_multipart(upload.ref, upload.upload_id, [short, last])
    assert store.complete_multipart(upload.ref, upload.upload_id, [upload.put(1, FIRST), last]).size == len(
        FIRST + LAST
    )


def test_completing_twice_gives_the_same_object(store: FileStorage, upload: Upload) -> None:
    parts = [upload.put(1, FIRST), upload.put(2, LAST)]
    done = store.complete_multipart(upload.ref, upload.upload_id, parts)
    assert store.complete_multipart(upload.ref, upload.upload_id, parts) == done
    assert store.complete_multipart(upload.ref, upload.upload_id, parts[:1]) == done
    assert upload.content() == FIRST + LAST


def test_no_link_changes_the_object_after_completion(store: FileStorage, http: httpx.Client, upload: Upload) -> None:
    url = upload.url(1)
    done = store.complete_multipart(upload.ref, upload.upload_id, [upload.put(1, LAST)])
    assert http.put(url, content=b"evil").status_code == 404
    assert store.stat_file(upload.ref) == done
    store.abort_multipart(upload.ref, upload.upload_id)
    assert upload.content() == LAST


def test_aborted_upload_leaves_nothing(store: FileStorage, http: httpx.Client, upload: Upload) -> None:
    part = upload.put(1, LAST)
    url = upload.url(2)
    store.abort_multipart(upload.ref, upload.upload_id)
    store.abort_multipart(upload.ref, upload.upload_id)
    assert http.put(url, content=b"late").status_code == 404
    with pytest.raises(UploadNotFound):
        store.list_parts(upload.ref, upload.upload_id)
    with pytest.raises(UploadNotFound) as caught:
        store.complete_multipart(upload.ref, upload.upload_id, [part])
    assert isinstance(caught.value, FileNotInStorage)
    assert not store.file_exists(upload.ref)
    assert list(store.list_multipart(upload.ref.role, upload.ref.key)) == []


@pytest.mark.parametrize("upload_id", ["0" * 32, "../../../etc", "", "never begun"])
def test_unknown_upload_is_not_found(store: FileStorage, ref: ObjectRef, upload_id: str) -> None:
    with pytest.raises(UploadNotFound):
        store.list_parts(ref, upload_id)
    with pytest.raises(UploadNotFound):
        store.complete_multipart(ref, upload_id, [Part(1, "0" * 32)])
    store.abort_multipart(ref, upload_id)


def test_upload_belongs_to_its_object(store: FileStorage, http: httpx.Client, upload: Upload, ref: ObjectRef) -> None:
    upload.put(1, LAST)
    with pytest.raises(UploadNotFound):
        store.list_parts(ref, upload.upload_id)
    assert http.put(store.get_presigned_part_url(ref, upload.upload_id, 1, MINUTE), content=b"x").status_code == 404


def test_completing_replaces_what_was_there_only_at_the_end(
    store: FileStorage, http: httpx.Client, ref: ObjectRef
) -> None:
    store.upload_file(ref, io.BytesIO(b"before"), 6, "text/csv")
    upload = Upload(store, http, ref)
    part = upload.put(1, LAST)
    assert upload.content() == b"before"
    store.complete_multipart(ref, upload.upload_id, [part])
    assert upload.content() == LAST


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_number_out_of_range_is_not_signed(store: FileStorage, ref: ObjectRef, number: int) -> None:
    with pytest.raises(ValueError, match="10000"):
        store.get_presigned_part_url(ref, "id", number, MINUTE)


def test_uploads_under_way_are_listed(store: FileStorage, http: httpx.Client) -> None:
    role = BucketRole.MODELS
    one, two = (Upload(store, http, fresh_ref(role)) for _ in range(2))
    elsewhere = Upload(store, http, fresh_ref(BucketRole.TEMP))
    found = {upload.upload_id: upload for upload in store.list_multipart(role)}
    assert {one.upload_id, two.upload_id} <= found.keys()
    assert elsewhere.upload_id not in found
    assert found[one.upload_id].ref == ObjectRef(role, one.ref.key, store.bucket_for(role))
    assert found[one.upload_id].started_at is not None
    assert [upload.upload_id for upload in store.list_multipart(role, two.ref.key)] == [two.upload_id]
    for upload in (one, two, elsewhere):
        store.abort_multipart(upload.ref, upload.upload_id)


def test_every_page_of_uploads_under_way_is_listed(store: FileStorage) -> None:
    prefix = f"temp/{uuid4()}/"
    refs = [ObjectRef(BucketRole.TEMP, f"{prefix}{number:04}") for number in range(1005)]
    with ThreadPoolExecutor(4) as pool:
        begun = set(pool.map(lambda each: store.start_multipart(each, "text/csv", MIN_PART_SIZE), refs))
    listed = list(store.list_multipart(BucketRole.TEMP, prefix))
    assert len(listed) == len(begun)
    assert {upload.upload_id for upload in listed} == begun
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda upload: store.abort_multipart(upload.ref, upload.upload_id), listed))
