"""The shapes of uploads (DESIGN, "HTTP contract"): how one is announced, sent in parts, completed, found again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from api.schemas import DATASET, FILE, LINK, UPLOAD, In, Out
from catalog.digests import FileParts
from catalog.same_content import SameFile

DIGEST = "9c1f07ab4d2e5c8f1a3b6d9e0f7c2a5b8d1e4f7a0c3b6d9e2f5a8b1c4d7ee2d4"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]


def _text(value: object) -> object:
    # Lax enough for JSON's text, and no more: a number is not a time here.
    if value is not None and not (isinstance(value, str) and _DATE.match(value)):
        raise ValueError("must be an RFC 3339 time with its offset")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999, in UTC too") from None


_DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
Moment = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_in_utc), Field(strict=False)]


class UploadIn(In):
    filename: str = Field(description="All up to the last / or \\ is dropped.", examples=["airports.csv"])
    size: int = Field(description="Bytes, 0 to 5 TiB.", examples=[210365])
    content_type: str | None = Field(default=None, max_length=255, examples=["text/csv"])
    dataset_id: str | None = Field(
        default=None, description="Add a version to this dataset; without it a new one is made.", examples=[None]
    )
    name: str | None = Field(
        default=None, description="A name for the new dataset; in use: 409.", examples=["Airports"]
    )
    bucket: str | None = Field(
        default=None, description="A bucket role: datasets (default), models or temp.", examples=["datasets"]
    )
    sha256: str | None = Field(
        default=None, description="SHA-256 of the whole, 64 hexadecimal digits.", examples=[None]
    )
    modified_at: Moment | None = Field(
        default=None, description="The file's own date on your disk.", examples=["2026-11-20T08:15:00Z"]
    )
    folder: Annotated[str, StringConstraints(max_length=1000)] | None = Field(
        default=None, description="The folder it was dropped with.", examples=["survey/2026"]
    )
    head_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of bytes [0, min(size, 1 MiB)).", examples=[DIGEST]
    )
    tail_sha256: Sha256 | None = Field(
        default=None, description="SHA-256 of bytes [max(0, size − 1 MiB), size).", examples=[DIGEST]
    )


class PartUrlOut(Out):
    number: int = Field(examples=[1])
    url: str = Field(examples=[LINK])


class UploadStartedOut(Out):
    """PUT part n, bytes [(n−1)·part_size, n·part_size), to its URL; the answer's ETag goes into `complete`."""

    upload_id: UUID = Field(examples=[UPLOAD])
    file_id: UUID = Field(examples=[FILE])
    dataset_id: UUID = Field(examples=[DATASET])
    part_size: int = Field(description="Bytes.", examples=[16777216])
    parts: list[PartUrlOut] = Field(description="The first 100 at most; more by POST /uploads/{upload_id}/parts.")
    expires_at: datetime = Field(description="When these URLs expire; sign again by POST /uploads/{upload_id}/parts.")


class ReceivedPartOut(Out):
    number: int = Field(examples=[1])
    size: int = Field(examples=[16777216])
    etag: str = Field(examples=["0cc175b9c0f1b6a831c399e269772661"])


class UploadOut(Out):
    """An unfinished upload of yours, with what a client needs to know its file again."""

    upload_id: UUID = Field(examples=[UPLOAD])
    file_id: UUID = Field(examples=[FILE])
    dataset_id: UUID = Field(examples=[DATASET])
    filename: str = Field(examples=["airports.csv"])
    size: int = Field(examples=[210365])
    part_size: int = Field(examples=[16777216])
    part_count: int = Field(examples=[3])
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    dataset_name: str = Field(examples=["Airports"])
    modified_at: datetime | None = Field(
        description="The file's own date on the disk it came from.", examples=["2026-11-20T08:15:00Z"]
    )
    folder: str | None = Field(examples=["survey/2026"])
    head_sha256: str | None = Field(examples=[DIGEST])
    tail_sha256: str | None = Field(examples=[DIGEST])
    via_app: bool = Field(description="Whether its parts may be sent through the app (`via`).", examples=[True])


class UploadDetailOut(UploadOut):
    received: list[ReceivedPartOut] = Field(description="The parts the store holds.")


class UploadListOut(Out):
    items: list[UploadOut]


class PartNumbersIn(In):
    numbers: Annotated[list[int], Field(min_length=1, max_length=1000, examples=[[1, 2, 3]])]
    via: Literal["direct", "app"] | None = Field(
        default=None,
        description="Links straight to the store, or through the app; left out: as UPLOAD__VIA says.",
        examples=["direct"],
    )


class PartUrlsOut(Out):
    parts: list[PartUrlOut]


class CompletedPartIn(In):
    number: int = Field(examples=[1])
    etag: Annotated[str, StringConstraints(max_length=200)] = Field(
        description="As the PUT answered it, quoted or bare.", examples=['"0cc1…"']
    )
    sha256: Sha256 | None = Field(
        default=None,
        description="Of the part's bytes; kept, and held against the stored bytes in the background.",
        examples=[DIGEST],
    )


class CompleteIn(In):
    parts: Annotated[list[CompletedPartIn], Field(max_length=10_000)]
    sha256: Sha256 | None = Field(default=None, description="Of the whole file.", examples=[None])


class SameIn(In):
    """What is known of a file that is not sent yet."""

    size: int = Field(ge=0, description="Bytes.", examples=[210365])
    head_sha256: Sha256 = Field(description="SHA-256 of bytes [0, min(size, 1 MiB)).", examples=[DIGEST])
    tail_sha256: Sha256 = Field(description="SHA-256 of bytes [max(0, size − 1 MiB), size).", examples=[DIGEST])
    sha256: Sha256 | None = Field(default=None, description="Of the whole, where you have it.", examples=[None])
    part_size: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Bytes.", examples=[16777216])
    part_sha256: Annotated[list[Sha256], Field(max_length=10_000)] | None = Field(
        default=None, description="SHA-256 of each part of `part_size` bytes.", examples=[[DIGEST]]
    )


class SameFileOut(Out):
    dataset_id: UUID = Field(examples=[DATASET])
    dataset_name: str = Field(examples=["Airports"])
    file_id: UUID = Field(examples=[FILE])
    version: int = Field(examples=[4])
    file_name: str = Field(examples=["airports.csv"])
    certain: bool = Field(
        description="True: every byte is the same, by its SHA-256. False: size, first and last MiB are.",
        examples=[True],
    )

    @classmethod
    def of(cls, same: SameFile) -> SameFileOut:
        return cls(
            dataset_id=same.dataset_id,
            dataset_name=same.dataset_name,
            file_id=same.file_id,
            version=same.version,
            file_name=same.file_name,
            certain=same.certain,
        )


class SameListOut(Out):
    items: list[SameFileOut]


class PartDigestOut(Out):
    number: int = Field(examples=[1])
    size: int = Field(description="Bytes.", examples=[16777216])
    sha256: str | None = Field(examples=[DIGEST])


class FilePartsOut(Out):
    """Part n is bytes [(n−1)·part_size, n·part_size)."""

    part_size: int = Field(description="Bytes.", examples=[16777216])
    parts: list[PartDigestOut]
    sha256: str | None = Field(description="Of the whole.", examples=[DIGEST])

    @classmethod
    def of(cls, parts: FileParts) -> FilePartsOut:
        listed = [PartDigestOut(number=one.number, size=one.size, sha256=one.sha256) for one in parts.parts]
        return cls(part_size=parts.part_size, parts=listed, sha256=parts.sha256)
