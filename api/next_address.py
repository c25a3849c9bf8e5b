"""Where somebody goes after signing in: an address of ours they asked for, and never one of somebody else's.

An open redirect would let a link to our own sign-in page end on a page that looks like it (OWASP, "Unvalidated
Redirects and Forwards"). So it is a path, judged as a browser reads it (WHATWG URL): `\\` is a slash to it, tabs and
line breaks are dropped, and two slashes begin a host.
"""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, urlencode, urlsplit

HOME = "/"
LONGEST = 4000
"""Characters; longer addresses are none of ours."""
ENTRANCES = ("/sign-in", "/sign-out", "/set-up", "/set-password")
"""Pages that would lead round in a circle."""


def safe_next(wanted: str | None) -> str:
    """The path and query of `wanted` where they are on this origin; else the first page."""
    if not wanted or len(wanted) > LONGEST or not wanted.startswith("/") or wanted.startswith("//"):
        return HOME
    if "\\" in wanted or any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs") for c in wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return HOME
    if (
        parts.scheme
        or parts.netloc
        or "//" in parts.path
        or f"{parts.path}/".startswith(tuple(f"{one}/" for one in ENTRANCES))
    ):
        return HOME
    query = f"?{parts.query}" if parts.query else ""
    return quote(parts.path + query, safe="/?&=%:@!$'()*+,;~-._")


def sign_in_address(wanted: str) -> str:
    """The sign-in page, from which `wanted` is gone on to."""
    after = safe_next(wanted)
    return "/sign-in" if after == HOME else f"/sign-in?{urlencode({'next': after})}"
