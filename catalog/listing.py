"""A list of datasets as SQL: filters, orders and pages.

Each order has an index, (owner, value, id), and a page begins after the last row of the one before it (a keyset), or at
a number, found by skipping entries of that index and no rows. The id breaks ties, so that a page is the same each time.

Among several people a plain list has three sources: what is the caller's own, what the team sees, which has an index of
its own for each order, and what was shared with the caller. The first of each are merged; a dataset that comes from two
of them counts once. So a page costs the same however many datasets there are.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Uuid, and_, case, func, literal, true, tuple_, union
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from catalog.access import IS_TEAM, is_granted, sees_dataset
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
    formats: tuple[str, ...] = ()
    owner: str | None = None
    sort: str = DEFAULT_SORT
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    page: int | None = None


@dataclass(frozen=True)
class Order:
    """A column that a list can be sorted by, and the type of its values in a cursor."""

    column: Any
    id_column: Any
    kind: type[datetime] | type[str] | type[int]
    descending: bool

    def key(self) -> list[ColumnElement[Any]]:
        return [one.desc() if self.descending else one.asc() for one in (self.column, self.id_column)]

    def after(self, cursor: Cursor) -> ColumnElement[bool]:
        here = tuple_(self.column, self.id_column)
        there = tuple_(literal(cursor.value, self.column.type), literal(cursor.id, Uuid()))
        return here < there if self.descending else here > there


COLUMNS: dict[str, tuple[Any, type[datetime] | type[str] | type[int]]] = {
    "updated_at": (Dataset.updated_at, datetime),
    "name": (Dataset.name_key, str),
    "size": (Dataset.size, int),
}
SORTS = tuple(sign + name for name in COLUMNS for sign in ("-", ""))


@dataclass(frozen=True, slots=True)
class Found:
    """A page's ids in order, and how many datasets of how many bytes match in all."""

    total: int
    size: int
    ids: tuple[uuid.UUID, ...]


LISTED: ColumnElement[bool] = col(Dataset.current_file_id).is_not(None)
KEPT = ("total", "size")


@dataclass(frozen=True)
class Listing:
    """A checked query of one caller: its conditions, its order, and the mark that ties cursors to both.

    `own`: it is about nothing but what the caller owns.
    """

    caller: Caller
    conditions: tuple[ColumnElement[bool], ...]
    order: Order
    filtered: bool
    own: bool
    mark: str

    def find(self, session: Session, *, after: Cursor | None, skip: int, most: int) -> Found:
        """The ids of at most `most` datasets, after a row or after `skip` of them, and the counts of all matches."""
        if not self.filtered:
            return self._own(session, after, skip, most) if self.own else self._plain(session, after, skip, most)
        # A filter has to look at every row anyway: one look gives both the counts and the page.
        value = self.order.column.label("value")
        matches = sql_select(col(Dataset.id), value, col(Dataset.size)).where(*self.conditions).cte("matches")
        order = replace(self.order, column=matches.c.value, id_column=matches.c.id)
        page = self._page(sql_select(matches.c.id, order.column), order, after, skip, most).subquery("page")
        counts = sql_select(func.count().label("total"), func.sum(matches.c.size).label("size")).subquery("counts")
        return self._together(session, counts, page)

    def _own(self, session: Session, after: Cursor | None, skip: int, most: int) -> Found:
        mine = col(Dataset.owner_id) == self.caller.user_id
        ids = self._page(select(Dataset.id).where(mine, LISTED), self.order, after, skip, most)
        kept = select(ShelfCount.datasets, ShelfCount.size).where(ShelfCount.owner_id == self.caller.user_id)
        total, size = session.exec(kept).first() or (0, 0)
        return Found(total, size, tuple(session.exec(ids)))

    def _plain(self, session: Session, after: Cursor | None, skip: int, most: int) -> Found:
        value, mine = self.order.column.label("value"), col(Dataset.owner_id) == self.caller.user_id
        # Few, and not in order: looked up once for the page and the counts.
        more: list[Any] = [col(Dataset.size).label("size"), and_(~mine, ~IS_TEAM).label("apart")]
        granted: Any = sql_select(col(Dataset.id).label("id"), value, *more).where(is_granted(self.caller), LISTED)
        shared = granted.cte("shared")
        sources = [sql_select(col(Dataset.id).label("id"), value).where(one, LISTED) for one in (mine, IS_TEAM)]
        firsts = [self._page(one, self.order, after, 0, skip + most).subquery() for one in sources]
        merged = union(*(sql_select(one.c.id, one.c.value) for one in (*firsts, shared))).subquery("merged")
        order = replace(self.order, column=merged.c.value, id_column=merged.c.id)
        page = self._page(sql_select(merged.c.id, merged.c.value), order, after, skip, most).subquery("page")
        whose = col(ShelfCount.owner_id) == self.caller.user_id
        kept = sql_select(
            func.sum(case((whose, ShelfCount.datasets), else_=ShelfCount.team_datasets)).label("total"),
            func.sum(case((whose, ShelfCount.size), else_=ShelfCount.team_size)).label("size"),
        ).subquery("kept")
        apart = sql_select(func.count().label("total"), func.sum(shared.c.size).label("size")).where(shared.c.apart)
        besides = apart.subquery("besides")
        both = ((func.coalesce(kept.c[one], 0) + func.coalesce(besides.c[one], 0)).label(one) for one in KEPT)
        counts = sql_select(*both).join_from(kept, besides, true()).subquery("counts")
        return self._together(session, counts, page)

    def _together(self, session: Session, counts: Any, page: Any) -> Found:
        """The page, its ids and values, beside the counts: both are of one moment."""
        value, id_ = (page.c[name] for name in ("value", "id"))
        shown = replace(self.order, column=value, id_column=id_)
        query = sql_select(counts.c.total, counts.c.size, id_).outerjoin_from(counts, page, true())
        rows = session.execute(query.order_by(*shown.key())).all()
        return Found(int(rows[0][0]), int(rows[0][1] or 0), tuple(row[2] for row in rows if row[2] is not None))

    @staticmethod
    def _page(query: Any, order: Order, after: Cursor | None, skip: int, most: int) -> Any:
        if after is not None:
            query = query.where(order.after(after))
        return query.order_by(*order.key()).offset(skip or None).limit(most)


def prepare(caller: Caller, query: DatasetQuery) -> Listing:
    """Raises InvalidQuery for what the list does not know."""
    if query.sort not in SORTS:
        raise InvalidQuery(f"The list cannot be sorted by “{query.sort[:40]}”; it can by {', '.join(SORTS)}.")
    for unknown in set(query.formats) - set(FORMATS):
        raise InvalidQuery(f"There is no format “{unknown[:40]}”; there are {', '.join(FORMATS)}.")
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
    if query.formats:
        filters.append(col(Dataset.format).in_(query.formats))
    own = caller.alone if query.owner is None else query.owner == caller.name and not filters
    if query.owner is not None and not own:
        filters.append(col(Dataset.owner_id).in_(select(User.id).where(User.name == query.owner)))
    return Listing(
        caller=caller,
        conditions=(sees_dataset(caller), LISTED, *filters),
        order=Order(col(column), col(Dataset.id), kind, descending=query.sort.startswith("-")),
        filtered=bool(filters),
        own=own,
        mark=fingerprint([caller.user_id.hex, query.sort, wanted, tags, sorted(query.formats), query.owner]),
    )


def _tagged(key: str) -> ColumnElement[bool]:
    return col(Dataset.id).in_(select(DatasetTag.dataset_id).where(DatasetTag.tag_key == key))
