"""What every object store behind Datashelf can do: the `FileStorage` protocol, its errors and its value types.

Implementations stand beside this file (`local.py`, `minio.py`). Nothing of `minio` or `urllib3` leaves this package:
what goes wrong is one of the `StorageError`s below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

MAX_OBJECT_SIZE = 5 * 1024**4
"""Bytes: 5 TiB (Amazon S3 user guide, "multipart upload limits")."""
MIN_PART_SIZE = 5 * 1024**2
"""Bytes: the least size of every part but the last (same source)."""
MAX_PART_SIZE = 5 * 1024**3
MAX_PARTS = 10_000


class Backend(StrEnum):
    """Where the bytes lie."""

    LOCAL = "local"
    MINIO = "minio"


class BucketRole(StrEnum):
    """What a bucket is for; settings map each role to a real bucket."""

    DATASETS = "datasets"
    MODELS = "models"
    TEMP = "temp"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """Names one object: a bucket role and an object key.

    `bucket` is the real bucket the object was written to, where that is known (a stored file remembers it); None means
    the bucket that the settings give the role today.
    """

    role: BucketRole
    key: str
    bucket: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the store has it. `etag` is bare and never a checksum of the whole; `bucket` is the real one."""

    ref: ObjectRef
    bucket: str
    size: int
    etag: str
    content_type: str | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart upload, as the store has it (`size` in bytes) or as a client names it (`size` None).

    `sent_at` where the store says when it took it.
    """

    number: int
    etag: str
    size: int | None = None
    sent_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """An upload that was begun and neither completed nor aborted."""

    ref: ObjectRef
    upload_id: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the store answers. `detail` is a sentence for the operator; `latency` is None where no answer came."""

    ok: bool
    detail: str
    latency: timedelta | None = None
    free_bytes: int | None = None


