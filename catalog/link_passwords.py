"""The passwords of links that people without an account use: kept, asked for, and slow to be guessed.

Ten wrong ones in a row close a link for a while that doubles with every further one, for a right one as well: else
whoever guesses would go on meanwhile. The count stands in the link's row, so every replica keeps to it. How many tries
one address has over all links is for whoever takes the call to say (RATES__LINK).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import update
from sqlmodel import col, select

from catalog.errors import InvalidPassword, PasswordNeeded, TooManyAttempts
from catalog.events import EventKind, record
from catalog.names import has_control
from catalog.origin import origin
from catalog.passwords import LONGEST_PASSWORD, Passwords
from catalog.secrets import digest
from db import Database
from db.tables import ShareLink, UploadRequest
from db.utc import utc_now

Link = ShareLink | UploadRequest

SHORTEST = 4
"""Characters: it is told by telephone, guards one thing, and guessing it is slow."""
FREE_TRIES = 10
"""Wrong passwords in a row before a link is slow."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
PASS_LIFE = timedelta(hours=1)
"""How long a browser that gave the password is not asked again."""
COOKIE = "datashelf_link_"
KNOWN_FOR = 600.0
"""Seconds for which a password that was right is known to be without asking argon2: a reader by ranges sends it with
every range."""
MOST_KNOWN = 1000
LOCKS = 64


def cookie_name(token: str) -> str:
    """The cookie that holds the pass to a link: one each, so that opening a second link keeps the first one open."""
    return f"{COOKIE}{digest(token)[:16]}"


def wait_after(wrong: int) -> timedelta | None:
    """How long a link is closed after so many wrong passwords in a row."""
    if wrong < FREE_TRIES:
        return None
    # An exponent without a bound would be a number without end.
    doubled: int = 2 ** min(wrong - FREE_TRIES, 20)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


@contextmanager
def come_by(link: Link) -> Iterator[None]:
    """What is recorded inside was done by whoever has the link."""
    kind = "link" if isinstance(link, ShareLink) else "upload request"
    actor = f"{kind} “{link.note}”" if link.note else kind
    before = origin.set(replace(origin.get(), actor=actor, link_id=link.id))
    try:
        yield
    finally:
        origin.reset(before)


@dataclass(frozen=True)
class LinkPasswords:
    """For share links and upload requests alike. `secret` signs passes. Every method that checks a password raises
    DatabaseUnavailable."""

    database: Database
    passwords: Passwords
    secret: bytes
    _known: OrderedDict[str, float] = field(default_factory=OrderedDict, init=False, repr=False)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    # One try of a link at a time in this process: many at once would all be looked at before the first one counts.
    _turns: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(LOCKS)), init=False, repr=False
    )

    def hash(self, password: str | None) -> str | None:
        """What is kept of a new link's password; None for none. Raises InvalidPassword."""
        if password is None:
            return None
        if has_control(password):
            raise InvalidPassword("The password contains a line break or another control character.")
        if not SHORTEST <= len(password) <= LONGEST_PASSWORD:
            raise InvalidPassword(
                f"The password of a link has {SHORTEST} to {LONGEST_PASSWORD} characters; "
                f"this one has {len(password):,}."
            )
        return self.passwords.keep(password)

    def open(self, link: Link, *, password: str | None = None, unlocked: str | None = None) -> None:
        """Let in who gave the password before, as the pass of their browser says, or gives it now; everybody where the
        link has none. Raises PasswordNeeded, TooManyAttempts."""
        if link.password_hash is None or self.accepts(link, unlocked):
            return
        if password is None:
            raise PasswordNeeded("This link has a password. Ask whoever sent it to you for it.")
        self._check(link, password)

    def accepts(self, link: Link, unlocked: str | None) -> bool:
        """Whether it is a pass to this link, of this hour and for the password the link has now."""
        if unlocked is None or link.password_hash is None:
            return False
        try:
            named = self._passes().loads(unlocked, max_age=int(PASS_LIFE.total_seconds()))
        except BadSignature:
            return False
        return isinstance(named, str) and hmac.compare_digest(named.encode(), _bound(link).encode())

    def unlock(self, link: Link, password: str) -> str:
        """A pass for the browser that gave the right password. Raises PasswordNeeded, TooManyAttempts."""
        if link.password_hash is not None:
            self._check(link, password)
        return self._passes().dumps(_bound(link))

    def _check(self, link: Link, password: str) -> None:
        with self._turns[link.id.int % LOCKS]:
            wrong, until, kept = self._now(link)
            now = utc_now()
            if until is not None and until > now:
                raise _too_often(until - now)
            known = self._name(link.id, kept, password)
            if self._is_known(known) or self.passwords.verify(kept, password):
                self._remember(known)
                if wrong:
                    self._note(link, wrong=0, until=None)
                return
            wait = wait_after(wrong + 1)
            self._note(link, wrong=wrong + 1, until=None if wait is None else now + wait)
        raise PasswordNeeded("That is not the password of this link. Try again, or ask whoever sent it to you.")

    def _now(self, link: Link) -> tuple[int, datetime | None, str | None]:
        table = type(link)
        query = select(table.wrong_passwords, table.slowed_until, table.password_hash).where(table.id == link.id)
        with self.database.session() as session:
            found = session.exec(query).first()
        return (0, None, None) if found is None else (found[0], found[1], found[2])

    def _note(self, link: Link, *, wrong: int, until: datetime | None) -> None:
        table = type(link)
        with come_by(link), self.database.transaction() as session:
            # Another replica may have counted meanwhile: none of its counts is lost.
            count = 0 if not wrong else table.wrong_passwords + 1
            values = {"wrong_passwords": count, "slowed_until": until}
            session.execute(update(table).where(col(table.id) == link.id).values(values))
            if wrong:
                dataset_id = link.dataset_id if isinstance(link, ShareLink) else None
                detail: dict[str, object] = {"wrong": wrong}
                if until is not None:
                    detail["closed_until"] = until.isoformat()
                record(session, EventKind.LINK_REFUSED, dataset_id=dataset_id, detail=detail)

    def _name(self, link_id: uuid.UUID, kept: str | None, password: str) -> str:
        # Under a key that this process alone has, for as long as it lives.
        said = f"{link_id}|{kept}|{password}".encode("utf-8", "replace")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()

    def _is_known(self, name: str) -> bool:
        with self._lock:
            return self._known.get(name, 0.0) > time.monotonic()

    def _remember(self, name: str) -> None:
        with self._lock:
            self._known[name] = time.monotonic() + KNOWN_FOR
            self._known.move_to_end(name)
            while len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def _passes(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="link-pass", signer_kwargs={"digest_method": hashlib.sha256})


def _bound(link: Link) -> str:
    """What a pass stands for: the link, and the password it has."""
    return f"{link.id}:{digest(link.password_hash or '')}"


def _too_often(wait: timedelta) -> TooManyAttempts:
    seconds = max(1, round(wait.total_seconds()))
    shown = f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
    return TooManyAttempts(f"Too many wrong passwords. Wait {shown}, then try again.", seconds)
