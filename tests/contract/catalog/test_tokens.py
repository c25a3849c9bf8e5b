"""API tokens on both databases: what they let in, and for how long."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from catalog.access import check_writes
from catalog.accounts import make_user
from catalog.caller import Caller
from catalog.errors import (
    InvalidExpiry,
    InvalidName,
    NotAllowed,
    NotSignedIn,
    ReadOnly,
    TokenNotFound,
    TooManyTokens,
)
from catalog.identity import Identity, Presented
from catalog.tokens import LONGEST, MOST, SHORTEST, Scope, Tokens
from db import Database
from db.tables import ApiToken, Event, Role, User
from db.utc import utc_now
from settings import Auth

PASSWORD = Auth(mode="password")


def person(database: Database, name: str, role: Role = Role.EDITOR) -> Caller:
    with database.transaction() as session:
        user = make_user(session, name, role=role)
        return Caller(user.id, user.name, role=role)


def comes_in(database: Database, secret: str) -> Caller:
    return Identity(database, PASSWORD).caller(Presented(token=secret))


def test_a_token_is_its_person_and_only_its_digest_is_kept(database: Database) -> None:
    ann = person(database, "ann")
    view, secret = Tokens(database).create(ann, "  notebook ", Scope.WRITE)
    assert secret.startswith("ds_")
    assert (view.name, view.scope, view.hint, view.expires_at, view.last_used_at) == (
        "notebook",
        Scope.WRITE,
        secret[-4:],
        None,
        None,
    )
    caller = comes_in(database, secret)
    assert (caller.user_id, caller.token_id, caller.may_write, caller.alone) == (ann.user_id, view.id, True, False)
    with database.session() as session:
        (kept,) = session.exec(select(ApiToken)).all()
        (event,) = session.exec(select(Event).where(Event.kind == "token_created")).all()
    assert secret not in f"{kept!r}{event!r}"
    assert event.detail == {"token_id": str(view.id), "token": "notebook", "scope": "write", "hint": view.hint}
    assert Tokens(database).list(ann)[0].last_used_at is not None


def test_a_token_that_reads_changes_nothing(database: Database) -> None:
    ann = person(database, "ann")
    view, secret = Tokens(database).create(ann, "reads")
    caller = comes_in(database, secret)
    with pytest.raises(ReadOnly):
        check_writes(caller)
    with pytest.raises(ReadOnly):
        Tokens(database).revoke(caller, view.id)
    assert [token.id for token in Tokens(database).list(caller)] == [view.id]


@pytest.mark.parametrize("scope", Scope)
def test_a_token_makes_no_tokens(database: Database, scope: Scope) -> None:
    tokens = Tokens(database)
    caller = comes_in(database, tokens.create(person(database, "ann"), "first", scope)[1])
    with pytest.raises(NotAllowed, match="Sign in"):
        tokens.create(caller, "second")
    assert len(tokens.list(caller)) == 1


def test_a_viewer_has_tokens_that_read(database: Database) -> None:
    tokens, viewer = Tokens(database), person(database, "vic", Role.VIEWER)
    with pytest.raises(ReadOnly, match="viewer"):
        tokens.create(viewer, "writes", Scope.WRITE)
    view, secret = tokens.create(viewer, "reads")
    assert comes_in(database, secret).role is Role.VIEWER
    assert tokens.revoke(viewer, view.id).name == "reads"


def test_who_becomes_a_viewer_writes_with_no_old_token(database: Database) -> None:
    ann = person(database, "ann")
    secret = Tokens(database).create(ann, "writes", Scope.WRITE)[1]
    with database.transaction() as session:
        session.get_one(User, ann.user_id).role = Role.VIEWER
    with pytest.raises(ReadOnly):
        check_writes(comes_in(database, secret))


def test_revoked_expired_or_of_somebody_disabled_it_is_refused_at_once(database: Database) -> None:
    tokens, ann = Tokens(database), person(database, "ann")
    revoked, revoked_secret = tokens.create(ann, "revoked")
    expired, expired_secret = tokens.create(ann, "expired", expires_in=SHORTEST)
    _, good_secret = tokens.create(ann, "good", expires_in=LONGEST)
    tokens.revoke(ann, revoked.id)
    with database.transaction() as session:
        session.get_one(ApiToken, expired.id).expires_at = utc_now() - timedelta(seconds=1)
    with pytest.raises(NotSignedIn, match="revoked"):
        comes_in(database, revoked_secret)
    with pytest.raises(NotSignedIn, match="expired"):
        comes_in(database, expired_secret)
    assert comes_in(database, good_secret).user_id == ann.user_id
    with database.transaction() as session:
        session.get_one(User, ann.user_id).disabled_at = utc_now()
    with pytest.raises(NotSignedIn):
        comes_in(database, good_secret)
    with pytest.raises(TokenNotFound):
        tokens.revoke(ann, revoked.id)


def test_somebody_elses_token_does_not_exist(database: Database) -> None:
    tokens, ann, ben = Tokens(database), person(database, "ann"), person(database, "ben")
    view, secret = tokens.create(ann, "mine")
    assert tokens.list(ben) == ()
    with pytest.raises(TokenNotFound):
        tokens.revoke(replace(ben, role=Role.ADMIN), view.id)
    assert comes_in(database, secret)


def test_in_mode_none_a_token_is_the_one_user(database: Database) -> None:
    identity = Identity(database)
    secret = Tokens(database).create(identity.local_user(), "script", Scope.WRITE)[1]
    caller = identity.caller(Presented(token=secret))
    assert caller.alone
    check_writes(caller)
    with pytest.raises(NotSignedIn):
        identity.caller(Presented(token="ds_wrong"))


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "x" * 101])
def test_names_that_are_not_allowed(database: Database, name: str) -> None:
    with pytest.raises(InvalidName):
        Tokens(database).create(person(database, "ann"), name)


@pytest.mark.parametrize("life", [SHORTEST - timedelta(seconds=1), LONGEST + timedelta(seconds=1), timedelta(days=-1)])
def test_lives_that_are_not_allowed(database: Database, life: timedelta) -> None:
    with pytest.raises(InvalidExpiry):
        Tokens(database).create(person(database, "ann"), "x", expires_in=life)


def test_of_many_made_at_once_none_is_one_too_many(database: Database) -> None:
    tokens, ann = Tokens(database), person(database, "ann")
    with database.transaction() as session:
        for number in range(MOST - 2):
            kept = ApiToken(token_hash=str(number), user_id=ann.user_id, name="x", scope="read", hint="")
            session.add(kept)
    refused: list[Exception] = []

    def make() -> None:
        try:
            tokens.create(ann, "one more")
        except TooManyTokens as error:
            refused.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(tokens.list(ann)), len(refused)) == (MOST, 4)
