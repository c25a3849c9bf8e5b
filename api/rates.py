"""How often within a minute: calls of the API by one caller, tries of a password from one address.

Counted in this process's memory: with several replicas each counts for itself (docs/security.md). A try that succeeds
is given back, so that a team behind one address is not held up by its own sign-ins.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from api.addresses import address_of
from catalog.caller import Caller
from catalog.errors import TooManyAttempts
from catalog.origin import origin
from settings import Settings

NOWHERE = "unknown"
"""The address of a caller that has none, as behind a Unix socket: all of them are one."""
WORDS = {
    "api": "More than {most} calls of the API in a minute. Wait a moment, or ask the operator for a higher RATES__API.",
    "sign_in": "Too many tries to sign in from this address. Wait a moment and try again.",
    "link": "Too many tries of a link's password from this address. Wait a moment and try again.",
}


@dataclass(frozen=True)
class Limit:
    """One kind of act, counted by key. `per_minute` 0 is no limit. Thread-safe."""

    per_minute: int
    words: str
    _storage: MemoryStorage = field(default_factory=MemoryStorage)

    def take(self, key: str) -> None:
        """Count one. Raises TooManyAttempts, with the seconds until the minute is over."""
        if self.per_minute and not self._window.hit(self._item, key):
            raise self._refusal(key)

    def give_back(self, key: str) -> None:
        """It was no try after all."""
        if self.per_minute:
            self._storage.decr(self._item.key_for(key))

    @property
    def _item(self) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(self.per_minute)

    @property
    def _window(self) -> FixedWindowRateLimiter:
        return FixedWindowRateLimiter(self._storage)

    def _refusal(self, key: str) -> TooManyAttempts:
        over = self._window.get_window_stats(self._item, key).reset_time
        words = self.words.format(most=self.per_minute)
        return TooManyAttempts(words, retry_after=max(1, math.ceil(over - time.time())))


@dataclass(frozen=True)
class Rates:
    """The three limits of the settings RATES__…."""

    api: Limit
    refused: Limit
    """Calls of the API with credentials that are none, by address: as many as `api`."""
    sign_in: Limit
    link: Limit

    @classmethod
    def of(cls, settings: Settings) -> Rates:
        """In mode `none` there is one user, and nobody to protect from them: calls of the API are not counted."""
        rates = settings.rates
        calls = 0 if settings.auth.mode == "none" else rates.api
        return cls(
            Limit(calls, WORDS["api"]),
            Limit(calls, WORDS["api"]),
            Limit(rates.sign_in, WORDS["sign_in"]),
            Limit(rates.link, WORDS["link"]),
        )


def rates_of(request: HTTPConnection) -> Rates:
    found: Rates = request.app.state.rates
    return found


def address() -> str:
    """The client's own address, past trusted proxies, of the call being served; of IPv6 its network, for whoever has
    one address there has all of a /64 (RFC 6177)."""
    said = origin.get().address
    found = None if said is None else address_of(said)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return said or NOWHERE


def key_of(caller: Caller) -> str:
    """A token is counted for itself: a busy script does not hold up its owner at the screen."""
    return f"token:{caller.token_id}" if caller.token_id else f"person:{caller.user_id}"


def key_of_visitor() -> str:
    """Of somebody without an account, who came by a link."""
    return f"visitor:{address()}"


@contextmanager
def tried(limit: Limit) -> Iterator[None]:
    """A try of a password, from the address of the call: it counts unless the block ends without an error.

    It counts from its beginning, so that many at once are many. Raises TooManyAttempts.
    """
    key = address()
    limit.take(key)
    yield
    limit.give_back(key)
