"""Why a file shows no table: one error per fact, each with a sentence for the user.

`str(error)` is that sentence. Every class has a short `title` and is also the builtin it is; all of them are made
from one argument, and those about a query from a place in it besides, so they travel between processes unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class PlaceInQuery:
    """Where in the SQL something is wrong. `line` and `column` count from 1; `excerpt` is that line, or the part of it
    around the place, with carets under it in a second line."""

    line: int
    column: int
    excerpt: str


class PreviewError(Exception):
    """A file could not be shown; the message is one sentence or two for the user."""

    title: ClassVar[str] = "No preview"

    def facts(self) -> dict[str, Any]:
        """As it leaves a worker."""
        return {"error": type(self).__name__, "text": str(self)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave."""
        return cls(str(facts["text"]))


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


class WrongReadAs(PreviewError, ValueError):
    """What a user says of the file does not fit it: no such encoding, sheet, member, column type."""

    title = "Cannot be read that way"


class Cancelled(PreviewError, RuntimeError):
    """Somebody stopped the read or the query."""

    title = "Stopped"


class AboutQuery(PreviewError, ValueError):
    """Something is wrong with the SQL. `place` says where, if that is known; `suggestion` is the name that may have
    been meant."""

    title = "The query does not run"

    def __init__(self, text: str, place: PlaceInQuery | None = None, suggestion: str | None = None) -> None:
        super().__init__(text)
        self.place = place
        self.suggestion = suggestion

    def facts(self) -> dict[str, Any]:
        place = asdict(self.place) if self.place else None
        return {**super().facts(), "place": place, "suggestion": self.suggestion}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        place = facts.get("place")
        return cls(str(facts["text"]), PlaceInQuery(**place) if place else None, facts.get("suggestion"))


class QueryRefused(AboutQuery):
    """The SQL is not one SELECT over the tables given, or reaches for something outside them."""

    title = "Not allowed in a query"


class QueryFailed(AboutQuery):
    """The SQL does not run: `str(error)` is DuckDB's reason."""


class ResultTooBig(PreviewError, ValueError):
    """A query's result, or what it needs on the way, is more than it may be."""

    title = "Too big a result"
