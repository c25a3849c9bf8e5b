"""How a file is cut into parts, and whether the parts in the store are the file that was announced."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.errors import PartMismatch, PartsMissing, SizeMismatch
from storage.protocol import MAX_PARTS, Part

MIB = 1024**2
SMALL_PART = 16 * MIB
LARGE_PART = 64 * MIB
LARGE_FILE = 1024**3
"""Bytes from which a file is cut into large parts: fewer requests, and still something to send again cheaply."""


@dataclass(frozen=True, slots=True)
class ClientPart:
    """A part as the client says it sent it. `sha256` is of the part's bytes, 64 hexadecimal digits, where it knows."""

    number: int
    etag: str
    sha256: str | None = None


def part_size_for(size: int) -> int:
    """Bytes a part of a file of `size` bytes; grows, in whole MiB, so that no file needs more than 10,000 parts."""
    if size < LARGE_FILE:
        return SMALL_PART
    least = -(-size // MAX_PARTS)
    return max(LARGE_PART, -(-least // MIB) * MIB)


def part_count(size: int, part_size: int) -> int:
    """An empty file has one part, of no bytes."""
    return max(1, -(-size // part_size))


def part_length(number: int, *, size: int, part_size: int) -> int:
    """Bytes of part `number`, counted from 1."""
    return min(part_size, size - (number - 1) * part_size)


def each_part(received: Sequence[Part], *, size: int, part_size: int) -> tuple[Part, ...]:
    """What has arrived, by number, each number once: where a part was sent more than once, the newest whole one."""

    def rank(part: Part) -> tuple[bool, float]:
        whole = part.size == part_length(part.number, size=size, part_size=part_size)
        return whole, part.sent_at.timestamp() if part.sent_at is not None else 0.0

    # SeaweedFS keeps, and lists, every sending of a part, in no order; S3 only the last one.
    found: dict[int, Part] = {}
    for part in received:
        if part.number not in found or rank(part) >= rank(found[part.number]):
            found[part.number] = part
    return tuple(found[number] for number in sorted(found))


def chosen_parts(named: Sequence[ClientPart], received: Sequence[Part], *, size: int, part_size: int) -> list[Part]:
    """The store's parts that make the file, in order, once every one of them is what the client says.

    Raises PartMismatch for an unknown or repeated number or another ETag, PartsMissing for what was not named or is not
    in the store, SizeMismatch for a part of the wrong length.
    """
    count = part_count(size, part_size)
    for number, times in Counter(part.number for part in named).items():
        if not 1 <= number <= count:
            raise PartMismatch(f"Part {number} does not belong to this upload, which has {count} in all.")
        if times > 1:
            raise PartMismatch(f"Part {number} is named {times} times.")
    # Where the store lists a part's every sending, the one the client names counts.
    there: dict[int, dict[str, Part]] = defaultdict(dict)
    for part in received:
        there[part.number][_bare(part.etag)] = part
    etags = {part.number: part.etag for part in named}
    missing = [number for number in range(1, count + 1) if number not in there or number not in etags]
    if missing:
        raise PartsMissing(missing)
    for number, etag in etags.items():
        if _bare(etag) not in there[number]:
            raise PartMismatch(
                f"Part {number} in the store is not the one you sent: its ETag differs. Send that part again."
            )
    chosen = [there[number][_bare(etags[number])] for number in range(1, count + 1)]
    for part in chosen:
        expected = part_length(part.number, size=size, part_size=part_size)
        if part.size != expected:
            raise SizeMismatch(
                f"Part {part.number} has {part.size:,} bytes where {expected:,} were announced. "
                "Send that part again, or start over with the file's real size."
            )
    return chosen


def _bare(etag: str) -> str:
    return etag.strip().strip('"').lower()
