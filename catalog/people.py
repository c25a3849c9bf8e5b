"""Who there is: people and groups, as everybody sees them to share with, and as admins run them.

`caller` None is the operator at a shell (`python -m ops users`), who may do what an admin may.
People and groups stand together: each is shown by the other's names, and both change under the same checks.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.access import check_admin
from catalog.accounts import LOCAL_USER, clean_person_name, is_taken, make_user
from catalog.caller import Caller
from catalog.errors import GroupNotFound, Invalid, LastAdmin, NameTaken, NotAllowed, ReadOnly, UserNotFound
from catalog.events import EventKind, record
from catalog.handing_over import hand_over
from catalog.names import clean_email, fold
from catalog.sessions import end_all_in
from catalog.sign_in import new_password_link
from db import Database
from db.tables import Dataset, Group, GroupMember, OneTime, ShelfCount, User
from db.tables import Role as Role
from db.utc import utc_now
from settings import Auth

MOST_NAMES = 20
"""People and groups that a search for somebody to share with answers."""
MOST_MEMBERS = 10_000


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as admins see them; `datasets` and `size` (bytes) are what they have on the shelf."""

    id: uuid.UUID
    name: str
    email: str | None
    role: Role
    disabled_at: datetime | None
    created_at: datetime
    signed_in_at: datetime | None
    has_password: bool
    from_directory: bool
    """A provider or a proxy says who this is, and what they may."""
    datasets: int
    size: int


