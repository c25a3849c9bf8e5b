"""A vault under a prefix of an S3 bucket."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

from settings import Minio as MinioSettings
from storage.checked import Reads, as_binary
from storage.minio import MinioFileStorage
from storage.multipart import MultipartCalls
from storage.protocol import BucketRole, FileNotInStorage, ObjectRef, StorageError
from storage.s3_buckets import ensure_bucket
from storage.s3_listing import objects, uploads_under_way
from storage.vault import Kept, PlaceRefused, Vault

_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()/-]*")
"""The characters that need no care anywhere (Amazon S3 user guide, "Safe characters")."""


@dataclass(frozen=True)
class S3Vault:
    """Keeps files as `{prefix}{name}` in one bucket; `prefix` is empty or ends with a slash."""

    store: MinioFileStorage
    bucket: str
    prefix: str

    @classmethod
    def at(cls, place: str, settings: MinioSettings) -> S3Vault:
        """The vault of an `s3://bucket/prefix` address. Raises PlaceRefused."""
        parts = urlsplit(place)
        prefix = parts.path.strip("/")
        if parts.username or parts.password or parts.query or parts.fragment or not parts.netloc:
            raise PlaceRefused(
                "The address is not s3://bucket/prefix. Credentials come from BACKUP__ACCESS_KEY and "
                "BACKUP__SECRET_KEY, never from the address."
            )
        if not _PREFIX.fullmatch(prefix) or any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
            raise PlaceRefused(f"“{prefix}” is no prefix for a backup; use letters, digits, hyphens, dots and slashes.")
        return cls(MinioFileStorage.connect(settings), parts.netloc, f"{prefix}/" if prefix else "")

    @property
    def place(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def prepare(self, is_own: Callable[[str], bool]) -> None:
        self.store.retries.safe(lambda: ensure_bucket(self.store.clients.traffic, self.bucket))
        calls, retries = MultipartCalls(self.store.clients.traffic), self.store.retries
        for key, upload_id, _ in list(uploads_under_way(calls, retries, self.bucket, self.prefix)):
            if is_own(key.removeprefix(self.prefix)):
                self.store.abort_multipart(ObjectRef(BucketRole.DATASETS, key, self.bucket), upload_id)

    def put(self, name: str, data: Reads, size: int | None) -> int:
        stored = self.store.upload_file(self._ref(name), as_binary(data), size, "application/octet-stream")
        return stored.size

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        try:
            with self.store.get_file(self._ref(name)) as stream:
                yield stream
        except FileNotInStorage as error:
            raise FileNotInStorage(f"the backup has no {name}") from error

    def entries(self, prefix: str) -> Iterator[Kept]:
        under = f"{self.prefix}{prefix}"
        for found in objects(self.store.clients.traffic, self.store.retries, self.bucket, under):
            yield Kept((found.object_name or "").removeprefix(self.prefix), found.size or 0)

    def folders(self, prefix: str) -> list[str]:
        names = (entry.name.removeprefix(prefix).split("/") for entry in self.entries(prefix))
        return sorted({parts[0] for parts in names if len(parts) > 1})

    def remove(self, name: str) -> None:
        if not self.store.delete_file(self._ref(name)):
            raise StorageError(f"the store did not remove {name} from the backup")

    def _ref(self, name: str) -> ObjectRef:
        return ObjectRef(BucketRole.DATASETS, f"{self.prefix}{name}", self.bucket)


_: type[Vault] = S3Vault
