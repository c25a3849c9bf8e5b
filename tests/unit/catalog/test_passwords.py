"""How passwords are kept and checked, whoever's they are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from statistics import median
from time import perf_counter
from typing import Literal

import pytest
from argon2 import PasswordHasher

from catalog.errors import InvalidPassword, TooManyAttempts
from catalog.login_tries import wait_after
from catalog.passwords import AT_ONCE, LONGEST_PASSWORD, MOST_WAITING, Passwords

GOOD = "four walks before noon"
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def test_they_are_kept_as_rfc_9106_has_it() -> None:
    assert Passwords().hash(GOOD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [int(wait_after(tries).total_seconds()) for tries in (1, 4, 5, 6, 7, 8, 9, 10, 11, 10_000)] == [
        0, 0, 30, 60, 120, 240, 480, 900, 900, 900,
    ]  # fmt: skip


def test_who_is_unknown_takes_as_long_as_a_wrong_password() -> None:
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=8192, parallelism=1))
    kept = passwords.hash(GOOD)

    def took(hashed: str | None) -> float:
        start = perf_counter()
        assert not passwords.verify(hashed, "wrong password")
        return perf_counter() - start

    pairs = [(took(kept), took(None)) for _ in range(7)]
    known, unknown = median(one for one, _ in pairs), median(other for _, other in pairs)
    assert 0.5 < known / unknown < 2


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("short one", "has 9 characters; it needs at least 10"),
        ("x" * (LONGEST_PASSWORD + 1), "200 is the most"),
        ("ababababab", "over and over"),
        ("ADA@EXAMPLE.ORG", "own name or e-mail"),
    ],
)
def test_what_is_no_password_is_said_in_a_sentence(password: str, sentence: str) -> None:
    with pytest.raises(InvalidPassword, match=sentence):
        PASSWORDS.hash(password, names=("Ada", "ada@example.org"))


def test_one_password_typed_in_two_unicode_forms_is_one() -> None:
    kept = PASSWORDS.hash("caf\u00e9 caf\u00e9 noir")
    assert PASSWORDS.verify(kept, "cafe\u0301 cafe\u0301 noir")
    assert not PASSWORDS.verify(kept, "\ud800" * 10)


class Held(PasswordHasher):
    """Works on every password until it is let go."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.let_go = threading.Event()

    def verify(self, kept: str | bytes, password: str | bytes) -> Literal[True]:
        self.let_go.wait(60)
        return super().verify(kept, password)


def test_a_flood_of_sign_ins_is_turned_away_before_it_fills_the_memory() -> None:
    hasher, room, beyond = Held(), AT_ONCE + MOST_WAITING, 3
    passwords = Passwords(hasher)
    with ThreadPoolExecutor(room + beyond) as pool:
        asked = [pool.submit(passwords.verify, None, GOOD) for _ in range(room + beyond)]
        turned_away = list(islice(as_completed(asked, timeout=60), beyond))
        for one in turned_away:
            assert isinstance(one.exception(), TooManyAttempts)
            assert "Many people" in str(one.exception())
        hasher.let_go.set()
        assert [one.result() for one in asked if one not in turned_away] == [False] * room
    assert not passwords.verify(None, GOOD), "and then there is room again"
