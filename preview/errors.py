"""Why a file shows no table: one error per fact, each with a sentence for the user.

`str(error)` is that sentence. Every class has a short `title` and is also the builtin it is; all of them are made
from one argument, so they travel between processes unchanged.
"""

from __future__ import annotations

from typing import ClassVar


class PreviewError(Exception):
    """A file could not be shown; the message is one sentence or two for the user."""

    title: ClassVar[str] = "No preview"


class NoTable(PreviewError, ValueError):
    """The content is whole, but it is not a table (or not one of the formats that are read)."""

    title = "No table"


class CorruptFile(PreviewError, ValueError):
    """The content breaks the rules of its own format."""

    title = "Damaged file"


class EncryptedFile(PreviewError, ValueError):
    """The content is behind a password or a key."""

    title = "Encrypted file"


class TooBig(PreviewError, ValueError):
    """Showing it would need more bytes, memory or depth than one read may use."""

    title = "Too big to show"


class TimedOut(PreviewError, TimeoutError):
    """The read took longer than it may; its worker was stopped."""

    title = "Reading took too long"


class SourceUnavailable(PreviewError, ConnectionError):
    """The store did not answer, or refused; trying again later may help."""

    title = "Storage unavailable"


class SourceGone(PreviewError, FileNotFoundError):
    """The store answered that the bytes are not there."""

    title = "File is gone"


class WorkerCrashed(PreviewError, RuntimeError):
    """The worker died while reading, and so did the one that tried again."""

    title = "Reading failed"


class Cancelled(PreviewError, RuntimeError):
    """Somebody stopped the read or the query."""

    title = "Stopped"


class QueryRefused(PreviewError, ValueError):
    """The SQL is not one SELECT over the tables given, or reaches for something outside them."""

    title = "Not allowed in a query"


class QueryFailed(PreviewError, ValueError):
    """The SQL does not run: `str(error)` is DuckDB's reason, and where it stands is told as in `place_in`."""

    title = "The query does not run"


class ResultTooBig(PreviewError, ValueError):
    """A query's result, or what it needs on the way, is more than it may be."""

    title = "Too big a result"
