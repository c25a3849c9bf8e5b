"""Buckets at start, and links that need no store: what the two backends do each in their own way."""

from __future__ import annotations

import io
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest

from storage import (
    BucketRole,
    LinkBaseUnknown,
    LocalFileStorage,
    MinioFileStorage,
    ObjectRef,
    StorageDenied,
    current_link_base,
)
from tests.contract.storage.conftest import MINUTE, fresh_ref, minio_settings, raw_client
from tests.real_parts import free_port
from tests.seaweed import READER_ACCESS_KEY, READER_SECRET_KEY, S3Server, SeaweedServer

s3 = pytest.mark.s3


def new_bucket() -> str:
    return f"datashelf-test-{uuid4().hex[:12]}"


@s3
def test_missing_buckets_are_made_and_existing_ones_kept(s3_server: S3Server) -> None:
    names = {"bucket_datasets": new_bucket(), "bucket_models": new_bucket(), "bucket_temp": new_bucket()}
    client = raw_client(s3_server)
    client.make_bucket(names["bucket_models"])
    client.put_object(names["bucket_models"], "kept", io.BytesIO(b"x"), 1)
    storage = MinioFileStorage.connect(minio_settings(s3_server, **names))

    storage.prepare()
    storage.prepare()

    assert all(client.bucket_exists(name) for name in names.values())
    assert client.stat_object(names["bucket_models"], "kept").size == 1
    for role in BucketRole:
        assert storage.upload_file(fresh_ref(role), io.BytesIO(b"x"), 1, "text/csv").bucket == names[f"bucket_{role}"]
        assert [found.bucket for found in storage.list_files(role, f"{role}/")] == [names[f"bucket_{role}"]]
    _remove(s3_server, *names.values())


@s3
def test_bucket_made_by_several_at_once_is_made(s3_server: S3Server) -> None:
    bucket = new_bucket()
    storages = [MinioFileStorage.connect(minio_settings(s3_server, bucket=bucket)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(MinioFileStorage.prepare, storages))
    assert storages[0].check_health().ok
    _remove(s3_server, bucket)


@s3
def test_bucket_that_may_not_be_made_is_denied_by_name(own_s3_server: SeaweedServer) -> None:
    reader = {"access_key": READER_ACCESS_KEY, "secret_key": READER_SECRET_KEY}
    storage = MinioFileStorage.connect(minio_settings(own_s3_server, bucket="not-there", **reader))
    with pytest.raises(StorageDenied, match=f"not-there.*may not make it.*{own_s3_server.endpoint}") as caught:
        storage.prepare()
    assert isinstance(caught.value, PermissionError)

    raw_client(own_s3_server).make_bucket("not-there")
    storage.prepare()
    with pytest.raises(StorageDenied):
        storage.upload_file(fresh_ref(), io.BytesIO(b"x"), 1, "text/csv")
    with pytest.raises(StorageDenied):
        storage.start_multipart(fresh_ref(), "text/csv", 5 * 1024**2)


@s3
@pytest.mark.parametrize("wrong", [{"access_key": "nobody"}, {"secret_key": "not the secret"}])
def test_wrong_credentials_are_denied_and_never_mean_absent(s3_server: S3Server, wrong: dict[str, str]) -> None:
    storage = MinioFileStorage.connect(minio_settings(s3_server, **wrong))
    with pytest.raises(StorageDenied):
        storage.prepare()
    with pytest.raises(StorageDenied):
        storage.file_exists(fresh_ref())
    assert storage.delete_file(fresh_ref()) is False
    health = storage.check_health()
    assert not health.ok
    assert s3_server.endpoint in health.detail


@s3
def test_bucket_is_private(s3_store: MinioFileStorage, s3_server: S3Server, http: httpx.Client) -> None:
    ref = fresh_ref()
    stored = s3_store.upload_file(ref, io.BytesIO(b"secret"), 6, "text/csv")
    for address in (f"{stored.bucket}/{ref.key}", stored.bucket, f"{stored.bucket}?list-type=2"):
        assert http.get(f"{s3_server.url}/{address}").status_code == 403


def test_signing_needs_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = S3Server(f"127.0.0.1:{free_port()}", "key", "secret")
    storage = MinioFileStorage.connect(minio_settings(nowhere, public_endpoint="https://files.example.org"))

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("signing asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    ref = fresh_ref()
    for url in (
        storage.get_presigned_url(ref, MINUTE, "data.csv"),
        storage.get_presigned_upload_url(ref, MINUTE),
        storage.get_presigned_part_url(ref, "an-id", 7, MINUTE),
    ):
        parts = urlsplit(url)
        assert (parts.scheme, parts.netloc, parts.path) == ("https", "files.example.org", f"/mlops-files/{ref.key}")
        assert parse_qs(parts.query)["X-Amz-Expires"] == ["60"]
    assert storage.get_internal_url(ref, MINUTE).startswith(f"{nowhere.url}/mlops-files/")


@s3
def test_path_of_the_public_endpoint_comes_before_the_bucket(
    s3_server: S3Server, s3_store: MinioFileStorage, http: httpx.Client
) -> None:
    ref = fresh_ref()
    s3_store.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    bucket = s3_store.bucket_for(ref.role)
    behind = MinioFileStorage.connect(
        minio_settings(s3_server, bucket=bucket, public_endpoint=f"{s3_server.url}/store/files")
    )
    url = behind.get_presigned_url(ref, MINUTE, "data.csv")
    assert urlsplit(url).path == f"/store/files/{bucket}/{ref.key}"
    # What a proxy that strips its path and keeps the Host hands on, the store accepts.
    assert http.get(url.replace("/store/files", "", 1)).content == b"x"


def test_own_bucket_of_a_stored_file_is_signed_for() -> None:
    storage = MinioFileStorage.connect(minio_settings(S3Server("127.0.0.1:1", "key", "secret")))
    ref = ObjectRef(BucketRole.DATASETS, "datasets/x", "an-older-bucket")
    assert urlsplit(storage.get_presigned_url(ref, MINUTE, "x.csv")).path == "/an-older-bucket/datasets/x"


def test_local_folders_are_made_and_what_stands_in_their_way_is_named(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path / "a" / "objects", b"k" * 32, current_link_base)
    assert not storage.check_health().ok
    storage.prepare()
    storage.prepare()
    health = storage.check_health()
    assert health.ok
    assert health.free_bytes
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageDenied, match=str(tmp_path / "file")):
        LocalFileStorage(tmp_path / "file" / "objects", b"k" * 32, current_link_base).prepare()


def test_local_links_begin_with_the_base_of_the_moment(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path, b"k" * 32, lambda: "https://shelf.example.org")
    url = storage.get_presigned_url(fresh_ref(), timedelta(hours=1), "data.csv")
    assert url.startswith("https://shelf.example.org/api/ml/v1/objects/datasets/datasets/2026/11/")


def test_local_link_without_any_base_is_an_error_of_ours(tmp_path: Path) -> None:
    storage = LocalFileStorage(tmp_path, b"k" * 32, current_link_base)
    with ThreadPoolExecutor(1) as pool, pytest.raises(LinkBaseUnknown):
        pool.submit(storage.get_presigned_url, fresh_ref(), MINUTE, "data.csv").result()


def _remove(server: S3Server, *buckets: str) -> None:
    client = raw_client(server)
    for bucket in buckets:
        for found in client.list_objects(bucket, recursive=True):
            client.remove_object(bucket, found.object_name or "")
        client.remove_bucket(bucket)
