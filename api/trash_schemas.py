"""The shapes of answers about the trash."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas import DATASET, Out
from catalog.trash import TrashPage
from catalog.trash_items import TrashItem


class TrashItemOut(Out):
    """Something deleted that can be put back: a dataset with all its versions, or one version."""

    id: UUID = Field(description="Of the dataset, or of the version's file.", examples=[DATASET])
    kind: Literal["dataset", "version"] = Field(examples=["dataset"])
    dataset_id: UUID = Field(examples=[DATASET])
    name: str = Field(description="Of the dataset.", examples=["Airports"])
    version: int | None = Field(description="Null for a dataset.", examples=[None])
    versions: int = Field(description="How many come back with it.", examples=[3])
    file_name: str = Field(description="Of the newest of them.", examples=["airports.csv"])
    size: int = Field(description="Bytes of all of them.", examples=[631095])
    deleted_at: datetime = Field(examples=["2026-11-28T10:00:00Z"])
    purge_at: datetime = Field(
        description="When it is removed for good, within about an hour.", examples=["2026-12-05T10:00:00Z"]
    )

    @classmethod
    def of(cls, item: TrashItem) -> TrashItemOut:
        return cls(**{name: getattr(item, name) for name in cls.model_fields})


class TrashOut(Out):
    """The trash, the latest deleted first."""

    items: list[TrashItemOut]
    total: int = Field(description="How many things there are in all.", examples=[1])
    total_size: int = Field(description="Bytes of all of them, which the store still holds.", examples=[631095])

    @classmethod
    def of(cls, page: TrashPage) -> TrashOut:
        return cls(items=[TrashItemOut.of(item) for item in page.items], total=page.total, total_size=page.total_size)
