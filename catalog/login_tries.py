"""How often passwords are tried, and who waits: by what is typed at the door, and by the person who changes theirs.

Whoever tries learns nothing about who there is: a login that nobody has is counted like any other. Tries are therefore
counted by what was typed, folded, and never by whom it names: a name and the address of the same person are two counts,
for one count would tell that they belong together.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.errors import TooManyAttempts
from catalog.names import fold, has_control
from db import Database
from db.tables import OneTime, User
from db.utc import utc_now

FREE_TRIES = 4
"""Wrong passwords in a row after which nobody has to wait yet."""
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
"""Without a try, counting begins anew."""
TRIES = "tries"
"""What a `OneTime` is for: the tries of one login, whether anybody has it or not."""


def wait_after(failed: int) -> timedelta:
    """How long nobody may try again after so many wrong passwords in a row."""
    if failed <= FREE_TRIES:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(failed - FREE_TRIES - 1, 10)), LONGEST_WAIT)


@dataclass(frozen=True)
class LoginTries:
    """Counts of logins, kept in the database, so that they hold for every replica. `key` hides what was typed."""

    database: Database
    key: bytes

    def count(self, login: str) -> User | None:
        """Count a try before it is known whether it is right: of a hundred at once no more than the few free ones are
        looked at. The person, where the login is somebody's. Raises TooManyAttempts."""
        now = utc_now()
        with self.database.transaction() as session:
            row = self._row(session, login, now)
            failed = 0 if row.expires_at <= now else int(row.detail.get("failed", 0))
            _check_waited(failed, row.expires_at - FORGOTTEN_AFTER, now)
            row.detail = {"failed": failed + 1}
            row.expires_at = now + wait_after(failed + 1) + FORGOTTEN_AFTER
            return _find_person(session, login)

    def _row(self, session: Session, login: str, now: datetime) -> OneTime:
        """What is counted of this login, locked; a new row where there is none."""
        key = self._key(login)
        while (row := session.get(OneTime, key, with_for_update=True)) is None:
            # Another try of the same moment may be the one that makes it: then it is found, and counted on.
            with contextlib.suppress(IntegrityError), session.begin_nested():
                session.add(OneTime(token_hash=key, purpose=TRIES, user_id=None, expires_at=now))
                session.flush()
        return row

    def forget(self, session: Session, *logins: str | None) -> None:
        """Count these logins anew, inside a transaction."""
        keys = [self._key(login) for login in logins if login]
        session.exec(delete(OneTime).where(col(OneTime.purpose) == TRIES, col(OneTime.token_hash).in_(keys)))

    def _key(self, login: str) -> str:
        # With a key: the plain digest of what may be a password could be guessed by whoever reads the database.
        return hmac.new(self.key, b"tries:" + fold(login).encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def count_on(user: User, now: datetime) -> None:
    """Count a try of somebody who is signed in, whose row is locked. Raises TooManyAttempts."""
    if user.locked_until is None or user.locked_until + FORGOTTEN_AFTER <= now:
        user.failed_sign_ins = 0
    else:
        _check_waited(user.failed_sign_ins, user.locked_until, now)
    user.failed_sign_ins += 1
    user.locked_until = now + wait_after(user.failed_sign_ins)


def _check_waited(failed: int, until: datetime, now: datetime) -> None:
    # Of the free tries none waits for another, however many come at the same moment.
    if until > now and failed > FREE_TRIES:
        left = ceil((until - now).total_seconds())
        shown = f"{left} seconds" if left < 60 else f"{ceil(left / 60)} minutes"
        raise TooManyAttempts(f"Too many wrong passwords in a row. Try again in {shown}.", left)


def _find_person(session: Session, login: str) -> User | None:
    """By e-mail address or by name, however it is typed; of names that differ in case alone, by exactly that name.

    Every name is looked at, whoever is asked for, so that the time it takes is the same.
    """
    if not login or has_control(login):
        return None
    folded = fold(login)
    everybody = session.exec(select(User.id, User.name, User.email)).all()
    by_address = [id_ for id_, _, email in everybody if email == folded]
    by_name = [id_ for id_, name, _ in everybody if fold(name) == folded]
    exactly = [id_ for id_, name, _ in everybody if name == login]
    for found in (by_address, exactly, by_name):
        if len(found) == 1:
            return session.get(User, found[0])
    return None
