"""Who did what, on both databases: written down, found again, taken along, kept for so long and never changed."""

from __future__ import annotations

import ast
import csv
import io
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import select

from catalog.accounts import make_user
from catalog.activity import Activity, ActivityEntry, ActivityQuery
from catalog.activity_export import FIELDS, inert, written
from catalog.activity_groups import GROUPS, Group
from catalog.activity_retention import ActivityRetention
from catalog.byte_ranges import bytes_asked
from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.errors import AdminsOnly, DatasetNotFound, InvalidCursor, InvalidQuery
from catalog.events import EventKind, record
from catalog.origin import Origin, current_origin, origin, set_for_process
from catalog.tokens import Tokens
from db import Database
from db.tables import Dataset, DatasetGrant, Event, Level, Role, Visibility
from db.utc import utc_now
from tests.contract.catalog.conftest import Shelf

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def coming_from(**known: object) -> Iterator[None]:
    before = origin.set(replace(Origin(), **known))  # type: ignore[arg-type]
    try:
        yield
    finally:
        origin.reset(before)


def person(database: Database, name: str, role: Role = Role.EDITOR) -> Caller:
    with database.transaction() as session:
        return Caller(make_user(session, name, role=role).id, name, role=role)


def kinds(entries: tuple[ActivityEntry, ...]) -> list[str]:
    return [entry.kind for entry in entries]


def test_who_makes_an_upload_request_did_so_and_whoever_uses_it_is_somebody_with_the_link(database: Database) -> None:
    ada, link = person(database, "Ada", Role.ADMIN), uuid.uuid4()
    with coming_from(link_id=link), database.transaction() as session:
        record(session, EventKind.REQUEST_CREATED, user_id=ada.user_id)
    with coming_from(link_id=link, actor="upload request “Sales”"), database.transaction() as session:
        record(session, EventKind.UPLOAD_STARTED, user_id=ada.user_id)
    entries = Activity(database).list(ada, ActivityQuery(link_id=link)).items
    assert {entry.kind: entry.by for entry in entries} == {"request_created": "person", "upload_started": "link"}


def test_every_kind_of_event_belongs_to_one_group() -> None:
    listed = [kind for group in GROUPS.values() for kind in group]
    assert sorted(listed) == sorted(EventKind)
    assert set(GROUPS) == set(Group)


def test_who_did_it_from_where_and_to_what_is_known_when_all_of_it_is_gone(local_shelf: Shelf) -> None:
    shelf, activity = local_shelf, Activity(local_shelf.database)
    with coming_from(address="203.0.113.7", agent="curl/8.5", byte_range="bytes=0-3"):
        detail = shelf.upload(b"a,b\n1,2\n", "Füße.csv", name="Maße")
        shelf.downloads.redirect(shelf.caller, detail.files[0].id)
        shelf.downloads.link(shelf.caller, detail.files[0].id, expires_in=timedelta(seconds=60))
        Datasets(shelf.database, shelf.storages).delete(shelf.caller, detail.summary.id, permanent=True)
    page = activity.list(shelf.caller, ActivityQuery(dataset_id=detail.summary.id))
    assert kinds(page.items) == [
        "dataset_deleted",
        "file_linked",
        "file_downloaded",
        "upload_completed",
        "upload_started",
    ]
    assert {(one.actor, one.by, one.address, one.agent, one.dataset_name) for one in page.items} == {
        ("local", "person", "203.0.113.7", "curl/8.5", "Maße")
    }
    assert {one.file_name for one in page.items[1:]} == {"Füße.csv"}
    linked, downloaded = page.items[1], page.items[2]
    assert (downloaded.asked, downloaded.version, downloaded.detail["size"]) == (4, 1, 8)
    assert linked.detail["expires_in"] == 60
    assert not any(one.linked for one in page.items)


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, 100),
        ("bytes=0-", 100),
        ("bytes=0-9", 10),
        ("bytes=90-200", 10),
        ("bytes=-30", 30),
        ("bytes=-300", 100),
        ("bytes=0-0, 5-9", 6),
        ("bytes=100-", 0),
        ("bytes=9-2", 100),
        ("bytes=", 100),
        ("bytes=-", 100),
        ("lines=1-2", 100),
        ("bytes=" + "0-0," * 5000, 100),
    ],
)
def test_the_bytes_that_a_range_asks_for(header: str | None, asked: int) -> None:
    assert bytes_asked(header, 100) == asked


