"""The shapes of requests and answers (DESIGN, "HTTP contract"), apart from the tables behind them.

Answers are made by `of(...)` from the catalogue's views. Times are RFC 3339 with `Z`; what is not known is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from catalog.views import DatasetDetail, DatasetSummary, FileVersion
from preview import Preview

FILE = "9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11"
DATASET = "2f0a4a0e-6f7e-4a3b-8c52-0d9d3c1b7e55"
UPLOAD = "c7b1f5d0-3e2a-4d59-9f0b-5a1e2c3d4f66"
LINK = "http://localhost:9000/mlops-files/datasets/2026/11/9a6f…?X-Amz-Signature=…"


class Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class In(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProblemOut(Out):
    """RFC 9457. `type` tells the cases apart; `detail` is the sentence for a person."""

    type: str = Field(examples=["urn:datashelf:problem:dataset-not-found"])
    title: str = Field(examples=["No such dataset"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=[f"There is no dataset {DATASET}."])


class FileOut(Out):
    """One version of a dataset."""

    id: UUID = Field(examples=[FILE])
    version: int = Field(examples=[4])
    file_name: str = Field(examples=["airports.csv"])
    format: str = Field(description="csv tsv json jsonl parquet arrow xlsx xls ods other", examples=["csv"])
    media_type: str = Field(examples=["text/csv"])
    size: int = Field(description="Bytes.", examples=[210365])
    sha256: str | None = Field(examples=["9c1f07ab4d2e5c8f1a3b6d9e0f7c2a5b8d1e4f7a0c3b6d9e2f5a8b1c4d7ee2d4"])
    sha256_verified: bool | None = Field(
        description="False until the stored bytes have been read and compared.", examples=[True]
    )
    rows: int | None = Field(examples=[3376])
    columns: int | None = Field(description="How many columns.", examples=[7])
    status: str = Field(examples=["ready"])
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])

    @classmethod
    def of(cls, file: FileVersion) -> FileOut:
        return cls(
            id=file.id,
            version=file.version,
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
        )


class DatasetOut(Out):
    """A dataset, spoken for by its newest ready version."""

    id: UUID = Field(examples=[DATASET])
    name: str = Field(examples=["Airports"])
    description: str = Field(examples=["US airports with IATA code, city and position"])
    tags: list[str] = Field(examples=[["aviation", "geo"]])
    owner: str = Field(examples=["local"])
    format: str = Field(examples=["csv"])
    size: int = Field(description="Bytes.", examples=[210365])
    rows: int | None = Field(examples=[3376])
    columns: int | None = Field(description="How many columns.", examples=[7])
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    updated_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    file_id: UUID | None = Field(description="Null until the first version is ready.", examples=[FILE])
    file_name: str = Field(examples=["airports.csv"])
    visibility: Literal["private", "team"] = Field(
        description="`team`: everybody who signs in sees it.", examples=["private"]
    )
    access: Literal["owner", "editor", "reader"] = Field(
        description="What it is to you: an owner shares, renames and deletes it, an editor changes the rest.",
        examples=["owner"],
    )
    # Never null over HTTP: the routes leave out what is not set.
    download_url: str | SkipJsonSchema[None] = Field(
        default=None,
        description="A presigned link, good for MINIO__PRESIGN_EXPIRY seconds; left out where signing failed.",
        examples=[LINK],
    )

    @classmethod
    def of(cls, summary: DatasetSummary, links: Mapping[UUID, str]) -> DatasetOut:
        return cls(**_summary_fields(summary, links))


class SameAsOut(Out):
    """A version, of this or another dataset that you see, that holds the very same bytes."""

    dataset_id: UUID = Field(examples=[DATASET])
    dataset_name: str = Field(examples=["Airports"])
    file_id: UUID = Field(examples=[FILE])
    version: int = Field(examples=[2])


class DatasetDetailOut(DatasetOut):
    """One dataset with every ready version, newest first."""

    files: list[FileOut]
    # Never null over HTTP: the routes leave out what is not set.
    same_as: list[SameAsOut] | SkipJsonSchema[None] = Field(
        default=None, description="Other files that you see with the content of the newest version; left out for none."
    )

    @classmethod
    def of_detail(cls, detail: DatasetDetail, links: Mapping[UUID, str]) -> DatasetDetailOut:
        fields = _summary_fields(detail.summary, links)
        if detail.same_as:
            fields["same_as"] = [
                SameAsOut(
                    dataset_id=one.dataset_id,
                    dataset_name=one.dataset_name,
                    file_id=one.file_id,
                    version=one.version,
                )
                for one in detail.same_as
            ]
        return cls(**fields, files=[FileOut.of(file) for file in detail.files])


def _summary_fields(summary: DatasetSummary, links: Mapping[UUID, str]) -> dict[str, Any]:
    names = set(DatasetOut.model_fields) - {"tags", "download_url"}
    fields = {name: getattr(summary, name) for name in names} | {"tags": list(summary.tags)}
    if summary.file_id is not None and summary.file_id in links:
        fields["download_url"] = links[summary.file_id]
    return fields


class DatasetPageOut(Out):
    items: list[DatasetOut]
    next_cursor: str | None = Field(description="Hand it back as `cursor` for the next page; null on the last.")
    total: int = Field(description="How many datasets match in all.", examples=[61])


class DatasetPatchIn(In):
    """What may be changed; a member left out stays as it is."""

    name: str | None = Field(default=None, examples=["Airports of the US"])
    description: str | None = Field(default=None, examples=["US airports with IATA code, city and position"])
    tags: list[str] | None = Field(default=None, examples=[["aviation", "geo"]])


class DownloadUrlOut(Out):
    file_id: UUID = Field(examples=[FILE])
    url: str = Field(examples=[LINK])
    expiry_sec: int = Field(examples=[3600])
    backend: str = Field(examples=["minio"])


class ColumnOut(Out):
    name: str = Field(examples=["iata"])
    type: str = Field(
        description="boolean integer float decimal string date time timestamp duration binary list struct map null",
        examples=["string"],
    )


class PreviewOut(Out):
    columns: list[ColumnOut]
    rows: list[list[Any]] = Field(examples=[[["00M", "Thigpen", 31.9538]]])
    offset: int = Field(examples=[0])
    total_rows: int | None = Field(examples=[3376])
    partial: bool = Field(description="Whether the count or the types cover less than the file.", examples=[False])
    notes: list[str]

    @classmethod
    def of(cls, preview: Preview) -> PreviewOut:
        return cls(
            columns=[ColumnOut(name=column.name, type=column.type) for column in preview.columns],
            rows=preview.json_rows(),
            offset=preview.offset,
            total_rows=preview.total_rows,
            partial=preview.partial,
            notes=list(preview.notes),
        )


class LiveOut(Out):
    status: str = Field(examples=["ok"])


class ReadyOut(Out):
    """Each of `ok`, `degraded` (still 200) or `unavailable` (503)."""

    status: str = Field(examples=["ok"])
    database: str = Field(examples=["ok"])
    storage: str = Field(examples=["ok"])
