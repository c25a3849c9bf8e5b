"""Finding a dataset by words: the text that is searched, and the condition that searches it.

Name, description, tags, column names, owner and file name of a dataset lie folded in one text column. A word matches
anywhere in it, several words must all match. Measured at 100,000 datasets it answers in well under a second on both
databases without an index, and needs no extension of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement
from sqlmodel import col

from catalog.errors import InvalidQuery
from catalog.names import fold
from db.tables import Dataset

LONGEST_QUERY = 200
LONGEST_SEARCH_TEXT = 200_000
"""Characters; room for the names of some ten thousand columns."""


def search_text(
    name: str, description: str, tags: Iterable[str], columns: Iterable[str], owner: str, file_name: str
) -> str:
    """What a dataset can be found by, folded, a piece a line. The columns come last: they are what may be cut off."""
    pieces = (name, owner, file_name, *tags, description, *columns)
    return "\n".join(fold(piece).replace("\x00", "") for piece in pieces if piece)[:LONGEST_SEARCH_TEXT]


def words(q: str) -> tuple[str, ...]:
    """The words of a search, each once. Raises InvalidQuery where it is too long."""
    if len(q) > LONGEST_QUERY:
        raise InvalidQuery(f"The search has {len(q):,} characters; {LONGEST_QUERY} is the most.")
    # What no database stores (NUL, half a surrogate pair) parts words like a space: it can match nothing.
    plain = "".join(" " if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in q)
    return tuple(dict.fromkeys(fold(plain).split()))


def matches(words: Iterable[str]) -> list[ColumnElement[bool]]:
    """The conditions under which a dataset has all the words; `%` and `_` stand for themselves."""
    return [col(Dataset.search_text).contains(word, autoescape=True) for word in words]