@pytest.fixture
def busy(local_shelf: Shelf) -> dict[str, Caller]:
    """A shelf where ann and ben did one thing and another; the local user is its admin."""
    shelf = local_shelf
    ann, ben = person(shelf.database, "Ann"), person(shelf.database, "ben")
    for caller, address in ((ann, "198.51.100.1"), (ben, "198.51.100.2")):
        own = replace(shelf, caller=caller)
        with coming_from(address=address):
            detail = own.upload(b"x\n1\n", f"{caller.name}.csv", name=f"100% of {caller.name}")
            own.downloads.redirect(caller, detail.files[0].id)
            Tokens(shelf.database).create(caller, f"{caller.name}’s notebook")
    with coming_from(actor="ops demo"):
        shelf.upload(b"y\n", "y.csv", name="From a command")
    return {"ann": ann, "ben": ben, "admin": replace(shelf.caller, alone=False)}


def test_filters_find_by_person_kind_time_and_words(local_shelf: Shelf, busy: dict[str, Caller]) -> None:
    activity, admin, ann = Activity(local_shelf.database), busy["admin"], busy["ann"]

    def found(**query: object) -> list[str]:
        return kinds(activity.list(admin, ActivityQuery(**query)).items)  # type: ignore[arg-type]

    of_ann = ["token_created", "file_downloaded", "upload_completed", "upload_started"]
    assert found(person="Ann") == found(person=str(ann.user_id)) == of_ann
    assert found(person="ops demo") == ["upload_completed", "upload_started"]
    assert found(person="nobody") == found(person=str(uuid.uuid4())) == []
    assert found(groups=(Group.DOWNLOADS,)) == ["file_downloaded"] * 2
    assert found(groups=(Group.DOWNLOADS, Group.SIGN_INS), person="Ann") == ["token_created", "file_downloaded"]
    assert found(groups=(Group.OPERATION,)) == ["upload_completed", "upload_started"]
    assert found(q="ANN’s note") == ["token_created"]
    assert found(q="100% of ben") == ["file_downloaded", "upload_completed", "upload_started"]
    assert found(q="100_ of ben") == found(q="%%") == []
    assert found(q="198.51.100.1 downloaded") == []
    assert found(q="198.51.100.1") == of_ann
    now = utc_now()
    assert len(found(since=now - timedelta(hours=1), until=now)) == len(found()) == 10
    assert found(since=now + timedelta(seconds=1)) == found(until=now - timedelta(hours=1)) == []
    entries = activity.list(admin, ActivityQuery(person="ops demo")).items
    assert {(one.actor, one.by, one.group) for one in entries} == {("ops demo", "operator", Group.UPLOADS)}
    for wrong in ({"q": "x" * 201}, {"q": "a\x00"}, {"person": "a\nb"}, {"limit": 0}, {"limit": 201}):
        with pytest.raises(InvalidQuery):
            found(**wrong)
    with pytest.raises(InvalidQuery):
        found(since=datetime(2026, 1, 1))  # noqa: DTZ001  # a time without a zone is what is refused
    with pytest.raises(InvalidCursor):
        found(cursor="bm90IG91cnM")


def test_pages_hold_every_event_once_whatever_comes_in_meanwhile(local_shelf: Shelf, busy: dict[str, Caller]) -> None:
    activity, admin = Activity(local_shelf.database), busy["admin"]
    moment = utc_now()
    with local_shelf.database.transaction() as session:
        # All at one moment, so that only the id tells them apart.
        session.add_all(Event(kind="signed_in", at=moment, actor=str(number)) for number in range(7))
    whole = [entry.id for entry in activity.list(admin, ActivityQuery()).items]
    seen: list[uuid.UUID] = []
    after: str | None = None
    while True:
        page = activity.list(admin, ActivityQuery(limit=3, cursor=after))
        seen += [entry.id for entry in page.items]
        with local_shelf.database.transaction() as session:
            record(session, EventKind.SIGNED_OUT, user_id=admin.user_id)
        if page.next_cursor is None:
            break
        after = page.next_cursor
    assert seen == whole
    assert [entry.id for entry in activity.whole(ActivityQuery(until=moment + timedelta(microseconds=1)))] == whole


def test_only_admins_see_all_of_it(local_shelf: Shelf, busy: dict[str, Caller]) -> None:
    activity = Activity(local_shelf.database)
    for name in ("ann", "ben"):
        for call in (activity.list, activity.all):
            with pytest.raises(AdminsOnly):
                call(busy[name], ActivityQuery())
    with pytest.raises(AdminsOnly):
        activity.people(busy["ann"])
    assert {name for _, name in activity.people(busy["admin"])} == {"Ann", "ben", "local"}


