"""Whether the bytes that were read are those that were sent, and the sentence where they are not.

What an ETag can prove is little, so nothing here asks one (Amazon S3 API reference, "Common response headers", ETag;
user guide, "Checking object integrity"). A part's ETag is the MD5 of its bytes where the store encrypts with nothing or
with its own keys (SSE-S3), and anything at all with SSE-KMS or SSE-C; that of an object made of parts is a hash of the
parts' hashes with their number behind it. The client sends SHA-256 and no MD5: at `complete` an ETag proves that the
store has the very part which it answered the client for, and nothing about that part's bytes. Those are read and held
against the SHA-256 instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.digests import LENGTH, Difference, Digests
from catalog.parts import part_count
from db.tables import File
from preview.result import Scan


@dataclass(frozen=True, slots=True)
class Reading:
    """What every byte of a stored file came to, read once."""

    sha256: str
    size: int
    digests: Digests

    @classmethod
    def of(cls, scan: Scan, cut: Digests) -> Reading:
        """Of a scan that was given `cutting(cut)`."""
        return cls.made(scan.sha256, scan.size, scan.part_digests, cut.part_size)

    @classmethod
    def made(cls, sha256: str, size: int, part_digests: bytes, part_size: int) -> Reading:
        """`part_digests` may be empty for a file of one part."""
        joined = part_digests or bytes.fromhex(sha256)
        parts = tuple(joined[place : place + LENGTH] for place in range(0, len(joined), LENGTH))
        return cls(sha256, size, Digests(part_size, parts))


@dataclass(frozen=True, slots=True)
class Wrong:
    """What differs: a sentence for people, and facts for the record."""

    failure: str
    detail: dict[str, object]


def cutting(file: File, cut: Digests) -> int | None:
    """The part size to read the file with; None for a file of one part, whose digest is that of the whole."""
    return cut.part_size if part_count(file.size, cut.part_size) > 1 else None


def wrong_with(file: File, told: Digests, reading: Reading) -> Wrong | None:
    """What differs from what is known of the file; None where nothing does, as where nothing is known."""
    if reading.size != file.size:
        return Wrong(
            f"The stored file has {reading.size:,} bytes where {file.size:,} were sent, so this version is not served; "
            "upload the file again.",
            {"stored_size": reading.size, "size": file.size},
        )
    part = told.difference(reading.digests, size=file.size)
    facts: dict[str, object] = {"announced": file.sha256, "stored": reading.sha256}
    if part is not None:
        return Wrong(
            _of_part(part, file.size), {**facts, "part": part.number, "first_byte": part.first, "last_byte": part.last}
        )
    if file.sha256 not in (None, reading.sha256):
        return Wrong(
            "The stored bytes have another SHA-256 than the file that was sent, so this version is not served; upload "
            "the file again.",
            facts,
        )
    return None


def _of_part(part: Difference, size: int) -> str:
    where = f"Part {part.number} of the stored file (bytes {part.first:,}–{part.last:,}) differs"
    if part.last - part.first + 1 >= size:
        where = "The stored bytes differ"
    return f"{where} from what was sent, so this version is not served; upload the file again."
