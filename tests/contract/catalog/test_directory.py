"""From a provider's or a proxy's word to a person: found, linked or made, with the role and the groups it gives."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import select

from catalog.accounts import LOCAL_USER, make_user
from catalog.caller import Caller
from catalog.directory import Directory, Vouched
from catalog.errors import NotAdmitted, NotSignedIn
from catalog.events import EventKind
from catalog.identity import Identity, Presented, Proxied
from catalog.secrets import digest
from catalog.sessions import Sessions
from catalog.tokens import Scope, Tokens
from db import Database
from db.tables import Event, Group, GroupMember, Role, ShelfCount, User, UserSession
from db.utc import utc_now
from settings import Auth

ADA = Vouched("https://login.example.org 1", name="Ada Lovelace", email="Ada@Example.org", email_verified=True)


def directory(database: Database, **auth: Any) -> Directory:
    return Directory(database, Auth(**auth))


def made(database: Database, name: str, **fields: Any) -> uuid.UUID:
    with database.transaction() as session:
        return make_user(session, name, **{"role": Role.EDITOR, **fields}).id


def person(database: Database, user_id: uuid.UUID) -> User:
    with database.session() as session:
        return session.get_one(User, user_id)


def groups(database: Database, user_id: uuid.UUID) -> list[str]:
    query = select(Group.name).join(GroupMember).where(GroupMember.user_id == user_id).order_by(Group.name)
    with database.session() as session:
        return list(session.exec(query).all())


def test_somebody_new_is_made_with_an_empty_shelf_and_found_again(database: Database) -> None:
    admitted = directory(database).admit(ADA)
    user = person(database, admitted)
    assert (user.name, user.email, user.role) == ("Ada Lovelace", "ada@example.org", "editor")
    with database.session() as session:
        assert session.get(ShelfCount, admitted) is not None
        assert session.exec(select(Event.kind).where(Event.user_id == admitted)).all() == [EventKind.USER_CREATED]
    assert directory(database).admit(ADA) == admitted
    moved = Vouched(ADA.subject, name="Countess", email="countess@example.org", email_verified=True)
    assert directory(database).admit(moved) == admitted
    assert person(database, admitted).email == "countess@example.org"
    assert person(database, admitted).name == "Ada Lovelace"  # theirs to change, once they are here


def test_a_name_in_use_gets_a_number_and_nobody_becomes_the_local_user(database: Database) -> None:
    made(database, "ada")
    names = [
        person(database, directory(database).admit(Vouched(f"idp {n}", name=name))).name
        for n, name in enumerate(("ada", "ada", "local", " Local ", "a\nb"))
    ]
    assert names[:2] == ["ada (2)", "ada (3)"]
    assert LOCAL_USER not in {name.lower() for name in names}
    assert all("\n" not in name for name in names)


def test_a_verified_address_links_somebody_whom_an_admin_made(database: Database) -> None:
    known = made(database, "ada", email="ada@example.org", role=Role.VIEWER)
    assert directory(database).admit(ADA) == known
    assert person(database, known).subject == ADA.subject
    assert person(database, known).role == "viewer"


def test_an_unverified_address_links_nobody(database: Database) -> None:
    known = made(database, "ada", email="ada@example.org", role=Role.ADMIN)
    claims = Vouched("idp mallory", name="ada", email="ada@example.org")
    admitted = directory(database, admin_email="ada@example.org").admit(claims)
    assert admitted != known
    assert (person(database, admitted).email, person(database, admitted).role) == (None, "editor")
    assert person(database, known).subject is None


def test_an_address_that_was_given_to_somebody_else_hands_over_no_shelf(database: Database) -> None:
    before = directory(database).admit(ADA)
    successor = directory(database).admit(
        Vouched("https://login.example.org 2", "Ada", "ada@example.org", email_verified=True)
    )
    assert successor != before
    assert person(database, successor).email is None


GIVEN: list[tuple[tuple[str, ...], str | None]] = [
    ((), None),
    (("others",), None),
    (("readers",), "viewer"),
    (("team",), "editor"),
    (("readers", "team", "ops"), "admin"),
    (("TEAM",), None),
]


@pytest.mark.parametrize(("named", "role"), GIVEN)
def test_the_most_that_the_groups_give_counts(database: Database, named: tuple[str, ...], role: str | None) -> None:
    rules = {"admin_groups": "ops,root", "editor_groups": "team", "viewer_groups": "readers"}
    word = Vouched("idp 1", name="ada", groups=named)
    admitted = directory(database, **rules).admit(word)
    assert person(database, admitted).role == (role or "editor")
    strict = directory(database, **rules, default_role="refused")
    if role is None:
        with pytest.raises(NotAdmitted, match="nobody has let you in"):
            strict.admit(word)
    else:
        assert strict.admit(word) == admitted


def test_a_role_follows_the_groups_at_each_sign_in_and_otherwise_stays_as_an_admin_set_it(database: Database) -> None:
    rules = directory(database, admin_groups="ops")
    admitted = rules.admit(Vouched("idp 1", name="ada", groups=("ops",)))
    assert person(database, admitted).role == "admin"
    rules.admit(Vouched("idp 1", name="ada"))
    assert person(database, admitted).role == "editor"
    with database.transaction() as session:
        session.get_one(User, admitted).role = Role.VIEWER
    directory(database).admit(Vouched("idp 1", name="ada"))
    assert person(database, admitted).role == "viewer"


def test_the_admin_address_makes_an_admin_if_it_is_verified(database: Database) -> None:
    admitted = directory(database, admin_email="ADA@example.org", default_role="refused").admit(ADA)
    assert person(database, admitted).role == "admin"


def test_whom_nobody_lets_in_any_more_is_out_with_tokens_and_links(database: Database) -> None:
    rules = directory(database, editor_groups="team", default_role="refused")
    admitted = rules.admit(replace(ADA, groups=("team",)))
    secret = Sessions(database).start(admitted, by="oidc")
    caller = Caller(admitted, "Ada Lovelace")
    token = Tokens(database).create(caller, "nightly", Scope.WRITE)[1]
    identity = Identity(database, Auth(mode="none"))
    assert identity.caller(Presented(token=token)).user_id == admitted
    for _ in range(2):
        with pytest.raises(NotAdmitted):
            rules.admit(ADA)
    with database.session() as session:
        assert session.exec(select(UserSession).where(UserSession.token_hash == digest(secret))).first() is None
        told = session.exec(select(Event).where(Event.kind == EventKind.USER_CHANGED)).all()
    with pytest.raises(NotSignedIn):
        identity.caller(Presented(token=token))
    # A viewer's links and upload requests are refused.
    assert person(database, admitted).role == Role.VIEWER
    assert [(event.detail["role"], event.detail["tokens_revoked"]) for event in told] == [("viewer", 1)]
    assert rules.admit(replace(ADA, groups=("team",))) == admitted
    assert person(database, admitted).role == Role.EDITOR


def test_a_disabled_account_is_refused(database: Database) -> None:
    admitted = directory(database).admit(ADA)
    with database.transaction() as session:
        session.get_one(User, admitted).disabled_at = utc_now()
    with pytest.raises(NotAdmitted, match="disabled"):
        directory(database, admin_email="ada@example.org").admit(ADA)


def test_membership_is_what_the_word_says_and_an_admins_own_groups_are_left_alone(database: Database) -> None:
    with database.transaction() as session:
        session.add(by_hand := Group(name="board"))
        session.flush()
        by_hand_id = by_hand.id
    word = Vouched("idp 1", name="ada", groups=("team", "board", "a\nb", "", "team"))
    admitted = directory(database).admit(word)
    assert groups(database, admitted) == ["team"]
    with database.transaction() as session:
        session.add(GroupMember(group_id=by_hand_id, user_id=admitted))
    directory(database).admit(Vouched("idp 1", name="ada", groups=("lab",)))
    assert groups(database, admitted) == ["board", "lab"]
    directory(database).admit(Vouched("idp 1", name="ada"))
    assert groups(database, admitted) == ["board"]


@pytest.mark.parametrize("subject", ["", "idp a\nb", "x" * 2001])
def test_a_subject_that_names_nobody_is_refused(database: Database, subject: str) -> None:
    with pytest.raises(NotAdmitted):
        directory(database).admit(Vouched(subject, name="ada"))


def test_coming_at_once_many_times_is_still_one_person(database: Database) -> None:
    word = Vouched("idp 1", name="ada", groups=("team", "lab"))
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: directory(database).admit(word), range(8)))
    assert len(ids) == 1
    assert groups(database, ids.pop()) == ["lab", "team"]


def test_a_proxys_word_is_a_caller_and_is_written_down_when_it_changes(database: Database) -> None:
    identity = Identity(database, Auth(mode="header", trusted_proxies=("127.0.0.1",), admin_groups=("ops",)))
    word = Proxied("ada", "ada@example.org", "Ada", ("ops",))
    for _ in range(3):
        caller = identity.caller(Presented(proxied=word, session="whatever"))
        assert (caller.name, caller.is_admin, caller.alone) == ("Ada", True, False)
        assert len(caller.groups) == 1
    with database.session() as session:
        kinds = session.exec(select(Event.kind).where(Event.user_id == caller.user_id)).all()
    assert sorted(kinds) == sorted([EventKind.USER_CREATED, EventKind.SIGNED_IN])
    assert not identity.caller(Presented(proxied=Proxied("ada", "ada@example.org", "Ada"))).is_admin
    assert identity.caller(Presented(proxied=word)).is_admin
    with database.transaction() as session:
        session.get_one(User, caller.user_id).disabled_at = utc_now()
    for kept_open in (False, True):
        with pytest.raises(NotAdmitted):
            identity.caller(Presented(proxied=word, kept_open=kept_open))


def test_what_an_old_tab_brought_along_says_who_it_is_and_no_more(database: Database) -> None:
    auth = Auth(
        mode="header",
        trusted_proxies=("127.0.0.1",),
        admin_groups=("ops",),
        viewer_groups=("guests",),
        default_role="refused",
    )
    identity = Identity(database, auth)
    old, new, none = (Proxied("ada", "ada@example.org", "Ada", groups) for groups in (("ops",), ("guests",), ()))
    with pytest.raises(NotAdmitted):
        identity.caller(Presented(proxied=old, kept_open=True))  # a screen makes nobody
    assert identity.caller(Presented(proxied=old)).is_admin
    assert identity.caller(Presented(proxied=old, kept_open=True)).is_admin
    # Another tab, or a script, was told something else since: the tab that stayed open goes by that.
    fresh = identity.caller(Presented(proxied=new))
    for asked in (identity, Identity(database, auth)):
        tab = asked.caller(Presented(proxied=old, kept_open=True))
        assert (tab.role, tab.groups) == (Role.VIEWER, fresh.groups)
    again = identity.caller(Presented(proxied=new))
    assert (again.role, again.groups) == (Role.VIEWER, fresh.groups)
    assert groups(database, fresh.user_id) == ["guests"]
    # Nor does it let in whom the newest word, or its own, does not.
    with pytest.raises(NotAdmitted):
        identity.caller(Presented(proxied=none, kept_open=True))
    with pytest.raises(NotAdmitted):
        identity.caller(Presented(proxied=none))
    with pytest.raises(NotAdmitted):
        identity.caller(Presented(proxied=old, kept_open=True))
    assert identity.caller(Presented(proxied=new)).role is Role.VIEWER
    assert identity.caller(Presented(proxied=old, kept_open=True)).role is Role.VIEWER
