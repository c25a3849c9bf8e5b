"""Which object keys, part numbers and expiries every backend takes, so that none accepts what another refuses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from storage.protocol import MAX_PARTS, BucketRole, InvalidKey, ObjectRef, Part, PartRejected, UploadNotFound

LONGEST_KEY = 1024
"""Bytes of UTF-8 (Amazon S3 user guide, "Naming Amazon S3 objects")."""
LONGEST_SEGMENT = 240
"""Bytes between two slashes: a file name of 255 with room for the suffix of what lies beside it on local disk."""
LONGEST_EXPIRY = timedelta(days=7)
"""SigV4 refuses a longer one; local links keep to it too."""


def check_key(key: str) -> None:
    """Refuse a key that would leave its bucket or that a file system cannot hold. Raises InvalidKey."""
    segments = key.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise InvalidKey(f"object key {key!r} has an empty, '.' or '..' segment")
    if any(ord(character) < 32 or character in "\\\x7f" for character in key):
        raise InvalidKey(f"object key {key!r} has a control character or a backslash")
    try:
        lengths = [len(segment.encode()) for segment in segments]
    except UnicodeEncodeError:
        raise InvalidKey(f"object key {key!r} is not valid Unicode") from None
    if max(lengths) > LONGEST_SEGMENT or sum(lengths) + len(lengths) - 1 > LONGEST_KEY:
        raise InvalidKey(f"object key of {sum(lengths)} bytes is too long")


def check_part_number(number: int) -> None:
    """Raises ValueError for a part number outside 1 to 10,000."""
    if not 1 <= number <= MAX_PARTS:
        raise ValueError(f"part number {number} is outside 1 to {MAX_PARTS}")


def check_upload_id(upload_id: str, ref: ObjectRef) -> None:
    """Raises UploadNotFound for what no store gives as an id.

    A DELETE with an empty `uploadId` could be taken for one of the object itself, and one with slashes for a path.
    """
    if not upload_id or "/" in upload_id:
        raise UploadNotFound("the store does not know this upload", ref=ref)


def check_expiry(expires_in: timedelta) -> None:
    """Raises ValueError for an expiry outside one second to seven days."""
    if not timedelta(seconds=1) <= expires_in <= LONGEST_EXPIRY:
        raise ValueError(f"a signed link lasts from 1 second to 7 days, not {expires_in}")


def in_order(parts: Sequence[Part], ref: ObjectRef) -> list[Part]:
    """The parts by number, their ETags bare. Raises PartRejected unless the numbers are 1 to N, each once.

    S3 itself would join parts 1 and 3 without a word; a dataset with a hole is worse than an error.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    if not ordered or [part.number for part in ordered] != list(range(1, len(ordered) + 1)):
        raise PartRejected("the parts are not numbered from 1 without a gap", ref=ref)
    return [Part(part.number, part.etag.strip('"'), part.size) for part in ordered]


def role_prefix(role: BucketRole, prefix: str, *, shared: bool) -> str | None:
    """The prefix to list for a role; None where a role that shares its bucket can have nothing under `prefix`."""
    own = f"{role}/"
    if not shared or prefix.startswith(own):
        return prefix
    return own if own.startswith(prefix) else None
