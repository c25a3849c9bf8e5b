"""Counting tries and calls by the minute."""

from __future__ import annotations

import threading
import uuid

import pytest

import settings
from api.rates import Limit, Rates, key_of, tried
from catalog.caller import Caller
from catalog.errors import NotSignedIn, TooManyAttempts
from catalog.origin import Origin, origin


def test_beyond_the_limit_it_is_said_when_to_come_again() -> None:
    limit = Limit(2, "More than {most}.")
    limit.take("a")
    limit.take("a")
    with pytest.raises(TooManyAttempts, match=r"^More than 2\.$") as refused:
        limit.take("a")
    assert 1 <= refused.value.retry_after <= 60
    limit.take("b")


def test_zero_is_no_limit() -> None:
    limit = Limit(0, "")
    for _ in range(1000):
        limit.take("a")
    limit.give_back("a")


def test_a_try_counts_unless_it_succeeds_and_by_address() -> None:
    limit = Limit(1, "Wait.")
    before = origin.set(Origin(address="203.0.113.1"))
    try:
        for _ in range(5):
            with tried(limit):
                pass
        with pytest.raises(NotSignedIn), tried(limit):
            raise NotSignedIn("That is wrong.")
        with pytest.raises(TooManyAttempts), tried(limit):
            pytest.fail("was let try")
        origin.set(Origin(address="203.0.113.2"))
        with tried(limit):
            pass
        # Whoever has one IPv6 address has the 2^64 of its network.
        origin.set(Origin(address="2001:db8:1:2::1"))
        with pytest.raises(NotSignedIn), tried(limit):
            raise NotSignedIn("That is wrong.")
        origin.set(Origin(address="2001:db8:1:2:ffff::9"))
        with pytest.raises(TooManyAttempts), tried(limit):
            pytest.fail("was let try")
        origin.set(Origin(address="2001:db8:1:3::1"))
        with tried(limit):
            pass
    finally:
        origin.reset(before)


def test_many_at_once_are_as_many() -> None:
    limit = Limit(10, "Wait.")
    refused: list[int] = []

    def take() -> None:
        for _ in range(10):
            try:
                limit.take("a")
            except TooManyAttempts:
                refused.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 80 - 10


def test_a_token_is_counted_apart_from_its_owner() -> None:
    user, token = uuid.uuid4(), uuid.uuid4()
    assert key_of(Caller(user, "eve")) != key_of(Caller(user, "eve", token_id=token))
    assert key_of(Caller(user, "eve", session_id=uuid.uuid4())) == key_of(Caller(user, "eve"))


def test_the_one_user_of_mode_none_is_not_held_up() -> None:
    alone = Rates.of(settings.load(_env_file=None))
    assert (alone.api.per_minute, alone.refused.per_minute, alone.link.per_minute) == (0, 0, 20)
    team = Rates.of(settings.load(_env_file=None, auth={"mode": "password"}, rates={"api": 7}))
    assert (team.api.per_minute, team.refused.per_minute) == (7, 7)
