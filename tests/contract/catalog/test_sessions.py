"""A signed-in browser: made anew at every sign-in, ended by time, by its person, or with the person."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlmodel import select

from catalog.errors import NotSignedIn, SessionNotFound
from catalog.identity import cookie_name
from db import Database
from db.tables import OneTime, UserSession
from settings import Auth
from tests.contract.catalog.door import GOOD, Clock, Door, coming_from
from tests.contract.catalog.door import clock as clock

AUTH = Auth(mode="password", session_hours=10, idle_hours=2)


@pytest.fixture
def door(database: Database) -> Door:
    return Door.of(database, AUTH)


def is_good(door: Door, secret: str) -> bool:
    try:
        door.caller(secret)
    except NotSignedIn:
        return False
    return True


def test_a_session_ends_when_nobody_uses_it(door: Door, clock: Clock) -> None:
    secret = door.sessions.start(door.add("Ada").user_id)
    clock.forward(hours=1.9)
    assert is_good(door, secret), "and this was a use"
    clock.forward(hours=1.9)
    assert is_good(door, secret)
    clock.forward(hours=2.1)
    assert not is_good(door, secret)


def test_a_session_ends_in_the_end_however_much_it_is_used(door: Door, clock: Clock) -> None:
    secret = door.sessions.start(door.add("Ada").user_id)
    for _ in range(9):
        clock.forward(hours=1)
        assert is_good(door, secret)
    clock.forward(hours=1)
    assert not is_good(door, secret)


def test_a_planted_session_ends_where_somebody_signs_in_with_it(door: Door) -> None:
    mallory, ada = door.add("Mallory"), door.add("Ada")
    planted = door.sessions.start(mallory.user_id)
    fresh = door.sign_in.by_password("Ada", GOOD, instead_of=planted)
    assert fresh != planted
    assert not is_good(door, planted)
    assert door.caller(fresh).user_id == ada.user_id
    made_up = "I chose this secret myself"
    assert door.sign_in.by_password("Ada", GOOD, instead_of=made_up) != made_up
    assert not is_good(door, made_up)


def test_a_tampered_secret_is_nobodys(door: Door) -> None:
    secret = door.sessions.start(door.add("Ada").user_id)
    for other in (secret[:-1], secret + "A", secret.swapcase(), "", "é" * 40, "\ud800"):
        assert not is_good(door, other)


def test_signing_out_ends_this_session_and_is_written_down_once(door: Door) -> None:
    ada = door.add("Ada")
    here, there = (door.sessions.start(ada.user_id) for _ in range(2))
    door.sessions.end(here)
    door.sessions.end(here)
    assert (is_good(door, here), is_good(door, there)) == (False, True)
    assert [event.kind for event in door.events()] == ["signed_in", "signed_in", "signed_out"]


def test_a_person_sees_their_own_sessions_and_ends_one(door: Door, clock: Clock) -> None:
    ada, eve = door.add("Ada"), door.add("Eve")
    with coming_from("192.0.2.7", "Firefox on the train"):
        away = door.sessions.start(ada.user_id)
    clock.forward(minutes=5)
    here = door.caller(door.sessions.start(ada.user_id))
    of_eve = door.caller(door.sessions.start(eve.user_id))
    listed = door.sessions.list(here)
    assert [(one.is_this, one.address, one.agent) for one in listed] == [
        (True, None, None),
        (False, "192.0.2.7", "Firefox on the train"),
    ]
    assert (listed[1].ends_at - listed[1].seen_at).total_seconds() == 2 * 3600
    for nobodys in (uuid4(), listed[0].id):
        with pytest.raises(SessionNotFound):
            door.sessions.revoke(of_eve, nobodys)
    door.sessions.revoke(here, listed[1].id)
    assert not is_good(door, away)
    assert [one.id for one in door.sessions.list(here)] == [here.session_id]
    revoked = [event for event in door.events() if event.kind == "session_revoked"]
    assert [event.detail["address"] for event in revoked] == ["192.0.2.7"]


def test_what_has_ended_by_itself_is_swept(door: Door, clock: Clock) -> None:
    ada = door.add("Ada")
    old = door.sessions.start(ada.user_id)
    door.people.password_link(None, ada.user_id)
    clock.forward(hours=1.5)
    used = door.sessions.start(ada.user_id)
    assert door.sessions.sweep() == 0
    clock.forward(hours=1)
    assert door.sessions.sweep() == 1
    assert (is_good(door, old), is_good(door, used)) == (False, True)
    clock.forward(days=1)
    assert door.sessions.sweep() == 2
    with door.database.session() as session:
        assert session.exec(select(UserSession)).all() == []
        assert session.exec(select(OneTime)).all() == []


def test_nobody_who_is_disabled_gets_a_session(door: Door) -> None:
    ada = door.add("Ada")
    door.people.change(None, ada.user_id, disabled=True)
    with pytest.raises(NotSignedIn):
        door.sessions.start(ada.user_id)


def test_the_cookie_is_bound_to_the_host_behind_tls() -> None:
    assert cookie_name("https://shelf.example.org") == "__Host-datashelf_session"
    assert cookie_name("http://shelf.example.org") == cookie_name(None) == "datashelf_session"
