"""Coming in with a password, the first admin, and the links by which somebody chooses a password.

Whoever tries learns nothing about who there is: somebody unknown, disabled or without a password is refused in the
words, the time and the number of tries of a wrong password (OWASP, "Authentication": responses, lock-out).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.accounts import LOCAL_USER, clean_person_name, free_name, is_taken, make_user
from catalog.caller import Caller
from catalog.errors import Invalid, InvalidPassword, LinkEnded, NameTaken, NotSignedIn, ReadOnly
from catalog.events import EventKind, record
from catalog.login_tries import LoginTries, count_on
from catalog.names import clean_email, composed
from catalog.passwords import Passwords
from catalog.secrets import digest, new_secret
from catalog.sessions import Sessions, end_all_in
from db import Database
from db.tables import OneTime, Role, User
from db.utc import utc_now
from settings import Auth

log = structlog.get_logger(__name__)

LINK_LIFE = timedelta(hours=24)
LONGEST_LOGIN = 320
"""Characters of the longest e-mail address (RFC 3696, erratum 1690)."""

SET_UP = "set-up"
PASSWORD = "password"  # noqa: S105
"""What a `OneTime` is for."""

REFUSED = "That is not a name and password we know. Check both, and try again."
NO_PASSWORDS = "Nobody signs in here with a password. Use the way in that is shown on the sign-in page."


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers: to choose a password, as the first admin (`name` is None) or as the person it is for."""

    name: str | None
    email: str | None


