"""Share links: who may make them, what they serve, how often, and when they end; on both databases and both stores."""

from __future__ import annotations

import shutil
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow.parquet
import pytest
from argon2 import PasswordHasher
from sqlmodel import col, select, update

from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.errors import (
    CatalogError,
    DatasetNotFound,
    FileNotFound,
    InvalidCursor,
    InvalidExpiry,
    InvalidPassword,
    InvalidShare,
    LinkEnded,
    NotAllowed,
    PasswordNeeded,
    ReadOnly,
    ShareNotFound,
    TooManyAttempts,
)
from catalog.events import EventKind
from catalog.gate import Gate
from catalog.handing_over import hand_over
from catalog.link_passwords import FIRST_WAIT, FREE_TRIES, LinkPasswords, wait_after
from catalog.listing import DatasetQuery
from catalog.passwords import Passwords
from catalog.previews import Previews
from catalog.profiler import Profiler
from catalog.profiles import Profiles
from catalog.reconcile import Reconcile
from catalog.removal import Removal, ref_of
from catalog.share_links import NewShare, ShareLinkView, ShareState
from catalog.shares import Shares
from catalog.sharing import Sharing
from catalog.slices import ENDED_FOR, UNCLAIMED, Slices
from catalog.trash import Trash
from db import open_database
from db.tables import Dataset, DatasetGrant, Event, File, Level, Role, ShareLink, User
from db.utc import utc_now
from preview import Limits, Previewer
from preview.analyst import Analyst
from preview.errors import PreviewError, QueryFailed, QueryRefused
from preview.limits import MB
from storage.protocol import Backend, FileNotInStorage
from tests.contract.catalog.conftest import SECRET, Shelf, local_storages, make_shelf
from tests.contract.catalog.people import group, person, read_only
from tests.contract.catalog.test_lifecycle import found, lifecycle
from tests.contract.catalog.test_races import at_once

DATA = b"name,country,price\nanna,DE,007\nbob,FR,8\nca'rol,DE,9\n"
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Analyst, Previewer]]:
    with (
        closing(
            Analyst(
                Limits(),
                workers=1,
                memory=1024 * MB,
                timeout=timedelta(seconds=120),
                copies=tmp_path_factory.mktemp("copies"),
                copies_limit=100 * MB,
                query_timeout=timedelta(seconds=60),
            )
        ) as analyst,
        closing(Previewer(Limits(), workers=1)) as previewer,
    ):
        yield analyst, previewer


@pytest.fixture
def shares(shelf: Shelf, readers: tuple[Analyst, Previewer], tmp_path: Path) -> Shares:
    return shares_of(shelf, readers, tmp_path / "results")


def shares_of(shelf: Shelf, readers: tuple[Analyst, Previewer], folder: Path) -> Shares:
    analyst, previewer = readers
    database, storages = shelf.database, shelf.storages
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Shares(
        database=database,
        storages=storages,
        downloads=shelf.downloads,
        previews=Previews(database, storages, previewer),
        profiles=Profiles(database, Profiler(database, storages, analyst)),
        link_passwords=LinkPasswords(database, quick, SECRET),
        slices=Slices(database, storages, analyst, Gate(1), folder, lambda _file_id: None),
        secret=SECRET,
        base=lambda: "http://localhost:8501",
    )


@pytest.fixture(scope="module")
def sliced(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, readers: tuple[Analyst, Previewer]
) -> Iterator[tuple[Shelf, Shares, uuid.UUID]]:
    """One file on one shelf, for what is refused before anything is kept."""
    folder = tmp_path_factory.mktemp("sliced")
    shutil.copyfile(sqlite_template, folder / "datashelf.db")
    with closing(local_storages(folder)) as storages, open_database(f"sqlite:///{folder}/datashelf.db") as database:
        shelf = make_shelf(database, storages)
        yield shelf, shares_of(shelf, readers, folder / "results"), shelf.upload(DATA).files[0].id


def token_of(view: ShareLinkView) -> str:
    assert view.token is not None
    return view.token


