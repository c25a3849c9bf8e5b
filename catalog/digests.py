"""SHA-256 of a file's parts: what the client sent with them, kept, handed out, and held against what the store has."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import Session, select

from catalog.access import find_ready_file
from catalog.caller import Caller
from catalog.intake import clean_sha256
from catalog.parts import ClientPart, part_count, part_length, part_size_for
from db import Database
from db.tables import File, PartDigests, Upload

LENGTH = 32
"""Bytes of a SHA-256."""
UNKNOWN = bytes(LENGTH)


class Difference(NamedTuple):
    """A part whose bytes are not those that were sent: its number, its first byte and its last."""

    number: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Digests:
    """One for each part, `UNKNOWN` where nobody told it. Part n is bytes [(n−1)·part_size, n·part_size)."""

    part_size: int
    parts: tuple[bytes, ...]

    @classmethod
    def told(cls, named: Sequence[ClientPart], *, size: int, part_size: int) -> Digests | None:
        """What a client told when it completed; None where it told nothing. Raises InvalidChecksum."""
        known: Mapping[int, str] = {part.number: told for part in named if (told := clean_sha256(part.sha256))}
        if not known:
            return None
        numbers = range(1, part_count(size, part_size) + 1)
        return cls(part_size, tuple(bytes.fromhex(known[n]) if n in known else UNKNOWN for n in numbers))

    @classmethod
    def none(cls, size: int, part_size: int) -> Digests:
        """Of a file of which nothing was told."""
        return cls(part_size, (UNKNOWN,) * part_count(size, part_size))

    @classmethod
    def kept(cls, session: Session, file_id: uuid.UUID) -> Digests | None:
        row = session.exec(select(PartDigests).where(PartDigests.file_id == file_id)).first()
        if row is None:
            return None
        count = len(row.digests) // LENGTH
        return cls(row.part_size, tuple(row.digests[n * LENGTH : (n + 1) * LENGTH] for n in range(count)))

    def keep(self, session: Session, file_id: uuid.UUID) -> None:
        """In the caller's transaction; instead of what was kept before."""
        session.merge(PartDigests(file_id=file_id, part_size=self.part_size, digests=b"".join(self.parts)))

    @property
    def complete(self) -> bool:
        """Whether every part's is known."""
        return UNKNOWN not in self.parts

    def difference(self, found: Digests, *, size: int) -> Difference | None:
        """The first part that is known to both and not the same. Both are cut alike."""
        for place, (told, read) in enumerate(zip(self.parts, found.parts, strict=True)):
            if told not in (UNKNOWN, read):
                first = place * self.part_size
                length = part_length(place + 1, size=size, part_size=self.part_size)
                return Difference(place + 1, first, first + max(0, length - 1))
        return None


class DigestOfPart(NamedTuple):
    """`sha256` in hexadecimal, None where it is not known."""

    number: int
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class FileParts:
    """How a file was cut, for a client that fetches it in pieces and checks each."""

    part_size: int
    parts: tuple[DigestOfPart, ...]
    sha256: str | None


def parts_of(session: Session, file: File) -> Digests:
    """What is known of each part, all `UNKNOWN` where that is nothing."""
    kept = Digests.kept(session, file.id)
    if kept is not None:
        return kept
    cut = session.exec(select(Upload.part_size).where(Upload.file_id == file.id)).first()
    return Digests.none(file.size, cut or part_size_for(file.size))


def still_to_be_compared(session: Session, file: File) -> bool:
    """Whether digests of parts that a client told were never held against the stored bytes: whoever reads and copies
    those knows their SHA-256, and not that they are what was sent."""
    return file.sha256 is None and Digests.kept(session, file.id) is not None


@dataclass(frozen=True)
class PartsOfFiles:
    """Answers for the digests of the caller's files."""

    database: Database

    def get(self, caller: Caller, file_id: uuid.UUID) -> FileParts:
        """Raises FileNotFound, FileNotReady."""
        with self.database.session() as session:
            file = find_ready_file(session, caller, file_id)
            known = parts_of(session, file)
        return FileParts(
            known.part_size,
            tuple(
                DigestOfPart(
                    number,
                    part_length(number, size=file.size, part_size=known.part_size),
                    None if digest == UNKNOWN else digest.hex(),
                )
                for number, digest in enumerate(known.parts, start=1)
            ),
            file.sha256,
        )
