"""The store itself is killed (SIGKILL) and comes back: nothing is lost or made up, and the app finds back to it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from settings import Settings
from storage import (
    MIN_PART_SIZE,
    Backend,
    FileNotInStorage,
    MinioFileStorage,
    Part,
    Storages,
    StorageUnavailable,
    current_link_base,
    open_storage,
)
from tests.contract.storage.conftest import MINUTE, fresh_ref, minio_settings
from tests.seaweed import SeaweedServer

pytestmark = [pytest.mark.s3, pytest.mark.long]


def opened(server: SeaweedServer, folder: Path, *, backend: str = "minio", fallback: str = "local") -> Storages:
    settings = Settings(
        _env_file=None,
        storage_backend=backend,
        storage_fallback=fallback,
        data_dir=folder / "data",
        minio=minio_settings(server, retry_attempts=2),
    )
    return open_storage(settings, secret=b"k" * 32, link_base=current_link_base)


def test_operation_waits_out_a_short_outage(own_s3_server: SeaweedServer) -> None:
    storage = MinioFileStorage.connect(minio_settings(own_s3_server, retry_attempts=10, retry_backoff=0.2))
    storage.prepare()
    ref = fresh_ref()
    own_s3_server.stop()
    with ThreadPoolExecutor(1) as pool:
        uploading = pool.submit(storage.upload_file, ref, io.BytesIO(b"patience"), 8, "text/csv")
        own_s3_server.start()
        assert uploading.result() == storage.stat_file(ref)


def test_unreachable_store_is_an_error_and_never_absent(own_s3_server: SeaweedServer) -> None:
    storage = MinioFileStorage.connect(minio_settings(own_s3_server))
    storage.prepare()
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    own_s3_server.stop()

    with pytest.raises(StorageUnavailable):
        storage.file_exists(ref)
    with pytest.raises(StorageUnavailable) as caught:
        storage.stat_file(ref)
    assert not isinstance(caught.value, FileNotInStorage)
    with pytest.raises(StorageUnavailable):
        storage.upload_file(ref, io.BytesIO(b"y"), 1, "text/csv")
    with pytest.raises(StorageUnavailable):
        list(storage.list_files(ref.role))
    assert storage.delete_file(ref) is False
    assert not storage.check_health().ok
    assert storage.get_presigned_url(ref, MINUTE, "x.csv")

    own_s3_server.start()
    assert storage.file_exists(ref)
    assert storage.check_health().ok


def test_upload_goes_on_after_the_store_was_killed(own_s3_server: SeaweedServer, http: httpx.Client) -> None:
    storage = MinioFileStorage.connect(minio_settings(own_s3_server))
    storage.prepare()
    ref = fresh_ref()
    upload_id = storage.start_multipart(ref, "text/csv", MIN_PART_SIZE)

    def put(number: int, data: bytes) -> Part:
        answer = http.put(storage.get_presigned_part_url(ref, upload_id, number, MINUTE), content=data)
        return Part(number, answer.headers["etag"])

    first = put(1, b"a" * MIN_PART_SIZE)
    own_s3_server.stop()
    with pytest.raises(httpx.TransportError):
        put(2, b"lost")
    own_s3_server.start()

    assert [part.number for part in storage.list_parts(ref, upload_id)] == [1]
    done = storage.complete_multipart(ref, upload_id, [first, put(2, b"the end")])
    assert done.size == MIN_PART_SIZE + len(b"the end")


def test_start_without_the_store_falls_back_and_returns_without_a_restart(
    own_s3_server: SeaweedServer, tmp_path: Path
) -> None:
    own_s3_server.stop()
    storages = opened(own_s3_server, tmp_path)
    fallen = storages.state
    assert (fallen.configured, fallen.active, fallen.reachable) == (Backend.MINIO, Backend.LOCAL, False)
    assert fallen.degraded
    assert own_s3_server.endpoint in fallen.reason
    assert storages.primary is storages.local
    meanwhile = fresh_ref()
    storages.primary.upload_file(meanwhile, io.BytesIO(b"kept here"), 9, "text/csv")
    still = storages.check()
    assert (still.degraded, still.since) == (True, fallen.since)

    own_s3_server.start()
    back = storages.check()

    assert (back.active, back.reachable, back.degraded, back.reason) == (Backend.MINIO, True, False, "")
    assert storages.primary.backend is Backend.MINIO
    ref = fresh_ref()
    storages.primary.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    assert storages.of(Backend.MINIO).file_exists(ref)
    with storages.of(Backend.LOCAL).get_file(meanwhile) as file:
        assert file.read() == b"kept here"
    storages.close()


def test_fallback_fail_refuses_to_start_and_names_the_store(own_s3_server: SeaweedServer, tmp_path: Path) -> None:
    own_s3_server.stop()
    with pytest.raises(StorageUnavailable, match=own_s3_server.endpoint):
        opened(own_s3_server, tmp_path, fallback="fail")
    own_s3_server.start()
    assert not opened(own_s3_server, tmp_path, fallback="fail").state.degraded


def test_outage_later_on_changes_no_backend(own_s3_server: SeaweedServer, tmp_path: Path) -> None:
    storages = opened(own_s3_server, tmp_path)
    assert not storages.state.degraded
    own_s3_server.stop()
    away = storages.check()
    assert (away.active, away.reachable, away.degraded) == (Backend.MINIO, False, True)
    assert own_s3_server.endpoint in away.reason
    with pytest.raises(StorageUnavailable):
        storages.primary.upload_file(fresh_ref(), io.BytesIO(b"x"), 1, "text/csv")
    own_s3_server.start()
    assert not storages.check().degraded


def test_files_of_both_backends_are_reached_whatever_is_configured(
    own_s3_server: SeaweedServer, tmp_path: Path
) -> None:
    before, ref = opened(own_s3_server, tmp_path), fresh_ref()
    bucket = before.primary.upload_file(ref, io.BytesIO(b"in the store"), 12, "text/csv").bucket
    before.close()

    after = opened(own_s3_server, tmp_path, backend="local")

    assert (after.state.active, after.primary.backend, after.state.degraded) == (Backend.LOCAL, Backend.LOCAL, False)
    with after.of(Backend.MINIO).get_file(ref) as file:
        assert file.read() == b"in the store"
    assert after.of(Backend.MINIO) is after.of(Backend.MINIO)
    assert after.of(Backend.MINIO).stat_file(ref).bucket == bucket
    assert not after.check().degraded
