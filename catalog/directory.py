"""From whom a provider or a proxy vouches for to a person here: found, linked or made, with the role and the groups
that their word gives."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.accounts import clean_person_name, free_name, make_user
from catalog.errors import Invalid, InvalidName, NotAdmitted
from catalog.events import EventKind, record
from catalog.names import LONGEST_NAME, clean_email, composed, fold, has_control
from catalog.sessions import end_all_in
from db import Database
from db.tables import ApiToken, Group, GroupMember, Role, User
from db.utc import utc_now
from settings import Auth

MOST_GROUPS = 1000
"""Of one person, that are kept; a directory may have more than anybody would share with."""
LONGEST_SUBJECT = 2000
NOT_LET_IN = "You are known, but nobody has let you in here. Ask an admin of this shelf."
TRIES = 5
"""How often finding or making somebody is begun again where others were making the same person or group."""
SEEN_EVERY = timedelta(days=1)
"""How often the coming of somebody is noted who never signs in here, because a proxy vouches for each call."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider or a proxy says of a person. Whoever makes one has checked whose word it is.

    `subject` names the person for good, with who says so; `email` may be anything they typed unless `email_verified`.
    """

    subject: str
    name: str | None = None
    email: str | None = None
    email_verified: bool = False
    groups: tuple[str, ...] = ()

    @property
    def own_email(self) -> str | None:
        """The address where it is known to be theirs, in the form in which it is kept."""
        if not self.email or not self.email_verified:
            return None
        try:
            return clean_email(self.email)
        except Invalid:
            return None


@dataclass(frozen=True)
class Directory:
    """Says who somebody is whom others vouch for. Every method raises DatabaseUnavailable."""

    database: Database
    auth: Auth

    def admit(self, vouched: Vouched, *, by: str | None = None) -> uuid.UUID:
        """The person's id, after their role and groups are as the word says.

        Found by subject; else by their verified address, if nobody is linked to that person yet; else made. With `by`
        their coming is noted as a sign-in in that way, once a day. Raises NotAdmitted.
        """
        if not vouched.subject or len(vouched.subject) > LONGEST_SUBJECT or has_control(vouched.subject):
            raise NotAdmitted("Who vouches for you did not say in a usable way who you are. Ask an admin.")
        for left in reversed(range(TRIES)):
            try:
                with self.database.transaction() as session:
                    refused, user = self._admitted(session, vouched, by)
                break
            except IntegrityError:
                # Another request was faster with the same person, name or group; it is found now.
                if not left:
                    raise
        if refused is not None or user is None:
            raise NotAdmitted(refused or "")
        return user.id

    def known(self, vouched: Vouched) -> uuid.UUID:
        """The id of somebody who was admitted before, and whom the word would let in still; nothing is changed. Raises
        NotAdmitted."""
        with self.database.session() as session:
            user = session.exec(select(User).where(User.subject == vouched.subject)).first()
        if user is None or self._role(vouched, user) is None:
            raise NotAdmitted(NOT_LET_IN)
        return user.id

    def _admitted(self, session: Session, vouched: Vouched, by: str | None) -> tuple[str | None, User | None]:
        """Why not, in a sentence, or who it is. What a refusal changes is kept, so it is no error in here."""
        user = self._find(session, vouched)
        if user is not None and user.disabled_at is not None:
            return "An admin has disabled this account. Ask them to enable it again.", None
        role = self._role(vouched, user)
        if role is None:
            if user is not None:
                self._shut_out(session, user)
            return NOT_LET_IN, None
        if user is None:
            user = self._make(session, vouched, role)
        else:
            self._update(session, user, vouched, role)
        self._join(session, user, vouched.groups)
        if by is not None:
            self._note(session, user, by)
        return None, user

    def _shut_out(self, session: Session, user: User) -> None:
        """Nothing of theirs lets anybody in any more: not their sessions and tokens; and as a viewer's, their share
        links and upload requests are good for nothing. Once groups let them in again these go on."""
        end_all_in(session, user.id)
        tokens = session.exec(select(ApiToken).where(ApiToken.user_id == user.id)).all()
        for token in tokens:
            session.delete(token)
        if tokens or user.role != Role.VIEWER:
            user.role = Role.VIEWER
            detail = {"name": user.name, "role": user.role, "tokens_revoked": len(tokens), "by": "directory"}
            record(session, EventKind.USER_CHANGED, user_id=user.id, detail=detail)

    def _find(self, session: Session, vouched: Vouched) -> User | None:
        found = session.exec(select(User).where(User.subject == vouched.subject)).first()
        if found is None and (email := vouched.own_email) is not None:
            # Only whom nobody is linked to: else an address that was given to somebody new would hand over the shelf.
            found = session.exec(select(User).where(User.email == email, col(User.subject).is_(None))).first()
        return found

    def _role(self, vouched: Vouched, user: User | None) -> Role | None:
        """None: may not come in. Where no setting names groups, what an admin gave somebody stays."""
        auth, groups = self.auth, set(vouched.groups)
        if auth.admin_email is not None and vouched.own_email == fold(auth.admin_email):
            return Role.ADMIN
        given = ((Role.ADMIN, auth.admin_groups), (Role.EDITOR, auth.editor_groups), (Role.VIEWER, auth.viewer_groups))
        for role, names in given:
            if groups.intersection(names):
                return role
        if user is not None and not any(names for _, names in given):
            return Role(user.role)
        return None if auth.default_role == "refused" else Role(auth.default_role)

    def _make(self, session: Session, vouched: Vouched, role: Role) -> User:
        email = vouched.own_email
        if email is not None and session.exec(select(User.id).where(User.email == email)).first() is not None:
            email = None  # somebody else's by now, who came with another subject
        name = free_name(session, _shown_name(vouched))
        user = make_user(session, name, role=role, email=email, subject=vouched.subject)
        detail = {"name": name, "role": role.value, "by": "directory"}
        record(session, EventKind.USER_CREATED, user_id=user.id, detail=detail)
        return user

    def _update(self, session: Session, user: User, vouched: Vouched, role: Role) -> None:
        changed: dict[str, object] = {}
        if user.subject != vouched.subject:
            user.subject = vouched.subject
            changed["linked"] = True
        if user.role != role:
            changed["role"] = role.value
            user.role = role
        email = vouched.own_email
        if email is not None and user.email != email:
            taken = session.exec(select(User.id).where(User.email == email)).first() is not None
            if not taken:
                user.email = email
                changed["email"] = email
        if changed:
            session.add(user)
            detail = {"name": user.name, **changed, "by": "directory"}
            record(session, EventKind.USER_CHANGED, user_id=user.id, detail=detail)

    def _join(self, session: Session, user: User, named: tuple[str, ...]) -> None:
        """Be in those groups of the directory that are named and in no other of them. A group that an admin made is
        theirs to fill, even under the same name."""
        wanted = {group for group in (_group_name(name) for name in named[:MOST_GROUPS]) if group is not None}
        known = {group.name: group for group in session.exec(select(Group).where(col(Group.name).in_(wanted))).all()}
        for name in sorted(wanted - known.keys()):
            known[name] = Group(name=name, from_directory=True)
            session.add(known[name])
        session.flush()
        member_of = select(GroupMember.group_id).join(Group, col(Group.id) == col(GroupMember.group_id))
        member_of = member_of.where(GroupMember.user_id == user.id, col(Group.from_directory))
        before = set(session.exec(member_of).all())
        now = {group.id for group in known.values() if group.from_directory}
        if left := before - now:
            mine = delete(GroupMember).where(col(GroupMember.user_id) == user.id, col(GroupMember.group_id).in_(left))
            session.execute(mine)
        session.add_all(GroupMember(group_id=group_id, user_id=user.id) for group_id in sorted(now - before))
        session.flush()

    def _note(self, session: Session, user: User, by: str) -> None:
        now = utc_now()
        if user.signed_in_at is None or user.signed_in_at < now - SEEN_EVERY:
            user.signed_in_at = now
            session.add(user)
            record(session, EventKind.SIGNED_IN, user_id=user.id, detail={"by": by})


def _shown_name(vouched: Vouched) -> str:
    """What others see: the name, else the address before its @, else the end of the subject."""
    for said in (vouched.name, (vouched.email or "").partition("@")[0], vouched.subject.rpartition(" ")[2]):
        with contextlib.suppress(InvalidName):
            return clean_person_name((said or "").strip()[:LONGEST_NAME])
    return "someone"


def _group_name(said: str) -> str | None:
    name = composed(said.strip())
    return name if name and len(name) <= LONGEST_NAME and not has_control(name) else None
