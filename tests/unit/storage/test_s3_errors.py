"""Every answer of a store, a proxy or the network is one of our errors, and its class says what to do."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from storage import (
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    MinioFileStorage,
    ObjectRef,
    Part,
    PartRejected,
    PartTooLarge,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnavailable,
    UploadNotFound,
)
from tests.contract.storage.conftest import minio_settings
from tests.real_parts import free_port
from tests.seaweed import S3Server

REF = ObjectRef(BucketRole.DATASETS, "datasets/x")
XML = "application/xml"
HTML = "text/html"


class Answer(http.server.BaseHTTPRequestHandler):
    """Gives every request the same answer."""

    status: int
    content_type: str
    body: bytes
    protocol_version = "HTTP/1.1"
    requests = 0

    def _answer(self) -> None:
        type(self).requests += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(self.status)
        self.send_header("Content-Type", self.content_type)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  # names the base class calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass


@contextmanager
def answering(status: int, body: str, content_type: str = XML) -> Iterator[tuple[MinioFileStorage, type[Answer]]]:
    attributes = {"status": status, "body": body.encode(), "content_type": content_type}
    handler = type("Handler", (Answer,), attributes)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    at = S3Server(f"127.0.0.1:{server.server_port}", "key", "secret")
    storage = MinioFileStorage.connect(minio_settings(at, retry_attempts=2, retry_backoff=0))
    try:
        yield storage, handler
    finally:
        storage.close()
        server.shutdown()
        server.server_close()
        thread.join()


def coded(code: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>said the store</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "expected", "requests"),
    [
        (404, "NoSuchKey", FileNotInStorage, 1),
        (404, "NoSuchBucket", BucketMissing, 1),
        (404, "NoSuchUpload", UploadNotFound, 1),
        (403, "AccessDenied", StorageDenied, 1),
        (403, "InvalidAccessKeyId", StorageDenied, 1),
        (403, "SignatureDoesNotMatch", StorageDenied, 1),
        (403, "RequestTimeTooSkewed", StorageDenied, 1),
        (403, "SomethingNew", StorageDenied, 1),
        (400, "EntityTooLarge", PartTooLarge, 1),
        (400, "InvalidPart", PartRejected, 1),
        (507, "XMinioStorageFull", StorageFull, 1),
        (507, "SomethingNew", StorageFull, 1),
        (400, "QuotaExceeded", StorageFull, 1),
        (503, "SlowDown", StorageUnavailable, 2),
        (500, "InternalError", StorageUnavailable, 2),
        (400, "RequestTimeout", StorageUnavailable, 2),
        (429, "TooManyRequests", StorageUnavailable, 2),
        (409, "OperationAborted", StorageUnavailable, 2),
        (418, "IAmATeapot", StorageError, 1),
    ],
)
def test_code_of_the_store_is_our_error(status: int, code: str, expected: type, requests: int) -> None:
    with answering(status, coded(code)) as (storage, handler):
        with pytest.raises(StorageError) as caught:
            storage.list_parts(REF, "an-id")
        assert type(caught.value) is expected
        assert handler.requests == requests


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (502, StorageUnavailable),
        (504, StorageUnavailable),
        (403, StorageDenied),
        (413, PartTooLarge),
        (404, StorageError),
    ],
)
def test_page_of_a_proxy_is_our_error(status: int, expected: type) -> None:
    with (
        answering(status, "<html>nginx</html>", HTML) as (storage, _),
        pytest.raises(StorageError) as caught,
    ):
        storage.list_parts(REF, "an-id")
    assert type(caught.value) is expected
    assert "<html>" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "<Error><Code>", "not xml", "<html></html>"])
def test_answer_that_is_no_s3_is_our_error(body: str) -> None:
    with answering(200, body) as (storage, _), pytest.raises(StorageError):
        storage.start_multipart(REF, "text/csv", 5 * 1024**2)
    with answering(500, body) as (storage, _), pytest.raises(StorageUnavailable):
        storage.list_parts(REF, "an-id")


def test_bodiless_answer_to_a_look_up_is_our_error() -> None:
    with answering(503, "") as (storage, _), pytest.raises(StorageUnavailable):
        storage.file_exists(REF)
    with answering(403, "") as (storage, _), pytest.raises(StorageDenied):
        storage.file_exists(REF)
    with answering(404, "") as (storage, _), pytest.raises(BucketMissing):
        storage.file_exists(REF)


def test_error_inside_a_good_answer_to_complete_is_an_error() -> None:
    with answering(200, coded("InternalError")) as (storage, handler):
        with pytest.raises(StorageUnavailable):
            storage.complete_multipart(REF, "an-id", [Part(1, "0" * 32)])
        assert handler.requests == 2


def test_name_that_does_not_resolve_is_unavailable() -> None:
    at = S3Server("no-such-host.invalid:9000", "key", "secret")
    storage = MinioFileStorage.connect(minio_settings(at, retry_attempts=1))
    with pytest.raises(StorageUnavailable):
        storage.stat_file(REF)
    health = storage.check_health()
    assert (health.ok, health.latency) == (False, None)
    assert "no-such-host.invalid:9000" in health.detail


def test_tls_to_a_server_without_it_is_unavailable() -> None:
    with answering(200, "") as (storage, _):
        endpoint = storage.settings.endpoint
        secure = MinioFileStorage.connect(minio_settings(S3Server(endpoint, "k", "secret", secure=True)))
        with pytest.raises(StorageUnavailable):
            secure.stat_file(REF)


def test_nothing_of_the_secret_is_shown() -> None:
    storage = MinioFileStorage.connect(minio_settings(S3Server(f"127.0.0.1:{free_port()}", "key", "hunter2hunter2")))
    assert "hunter2" not in repr(storage)
