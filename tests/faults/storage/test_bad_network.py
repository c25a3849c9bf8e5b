"""A network that fails between us and a real store: what is repeated, what is not, and what a caller is told."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from storage import MIN_PART_SIZE, MinioFileStorage, ObjectRef, Part, StorageUnavailable
from storage.object_stream import BLOCK_BYTES
from tests.contract.storage.conftest import MINUTE, fresh_ref, minio_settings
from tests.contract.storage.test_objects import Pipe
from tests.faults.storage.relay import Fault, Relay, relaying
from tests.seaweed import S3Server

pytestmark = pytest.mark.s3
ATTEMPTS = 3
BIG = os.urandom(17 * 1024**2)


@pytest.fixture
def relay(s3_server: S3Server) -> Iterator[Relay]:
    with relaying(s3_server.endpoint) as running:
        yield running


@pytest.fixture
def storage(relay: Relay, s3_server: S3Server, s3_bucket: str) -> Iterator[MinioFileStorage]:
    """Reaches the store through the relay; signs for the store itself."""
    made = MinioFileStorage.connect(
        minio_settings(s3_server, endpoint=relay.endpoint, bucket=s3_bucket, retry_attempts=ATTEMPTS)
    )
    made.prepare()
    made.close()
    yield made
    made.close()


@pytest.fixture
def stored(storage: MinioFileStorage) -> ObjectRef:
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(b"0123456789"), 10, "text/csv")
    storage.close()
    return ref


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SWALLOW])
def test_reading_is_repeated_until_it_succeeds(
    relay: Relay, storage: MinioFileStorage, stored: ObjectRef, fault: Fault
) -> None:
    relay.fail_next(fault, ATTEMPTS - 1)
    with capture_logs() as logs:
        assert storage.stat_file(stored).size == 10
    assert relay.connections == ATTEMPTS
    assert [line["attempt"] for line in logs if line["event"] == "storage operation is tried again"] == [1, 2]


def test_retries_end_after_the_attempts_that_were_set(
    relay: Relay, storage: MinioFileStorage, stored: ObjectRef
) -> None:
    relay.fail_next(Fault.DROP, 20)
    with pytest.raises(StorageUnavailable) as caught:
        storage.stat_file(stored)
    assert isinstance(caught.value, ConnectionError)
    assert (caught.value.operation, caught.value.ref) == ("stat_file", stored)
    assert relay.connections == ATTEMPTS


def test_a_refused_request_is_not_repeated(relay: Relay, storage: MinioFileStorage) -> None:
    relay.connections = 0
    with capture_logs() as logs:
        assert not storage.file_exists(fresh_ref())
    assert not [line for line in logs if line["event"] == "storage operation is tried again"]


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SWALLOW])
def test_beginning_an_upload_is_not_repeated_once_it_was_sent(
    relay: Relay, storage: MinioFileStorage, fault: Fault
) -> None:
    ref = fresh_ref()
    relay.fail_next(fault)
    with pytest.raises(StorageUnavailable):
        storage.start_multipart(ref, "text/csv", MIN_PART_SIZE)
    assert relay.connections == 1
    begun = list(storage.list_multipart(ref.role, ref.key))
    assert len(begun) == (1 if fault is Fault.SWALLOW else 0)


class FailingLine(Pipe):
    """A stream that can be read once, and with whose `at`th byte the line fails twice."""

    def __init__(self, data: bytes, storage: MinioFileStorage, relay: Relay, *, fault: Fault, at: int) -> None:
        super().__init__(data)
        self._left = at
        self._storage, self._relay, self._fault = storage, relay, fault

    def read(self, size: int = -1, /) -> bytes:
        taken = super().read(size)
        if 0 < self._left <= len(taken):
            self._storage.close()
            self._relay.fail_next(self._fault, ATTEMPTS - 1)
        self._left -= len(taken)
        return taken


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SWALLOW])
@pytest.mark.parametrize("size", [9, len(BIG)], ids=["small", "several pieces"])
def test_stream_that_can_be_read_once_arrives_whole_over_a_bad_line(
    relay: Relay, storage: MinioFileStorage, fault: Fault, size: int
) -> None:
    ref, data = fresh_ref(), BIG[:size]
    stream = FailingLine(data, storage, relay, fault=fault, at=size * 3 // 4)
    storage.upload_file(ref, stream, size, "text/csv")  # type: ignore[arg-type]  # read() is all that is needed
    assert relay.connections >= ATTEMPTS
    with storage.get_file(ref) as file:
        assert file.read() == data


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SWALLOW])
def test_completion_whose_answer_is_lost_is_completed(
    relay: Relay, storage: MinioFileStorage, http: httpx.Client, fault: Fault
) -> None:
    ref = fresh_ref()
    upload_id = storage.start_multipart(ref, "text/csv", MIN_PART_SIZE)
    part = http.put(storage.get_presigned_part_url(ref, upload_id, 1, MINUTE), content=b"the file")
    storage.close()
    relay.fail_next(fault, ATTEMPTS - 1)
    done = storage.complete_multipart(ref, upload_id, [Part(1, part.headers["etag"])])
    assert done.size == len(b"the file")
    assert list(storage.list_multipart(ref.role, ref.key)) == []


def test_deleting_whose_answer_is_lost_is_deleted(relay: Relay, storage: MinioFileStorage, stored: ObjectRef) -> None:
    relay.fail_next(Fault.SWALLOW)
    assert storage.delete_file(stored) is True
    assert not storage.file_exists(stored)


def test_download_that_breaks_off_is_an_error_and_not_a_short_file(relay: Relay, storage: MinioFileStorage) -> None:
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(BIG), len(BIG), "text/csv")
    storage.close()
    relay.cut_after = len(BIG) // 2
    before = _open_files()
    for _ in range(5):
        relay.fail_next(Fault.CUT)
        with pytest.raises(StorageUnavailable), storage.get_file(ref) as file:
            file.read()
    assert _open_files() <= before
    with storage.get_file(ref) as file:
        assert file.read() == BIG


def test_range_that_breaks_off_is_read_again(relay: Relay, storage: MinioFileStorage) -> None:
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(BIG), len(BIG), "text/csv")
    with storage.open_file(ref) as file:
        storage.close()
        relay.cut_after = BLOCK_BYTES // 2
        relay.fail_next(Fault.CUT, ATTEMPTS - 1)
        assert file.read(1000) == BIG[:1000]
        assert relay.connections == ATTEMPTS


def test_object_replaced_while_it_is_read_is_an_error_and_not_a_mixture(storage: MinioFileStorage) -> None:
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(BIG), len(BIG), "text/csv")
    with storage.open_file(ref) as file:
        file.read(10)
        storage.upload_file(ref, io.BytesIO(BIG[::-1]), len(BIG), "text/csv")
        file.seek(5 * 1024**2)
        with pytest.raises(FileNotFoundError, match="replaced"):
            file.read(10)


def test_store_that_never_answers_is_unhealthy(relay: Relay, storage: MinioFileStorage) -> None:
    relay.fail_next(Fault.HANG, 5)
    health = storage.check_health()
    assert not health.ok
    assert relay.endpoint in health.detail
    assert relay.connections == 1


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