def fetch(shelf: Shelf, url: str) -> bytes:
    """The bytes behind a signed address, as the store sends them."""
    if shelf.storage.backend is Backend.LOCAL:
        parts = urlsplit(url)
        bucket, key = unquote(parts.path).removeprefix("/api/ml/v1/objects/").split("/", 1)
        grant = shelf.storages.local.verify_link("GET", bucket=bucket, key=key, query=parts.query)
        return shelf.storages.local.open_for_grant(grant)[0].read_bytes()
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content


def set_link(shelf: Shelf, link_id: uuid.UUID, **values: object) -> None:
    with shelf.database.transaction() as session:
        session.execute(update(ShareLink).where(col(ShareLink.id) == link_id).values(**values))


def states(shares: Shares, caller: Caller) -> dict[uuid.UUID, ShareState]:
    return {view.id: view.state for view in shares.list(caller)}


def test_a_link_serves_its_version_and_is_counted_only_when_it_redirects(shelf: Shelf, shares: Shares) -> None:
    dataset = shelf.upload(DATA, "sales of May.csv")
    newer = shelf.upload(b"name\nx\n", "sales.csv", dataset_id=dataset.summary.id)
    view = shares.create(shelf.caller, dataset.files[0].id, NewShare(note="Hafen GmbH", max_downloads=5))
    token = token_of(view)
    assert view.url == f"http://localhost:8501/s/{token}"
    assert view.raw_url == f"http://localhost:8501/s/{token}/raw/sales%20of%20May.csv"
    assert (view.state, view.downloads, view.file_version, view.has_password) == (ShareState.ACTIVE, 0, 1, False)
    with shelf.database.session() as session:
        kept = session.get_one(ShareLink, view.id)
        assert token not in str(kept.model_dump())
    for _ in range(100):
        visit = shares.visit(token)
    assert (visit.dataset_name, visit.file_name, visit.size) == ("sales of May", "sales of May.csv", len(DATA))
    assert (visit.shared_by, visit.locked, visit.downloads_left) == (shelf.caller.name, False, 5)
    assert shares.rows(visit, 2).json_rows()[0][:2] == ["anna", "DE"]
    assert shares.statistics(visit).status in ("computing", "ready")
    assert shares.head(token).size == len(DATA)
    assert shares.list(shelf.caller)[0].downloads == 0
    assert fetch(shelf, shares.redirect(token)) == DATA
    (now,) = shares.list(shelf.caller)
    assert (now.downloads, now.last_used_at is not None) == (1, True)
    with shelf.database.session() as session:
        event = session.exec(select(Event).where(Event.kind == "file_downloaded")).one()
        assert (event.link_id, event.user_id, event.actor) == (view.id, None, "link “Hafen GmbH”")
        assert (event.dataset_id, event.detail["size"]) == (dataset.summary.id, len(DATA))
        assert session.get_one(File, dataset.files[0].id).downloads == 1
    follows = shares.create(shelf.caller, dataset.files[0].id, NewShare(latest=True))
    assert follows.file_id == newer.summary.file_id
    assert fetch(shelf, shares.redirect(token_of(follows))) == b"name\nx\n"
    for wrong in ("", "x" * 24, token[:-1]):
        with pytest.raises(ShareNotFound):
            shares.visit(wrong)


def test_of_many_at_once_exactly_as_many_are_redirected_as_the_link_allows(shelf: Shelf, shares: Shares) -> None:
    view = shares.create(shelf.caller, shelf.upload(DATA).files[0].id, NewShare(max_downloads=5))
    token = token_of(view)
    outcomes = at_once([lambda: shares.redirect(token)] * 30)
    urls = [outcome for outcome in outcomes if not isinstance(outcome, CatalogError)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, CatalogError)]
    assert (len(urls), len(refused)) == (5, 25)
    assert all(isinstance(one, LinkEnded) and "all of them were made" in str(one) for one in refused)
    assert all(fetch(shelf, url) == DATA for url in urls)
    (now,) = shares.list(shelf.caller, state=ShareState.USED_UP)
    assert now.downloads == 5
    with shelf.database.session() as session:
        assert len(session.exec(select(Event.id).where(Event.link_id == view.id)).all()) == 5


