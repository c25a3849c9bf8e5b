"""What a request brings to say who sends it: the session's cookie, a bearer token, a trusted proxy's word; and a link's
password."""

from __future__ import annotations

import binascii
from base64 import b64decode

from starlette.requests import HTTPConnection

from catalog.identity import Presented, cookie_name, proxied_by
from settings import Settings

LONGEST_PASSWORD = 1000
"""Characters of a link's password that are looked at."""


def presented_by(request: HTTPConnection, settings: Settings) -> Presented:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return Presented(
        session=request.cookies.get(cookie_name(settings.public_url)),
        token=token.strip() if scheme.lower() == "bearer" else None,
        proxied=proxied_by(request.headers, settings.auth),
    )


def basic_password(request: HTTPConnection) -> str | None:
    """The password of HTTP Basic (RFC 7617), whatever the user name; None where none was sent so."""
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = b64decode(told.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    _, colon, password = text.partition(":")
    return password[:LONGEST_PASSWORD] if colon else None
