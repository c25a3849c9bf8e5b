"""What signing in needs, over a database alone, with passwords that cost little to check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlmodel import select

from catalog.accounts import make_user
from catalog.caller import Caller
from catalog.identity import Identity, Presented
from catalog.origin import Origin, origin
from catalog.passwords import Passwords
from catalog.people import People
from catalog.sessions import Sessions
from catalog.sign_in import SignIn
from db import Database
from db.tables import Event, Role, User
from db.utc import utc_now
from settings import Auth

GOOD = "four walks before noon"
KEY = b"k" * 32
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Clock:
    """The time as everything here sees it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def forward(self, **time: float) -> None:
        self.ahead += timedelta(**time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("sign_in", "login_tries", "sessions", "identity", "people"):
        monkeypatch.setattr(f"catalog.{module}.utc_now", made)
    return made


@dataclass(frozen=True)
class Door:
    """Everything that stands between a person and the shelf."""

    database: Database
    passwords: Passwords
    sessions: Sessions
    sign_in: SignIn
    people: People
    identity: Identity

    @classmethod
    def of(cls, database: Database, auth: Auth | None = None) -> Door:
        auth = auth or Auth(mode="password")
        passwords, sessions = Passwords(CHEAP), Sessions(database, auth)
        return cls(
            database,
            passwords,
            sessions,
            SignIn(database, passwords, sessions, auth, key=KEY),
            People(database, auth),
            Identity(database, auth),
        )

    def add(self, name: str, role: Role = Role.EDITOR, *, password: str | None = GOOD) -> Caller:
        hashed = None if password is None else self.passwords.hash(password)
        with self.database.transaction() as session:
            user = make_user(session, name, role=role, email=f"{name.lower()}@example.org", password_hash=hashed)
        return Caller(user.id, user.name, role=role)

    def user(self, name: str) -> User:
        with self.database.session() as session:
            return session.exec(select(User).where(User.name == name)).one()

    def caller(self, secret: str) -> Caller:
        return self.identity.caller(Presented(session=secret))

    def events(self) -> list[Event]:
        with self.database.session() as session:
            return sorted(session.exec(select(Event)), key=lambda event: event.at)


@contextmanager
def coming_from(address: str, agent: str) -> Iterator[None]:
    before = origin.set(Origin(address=address, agent=agent))
    try:
        yield
    finally:
        origin.reset(before)
