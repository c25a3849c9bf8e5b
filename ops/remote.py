"""One Datashelf over HTTP, as `push` and `pull` speak to it: answers, refusals in words, and patience with outages.

Nothing here needs a database or a store's credentials: it runs wherever Python reaches the app and the links it signs.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential
from tenacity.nap import sleep_using_event

API = "/api/ml/v1"
SLOWEST = timedelta(minutes=5)
"""How long an answer may be on its way: a store puts a large object together, a proxy passes a whole part on."""
LONGEST_PAUSE = timedelta(seconds=10)
"""Between two tries; the pauses grow to it, each of a random length, so that many clients do not come back as one."""
PASSING = frozenset({400, 408, 409, 425, 429, 500, 502, 503, 504})
"""Statuses of a store that a second try may get past; 400 is how one answers to a body that broke off."""

Found = TypeVar("Found")


class RemoteError(Exception):
    """What went wrong, in a sentence for the person at the terminal."""


class Away(RemoteError):
    """No answer, or none that counts; it is worth coming again."""


class Stopped(RemoteError):
    """Nobody wants the rest any more."""


class Refused(RemoteError):
    """An answer that a second try would not change. `slug` ends the problem's `type`; `body` is all that was said."""

    def __init__(self, message: str, *, status: int, slug: str = "", body: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.slug = slug
        self.body = dict(body or {})


@dataclass
class Patience:
    """Comes again while things are away, for at most `longest` since anything last moved; `tell` hears of each wait."""

    longest: timedelta
    tell: Callable[[str], None]
    halted: threading.Event = field(default_factory=threading.Event)
    _moved_at: float = field(default_factory=time.monotonic)
    _told: set[str] = field(default_factory=set)

    def moved(self) -> None:
        """Something went well: the time counts anew."""
        self._moved_at = time.monotonic()
        self._told.clear()

    def check(self) -> None:
        """Raises Stopped where nobody wants the rest any more."""
        if self.halted.is_set():
            raise Stopped("Stopped.")

    def run(self, act: Callable[[], Found]) -> Found:
        """What `act` gives, tried again as long as it raises Away. Raises the last Away, Stopped, and all others."""

        def attempt() -> Found:
            self.check()
            found = act()
            self.moved()
            return found

        tries = Retrying(
            retry=retry_if_exception_type(Away),
            wait=wait_random_exponential(multiplier=0.25, max=LONGEST_PAUSE.total_seconds()),
            stop=self._over,
            sleep=sleep_using_event(self.halted),
            before_sleep=self._say,
            reraise=True,
        )
        return tries(attempt)

    def _over(self, state: RetryCallState) -> bool:
        return time.monotonic() - max(self._moved_at, state.start_time) > self.longest.total_seconds()

    def _say(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and str(error) not in self._told:
            self._told.add(str(error))
            self.tell(f"{error} Trying again for up to {self.longest.total_seconds() / 60:.3g} min …")


@dataclass(frozen=True)
class Remote:
    """A Datashelf at `url`. `store` has no credentials of any kind: it is for signed links, wherever they lead."""

    url: str
    patience: Patience
    api: httpx.Client
    store: httpx.Client

    def ask(self, method: str, path: str, *, json: object = None) -> Any:
        """The JSON of an answer, waited for. Raises Refused, Away once patience is at its end, and Stopped."""
        return self.patience.run(lambda: self.ask_once(method, path, json=json))

    def ask_once(self, method: str, path: str, *, json: object = None) -> Any:
        """The same without a second try, for what must not happen twice."""
        answer = self.send(method, path, json=json)
        if answer.status_code == 204:
            return None
        try:
            return answer.json()
        except ValueError:
            raise Refused(f"What answers at {self.url} is no Datashelf.", status=answer.status_code) from None

    def send(self, method: str, path: str, *, json: object = None) -> httpx.Response:
        """An answer that is no refusal; one try. Raises Refused and Away."""
        try:
            answer = self.api.request(method, f"{self.url}{API}{path}", json=json)
        except httpx.HTTPError as error:
            raise lost(self.url, error) from error
        if answer.status_code < 300 or answer.status_code == 307:
            return answer
        raise self._refusal(answer)

    def _refusal(self, answer: httpx.Response) -> RemoteError:
        body = problem_of(answer)
        detail = str(body.get("detail") or "")
        if answer.status_code in (502, 503, 504) or (answer.status_code == 429):
            return Away(detail or f"{self.url} answers {answer.status_code}.")
        if answer.is_redirect:
            where = answer.headers.get("location", "elsewhere")
            detail = f"{self.url} sends on to {where[:200]}; name the address itself by --url."
        elif answer.status_code == 401:
            detail = f"{detail or 'You are not signed in.'} Put an API token into DATASHELF_TOKEN."
        elif not body:
            detail = f"{self.url} answers {answer.status_code}; there may be no Datashelf there."
        slug = str(body.get("type") or "").rpartition(":")[2]
        return Refused(detail, status=answer.status_code, slug=slug, body=body)


@contextmanager
def opened(url: str, *, token: str | None, patience: Patience) -> Iterator[Remote]:
    """A client of the Datashelf at `url`; the token goes to that host and to no other."""
    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    slow = httpx.Timeout(SLOWEST.total_seconds(), connect=10)
    lanes = httpx.Limits(max_connections=None, max_keepalive_connections=32)
    with (
        httpx.Client(headers=headers, timeout=slow, limits=lanes) as api,
        # Bytes as they lie in the store: an encoding on the way would change what a range is a range of.
        httpx.Client(headers={"Accept-Encoding": "identity"}, timeout=slow, limits=lanes) as store,
    ):
        yield Remote(url, patience, api, store)


def address(text: str) -> str:
    """The app's address as typed, with a scheme and without a slash at its end. Raises ValueError with a sentence."""
    url = (text if "://" in text else f"http://{text}").rstrip("/")
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment or parts.username:
        raise ValueError(f"“{text}” is no address of a Datashelf; one is http://localhost:8501.")
    return url


def lost(where: str, error: httpx.HTTPError) -> RemoteError:
    """What a broken connection is: worth waiting for, except where the certificate is not trusted."""
    said = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return Refused(f"The certificate of {where} is not one this machine trusts ({said}).", status=0)
    return Away(f"{where} does not answer ({said.rstrip('.')}).")


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The body of an RFC 9457 answer; empty where it is none."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def store_refusal(answer: httpx.Response) -> RemoteError:
    """What a signed link was answered with, in words; its body must have been read. 403 is for the caller to judge."""
    problem = problem_of(answer)
    code = re.search(r"<Code>(\w{1,60})</Code>", answer.text[:10_000])
    where = f"{answer.request.url.scheme}://{answer.request.url.netloc.decode()}"
    named = f", {code[1]}" if code else ""
    said = str(problem.get("detail") or f"The store at {where} answers {answer.status_code}{named}.")
    slug = str(problem.get("type") or "").rpartition(":")[2] or (code[1] if code else "")
    if answer.status_code in PASSING:
        return Away(said)
    if answer.status_code == 413:
        said = f"A proxy before {where} takes no body that long (413): raise its limit (nginx: client_max_body_size)."
    return Refused(said, status=answer.status_code, slug=slug, body=problem)


def refused_link(error: Refused) -> Refused:
    """A 403 that comes again and again for fresh links, with what may be behind it."""
    return Refused(
        f"{error} The link was signed a moment before: the store's clock, or the credentials Datashelf has for it, "
        "are wrong. What has arrived is kept; run the same command again once that is mended.",
        status=error.status,
        slug=error.slug,
    )


def printable(text: str) -> str:
    """A name for a terminal: what would move its cursor, or is half a character, is shown as a mark."""
    return "".join(
        c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
