"""A list of datasets as SQL: filters, orders and pages.

Each order has an index, (owner, value, id), and a page begins after the last row of the one before it (a keyset), or at
a number, found by skipping entries of that index and no rows. The id breaks ties, so that a page is the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Uuid, func, literal, tuple_
from sqlmodel import Session, col, select

from catalog.access import sees_dataset
from catalog.caller import Caller
from catalog.cursor import Cursor, fingerprint
from catalog.errors import InvalidQuery
from catalog.names import fold, has_control
from catalog.search import matches, words
from db.tables import Dataset, DatasetTag, ShelfCount, User
from preview.formats import FORMATS

DEFAULT_LIMIT = 24
MOST = 200
DEFAULT_SORT = "-updated_at"


@dataclass(frozen=True, slots=True)
class DatasetQuery:
    """What to list. Several words of `q` and several `tags` mean and; `-` before `sort` means descending.

    A page is said by `cursor` (the `next_cursor` of the page before) or by `page`, counted from 1.
    """

    q: str = ""
    tags: tuple[str, ...] = ()
    format: str | None = None
    owner: str | None = None
    sort: str = DEFAULT_SORT
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Order:
    """A column that a list can be sorted by, and the type of its values in a cursor."""

    column: Any
    kind: type[datetime] | type[str] | type[int]
    descending: bool

    def key(self) -> list[ColumnElement[Any]]:
        both = (col(self.column), col(Dataset.id))
        return [one.desc() if self.descending else one.asc() for one in both]

    def after(self, cursor: Cursor) -> ColumnElement[bool]:
        here = tuple_(col(self.column), col(Dataset.id))
        there = tuple_(literal(cursor.value, self.column.type), literal(cursor.id, Uuid()))
        return here < there if self.descending else here > there


COLUMNS: dict[str, tuple[Any, type[datetime] | type[str] | type[int]]] = {
    "updated_at": (Dataset.updated_at, datetime),
    "name": (Dataset.name_key, str),
    "size": (Dataset.size, int),
}
SORTS = tuple(sign + name for name in COLUMNS for sign in ("-", ""))


@dataclass(frozen=True)
class Listing:
    """A checked query of one caller: its conditions, its order, and the mark that ties cursors to both."""

    caller: Caller
    conditions: tuple[ColumnElement[bool], ...]
    order: Order
    filtered: bool
    mark: str

    def counts(self, session: Session) -> tuple[int, int]:
        """How many datasets match, and their bytes; without a filter they are kept and only read."""
        if not self.filtered:
            kept = select(ShelfCount.datasets, ShelfCount.size).where(ShelfCount.owner_id == self.caller.user_id)
            row = session.exec(kept).first()
            return (row[0], row[1]) if row else (0, 0)
        query = (
            select(func.count(), func.coalesce(func.sum(Dataset.size), 0)).select_from(Dataset).where(*self.conditions)
        )
        total, size = session.exec(query).one()
        return total, int(size)


def prepare(caller: Caller, query: DatasetQuery) -> Listing:
    """Raises InvalidQuery for what the list does not know."""
    if query.sort not in SORTS:
        raise InvalidQuery(f"The list cannot be sorted by “{query.sort[:40]}”; it can by {', '.join(SORTS)}.")
    if query.format is not None and query.format not in FORMATS:
        raise InvalidQuery(f"There is no format “{query.format[:40]}”; there are {', '.join(FORMATS)}.")
    if not 1 <= query.limit <= MOST:
        raise InvalidQuery(f"A page has 1 to {MOST} datasets.")
    if query.page is not None and (query.cursor is not None or not 1 <= query.page <= 2**31):
        raise InvalidQuery("A page has a number from 1, or a cursor, not both.")
    for text in (*query.tags, query.owner or ""):
        if has_control(text):
            raise InvalidQuery("A filter contains a line break or another control character.")
    wanted, tags = words(query.q), tuple(sorted({fold(" ".join(tag.split())) for tag in query.tags}))
    name = query.sort.removeprefix("-")
    column, kind = COLUMNS[name]
    filters = [*matches(wanted), *map(_tagged, tags)]
    if query.format is not None:
        filters.append(col(Dataset.format) == query.format)
    if query.owner is not None:
        filters.append(col(Dataset.owner_id).in_(select(User.id).where(User.name == query.owner)))
    return Listing(
        caller=caller,
        conditions=(sees_dataset(caller), col(Dataset.current_file_id).is_not(None), *filters),
        order=Order(column, kind, descending=query.sort.startswith("-")),
        filtered=bool(filters),
        mark=fingerprint([caller.user_id.hex, query.sort, wanted, tags, query.format, query.owner]),
    )


def _tagged(key: str) -> ColumnElement[bool]:
    return col(Dataset.id).in_(select(DatasetTag.dataset_id).where(DatasetTag.tag_key == key))
