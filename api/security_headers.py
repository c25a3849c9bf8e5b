"""What a browser is told about every answer: what its pages may load, run and send, and who may look on.

ASGI middleware around everything the process serves, the screens too. An answer that brings a header of its own keeps
it, such as the sandbox of what people stored. The directives are those of Content Security Policy Level 3 (W3C); why
each one is as wide as it is stands in docs/security.md.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings

DATA = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For what is no page: JSON, figures, a redirect. Were it ever taken for one, it could do nothing."""
FORMS_AT = ("/sign-in", "/sign-out", "/set-up", "/set-password")
"""Pages without a script: they stand before everything else, and hold a password."""
DATA_AT = ("/api/", "/metrics", "/s/")
LINKS_AT = "/s/"
PRIVATE_AT = (LINKS_AT, "/shared")
"""Their addresses hold a share link's token. `same-origin` tells them to nobody else, as `no-referrer` would, by which
a browser sends the password's form with `Origin: null`, as if it were a foreign page's (Fetch, 3.2)."""
YEAR = 31_536_000
"""Seconds a browser keeps to TLS for this host once it has seen it (RFC 6797)."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer",
            "camera",
            "display-capture",
            "geolocation",
            "gyroscope",
            "hid",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "serial",
            "usb",
            "xr-spatial-tracking",
        )
    ),
}

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def inline_scripts(html: str) -> tuple[str, ...]:
    """The sources that let exactly the scripts written into a page run (CSP3, 2.3.1: `sha256-…`)."""
    digests = (hashlib.sha256(found.encode()).digest() for found in _INLINE.findall(html))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def policy(**sources: Iterable[str]) -> str:
    """A policy that allows nothing but this; `script_src=("'self'",)` is `script-src 'self'`."""
    given = {"default_src": ("'none'",), **sources}
    return "; ".join(f"{name.replace('_', '-')} {' '.join(values)}" for name, values in given.items())


def screens(scripts: Iterable[str], *, elsewhere: Iterable[str], posts_to: Iterable[str]) -> str:
    """The policy of the screens: `scripts` are the hashes of the ones in their page, `elsewhere` the origins where the
    bytes of files come from and go to, `posts_to` those a form may lead to."""
    return policy(
        # A component's script is one that the browser makes a blob of; whoever can make one runs a script already.
        script_src=("'self'", "blob:", *scripts),
        worker_src=("'self'", "blob:"),
        style_src=("'self'", "'unsafe-inline'"),
        font_src=("'self'", "data:"),
        # data: and blob: are pictures the page itself has made. One of another host is never fetched.
        img_src=("'self'", "data:", "blob:"),
        manifest_src=("'self'",),
        connect_src=("'self'", *elsewhere),
        # A download runs in a hidden frame, which its failure is read from.
        frame_src=("'self'", *elsewhere),
        frame_ancestors=("'self'",),
        form_action=("'self'", *posts_to),
        base_uri=("'self'",),
        object_src=("'none'",),
    )


def forms(posts_to: Iterable[str]) -> str:
    """The policy of the pages in FORMS_AT."""
    return policy(
        style_src=("'self'", "'unsafe-inline'"),
        font_src=("'self'",),
        img_src=("'self'", "data:"),
        form_action=("'self'", *posts_to),
        base_uri=("'none'",),
        frame_ancestors=("'none'",),
    )


def documentation(html: str) -> str:
    """The policy of the API's documentation: its own scripts, and calls of the API from it."""
    return policy(
        script_src=("'self'", *inline_scripts(html)),
        style_src=("'self'", "'unsafe-inline'"),
        img_src=("'self'", "data:"),
        connect_src=("'self'",),
        base_uri=("'none'",),
        form_action=("'none'",),
        frame_ancestors=("'none'",),
    )


def origin_of(url: str) -> str:
    """Scheme, host and port, as a policy names them."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class SecurityHeaders:
    """ASGI middleware; `page` is the HTML that the screens are served as."""

    def __init__(self, app: ASGIApp, *, settings: Settings, page: str) -> None:
        self.app = app
        issuer = settings.auth.oidc_issuer if settings.auth.mode == "oidc" else None
        self.posts_to = (origin_of(issuer),) if issuer else ()
        # Links to local files begin with PUBLIC_URL, by whatever other name somebody came.
        self.public = (origin_of(settings.public_url),) if settings.public_url else ()
        self.forms = forms(self.posts_to)
        self.scripts = inline_scripts(page)
        self.always = dict(ALWAYS)
        if (settings.public_url or "").startswith("https://"):
            self.always["Strict-Transport-Security"] = f"max-age={YEAR}"
        self._screens: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        # Asked first: whatever serves the call may write into its scope.
        private = scope["path"].startswith(PRIVATE_AT)
        own = {
            **self.always,
            "Referrer-Policy": "same-origin" if private else "strict-origin-when-cross-origin",
            "Content-Security-Policy": self.policy_for(scope),
        }
        if private:
            own["X-Robots-Tag"] = "noindex"
        if scope["path"].startswith(DATA_AT):
            # Signed links and what is one person's to see; a refusal, too, which a cache would give on when a link is
            # good again (RFC 9111, 4.2.2).
            own["Cache-Control"] = "no-store"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in own.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)

    def policy_for(self, scope: Scope) -> str:
        path: str = scope["path"]
        if path.startswith(DATA_AT):
            return DATA
        if path.startswith(FORMS_AT):
            return self.forms
        if self._screens is None:
            # Where links lead is known to the store, which is there once the app has started.
            origins = scope["app"].state.services.storages.link_origins
            elsewhere = dict.fromkeys((*self.public, *origins))
            self._screens = screens(self.scripts, elsewhere=elsewhere, posts_to=self.posts_to)
        return self._screens
