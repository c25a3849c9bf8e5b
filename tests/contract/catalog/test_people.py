"""People and groups, as admins run them and as everybody sees them; and what a leaver leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlmodel import col, select

from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.errors import (
    AdminsOnly,
    GroupNotFound,
    Invalid,
    InvalidName,
    LastAdmin,
    NameTaken,
    NotAllowed,
    NotSignedIn,
    ReadOnly,
    UserNotFound,
)
from catalog.handing_over import hand_over
from catalog.identity import Presented
from catalog.origin import Origin, origin
from catalog.trash import Trash
from db import Database
from db.tables import (
    ApiToken,
    Dataset,
    DatasetGrant,
    DatasetTag,
    Event,
    File,
    Level,
    Role,
    ShareLink,
    ShelfCount,
    User,
    Visibility,
)
from settings import Auth
from tests.contract.catalog.conftest import Shelf
from tests.contract.catalog.door import GOOD, Door


@pytest.fixture
def door(database: Database) -> Door:
    return Door.of(database)


@pytest.fixture
def admin(door: Door) -> Caller:
    return door.add("Ada", Role.ADMIN)


def test_only_admins_run_people(door: Door, admin: Caller) -> None:
    ben = door.add("Ben")
    people = door.people
    for ask in (
        lambda caller: people.list(caller),
        lambda caller: people.groups(caller),
        lambda caller: people.create(caller, name="X", email="x@example.org", role=Role.VIEWER),
        lambda caller: people.change(caller, ben.user_id, role=Role.ADMIN),
        lambda caller: people.password_link(caller, admin.user_id),
        lambda caller: people.hand_over_all(caller, admin.user_id, ben.user_id),
        lambda caller: people.create_group(caller, "G"),
    ):
        with pytest.raises(AdminsOnly):
            ask(ben)
    with pytest.raises(ReadOnly):
        people.change(replace(admin, may_write=False), ben.user_id, role=Role.ADMIN)
    assert people.list(replace(admin, may_write=False))


def test_a_token_lets_nobody_in_and_changes_nobodys_way_in(door: Door, admin: Caller) -> None:
    """One that leaked would else make an admin, or a password, that outlives its revoking."""
    ben, people = door.add("Ben"), door.people
    readers = people.create_group(admin, "readers", [ben.user_id])
    by_token = replace(admin, token_id=uuid4())
    for ask in (
        lambda: people.create(by_token, name="X", email="x@example.org", role=Role.ADMIN),
        lambda: people.password_link(by_token, admin.user_id),
        lambda: people.change(by_token, ben.user_id, role=Role.ADMIN),
        lambda: people.change(by_token, ben.user_id, email="mallory@example.org"),
        lambda: people.change(by_token, ben.user_id, name="Benedict", disabled=True),
        lambda: people.hand_over_all(by_token, ben.user_id, admin.user_id),
        lambda: people.create_group(by_token, "all", [admin.user_id]),
        lambda: people.change_group(by_token, readers.id, members=[admin.user_id]),
        lambda: people.delete_group(by_token, readers.id),
    ):
        with pytest.raises(NotAllowed, match="signed in, in the browser, or with python -m ops users"):
            ask()
    assert [(one.name, one.role, one.email) for one in people.list(by_token)] == [
        ("Ada", Role.ADMIN, "ada@example.org"),
        ("Ben", Role.EDITOR, "ben@example.org"),
    ]
    assert people.change(by_token, ben.user_id, name="Benedict").name == "Benedict"


def test_somebody_is_let_in_and_chooses_a_password(door: Door, admin: Caller) -> None:
    made, link = door.people.create(admin, name=" Ben  Bit ", email="BEN@Example.org", role=Role.VIEWER)
    assert (made.name, made.email, made.role, made.has_password) == ("Ben Bit", "ben@example.org", Role.VIEWER, False)
    assert link is not None
    door.sign_in.set_password(link, GOOD)
    caller = door.caller(door.sign_in.by_password("ben@example.org", GOOD))
    assert (caller.user_id, caller.role) == (made.id, Role.VIEWER)
    assert [one.name for one in door.people.list(admin)] == ["Ada", "Ben Bit"]
    eve = door.add("Eve")
    # In case or in kind they do not differ either: a twin would be shared with, and could reset the count of tries.
    for name, email in (
        ("Ben Bit", "other@example.org"),
        ("Other", "ben@example.org"),
        ("BEN BIT", "other@example.org"),
        ("ｂen bit", "other@example.org"),
        ("ben@example.org", "other@example.org"),
        ("Ada@Example.ORG", "other@example.org"),
    ):
        if name != "Other":
            with pytest.raises(NameTaken):
                door.people.rename_me(eve, name)
        with pytest.raises(NameTaken):
            door.people.create(admin, name=name, email=email, role=Role.VIEWER)
    for name, email, error in (
        ("", "o@example.org", InvalidName),
        ("local", "o@example.org", InvalidName),
        ("Be\u200bn", "o@example.org", InvalidName),
        ("\u202eneB", "o@example.org", InvalidName),
        ("ops restore", "o@example.org", InvalidName),
        ("OPS  x", "o@example.org", InvalidName),
        ("O", "no address", Invalid),
        ("O", "a@b\n", Invalid),
        ("O", '"<x>"@example.org', Invalid),
    ):
        with pytest.raises(error):
            door.people.create(admin, name=name, email=email + " x" if email == "a@b\n" else email, role=Role.VIEWER)


def test_where_a_provider_signs_people_in_there_are_no_password_links(database: Database) -> None:
    auth = Auth(mode="oidc", oidc_issuer="https://id.example.org", oidc_client_id="x")
    door = Door.of(database, auth)
    admin = door.add("Ada", Role.ADMIN)
    made, link = door.people.create(admin, name="Ben", email="ben@example.org", role=Role.EDITOR)
    assert link is None
    with pytest.raises(Invalid, match="AUTH__MODE is oidc"):
        door.people.password_link(admin, made.id)


def test_whoever_is_disabled_is_out_at_once_and_keeps_everything_for_later(door: Door, admin: Caller) -> None:
    ben = door.add("Ben")
    secret = door.sign_in.by_password("Ben", GOOD)
    with door.database.transaction() as session:
        session.add(ApiToken(token_hash="h", user_id=ben.user_id, name="n", scope="read", hint="abcd"))
    link = door.people.password_link(admin, ben.user_id)
    assert door.people.change(admin, ben.user_id, disabled=True).disabled_at is not None
    for attempt in (
        lambda: door.caller(secret),
        lambda: door.sign_in.by_password("Ben", GOOD),
        lambda: door.identity.caller(Presented(token="x")),
    ):
        with pytest.raises(NotSignedIn):
            attempt()
    with pytest.raises(Exception, match="Ask for a new one"):
        door.sign_in.set_password(link, "a new one for today")
    with pytest.raises(Invalid, match="Enable them first"):
        door.people.password_link(admin, ben.user_id)
    door.people.change(admin, ben.user_id, disabled=False)
    assert door.sign_in.by_password("Ben", GOOD)
    with pytest.raises(NotSignedIn):
        door.caller(secret)


def test_the_last_admin_stays_one(door: Door, admin: Caller) -> None:
    for change in ({"disabled": True}, {"role": Role.EDITOR}):
        with pytest.raises(LastAdmin, match="Ada is the last admin"):
            door.people.change(admin, admin.user_id, **change)  # type: ignore[arg-type]
    never_came = door.add("Nora", Role.ADMIN, password=None)
    with pytest.raises(LastAdmin):
        door.people.change(admin, admin.user_id, role=Role.VIEWER)
    door.people.change(admin, never_came.user_id, role=Role.EDITOR)
    other = door.add("Olga", Role.ADMIN)
    assert door.people.change(admin, admin.user_id, role=Role.VIEWER).role is Role.VIEWER
    with pytest.raises(LastAdmin):
        door.people.change(other, other.user_id, disabled=True)


def test_two_admins_who_demote_each_other_do_not_both_go(door: Door, admin: Caller) -> None:
    other = door.add("Olga", Role.ADMIN)

    def demote(by: Caller, whom: Caller) -> bool:
        try:
            door.people.change(by, whom.user_id, role=Role.EDITOR)
        except LastAdmin:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(demote, admin, other), pool.submit(demote, other, admin)
        assert sorted([first.result(), second.result()]) == [False, True]


def test_what_an_admin_does_is_written_down_with_who_did_it(door: Door, admin: Caller) -> None:
    ben = door.add("Ben")
    door.people.change(admin, ben.user_id, role=Role.VIEWER, email="b@example.org")
    door.people.change(admin, ben.user_id, role=Role.VIEWER)
    before = origin.set(Origin(actor="ops users"))
    door.people.password_link(None, ben.user_id)
    origin.reset(before)
    told = [(event.kind, event.actor, event.detail) for event in door.events()]
    ids = {"user": str(ben.user_id), "name": "Ben"}
    assert told == [
        ("user_changed", "Ada", {**ids, "email": "b@example.org", "role": "viewer"}),
        ("user_reset", "ops users", ids),
    ]


def test_everybody_finds_people_and_groups_to_share_with_and_no_more(door: Door, admin: Caller) -> None:
    ben, eve = door.add("Ben"), door.add("Eve 100%")
    gone = door.add("Gone")
    door.people.change(admin, gone.user_id, disabled=True)
    group = door.people.create_group(admin, "Research", [ben.user_id])
    assert [(one.name, one.kind) for one in door.people.names(ben)] == [
        ("Ada", "user"),
        ("Eve 100%", "user"),
        ("Research", "group"),
    ]
    assert [one.id for one in door.people.names(ben, "RESEAR")] == [group.id]
    assert [one.id for one in door.people.names(ben, "0%")] == [eve.user_id]
    assert door.people.names(ben, "%") == door.people.names(ben, "0%")
    assert door.people.names(ben, "example.org") == []
    assert door.people.names(ben, "\x00\ud800zzz") == []


def test_groups_are_made_filled_and_deleted(door: Door, admin: Caller) -> None:
    ben, eve = door.add("Ben"), door.add("Eve")
    group = door.people.create_group(admin, " Research ", [ben.user_id, ben.user_id])
    assert [one.name for one in group.members] == ["Ben"]
    secret = door.sign_in.by_password("Ben", GOOD)
    assert door.caller(secret).groups == {group.id}
    assert door.people.me(door.caller(secret)).groups == ("Research",)
    changed = door.people.change_group(admin, group.id, name="Reading", members=[eve.user_id])
    assert (changed.name, [one.name for one in changed.members]) == ("Reading", ["Eve"])
    assert door.caller(secret).groups == frozenset()
    with pytest.raises(NameTaken):
        door.people.create_group(admin, "Reading")
    with pytest.raises(UserNotFound):
        door.people.change_group(admin, group.id, members=[uuid4()])
    door.people.delete_group(admin, group.id)
    with pytest.raises(GroupNotFound):
        door.people.change_group(admin, group.id, name="X")
    assert door.people.groups(admin) == []


def test_a_new_name_is_searched_and_signs_in(local_shelf: Shelf) -> None:
    door = Door.of(local_shelf.database)
    ben = door.add("Ben")
    theirs = replace(local_shelf, caller=ben).upload(b"a\n1\n", "x.csv")
    assert door.people.rename_me(ben, "Benedict").name == "Benedict"
    with local_shelf.database.session() as session:
        text = session.exec(select(Dataset.search_text).where(Dataset.id == theirs.summary.id)).one()
    assert text.split("\n")[1] == "benedict"
    assert door.sign_in.by_password("Benedict", GOOD)
    door.add("Eve")
    with pytest.raises(NameTaken):
        door.people.rename_me(ben, "Eve")
    with pytest.raises(ReadOnly):
        door.people.rename_me(replace(ben, may_write=False), "Bob")


def test_a_leavers_datasets_go_to_another_with_all_that_belongs_to_them(local_shelf: Shelf) -> None:
    door = Door.of(local_shelf.database)
    admin, ben, eve = door.add("Ada", Role.ADMIN), door.add("Ben"), door.add("Eve")
    as_ben, as_eve = replace(local_shelf, caller=ben), replace(local_shelf, caller=eve)
    clash, plain = as_ben.upload(b"a\n1\n", "sales.csv"), as_ben.upload(b"a\n1\n2\n", "rain.csv")
    trashed = as_ben.upload(b"a\n1\n2\n3\n", "old.csv")
    as_eve.upload(b"b\n1\n", "sales.csv")
    datasets = Datasets(local_shelf.database, local_shelf.storages, timedelta(days=7))
    trash = Trash(local_shelf.database, local_shelf.storages, timedelta(days=7))
    datasets.update(ben, plain.summary.id, tags=["weather"])
    datasets.delete(ben, trashed.summary.id)
    with local_shelf.database.transaction() as session:
        session.get_one(Dataset, clash.summary.id).visibility = Visibility.TEAM
        counts = session.get_one(ShelfCount, ben.user_id)
        counts.team_datasets, counts.team_size = 1, clash.summary.size
        session.add(DatasetGrant(dataset_id=plain.summary.id, user_id=eve.user_id, group_id=None, level=Level.READER))
        link = ShareLink(token_hash="t", owner_id=ben.user_id, dataset_id=plain.summary.id, dataset_name="rain")
        session.add(link)

    assert door.people.hand_over_all(admin, ben.user_id, eve.user_id) == 3
    assert door.people.hand_over_all(admin, ben.user_id, eve.user_id) == 0

    with local_shelf.database.session() as session:
        owned = {one.name: one for one in session.exec(select(Dataset).where(Dataset.owner_id == eve.user_id))}
        assert {"sales", "sales (2)", "rain"} < set(owned)
        assert len(owned) == 4
        assert owned["sales (2)"].id == clash.summary.id
        assert owned["rain"].search_text.split("\n")[1] == "eve"
        assert {file.owner_id for file in session.exec(select(File))} == {eve.user_id}
        assert {tag.owner_id for tag in session.exec(select(DatasetTag))} == {eve.user_id}
        assert session.exec(select(DatasetGrant)).all() == []
        kept = session.exec(select(ShareLink)).one()
        assert (kept.owner_id, kept.revoked_at is not None) == (ben.user_id, True), "who left knows its address"
        mine, theirs = (session.get_one(ShelfCount, who.user_id) for who in (ben, eve))
        assert (mine.datasets, mine.size, mine.team_datasets, mine.team_size) == (0, 0, 0, 0)
        sizes = [one.size for one in owned.values() if one.current_file_id is not None]
        assert (theirs.datasets, theirs.size) == (3, sum(sizes))
        assert (theirs.team_datasets, theirs.team_size) == (1, clash.summary.size)
        told = session.exec(select(Event).where(col(Event.kind) == "owner_changed").order_by(col(Event.at))).all()
        assert {event.detail["name"]: event.detail["links_ended"] for event in told} == {
            "sales (2)": 0,
            "rain": 1,
            "old": 0,
        }
        assert {(event.actor, event.detail["from"], event.detail["to"]) for event in told} == {("Ada", "Ben", "Eve")}
    assert [item.name for item in trash.list(eve).items] == ["old"]
    assert trash.restore(eve, trashed.summary.id).detail.summary.name == "old"


def test_nobody_is_handed_what_they_cannot_look_after(door: Door, admin: Caller) -> None:
    ben, gone = door.add("Ben"), door.add("Gone")
    door.people.change(admin, gone.user_id, disabled=True)
    with pytest.raises(Invalid, match="may not come in"):
        door.people.hand_over_all(admin, ben.user_id, gone.user_id)
    with pytest.raises(Invalid, match="have these datasets already"):
        door.people.hand_over_all(admin, ben.user_id, ben.user_id)
    with pytest.raises(UserNotFound):
        door.people.hand_over_all(admin, ben.user_id, uuid4())


def test_handing_over_to_the_owner_changes_nothing(local_shelf: Shelf) -> None:
    detail = local_shelf.upload(b"a\n1\n", "x.csv")
    with local_shelf.database.transaction() as session:
        dataset = session.get_one(Dataset, detail.summary.id)
        hand_over(session, dataset, session.get_one(User, local_shelf.caller.user_id))
    assert local_shelf.datasets.get(local_shelf.caller, detail.summary.id).summary.name == "x"
