"""A whole shelf without a screen: SQLite over local disk, and PostgreSQL over a real S3 server."""

from __future__ import annotations

import shutil
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.downloads import Downloads
from catalog.files import Files
from catalog.identity import Identity
from catalog.intake import NewUpload
from catalog.parts import ClientPart
from catalog.uploads import PartUrl, Uploads
from catalog.views import DatasetDetail
from db import Database, open_database
from settings import load
from storage import Backend, BucketRole, FileStorage, ObjectRef, Storages, open_storage
from tests.seaweed import S3Server

SECRET = b"0123456789abcdef0123456789abcdef"
LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class Shelf:
    """The services, one caller, and what a client does with the links it gets."""

    database: Database
    storages: Storages
    caller: Caller
    datasets: Datasets
    uploads: Uploads
    files: Files
    downloads: Downloads

    @property
    def storage(self) -> FileStorage:
        return self.storages.primary

    def put(self, url: str, data: bytes) -> str:
        """Send bytes to a signed link; the ETag as it came."""
        if self.storage.backend is Backend.LOCAL:
            return put_local(self.storages, url, data)
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method="PUT"), timeout=30) as answer:
            etag: str = answer.headers["ETag"]
        return etag

    def send(self, parts: Sequence[PartUrl], data: bytes, part_size: int) -> list[ClientPart]:
        return [
            ClientPart(number, self.put(url, data[(number - 1) * part_size : number * part_size]))
            for number, url in parts
        ]

    def upload(
        self,
        data: bytes,
        file_name: str = "data.csv",
        *,
        dataset_id: uuid.UUID | None = None,
        name: str | None = None,
        sha256: str | None = None,
    ) -> DatasetDetail:
        """A file all the way in."""
        new = NewUpload(file_name, len(data), dataset_id=dataset_id, name=name, sha256=sha256)
        started = self.uploads.start(self.caller, new)
        return self.uploads.complete(self.caller, started.upload_id, self.send(started.parts, data, started.part_size))

    def objects(self) -> list[str]:
        """The keys in the store."""
        return [stored.ref.key for stored in self.storage.list_files(BucketRole.DATASETS)]

    def uploads_in_store(self) -> list[ObjectRef]:
        return [upload.ref for upload in self.storage.list_multipart(BucketRole.DATASETS)]


def put_local(storages: Storages, url: str, data: bytes) -> str:
    """What the API's objects route does with a PUT."""
    parts = urlsplit(url)
    bucket, key = unquote(parts.path).removeprefix("/api/ml/v1/objects/").split("/", 1)
    grant = storages.local.verify_link("PUT", bucket=bucket, key=key, query=parts.query)
    with storages.local.part_writer(grant, length=len(data)) as writer:
        writer.write(data)
        return f'"{writer.commit()}"'


def make_shelf(database: Database, storages: Storages) -> Shelf:
    return Shelf(
        database=database,
        storages=storages,
        caller=Identity(database).local_user(),
        datasets=Datasets(database, storages),
        uploads=Uploads(database, storages, LIFE),
        files=Files(database, storages),
        downloads=Downloads(database, storages, LIFE),
    )


def local_storages(folder: Path) -> Storages:
    return open_storage(load(data_dir=folder), secret=SECRET, link_base=lambda: "http://localhost:8501")


def s3_storages(folder: Path, server: S3Server) -> Storages:
    bucket = f"t-{uuid.uuid4().hex[:20]}"
    minio = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "secure": server.secure,
        "public_endpoint": server.url,
        "bucket": bucket,
        "retry_backoff": 0.01,
    }
    settings = load(data_dir=folder, storage_backend="minio", storage_fallback="fail", minio=minio)
    return open_storage(settings, secret=SECRET, link_base=lambda: "http://localhost:8501")


@pytest.fixture(params=["local", pytest.param("minio", marks=pytest.mark.s3)])
def storages(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storages]:
    """Local disk and a real S3 server in turn."""
    if request.param == "local":
        opened = local_storages(tmp_path)
    else:
        opened = s3_storages(tmp_path, request.getfixturevalue("s3_server"))
    with closing(opened):
        yield opened


@pytest.fixture(params=["sqlite-local", pytest.param("postgres-minio", marks=[pytest.mark.postgres, pytest.mark.s3])])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Both databases and both stores, in two runs instead of four."""
    if request.param == "sqlite-local":
        path = tmp_path / "datashelf.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        url, opened = f"sqlite:///{path}", local_storages(tmp_path)
    else:
        url = request.getfixturevalue("migrated_postgres")
        opened = s3_storages(tmp_path, request.getfixturevalue("s3_server"))
    with closing(opened), open_database(url) as database:
        yield make_shelf(database, opened)


@pytest.fixture
def local_shelf(database: Database, tmp_path: Path) -> Iterator[Shelf]:
    """Both databases over local disk: for what the store has no part in."""
    with closing(local_storages(tmp_path)) as opened:
        yield make_shelf(database, opened)


@pytest.fixture
def read_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """On local disk, too, files are read after they are ready, as those are that are too large to be read at once."""
    monkeypatch.setattr("catalog.completion.LARGEST_CHECKED", 0)
