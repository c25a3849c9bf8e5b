"""What proxies say of a call: believed where the proxy is trusted, and thrown away where it is not.

Two kinds of word, each with its own list. X-Forwarded-For and X-Forwarded-Proto say where a call comes from
(TRUSTED_PROXIES); the identity headers of AUTH__MODE=header say who sends it (AUTH__TRUSTED_PROXIES). Both are judged
by the TCP peer alone, never by what a header says the peer is. Behind this nobody has to doubt any of them again,
Streamlit with its `st.context.headers` included.
"""

from __future__ import annotations

from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import Networks, address_of, client_behind
from settings import Settings

log = structlog.get_logger(__name__)

Headers = list[tuple[bytes, bytes]]


class Forwarded:
    """ASGI middleware for http and websocket; put it before whatever reads an address, a scheme or who somebody is.

    The server below must hand over the TCP peer as it is: `app.py` sees to it that uvicorn does.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self.app = app
        vouching = settings.auth.trusted_proxies if settings.auth.mode == "header" else ()
        self.vouching = Networks(vouching)
        self.trusted = Networks((*settings.trusted_proxies, *vouching))
        self.identity = frozenset(_plain(name.lower().encode()) for name in settings.auth.identity_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            # Changed in place: what stands outside reads from the same scope when the call has ended.
            peer = address_of(scope["client"][0]) if scope.get("client") else None
            scope["headers"] = self._without_foreign_words(scope["headers"], vouched=peer in self.vouching)
            if peer is not None:
                if peer in self.trusted:
                    scheme = _last(scope["headers"], b"x-forwarded-proto")
                    if scheme in ("http", "https"):
                        scope["scheme"] = scheme.replace("http", "ws") if scope["type"] == "websocket" else scheme
                client = client_behind(peer, _joined(scope["headers"], b"x-forwarded-for"), self.trusted)
                # The port is the peer's own; of anybody behind it none is known.
                scope["client"] = (str(client), scope["client"][1] if client == peer else 0)
        await self.app(scope, receive, send)

    def _without_foreign_words(self, headers: Any, *, vouched: bool) -> Headers:
        """The headers without those that name somebody, unless the peer may say so and says each once.

        Said twice, one of the two slipped through a proxy that was to replace it. With an underscore in a hyphen's
        place some proxies take it for another header, and let a client's own through.
        """
        said = [name for name, _ in headers if _plain(name) in self.identity]
        if not said:
            return list(headers)
        exact = [name for name in said if b"_" not in name]
        if vouched and len(set(exact)) == len(exact):
            return [(name, value) for name, value in headers if _plain(name) not in self.identity or b"_" not in name]
        if vouched:
            log.warning("identity_header_twice", headers=sorted({name.decode("latin-1") for name in exact}))
        return [(name, value) for name, value in headers if _plain(name) not in self.identity]


def _plain(name: bytes) -> bytes:
    return name.lower().replace(b"_", b"-")


def _joined(headers: Headers, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def _last(headers: Headers, name: bytes) -> str:
    """What the nearest proxy wrote: the last of the values."""
    return _joined(headers, name).rpartition(",")[2].strip().lower()
