"""The cookie of a signed-in browser: set at sign-in, taken back at sign-out, and read in between.

No script reads it (HttpOnly), no other site's form sends it (SameSite=Lax), and behind TLS it goes nowhere without TLS
(Secure, and the prefix `__Host-` where PUBLIC_URL says so; RFC 6265bis, 4.1).
"""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from catalog.identity import cookie_name
from settings import Settings


def session_of(request: HTTPConnection, settings: Settings) -> str | None:
    """The secret that the browser came with, whether it is still good or not."""
    return request.cookies.get(cookie_name(settings.public_url))


def keep_session(response: Response, request: HTTPConnection, settings: Settings, secret: str) -> None:
    """Let the browser keep the secret, as long as the session can last at all."""
    response.set_cookie(
        cookie_name(settings.public_url),
        secret,
        max_age=int(timedelta(hours=settings.auth.session_hours).total_seconds()),
        path="/",
        secure=behind_tls(request, settings),
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, request: HTTPConnection, settings: Settings) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        cookie_name(settings.public_url),
        path="/",
        secure=behind_tls(request, settings),
        httponly=True,
        samesite="lax",
    )


def behind_tls(request: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser came by TLS: a cookie is kept from going anywhere without it then."""
    return (settings.public_url or "").startswith("https://") or request.url.scheme == "https"
