"""What a request brings to say who sends it: the session's cookie, a bearer token, a trusted proxy's word."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from catalog.identity import Presented, cookie_name, proxied_by
from settings import Settings


def presented_by(request: HTTPConnection, settings: Settings) -> Presented:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return Presented(
        session=request.cookies.get(cookie_name(settings.public_url)),
        token=token.strip() if scheme.lower() == "bearer" else None,
        proxied=proxied_by(request.headers, settings.auth),
    )
