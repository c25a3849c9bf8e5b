"""Who else sees a dataset: nobody, the team, people and groups by name; and giving it to another owner."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.access import AccessLevel, Need, check_need, check_writes, find_dataset, levels_of
from catalog.accounts import LOCAL_USER
from catalog.caller import Caller
from catalog.errors import DatasetNotFound, GroupNotFound, InvalidSharing, UserNotFound
from catalog.events import EventKind, record
from catalog.handing_over import hand_over
from db import Database
from db.tables import Dataset, DatasetGrant, Group, User
from db.tables import Level as Level
from db.tables import Visibility as Visibility

MOST_SHARED = 200
"""People and groups that one dataset is shared with; more of them are a group, or the team."""


class ShareKind(StrEnum):
    """With whom a dataset is shared."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class SharedWith:
    """A person or a group, and what they may do; `name` is for people to read."""

    kind: ShareKind
    id: uuid.UUID
    level: Level
    name: str = ""


@dataclass(frozen=True, slots=True)
class DatasetAccess:
    """Who sees a dataset. `access` is what it is to the caller; to one who only reads it, `people` are themselves and
    their groups alone."""

    owner: str
    visibility: Visibility
    access: AccessLevel
    people: tuple[SharedWith, ...]


@dataclass(frozen=True)
class Sharing:
    """Shares datasets. Every method raises DatabaseUnavailable."""

    database: Database

    def get(self, caller: Caller, dataset_id: uuid.UUID) -> DatasetAccess:
        """Raises DatasetNotFound."""
        with self.database.session() as session:
            return _access(session, caller, _shareable(find_dataset(session, caller, dataset_id)))

    def set(
        self,
        caller: Caller,
        dataset_id: uuid.UUID,
        *,
        visibility: Visibility | None = None,
        people: Sequence[SharedWith] | None = None,
    ) -> DatasetAccess:
        """Change what is given; `people` takes the place of all there were. Only the owner may, and whoever loses
        access has lost it with their next call.

        Raises DatasetNotFound, NotAllowed, ReadOnly, InvalidSharing, UserNotFound, GroupNotFound; nothing is changed
        then.
        """
        with self.database.transaction() as session:
            dataset = _shareable(find_dataset(session, caller, dataset_id, need=Need.OWN, lock=True))
            before = _access(session, caller, dataset)
            if people is not None:
                _check(session, dataset, people)
                _replace(session, dataset, people)
            if visibility is not None:
                shelf.show_to(session, dataset, visibility)
            after = _access(session, caller, dataset)
            if after != before:
                detail = {"name": dataset.name} | _told(before, after)
                record(session, EventKind.ACCESS_CHANGED, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)
        return after

    def hand_over(self, caller: Caller, dataset_id: uuid.UUID, to: str) -> None:
        """Make the person called `to`, by name or id, the owner. Its owner may, and an admin, who need not see it.

        The former owner keeps no access but what everybody has, and the links they made to it end. Raises
        DatasetNotFound, NotAllowed, ReadOnly, UserNotFound.
        """
        with self.database.transaction() as session:
            dataset = _to_hand_over(session, caller, dataset_id)
            new = _person(session, to)
            if new.id == dataset.owner_id:
                return
            former = session.get_one(User, dataset.owner_id).name
            ended = hand_over(session, dataset, new)
            detail = {"name": dataset.name, "from": former, "to": new.name, "links_ended": ended}
            record(session, EventKind.OWNER_CHANGED, user_id=caller.user_id, dataset_id=dataset.id, detail=detail)


def _shareable(dataset: Dataset) -> Dataset:
    if dataset.hidden_for is not None:
        raise DatasetNotFound("There is no such dataset. It may have been deleted.")
    return dataset


def _to_hand_over(session: Session, caller: Caller, dataset_id: uuid.UUID) -> Dataset:
    try:
        dataset = find_dataset(session, caller, dataset_id, lock=True)
    except DatasetNotFound:
        if not caller.is_admin or caller.token_id is not None:
            raise
        there = select(Dataset).where(Dataset.id == dataset_id, col(Dataset.trashed_at).is_(None))
        found = session.exec(there.with_for_update()).first()
        if found is None:
            raise
        dataset = found
    check_writes(caller)
    if not caller.is_admin or caller.token_id is not None:
        # What others have an admin gives on in person: a token that leaked would show it to whoever has the token.
        check_need(session, caller, dataset, Need.OWN)
    return _shareable(dataset)


