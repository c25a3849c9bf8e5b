"""Listings of an S3 store: every page of them, a failed page asked for again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice

from minio import Minio
from minio.datatypes import Object

from storage.multipart import MultipartCalls
from storage.protocol import ObjectRef, Part
from storage.retries import Retries

_PAGE = 1000
"""The most keys S3 gives at a time."""


def objects(client: Minio, retries: Retries, bucket: str, prefix: str) -> Iterator[Object]:
    """Every object under the prefix, in the store's order of keys."""

    def page(after: str | None) -> list[Object]:
        return list(islice(client.list_objects(bucket, prefix=prefix, recursive=True, start_after=after), _PAGE))

    after: str | None = None
    while found := retries.safe(partial(page, after)):
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1].object_name


def all_parts(calls: MultipartCalls, retries: Retries, bucket: str, ref: ObjectRef, upload_id: str) -> list[Part]:
    """Every part of an upload, by number. Raises UploadNotFound."""
    parts: dict[Part, None] = {}
    after, more = 0, True
    while more:
        page, more = retries.safe(partial(calls.part_page, bucket, ref.key, upload_id, after=after), ref)
        parts.update(dict.fromkeys(page))
        after = page[-1].number if page else after
    return sorted(parts, key=lambda part: part.number)


def uploads_under_way(
    calls: MultipartCalls, retries: Retries, bucket: str, prefix: str
) -> Iterator[tuple[str, str, datetime | None]]:
    """(key, upload id, begun at) of every multipart upload under the prefix."""
    seen: set[str] = set()
    # S3 goes on after a key and an id. SeaweedFS 4.48 takes the key for the only one wanted and goes on by the id
    # alone, which S3 ignores: so what is more than one page is read in both ways, and nothing is given twice.
    for by_key in (True, False):
        last: tuple[str | None, str | None] = (None, None)
        while True:
            key, upload_id = last
            ask = partial(calls.upload_page, bucket, prefix, after_key=key if by_key else None, after_id=upload_id)
            page, more = retries.safe(ask)
            yield from (found for found in page if found[1] not in seen)
            seen.update(found[1] for found in page)
            if not more or page[-1][:2] == last:
                break
            last = page[-1][:2]
        if last == (None, None):
            return
