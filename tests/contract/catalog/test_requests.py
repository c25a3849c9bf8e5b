"""Files sent by an upload request: what its link takes, what it refuses, and that nothing goes beyond its limits."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlmodel import col, select, update

from catalog.caller import Caller
from catalog.errors import (
    CatalogError,
    Invalid,
    InvalidExpiry,
    InvalidSize,
    LinkEnded,
    PasswordNeeded,
    ReadOnly,
    RequestFull,
    RequestNotFound,
    UploadNotFound,
)
from catalog.intake import NewUpload
from catalog.link_passwords import LinkPasswords
from catalog.listing import DatasetQuery
from catalog.passwords import Passwords
from catalog.request_state import GRACE, Asked, Offered, RequestState, UploadRequestView
from catalog.requests import UploadRequests
from catalog.sweep import Sweep
from catalog.uploads import StartedUpload
from db.tables import Event, Role, Upload, UploadRequest, User
from db.utc import utc_now
from tests.contract.catalog.conftest import SECRET, Shelf
from tests.contract.catalog.test_races import at_once

DATA = b"a,b\n1,2\n"
PASSWORD = "tell nobody"


def requests_of(shelf: Shelf, key: bytes = SECRET) -> UploadRequests:
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return UploadRequests(shelf.database, shelf.uploads, LinkPasswords(shelf.database, quick, SECRET), key)


@pytest.fixture
def requests(shelf: Shelf) -> UploadRequests:
    return requests_of(shelf)


def token_of(view: UploadRequestView) -> str:
    assert view.token is not None
    return view.token


def begin(requests: UploadRequests, token: str, name: str = "data.csv", *, key: str | None = None) -> StartedUpload:
    return requests.begin(token, None, Offered(name, len(DATA), key=key))


def send(shelf: Shelf, requests: UploadRequests, token: str, name: str = "data.csv") -> None:
    """A file all the way in, as a visitor's page sends it."""
    started = begin(requests, token, name)
    parts = shelf.send(started.parts, DATA, started.part_size)
    received = requests.complete(token, started.upload_id, parts)
    assert (received.file_name, received.size) == (name, len(DATA))


def files_of(requests: UploadRequests, caller: Caller) -> int:
    return requests.list(caller)[0].files


def set_row(shelf: Shelf, request_id: uuid.UUID, **values: object) -> None:
    with shelf.database.transaction() as session:
        session.execute(update(UploadRequest).where(col(UploadRequest.id) == request_id).values(**values))


def test_a_file_becomes_a_new_dataset_of_the_owner_and_no_version(shelf: Shelf, requests: UploadRequests) -> None:
    there = shelf.upload(DATA, "data.csv")
    view = requests.create(shelf.caller, "The sales of November", max_files=2, max_size=100)
    token = token_of(view)
    send(shelf, requests, token)
    names = {item.name: item for item in shelf.datasets.list(shelf.caller, DatasetQuery()).items}
    assert set(names) == {"data", "data (2)"}
    sent = names["data (2)"]
    assert sent.description == "Sent by link “The sales of November”"
    assert sent.tags == ()
    assert len(shelf.datasets.get(shelf.caller, there.summary.id).files) == 1
    asked = requests.visit(token)
    assert (asked.state, asked.owner, asked.files_left) == (RequestState.ACTIVE, shelf.caller.name, 1)
    with shelf.database.session() as session:
        events = session.exec(select(Event).where(Event.dataset_id == sent.id)).all()
        made = session.exec(select(Event).where(Event.kind == "request_created")).one()
    assert {event.kind for event in events} == {"upload_started", "upload_completed"}
    assert {event.link_id for event in events} == {view.id}
    assert {event.actor for event in events} == {"upload request “The sales of November”"}
    assert {event.user_id for event in events} == {None}
    assert (made.user_id, made.link_id) == (shelf.caller.user_id, view.id)


def test_of_many_at_once_no_more_than_its_number_begin(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller, max_files=3))
    outcomes = at_once([lambda: begin(requests, token)] * 10)
    assert sum(isinstance(one, StartedUpload) for one in outcomes) == 3
    assert sum(isinstance(one, RequestFull) for one in outcomes) == 7
    assert files_of(requests, shelf.caller) == 3
    assert requests.visit(token).state is RequestState.FULL
    assert len(shelf.uploads_in_store()) == 3


