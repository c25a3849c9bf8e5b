"""Several people on one shelf, for the catalogue's tests: straight into the tables, without a password's cost."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from catalog.caller import Caller
from db import Database
from db.tables import Group, GroupMember, Role, ShelfCount, User


def person(database: Database, name: str, *, role: Role = Role.EDITOR, groups: Iterable[uuid.UUID] = ()) -> Caller:
    """Somebody new, signed in."""
    user = User(name=name, role=role)
    with database.transaction() as session:
        session.add(user)
        session.flush()
        session.add(ShelfCount(owner_id=user.id))
        session.add_all(GroupMember(group_id=group, user_id=user.id) for group in groups)
    return Caller(user.id, user.name, role=role, groups=frozenset(groups))


def group(database: Database, name: str) -> uuid.UUID:
    made = Group(name=name)
    with database.transaction() as session:
        session.add(made)
    return made.id


def read_only(caller: Caller) -> Caller:
    """The same with a token that only reads."""
    return replace(caller, may_write=False)
