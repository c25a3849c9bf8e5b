"""Making a person: the one place, whoever asks for it (the first start, an admin, a provider, a proxy)."""

from __future__ import annotations

import unicodedata
import uuid

from sqlmodel import Session, select

from catalog.errors import InvalidName
from catalog.names import LONGEST_NAME, clean_name, fold
from catalog.origin import OPERATOR
from db.tables import Role, ShelfCount, User

LOCAL_USER = "local"
"""The name of the one user of mode `none`. Nobody else is called so: they would find themselves in that user's place if
the mode changed."""


def clean_person_name(raw: str) -> str:
    """A name as somebody types it for a person, its spaces single. Raises InvalidName.

    Others choose by it whom they share with: nothing in it is invisible, and it is no command's.
    """
    name = " ".join(clean_name(raw).split())
    if any(unicodedata.category(char) == "Cf" for char in name):
        raise InvalidName("The name contains a character that is not seen. Type it anew, without copying it.")
    if fold(name).startswith(OPERATOR):
        raise InvalidName(f"“{OPERATOR}…” is what the operator's commands are called. Choose another name.")
    if fold(name) == LOCAL_USER:
        raise InvalidName(f"“{name}” is the name of the user of a shelf where nobody signs in. Choose another one.")
    return name


def make_user(
    session: Session,
    name: str,
    *,
    role: Role,
    email: str | None = None,
    password_hash: str | None = None,
    subject: str | None = None,
) -> User:
    """A new person with an empty shelf, flushed. `name` is clean, `email` folded. Raises IntegrityError where the name,
    the address or the subject is somebody else's."""
    user = User(name=name, role=role, email=email, password_hash=password_hash, subject=subject)
    session.add(user)
    session.flush()
    session.add(ShelfCount(owner_id=user.id))
    session.flush()
    return user


def is_taken(session: Session, *said: str | None, but: uuid.UUID | None = None) -> bool:
    """Whether a name or an address is somebody else's, or looks as if it were: however it is typed, in either place.

    Everybody signs in and is shared with by both, so that two who differ in case alone would be taken for one another.
    """
    wanted = {fold(one) for one in said if one}
    return any(
        not wanted.isdisjoint({fold(name), email or ""})
        for id_, name, email in session.exec(select(User.id, User.name, User.email))
        if id_ != but
    )


def free_name(session: Session, wanted: str) -> str:
    """`wanted`, or with the first number behind it under which nobody is known yet."""
    name, number = wanted, 1
    while fold(name) == LOCAL_USER or is_taken(session, name):
        number += 1
        mark = f" ({number})"
        name = wanted[: LONGEST_NAME - len(mark)] + mark
    return name