def test_a_cancelled_or_swept_upload_gives_its_place_back(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller, max_files=1))
    requests.cancel(token, begin(requests, token).upload_id)
    assert files_of(requests, shelf.caller) == 0
    left = begin(requests, token)
    with pytest.raises(RequestFull, match="takes 1 file"):
        begin(requests, token)
    with shelf.database.transaction() as session:
        old = utc_now() - timedelta(days=1, hours=1)
        session.execute(update(Upload).where(col(Upload.id) == left.upload_id).values(touched_at=old))
    Sweep(shelf.database, shelf.storages).sweep()
    assert files_of(requests, shelf.caller) == 0
    send(shelf, requests, token)
    # What has arrived stays counted, whatever its owner does with it.
    (item,) = shelf.datasets.list(shelf.caller, DatasetQuery()).items
    shelf.datasets.delete(shelf.caller, item.id)
    assert files_of(requests, shelf.caller) == 1


def test_a_larger_file_is_refused_before_it_begins(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller, max_size=len(DATA) - 1))
    with pytest.raises(InvalidSize, match="has 8 bytes; this link takes files of up to 7 bytes"):
        begin(requests, token)
    assert files_of(requests, shelf.caller) == 0


def test_another_upload_is_not_reached_by_the_link(shelf: Shelf, requests: UploadRequests) -> None:
    token, other = (token_of(requests.create(shelf.caller)) for _ in range(2))
    owners = shelf.uploads.start(shelf.caller, NewUpload("own.csv", len(DATA)))
    anothers = begin(requests, other)
    for upload_id in (owners.upload_id, anothers.upload_id, uuid.uuid4()):
        for act in (
            lambda one=upload_id: requests.get(token, one),
            lambda one=upload_id: requests.sign_parts(token, one, [1]),
            lambda one=upload_id: requests.complete(token, one, []),
            lambda one=upload_id: requests.cancel(token, one),
        ):
            with pytest.raises(UploadNotFound):
                act()
    assert requests.get(other, anothers.upload_id).received == ()


def test_revoking_ends_it_at_once_and_gives_up_what_is_under_way(shelf: Shelf, requests: UploadRequests) -> None:
    view = requests.create(shelf.caller)
    token = token_of(view)
    send(shelf, requests, token, "arrived.csv")
    started = begin(requests, token)
    assert requests.revoke(shelf.caller, view.id).state is RequestState.REVOKED
    for act in (
        lambda: begin(requests, token),
        lambda: requests.sign_parts(token, started.upload_id, [1]),
        lambda: requests.complete(token, started.upload_id, []),
    ):
        with pytest.raises(LinkEnded):
            act()
    assert requests.visit(token).state is RequestState.REVOKED
    assert shelf.uploads_in_store() == []
    assert [item.name for item in shelf.datasets.list(shelf.caller, DatasetQuery()).items] == ["arrived"]
    with pytest.raises(RequestNotFound):
        requests.revoke(shelf.caller, view.id)


def test_after_its_end_only_what_was_begun_before_goes_on_and_for_an_hour(
    shelf: Shelf, requests: UploadRequests
) -> None:
    view = requests.create(shelf.caller)
    token = token_of(view)
    kept, late = begin(requests, token, "kept.csv"), begin(requests, token, "late.csv")
    set_row(shelf, view.id, expires_at=utc_now())
    assert requests.visit(token).state is RequestState.EXPIRED
    with pytest.raises(LinkEnded, match="expired"):
        begin(requests, token)
    requests.complete(token, kept.upload_id, shelf.send(kept.parts, DATA, kept.part_size))
    with shelf.database.transaction() as session:
        before = utc_now() - GRACE * 2
        session.execute(update(Upload).where(col(Upload.id) == late.upload_id).values(created_at=before))
    set_row(shelf, view.id, expires_at=utc_now() - GRACE)
    with pytest.raises(LinkEnded):
        requests.complete(token, late.upload_id, shelf.send(late.parts, DATA, late.part_size))


