"""The shapes of answers about who did what, and the filters of a list of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api.deps import known_dataset_id
from api.schemas import DATASET, FILE, Out
from api.upload_schemas import Moment
from catalog.activity import LONGEST_SEARCH, ActivityEntry, ActivityPage, ActivityQuery
from catalog.activity_groups import Group

LONGEST_PERSON = 200


class ActivityEntryOut(Out):
    """One thing that was done. Names are those of then; what is not known, or not the caller's to know, is null."""

    id: UUID
    at: datetime = Field(examples=["2026-11-29T10:00:00Z"])
    kind: str = Field(examples=["file_downloaded"])
    group: str = Field(
        description="sign-ins uploads downloads shares changes deletions operation", examples=["downloads"]
    )
    by: Literal["person", "link", "operator", "app"] = Field(examples=["person"])
    actor: str | None = Field(description="Who did it, by the name they had then.", examples=["ada"])
    user_id: UUID | None
    dataset_id: UUID | None = Field(examples=[DATASET])
    dataset_name: str | None = Field(examples=["Airports"])
    file_id: UUID | None = Field(examples=[FILE])
    file_name: str | None = Field(examples=["airports.csv"])
    version: int | None = Field(examples=[4])
    asked: int | None = Field(description="Bytes that a download asked for.", examples=[210365])
    link_id: UUID | None = Field(description="The share link or upload request it came by.", examples=[None])
    address: str | None = Field(examples=["203.0.113.7"])
    agent: str | None = Field(description="What the client calls itself.", examples=["python-requests/2.32"])
    detail: dict[str, Any] = Field(description="What else is known of it, by kind.", examples=[{"size": 210365}])

    @classmethod
    def of(cls, entry: ActivityEntry) -> ActivityEntryOut:
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class ActivityOut(Out):
    """The newest first."""

    items: list[ActivityEntryOut]
    next_cursor: str | None = Field(description="Hand it back as `cursor` for the page after; null on the last.")
    whole: bool = Field(
        description="False for whoever may not change the dataset: what changed, without addresses and downloads.",
        examples=[True],
    )

    @classmethod
    def of(cls, page: ActivityPage) -> ActivityOut:
        items = [ActivityEntryOut.of(entry) for entry in page.items]
        return cls(items=items, next_cursor=page.next_cursor, whole=page.whole)


def filters(
    q: Annotated[
        str,
        Query(max_length=LONGEST_SEARCH, description="Words in a name of a dataset, file or person, or in an address."),
    ] = "",
    person: Annotated[
        str | None,
        Query(max_length=LONGEST_PERSON, description="A user's id or name, or a command such as `ops restore`."),
    ] = None,
    group: Annotated[list[Group] | None, Query(max_length=len(Group), description="Repeat it for several.")] = None,
    dataset_id: Annotated[
        str | None, Query(json_schema_extra={"format": "uuid"}, description="What was done to it, be it there or not.")
    ] = None,
    link_id: Annotated[UUID | None, Query(description="What was done by this share link or upload request.")] = None,
    since: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> ActivityQuery:
    return ActivityQuery(
        q=q,
        person=person,
        groups=tuple(dict.fromkeys(group or ())),
        dataset_id=None if dataset_id is None else known_dataset_id(dataset_id),
        link_id=link_id,
        since=since,
        until=until,
    )
