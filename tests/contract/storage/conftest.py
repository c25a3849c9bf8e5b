"""The stores under contract: local disk behind a server for its links, and the real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from minio import Minio
from minio.deleteobjects import DeleteObject
from pydantic import SecretStr

from settings import Minio as MinioSettings
from storage import Backend, BucketRole, FileStorage, LocalFileStorage, MinioFileStorage, ObjectRef, current_link_base
from storage.link_base import link_base
from tests.contract.storage.link_server import serving
from tests.seaweed import S3Server

MINUTE = timedelta(minutes=1)


def minio_settings(server: S3Server, **changes: object) -> MinioSettings:
    """Settings for a server, with a backoff a test need not wait for."""
    chosen: dict[str, object] = {
        "endpoint": server.endpoint,
        "public_endpoint": server.url,
        "access_key": server.access_key,
        "secret_key": SecretStr(server.secret_key),
        "secure": server.secure,
        "region": server.region,
        "retry_backoff": 0.05,
    }
    return MinioSettings.model_validate({**chosen, **changes})


@pytest.fixture(scope="session")
def local_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalFileStorage]:
    storage = LocalFileStorage(tmp_path_factory.mktemp("local") / "objects", b"k" * 32, current_link_base)
    storage.prepare()
    with serving(storage) as base:
        link_base.set(base)
        yield storage


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> Iterator[str]:
    """A bucket of this run's own; it is not there yet, and is emptied and removed at the end."""
    name = f"datashelf-test-{uuid4().hex[:12]}"
    yield name
    client = raw_client(s3_server)
    if client.bucket_exists(name):
        keys = [DeleteObject(found.object_name or "") for found in client.list_objects(name, recursive=True)]
        assert not list(client.remove_objects(name, keys))
        client.remove_bucket(name)


@pytest.fixture(scope="session")
def s3_store(s3_server: S3Server, s3_bucket: str) -> Iterator[MinioFileStorage]:
    storage = MinioFileStorage.connect(minio_settings(s3_server, bucket=s3_bucket))
    storage.prepare()
    yield storage
    storage.close()


@pytest.fixture(params=[Backend.LOCAL, pytest.param(Backend.MINIO, marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest) -> FileStorage:
    """Each backend in turn."""
    name = "local_store" if request.param is Backend.LOCAL else "s3_store"
    found: FileStorage = request.getfixturevalue(name)
    return found


@pytest.fixture
def ref() -> ObjectRef:
    return fresh_ref()


def fresh_ref(role: BucketRole = BucketRole.DATASETS) -> ObjectRef:
    """A key of the catalogue's shape that nobody has used."""
    return ObjectRef(role, f"{role}/2026/11/{uuid4()}")


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Anybody's HTTP client: no credentials, no cookies."""
    with httpx.Client(timeout=30) as client:
        yield client


def raw_client(server: S3Server, *, access_key: str = "", secret_key: str = "") -> Minio:
    return Minio(
        server.endpoint,
        access_key=access_key or server.access_key,
        secret_key=secret_key or server.secret_key,
        secure=server.secure,
        region=server.region,
    )