class StorageError(Exception):
    """Something the store did or refused; `ref` and `operation` say where."""

    def __init__(self, message: str, *, operation: str = "", ref: ObjectRef | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.ref = ref


class StorageUnavailable(StorageError, ConnectionError):
    """The store could not be reached or kept failing; retries are used up. Trying again later may help."""


class FileNotInStorage(StorageError, FileNotFoundError):
    """The object (or the multipart upload) is not there."""


class StorageDenied(StorageError, PermissionError):
    """The store refused the credentials or the act."""


class StorageFull(StorageError, OSError):
    """The store has no room left."""


class BucketMissing(FileNotInStorage):
    """The bucket itself is not there."""


class InvalidKey(StorageError, ValueError):
    """The key could not be an object's: empty, absolute, too long, or it would leave its bucket."""


class WrongLength(StorageError, ValueError):
    """The stream ended before or went on after the size that was announced; nothing of it is stored."""


class LengthRequired(StorageError, ValueError):
    """A PUT to a signed link did not announce its length (S3's MissingContentLength)."""


class PartTooLarge(StorageError, ValueError):
    """More bytes than one part, or one PUT, may have."""


class PartSuperseded(StorageError, RuntimeError):
    """A newer writer took over this part; what the older one sent is dropped."""


class PartRejected(StorageError, ValueError):
    """`complete_multipart` named a part the store has not, or has with another ETag or size; the upload stays open."""


class UploadNotFound(FileNotInStorage):
    """The multipart upload is unknown: never begun, completed or aborted."""


class FileStorage(Protocol):
    """One object store.

    Keys are made by the catalogue (`{role}/{yyyy}/{mm}/{uuid}`); an implementation still refuses one that would leave
    its bucket. Every method may raise `StorageUnavailable`, `StorageDenied` or `BucketMissing`.
    """

    @property
    def backend(self) -> Backend: ...

    def bucket_for(self, role: BucketRole) -> str:
        """The real bucket that new objects of the role are written to."""
        ...

    def prepare(self) -> None:
        """Make what is missing (buckets, folders), private. Idempotent; the StorageError says why it cannot."""
        ...

    def upload_file(self, ref: ObjectRef, data: BinaryIO, size: int | None, content_type: str) -> StoredObject:
        """Store a stream, all or nothing: no reader ever sees a part of an object. `size` None: until end of stream.

        Raises StorageFull; WrongLength (a ValueError) where the stream is shorter or longer than `size`.
        """
        ...

    def get_file(self, ref: ObjectRef) -> AbstractContextManager[BinaryIO]:
        """The object as a stream; the connection is released when the block is left, by an error too."""
        ...

    def open_file(self, ref: ObjectRef) -> BinaryIO:
        """The object as a seekable file that fetches only the ranges it is asked for."""
        ...

    def stat_file(self, ref: ObjectRef) -> StoredObject:
        """Raises FileNotInStorage."""
        ...

    def file_exists(self, ref: ObjectRef) -> bool:
        """False only where it truly is not there; an unreachable store raises."""
        ...

    def delete_file(self, ref: ObjectRef) -> bool:
        """Remove the object. Non-fatal: a failure is logged and returns False. Absent already is True."""
        ...

    def get_presigned_url(self, ref: ObjectRef, expires_in: timedelta, filename: str, *, inline: bool = False) -> str:
        """An absolute GET link on the public host that saves under `filename` (RFC 6266, non-ASCII names too)."""
        ...

    def get_presigned_upload_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        """An absolute link that takes one PUT of the whole object; answers 200 with a quoted ETag."""
        ...

    def get_internal_url(self, ref: ObjectRef, expires_in: timedelta) -> str:
        """Where our own workers read the object: `file://…`, or a GET link signed for the traffic endpoint."""
        ...

    def start_multipart(self, ref: ObjectRef, content_type: str, part_size: int) -> str:
        """Begin an upload whose part n is bytes [(n−1)·part_size, n·part_size); returns the store's upload id.

        A part may be sent again; a PUT that breaks off never counts as a part.
        """
        ...

    def get_presigned_part_url(
        self, ref: ObjectRef, upload_id: str, number: int, expires_in: timedelta, *, size: int | None = None
    ) -> str:
        """An absolute PUT link for one part, 1 ≤ number ≤ 10,000. Where the link can say so it takes at most `size`
        bytes; a presigned link of S3's cannot, and there the length is checked when the parts are joined."""
        ...

    def list_parts(self, ref: ObjectRef, upload_id: str) -> list[Part]:
        """Every part the store holds, by number. Raises UploadNotFound.

        A part that was sent again with other bytes may be listed once for each sending (SeaweedFS keeps them all): its
        ETag, by which `complete_multipart` chooses, tells them apart.
        """
        ...

    def complete_multipart(self, ref: ObjectRef, upload_id: str, parts: Sequence[Part]) -> StoredObject:
        """Make the object out of the named parts, whose numbers are 1 to N. Completing again gives the same object.

        Afterwards no part URL changes it. Raises PartRejected (the upload stays open), UploadNotFound, StorageFull.
        """
        ...

    def abort_multipart(self, ref: ObjectRef, upload_id: str) -> None:
        """Forget the upload and its parts. Unknown already: no error."""
        ...

    def list_multipart(
        self, role: BucketRole, prefix: str = "", *, bucket: str | None = None
    ) -> Iterator[MultipartUpload]:
        """Uploads under way in the role's bucket; `bucket` as in `list_files`."""
        ...

    def list_files(self, role: BucketRole, prefix: str = "", *, bucket: str | None = None) -> Iterator[StoredObject]:
        """Every object under the prefix, every page of the listing, in key order.

        Where roles share a bucket, a role has the keys that begin with its name and a slash; so it has in `bucket`, a
        real bucket that need not be the role's of today.
        """
        ...

    def check_health(self) -> Health:
        """Ask the store once, without retries, within a few seconds; never raises."""
        ...


def sentence(fact: str) -> str:
    """A fact, as an error states it, with a capital letter and a full stop."""
    return f"{fact[:1].upper()}{fact[1:]}."


@dataclass(frozen=True, slots=True)
class StorageState:
    """Which backend takes new files, and why it is not the configured one.

    `degraded` is a fallback chosen at start; `reachable` is what the last health check of the configured store said.
    `answers`: it answers, but refuses, or has lost its bucket.
    """

    configured: Backend
    active: Backend
    reachable: bool
    reason: str = ""
    since: datetime | None = None
    answers: bool = False
    details: dict[str, str] = field(default_factory=dict)

    @property
    def degraded(self) -> bool:
        return self.active is not self.configured or not self.reachable
