"""The shapes of requests and answers about who sees a dataset."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field, field_validator

from api.schemas import In, Out
from catalog.sharing import MOST_SHARED, DatasetAccess, Level, SharedWith, ShareKind, Visibility

PERSON = "5e1c7f60-8f5a-4a53-9a35-6c1c2f0a7f10"


class SharedWithOut(Out):
    """A person or a group that the dataset is shared with."""

    kind: Literal["user", "group"] = Field(examples=["user"])
    id: UUID = Field(examples=[PERSON])
    name: str = Field(examples=["Ann"])
    level: Literal["reader", "editor"] = Field(examples=["reader"])


class AccessOut(Out):
    """Who sees a dataset. Whoever only reads it finds themselves and their groups in `people`, nobody else."""

    owner: str = Field(examples=["Bea"])
    visibility: Literal["private", "team"] = Field(
        description="`team`: everybody who signs in sees it.", examples=["private"]
    )
    access: Literal["owner", "editor", "reader"] = Field(description="What it is to you.", examples=["owner"])
    people: list[SharedWithOut]

    @classmethod
    def of(cls, access: DatasetAccess) -> AccessOut:
        people = [
            SharedWithOut(kind=one.kind.value, id=one.id, name=one.name, level=one.level.value) for one in access.people
        ]
        return cls(owner=access.owner, visibility=access.visibility.value, access=access.access, people=people)


class SharedWithIn(In):
    kind: Literal["user", "group"] = Field(examples=["user"])
    id: str = Field(max_length=100, json_schema_extra={"format": "uuid"}, examples=[PERSON])
    level: Literal["reader", "editor"] = Field(examples=["reader"])

    @field_validator("id")
    @classmethod
    def _is_id(cls, text: str) -> str:
        UUID(text)
        return text

    def value(self) -> SharedWith:
        return SharedWith(ShareKind(self.kind), UUID(self.id), Level(self.level))


class AccessIn(In):
    """What is left out, or null, stays as it is."""

    visibility: Literal["private", "team"] | None = Field(default=None, examples=["team"])
    people: list[SharedWithIn] | None = Field(
        default=None,
        description=f"All that it shall be shared with, {MOST_SHARED} at most; whoever is not named loses it.",
    )

    def shown_to(self) -> Visibility | None:
        return None if self.visibility is None else Visibility(self.visibility)

    def shared_with(self) -> list[SharedWith] | None:
        return None if self.people is None else [one.value() for one in self.people]


class OwnerIn(In):
    to: str = Field(min_length=1, max_length=200, description="A person's name or id.", examples=["Ann"])
