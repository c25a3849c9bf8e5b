"""API tokens: what a notebook or a script signs in with instead of a person's session.

A token is made by whoever is signed in, never by a token: one that leaked makes none that outlives its revoking.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from catalog.caller import Caller
from catalog.errors import (
    InvalidExpiry,
    InvalidName,
    NotAllowed,
    ReadOnly,
    TokenNotFound,
    TooManyTokens,
)
from catalog.events import EventKind, record
from catalog.names import composed, has_control
from catalog.secrets import digest, new_secret
from db import Database
from db.tables import ApiToken, Role, User
from db.utc import utc_now

PREFIX = "ds_"
"""By which a scanner of leaked secrets knows a token of ours."""
HINT = 4
"""Characters at a token's end that stay visible, to tell one from another."""
LONGEST_NAME = 100
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=3650)
MOST = 100
"""Tokens of one person, expired ones too."""


class Scope(StrEnum):
    """What a token may do on its person's behalf: look and download, or everything the person may."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class TokenView:
    """What is known of a token once it was shown. `last_used_at` to the minute; `expires_at` None: never."""

    id: uuid.UUID
    name: str
    scope: Scope
    hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True)
class Tokens:
    """A person's own tokens. Every method raises DatabaseUnavailable."""

    database: Database

    def create(
        self, caller: Caller, name: str, scope: Scope = Scope.READ, *, expires_in: timedelta | None = None
    ) -> tuple[TokenView, str]:
        """A new token and its secret, which nobody sees again; with `expires_in` None it works until it is revoked.

        Raises NotAllowed where the caller came by a token; ReadOnly where a viewer wants to write; InvalidName,
        InvalidExpiry, TooManyTokens.
        """
        if caller.token_id is not None:
            raise NotAllowed("A token makes no tokens. Sign in and make one under Account.")
        if scope is Scope.WRITE and caller.role is Role.VIEWER and not caller.alone:
            raise ReadOnly("Your role is viewer, so your tokens read. Choose the scope “read”.")
        if expires_in is not None and not SHORTEST <= expires_in <= LONGEST:
            raise InvalidExpiry("A token lives from 1 second to 10 years, or until it is revoked.")
        called, secret, now = _clean(name), new_secret(PREFIX), utc_now()
        token = ApiToken(
            token_hash=digest(secret),
            user_id=caller.user_id,
            name=called,
            scope=scope,
            hint=secret[-HINT:],
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
        )
        with self.database.transaction() as session:
            # The row keeps two that come at once from being one too many.
            session.exec(select(User.id).where(User.id == caller.user_id).with_for_update()).one()
            count = select(func.count()).select_from(ApiToken).where(col(ApiToken.user_id) == caller.user_id)
            if session.exec(count).one() >= MOST:
                raise TooManyTokens(f"You have {MOST} tokens, which is the most. Revoke one that you no longer use.")
            session.add(token)
            _record(session, EventKind.TOKEN_CREATED, caller, token)
        return _view(token), secret

    def list(self, caller: Caller) -> tuple[TokenView, ...]:
        """The newest first; expired ones stay until they are revoked."""
        query = select(ApiToken).where(ApiToken.user_id == caller.user_id)
        with self.database.session() as session:
            found = session.exec(query.order_by(col(ApiToken.created_at).desc(), col(ApiToken.id))).all()
        return tuple(_view(token) for token in found)

    def revoke(self, caller: Caller, token_id: uuid.UUID) -> TokenView:
        """End a token: its next call is refused, on every replica. Says which it was.

        Raises TokenNotFound, ReadOnly where the caller came by a token that only reads.
        """
        if not caller.may_write:
            raise ReadOnly("This token only reads. Sign in to revoke tokens.")
        query = select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == caller.user_id)
        with self.database.transaction() as session:
            token = session.exec(query.with_for_update()).first()
            if token is None:
                raise TokenNotFound("There is no such token. It may have been revoked.")
            session.execute(delete(ApiToken).where(col(ApiToken.id) == token_id))
            _record(session, EventKind.TOKEN_REVOKED, caller, token)
            return _view(token)


def _clean(raw: str) -> str:
    """Raises InvalidName."""
    name = composed(raw).strip()
    if has_control(name):
        raise InvalidName("The name contains a line break or another control character.")
    if not name:
        raise InvalidName("The name is empty. Say where the token will be used.")
    if len(name) > LONGEST_NAME:
        raise InvalidName(f"The name has {len(name)} characters; {LONGEST_NAME} is the most.")
    return name


def _record(session: Session, kind: EventKind, caller: Caller, token: ApiToken) -> None:
    detail = {"token_id": str(token.id), "token": token.name, "scope": token.scope, "hint": token.hint}
    record(session, kind, user_id=caller.user_id, detail=detail)


def _view(token: ApiToken) -> TokenView:
    return TokenView(
        id=token.id,
        name=token.name,
        scope=Scope(token.scope),
        hint=token.hint,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )
