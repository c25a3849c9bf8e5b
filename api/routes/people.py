"""People and groups: whom anybody may share with, and what admins do with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.deps import AdminDep, CallerDep, IdText, ServicesDep, id_of
from api.people_schemas import (
    GroupChangeIn,
    GroupIn,
    GroupOut,
    GroupsOut,
    HandOverIn,
    HandOverOut,
    LinkOut,
    NameOut,
    NamesOut,
    NewPersonOut,
    PeopleOut,
    PersonChangeIn,
    PersonIn,
    PersonOut,
)
from api.routes import API, problems
from catalog.errors import GroupNotFound, UserNotFound
from catalog.people import Role
from storage.link_base import current_link_base

router = APIRouter(prefix=API, tags=["people"])


def _known_user_id(user_id: str) -> UUID:
    return id_of(lambda value: UserNotFound(f"There is no person {value[:100]}."), user_id)


def _user_id(user_id: IdText) -> UUID:
    return _known_user_id(user_id)


def _group_id(group_id: IdText) -> UUID:
    return id_of(lambda value: GroupNotFound(f"There is no group {value[:100]}."), group_id)


UserId = Annotated[UUID, Depends(_user_id)]
GroupId = Annotated[UUID, Depends(_group_id)]


@router.get("/people", summary="Whom you can share with", responses=problems(401))
def list_names(
    services: ServicesDep,
    caller: CallerDep,
    q: Annotated[str, Query(max_length=200, description="A part of the name.")] = "",
) -> NamesOut:
    """People and groups by name, you left out; at most 20."""
    return NamesOut(items=[NameOut.of(one) for one in services.people.names(caller, q)])


@router.get("/users", summary="Everybody", responses=problems(401, 403))
def list_users(services: ServicesDep, caller: AdminDep) -> PeopleOut:
    """For admins. By name."""
    return PeopleOut(items=[PersonOut.of(one) for one in services.people.list(caller)])


@router.post("/users", status_code=201, summary="Let somebody in", responses=problems(401, 403, 409))
def create_user(services: ServicesDep, caller: AdminDep, body: PersonIn) -> NewPersonOut:
    """For admins who are signed in; not by a token. The link in the answer is for them to choose a password; it is
    shown this once."""
    view, secret = services.people.create(caller, name=body.name, email=body.email, role=Role(body.role))
    return NewPersonOut.of_new(view, None if secret is None else _password_link(secret))


@router.patch("/users/{user_id}", summary="Change a person", responses=problems(401, 403, 404, 409))
def change_user(services: ServicesDep, caller: AdminDep, user_id: UserId, body: PersonChangeIn) -> PersonOut:
    """For admins; by a token, the name alone. Whoever is disabled is signed out everywhere; the last admin stays
    one."""
    changed = services.people.change(
        caller, user_id, name=body.name, email=body.email, role=body.given_role, disabled=body.disabled
    )
    return PersonOut.of(changed)


@router.post("/users/{user_id}/password-link", summary="A link to choose a password", responses=problems(401, 403, 404))
def make_password_link(services: ServicesDep, caller: AdminDep, user_id: UserId) -> LinkOut:
    """For admins who are signed in; not by a token. It works once, for a day, and ends the links made before."""
    return LinkOut(url=_password_link(services.people.password_link(caller, user_id)))


@router.post("/users/{user_id}/hand-over", summary="Give their datasets to another", responses=problems(401, 403, 404))
def hand_over(services: ServicesDep, caller: AdminDep, user_id: UserId, body: HandOverIn) -> HandOverOut:
    """For admins. All of them, those in the trash too; a name that the other has already gets ` (2)`. The links
    that their former owner made end."""
    return HandOverOut(datasets=services.people.hand_over_all(caller, user_id, _known_user_id(body.to)))


@router.get("/groups", summary="Every group", responses=problems(401, 403))
def list_groups(services: ServicesDep, caller: AdminDep) -> GroupsOut:
    """For admins. By name."""
    return GroupsOut(items=[GroupOut.of(one) for one in services.people.groups(caller)])


@router.post("/groups", status_code=201, summary="Make a group", responses=problems(401, 403, 404, 409))
def create_group(services: ServicesDep, caller: AdminDep, body: GroupIn) -> GroupOut:
    """For admins."""
    return GroupOut.of(services.people.create_group(caller, body.name, _ids(body.members)))


@router.patch("/groups/{group_id}", summary="Change a group", responses=problems(401, 403, 404, 409))
def change_group(services: ServicesDep, caller: AdminDep, group_id: GroupId, body: GroupChangeIn) -> GroupOut:
    """For admins. Whoever leaves it sees no more what was shared with it."""
    members = None if body.members is None else _ids(body.members)
    return GroupOut.of(services.people.change_group(caller, group_id, name=body.name, members=members))


@router.delete("/groups/{group_id}", status_code=204, summary="Delete a group", responses=problems(401, 403, 404))
def delete_group(services: ServicesDep, caller: AdminDep, group_id: GroupId) -> Response:
    """For admins. What was shared with it is shared with it no more."""
    services.people.delete_group(caller, group_id)
    return Response(status_code=204)


def _ids(members: Sequence[str]) -> list[UUID]:
    return [_known_user_id(one) for one in members]


def _password_link(secret: str) -> str:
    return f"{current_link_base()}/set-password?{urlencode({'token': secret})}"