def test_who_may_change_a_dataset_sees_all_of_it_and_a_reader_what_changed(
    local_shelf: Shelf, busy: dict[str, Caller]
) -> None:
    activity, database, ann, ben = Activity(local_shelf.database), local_shelf.database, busy["ann"], busy["ben"]
    with database.session() as session:
        dataset_id = session.exec(select(Dataset.id).where(Dataset.owner_id == ann.user_id)).one()
    whole = activity.of(ann, dataset_id)
    assert (kinds(whole.items), whole.whole) == (["file_downloaded", "upload_completed", "upload_started"], True)
    assert {entry.address for entry in whole.items} == {"198.51.100.1"}
    assert activity.of(replace(ann, may_write=False), dataset_id) == whole
    for stranger in (ben, busy["admin"]):
        with pytest.raises(DatasetNotFound):
            activity.of(stranger, dataset_id)
    with database.transaction() as session:
        session.get_one(Dataset, dataset_id).visibility = Visibility.TEAM
    reader = activity.of(ben, dataset_id)
    assert (kinds(reader.items), reader.whole) == (["upload_completed"], False)
    (entry,) = reader.items
    assert (entry.actor, entry.address, entry.agent, entry.link_id) == ("Ann", None, None, None)
    with database.transaction() as session:
        session.add(DatasetGrant(dataset_id=dataset_id, user_id=ben.user_id, group_id=None, level=Level.EDITOR))
    assert kinds(activity.of(ben, dataset_id).items) == kinds(whole.items)
    assert activity.of(replace(ben, role=Role.VIEWER), dataset_id).whole is False


HOSTILE = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x","y")', 'a "b", c\r\nd', "'=x", "ok"),
    *("x;=1+2;", "x\t@SUM(A1)", "x| -1", " =1+1", "＝1+1", "a;b"),
]


def test_an_export_is_csv_that_no_spreadsheet_runs_and_json_that_has_the_values(database: Database) -> None:
    with database.transaction() as session:
        for number, name in enumerate(HOSTILE):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            session.add(
                Event(kind="file_downloaded", at=at, actor=name, agent=name, dataset_name=name, detail={"n": 1})
            )
    text = b"".join(written(Activity(database).whole(ActivityQuery()), "csv")).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == list(FIELDS)
    assert text.startswith("at,kind,")
    assert text.endswith("\r\n")
    assert [row[4] for row in rows[1:]] == [inert(name) for name in reversed(HOSTILE)]
    assert inert("x;=1+2;y; -3") == "x;'=1+2;y;' -3"
    assert inert("a;b - c; d") == "a;b - c; d"
    assert all(len(row) == len(FIELDS) for row in rows)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n") and cell]
    lines = b"".join(written(Activity(database).whole(ActivityQuery()), "jsonl")).decode().splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["actor"] for one in told] == list(reversed(HOSTILE))
    assert told[-1]["at"] == "2026-01-01T00:00:00Z"
    assert told[0]["detail"] == {"n": 1}


def test_an_export_holds_a_piece_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.activity.BATCH", 10)
    monkeypatch.setattr("catalog.activity_export.PIECE", 10)
    with database.transaction() as session:
        session.add_all(Event(kind="signed_in", actor=str(number)) for number in range(35))
    pieces = [len(piece.splitlines()) for piece in written(Activity(database).whole(ActivityQuery()), "jsonl")]
    assert pieces == [10, 10, 10, 5]


def test_what_is_older_than_the_setting_goes_and_that_it_went_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.activity_retention.BATCH", 4)
    now = utc_now()
    with database.transaction() as session:
        session.add_all(Event(kind="signed_in", at=now - timedelta(days=31, seconds=n)) for n in range(10))
        session.add_all(Event(kind="signed_in", at=now - timedelta(days=29, seconds=n)) for n in range(3))
    retention = ActivityRetention(database, timedelta(days=30), now=lambda: now)
    assert (retention.prune(), retention.prune()) == (10, 0)
    with database.session() as session:
        left = dict(session.exec(select(Event.kind, func.count()).group_by(Event.kind)).all())
        (told,) = session.exec(select(Event).where(Event.kind == "activity_pruned")).all()
    assert left == {"signed_in": 3, "activity_pruned": 1}
    assert told.detail["removed"] == 10
    assert ActivityRetention(database, None, now=lambda: now + timedelta(days=9999)).prune() == 0


def test_of_a_command_all_its_threads_are_the_operators() -> None:
    set_for_process(Origin(actor="ops migrate"))
    try:
        assert current_origin().actor == "ops migrate"
        with coming_from(address="203.0.113.7"):
            assert current_origin().actor is None
    finally:
        set_for_process(Origin())


def test_nothing_changes_or_removes_events_but_retention() -> None:
    """Append-only: read from the source, wherever a statement could."""
    found = []
    for room in ("api", "catalog", "ops", "pages"):
        for file in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in ("update", "delete", "insert") and isinstance(first, ast.Name) and first.id == "Event":
                    found.append(f"{file.relative_to(ROOT)}: {name}")
                if isinstance(first, ast.Name) and first.id == "Event" and name in ("get", "get_one"):
                    found.append(f"{file.relative_to(ROOT)}: {name}")
    assert found == ["catalog/activity_retention.py: delete"]
