"""What the catalogue shows: plain values made from rows, which outlive the session they were read in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import or_
from sqlmodel import Session, col, select

from catalog.access import AccessLevel, levels_of
from catalog.caller import Caller
from catalog.same_content import SameFile, others_like
from db.tables import Column, Dataset, DatasetTag, File, FileStatus, User, Visibility
from preview.formats import TEXT_FORMATS
from storage.protocol import Backend

MOST_READ_ATTEMPTS = 5
"""How often the background reader tries a file that ends its worker or its time, before it lets it be."""

MOST_MATCHED = 5
"""Columns that are named as found by a search."""

RowsCounted = Literal["known", "counting", "unknown"]


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One version of a dataset. Sizes in bytes; `rows` and `columns` are counts, None where not known."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    version: int
    file_name: str
    format: str
    media_type: str
    size: int
    sha256: str | None
    sha256_verified: bool
    rows: int | None
    columns: int | None
    status: str
    created_at: datetime
    backend: Backend
    downloads: int
    rows_counted: RowsCounted
    failure: str | None = None
    """Of a failed one: why it is not served, in a sentence."""
    verified_at: datetime | None = None
    """When every stored byte was last read and was right."""


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset as a list shows it to somebody. The file facts are those of its newest ready version."""

    id: uuid.UUID
    name: str
    description: str
    tags: tuple[str, ...]
    owner: str
    format: str
    size: int
    rows: int | None
    columns: int | None
    created_at: datetime
    updated_at: datetime
    file_id: uuid.UUID | None
    file_name: str
    visibility: Visibility
    access: AccessLevel
    """What it is to whoever is shown it."""
    matched_columns: tuple[str, ...] = ()
    """Of a list that was searched: names of columns in which a word of the search stands."""


@dataclass(frozen=True, slots=True)
class DatasetDetail:
    """A dataset with its ready files, newest first, and those that failed their check; `downloads` is over both.

    `same_as` are other files that the caller sees and that hold the very bytes of the newest one.
    """

    summary: DatasetSummary
    files: tuple[FileVersion, ...]
    failed: tuple[FileVersion, ...]
    downloads: int
    same_as: tuple[SameFile, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """A page of the list; `total` datasets of `total_size` bytes match in all."""

    items: tuple[DatasetSummary, ...]
    next_cursor: str | None
    total: int
    total_size: int


def file_version(file: File) -> FileVersion:
    """Of a file that belongs to a dataset and is ready or failed."""
    assert file.dataset_id is not None
    return FileVersion(
        id=file.id,
        dataset_id=file.dataset_id,
        version=file.version or 0,
        file_name=file.file_name,
        format=file.format,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        sha256_verified=file.sha256_verified,
        rows=file.rows,
        columns=file.columns,
        status=file.status,
        created_at=file.created_at,
        backend=Backend(file.backend),
        downloads=file.downloads,
        rows_counted=_rows_counted(file),
        failure=file.failure,
        verified_at=file.verified_at,
    )


def dataset_summaries(session: Session, caller: Caller, datasets: Sequence[Dataset]) -> tuple[DatasetSummary, ...]:
    """Of datasets that the caller sees, in the order given; three queries at most, however many they are."""
    ids = [dataset.id for dataset in datasets]
    tags: dict[uuid.UUID, list[str]] = {one: [] for one in ids}
    if ids:
        rows = select(DatasetTag.dataset_id, DatasetTag.tag).where(col(DatasetTag.dataset_id).in_(ids))
        for dataset_id, tag in session.exec(rows.order_by(col(DatasetTag.position))):
            tags[dataset_id].append(tag)
    levels = levels_of(session, caller, datasets)
    owners = {dataset.owner_id for dataset in datasets}
    names = dict(session.exec(select(User.id, User.name).where(col(User.id).in_(owners))).all()) if owners else {}
    return tuple(
        DatasetSummary(
            id=dataset.id,
            name=dataset.name,
            description=dataset.description,
            tags=tuple(tags[dataset.id]),
            owner=names[dataset.owner_id],
            format=dataset.format,
            size=dataset.size,
            rows=dataset.rows,
            columns=dataset.columns,
            created_at=dataset.created_at,
            updated_at=dataset.updated_at,
            file_id=dataset.current_file_id,
            file_name=dataset.file_name,
            visibility=Visibility(dataset.visibility),
            access=levels[dataset.id],
        )
        for dataset in datasets
    )


def with_matched_columns(
    session: Session, summaries: Sequence[DatasetSummary], words: Sequence[str]
) -> tuple[DatasetSummary, ...]:
    """The same, each with the first columns in whose names one of the folded words stands."""
    ids = [one.file_id for one in summaries if one.file_id is not None]
    if not words or not ids:
        return tuple(summaries)
    found: dict[uuid.UUID, list[str]] = {}
    has = or_(*(col(Column.name_key).contains(word, autoescape=True) for word in words))
    query = select(Column.file_id, Column.name).where(col(Column.file_id).in_(ids), has)
    for file_id, name in session.exec(query.order_by(col(Column.position))):
        found.setdefault(file_id, []).append(name)
    return tuple(
        replace(one, matched_columns=tuple(found.get(one.file_id, ())[:MOST_MATCHED])) if one.file_id else one
        for one in summaries
    )


def dataset_detail(session: Session, caller: Caller, dataset: Dataset) -> DatasetDetail:
    """Of a dataset that the caller sees."""
    shown = col(File.status).in_((FileStatus.READY, FileStatus.FAILED))
    query = select(File).where(File.dataset_id == dataset.id, shown).order_by(col(File.version).desc())
    rows = session.exec(query).all()
    files = [file_version(row) for row in rows]
    current = next((row for row in rows if row.id == dataset.current_file_id), None)
    return DatasetDetail(
        summary=dataset_summaries(session, caller, [dataset])[0],
        files=tuple(file for file in files if file.status == FileStatus.READY),
        failed=tuple(file for file in files if file.status == FileStatus.FAILED),
        downloads=sum(file.downloads for file in files),
        same_as=() if current is None else others_like(session, caller, current),
    )


def _rows_counted(file: File) -> RowsCounted:
    if file.rows is not None:
        return "known"
    if file.format == "other" or file.status != FileStatus.READY or file.read_attempts >= MOST_READ_ATTEMPTS:
        return "unknown"
    unread = file.described_at is None or (file.format in TEXT_FORMATS and file.scanned_at is None)
    return "counting" if unread else "unknown"
