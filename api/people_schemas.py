"""The shapes of requests and answers about people, groups and oneself."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas import In, Out
from catalog.people import GroupView, NameView, PersonView, Role, SelfView
from catalog.sessions import SessionView

PERSON = "4f7d2c11-90ab-4c3d-8e21-5b6a7c8d9e0f"
GROUP = "8a1b2c3d-4e5f-4061-9273-84950a1b2c3d"
SESSION = "d0e1f2a3-b4c5-4d6e-8f70-8192a3b4c5d6"
Level = Literal["viewer", "editor", "admin"]


class NameOut(Out):
    """Somebody to share with."""

    id: UUID = Field(examples=[PERSON])
    name: str = Field(examples=["Ada"])
    kind: Literal["user", "group"] = Field(examples=["user"])

    @classmethod
    def of(cls, view: NameView) -> NameOut:
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class NamesOut(Out):
    """People and groups, by name."""

    items: list[NameOut]


class PersonOut(Out):
    """A person as admins see them."""

    id: UUID = Field(examples=[PERSON])
    name: str = Field(examples=["Ada"])
    email: str | None = Field(examples=["ada@example.org"])
    role: Level = Field(examples=["editor"])
    disabled_at: datetime | None = Field(
        description="Since when they may not come in; null: they may.", examples=[None]
    )
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    signed_in_at: datetime | None = Field(description="Null: never.", examples=["2026-11-29T09:12:00Z"])
    has_password: bool = Field(examples=[True])
    from_directory: bool = Field(description="A provider or a proxy says who this is.", examples=[False])
    datasets: int = Field(description="On their shelf.", examples=[12])
    size: int = Field(description="Bytes of those.", examples=[48_200_000])

    @classmethod
    def of(cls, view: PersonView) -> PersonOut:
        return cls(**{name: getattr(view, name) for name in PersonOut.model_fields})


class PeopleOut(Out):
    """Everybody, by name."""

    items: list[PersonOut]


class PersonIn(In):
    """Whom to let in."""

    name: str = Field(min_length=1, max_length=200, examples=["Ada"])
    email: str = Field(min_length=3, max_length=254, examples=["ada@example.org"])
    role: Level = Field(default="editor", examples=["editor"])


class PersonChangeIn(In):
    """What is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1, max_length=200, examples=["Ada L."])
    email: str | None = Field(default=None, min_length=3, max_length=254, examples=["ada@example.org"])
    role: Level | None = Field(default=None, examples=["viewer"])
    disabled: bool | None = Field(default=None, description="True: may not come in any more.", examples=[False])

    @property
    def given_role(self) -> Role | None:
        return None if self.role is None else Role(self.role)


class LinkOut(Out):
    """A link by which somebody chooses a password: it works once, for a day. Shown here and nowhere else."""

    url: str = Field(examples=["https://shelf.example.org/set-password?token=…"])


class NewPersonOut(PersonOut):
    """A new person, with the link to send them."""

    password_link: str | None = Field(
        description="Null where people do not sign in with a password here.",
        examples=["https://shelf.example.org/set-password?token=…"],
    )

    @classmethod
    def of_new(cls, view: PersonView, link: str | None) -> NewPersonOut:
        return cls(password_link=link, **{name: getattr(view, name) for name in PersonOut.model_fields})


class HandOverIn(In):
    """Who gets everything."""

    to: str = Field(description="A person’s id.", json_schema_extra={"format": "uuid"}, examples=[PERSON])


class HandOverOut(Out):
    """How many datasets have another owner now."""

    datasets: int = Field(examples=[12])


class GroupOut(Out):
    """A group and who is in it."""

    id: UUID = Field(examples=[GROUP])
    name: str = Field(examples=["Research"])
    from_directory: bool = Field(description="A provider or a proxy says who is in it.", examples=[False])
    members: list[NameOut]

    @classmethod
    def of(cls, view: GroupView) -> GroupOut:
        members = [NameOut.of(one) for one in view.members]
        return cls(id=view.id, name=view.name, from_directory=view.from_directory, members=members)


class GroupsOut(Out):
    """Every group, by name."""

    items: list[GroupOut]


class GroupIn(In):
    """A new group; `members` are people’s ids."""

    name: str = Field(min_length=1, max_length=200, examples=["Research"])
    members: list[str] = Field(default_factory=list, max_length=10_000, examples=[[PERSON]])


class GroupChangeIn(In):
    """What is left out stays as it is; `members` replaces all."""

    name: str | None = Field(default=None, min_length=1, max_length=200, examples=["Research"])
    members: list[str] | None = Field(default=None, max_length=10_000, examples=[[PERSON]])


class MeOut(Out):
    """The caller as they see themselves."""

    id: UUID = Field(examples=[PERSON])
    name: str = Field(examples=["Ada"])
    email: str | None = Field(examples=["ada@example.org"])
    role: Level = Field(examples=["editor"])
    groups: list[str] = Field(examples=[["Research"]])
    has_password: bool = Field(examples=[True])
    may_write: bool = Field(description="False with a token that only reads, and for viewers.", examples=[True])
    alone: bool = Field(description="The one user of a shelf where nobody signs in.", examples=[False])

    @classmethod
    def of(cls, view: SelfView) -> MeOut:
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class MeIn(In):
    """What to be called."""

    name: str = Field(min_length=1, max_length=200, examples=["Ada L."])


class PasswordIn(In):
    """The password of now, and the one to come."""

    old: str = Field(max_length=1000, examples=["…"])
    new: str = Field(max_length=1000, examples=["…"])


class SessionOut(Out):
    """A browser the caller is signed in with."""

    id: UUID = Field(examples=[SESSION])
    created_at: datetime = Field(examples=["2026-11-24T10:00:00Z"])
    seen_at: datetime = Field(description="When it was last used, to the minute.", examples=["2026-11-29T09:12:00Z"])
    ends_at: datetime = Field(description="When it ends where nobody uses it.", examples=["2026-12-06T09:12:00Z"])
    address: str | None = Field(examples=["192.0.2.7"])
    agent: str | None = Field(examples=["Mozilla/5.0 …"])
    is_this: bool = Field(description="The one this call came by.", examples=[True])

    @classmethod
    def of(cls, view: SessionView) -> SessionOut:
        return cls(**{name: getattr(view, name) for name in cls.model_fields})


class SessionsOut(Out):
    """The caller’s, the latest used first."""

    items: list[SessionOut]