def _person(session: Session, named: str) -> User:
    """By name or id, of those who may come in. Raises UserNotFound."""
    is_called = User.name == named
    try:
        is_called = User.id == uuid.UUID(named)
    except ValueError:
        if "\x00" in named:
            raise _nobody(named) from None
    able = (col(User.disabled_at).is_(None), User.name != LOCAL_USER)
    user = session.exec(select(User).where(is_called, *able)).first()
    if user is None:
        raise _nobody(named)
    return user


def _nobody(named: object) -> UserNotFound:
    return UserNotFound(f"There is nobody called “{str(named)[:100]}” here. Choose a name from the list of people.")


def _check(session: Session, dataset: Dataset, people: Sequence[SharedWith]) -> None:
    if len(people) > MOST_SHARED:
        raise InvalidSharing(
            f"A dataset is shared with {MOST_SHARED} people and groups at most. Make a group of them, or share it with "
            "the team."
        )
    named = [(one.kind, one.id) for one in people]
    if len(set(named)) < len(named):
        raise InvalidSharing("Somebody is named twice. Name each person and each group once, with one level.")
    if (ShareKind.USER, dataset.owner_id) in named:
        raise InvalidSharing("The owner has the dataset anyway. Share it with somebody else.")
    users, groups = ({one.id for one in people if one.kind is kind} for kind in ShareKind)
    known = session.exec(select(User.id).where(col(User.id).in_(users))).all()
    for unknown in users.difference(known):
        raise _nobody(unknown)
    known = session.exec(select(Group.id).where(col(Group.id).in_(groups))).all()
    for unknown in groups.difference(known):
        raise GroupNotFound(f"There is no group {unknown}. Choose one from the list of people and groups.")


def _replace(session: Session, dataset: Dataset, people: Sequence[SharedWith]) -> None:
    """Those who stay keep their grant, and since when they have it."""
    wanted = {(one.kind, one.id): one.level for one in people}
    for grant in session.exec(select(DatasetGrant).where(DatasetGrant.dataset_id == dataset.id)).all():
        level = wanted.pop(_whom(grant), None)
        if level is None:
            session.exec(delete(DatasetGrant).where(col(DatasetGrant.id) == grant.id))
        elif level != grant.level:
            grant.level = level
    for (kind, id_), level in wanted.items():
        user_id, group_id = (id_, None) if kind is ShareKind.USER else (None, id_)
        session.add(DatasetGrant(dataset_id=dataset.id, user_id=user_id, group_id=group_id, level=level))
    session.flush()


def _whom(grant: DatasetGrant) -> tuple[ShareKind, uuid.UUID]:
    if grant.user_id is not None:
        return ShareKind.USER, grant.user_id
    assert grant.group_id is not None
    return ShareKind.GROUP, grant.group_id


def _access(session: Session, caller: Caller, dataset: Dataset) -> DatasetAccess:
    level = levels_of(session, caller, [dataset])[dataset.id]
    owner = session.exec(select(User.name).where(User.id == dataset.owner_id)).one()
    grants = (
        select(DatasetGrant, User.name, Group.name)
        .outerjoin(User, col(User.id) == DatasetGrant.user_id)
        .outerjoin(Group, col(Group.id) == DatasetGrant.group_id)
        .where(DatasetGrant.dataset_id == dataset.id)
    )
    people = [
        SharedWith(*_whom(grant), Level(grant.level), name=user or group or "")
        for grant, user, group in session.exec(grants)
    ]
    theirs: Collection[uuid.UUID] = {caller.user_id, *caller.groups}
    shown = (one for one in people if level != "reader" or one.id in theirs)
    in_order = sorted(shown, key=lambda one: (one.kind is ShareKind.USER, one.name.casefold(), one.id))
    return DatasetAccess(owner, Visibility(dataset.visibility), level, tuple(in_order))


def _told(before: DatasetAccess, after: DatasetAccess) -> dict[str, object]:
    """What became different, for whoever reads of it later: by name, because people and groups go."""
    told: dict[str, object] = {}
    if before.visibility != after.visibility:
        told["visibility"] = after.visibility.value
    was, now = ({(one.kind, one.id): one for one in access.people} for access in (before, after))
    given = [one for key, one in now.items() if key not in was or was[key].level != one.level]
    taken = [one for key, one in was.items() if key not in now]
    if given:
        told["shared_with"] = [f"{one.name} ({one.level})" for one in given]
    if taken:
        told["no_longer_with"] = [one.name for one in taken]
    return told