def test_a_password_is_asked_for_before_anything_is_told_or_begun(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller, "Secret note", password=PASSWORD))
    locked = requests.visit(token)
    assert locked == Asked(RequestState.LOCKED, shelf.caller.name)
    other = token_of(requests.create(shelf.caller, password=PASSWORD))
    for unlocked in (None, "made up", requests.unlock(other, PASSWORD)):
        with pytest.raises(PasswordNeeded):
            requests.begin(token, unlocked, Offered("x.csv", 1))
    with pytest.raises(PasswordNeeded):
        requests.unlock(token, "wrong")
    unlocked = requests.unlock(token, PASSWORD)
    assert requests.visit(token, unlocked).note == "Secret note"
    started = requests.begin(token, unlocked, Offered("x.csv", len(DATA)))
    requests.complete(token, started.upload_id, shelf.send(started.parts, DATA, started.part_size))


def test_begun_again_under_its_key_it_is_the_same_upload(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller, max_files=1))
    key = "0123456789abcdef0123456789abcdef"
    first = begin(requests, token, key=key)
    again = begin(requests, token, key=key)
    assert (again.upload_id, again.part_size, len(again.parts)) == (first.upload_id, first.part_size, 1)
    assert files_of(requests, shelf.caller) == 1
    with pytest.raises((Invalid, RequestFull)):
        requests.begin(token, None, Offered("other.csv", 1, key=key))
    received = requests.complete(token, again.upload_id, shelf.send(again.parts, DATA, again.part_size))
    assert requests.complete(token, again.upload_id, []) == received
    # Of two requests the same key makes two uploads.
    other = token_of(requests.create(shelf.caller))
    assert begin(requests, other, key=key).upload_id != first.upload_id


def test_of_two_attempts_at_once_under_one_key_one_begins(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller))
    outcomes = at_once([lambda: begin(requests, token, key="0123456789abcdef")] * 4)
    started = {one.upload_id for one in outcomes if isinstance(one, StartedUpload)}
    assert len(started) == 1
    assert all(isinstance(one, StartedUpload | CatalogError) for one in outcomes)
    assert files_of(requests, shelf.caller) == 1


def test_it_ends_where_its_owner_may_receive_nothing_any_more(shelf: Shelf, requests: UploadRequests) -> None:
    token = token_of(requests.create(shelf.caller))
    for values in ({"disabled_at": utc_now()}, {"disabled_at": None, "role": Role.VIEWER}):
        with shelf.database.transaction() as session:
            session.execute(update(User).where(col(User.id) == shelf.caller.user_id).values(**values))
        assert requests.visit(token).state is RequestState.REVOKED
        with pytest.raises(LinkEnded):
            begin(requests, token)


def test_another_key_ends_every_request(shelf: Shelf, requests: UploadRequests) -> None:
    view = requests.create(shelf.caller)
    other = requests_of(shelf, b"another key, as long as the first")
    assert not other.is_known(token_of(view))
    with pytest.raises(RequestNotFound):
        other.visit(token_of(view))
    with pytest.raises(RequestNotFound):
        begin(other, token_of(view))
    (seen,) = other.list(shelf.caller)
    assert (seen.token, seen.state, seen.key_changed) == (None, RequestState.REVOKED, True)
    assert requests.visit(token_of(view)).state is RequestState.ACTIVE


def test_it_is_its_owners_alone_and_made_by_who_may_write(shelf: Shelf, requests: UploadRequests) -> None:
    view = requests.create(shelf.caller, expires_in=None)
    assert (view.expires_at, view.has_password, view.max_files) == (None, False, None)
    stranger = Caller(uuid.uuid4(), "eve")
    assert requests.list(stranger) == ()
    with pytest.raises(RequestNotFound):
        requests.revoke(stranger, view.id)
    # To put files there is to write.
    assert [one.token for one in requests.list(shelf.caller)] == [view.token]
    assert [one.token for one in requests.list(replace(shelf.caller, may_write=False))] == [None]
    viewer = Caller(shelf.caller.user_id, shelf.caller.name, role=Role.VIEWER)
    with pytest.raises(ReadOnly):
        requests.create(viewer)
    with pytest.raises(RequestNotFound):
        requests.visit("no-such-token")
    # With another key the link works on for those who have it, and is shown no more.
    assert requests_of(shelf, key=b"another key that is long enough.").list(shelf.caller)[0].token is None
    for wrong in ({"max_files": 0}, {"max_size": 0}, {"note": "x" * 201}, {"note": "a\x00b"}):
        with pytest.raises(Invalid):
            requests.create(shelf.caller, **wrong)
    with pytest.raises(InvalidExpiry):
        requests.create(shelf.caller, expires_in=timedelta(milliseconds=999))
