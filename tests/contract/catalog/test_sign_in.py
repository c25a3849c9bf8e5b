"""Coming in with a password: nothing is told, guessing is slowed, and the first admin is made once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlmodel import col, select

from catalog.accounts import make_user
from catalog.errors import (
    Invalid,
    InvalidName,
    InvalidPassword,
    LinkEnded,
    NameTaken,
    NotSignedIn,
    TooManyAttempts,
)
from catalog.login_tries import FREE_TRIES
from catalog.secrets import digest
from catalog.sign_in import LINK_LIFE
from db import Database
from db.tables import Dataset, OneTime, Role, User, UserSession
from settings import Auth
from tests.contract.catalog.conftest import Shelf
from tests.contract.catalog.door import GOOD, Clock, Door
from tests.contract.catalog.door import clock as clock

ADMIN = {"name": "Ada Lovelace", "email": "Ada@Example.org", "password": GOOD}


@pytest.fixture
def door(database: Database) -> Door:
    return Door.of(database)


def refusal(door: Door, login: str, password: str) -> tuple[type[Exception], str]:
    with pytest.raises((NotSignedIn, TooManyAttempts)) as caught:
        door.sign_in.by_password(login, password)
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize("login", ["Ada", " Ada ", "ADA", "ada", "ada@example.org", "ADA@example.ORG "])
def test_a_person_comes_in_by_name_or_address(door: Door, login: str) -> None:
    ada = door.add("Ada")
    secret = door.sign_in.by_password(login, GOOD)
    assert door.caller(secret).user_id == ada.user_id
    assert door.user("Ada").signed_in_at is not None
    assert [(event.kind, event.user_id, event.detail) for event in door.events()] == [
        ("signed_in", ada.user_id, {"by": "password"})
    ]


def test_neither_secret_nor_password_is_in_the_database(door: Door) -> None:
    door.add("Ada")
    secret = door.sign_in.by_password("Ada", GOOD)
    with door.database.session() as session:
        kept = session.exec(select(UserSession)).one()
    assert kept.token_hash == digest(secret) != secret
    assert (door.user("Ada").password_hash or "").startswith("$argon2id$")


def test_everybody_who_may_not_come_in_hears_the_same(door: Door) -> None:
    for name, password in (("Ada", GOOD), ("Gone", GOOD), ("Elsewhere", None)):
        door.add(name, password=password)
    door.people.change(None, door.user("Gone").id, disabled=True)
    tries = [
        ("Ada", "wrong password"),
        ("Gone", GOOD),
        ("Elsewhere", GOOD),
        ("nobody", GOOD),
        ("", ""),
        ("a\x00b", "x"),
    ]
    answers = {refusal(door, *one) for one in tries}
    assert len(answers) == 1, answers
    assert answers.pop()[0] is NotSignedIn
    failed = [(event.actor, event.detail) for event in door.events() if event.kind == "sign_in_failed"]
    assert sorted(failed, key=str) == [
        ("Ada", {"reason": "password"}),
        ("Elsewhere", {"reason": "no password"}),
        ("Gone", {"reason": "disabled"}),
        # What was typed may be a password in the wrong field.
        *[(None, {"reason": "Nobody has that name or address."})] * 3,
    ]


def test_unknown_people_are_locked_out_like_known_ones(door: Door, clock: Clock) -> None:
    door.add("Ada")
    course = {}
    for login in ("Ada", "nobody@example.org"):
        seen = [refusal(door, login, "wrong password")[0] for _ in range(FREE_TRIES + 2)]
        clock.forward(seconds=31)
        seen += [refusal(door, login, "wrong password")[0] for _ in range(2)]
        clock.forward(seconds=31)
        seen.append(refusal(door, login, "wrong password")[0])
        clock.forward(hours=2)
        seen.append(refusal(door, login, "wrong password")[0])
        course[login] = seen
    wrong, locked = NotSignedIn, TooManyAttempts
    assert course["Ada"] == [wrong] * (FREE_TRIES + 1) + [locked, wrong, locked, locked, wrong]
    assert course["nobody@example.org"] == course["Ada"]


@pytest.mark.parametrize("known", ["Anna", "ANNA@Example.org"])
def test_what_is_told_of_a_login_is_the_same_whether_anybody_has_it_however_it_is_typed(door: Door, known: str) -> None:
    """Typed in one way and then in another: the lock of a known name is that of an unknown one."""
    door.add("Anna")
    course = {}
    for login in (known, known.replace("nn", "nj").replace("NN", "NJ")):
        ways = [login] * 3 + [login.upper(), login.lower(), login.swapcase(), f" {login} ", login.title()]
        course[login] = [refusal(door, way, "wrong password") for way in ways]
    one, other = course.values()
    assert [kind for kind, _ in one] == [NotSignedIn] * (FREE_TRIES + 1) + [TooManyAttempts] * 3
    assert one == other


def test_a_lock_tells_not_that_a_name_and_an_address_are_one_person(door: Door) -> None:
    for name in ("Anna", "Ben"):
        door.add(name)
    for _ in range(FREE_TRIES + 1):
        refusal(door, "Anna", "wrong password")
    assert refusal(door, "anna", "wrong password")[0] is TooManyAttempts
    assert refusal(door, "anna@example.org", "wrong password") == refusal(door, "ben@example.org", "wrong password")
    assert refusal(door, "anna@example.org", "wrong password")[0] is NotSignedIn


def test_of_names_that_differ_in_case_alone_each_comes_in_by_exactly_theirs(door: Door) -> None:
    with door.database.transaction() as session:
        ids = {
            name: make_user(session, name, role=Role.EDITOR, password_hash=door.passwords.hash(GOOD)).id
            for name in ("Anna", "ANNA")
        }
    for name, user_id in ids.items():
        assert door.caller(door.sign_in.by_password(name, GOOD)).user_id == user_id
    assert refusal(door, "anna", GOOD)[0] is NotSignedIn


def test_no_typed_login_is_kept(door: Door) -> None:
    refusal(door, "my secret password", "x")
    with door.database.session() as session:
        row = session.exec(select(OneTime)).one()
    assert "secret" not in repr(row)
    assert row.token_hash != digest("my secret password")
    (event,) = door.events()
    assert "secret" not in repr((event.actor, event.detail, event.search_text, event.user_id))


def test_a_locked_person_waits_even_with_the_right_password_and_then_is_free(door: Door, clock: Clock) -> None:
    door.add("Ada")
    for _ in range(FREE_TRIES + 1):
        refusal(door, "Ada", "wrong password")
    with pytest.raises(TooManyAttempts, match="Try again in 30 seconds") as caught:
        door.sign_in.by_password("Ada", GOOD)
    assert 0 < caught.value.retry_after <= 30
    clock.forward(seconds=31)
    door.sign_in.by_password("Ada", GOOD)
    with door.database.session() as session:
        assert session.exec(select(OneTime)).all() == [], "counting begins anew"
    assert refusal(door, "Ada", "wrong password")[0] is NotSignedIn


@pytest.mark.parametrize("login", ["Ada", "nobody"])
def test_many_guesses_at_once_are_counted_one_by_one(door: Door, login: str) -> None:
    door.add("Ada")

    def guess(number: int) -> type[Exception]:
        return refusal(door, login, f"guess number {number}")[0]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(guess, range(12)))
    assert answers.count(NotSignedIn) == FREE_TRIES + 1
    assert answers.count(TooManyAttempts) == 12 - FREE_TRIES - 1


def test_a_hash_of_other_days_is_renewed_at_the_next_sign_in(door: Door) -> None:
    door.add("Ada")
    old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(GOOD)
    with door.database.transaction() as session:
        session.exec(select(User)).one().password_hash = old
    door.sign_in.by_password("Ada", GOOD)
    renewed = door.user("Ada").password_hash
    assert renewed is not None
    assert not door.passwords.is_outdated(renewed)
    door.sign_in.by_password("Ada", GOOD)
    assert door.user("Ada").password_hash == renewed


def test_changing_the_password_ends_every_other_session(door: Door) -> None:
    door.add("Ada")
    here, there = (door.sign_in.by_password("Ada", GOOD) for _ in range(2))
    with pytest.raises(InvalidPassword, match="not your password"):
        door.sign_in.change_password(door.caller(here), "wrong password", "a new one for today")
    assert door.caller(there)
    with pytest.raises(InvalidPassword, match="at least 10"):
        door.sign_in.change_password(door.caller(here), GOOD, "short")
    door.sign_in.change_password(door.caller(here), GOOD, "a new one for today")
    assert door.caller(here)
    with pytest.raises(NotSignedIn):
        door.caller(there)
    assert refusal(door, "Ada", GOOD)[0] is NotSignedIn
    assert door.sign_in.by_password("Ada", "a new one for today")


def test_a_stolen_session_cannot_try_old_passwords_for_ever(door: Door) -> None:
    door.add("Ada")
    caller = door.caller(door.sign_in.by_password("Ada", GOOD))
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(InvalidPassword):
            door.sign_in.change_password(caller, "wrong password", "a new one for today")
    with pytest.raises(TooManyAttempts):
        door.sign_in.change_password(caller, GOOD, "a new one for today")


def test_a_password_link_works_once_and_replaces_the_ones_before(door: Door, clock: Clock) -> None:
    ben = door.add("Ben")
    session = door.sign_in.by_password("Ben", GOOD)
    first, second = (door.people.password_link(None, ben.user_id) for _ in range(2))
    with pytest.raises(LinkEnded):
        door.sign_in.password_offer(first)
    assert door.sign_in.password_offer(second).name == "Ben"
    with pytest.raises(InvalidPassword):
        door.sign_in.set_password(second, "short")
    fresh = door.sign_in.set_password(second, "a new one for today")
    assert door.caller(fresh).user_id == ben.user_id
    for gone in (session,):
        with pytest.raises(NotSignedIn):
            door.caller(gone)
    with pytest.raises(LinkEnded):
        door.sign_in.set_password(second, "another new one")
    third = door.people.password_link(None, ben.user_id)
    clock.ahead = LINK_LIFE
    with pytest.raises(LinkEnded, match="older than a day"):
        door.sign_in.password_offer(third)


def test_a_password_link_lifts_a_lock_out(door: Door) -> None:
    ben = door.add("Ben")
    for _ in range(FREE_TRIES + 1):
        refusal(door, "Ben", "wrong password")
    door.sign_in.set_password(door.people.password_link(None, ben.user_id), "a new one for today")
    assert door.sign_in.by_password("Ben", "a new one for today")


def test_the_first_admin_takes_over_the_shelf_that_began_alone(local_shelf: Shelf) -> None:
    detail = local_shelf.upload(b"a,b\n1,2\n", "sales.csv")
    door = Door.of(local_shelf.database)
    link = door.sign_in.first_start()
    assert link is not None
    assert door.sign_in.set_up_offer(link).email is None
    secret = door.sign_in.set_up(link, **ADMIN)
    admin = door.caller(secret)
    assert (admin.user_id, admin.name, admin.role) == (local_shelf.caller.user_id, "Ada Lovelace", Role.ADMIN)
    assert door.user("Ada Lovelace").email == "ada@example.org"
    assert local_shelf.datasets.get(admin, detail.summary.id).summary.owner == "Ada Lovelace"
    with local_shelf.database.session() as session:
        searched = session.exec(select(Dataset.search_text)).one().split("\n")
    assert "ada lovelace" in searched
    assert "local" not in searched
    assert door.sign_in.first_start() is None


def test_a_set_up_link_works_once_and_only_while_nobody_runs_the_shelf(door: Door, clock: Clock) -> None:
    links = [door.sign_in.first_start() for _ in range(3)]
    assert all(links)
    old = str(links[0])
    with pytest.raises(InvalidName):
        door.sign_in.set_up(old, **{**ADMIN, "name": " "})
    with pytest.raises(InvalidName, match="where nobody signs in"):
        door.sign_in.set_up(old, **{**ADMIN, "name": "Local"})
    with pytest.raises(Invalid, match="e-mail"):
        door.sign_in.set_up(old, **{**ADMIN, "email": "nowhere"})
    with pytest.raises(InvalidPassword):
        door.sign_in.set_up(old, **{**ADMIN, "password": "short"})
    door.sign_in.set_up(old, **ADMIN)
    for link in links:
        with pytest.raises(LinkEnded):
            door.sign_in.set_up(str(link), **{**ADMIN, "name": "Eve", "email": "eve@example.org"})
    assert door.sign_in.first_start() is None


def test_set_up_links_used_at_once_make_one_admin(door: Door) -> None:
    links = [str(door.sign_in.first_start()) for _ in range(4)]

    def use(number: int) -> str:
        try:
            door.sign_in.set_up(links[number], name=f"Admin {number}", email=f"a{number}@example.org", password=GOOD)
        except LinkEnded:
            return "ended"
        return "made"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(use, range(4)))
    assert answers == ["ended", "ended", "ended", "made"]
    with door.database.session() as session:
        assert len(session.exec(select(User).where(col(User.role) == Role.ADMIN)).all()) == 1


def test_replicas_that_start_at_once_make_the_admin_of_the_settings_once(database: Database) -> None:
    auth = Auth(mode="password", admin_email="Root@example.org", admin_password=GOOD)  # type: ignore[arg-type]
    doors = [Door.of(database, auth) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda door: door.sign_in.first_start(), doors)) == [None] * 4
    with database.session() as session:
        made = session.exec(select(User)).one()
    assert (made.name, made.email, made.role) == ("root", "root@example.org", "admin")
    assert doors[0].sign_in.by_password("root@example.org", GOOD)


def test_a_set_up_link_for_an_address_makes_nobody_else(database: Database) -> None:
    door = Door.of(database, Auth(mode="password", admin_email="root@example.org"))
    link = str(door.sign_in.first_start())
    assert door.sign_in.set_up_offer(link).email == "root@example.org"
    door.sign_in.set_up(link, name="Root", email="eve@example.org", password=GOOD)
    assert door.user("Root").email == "root@example.org"


def test_a_set_up_does_not_take_somebodys_name(door: Door) -> None:
    door.add("Ben")
    with pytest.raises(NameTaken):
        door.sign_in.set_up(str(door.sign_in.first_start()), **{**ADMIN, "name": "Ben"})


@pytest.mark.parametrize("mode", ["none", "oidc", "header"])
def test_other_modes_take_no_password(database: Database, mode: str) -> None:
    values = {"oidc_issuer": "https://id.example.org", "oidc_client_id": "x", "trusted_proxies": ("127.0.0.1",)}
    door = Door.of(database, Auth(mode=mode, **values))  # type: ignore[arg-type]
    door.add("Ada")
    with pytest.raises(Invalid, match="Nobody signs in here with a password"):
        door.sign_in.by_password("Ada", GOOD)
    assert door.sign_in.first_start() is None
