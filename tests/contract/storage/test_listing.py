"""Listing what is stored: every page, in order, and each role its own."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from storage import BucketRole, FileStorage, ObjectRef

MANY = 1105
"""More than one page of an S3 listing (1,000 keys)."""


def put(store: FileStorage, role: BucketRole, key: str) -> None:
    store.upload_file(ObjectRef(role, key), io.BytesIO(key.encode()), None, "text/csv")


def keys(store: FileStorage, role: BucketRole, prefix: str) -> list[str]:
    return [found.ref.key for found in store.list_files(role, prefix)]


def test_every_page_is_listed_in_order(store: FileStorage) -> None:
    prefix = f"temp/{uuid4()}/"
    expected = sorted(f"{prefix}{number % 7:02}/{number:05}" for number in range(MANY))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: put(store, BucketRole.TEMP, key), expected))
    assert keys(store, BucketRole.TEMP, prefix) == expected
    assert keys(store, BucketRole.TEMP, f"{prefix}03/") == [key for key in expected if key.startswith(f"{prefix}03/")]


def test_listed_object_is_as_stat_says(store: FileStorage) -> None:
    prefix = f"datasets/{uuid4()}"
    put(store, BucketRole.DATASETS, f"{prefix}/one")
    (listed,) = store.list_files(BucketRole.DATASETS, prefix)
    stated = store.stat_file(listed.ref)
    assert listed.ref == ObjectRef(BucketRole.DATASETS, f"{prefix}/one", store.bucket_for(BucketRole.DATASETS))
    assert (listed.bucket, listed.size, listed.etag) == (stated.bucket, stated.size, stated.etag)
    assert listed.modified_at is not None


def test_prefix_is_of_the_key_and_not_a_folder(store: FileStorage) -> None:
    start = f"datasets/{uuid4()}"
    for key in (f"{start}/2026/11/a", f"{start}/2026/12/b", f"{start}/2027/01/c"):
        put(store, BucketRole.DATASETS, key)
    assert keys(store, BucketRole.DATASETS, f"{start}/2026/1") == [f"{start}/2026/11/a", f"{start}/2026/12/b"]
    assert keys(store, BucketRole.DATASETS, f"{start}/2026/11/a") == [f"{start}/2026/11/a"]
    assert keys(store, BucketRole.DATASETS, f"{start}/2028") == []


@pytest.mark.parametrize("role", list(BucketRole))
def test_role_lists_only_its_own(store: FileStorage, role: BucketRole) -> None:
    mark = uuid4()
    for each in BucketRole:
        put(store, each, f"{each}/{mark}/x")
    assert keys(store, role, f"{role}/{mark}/") == [f"{role}/{mark}/x"]
    listed = [key for key in keys(store, role, "") if str(mark) in key]
    assert listed == [f"{role}/{mark}/x"]


def test_unfinished_uploads_and_deleted_objects_are_not_listed(store: FileStorage) -> None:
    prefix = f"datasets/{uuid4()}/"
    put(store, BucketRole.DATASETS, f"{prefix}gone")
    assert store.delete_file(ObjectRef(BucketRole.DATASETS, f"{prefix}gone"))
    ref = ObjectRef(BucketRole.DATASETS, f"{prefix}unfinished")
    upload_id = store.start_multipart(ref, "text/csv", 5 * 1024**2)
    assert keys(store, BucketRole.DATASETS, prefix) == []
    store.abort_multipart(ref, upload_id)
