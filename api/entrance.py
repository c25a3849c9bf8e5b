"""Before the screens: whoever opens one without being signed in goes to the sign-in page first, and then where they
wanted to.

It spares a page that would only say so; what keeps the screens shut is their own gate, on every rerun.
"""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.credentials import presented_by
from api.next_address import sign_in_address
from catalog.errors import DatabaseUnavailable, NotSignedIn
from catalog.origin import Origin, origin, shown_agent
from settings import Settings

OPEN = ("/shared/", "/_stcore/", "/static/", "/app/static/", "/component/", "/media/")
"""A recipient's page, and what Streamlit's own scripts fetch, which no address bar shows."""


class Entrance:
    """ASGI around the screens."""

    def __init__(self, screens: ASGIApp, *, settings: Settings) -> None:
        self.screens = screens
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.settings.auth.mode != "none" and _opens_page(scope):
            connection = HTTPConnection(scope)
            address = scope["client"][0] if scope.get("client") else None
            origin.set(Origin(address=address, agent=shown_agent(connection.headers.get("user-agent"))))
            if not await to_thread.run_sync(self._knows, connection):
                query = scope["query_string"].decode("latin-1")
                wanted = f"{scope['path']}?{query}" if query else scope["path"]
                leave = RedirectResponse(sign_in_address(wanted), 303, headers={"Cache-Control": "no-store"})
                await leave(scope, receive, send)
                return
        await self.screens(scope, receive, send)

    def _knows(self, connection: HTTPConnection) -> bool:
        try:
            connection.app.state.services.identity.caller(presented_by(connection, self.settings))
        except NotSignedIn:
            return False
        except DatabaseUnavailable:
            return True  # the screen itself says so, and shows nothing
        return True


def _opens_page(scope: Scope) -> bool:
    if scope["method"] not in ("GET", "HEAD") or f"{scope['path']}/".startswith(OPEN):
        return False
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"*/*")
    if b"text/html" in accept:
        return True
    # A script that follows a link asks for anything; so do Streamlit's own scripts, below the page's address.
    return accept == b"*/*" and "." not in scope["path"] and "/_stcore/" not in scope["path"]
