"""Objects in an S3 store (MinIO, Silo, SeaweedFS, Ceph, AWS), over minio-py.

Retries follow MINIO__RETRY_ATTEMPTS and MINIO__RETRY_BACKOFF where repeating is safe: reading, listing, deleting,
sending bytes that are still in memory, completing. Beginning a multipart upload is repeated only where no connection
came about, and a stream that was handed out is never resumed.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import BinaryIO
from urllib.parse import urlsplit

from minio.datatypes import Object

from settings import Minio as MinioSettings
from storage.disposition import content_disposition
from storage.keys import check_expiry, check_key, check_part_number, check_upload_id, in_order, role_prefix
from storage.multipart import MultipartCalls
from storage.object_stream import BLOCK_BYTES, ObjectStream, RangeFile
from storage.observe import observed
from storage.protocol import (
    Backend,
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    FileStorage,
    Health,
    MultipartUpload,
    ObjectRef,
    Part,
    PartRejected,
    StorageDenied,
    StorageError,
    StorageUnavailable,
    StoredObject,
    UploadNotFound,
    sentence,
)
from storage.retries import Retries
from storage.s3_buckets import ensure_bucket
from storage.s3_clients import Clients, connect
from storage.s3_errors import s3_errors
from storage.s3_listing import all_parts, objects, uploads_under_way
from storage.s3_upload import Sender

_BACKEND = Backend.MINIO


@dataclass(frozen=True)
class MinioFileStorage:
    """One store, reached with one pair of credentials. Thread-safe; make it with `connect`."""

    settings: MinioSettings
    clients: Clients
    retries: Retries

    @classmethod
    def connect(cls, settings: MinioSettings) -> MinioFileStorage:
        """Make the clients; no connection is opened yet."""
        backoff = timedelta(seconds=settings.retry_backoff)
        return cls(settings, connect(settings), Retries(settings.retry_attempts, backoff))

    @property
    def backend(self) -> Backend:
        return _BACKEND

    def bucket_for(self, role: BucketRole) -> str:
        return self.settings.bucket_for(role.value)

    def prepare(self) -> None:
        with observed(_BACKEND, "prepare"):
            for bucket in sorted({self.bucket_for(role) for role in BucketRole}):
                try:
                    self.retries.safe(partial(ensure_bucket, self.clients.traffic, bucket))
                except StorageError as error:
                    raise type(error)(self._said(error)) from error

    def upload_file(self, ref: ObjectRef, data: BinaryIO, size: int | None, content_type: str) -> StoredObject:
        with observed(_BACKEND, "upload_file", ref):
            sent = Sender(self._multipart, self.retries, ref, self._bucket(ref), content_type).send(data, size)
            found = self._stat(ref)
            if found.size != sent:
                raise StorageUnavailable(f"the store kept {found.size} of {sent} bytes", ref=ref)
            return found

    @contextmanager
    def get_file(self, ref: ObjectRef) -> Iterator[BinaryIO]:
        with observed(_BACKEND, "get_file", ref):
            response = self.retries.safe(lambda: self.clients.traffic.get_object(self._bucket(ref), ref.key), ref)
            with ObjectStream(response, ref) as stream:
                yield io.BufferedReader(stream, BLOCK_BYTES)

    def open_file(self, ref: ObjectRef) -> BinaryIO:
        with observed(_BACKEND, "open_file", ref):
            found = self._stat(ref)

        def fetch(offset: int, length: int) -> bytes:
            with observed(_BACKEND, "read_range", ref, quiet=True):
                return self.retries.safe(lambda: self._read_range(ref, found.etag, offset, length), ref)

        return io.BufferedReader(RangeFile(fetch, size=found.size), BLOCK_BYTES)

    def stat_file(self, ref: ObjectRef) -> StoredObject:
        with observed(_BACKEND, "stat_file", ref):
            return self._stat(ref)

    def file_exists(self, ref: ObjectRef) -> bool:
        with observed(_BACKEND, "file_exists", ref):
            try:
                self._stat(ref)
            except BucketMissing:
                raise
            except FileNotInStorage:
                return False
            return True

    def delete_file(self, ref: ObjectRef) -> bool:
        try:
            with observed(_BACKEND, "delete_file", ref):
                self.retries.safe(lambda: self.clients.traffic.remove_object(self._bucket(ref), ref.key), ref)
        except StorageError as error:
            return isinstance(error, FileNotInStorage) and not isinstance(error, BucketMissing)
        return True

    def get_presigned_url(self, ref: ObjectRef, expires_in: timedelta, filename: str, *, inline: bool = False) -> str:
        shown = {"response-content-disposition": content_disposition(filename, inline=inline)}
        return self._signed("get_presigned_url", "GET", ref, expires_in, response=shown)

    def get_presigned_upload_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        return self._signed("get_presigned_upload_url", "PUT", ref, expires_in)

    @property
    def link_origins(self) -> tuple[str, ...]:
        """Scheme and host of the links handed out: MINIO__PUBLIC_ENDPOINT's, and on AWS a host for each bucket."""
        links = [self.settings.public_endpoint]
        links += [self.get_presigned_url(ObjectRef(role, "any"), timedelta(minutes=1), "any") for role in BucketRole]
        return tuple(dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, links)))

    def get_internal_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        return self._signed("get_internal_url", "GET", ref, expires_in, public=False)

    def start_multipart(self, ref: ObjectRef, content_type: str, part_size: int) -> str:
        with observed(_BACKEND, "start_multipart", ref):
            bucket = self._bucket(ref)
            return self.retries.unsafe(lambda: self._multipart.start(bucket, ref.key, content_type=content_type), ref)

    def get_presigned_part_url(
        self,
        ref: ObjectRef,
        upload_id: str,
        number: int,
        expires_in: timedelta,
        *,
        size: int | None = None,  # minio-py signs no header but Host
    ) -> str:
        check_part_number(number)
        query = {"uploadId": upload_id, "partNumber": str(number)}
        return self._signed("get_presigned_part_url", "PUT", ref, expires_in, query=query)

    def get_internal_part_url(self, ref: ObjectRef, upload_id: str, number: int, expires_in: timedelta) -> str:
        """The same on the traffic endpoint, for the app's own hands."""
        check_part_number(number)
        check_upload_id(upload_id, ref)
        query = {"uploadId": upload_id, "partNumber": str(number)}
        return self._signed("get_internal_part_url", "PUT", ref, expires_in, public=False, query=query)

    def list_parts(self, ref: ObjectRef, upload_id: str) -> list[Part]:
        with observed(_BACKEND, "list_parts", ref):
            check_upload_id(upload_id, ref)
            return all_parts(self._multipart, self.retries, self._bucket(ref), ref, upload_id)

    def complete_multipart(self, ref: ObjectRef, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        with observed(_BACKEND, "complete_multipart", ref):
            bucket = self._bucket(ref)
            check_upload_id(upload_id, ref)
            try:
                named = self._checked(ref, upload_id, parts)
                self.retries.safe(lambda: self._multipart.complete(bucket, ref.key, upload_id, named), ref)
            except UploadNotFound:
                # Completed before, or by an attempt whose answer was lost: the object is there then.
                with suppress(FileNotInStorage):
                    return self._stat(ref)
                raise
            return self._stat(ref)

    def abort_multipart(self, ref: ObjectRef, upload_id: str) -> None:
        with observed(_BACKEND, "abort_multipart", ref), suppress(UploadNotFound):
            check_upload_id(upload_id, ref)
            self.retries.safe(lambda: self._multipart.abort(self._bucket(ref), ref.key, upload_id), ref)

    def list_multipart(
        self, role: BucketRole, prefix: str = "", *, bucket: str | None = None
    ) -> Iterator[MultipartUpload]:
        with observed(_BACKEND, "list_multipart"):
            bucket, prefixed = self._listed(role, prefix, bucket)
            if prefixed is not None:
                for key, upload_id, started_at in uploads_under_way(self._multipart, self.retries, bucket, prefixed):
                    yield MultipartUpload(ObjectRef(role, key, bucket), upload_id, started_at)

    def list_files(self, role: BucketRole, prefix: str = "", *, bucket: str | None = None) -> Iterator[StoredObject]:
        with observed(_BACKEND, "list_files"):
            bucket, prefixed = self._listed(role, prefix, bucket)
            if prefixed is not None:
                for found in objects(self.clients.traffic, self.retries, bucket, prefixed):
                    yield _described(ObjectRef(role, found.object_name or "", bucket), bucket, found)

    def check_health(self) -> Health:
        began = time.perf_counter()
        bucket = self.bucket_for(BucketRole.DATASETS)
        try:
            with observed(_BACKEND, "check_health", quiet=True), s3_errors():
                there = self.clients.health.bucket_exists(bucket)
        except StorageError as error:
            # A refusal is an answer.
            took = timedelta(seconds=time.perf_counter() - began) if isinstance(error, StorageDenied) else None
            return Health(ok=False, detail=sentence(self._said(error)), latency=took)
        took = timedelta(seconds=time.perf_counter() - began)
        detail = "The store answers." if there else f"The store answers, but the bucket {bucket} is missing."
        return Health(ok=there, detail=detail, latency=took)

    def close(self) -> None:
        """Drop the connections; the next call opens new ones."""
        for pool in self.clients.pools:
            pool.clear()

    @property
    def _multipart(self) -> MultipartCalls:
        return MultipartCalls(self.clients.traffic)

    def _said(self, error: StorageError) -> str:
        return f"{error} (MINIO__ENDPOINT={self.settings.endpoint})"

    def _bucket(self, ref: ObjectRef) -> str:
        check_key(ref.key)
        return ref.bucket or self.bucket_for(ref.role)

    def _listed(self, role: BucketRole, prefix: str, named: str | None) -> tuple[str, str | None]:
        if named is not None:
            return named, role_prefix(role, prefix, shared=True)
        bucket = self.bucket_for(role)
        shared = [self.bucket_for(other) for other in BucketRole].count(bucket) > 1
        return bucket, role_prefix(role, prefix, shared=shared)

    def _stat(self, ref: ObjectRef) -> StoredObject:
        bucket = self._bucket(ref)
        try:
            return _described(
                ref, bucket, self.retries.safe(lambda: self.clients.traffic.stat_object(bucket, ref.key), ref)
            )
        except FileNotInStorage:
            # A HEAD's 404 has no body that says whether the object or the whole bucket is missing.
            if not self.retries.safe(lambda: self.clients.traffic.bucket_exists(bucket), ref):
                raise BucketMissing(f"the bucket {bucket} does not exist", ref=ref) from None
            raise

    def _read_range(self, ref: ObjectRef, etag: str, offset: int, length: int) -> bytes:
        bucket = self._bucket(ref)
        response = self.clients.traffic.get_object(
            bucket, ref.key, offset, length, request_headers={"If-Match": f'"{etag}"'}
        )
        with ObjectStream(response, ref) as stream:
            data = stream.readall()
        if len(data) != length:
            raise StorageUnavailable(f"the store sent {len(data)} bytes where {length} were asked for", ref=ref)
        return data

    def _checked(self, ref: ObjectRef, upload_id: str, parts: Sequence[Part]) -> list[Part]:
        named = in_order(parts, ref)
        if any(part.size is not None for part in named):
            there = set(all_parts(self._multipart, self.retries, self._bucket(ref), ref, upload_id))
            for part in named:
                if part.size is not None and part not in there:
                    raise PartRejected(f"part {part.number} is missing or is not the one that was named", ref=ref)
        return named

    def _signed(
        self,
        operation: str,
        method: str,
        ref: ObjectRef,
        expires_in: timedelta,
        *,
        public: bool = True,
        response: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> str:
        with observed(_BACKEND, operation, ref, quiet=True):
            check_expiry(expires_in)
            return self.clients.sign(
                method,
                self._bucket(ref),
                ref.key,
                expires_in=expires_in,
                public=public,
                response=response,
                query=query,
            )


def _described(ref: ObjectRef, bucket: str, found: Object) -> StoredObject:
    etag = (found.etag or "").strip('"')
    return StoredObject(ref, bucket, found.size or 0, etag, found.content_type, found.last_modified)


_: type[FileStorage] = MinioFileStorage
