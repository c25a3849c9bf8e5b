"""Passwords of people: which are accepted, how they are kept, and checking one without telling whose it might be.

They are kept as argon2id with the parameters of RFC 9106, section 4, for less memory: 64 MiB, three passes, four lanes.
"""

from __future__ import annotations

import base64
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from catalog.errors import InvalidPassword, TooManyAttempts
from catalog.names import fold
from settings import SHORTEST_PASSWORD

LONGEST_PASSWORD = 200
"""Characters; a phrase of any length a person types fits in."""
AT_ONCE = 2
"""Passwords that are worked on at a time: each takes 64 MiB and a processor."""
MOST_WAITING = 16
"""More than so many are turned away at once, or they would hold every thread that answers requests."""


@dataclass(frozen=True)
class Passwords:
    """Makes and checks the kept form of passwords; threads may share it."""

    hasher: PasswordHasher = field(default_factory=lambda: PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY))
    _turns: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE), init=False, repr=False
    )
    _places: threading.BoundedSemaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(AT_ONCE + MOST_WAITING), init=False, repr=False
    )

    def hash(self, password: str, *, names: tuple[str | None, ...] = ()) -> str:
        """What is kept of a new password. `names` are what the person is called, which is no password.

        Raises InvalidPassword, TooManyAttempts.
        """
        typed = _one_form(password)
        _check(typed, names)
        return self.keep(typed)

    def keep(self, password: str) -> str:
        """The same of a password that other rules are for, as that of a link. Raises TooManyAttempts."""
        typed = _one_form(password)
        with self._turn():
            return self.hasher.hash(typed)

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password. With nothing kept it never is, which takes as long to find out.

        Raises TooManyAttempts where too many are being checked already.
        """
        typed = _one_form(password[: LONGEST_PASSWORD + 1])
        with self._turn():
            try:
                return self.hasher.verify(kept or self._nobodys, typed) and kept is not None
            except (VerificationError, InvalidHashError):
                return False

    def is_outdated(self, kept: str) -> bool:
        """Whether it was kept with other parameters than today's, and is to be hashed again at the next sign-in."""
        return self.hasher.check_needs_rehash(kept)

    @property
    def _nobodys(self) -> str:
        """A kept form that no password has, with the parameters of everybody's, so that checking it takes as long."""
        with_it = self.hasher
        salt, made = (
            base64.b64encode(bytes(size)).decode().rstrip("=") for size in (with_it.salt_len, with_it.hash_len)
        )
        return f"$argon2id$v=19$m={with_it.memory_cost},t={with_it.time_cost},p={with_it.parallelism}${salt}${made}"

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TooManyAttempts("Many people are signing in at this moment. Try again in a few seconds.", 5)
        try:
            with self._turns:
                yield
        finally:
            self._places.release()


def _one_form(password: str) -> str:
    # NIST SP 800-63B, 5.1.1.2: one character typed on two keyboards is one character. A half of a surrogate pair, which
    # no keyboard types, has no bytes to be hashed.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()


def _check(password: str, names: tuple[str | None, ...]) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidPassword(
            f"The password has {len(password)} characters; it needs at least {SHORTEST_PASSWORD}. "
            "A few words in a row are easy to remember."
        )
    if len(password) > LONGEST_PASSWORD:
        raise InvalidPassword(
            f"The password has {len(password):,} characters; {LONGEST_PASSWORD} is the most. Choose a shorter one."
        )
    if len(set(password)) < 4:
        raise InvalidPassword("The password is the same few characters over and over. Choose another one.")
    if any(name and fold(password) == fold(name) for name in names):
        raise InvalidPassword("The password is the person’s own name or e-mail address. Choose another one.")
