"""Browsers that are signed in. A row is a session; without its row, a cookie is nothing.

The secret is random, made anew at every sign-in and kept as its digest; it ends so long after it began however much it
is used, and sooner where nobody uses it (OWASP, "Session Management": renewal, absolute and idle time-out).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, or_
from sqlmodel import Session, col, select

from catalog.caller import Caller
from catalog.errors import NotSignedIn, ReadOnly, SessionNotFound
from catalog.events import EventKind, record
from catalog.origin import origin
from catalog.secrets import digest, new_secret
from db import Database
from db.tables import OneTime, User, UserSession
from db.utc import utc_now
from settings import Auth


@dataclass(frozen=True, slots=True)
class SessionView:
    """One signed-in browser of a person's, as they see it. `seen_at` is right to the minute."""

    id: uuid.UUID
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    """When it ends by itself where nobody uses it."""
    address: str | None
    agent: str | None
    is_this: bool


@dataclass(frozen=True)
class Sessions:
    """Starts, lists and ends sessions. Every method raises DatabaseUnavailable."""

    database: Database
    auth: Auth = field(default_factory=Auth)

    def start(self, user_id: uuid.UUID, *, by: str = "password", instead_of: str | None = None) -> str:
        """Sign a person in; the secret for the cookie. `by` names the way for the activity.

        `instead_of` is the secret the browser came with: whoever knows it, and it may be somebody who planted it, is
        signed out (session fixation). Raises NotSignedIn where the person may not come in any more.
        """
        with self.database.transaction() as session:
            return self.start_in(session, user_id, by=by, instead_of=instead_of)

    def start_in(self, session: Session, user_id: uuid.UUID, *, by: str, instead_of: str | None = None) -> str:
        """As `start`, inside a transaction that does more."""
        now = utc_now()
        user = session.get(User, user_id, populate_existing=True, with_for_update=True)
        if user is None or user.disabled_at is not None:
            raise NotSignedIn("This person may not sign in here. Ask an admin.")
        if instead_of is not None:
            session.exec(delete(UserSession).where(col(UserSession.token_hash) == digest(instead_of)))
        secret, come_from = new_secret(), origin.get()
        session.add(
            UserSession(
                token_hash=digest(secret),
                user_id=user_id,
                created_at=now,
                seen_at=now,
                expires_at=now + timedelta(hours=self.auth.session_hours),
                address=come_from.address,
                agent=come_from.agent,
            )
        )
        user.signed_in_at = now
        record(session, EventKind.SIGNED_IN, user_id=user_id, detail={"by": by})
        return secret

    def end(self, secret: str) -> None:
        """Sign out; nothing where the session has ended already."""
        with self.database.transaction() as session:
            found = session.exec(select(UserSession).where(UserSession.token_hash == digest(secret))).first()
            if found is not None:
                session.delete(found)
                record(session, EventKind.SIGNED_OUT, user_id=found.user_id)

    def list(self, caller: Caller) -> list[SessionView]:
        """The caller's own that are good, the latest used first."""
        now, idle = utc_now(), timedelta(hours=self.auth.idle_hours)
        own = select(UserSession).where(
            UserSession.user_id == caller.user_id, UserSession.expires_at > now, UserSession.seen_at > now - idle
        )
        with self.database.session() as session:
            found = session.exec(own.order_by(col(UserSession.seen_at).desc(), col(UserSession.id))).all()
        return [
            SessionView(
                one.id,
                one.created_at,
                one.seen_at,
                min(one.expires_at, one.seen_at + idle),
                one.address,
                one.agent,
                one.id == caller.session_id,
            )
            for one in found
        ]

    def revoke(self, caller: Caller, session_id: uuid.UUID) -> None:
        """Sign one of the caller's browsers out. Raises SessionNotFound; ReadOnly with a token that only reads."""
        if not caller.may_write:
            raise ReadOnly("This token only reads. Sign in to sign a browser out.")
        with self.database.transaction() as session:
            found = session.exec(
                select(UserSession).where(UserSession.id == session_id, UserSession.user_id == caller.user_id)
            ).first()
            if found is None:
                raise SessionNotFound("There is no such session. It may have ended already.")
            session.delete(found)
            detail = {"address": found.address, "agent": found.agent}
            record(session, EventKind.SESSION_REVOKED, user_id=caller.user_id, detail=detail)

    def end_all(self, user_id: uuid.UUID, but: uuid.UUID | None = None) -> int:
        """Sign a person out everywhere, or everywhere else than in `but`; how many sessions that were."""
        with self.database.transaction() as session:
            return end_all_in(session, user_id, but)

    def sweep(self) -> int:
        """Remove what has ended by itself: sessions, and secrets that work once; how many rows that were."""
        now = utc_now()
        idle_since = now - timedelta(hours=self.auth.idle_hours)
        over = or_(col(UserSession.expires_at) <= now, col(UserSession.seen_at) <= idle_since)
        with self.database.transaction() as session:
            gone = _rows(session.execute(delete(UserSession).where(over)))  # type: ignore[arg-type]  # a DELETE gives one
            return gone + _rows(session.execute(delete(OneTime).where(col(OneTime.expires_at) <= now)))  # type: ignore[arg-type]


def end_all_in(session: Session, user_id: uuid.UUID, but: uuid.UUID | None = None) -> int:
    """As `Sessions.end_all`, inside a transaction that does more."""
    ended = delete(UserSession).where(col(UserSession.user_id) == user_id)
    if but is not None:
        ended = ended.where(col(UserSession.id) != but)
    return _rows(session.execute(ended))  # type: ignore[arg-type]  # a DELETE gives a CursorResult


def _rows(result: CursorResult[tuple[()]]) -> int:
    return result.rowcount
