"""Objects on a local disk, with the guarantees of an object store: atomic writes, multipart uploads, signed links.

A bucket is a folder named after its role. Signed links lead to the app's own objects route, which asks `open_for_grant`
and `part_writer` here for what a link's `Grant` allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from storage import signed_links
from storage.disk import disk_errors
from storage.keys import check_expiry, check_part_number, role_prefix
from storage.leftovers import Leftover, remove_leftover
from storage.local_objects import ObjectTree
from storage.local_uploads import UploadFolder
from storage.observe import observed
from storage.part_writer import FLUSH_BYTES, ObjectWriter, PartWriter, check_length
from storage.protocol import (
    MAX_PART_SIZE,
    Backend,
    BucketRole,
    FileStorage,
    Health,
    MultipartUpload,
    ObjectRef,
    Part,
    StorageError,
    StoredObject,
    UploadNotFound,
    sentence,
)
from storage.signed_links import Grant, LinkInvalid, sign_link

_BACKEND = Backend.LOCAL


@dataclass(frozen=True)
class LocalFileStorage:
    """Keeps objects under `root`. `secret` signs links, which begin with what `link_base()` says at that moment."""

    root: Path
    secret: bytes = field(repr=False)
    link_base: Callable[[], str]

    @property
    def backend(self) -> Backend:
        return _BACKEND

    def bucket_for(self, role: BucketRole) -> str:
        return role.value

    def prepare(self) -> None:
        with observed(_BACKEND, "prepare"):
            self._objects.prepare()
            self._uploads.prepare()

    def upload_file(self, ref: ObjectRef, data: BinaryIO, size: int | None, content_type: str) -> StoredObject:
        writer = ObjectWriter(self._objects, ref, length=size, content_type=content_type)
        with observed(_BACKEND, "upload_file", ref), writer:
            while chunk := data.read(FLUSH_BYTES):
                writer.write(chunk)
            return writer.publish()

    @contextmanager
    def get_file(self, ref: ObjectRef) -> Iterator[BinaryIO]:
        with observed(_BACKEND, "get_file", ref), self._opened(ref) as file:
            yield file

    def open_file(self, ref: ObjectRef) -> BinaryIO:
        with observed(_BACKEND, "open_file", ref):
            return self._opened(ref)

    def stat_file(self, ref: ObjectRef) -> StoredObject:
        with observed(_BACKEND, "stat_file", ref):
            return self._objects.stat(ref)

    def file_exists(self, ref: ObjectRef) -> bool:
        with observed(_BACKEND, "file_exists", ref):
            return self._objects.exists(ref)

    def delete_file(self, ref: ObjectRef) -> bool:
        try:
            with observed(_BACKEND, "delete_file", ref):
                self._objects.remove(ref)
        except StorageError:
            return False
        return True

    def get_presigned_url(self, ref: ObjectRef, expires_in: timedelta, filename: str, *, inline: bool = False) -> str:
        with observed(_BACKEND, "get_presigned_url", ref, quiet=True):
            return self._signed("GET", ref, expires_in, filename=filename, inline=inline)

    def get_presigned_upload_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        with observed(_BACKEND, "get_presigned_upload_url", ref, quiet=True):
            return self._signed("PUT", ref, expires_in)

    def get_internal_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        with observed(_BACKEND, "get_internal_url", ref, quiet=True):
            check_expiry(expires_in)
            return self._objects.path(ref).resolve().as_uri()

    def start_multipart(self, ref: ObjectRef, content_type: str, part_size: int) -> str:
        with observed(_BACKEND, "start_multipart", ref):
            if not 1 <= part_size <= MAX_PART_SIZE:
                raise ValueError(f"a part has 1 to {MAX_PART_SIZE} bytes, not {part_size}")
            self._objects.check_bucket(ref)
            return self._uploads.begin(
                bucket=self._bucket(ref), key=ref.key, content_type=content_type, part_size=part_size
            )

    def get_presigned_part_url(
        self, ref: ObjectRef, upload_id: str, number: int, expires_in: timedelta, *, size: int | None = None
    ) -> str:
        with observed(_BACKEND, "get_presigned_part_url", ref, quiet=True):
            check_part_number(number)
            return self._signed("PUT", ref, expires_in, upload_id=upload_id, part_number=number, size=size)

    def list_parts(self, ref: ObjectRef, upload_id: str) -> list[Part]:
        with observed(_BACKEND, "list_parts", ref):
            return self._uploads.find(upload_id, bucket=self._bucket(ref), key=ref.key).parts()

    def complete_multipart(self, ref: ObjectRef, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        with observed(_BACKEND, "complete_multipart", ref):
            try:
                upload = self._uploads.find(upload_id, bucket=self._bucket(ref), key=ref.key)
                return upload.complete(ref, parts, self._objects.publish)
            except UploadNotFound:
                if self._objects.upload_id(ref) == upload_id:
                    return self._objects.stat(ref)
                raise

    def abort_multipart(self, ref: ObjectRef, upload_id: str) -> None:
        with observed(_BACKEND, "abort_multipart", ref):
            try:
                self._uploads.find(upload_id, bucket=self._bucket(ref), key=ref.key).abort()
            except UploadNotFound:
                return

    def list_multipart(
        self, role: BucketRole, prefix: str = "", *, bucket: str | None = None
    ) -> Iterator[MultipartUpload]:
        with observed(_BACKEND, "list_multipart"):
            for upload in self._uploads.under_way(*self._listed(role, prefix, bucket)):
                yield MultipartUpload(ObjectRef(role, upload.key, upload.bucket), upload.upload_id, upload.started_at)

    def list_files(self, role: BucketRole, prefix: str = "", *, bucket: str | None = None) -> Iterator[StoredObject]:
        with observed(_BACKEND, "list_files"):
            bucket, prefixed = self._listed(role, prefix, bucket)
            yield from self._objects.walk(role, prefixed, bucket=bucket)

    def leftovers(self, *, before: datetime) -> Iterator[Leftover]:
        """What crashes left beside the objects and nobody has touched since `before`; none of it is an object."""
        with disk_errors():
            yield from self._objects.leftovers(before)
            yield from self._uploads.leftovers(before)

    def remove_leftover(self, left: Leftover, *, before: datetime) -> bool:
        """Remove it, unless somebody has touched it since; says whether it is gone. Raises StorageDenied."""
        with observed(_BACKEND, "remove_leftover"), disk_errors():
            return remove_leftover(left.path, before)

    def check_health(self) -> Health:
        began = time.perf_counter()
        try:
            with observed(_BACKEND, "check_health", quiet=True), disk_errors():
                self._objects.probe()
                free = self._objects.free_bytes()
        except StorageError as error:
            return Health(ok=False, detail=sentence(str(error)))
        took = timedelta(seconds=time.perf_counter() - began)
        return Health(ok=True, detail="The data folder can be read and written.", latency=took, free_bytes=free)

    def verify_link(self, method: str, *, bucket: str, key: str, query: str) -> Grant:
        """What a link that came in allows; see `signed_links`. Raises LinkInvalid, LinkExpired."""
        return signed_links.verify_link(method, bucket=bucket, key=key, query=query, secret=self.secret)

    def open_for_grant(self, grant: Grant) -> tuple[Path, StoredObject]:
        """The file that a GET link leads to. Raises FileNotInStorage, LinkInvalid for a link of another kind."""
        if grant.method != "GET":
            raise LinkInvalid("the link is not for reading")
        ref = _ref(grant)
        with observed(_BACKEND, "open_for_grant", ref, quiet=True):
            # Whoever sends the bytes has begun to answer by the time it opens the file.
            self._opened(ref).close()
            return self._objects.path(ref), self._objects.stat(ref)

    def part_writer(self, grant: Grant, *, length: int | None) -> PartWriter:
        """Takes the body of a PUT link: one part, or a whole object. `length` is the request's Content-Length.

        Raises LengthRequired, PartTooLarge, UploadNotFound, LinkInvalid; see `PartWriter` for what follows.
        """
        if grant.method != "PUT":
            raise LinkInvalid("the link is not for writing")
        ref = _ref(grant)
        with observed(_BACKEND, "part_writer", ref, quiet=True):
            if grant.upload_id is None or grant.part_number is None:
                checked = check_length(length, limit=MAX_PART_SIZE)
                return ObjectWriter(self._objects, ref, length=checked, content_type=None)
            upload = self._uploads.find(grant.upload_id, bucket=grant.bucket, key=grant.key)
            return upload.part_writer(grant.part_number, length=length, limit=grant.size)

    @property
    def _objects(self) -> ObjectTree:
        return ObjectTree(self.root)

    @property
    def _uploads(self) -> UploadFolder:
        return UploadFolder(self.root / ".uploads")

    def _listed(self, role: BucketRole, prefix: str, named: str | None) -> tuple[str, str]:
        if named is None or named == role.value:
            return role.value, prefix
        # A bucket that is another role's holds nothing of this one unless its keys say so.
        own = role_prefix(role, prefix, shared=True)
        return named, f"{role}/" if own is None else own

    def _bucket(self, ref: ObjectRef) -> str:
        return ref.bucket or ref.role.value

    def _opened(self, ref: ObjectRef) -> BinaryIO:
        self._objects.stat(ref)
        with disk_errors(ref):
            return self._objects.path(ref).open("rb")

    def _signed(
        self,
        method: str,
        ref: ObjectRef,
        expires_in: timedelta,
        *,
        filename: str | None = None,
        inline: bool = False,
        upload_id: str | None = None,
        part_number: int | None = None,
        size: int | None = None,
    ) -> str:
        return sign_link(
            method,
            bucket=self._bucket(ref),
            key=ref.key,
            expires_in=expires_in,
            secret=self.secret,
            base=self.link_base(),
            filename=filename,
            inline=inline,
            upload_id=upload_id,
            part_number=part_number,
            size=size,
        )


def _ref(grant: Grant) -> ObjectRef:
    try:
        return ObjectRef(BucketRole(grant.bucket), grant.key, grant.bucket)
    except ValueError:
        raise LinkInvalid("the link names no bucket of ours") from None


_: type[FileStorage] = LocalFileStorage
