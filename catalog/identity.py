"""Who the caller is: one place, for pages and API alike, asked anew on every rerun and every call."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Update, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.accounts import LOCAL_USER, make_user
from catalog.caller import Caller
from catalog.directory import NOT_LET_IN, Directory, Vouched
from catalog.errors import NotAdmitted, NotSignedIn
from catalog.names import has_control
from catalog.secrets import digest
from db import Database
from db.tables import ApiToken, GroupMember, Role, User, UserSession
from db.utc import utc_now
from settings import Auth

COOKIE = "datashelf_session"
"""The name of the session's cookie, without the prefix it has behind TLS (RFC 6265bis, 4.1.3.2)."""
SEEN_EVERY = timedelta(minutes=1)
"""How often a use is noted: a page makes many calls."""
BELIEVED_FOR = 60.0
"""Seconds for which what a proxy says of a person counts as written down; whether they may come in is asked at once."""
MOST_BELIEVED = 10_000
LONGEST_HEADER = 8192
"""Characters of a header that says who somebody is; one longer says nothing."""


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a trusted proxy says of the person. Whoever makes one has checked whose word it is.

    That `email` is theirs is part of its word: oauth2-proxy and its like let nobody pass with an unverified one.
    """

    user: str
    email: str | None = None
    name: str | None = None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Presented:
    """What came along with a call: the session's cookie, the token, a trusted proxy's word."""

    session: str | None = None
    token: str | None = None
    proxied: Proxied | None = None
    kept_open: bool = False
    """It came with the handshake of a connection that stays open, and may be hours old."""


def prefixed(name: str, public_url: str | None) -> str:
    """A cookie's name; behind TLS with the prefix that lets no other host, and nobody without TLS, set it."""
    return f"__Host-{name}" if (public_url or "").startswith("https://") else name


def cookie_name(public_url: str | None) -> str:
    """The name of the session's cookie."""
    return prefixed(COOKIE, public_url)


def proxied_by(headers: Mapping[str, str], auth: Auth) -> Proxied | None:
    """What the headers say of a person, where a proxy's word is asked for at all; None where they name nobody.

    `headers` are those of a call that `api.forwarded` has let through: from whom no word counts, they are gone.
    """
    if auth.mode != "header":
        return None
    user, email, name, groups = (_said(headers.get(header)) for header in auth.identity_headers)
    if user is None:
        return None
    return Proxied(user, email, name, tuple(part.strip() for part in (groups or "").split(",") if part.strip()))


def _said(value: str | None) -> str | None:
    """A header's text. HTTP hands its bytes over as Latin-1 (RFC 9110, 5.5); proxies write UTF-8."""
    if value is None or len(value) > LONGEST_HEADER:
        return None
    with contextlib.suppress(UnicodeError):  # it was Latin-1, or is decoded already
        value = value.encode("latin-1").decode("utf-8")
    value = value.strip()
    return value if value and not has_control(value) else None


