"""One HTTP request, sent as anybody would: no credentials but those in the address, nothing repeated."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from urllib3 import HTTPHeaderDict
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from storage.protocol import StorageUnavailable
from storage.s3_clients import open_pool

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
LONGEST_ANSWER = 8 * 1024**2
"""Bytes of an answer that are looked at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are compared without regard to case."""

    status: int
    headers: HTTPHeaderDict
    body: bytes
    took: timedelta
    asked_at: datetime

    def header(self, name: str) -> str:
        """Empty where there is none."""
        found: str = self.headers.get(name, "")
        return found

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far the server's clock is ahead of this machine's, to the second; None where it does not tell."""
        try:
            said = parsedate_to_datetime(self.header("Date"))
        except ValueError:
            return None
        if said.tzinfo is None:
            said = said.replace(tzinfo=UTC)
        # A Date header has whole seconds and is cut off, never rounded.
        return said + timedelta(seconds=0.5) - (self.asked_at + self.took / 2)


def ask(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
    """Send it and read the answer, whatever its status. A redirect is an answer.

    Raises StorageUnavailable with what stood in the way.
    """
    parts = urlsplit(url)
    pool = open_pool(secure=parts.scheme == "https", connect=CONNECT_SECONDS, read=READ_SECONDS, size=1)
    asked_at, began = datetime.now(UTC), time.perf_counter()
    try:
        response = pool.request(
            method, url, headers=dict(headers or {}), body=body, redirect=False, preload_content=False
        )
        first = timedelta(seconds=time.perf_counter() - began)
        try:
            content = response.read(LONGEST_ANSWER)
        finally:
            response.close()
    except (HTTPError, OSError) as error:
        raise StorageUnavailable(_reason(error, parts.netloc)) from error
    finally:
        pool.clear()
    return Answer(response.status, response.headers, content, first, asked_at)


def _reason(error: BaseException, host: str) -> str:
    if isinstance(error, NameResolutionError):
        return f"the name {host} is not known on this network"
    if isinstance(error, NewConnectionError):
        return f"{host} refuses the connection"
    if isinstance(error, ConnectTimeoutError):
        return f"{host} does not answer within {CONNECT_SECONDS:.0f} s"
    if isinstance(error, SSLError | ssl.SSLError):
        return f"{host} cannot be trusted over https ({error.args[0]})"
    if isinstance(error, ReadTimeoutError):
        return f"{host} takes the request and does not answer within {READ_SECONDS:.0f} s"
    return f"the connection to {host} failed ({type(error).__name__})"
