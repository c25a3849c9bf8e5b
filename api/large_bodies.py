"""Who sends a large body says who they are before it is read.

FastAPI takes JSON apart before it asks for a route's dependencies, and does so between all other calls: megabytes of it
from anybody at all would hold everybody up.
"""

from __future__ import annotations

import re

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.body_limit import LONGEST_BODY, longest
from api.credentials import presented_by
from api.problems import refusal
from api.rates import address, rates_of
from catalog.errors import CatalogError, DatabaseUnavailable, NotSignedIn, RequestNotFound
from catalog.origin import Origin, origin
from settings import Settings

LARGE = 64 * 1024
"""Bytes. Most calls have a few hundred."""

_BY_LINK = re.compile(r"/s/([^/]+)/uploads(?:/|$)")


class LargeBodies:
    """ASGI middleware: 401 for a large body, or one of unknown length, that comes from nobody; `exempt` are the
    beginnings of addresses where bytes are not JSON and bring their own signature."""

    def __init__(self, app: ASGIApp, *, settings: Settings, exempt: tuple[str, ...]) -> None:
        self.app = app
        self.settings = settings
        self.exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.concerns(scope) and _is_large(Headers(scope=scope)):
            try:
                origin.set(Origin(address=scope["client"][0] if scope.get("client") else None))
                await to_thread.run_sync(self._check, HTTPConnection(scope))
            except (CatalogError, DatabaseUnavailable) as error:
                await refusal(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def concerns(self, scope: Scope) -> bool:
        """Whether it is a call of the API's that may have a body of JSON."""
        if scope["type"] != "http":
            return False
        path: str = scope["path"]
        return longest(path) == LONGEST_BODY and not path.startswith(self.exempt)

    def _check(self, connection: HTTPConnection) -> None:
        """Raises NotSignedIn, RequestNotFound, TooManyAttempts, DatabaseUnavailable."""
        try:
            self._known(connection)
        except (NotSignedIn, RequestNotFound):
            rates_of(connection).refused.take(address())
            raise

    def _known(self, connection: HTTPConnection) -> None:
        services = connection.app.state.services
        by_link = _BY_LINK.match(connection.url.path)
        if by_link is None:
            services.identity.caller(presented_by(connection, self.settings))
        elif not services.requests.is_known(by_link[1]):
            raise RequestNotFound("There is no such link. Check that you have all of it.")


def _is_large(headers: Headers) -> bool:
    announced = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not announced.isdigit() or int(announced) > LARGE
