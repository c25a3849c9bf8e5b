"""What a browser needs to try the store: a probe object in the role `temp`, with its signed links, and its end.

Nothing is remembered between the calls, so that any replica can go on: a probe's id is part of its object's key.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from catalog.parts import SMALL_PART, ClientPart
from db.utc import utc_now
from storage import Backend, BucketRole, FileStorage, MinioFileStorage, ObjectRef, Part, StorageError
from storage.s3_signed import SignedCalls

PREFIX = f"{BucketRole.TEMP}/doctor/"
"""It begins with the role, which is how roles that share a bucket tell their objects apart."""
SMALL = 64 * 1024
LARGER = 2 * 1024**2
"""Above the limits that proxies have unless they are told otherwise (nginx: 1 MiB)."""
LINK_LIFE = timedelta(minutes=10)
SHORT_LIFE = timedelta(seconds=1)
ABANDONED = timedelta(minutes=15)
PATTERN = bytes((place * 31 + 7) & 255 for place in range(256))
"""Repeated, it is what a probe's bytes are: the browser makes them again to compare."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A multipart upload that a browser sends parts of. `others` are part links into further buckets, which lead to no
    upload: any answer the page may read says that the bucket lets it in. `reach` is asked without looking."""

    id: uuid.UUID
    parts: dict[int, str]
    others: dict[str, str]
    reach: str
    sizes: tuple[int, int, int]
    """Bytes of a small body, of a larger one, and of a whole part."""
    direct: bool
    """Whether the links lead to a store and not to this server."""


@dataclass(frozen=True, slots=True)
class ProbeReads:
    """The links to the probe object, once it is whole. `head` is None where no link is signed for HEAD."""

    size: int
    by_browser: bool
    """Whether the browser's own parts made it; else the server stored it."""
    get: str
    head: str | None
    expired: str
    """Good for one second from now."""


def fresh_ref(probe_id: uuid.UUID | None = None) -> ObjectRef:
    """Where a probe lies."""
    return ObjectRef(BucketRole.TEMP, f"{PREFIX}{probe_id or uuid.uuid4()}")


def start(storage: FileStorage) -> Probe:
    """Begin an upload for a browser. Raises StorageError."""
    probe_id = uuid.uuid4()
    ref = fresh_ref(probe_id)
    upload_id = storage.start_multipart(ref, "application/octet-stream", SMALL_PART)
    parts = {number: storage.get_presigned_part_url(ref, upload_id, number, LINK_LIFE) for number in (1, 2)}
    others: dict[str, str] = {}
    page = urlsplit(parts[1])
    reach = f"{page.scheme}://{page.netloc}/api/health/live"
    if isinstance(storage, MinioFileStorage):
        own = storage.bucket_for(BucketRole.TEMP)
        buckets = dict.fromkeys(storage.bucket_for(role) for role in BucketRole)
        calls = SignedCalls(storage.settings)
        query = {"partNumber": "1", "uploadId": "doctor"}
        others = {name: calls.url("PUT", name, ref.key, query, public=True) for name in buckets if name != own}
        reach = f"{storage.settings.public_endpoint}/"
    direct = storage.backend is Backend.MINIO
    return Probe(probe_id, parts, others, reach, (SMALL, LARGER, SMALL_PART), direct)


def complete(storage: FileStorage, probe_id: uuid.UUID, parts: Sequence[ClientPart]) -> ProbeReads:
    """Put the browser's parts together; without any, store an object in their place. Raises StorageError."""
    ref = fresh_ref(probe_id)
    upload_id = next((each.upload_id for each in storage.list_multipart(ref.role, ref.key)), None)
    if parts and upload_id is not None:
        size = storage.complete_multipart(ref, upload_id, [Part(part.number, part.etag) for part in parts]).size
    else:
        size = storage.upload_file(ref, io.BytesIO(PATTERN * (SMALL // 256)), SMALL, "application/octet-stream").size
    head = None
    if isinstance(storage, MinioFileStorage):
        head = SignedCalls(storage.settings).url(
            "HEAD", storage.bucket_for(ref.role), ref.key, public=True, expires_in=LINK_LIFE
        )
    return ProbeReads(
        size,
        bool(parts and upload_id is not None),
        storage.get_presigned_url(ref, LINK_LIFE, "probe.bin"),
        head,
        storage.get_presigned_url(ref, SHORT_LIFE, "probe.bin"),
    )


def drop(storage: FileStorage, probe_id: uuid.UUID) -> None:
    """Remove whatever there is of a probe. What cannot be removed now is swept later; nothing is raised."""
    ref = fresh_ref(probe_id)
    with suppress(StorageError):
        for upload in list(storage.list_multipart(ref.role, ref.key)):
            storage.abort_multipart(upload.ref, upload.upload_id)
    storage.delete_file(ref)


def sweep(storage: FileStorage, *, older: timedelta = ABANDONED) -> int:
    """Remove the probes of browsers that left and of processes that were killed; how many. Raises StorageError."""
    before = utc_now() - older
    gone = 0
    for upload in list(storage.list_multipart(BucketRole.TEMP, PREFIX)):
        if upload.started_at is not None and upload.started_at < before:
            storage.abort_multipart(upload.ref, upload.upload_id)
            gone += 1
    for found in list(storage.list_files(BucketRole.TEMP, PREFIX)):
        if found.modified_at is not None and found.modified_at < before:
            gone += int(storage.delete_file(found.ref))
    return gone