@dataclass(frozen=True)
class Identity:
    """Says who the caller is. Every method raises DatabaseUnavailable."""

    database: Database
    auth: Auth = field(default_factory=Auth)
    _believed: dict[str, tuple[Proxied, float, uuid.UUID | None]] = field(default_factory=dict, init=False, repr=False)
    """By the proxy's name for somebody: what it said last, when that was written down, and who it is; None for whom
    its last word did not let in."""

    def caller(self, presented: Presented) -> Caller:
        """A token, where there is one, decides alone: one that is revoked is refused whoever sends it. Raises
        NotSignedIn."""
        if presented.token is not None:
            return self._by_token(presented.token)
        if self.auth.mode == "none":
            return self.local_user()
        if self.auth.mode == "header":
            return self._by_proxy(presented.proxied, kept_open=presented.kept_open)
        if presented.session is not None:
            return self._by_session(presented.session)
        raise NotSignedIn("Nobody is signed in. Sign in, or send a token as “Authorization: Bearer …”.")

    def local_user(self) -> Caller:
        """The one user of mode `none`, made at the first call."""
        with self.database.session() as session:
            user = _find_user(session, LOCAL_USER)
        if user is None:
            user = self._make_local_user()
        return Caller(user.id, user.name, role=Role.ADMIN, alone=True)

    def _by_proxy(self, proxied: Proxied | None, *, kept_open: bool) -> Caller:
        """What a connection that stays open brought with it says who somebody is, and changes nothing: their role and
        groups are those of the newest call, which may be another tab's."""
        if proxied is None:
            raise NotSignedIn("No trusted proxy says who you are. Open the shelf by the address your team gave you.")
        said, said_at, user_id = self._believed.get(proxied.user, (None, 0.0, None))
        vouched = Vouched(f"proxy {proxied.user}", proxied.name or proxied.user, proxied.email, True, proxied.groups)
        directory = Directory(self.database, self.auth)
        if kept_open:
            if said is not None and user_id is None:
                raise NotAdmitted(NOT_LET_IN)
            user_id = directory.known(vouched)
        elif said != proxied or user_id is None or time.monotonic() - said_at > BELIEVED_FOR:
            try:
                user_id = directory.admit(vouched, by="proxy")
            except NotAdmitted:
                self._believe(proxied, None)
                raise
            self._believe(proxied, user_id)
        with self.database.session() as session:
            user = session.exec(select(User).where(User.id == user_id, col(User.disabled_at).is_(None))).first()
            if user is None:
                raise NotAdmitted("An admin has disabled this account. Ask them to enable it again.")
            return _caller_of(session, user)

    def _believe(self, proxied: Proxied, user_id: uuid.UUID | None) -> None:
        if len(self._believed) >= MOST_BELIEVED:
            self._believed.clear()
        self._believed[proxied.user] = (proxied, time.monotonic(), user_id)

    def _by_session(self, secret: str) -> Caller:
        now = utc_now()
        good = (
            UserSession.token_hash == digest(secret),
            UserSession.expires_at > now,
            UserSession.seen_at > now - timedelta(hours=self.auth.idle_hours),
            col(User.disabled_at).is_(None),
        )
        query = select(UserSession, User).join(User, col(User.id) == col(UserSession.user_id)).where(*good)
        with self.database.session() as session:
            found = session.exec(query).first()
            if found is None:
                raise NotSignedIn("You are signed out. Sign in again.")
            kept, user = found
            caller = _caller_of(session, user, session_id=kept.id)
        if kept.seen_at < now - SEEN_EVERY:
            self._note(update(UserSession).where(col(UserSession.id) == kept.id).values(seen_at=now))
        return caller

    def _by_token(self, secret: str) -> Caller:
        now = utc_now()
        query = select(ApiToken, User).join(User, col(User.id) == col(ApiToken.user_id))
        query = query.where(ApiToken.token_hash == digest(secret), col(User.disabled_at).is_(None))
        with self.database.session() as session:
            found = session.exec(query).first()
            if found is None:
                raise NotSignedIn("This token is not known here. It may have been revoked; make a new one.")
            token, user = found
            if token.expires_at is not None and token.expires_at <= now:
                raise NotSignedIn("This token has expired. Make a new one.")
            alone = self.auth.mode == "none" and user.name == LOCAL_USER
            caller = _caller_of(session, user, may_write=token.scope == "write", token_id=token.id, alone=alone)
        if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
            self._note(update(ApiToken).where(col(ApiToken.id) == token.id).values(last_used_at=now))
        return caller

    def _note(self, statement: Update) -> None:
        with self.database.transaction() as session:
            session.execute(statement)

    def _make_local_user(self) -> User:
        try:
            with self.database.transaction() as session:
                return make_user(session, LOCAL_USER, role=Role.ADMIN)
        except IntegrityError:
            # Another process was faster; the name is unique, so its user is the one.
            with self.database.session() as session:
                found = _find_user(session, LOCAL_USER)
            if found is None:
                raise
            return found


def _caller_of(
    session: Session,
    user: User,
    *,
    may_write: bool = True,
    alone: bool = False,
    session_id: uuid.UUID | None = None,
    token_id: uuid.UUID | None = None,
) -> Caller:
    groups = session.exec(select(GroupMember.group_id).where(GroupMember.user_id == user.id)).all()
    return Caller(
        user.id,
        user.name,
        role=Role(user.role),
        groups=frozenset(groups),
        may_write=may_write,
        alone=alone,
        session_id=session_id,
        token_id=token_id,
    )


def _find_user(session: Session, name: str) -> User | None:
    return session.exec(select(User).where(User.name == name)).first()