@dataclass(frozen=True, slots=True)
class NameView:
    """Somebody to share with; `kind` is user or group."""

    id: uuid.UUID
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group and who is in it, by name."""

    id: uuid.UUID
    name: str
    from_directory: bool
    members: tuple[NameView, ...]


@dataclass(frozen=True, slots=True)
class SelfView:
    """The caller as they see themselves."""

    id: uuid.UUID
    name: str
    email: str | None
    role: Role
    groups: tuple[str, ...]
    has_password: bool
    may_write: bool
    """False for a viewer, and with a token that only reads."""
    alone: bool
    """The one user of a shelf where nobody signs in."""


@dataclass(frozen=True)
class People:
    """Lists and changes people and groups. Every method raises DatabaseUnavailable.

    What is for admins alone raises AdminsOnly, and ReadOnly with a token that only reads.
    """

    database: Database
    auth: Auth = field(default_factory=Auth)

    def me(self, caller: Caller) -> SelfView:
        with self.database.session() as session:
            user = _person(session, caller.user_id)
            named = select(Group.name).where(col(Group.id).in_(caller.groups)).order_by(col(Group.name))
            groups = tuple(session.exec(named))
        has_password = user.password_hash is not None
        return SelfView(
            user.id, user.name, user.email, Role(user.role), groups, has_password, caller.writes, caller.alone
        )

    def rename_me(self, caller: Caller, name: str) -> SelfView:
        """Raises InvalidName, NameTaken, ReadOnly, NotAllowed."""
        if not caller.may_write:
            raise ReadOnly("This token only reads. Change your name in the browser.")
        if caller.alone:
            raise NotAllowed("The shelf has one user, who has no name to others.")
        self._change(caller.user_id, caller.user_id, name=name)
        return self.me(caller)

    def names(self, caller: Caller, q: str = "") -> list[NameView]:
        """People and groups to share with whose name has `q` in it, the caller and the disabled left out; at most
        `MOST_NAMES`, by name."""
        wanted = " ".join(q.split())[:200].replace("\x00", "").encode("utf-8", "ignore").decode()
        users = select(User.id, User.name).where(
            User.id != caller.user_id, col(User.disabled_at).is_(None), User.name != LOCAL_USER
        )
        groups = select(Group.id, Group.name)
        if wanted:
            users = users.where(col(User.name).icontains(wanted, autoescape=True))
            groups = groups.where(col(Group.name).icontains(wanted, autoescape=True))
        with self.database.session() as session:
            found = [NameView(*row, "user") for row in session.exec(users.order_by(col(User.name)).limit(MOST_NAMES))]
            found += [
                NameView(*row, "group") for row in session.exec(groups.order_by(col(Group.name)).limit(MOST_NAMES))
            ]
        return sorted(found, key=lambda one: (fold(one.name), one.kind, one.id))[:MOST_NAMES]

    def list(self, caller: Caller | None) -> list[PersonView]:
        """Everybody, by name."""
        _check(caller)
        with self.database.session() as session:
            rows = _rows(session)
        return sorted((_view(user, count) for user, count in rows), key=lambda one: (fold(one.name), one.id))

    def get(self, caller: Caller | None, user_id: uuid.UUID) -> PersonView:
        """Raises UserNotFound."""
        _check(caller)
        with self.database.session() as session:
            return _read(session, user_id)

    def find(self, caller: Caller | None, wanted: str) -> PersonView:
        """By e-mail address, name or id. Raises UserNotFound."""
        _check(caller)
        folded = fold(wanted.strip())
        for one in self.list(caller):
            if folded in (one.email, str(one.id)) or one.name == wanted.strip():
                return one
        raise UserNotFound(f"There is nobody called “{wanted[:100]}”.")

    def create(self, caller: Caller | None, *, name: str, email: str, role: Role) -> tuple[PersonView, str | None]:
        """A new person, and the secret of the link by which they choose a password, in mode `password`.

        Raises NotAllowed where the caller came by a token; InvalidName, Invalid, NameTaken.
        """
        _check_in_person(caller)
        name, email = clean_person_name(name), clean_email(email)
        try:
            with self.database.transaction() as session:
                if is_taken(session, name, email):
                    raise _taken(name, email)
                user = make_user(session, name, role=role, email=email)
                link = new_password_link(session, user) if self.auth.mode == "password" else None
                detail = {"user": str(user.id), "name": name, "role": role.value}
                record(session, EventKind.USER_CREATED, user_id=_id(caller), detail=detail)
                return _read(session, user.id), link
        except IntegrityError:
            raise _taken(name, email) from None

    def change(
        self,
        caller: Caller | None,
        user_id: uuid.UUID,
        *,
        name: str | None = None,
        email: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> PersonView:
        """Change what is given. Whoever is disabled is signed out everywhere at once, and their tokens are refused.

        Raises NotAllowed where the caller came by a token and more than the name is given; UserNotFound, InvalidName,
        Invalid, NameTaken, LastAdmin.
        """
        _check(caller, writes=True)
        if email is not None or role is not None or disabled is not None:
            _check_in_person(caller)
        self._change(_id(caller), user_id, name=name, email=email, role=role, disabled=disabled)
        return self.get(caller, user_id)

    def password_link(self, caller: Caller | None, user_id: uuid.UUID) -> str:
        """The secret of a link by which the person chooses a password, for `LINK_LIFE` and once; older ones end.

        Raises NotAllowed where the caller came by a token; UserNotFound, Invalid.
        """
        _check_in_person(caller)
        if self.auth.mode != "password":
            raise Invalid(f"AUTH__MODE is {self.auth.mode}: nobody signs in here with a password.")
        with self.database.transaction() as session:
            user = _person(session, user_id, lock=True)
            if user.name == LOCAL_USER:
                raise Invalid("This is the user of a shelf where nobody signs in. The set-up link makes them an admin.")
            if user.disabled_at is not None:
                raise Invalid(f"{user.name} may not come in. Enable them first.")
            link = new_password_link(session, user)
            detail = {"user": str(user.id), "name": user.name}
            record(session, EventKind.USER_RESET, user_id=_id(caller), detail=detail)
            return link

    def hand_over_all(self, caller: Caller | None, user_id: uuid.UUID, to_id: uuid.UUID) -> int:
        """Give every dataset of a person, in the trash too, to another; how many those were. The links the person made
        to them end. What is cut short is whole, dataset by dataset, and can be gone on with.

        Raises NotAllowed where the caller came by a token; UserNotFound, Invalid.
        """
        _check_in_person(caller)
        if user_id == to_id:
            raise Invalid("They have these datasets already. Name another person.")
        with self.database.session() as session:
            former, to = _person(session, user_id), _person(session, to_id)
            if to.disabled_at is not None:
                raise Invalid(f"{to.name} may not come in, and would have what nobody else sees. Name another person.")
            owned = select(Dataset.id).where(Dataset.owner_id == user_id, col(Dataset.hidden_for).is_(None))
            ids = session.exec(owned.order_by(col(Dataset.created_at), col(Dataset.id))).all()
        return sum(self._hand_over(caller, dataset_id, former, to_id) for dataset_id in ids)

    def _hand_over(self, caller: Caller | None, dataset_id: uuid.UUID, former: User, to_id: uuid.UUID) -> bool:
        with self.database.transaction() as session:
            query = select(Dataset).where(Dataset.id == dataset_id, Dataset.owner_id == former.id).with_for_update()
            dataset, to = session.exec(query).first(), _person(session, to_id)
            if dataset is None:
                return False
            ended = hand_over(session, dataset, to)
            name = dataset.trashed_name or dataset.name
            detail = {"name": name, "from": former.name, "to": to.name, "links_ended": ended}
            record(session, EventKind.OWNER_CHANGED, user_id=_id(caller), dataset_id=dataset_id, detail=detail)
            return True

    def groups(self, caller: Caller | None) -> Sequence[GroupView]:
        """Every group with its members, by name."""
        _check(caller)
        with self.database.session() as session:
            found = session.exec(select(Group).order_by(col(Group.name), col(Group.id))).all()
            return _groups(session, found)

    def create_group(self, caller: Caller | None, name: str, members: Sequence[uuid.UUID] = ()) -> GroupView:
        """Raises NotAllowed where the caller came by a token; InvalidName, NameTaken, UserNotFound, Invalid."""
        _check_in_person(caller)
        name = clean_person_name(name)
        try:
            with self.database.transaction() as session:
                group = Group(name=name)
                session.add(group)
                session.flush()
                _set_members(session, group, members)
                _record_group(session, caller, group, "created")
                return _groups(session, [group])[0]
        except IntegrityError:
            raise _group_taken(name) from None

    def change_group(
        self,
        caller: Caller | None,
        group_id: uuid.UUID,
        *,
        name: str | None = None,
        members: Sequence[uuid.UUID] | None = None,
    ) -> GroupView:
        """Rename it, or say who is in it. Raises NotAllowed where the caller came by a token; GroupNotFound,
        InvalidName, NameTaken, UserNotFound, Invalid."""
        _check_in_person(caller)
        name = None if name is None else clean_person_name(name)
        try:
            with self.database.transaction() as session:
                group = _group(session, group_id)
                if group.from_directory:
                    raise Invalid(
                        "Where people sign in says who is in this group, and what it is called. Change it there."
                    )
                if name is not None:
                    group.name = name
                    session.flush()
                if members is not None:
                    _set_members(session, group, members)
                _record_group(session, caller, group, "changed")
                return _groups(session, [group])[0]
        except IntegrityError:
            raise _group_taken(name or "") from None

    def delete_group(self, caller: Caller | None, group_id: uuid.UUID) -> None:
        """What was shared with the group is shared with it no more. Raises NotAllowed where the caller came by a token;
        GroupNotFound."""
        _check_in_person(caller)
        with self.database.transaction() as session:
            group = _group(session, group_id)
            _record_group(session, caller, group, "deleted")
            session.delete(group)

    def _change(
        self,
        by: uuid.UUID | None,
        user_id: uuid.UUID,
        *,
        name: str | None = None,
        email: str | None = None,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> None:
        name = None if name is None else clean_person_name(name)
        email = None if email is None else clean_email(email)
        try:
            with self.database.transaction() as session:
                admins = self._admins(session)
                user = _person(session, user_id, lock=True)
                if user.name == LOCAL_USER:
                    raise Invalid("This is the user of a shelf where nobody signs in. It cannot be changed.")
                changed: dict[str, object] = {}
                if is_taken(session, name, email, but=user_id):
                    raise _taken(name, email)
                if name is not None and name != user.name:
                    changed["name"], user.name = name, name
                    shelf.refresh_owner_name(session, user.id)
                if email is not None and email != user.email:
                    changed["email"], user.email = email, email
                if role is not None and role != user.role:
                    changed["role"], user.role = role.value, role
                if disabled is not None and disabled != (user.disabled_at is not None):
                    changed["disabled"], user.disabled_at = disabled, utc_now() if disabled else None
                    _sign_out(session, user)
                if admins == {user.id} and (user.role != Role.ADMIN or user.disabled_at is not None):
                    raise LastAdmin(
                        f"{user.name} is the last admin who can sign in. Make somebody else an admin first."
                    )
                if changed:
                    detail = {"user": str(user.id), "name": user.name, **changed}
                    record(session, EventKind.USER_CHANGED, user_id=by, detail=detail)
        except IntegrityError:
            raise _taken(name, email) from None

    def _admins(self, session: Session) -> set[uuid.UUID]:
        """Who can come in as admin; locked, so that two who demote each other do not both go."""
        able = select(User).where(User.role == Role.ADMIN, col(User.disabled_at).is_(None), User.name != LOCAL_USER)
        if self.auth.mode == "password":
            able = able.where(col(User.password_hash).is_not(None))
        return {user.id for user in session.exec(able.order_by(col(User.id)).with_for_update())}


def _check(caller: Caller | None, *, writes: bool = False) -> None:
    if caller is not None:
        check_admin(caller, writes=writes)


def _check_in_person(caller: Caller | None) -> None:
    """Whoever decides who comes in, and who gets what others have, is signed in: a token that leaked would make what
    outlives it.

    Raises NotAllowed.
    """
    _check(caller, writes=True)
    if caller is not None and caller.token_id is not None:
        raise NotAllowed(
            "A token does not decide who comes in and who has what. Do this signed in, in the browser, or with "
            "python -m ops users."
        )


def _id(caller: Caller | None) -> uuid.UUID | None:
    return None if caller is None else caller.user_id


def _person(session: Session, user_id: uuid.UUID, *, lock: bool = False) -> User:
    user = session.get(User, user_id, with_for_update=lock or None, populate_existing=lock)
    if user is None:
        raise UserNotFound("There is no such person.")
    return user


def _rows(session: Session, *conditions: ColumnElement[bool]) -> Sequence[tuple[User, ShelfCount | None]]:
    query = select(User, ShelfCount).outerjoin(ShelfCount, col(ShelfCount.owner_id) == col(User.id))
    return session.exec(query.where(*conditions)).all()


def _read(session: Session, user_id: uuid.UUID) -> PersonView:
    for user, count in _rows(session, col(User.id) == user_id):
        return _view(user, count)
    raise UserNotFound("There is no such person.")


def _view(user: User, count: ShelfCount | None) -> PersonView:
    return PersonView(
        user.id,
        user.name,
        user.email,
        Role(user.role),
        user.disabled_at,
        user.created_at,
        user.signed_in_at,
        user.password_hash is not None,
        user.subject is not None,
        0 if count is None else count.datasets,
        0 if count is None else count.size,
    )


def _sign_out(session: Session, user: User) -> None:
    session.flush()
    end_all_in(session, user.id)
    session.exec(delete(OneTime).where(col(OneTime.user_id) == user.id))


def _group(session: Session, group_id: uuid.UUID) -> Group:
    group = session.get(Group, group_id, with_for_update=True)
    if group is None:
        raise GroupNotFound("There is no such group. It may have been deleted.")
    return group


def _set_members(session: Session, group: Group, members: Sequence[uuid.UUID]) -> None:
    wanted = set(members)
    if len(wanted) > MOST_MEMBERS:
        raise Invalid(f"A group has {MOST_MEMBERS:,} people at most.")
    known = set(session.exec(select(User.id).where(col(User.id).in_(wanted), User.name != LOCAL_USER)))
    if wanted - known:
        raise UserNotFound("One of the people named does not exist. Read the list of people again.")
    session.exec(delete(GroupMember).where(col(GroupMember.group_id) == group.id))
    session.add_all(GroupMember(group_id=group.id, user_id=user_id) for user_id in sorted(wanted))
    session.flush()


def _groups(session: Session, groups: Sequence[Group]) -> list[GroupView]:
    ids = [group.id for group in groups]
    members: dict[uuid.UUID, list[NameView]] = {id_: [] for id_ in ids}
    named = select(GroupMember.group_id, User.id, User.name).join(User, col(User.id) == col(GroupMember.user_id))
    for group_id, user_id, name in session.exec(named.where(col(GroupMember.group_id).in_(ids))):
        members[group_id].append(NameView(user_id, name, "user"))
    return [
        GroupView(
            group.id,
            group.name,
            group.from_directory,
            tuple(sorted(members[group.id], key=lambda one: (fold(one.name), one.id))),
        )
        for group in groups
    ]


def _record_group(session: Session, caller: Caller | None, group: Group, what: str) -> None:
    count = select(func.count()).select_from(GroupMember).where(GroupMember.group_id == group.id)
    detail = {"group": str(group.id), "name": group.name, "what": what, "members": session.exec(count).one()}
    record(session, EventKind.GROUP_CHANGED, user_id=_id(caller), detail=detail)


def _taken(name: str | None, email: str | None) -> NameTaken:
    said = " or ".join(f"“{one}”" for one in (name, email) if one)
    return NameTaken(f"There is somebody with the name or address {said} already. Choose another one.")


def _group_taken(name: str) -> NameTaken:
    return NameTaken(f"There is a group called “{name}” already. Choose another name.")
