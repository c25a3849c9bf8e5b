"""Who did what: the events, newest first, for the admin over the whole shelf and for a dataset on its page.

A page begins after the last event of the one before it (a keyset over time and id), so that it costs the same however
long the shelf has run, and events that come in meanwhile move nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Uuid, and_, literal, or_, tuple_
from sqlmodel import Session, col, select

from catalog import cursor
from catalog.access import Need, can, check_admin, find_dataset, sees_dataset
from catalog.activity_groups import DETAIL_FOR_READERS, FOR_READERS, GROUP_OF, GROUPS, Group
from catalog.caller import Caller
from catalog.cursor import Cursor, fingerprint
from catalog.errors import InvalidQuery
from catalog.events import EventKind
from catalog.names import fold, has_control
from catalog.origin import OPERATOR
from db import Database
from db.tables import Dataset, Event, User
from db.utc import UtcDateTime

DEFAULT_LIMIT = 50
MOST = 200
BATCH = 1_000
"""Events that an export holds in memory."""
LONGEST_SEARCH = 200
MARK = fingerprint(["activity"])
"""Of every cursor: the order is the same whatever is looked for, and a page may be asked for with other filters."""


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One thing that was done. Names are those of then; what is not known is None.

    `by` says what `actor` is: a person, a link for people without an account, an operator's command, or the app itself
    (without a name). `asked` are the bytes a download asked for. `linked`: the caller of a page sees the dataset now.
    """

    id: uuid.UUID
    at: datetime
    kind: str
    group: Group
    by: Literal["person", "link", "operator", "app"]
    actor: str | None
    user_id: uuid.UUID | None
    dataset_id: uuid.UUID | None
    dataset_name: str | None
    file_id: uuid.UUID | None
    file_name: str | None
    version: int | None
    asked: int | None
    link_id: uuid.UUID | None
    address: str | None
    agent: str | None
    detail: Mapping[str, Any]
    linked: bool = False


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """What to look for; everything given must hold. `person` is a user's id or name, or the name of whatever else did
    it, such as `ops restore`; every word of `q` is in a name or an address; `since` ≤ time < `until`."""

    q: str = ""
    person: str | None = None
    groups: tuple[Group, ...] = ()
    dataset_id: uuid.UUID | None = None
    link_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """The newest first. `whole` is False for whoever sees only what changed of a dataset, and no addresses."""

    items: tuple[ActivityEntry, ...]
    next_cursor: str | None
    whole: bool = True


@dataclass(frozen=True)
class Activity:
    """Reads the events; `catalog.events.record` writes them. Every method raises DatabaseUnavailable."""

    database: Database

    def list(self, caller: Caller, query: ActivityQuery) -> ActivityPage:
        """A page over the whole shelf. Raises AdminsOnly, InvalidQuery, InvalidCursor."""
        check_admin(caller)
        with self.database.session() as session:
            return _page(session, caller, query, _conditions(session, query))

    def of(self, caller: Caller, dataset_id: uuid.UUID, query: ActivityQuery | None = None) -> ActivityPage:
        """A page of what was done to a dataset: all of it for whoever may change it; for others what changed, without
        addresses, downloads and whom it is shared with. Raises DatasetNotFound, InvalidQuery, InvalidCursor.
        """
        asked = replace(query or ActivityQuery(), dataset_id=dataset_id)
        with self.database.session() as session:
            dataset = find_dataset(session, caller, dataset_id)
            conditions = _conditions(session, asked)
            # A viewer, or a token that only reads, is refused no look at their own dataset.
            mine = dataset.owner_id == caller.user_id
            if mine or can(session, caller, dataset, Need.EDIT):
                return _page(session, caller, asked, conditions)
            changes = [*conditions, col(Event.kind).in_(sorted(FOR_READERS))]
            page = _page(session, caller, asked, changes)
        return replace(page, items=tuple(_for_readers(entry) for entry in page.items), whole=False)

    def people(self, caller: Caller) -> Sequence[tuple[uuid.UUID, str]]:
        """Everybody who can be asked for, by name. Raises AdminsOnly."""
        check_admin(caller)
        with self.database.session() as session:
            return [(id_, name) for id_, name in session.exec(select(User.id, User.name).order_by(col(User.name)))]

    def all(self, caller: Caller, query: ActivityQuery) -> Iterator[ActivityEntry]:
        """Everything that matches, the newest first, in bounded memory; what comes in meanwhile is not in it.

        Raises AdminsOnly and InvalidQuery at once, before the first.
        """
        check_admin(caller)
        return self.whole(query)

    def whole(self, query: ActivityQuery) -> Iterator[ActivityEntry]:
        """The same for an operator, who has the database anyway. Raises InvalidQuery at once."""
        with self.database.session() as session:
            conditions = _conditions(session, query)
        return self._whole(conditions)

    def _whole(self, conditions: Sequence[ColumnElement[bool]]) -> Iterator[ActivityEntry]:
        last: Cursor | None = None
        while True:
            with self.database.session() as session:
                events = _events(session, conditions, last, BATCH)
            yield from (_entry(event) for event in events)
            if len(events) < BATCH:
                return
            last = Cursor(events[-1].at, events[-1].id)


