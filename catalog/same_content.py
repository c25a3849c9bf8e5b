"""Files that hold the same bytes as another one, so that nothing need be sent or kept twice: of those a caller sees."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from catalog.access import sees_dataset
from catalog.caller import Caller
from catalog.digests import Digests
from catalog.errors import InvalidChecksum
from catalog.intake import check_size, clean_sha256
from catalog.parts import part_count
from db import Database
from db.tables import Dataset, File, FileStatus

MOST = 20
"""Files that are named."""


@dataclass(frozen=True, slots=True)
class SameFile:
    """A ready file with the same content. `certain`: by the SHA-256 of every byte, not by the file's two ends alone."""

    dataset_id: uuid.UUID
    dataset_name: str
    file_id: uuid.UUID
    version: int
    file_name: str
    certain: bool


@dataclass(frozen=True)
class SameContent:
    """Finds ready files that the caller sees; of what is under way, failed or in the trash it knows nothing."""

    database: Database

    def find(
        self,
        caller: Caller,
        *,
        size: int,
        head_sha256: str,
        tail_sha256: str,
        sha256: str | None = None,
        part_size: int | None = None,
        part_sha256: Sequence[str] | None = None,
    ) -> tuple[SameFile, ...]:
        """The certain ones first, then the newest. An empty file has no content to be the same.

        Raises InvalidChecksum, InvalidSize.
        """
        check_size(size)
        head, tail, whole = clean_sha256(head_sha256), clean_sha256(tail_sha256), clean_sha256(sha256)
        parts = _parts(size, part_size, part_sha256)
        if size == 0:
            return ()
        ends = and_(col(File.head_sha256) == head, col(File.tail_sha256) == tail)
        likely = [ends, col(File.sha256) == whole] if whole is not None else [ends]
        # One that no client told the ends of can still be known by its parts.
        likely += [col(File.head_sha256).is_(None)] if parts is not None else []
        query = (
            select(File, Dataset.name)
            .join(Dataset, col(File.dataset_id) == Dataset.id)
            .where(*_shown(caller), File.size == size, or_(*likely))
            .order_by(col(File.created_at).desc())
            .limit(MOST * 5)
        )
        found: list[SameFile] = []
        with self.database.session() as session:
            for file, name in session.exec(query).all():
                same = _same(session, file, whole, parts)
                alike = (file.head_sha256, file.tail_sha256) == (head, tail)
                if same or (same is None and alike):
                    found.append(_named(file, name, certain=bool(same)))
        return tuple(sorted(found, key=lambda same: not same.certain)[:MOST])


def others_like(session: Session, caller: Caller, file: File) -> tuple[SameFile, ...]:
    """Other ready files that the caller sees and whose every byte is the same: both have been read."""
    if file.sha256 is None or not file.sha256_verified or file.size == 0:
        return ()
    query = (
        select(File, Dataset.name)
        .join(Dataset, col(File.dataset_id) == Dataset.id)
        .where(*_shown(caller), File.size == file.size)
        .where(File.sha256 == file.sha256, col(File.sha256_verified).is_(True), File.id != file.id)
        .order_by(col(File.created_at).desc())
        .limit(MOST)
    )
    return tuple(_named(other, name, certain=True) for other, name in session.exec(query).all())


def _shown(caller: Caller) -> tuple[ColumnElement[bool], ...]:
    """Ready, and not a copy made for a link."""
    ready, plain = col(File.status) == FileStatus.READY, col(Dataset.hidden_for).is_(None)
    return ready, plain, sees_dataset(caller)


def _parts(size: int, part_size: int | None, told: Sequence[str] | None) -> Digests | None:
    if part_size is None or told is None:
        return None
    if len(told) != part_count(size, part_size):
        raise InvalidChecksum(f"{len(told):,} parts' digests were given where the file has another number of parts.")
    cleaned = [clean_sha256(one) or "" for one in told]
    return Digests(part_size, tuple(bytes.fromhex(one) for one in cleaned))


def _same(session: Session, file: File, whole: str | None, parts: Digests | None) -> bool | None:
    """Whether every byte is the same; None where nothing that is known of both can tell."""
    if whole is not None and file.sha256 is not None and file.sha256_verified:
        return whole == file.sha256
    # What a client told of a file that nobody has read yet is no proof of what lies in the store.
    kept = Digests.kept(session, file.id) if parts is not None and file.sha256_verified else None
    if parts is None or kept is None or kept.part_size != parts.part_size or not kept.complete:
        return None
    return kept.parts == parts.parts


def _named(file: File, dataset_name: str, *, certain: bool) -> SameFile:
    assert file.dataset_id is not None
    return SameFile(file.dataset_id, dataset_name, file.id, file.version or 0, file.file_name, certain)