@dataclass(frozen=True)
class SignIn:
    """Signs people in with passwords. `key` hides what was typed as a login.

    Every method raises DatabaseUnavailable, and Invalid where the shelf signs people in another way.
    """

    database: Database
    passwords: Passwords
    sessions: Sessions
    auth: Auth
    key: bytes

    def by_password(self, login: str, password: str, *, instead_of: str | None = None) -> str:
        """The secret of a new session. `login` is an e-mail address or a name; `instead_of` as for `Sessions.start`.

        Raises NotSignedIn, in the same words whatever is wrong; TooManyAttempts.
        """
        self._check_mode()
        typed = composed(login[:LONGEST_LOGIN]).strip()
        user = self._tries.count(typed)
        kept = user.password_hash if user is not None else None
        right = self.passwords.verify(kept, password)
        if user is None or not right or user.disabled_at is not None:
            self._note_failure(user, right=right)
            raise NotSignedIn(REFUSED)
        fresh = self._hashed_anew(kept, password)
        with self.database.transaction() as session:
            now = _locked(session, user.id)
            if now is None or now.password_hash != kept:
                raise NotSignedIn(REFUSED)
            self._tries.forget(session, typed)
            now.failed_sign_ins, now.locked_until, now.password_hash = 0, None, fresh or kept
            return self.sessions.start_in(session, user.id, by="password", instead_of=instead_of)

    def change_password(self, caller: Caller, old: str, new: str) -> None:
        """Change the caller's own; every other session of theirs ends, and every link to choose one.

        Raises InvalidPassword, TooManyAttempts, ReadOnly, Invalid.
        """
        self._check_mode()
        if not caller.may_write:
            raise ReadOnly("This token only reads. Change your password in the browser.")
        with self.database.transaction() as session:
            user = _locked(session, caller.user_id)
            if user is None or user.password_hash is None:
                raise InvalidPassword("You have no password yet. Ask an admin for a link to choose one.")
            count_on(user, utc_now())
        kept = user.password_hash
        if not self.passwords.verify(kept, old):
            raise InvalidPassword("That is not your password of now. Nothing was changed.")
        hashed = self.passwords.hash(new, names=(user.name, user.email))
        with self.database.transaction() as session:
            now = _locked(session, user.id)
            if now is None or now.password_hash != kept:
                raise InvalidPassword("Your password was changed elsewhere meanwhile. Nothing was changed.")
            _set_password(session, now, hashed, but=caller.session_id)
            record(session, EventKind.PASSWORD_CHANGED, user_id=user.id)

    def first_start(self) -> str | None:
        """See to it that somebody can run the shelf: the secret of a set-up link to show the operator, while nobody
        can; None once somebody can, which AUTH__ADMIN_EMAIL and AUTH__ADMIN_PASSWORD see to at once.

        Raises InvalidPassword, Invalid where those two will not do.
        """
        if self.auth.mode != "password":
            return None
        with self.database.session() as session:
            if _has_admin(session):
                return None
        email = self.auth.admin_email and clean_email(self.auth.admin_email)
        if email is None or self.auth.admin_password is None:
            return self._new_set_up_link(email)
        hashed = self.passwords.hash(self.auth.admin_password.get_secret_value(), names=(email,))
        try:
            with self.database.transaction() as session:
                _lock_set_up(session)
                if not _has_admin(session):
                    self._make_admin(session, free_name(session, email.partition("@")[0]), email, hashed)
        except IntegrityError:
            log.info("first_admin_made_elsewhere")  # by another replica that started at the same moment
        return None

    def set_up_offer(self, secret: str) -> Offer:
        """What a set-up link offers. Raises LinkEnded."""
        with self.database.session() as session:
            link = _good_link(session, SET_UP, secret)
            if _has_admin(session):
                raise _set_up_over()
            return Offer(None, link.detail.get("email"))

    def set_up(self, secret: str, *, name: str, email: str, password: str, instead_of: str | None = None) -> str:
        """Make the first admin by a set-up link, and sign them in: the secret of the session. It works once.

        A shelf that began with one local user goes to the first admin, with everything on it. Raises LinkEnded,
        InvalidName, InvalidPassword, NameTaken, Invalid.
        """
        self._check_mode()
        offer = self.set_up_offer(secret)
        name, email = clean_person_name(name), clean_email(offer.email or email)
        hashed = self.passwords.hash(password, names=(name, email))
        try:
            with self.database.transaction() as session:
                links = _lock_set_up(session)
                if digest(secret) not in links or _has_admin(session):
                    raise _set_up_over()
                mine = session.exec(select(User.id).where(User.email == email)).first()
                if is_taken(session, name, but=mine):
                    raise _name_taken(name)
                admin = self._make_admin(session, name, email, hashed)
                return self.sessions.start_in(session, admin.id, by="set-up", instead_of=instead_of)
        except IntegrityError:
            raise _name_taken(name) from None

    def password_offer(self, secret: str) -> Offer:
        """Whose password a link sets. Raises LinkEnded."""
        with self.database.session() as session:
            user = _person_of(session, _good_link(session, PASSWORD, secret))
            return Offer(user.name, user.email)

    def set_password(self, secret: str, password: str, *, instead_of: str | None = None) -> str:
        """Choose a password by a link, and come in: the secret of the session. It works once; every session that the
        person had ends. Raises LinkEnded, InvalidPassword."""
        self._check_mode()
        offer = self.password_offer(secret)
        hashed = self.passwords.hash(password, names=(offer.name, offer.email))
        with self.database.transaction() as session:
            user = _person_of(session, _good_link(session, PASSWORD, secret, lock=True))
            _set_password(session, user, hashed)
            self._tries.forget(session, user.name, user.email)
            record(session, EventKind.PASSWORD_CHANGED, user_id=user.id, detail={"by": "link"})
            return self.sessions.start_in(session, user.id, by="link", instead_of=instead_of)

    @property
    def _tries(self) -> LoginTries:
        return LoginTries(self.database, self.key)

    def _check_mode(self) -> None:
        if self.auth.mode != "password":
            raise Invalid(NO_PASSWORDS)

    def _hashed_anew(self, kept: str | None, password: str) -> str | None:
        if kept is None or not self.passwords.is_outdated(kept):
            return None
        try:
            return self.passwords.hash(password)
        except InvalidPassword:
            return None  # one from a time of other rules still lets in

    def _note_failure(self, user: User | None, *, right: bool) -> None:
        # What was typed may be a password in the wrong field: it is written down nowhere.
        with self.database.transaction() as session:
            if user is None:
                record(session, EventKind.SIGN_IN_FAILED, detail={"reason": "Nobody has that name or address."})
                return
            reason = "password" if user.password_hash else "no password"
            if right and user.disabled_at is not None:
                reason = "disabled"
            record(session, EventKind.SIGN_IN_FAILED, user_id=user.id, detail={"reason": reason})

    def _new_set_up_link(self, email: str | None) -> str:
        secret = new_secret()
        with self.database.transaction() as session:
            session.add(
                OneTime(
                    token_hash=digest(secret),
                    purpose=SET_UP,
                    user_id=None,
                    detail={"email": email} if email else {},
                    expires_at=utc_now() + LINK_LIFE,
                )
            )
        return secret

    def _make_admin(self, session: Session, name: str, email: str, hashed: str) -> User:
        """Raises IntegrityError where somebody else has the name or the address."""
        user = session.exec(select(User).where(User.email == email)).first()
        if user is None:
            user = session.exec(select(User).where(User.name == LOCAL_USER)).first()
        if user is None:
            user = make_user(session, name, role=Role.ADMIN)
        user.name, user.email, user.role, user.disabled_at = name, email, Role.ADMIN, None
        shelf.refresh_owner_name(session, user.id)
        _set_password(session, user, hashed)
        session.exec(delete(OneTime).where(col(OneTime.purpose) == SET_UP))
        record(session, EventKind.USER_CREATED, user_id=user.id, detail={"name": name, "role": Role.ADMIN.value})
        return user