def _page(
    session: Session, caller: Caller, query: ActivityQuery, conditions: Sequence[ColumnElement[bool]]
) -> ActivityPage:
    if not 1 <= query.limit <= MOST:
        raise InvalidQuery(f"A page holds 1 to {MOST} entries.")
    after = None if query.cursor is None else cursor.decode(query.cursor, MARK, datetime)
    events = _events(session, conditions, after, query.limit + 1)
    more, shown = len(events) > query.limit, events[: query.limit]
    following = cursor.encode(Cursor(shown[-1].at, shown[-1].id), MARK) if more else None
    return ActivityPage(_entries(session, caller, shown), following)


def _conditions(session: Session, query: ActivityQuery) -> list[ColumnElement[bool]]:
    """Raises InvalidQuery."""
    if len(query.q) > LONGEST_SEARCH or has_control(query.q):
        raise InvalidQuery(f"A search has up to {LONGEST_SEARCH} characters and no control characters.")
    found: list[ColumnElement[bool]] = [
        col(Event.search_text).contains(word, autoescape=True) for word in fold(query.q).split()
    ]
    if query.person is not None:
        found.append(_by(session, query.person))
    if query.groups:
        kinds = sorted(kind for group in query.groups for kind in GROUPS[group])
        listed = col(Event.kind).in_(kinds)
        by_command = col(Event.actor).startswith(OPERATOR)
        found.append(or_(listed, by_command) if Group.OPERATION in query.groups else listed)
    if query.dataset_id is not None:
        found.append(col(Event.dataset_id) == query.dataset_id)
    if query.link_id is not None:
        found.append(col(Event.link_id) == query.link_id)
    if query.since is not None:
        found.append(col(Event.at) >= _aware(query.since))
    if query.until is not None:
        found.append(col(Event.at) < _aware(query.until))
    return found


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InvalidQuery("A time needs its zone, for example 2026-11-29T10:00:00Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidQuery("A time lies between the years 1 and 9999, in UTC too.") from None


def _by(session: Session, person: str) -> ColumnElement[bool]:
    if has_control(person):
        raise InvalidQuery("A person is a user's id or name.")
    try:
        wanted = User.id == uuid.UUID(person)
    except ValueError:
        wanted = User.name == person
    id_ = session.exec(select(User.id).where(wanted)).first()
    if id_ is None:
        return col(Event.actor) == person
    return col(Event.user_id) == id_


def _events(
    session: Session, conditions: Sequence[ColumnElement[bool]], after: Cursor | None, most: int
) -> Sequence[Event]:
    query = select(Event).where(*conditions).order_by(col(Event.at).desc(), col(Event.id).desc()).limit(most)
    if after is not None:
        place = (literal(after.value, UtcDateTime()), literal(after.id, Uuid()))
        # The first says nothing new, but that the index over the time alone serves.
        query = query.where(and_(col(Event.at) <= place[0], tuple_(col(Event.at), col(Event.id)) < tuple_(*place)))
    return session.exec(query).all()


def _entries(session: Session, caller: Caller, events: Sequence[Event]) -> tuple[ActivityEntry, ...]:
    named = {event.dataset_id for event in events if event.dataset_id is not None}
    there = select(Dataset.id).where(
        col(Dataset.id).in_(named), sees_dataset(caller), col(Dataset.trashed_at).is_(None)
    )
    seen = set(session.exec(there)) if named else set()
    return tuple(_entry(event, linked=event.dataset_id in seen) for event in events)


def _entry(event: Event, *, linked: bool = False) -> ActivityEntry:
    detail = event.detail
    if event.link_id is not None and event.user_id is None:
        by: Literal["person", "link", "operator", "app"] = "link"
    elif event.actor is not None and event.actor.startswith(OPERATOR):
        by = "operator"
    else:
        # Somebody failed to sign in, though it is not known who.
        by = "app" if event.user_id is None and event.kind != EventKind.SIGN_IN_FAILED else "person"
    return ActivityEntry(
        id=event.id,
        at=event.at,
        kind=event.kind,
        group=GROUP_OF.get(event.kind, Group.OPERATION),
        by=by,
        actor=event.actor,
        user_id=event.user_id,
        dataset_id=event.dataset_id,
        # Events from before names were kept have them in their details, where they have them at all.
        dataset_name=event.dataset_name or (_text(detail, "name") if event.dataset_id is not None else None),
        file_id=event.file_id,
        file_name=event.file_name or _text(detail, "file_name"),
        version=_number(detail, "version"),
        asked=_number(detail, "asked"),
        link_id=event.link_id,
        address=event.address,
        agent=event.agent,
        detail=detail,
        linked=linked,
    )


def _for_readers(entry: ActivityEntry) -> ActivityEntry:
    detail = {name: value for name, value in entry.detail.items() if name in DETAIL_FOR_READERS}
    return replace(entry, address=None, agent=None, link_id=None, detail=detail)


def _text(detail: Mapping[str, Any], name: str) -> str | None:
    value = detail.get(name)
    return value if isinstance(value, str) else None


def _number(detail: Mapping[str, Any], name: str) -> int | None:
    value = detail.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