def test_a_redirect_that_comes_to_nothing_is_not_counted(
    shelf: Shelf, shares: Shares, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = shelf.upload(DATA)
    view = shares.create(shelf.caller, dataset.files[0].id, NewShare(max_downloads=1))
    with monkeypatch.context() as patch:

        def fails(*_: object) -> str:
            raise RuntimeError("no signature")

        patch.setattr(type(shelf.downloads), "sign", fails)
        with pytest.raises(RuntimeError, match="no signature"):
            shares.redirect(token_of(view))
    with shelf.database.session() as session:
        file = session.get_one(File, dataset.files[0].id)
    assert shelf.storage.delete_file(ref_of(file))
    with pytest.raises(FileNotInStorage):
        shares.redirect(token_of(view), look_first=True)
    assert shares.get(shelf.caller, view.id).downloads == 0


def test_a_link_ends_in_each_way_and_says_so(shelf: Shelf, shares: Shares) -> None:
    dataset = shelf.upload(DATA)
    file_id = dataset.files[0].id
    view = shares.create(shelf.caller, file_id, NewShare(max_downloads=1, expires_in=None))
    token = token_of(view)
    assert view.expires_at is None
    shares.redirect(token)
    with pytest.raises(LinkEnded, match="all of them were made"):
        shares.head(token)
    again = shares.renew(shelf.caller, view.id, expires_in=timedelta(hours=2))
    assert (again.state, again.downloads, again.max_downloads, again.token) == (ShareState.ACTIVE, 0, 1, token)
    set_link(shelf, view.id, expires_at=utc_now() - timedelta(seconds=1))
    with pytest.raises(LinkEnded, match="expired"):
        shares.redirect(token)
    assert shares.renew(shelf.caller, view.id, max_downloads=None).max_downloads is None
    Datasets(shelf.database, shelf.storages, WEEK).delete(shelf.caller, dataset.summary.id)
    with pytest.raises(LinkEnded, match="not on the shelf"):
        shares.redirect(token)
    with pytest.raises(LinkEnded, match="not on the shelf"):
        shares.renew(shelf.caller, view.id)
    assert states(shares, shelf.caller) == {view.id: ShareState.GONE}
    Trash(shelf.database, shelf.storages, WEEK).restore(shelf.caller, dataset.summary.id)
    assert fetch(shelf, shares.redirect(token)) == DATA
    shares.revoke(shelf.caller, view.id)
    for use in (shares.visit, shares.redirect, shares.head):
        with pytest.raises(LinkEnded, match="taken back"):
            use(token)
    with pytest.raises(LinkEnded, match="for good"):
        shares.renew(shelf.caller, view.id)
    with pytest.raises(ShareNotFound, match="already"):
        shares.revoke(shelf.caller, view.id)
    shelf.datasets.delete(shelf.caller, dataset.summary.id, permanent=True)
    (left,) = shares.list(shelf.caller)
    assert (left.state, left.dataset_name, left.file_id) == (ShareState.REVOKED, "data", None)


def test_pages_of_links_hold_each_once_the_newest_first(shelf: Shelf, shares: Shares) -> None:
    first, second = shelf.upload(DATA, "first.csv"), shelf.upload(DATA, "second.csv")
    made = [
        shares.create(shelf.caller, (first, second)[turn % 2].files[0].id, NewShare(note=f"n{turn}"))
        for turn in range(7)
    ]
    at = utc_now()
    for turn, view in enumerate(made):
        # Some at the same moment.
        set_link(shelf, view.id, created_at=at + timedelta(seconds=turn // 3))
    set_link(shelf, made[0].id, revoked_at=at)
    set_link(shelf, made[3].id, revoked_at=at)
    whole = shares.list(shelf.caller)
    assert [view.created_at for view in whole] == sorted((view.created_at for view in whole), reverse=True)

    def paged(limit: int, **asked: object) -> list[uuid.UUID]:
        seen, cursor = [], None
        while True:
            page = shares.page(shelf.caller, limit=limit, cursor=cursor, **asked)  # type: ignore[arg-type]  # as asked
            assert len(page.items) == limit or page.next_cursor is None
            assert page.items or cursor is None
            seen += [view.id for view in page.items]
            if (cursor := page.next_cursor) is None:
                return seen

    for asked in ({}, {"state": ShareState.ACTIVE}, {"q": "n5"}, {"dataset_id": first.summary.id}):
        wanted = [view.id for view in shares.list(shelf.caller, **asked)]
        assert wanted
        for limit in (1, 2, 3, 7):
            assert paged(limit, **asked) == wanted
    assert {view.id for view in whole} == {view.id for view in made}
    cursor = shares.page(shelf.caller, limit=1).next_cursor
    for wrong in ("nonsense", cursor):
        with pytest.raises(InvalidCursor):
            shares.page(shelf.caller, state=ShareState.REVOKED, cursor=wrong)


def test_another_key_ends_every_link_for_good(shelf: Shelf, shares: Shares) -> None:
    """Whoever learnt the key can make every address; changing it is how they are shut out."""
    view = shares.create(shelf.caller, shelf.upload(DATA).files[0].id, NewShare())
    other = replace(shares, secret=b"another key, as long as the first")
    for ask in (other.visit, other.redirect, other.head, other.has_password):
        with pytest.raises(ShareNotFound):
            ask(token_of(view))
    (seen,) = other.list(shelf.caller)
    assert (seen.token, seen.url, seen.raw_url) == (None, None, None)
    assert (seen.state, seen.key_changed) == (ShareState.GONE, True)
    with pytest.raises(LinkEnded, match="Make a new one"):
        other.renew(shelf.caller, view.id)
    assert shares.visit(token_of(view)).size == len(DATA)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        (NewShare(expires_in=timedelta(milliseconds=999)), InvalidExpiry),
        (NewShare(expires_in=timedelta(days=3700)), InvalidExpiry),
        (NewShare(max_downloads=0), InvalidShare),
        (NewShare(max_downloads=1_000_001), InvalidShare),
        (NewShare(note="two\nlines"), InvalidShare),
        (NewShare(note="x" * 201), InvalidShare),
        (NewShare(password="abc"), InvalidPassword),
        (NewShare(latest=True, where="price > 8"), InvalidShare),
        (NewShare(columns=()), InvalidShare),
    ],
)
def test_what_cannot_be_is_refused(
    local_shelf: Shelf,
    readers: tuple[Analyst, Previewer],
    tmp_path: Path,
    new: NewShare,
    error: type[Exception],
) -> None:
    file_id = local_shelf.upload(DATA).files[0].id
    shares = shares_of(local_shelf, readers, tmp_path / "results")
    with pytest.raises(error):
        shares.create(local_shelf.caller, file_id, new)
    assert shares.list(local_shelf.caller) == ()


def test_who_may_change_a_dataset_may_hand_out_links_and_who_loses_that_has_none(shelf: Shelf, shares: Shares) -> None:
    database = shelf.database
    ada, eve, stranger = (person(database, name) for name in ("ada", "eve", "stranger"))
    team = group(database, "sales")
    bob = person(database, "bob", groups=[team])
    mine = replace(shelf, caller=ada)
    dataset = mine.upload(DATA)
    file_id, dataset_id = dataset.files[0].id, dataset.summary.id
    with database.transaction() as session:
        session.add(DatasetGrant(dataset_id=dataset_id, user_id=eve.user_id, group_id=None, level=Level.READER))
        session.add(DatasetGrant(dataset_id=dataset_id, user_id=None, group_id=team, level=Level.EDITOR))
    for caller, error in ((stranger, FileNotFound), (eve, NotAllowed), (read_only(bob), ReadOnly)):
        with pytest.raises(error):
            shares.create(caller, file_id, NewShare())
    bobs, adas = shares.create(bob, file_id, NewShare(note="Bob's")), shares.create(ada, file_id, NewShare())
    # The dataset's owner sees and takes back every link to it, who made one theirs alone.
    assert set(states(shares, ada)) == {bobs.id, adas.id}
    assert set(states(shares, bob)) == {bobs.id}
    assert not shares.list(eve)
    assert [view.id for view in shares.list(ada, dataset_id=dataset_id, q="BOB'S data")] == [bobs.id]
    for caller in (eve, stranger):
        with pytest.raises(ShareNotFound):
            shares.revoke(caller, adas.id)
    with pytest.raises(ShareNotFound):
        shares.revoke(bob, adas.id)
    with pytest.raises(ReadOnly):
        shares.revoke(read_only(ada), adas.id)
    # Whoever has an address renames nothing, but hands out bytes: no business of a token that only reads.
    told = shares.get(read_only(ada), adas.id)
    assert (told.token, told.url, told.raw_url) == (None, None, None)
    assert replace(told, token=adas.token) == adas
    # An editor no more.
    with database.transaction() as session:
        session.execute(update(DatasetGrant).where(col(DatasetGrant.group_id) == team).values(level=Level.READER))
    with pytest.raises(LinkEnded, match="not on the shelf"):
        shares.redirect(token_of(bobs))
    assert states(shares, ada)[bobs.id] is ShareState.GONE
    # Who lost the right is told nothing of what came since; the owner sees where it leads.
    (theirs,), (owners,) = shares.list(bob), shares.list(ada, q="Bob's")
    assert (theirs.file_id, theirs.file_version, theirs.file_name, theirs.size) == (None, None, "", None)
    assert theirs == shares.get(bob, bobs.id)
    assert (owners.file_id, owners.file_version, owners.size) == (file_id, 1, len(DATA))
    for change in ({"disabled_at": utc_now()}, {"disabled_at": None, "role": Role.VIEWER}):
        with database.transaction() as session:
            session.execute(update(User).where(col(User.id) == ada.user_id).values(**change))
        with pytest.raises(LinkEnded):
            shares.visit(token_of(adas))
    with database.transaction() as session:
        session.execute(update(User).where(col(User.id) == ada.user_id).values(role=Role.EDITOR))
    # Handed over: the former owner's links end, an editor's go on and are the new one's to take back.
    with database.transaction() as session:
        session.execute(update(DatasetGrant).where(col(DatasetGrant.group_id) == team).values(level=Level.EDITOR))
        hand_over(session, session.get_one(Dataset, dataset_id), session.get_one(User, stranger.user_id))
    assert states(shares, stranger) == {bobs.id: ShareState.ACTIVE, adas.id: ShareState.REVOKED}
    with pytest.raises(LinkEnded, match="taken back"):
        shares.redirect(token_of(adas))
    with pytest.raises(LinkEnded, match="for good"):
        shares.renew(ada, adas.id)
    shares.revoke(stranger, bobs.id)


def test_who_hands_a_dataset_over_downloads_by_no_link_of_theirs(shelf: Shelf, shares: Shares) -> None:
    ada, heir, editor = (person(shelf.database, name) for name in ("ada", "heir", "editor"))
    dataset = replace(shelf, caller=ada).upload(DATA, "sales.csv")
    grant = DatasetGrant(dataset_id=dataset.summary.id, user_id=editor.user_id, group_id=None, level=Level.EDITOR)
    with shelf.database.transaction() as session:
        session.add(grant)
    file_id = dataset.files[0].id
    latest = shares.create(ada, file_id, NewShare(latest=True, expires_in=None))
    part = shares.create(ada, file_id, NewShare(columns=["name"], expires_in=None))
    theirs = shares.create(editor, file_id, NewShare(columns=["price"]))
    assert len(shelf.objects()) == 3
    sharing = Sharing(shelf.database)
    sharing.hand_over(ada, dataset.summary.id, "heir")
    # Back again, and it is theirs to hand out: by new links.
    sharing.hand_over(heir, dataset.summary.id, str(ada.user_id))
    for view in (latest, part):
        with pytest.raises(LinkEnded, match="taken back"):
            shares.redirect(token_of(view))
    assert shares.redirect(token_of(theirs))
    Removal(shelf.database, shelf.storages).sweep()
    assert len(shelf.objects()) == 2, "the file, and the editor's copy"
    with shelf.database.session() as session:
        told = session.exec(select(Event).where(Event.kind == EventKind.OWNER_CHANGED).order_by(col(Event.at))).all()
    assert [event.detail["links_ended"] for event in told] == [2, 0]


def test_a_password_is_asked_for_everywhere_and_guessing_it_is_slow(shelf: Shelf, shares: Shares) -> None:
    view = shares.create(shelf.caller, shelf.upload(DATA).files[0].id, NewShare(password="Grüße", note="P"))
    token = token_of(view)
    locked = shares.visit(token)
    assert (locked.locked, locked.dataset_name, locked.file_id, locked.columns) == (True, "", None, ())
    for ask in (
        lambda: shares.rows(locked),
        lambda: shares.statistics(locked),
        lambda: shares.head(token),
        lambda: shares.redirect(token),
        lambda: shares.redirect(token, unlocked="forged"),
        lambda: shares.redirect(token, password="grüße"),
    ):
        with pytest.raises(PasswordNeeded):
            ask()
    assert shares.redirect(token, password="Grüße")
    unlocked = shares.unlock(token, "Gru\u0308\u00dfe")
    assert not shares.visit(token, unlocked=unlocked).locked
    assert shares.rows(shares.visit(token, unlocked=unlocked)).json_rows()
    other = shares.create(shelf.caller, shelf.upload(DATA, "b.csv").files[0].id, NewShare(password="Grüße"))
    assert shares.visit(token_of(other), unlocked=unlocked).locked
    set_link(shelf, view.id, password_hash=shares.link_passwords.hash("another"))
    assert shares.visit(token, unlocked=unlocked).locked
    for _ in range(FREE_TRIES):
        with pytest.raises(PasswordNeeded):
            shares.unlock(token, "wrong")
    for password in ("another", "wrong"):
        with pytest.raises(TooManyAttempts) as slowed:
            shares.redirect(token, password=password)
        assert 0 < slowed.value.retry_after <= FIRST_WAIT.total_seconds()
    # When the wait is over: one more wrong one doubles it, a right one ends it.
    set_link(shelf, view.id, slowed_until=utc_now())
    with pytest.raises(PasswordNeeded):
        shares.unlock(token, "wrong")
    with pytest.raises(TooManyAttempts) as slowed:
        shares.unlock(token, "another")
    assert FIRST_WAIT.total_seconds() < slowed.value.retry_after <= 2 * FIRST_WAIT.total_seconds()
    set_link(shelf, view.id, slowed_until=utc_now())
    assert shares.unlock(token, "another")
    with shelf.database.session() as session:
        kept = session.get_one(ShareLink, view.id)
        assert (kept.wrong_passwords, kept.slowed_until) == (0, None)
        refused = session.exec(select(Event).where(Event.kind == "link_refused")).all()
        assert len(refused) == FREE_TRIES + 2
        assert all("rong" not in str(event.detail.get("password", "")) for event in refused)


def test_of_many_guesses_at_once_no_more_are_looked_at_than_in_a_row(shelf: Shelf, shares: Shares) -> None:
    view = shares.create(shelf.caller, shelf.upload(DATA).files[0].id, NewShare(password="secret"))
    outcomes = at_once([lambda: shares.unlock(token_of(view), "guess")] * 24)
    assert sum(isinstance(outcome, PasswordNeeded) for outcome in outcomes) == FREE_TRIES
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 24 - FREE_TRIES


def test_waits_double_up_to_an_hour() -> None:
    assert [wait_after(wrong) for wrong in (1, 9, 10, 11, 12)] == [None, None, *(FIRST_WAIT * n for n in (1, 2, 4))]
    assert wait_after(17) == wait_after(10**9) == timedelta(hours=1)


def test_a_slice_serves_its_copy_and_nothing_finds_that(shelf: Shelf, shares: Shares) -> None:
    dataset = shelf.upload(DATA, "sales.csv")
    source = dataset.files[0].id
    new = NewShare(columns=["price", "name"], where="country = 'DE' -- not France", max_downloads=3)
    view = shares.create(shelf.caller, source, new)
    token = token_of(view)
    assert (view.columns, view.where, view.slice_rows, view.file_name) == (
        ("price", "name"),
        "country = 'DE' -- not France",
        2,
        "sales.csv",
    )
    copy = b'"price","name"\n"007","anna"\n"9","ca\'rol"\n'
    served = fetch(shelf, shares.redirect(token))
    assert served.replace(b'"', b"") == copy.replace(b'"', b"")
    visit = shares.visit(token)
    assert [column.name for column in visit.columns] == ["price", "name"]
    assert (visit.rows, visit.column_count, visit.size, visit.sliced) == (2, 2, len(served), True)
    assert shares.rows(visit).json_rows() == [["007", "anna"], ["9", "ca'rol"]]
    assert shares.head(token).size == len(served)
    # In no list, no count, no search; not by its id either, even for who made it.
    page = shelf.datasets.list(shelf.caller, DatasetQuery())
    assert ([item.id for item in page.items], page.total) == ([dataset.summary.id], 1)
    assert not shelf.datasets.list(shelf.caller, DatasetQuery(q="price")).items
    assert shelf.datasets.totals(shelf.caller).datasets == 1
    with shelf.database.session() as session:
        hidden = session.exec(select(Dataset).where(Dataset.hidden_for == view.id)).one()
        file = session.exec(select(File).where(File.dataset_id == hidden.id)).one()
        assert hidden.current_file_id is None
    for find in (
        lambda: shelf.datasets.get(shelf.caller, hidden.id),
        lambda: shelf.datasets.delete(shelf.caller, hidden.id),
        lambda: shelf.files.get(shelf.caller, file.id),
        lambda: shelf.downloads.redirect(shelf.caller, file.id),
        lambda: shares.create(shelf.caller, file.id, NewShare()),
    ):
        with pytest.raises((DatasetNotFound, FileNotFound)):
            find()
    assert visit.row is not None
    with pytest.raises(FileNotFound):
        # Who reads on the visitor's behalf sees the copy alone.
        shares.previews.preview(visit.row.reader(), source)
    checked = Reconcile(shelf.database, shelf.storages, lambda _file_id: None, idle=WEEK).light()
    assert checked is not None
    assert not checked.groups
    old = lifecycle(shelf, 400, untouched=True, roles="datasets").run(apply=False)
    assert found(old) == {"untouched": 1}, "a copy goes by its link, not by its age"
    # In the trash: not served. Back: served. Deleted for good: no byte is left.
    Datasets(shelf.database, shelf.storages, WEEK).delete(shelf.caller, dataset.summary.id)
    with pytest.raises(LinkEnded):
        shares.redirect(token)
    Trash(shelf.database, shelf.storages, WEEK).restore(shelf.caller, dataset.summary.id)
    assert shares.redirect(token)
    shelf.datasets.delete(shelf.caller, dataset.summary.id, permanent=True)
    Removal(shelf.database, shelf.storages).sweep()
    assert shelf.objects() == []
    with shelf.database.session() as session:
        assert not session.exec(select(File.id)).all()
        assert not session.exec(select(Dataset.id)).all()
    assert states(shares, shelf.caller) == {view.id: ShareState.GONE}


def test_a_copy_goes_when_its_link_is_taken_back_or_has_long_ended_and_is_made_again(
    shelf: Shelf, shares: Shares
) -> None:
    file_id = shelf.upload(DATA, "sales.csv").files[0].id
    gone = shares.create(shelf.caller, file_id, NewShare(columns=["name"]))
    assert len(shelf.objects()) == 2
    shares.revoke(shelf.caller, gone.id)
    assert len(shelf.objects()) == 1
    view = shares.create(shelf.caller, file_id, NewShare(where="price > '8'"))
    set_link(shelf, view.id, expires_at=utc_now() - ENDED_FOR + timedelta(hours=1))
    assert shares.slices.sweep() == 0
    set_link(shelf, view.id, expires_at=utc_now() - ENDED_FOR - timedelta(hours=1))
    assert shares.slices.sweep() == 1
    assert len(shelf.objects()) == 1
    assert shares.get(shelf.caller, view.id).state is ShareState.EXPIRED
    again = shares.renew(shelf.caller, view.id)
    assert (again.state, again.slice_rows) == (ShareState.ACTIVE, 1)
    assert b"carol" in fetch(shelf, shares.redirect(token_of(view))).replace(b"'", b"")
    # What a crash left: a copy that no link knows.
    set_link(shelf, view.id, slice_dataset_id=None)
    assert shares.slices.sweep() == 0
    with shelf.database.transaction() as session:
        long_ago = utc_now() - UNCLAIMED - timedelta(hours=1)
        session.execute(update(Dataset).where(col(Dataset.hidden_for).is_not(None)).values(created_at=long_ago))
    assert shares.slices.sweep() == 1
    assert len(shelf.objects()) == 1


def test_an_empty_slice_is_allowed_and_said(shelf: Shelf, shares: Shares, tmp_path: Path) -> None:
    table = pyarrow.table({"a": [1, 2], "b c": [{"x": 1}, {"x": 2}]})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    file_id = shelf.upload((tmp_path / "t.parquet").read_bytes(), "t.parquet").files[0].id
    none = shares.create(shelf.caller, file_id, NewShare(where="a > 2"))
    assert (none.slice_rows, len(none.notes), none.file_name) == (0, 1, "t.parquet")
    one = shares.create(shelf.caller, file_id, NewShare(columns=["b c"], where="a IN (SELECT max(a) FROM data)"))
    (tmp_path / "got.parquet").write_bytes(fetch(shelf, shares.redirect(token_of(one))))
    assert pyarrow.parquet.read_table(tmp_path / "got.parquet").to_pylist() == [{"b c": {"x": 2}}]
    assert one.notes == ()


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("TRUE) UNION ALL SELECT name, country, price FROM data WHERE (TRUE", QueryRefused),
        ("TRUE) ORDER BY (name", QueryRefused),
        ("TRUE) LIMIT (1", QueryRefused),
        ("TRUE) GROUP BY (name", QueryRefused),
        ("TRUE) QUALIFY (TRUE", QueryRefused),
        ("TRUE); SELECT (1", QueryRefused),
        ("TRUE) --", QueryFailed),
        ("TRUE /*", QueryFailed),
        ("", InvalidShare),
        ("name IN (SELECT content FROM read_text('/etc/passwd'))", QueryRefused),
        ("EXISTS (SELECT * FROM '/etc/passwd')", QueryRefused),
        ("EXISTS (SELECT * FROM other)", QueryFailed),
        ("getenv('HOME') <> ''", QueryRefused),
        ("name = ?", QueryRefused),
        ("pricee > 8", QueryFailed),
        ("sum(price) > 8", QueryFailed),
        ("name = 'x\x00'", InvalidShare),
    ],
)
def test_a_condition_is_one_condition_and_nothing_more(
    sliced: tuple[Shelf, Shares, uuid.UUID], where: str, error: type[Exception]
) -> None:
    shelf, shares, file_id = sliced
    new = NewShare(columns=["name"], where=where)
    before = len(shelf.objects())
    with pytest.raises(error):
        shares.create(shelf.caller, file_id, new)
    assert len(shelf.objects()) == before


def test_an_error_in_a_condition_names_its_place_and_a_column_that_is_not_there(
    sliced: tuple[Shelf, Shares, uuid.UUID],
) -> None:
    shelf, shares, file_id = sliced
    with pytest.raises(QueryFailed) as told:
        shares.create(shelf.caller, file_id, NewShare(where="name = 'x'\n AND contry = 'DE'"))
    assert told.value.place is not None
    assert (told.value.place.line, told.value.place.column, told.value.suggestion) == (2, 6, "country")
    with pytest.raises(QueryFailed, match=r"no column “nmae”.*“name”"):
        shares.create(shelf.caller, file_id, NewShare(columns=["nmae"]))
    plain = shelf.upload(b"\x00\x01\x02", "blob.bin").files[0].id
    with pytest.raises(PreviewError):
        shares.create(shelf.caller, plain, NewShare(where="TRUE"))