def new_password_link(session: Session, user: User) -> str:
    """The secret of a new link by which the person chooses a password, inside a transaction; older ones end."""
    secret = new_secret()
    _end_links(session, user.id)
    expires_at = utc_now() + LINK_LIFE
    session.add(OneTime(token_hash=digest(secret), purpose=PASSWORD, user_id=user.id, expires_at=expires_at))
    return secret


def _set_password(session: Session, user: User, hashed: str, *, but: uuid.UUID | None = None) -> None:
    user.password_hash, user.failed_sign_ins, user.locked_until = hashed, 0, None
    session.flush()
    end_all_in(session, user.id, but)
    _end_links(session, user.id)


def _end_links(session: Session, user_id: uuid.UUID) -> None:
    session.exec(delete(OneTime).where(col(OneTime.purpose) == PASSWORD, col(OneTime.user_id) == user_id))


def _locked(session: Session, user_id: uuid.UUID) -> User | None:
    return session.get(User, user_id, with_for_update=True)


def _has_admin(session: Session) -> bool:
    able = select(User.id).where(
        User.role == Role.ADMIN, col(User.disabled_at).is_(None), col(User.password_hash).is_not(None)
    )
    return session.exec(able.limit(1)).first() is not None


def _lock_set_up(session: Session) -> set[str]:
    """Every set-up link there is, all locked: of two that are used at once, the second finds none left."""
    links = select(OneTime).where(OneTime.purpose == SET_UP, OneTime.expires_at > utc_now())
    return {link.token_hash for link in session.exec(links.order_by(col(OneTime.token_hash)).with_for_update())}


def _good_link(session: Session, purpose: str, secret: str, *, lock: bool = False) -> OneTime:
    query = select(OneTime).where(
        OneTime.token_hash == digest(secret), OneTime.purpose == purpose, OneTime.expires_at > utc_now()
    )
    found = session.exec(query.with_for_update() if lock else query).first()
    if found is None:
        raise _set_up_over() if purpose == SET_UP else _password_link_over()
    return found


def _person_of(session: Session, link: OneTime) -> User:
    user = None if link.user_id is None else session.get(User, link.user_id)
    if user is None or user.disabled_at is not None:
        raise _password_link_over()
    return user


def _name_taken(name: str) -> NameTaken:
    return NameTaken(f"Somebody is called “{name}” already, or has this e-mail address. Choose another.")


def _set_up_over() -> LinkEnded:
    return LinkEnded(
        "This set-up link has been used, or it is older than a day. Sign in; or restart the app, which prints a new "
        "one as long as there is no admin."
    )


def _password_link_over() -> LinkEnded:
    return LinkEnded("This link has been used, was replaced by a newer one, or is older than a day. Ask for a new one.")
