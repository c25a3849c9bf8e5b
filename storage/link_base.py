"""Where signed links to local files begin: the scheme and host that the caller of this request used."""

from __future__ import annotations

from contextvars import ContextVar

from storage.protocol import StorageError

link_base: ContextVar[str] = ContextVar("link_base")
"""An absolute base such as `http://localhost:8501`, set per request by the API and the pages."""


class LinkBaseUnknown(StorageError, LookupError):
    """A local link was asked for outside a request, and PUBLIC_URL is not set."""


def known_link_base() -> str:
    """The base of this request, or "" where there is none to know it by: an address then begins at its path."""
    return link_base.get("").rstrip("/")


def current_link_base() -> str:
    """The base of this request, without a slash at its end. Raises LinkBaseUnknown."""
    base = link_base.get(None)
    if base is None:
        raise LinkBaseUnknown("a link needs the address of a request, or PUBLIC_URL")
    return base.rstrip("/")
