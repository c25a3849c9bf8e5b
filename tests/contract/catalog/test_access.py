"""Who sees and changes what, on both databases: several people, a group, the team, and what each of them is shown."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text

from catalog import shelf
from catalog.caller import Caller
from catalog.errors import (
    CatalogError,
    DatasetNameTaken,
    DatasetNotFound,
    FileNotFound,
    GroupNotFound,
    InvalidSharing,
    NotAllowed,
    NotInTrash,
    ReadOnly,
    UploadNotFound,
    UserNotFound,
)
from catalog.intake import NewUpload
from catalog.kept_counts import KeptCounts
from catalog.listing import SORTS, DatasetQuery
from catalog.same_content import SameContent
from catalog.sharing import Level, SharedWith, ShareKind, Sharing, Visibility
from catalog.trash import Trash
from catalog.views import DatasetDetail
from db.tables import File, Role
from tests.contract.catalog.conftest import LIFE, Shelf
from tests.contract.catalog.people import group, person, read_only


@dataclass(frozen=True)
class Team:
    """Ann owns; Bob edits, Cas reads, by name; Dee reads as one of the group; Eve is in nothing, and nor is Adm."""

    shelf: Shelf
    sharing: Sharing
    ann: Caller
    bob: Caller
    cas: Caller
    dee: Caller
    eve: Caller
    adm: Caller
    analysts: uuid.UUID

    def put(self, by: Caller, data: bytes = b"id,station\n1,x\n", name: str | None = None) -> DatasetDetail:
        return replace(self.shelf, caller=by).upload(data, name=name)

    def share(self, dataset: DatasetDetail) -> None:
        """With Bob as editor, Cas and the group as readers."""
        people = [
            SharedWith(ShareKind.USER, self.bob.user_id, Level.EDITOR),
            SharedWith(ShareKind.USER, self.cas.user_id, Level.READER),
            SharedWith(ShareKind.GROUP, self.analysts, Level.READER),
        ]
        self.sharing.set(self.ann, dataset.summary.id, people=people)

    def show_team(self, by: Caller, dataset: DatasetDetail, *, seen: bool = True) -> None:
        visibility = Visibility.TEAM if seen else Visibility.PRIVATE
        self.sharing.set(by, dataset.summary.id, visibility=visibility)

    def listed(self, caller: Caller, **query: object) -> set[str]:
        page = self.shelf.datasets.list(caller, DatasetQuery(limit=200, **query))  # type: ignore[arg-type]
        assert page.total == len(page.items)
        assert page.total_size == sum(item.size for item in page.items)
        return {item.name for item in page.items}

    @property
    def everybody(self) -> tuple[Caller, ...]:
        return self.ann, self.bob, self.cas, self.dee, self.eve, self.adm

    def counts_are_right(self) -> bool:
        counts = KeptCounts(self.shelf.database)
        return not counts.wrong_owners() and not counts.wrong_datasets()


@pytest.fixture
def team(local_shelf: Shelf) -> Team:
    database = local_shelf.database
    analysts = group(database, "analysts")
    return Team(
        shelf=local_shelf,
        sharing=Sharing(database),
        ann=person(database, "Ann"),
        bob=person(database, "Bob"),
        cas=person(database, "Cas"),
        dee=person(database, "Dee", groups=[analysts]),
        eve=person(database, "Eve"),
        adm=person(database, "Adm", role=Role.ADMIN),
        analysts=analysts,
    )


def test_a_private_dataset_is_its_owners_alone(team: Team) -> None:
    mine = team.put(team.ann, name="private")
    assert team.listed(team.ann) == {"private"}
    for other in (team.bob, team.dee, team.eve, team.adm, team.shelf.caller):
        assert team.listed(other) == set()
        of_datasets: tuple[Callable[[Caller, uuid.UUID], object], ...] = (
            team.shelf.datasets.get,
            team.shelf.datasets.similar,
            team.shelf.datasets.update,
            team.shelf.datasets.delete,
            team.sharing.get,
            team.sharing.set,
        )
        for ask in of_datasets:
            with pytest.raises(DatasetNotFound):
                ask(other, mine.summary.id)
        for look in (team.shelf.files.get, team.shelf.downloads.redirect, team.shelf.downloads.link):
            with pytest.raises(FileNotFound):
                look(other, mine.files[0].id)


def test_each_sees_what_is_theirs_the_teams_and_shared_with_them(team: Team) -> None:
    shared = team.put(team.ann, name="shared")
    team.share(shared)
    team.show_team(team.ann, team.put(team.ann, name="open"))
    team.put(team.ann, name="private")
    team.put(team.eve, name="eve's")
    assert team.listed(team.ann) == {"shared", "open", "private"}
    assert team.listed(team.bob) == team.listed(team.cas) == team.listed(team.dee) == {"shared", "open"}
    assert team.listed(team.eve) == {"open", "eve's"}
    assert team.listed(team.adm) == {"open"}
    levels = {
        who.name: {item.name: (item.access, item.owner, item.visibility.value) for item in found}
        for who in (team.ann, team.bob, team.dee)
        for found in [team.shelf.datasets.list(who, DatasetQuery()).items]
    }
    assert levels["Ann"]["shared"] == ("owner", "Ann", "private")
    assert levels["Bob"] == {"shared": ("editor", "Ann", "private"), "open": ("reader", "Ann", "team")}
    assert levels["Dee"]["shared"] == ("reader", "Ann", "private")


def test_search_tags_formats_and_owners_tell_nothing_of_what_is_not_seen(team: Team) -> None:
    secret, known = team.put(team.ann, name="secret"), team.put(team.ann, name="known")
    team.shelf.datasets.update(team.ann, secret.summary.id, tags=["hidden"], description="needle")
    team.shelf.datasets.update(team.ann, known.summary.id, tags=["shown"], description="needle")
    assert [team.listed(team.eve, q=q) for q in ("needle", "Ann", "station")] == [set(), set(), set()]
    assert team.shelf.datasets.owners(team.eve) == ("Eve",)
    team.show_team(team.ann, known)
    for query in ({"q": "needle"}, {"q": "Ann"}, {"tags": ("shown",)}, {"formats": ("csv",)}, {"owner": "Ann"}):
        assert team.listed(team.eve, **query) == {"known"}, query
    assert team.listed(team.eve, tags=("hidden",)) == team.listed(team.eve, owner="Eve") == set()
    assert team.listed(team.ann, owner="Ann") == {"secret", "known"}
    assert team.shelf.datasets.tags(team.eve) == (("shown", 1),)
    assert dict(team.shelf.datasets.tags(team.ann)) == {"shown": 1, "hidden": 1}
    assert team.shelf.datasets.formats(team.eve) == (("csv", 1),)
    assert team.shelf.datasets.owners(team.eve) == ("Eve", "Ann")
    totals = team.shelf.datasets.totals(team.eve)
    assert (totals.datasets, totals.files) == (0, 0), "of what they own"
    assert team.shelf.datasets.totals(team.adm).files == 2, "whoever runs the shelf knows what it holds"


def test_pages_of_three_sources_hold_every_dataset_once_in_order(team: Team) -> None:
    """Cas's own, the team's, some of Cas's among them, and shared ones, some of them the team's, too."""
    for number in range(24):
        owner = (team.ann, team.cas, team.eve)[number % 3]
        made = team.put(owner, b"x" * (number % 5), name=f"n{number * 7 % 24:02}")
        if number % 4 < 2:
            team.show_team(owner, made)
        if owner is team.ann and number % 6 == 0:
            team.share(made)
    seen = team.listed(team.cas)
    assert 0 < len(seen) < 24
    for sort in SORTS:
        query = DatasetQuery(sort=sort, limit=200)
        whole = [item.id for item in team.shelf.datasets.list(team.cas, query).items]
        filtered = team.shelf.datasets.list(team.cas, replace(query, q="n")).items
        assert whole == [item.id for item in filtered], "one look at all rows gives the same"
        for limit in (1, 5):
            pages, cursor = [], None
            while True:
                page = team.shelf.datasets.list(team.cas, replace(query, limit=limit, cursor=cursor))
                pages += [item.id for item in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert pages == whole
            numbered = [replace(query, limit=limit, page=one + 1) for one in range(-(-len(whole) // limit))]
            assert [item.id for one in numbered for item in team.shelf.datasets.list(team.cas, one).items] == whole
    cursor = team.shelf.datasets.list(team.cas, DatasetQuery(limit=2)).next_cursor
    with pytest.raises(CatalogError):
        team.shelf.datasets.list(team.eve, DatasetQuery(limit=2, cursor=cursor))


def test_similar_and_same_content_name_only_what_is_seen(team: Team) -> None:
    data = b"rare_one,rare_two\n1,2\n"
    ours, hidden, shown = (team.put(who, data) for who in (team.eve, team.ann, team.ann))
    columns = [("rare_one", "integer"), ("rare_two", "integer")]
    with team.shelf.database.transaction() as session:
        for one in (ours, hidden, shown):
            file = session.get_one(File, one.files[0].id)
            file.sha256, file.sha256_verified = "0" * 64, True
            file.head_sha256 = file.tail_sha256 = "1" * 64
            shelf.describe(session, file, columns)
    same = SameContent(team.shelf.database)
    asked = {"size": len(data), "head_sha256": "1" * 64, "tail_sha256": "1" * 64, "sha256": "0" * 64}

    def told(who: Caller) -> tuple[set[uuid.UUID], set[uuid.UUID], set[uuid.UUID]]:
        return (
            {one.summary.id for one in team.shelf.datasets.similar(who, ours.summary.id)},
            {one.dataset_id for one in team.shelf.datasets.get(who, ours.summary.id).same_as},
            {one.dataset_id for one in same.find(who, **asked)},  # type: ignore[arg-type]
        )

    assert told(team.eve) == (set(), set(), {ours.summary.id})
    team.show_team(team.ann, shown)
    assert told(team.eve) == ({shown.summary.id}, {shown.summary.id}, {ours.summary.id, shown.summary.id})
    team.show_team(team.eve, ours)
    both = {hidden.summary.id, shown.summary.id}
    assert told(team.ann) == (both, both, {ours.summary.id, *both})


def test_an_editor_changes_and_a_reader_does_not(team: Team) -> None:
    dataset = team.put(team.ann, name="shared")
    id_ = dataset.summary.id
    team.share(dataset)
    assert team.shelf.datasets.update(team.bob, id_, description="by Bob").summary.description == "by Bob"
    new = replace(team.shelf, caller=team.bob).upload(b"id\n2\n", dataset_id=id_)
    assert [one.version for one in new.files] == [2, 1]
    assert new.summary.owner == "Ann"
    for reader in (team.cas, team.dee, read_only(team.bob), replace(team.bob, role=Role.VIEWER)):
        wrong: type[CatalogError] = NotAllowed if reader.writes else ReadOnly
        assert team.shelf.datasets.get(reader, id_).files
        assert team.shelf.downloads.redirect(reader, new.files[0].id)
        for act in (
            lambda who: team.shelf.datasets.update(who, id_, description="no"),
            lambda who: team.shelf.datasets.delete(who, id_),
            lambda who: team.shelf.files.delete(who, new.files[0].id),
            lambda who: team.shelf.uploads.start(who, NewUpload("a.csv", 1, dataset_id=id_)),
            lambda who: team.sharing.set(who, id_, visibility=Visibility.TEAM),
        ):
            with pytest.raises(wrong):
                act(reader)
    owners_alone: tuple[Callable[[], object], ...] = (
        lambda: team.shelf.datasets.delete(team.bob, id_),
        lambda: team.shelf.files.delete(team.bob, new.files[0].id, permanent=True),
        # There is no trash on this shelf: what is deleted is gone.
        lambda: team.shelf.files.delete(team.bob, new.files[0].id),
        lambda: team.sharing.set(team.bob, id_, visibility=Visibility.TEAM),
        lambda: team.sharing.hand_over(team.bob, id_, "Bob"),
    )
    for act_of_owner in owners_alone:
        with pytest.raises(NotAllowed):
            act_of_owner()
    for reader in (read_only(team.ann), replace(team.ann, role=Role.VIEWER)):
        with pytest.raises(ReadOnly):
            team.shelf.uploads.start(reader, NewUpload("a.csv", 1))
    assert team.counts_are_right()


def test_an_editor_cannot_ask_by_renaming_which_names_the_owner_has(team: Team) -> None:
    hidden, shared = team.put(team.ann, name="hidden"), team.put(team.ann, name="shared")
    team.share(shared)
    answers = set()
    for name in ("hidden", "no such"):
        with pytest.raises(NotAllowed) as refused:
            team.shelf.datasets.update(team.bob, shared.summary.id, name=name, description="x")
        answers.add(str(refused.value))
    assert len(answers) == 1
    kept = team.shelf.datasets.update(team.bob, shared.summary.id, name="shared", tags=("ours",)).summary
    assert (kept.name, kept.description, kept.tags) == ("shared", "", ("ours",))
    with pytest.raises(DatasetNameTaken) as taken:
        team.shelf.datasets.update(team.ann, shared.summary.id, name="hidden")
    assert taken.value.dataset_id == hidden.summary.id
    assert team.shelf.datasets.update(team.ann, shared.summary.id, name="free").summary.name == "free"
    assert team.put(team.bob, name="hidden").summary.name == "hidden", "on another shelf every name is free"


def test_who_loses_access_in_mid_upload_ends_with_nothing(team: Team) -> None:
    dataset = team.put(team.ann, name="shared")
    team.share(dataset)
    bob = replace(team.shelf, caller=team.bob)
    data = b"id\n2\n"
    started = bob.uploads.start(team.bob, NewUpload("b.csv", len(data), dataset_id=dataset.summary.id))
    done = bob.uploads.start(team.bob, NewUpload("c.csv", len(data), dataset_id=dataset.summary.id))
    bob.uploads.complete(team.bob, done.upload_id, bob.send(done.parts, data, done.part_size))
    assert len(bob.uploads.list(team.bob)) == 1
    parts = bob.send(started.parts, data, started.part_size)
    for people in ([SharedWith(ShareKind.USER, team.bob.user_id, Level.READER)], []):
        team.sharing.set(team.ann, dataset.summary.id, people=people)
        assert bob.uploads.list(team.bob) == ()
        for upload_id in (started.upload_id, done.upload_id):
            with pytest.raises(UploadNotFound):
                bob.uploads.complete(team.bob, upload_id, parts)
        with pytest.raises(UploadNotFound):
            bob.uploads.sign_parts(team.bob, started.upload_id, [1])
    assert [one.version for one in team.shelf.datasets.get(team.ann, dataset.summary.id).files] == [2, 1]
    team.shelf.uploads.abort(team.ann, started.upload_id)
    assert team.shelf.uploads_in_store() == []


def test_who_loses_access_while_the_bytes_are_checked_ends_with_nothing(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = team.put(team.ann, name="shared")
    team.share(dataset)
    bob = replace(team.shelf, caller=team.bob)
    started = bob.uploads.start(team.bob, NewUpload("b.csv", 3, dataset_id=dataset.summary.id))
    parts = bob.send(started.parts, b"a\n1", started.part_size)
    kind = type(team.shelf.storage)
    stat = kind.stat_file

    def taken_away(self: object, ref: object) -> object:
        team.sharing.set(team.ann, dataset.summary.id, visibility=Visibility.TEAM, people=[])
        return stat(self, ref)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "stat_file", taken_away)
    with pytest.raises(UploadNotFound):
        bob.uploads.complete(team.bob, started.upload_id, parts)
    monkeypatch.undo()
    assert len(team.shelf.datasets.get(team.ann, dataset.summary.id).files) == 1
    assert len(team.shelf.objects()) == 1
    assert team.counts_are_right()


def test_the_trash_is_the_owners_and_the_editors(team: Team) -> None:
    keeping = LIFE
    files = replace(team.shelf.files, trash_for=keeping)
    datasets = replace(team.shelf.datasets, trash_for=keeping)
    trash = Trash(team.shelf.database, team.shelf.storages, keeping)
    dataset = team.put(team.ann, name="shared")
    replace(team.shelf, caller=team.ann).upload(b"id\n2\n", dataset_id=dataset.summary.id)
    team.share(dataset)
    files.delete(team.bob, dataset.files[0].id)
    found = trash.list(team.bob)
    assert [(item.version, item.owner) for item in found.items] == [(1, "Ann")]
    assert found.total_size == found.items[0].size == trash.list(team.ann).total_size
    assert [item.owner for item in trash.list(team.ann).items] == [None]
    for other in (team.cas, team.eve, team.adm):
        assert (trash.count(other), trash.list(other).total_size) == (0, 0)
        for ask in (trash.restore, trash.purge, trash.find):
            with pytest.raises(NotInTrash):
                ask(other, dataset.files[0].id)
    with pytest.raises(NotAllowed):
        trash.purge(team.bob, dataset.files[0].id)
    for act in (trash.restore, trash.purge):
        with pytest.raises(ReadOnly):
            act(read_only(team.bob), dataset.files[0].id)
    assert trash.empty(team.bob) == 0
    assert len(trash.restore(team.bob, dataset.files[0].id).detail.files) == 2
    datasets.delete(team.ann, dataset.summary.id)
    assert team.listed(team.bob) == set()
    trash.restore(team.bob, dataset.summary.id)
    assert team.listed(team.bob) == {"shared"}
    datasets.delete(team.ann, dataset.summary.id)
    with pytest.raises(NotAllowed):
        trash.purge(team.bob, dataset.summary.id)
    assert trash.empty(team.ann) == 1
    assert team.shelf.objects() == []
    assert team.counts_are_right()


def test_sharing_is_the_owners_and_says_what_is_wrong(team: Team) -> None:
    dataset = team.put(team.ann, name="shared")
    id_ = dataset.summary.id
    team.share(dataset)
    access = team.sharing.get(team.ann, id_)
    assert (access.owner, access.visibility, access.access) == ("Ann", Visibility.PRIVATE, "owner")
    assert [(one.kind.value, one.name, one.level.value) for one in access.people] == [
        ("group", "analysts", "reader"),
        ("user", "Bob", "editor"),
        ("user", "Cas", "reader"),
    ]
    assert team.sharing.get(team.bob, id_).people == access.people
    assert [one.name for one in team.sharing.get(team.cas, id_).people] == ["Cas"]
    assert [one.name for one in team.sharing.get(team.dee, id_).people] == ["analysts"]
    reader, nobody = SharedWith(ShareKind.USER, team.cas.user_id, Level.READER), uuid.uuid4()
    for people, wrong in (
        ([SharedWith(ShareKind.USER, team.ann.user_id, Level.READER)], InvalidSharing),
        ([reader, replace(reader, level=Level.EDITOR)], InvalidSharing),
        ([replace(reader, id=uuid.uuid4()) for _ in range(201)], InvalidSharing),
        ([reader, replace(reader, id=nobody)], UserNotFound),
        ([reader, SharedWith(ShareKind.GROUP, team.cas.user_id, Level.READER)], GroupNotFound),
    ):
        with pytest.raises(wrong):
            team.sharing.set(team.ann, id_, visibility=Visibility.TEAM, people=people)
        assert team.sharing.get(team.ann, id_) == access, "nothing of it is done"
    with pytest.raises(DatasetNotFound):
        team.sharing.set(team.adm, id_, visibility=Visibility.TEAM)
    changed = team.sharing.set(team.ann, id_, visibility=Visibility.TEAM, people=[reader])
    assert [one.name for one in changed.people] == ["Cas"]
    assert team.sharing.set(team.ann, id_) == changed
    with team.shelf.database.session() as session:
        told = session.execute(
            text("SELECT detail FROM event WHERE kind = 'access_changed' ORDER BY at DESC, id LIMIT 1")
        ).scalar_one()
    assert "no_longer_with" in str(told)
    assert "Bob" in str(told)
    assert team.listed(team.eve) == {"shared"}


def test_a_dataset_changes_hands_with_all_that_is_its(team: Team) -> None:
    dataset, other = team.put(team.ann, name="same"), team.put(team.bob, name="same")
    team.show_team(team.ann, dataset)
    team.shelf.datasets.update(team.ann, dataset.summary.id, tags=["tag"])
    for wrong, who, to in (
        (NotAllowed, team.bob, "Bob"),
        (ReadOnly, read_only(team.ann), "Bob"),
        (ReadOnly, read_only(team.adm), "Bob"),
        (NotAllowed, replace(team.adm, token_id=uuid.uuid4()), "Bob"),
        (UserNotFound, team.ann, "Nobody"),
        (UserNotFound, team.ann, "a\x00"),
        (UserNotFound, team.ann, str(uuid.uuid4())),
        (DatasetNotFound, team.bob, "Bob"),
    ):
        if wrong is DatasetNotFound:
            team.show_team(team.ann, dataset, seen=False)
        with pytest.raises(wrong):
            team.sharing.hand_over(who, dataset.summary.id, to)
    team.sharing.hand_over(team.adm, dataset.summary.id, "Bob")
    moved = team.shelf.datasets.get(team.bob, dataset.summary.id)
    assert (moved.summary.name, moved.summary.owner, moved.summary.access) == ("same (2)", "Bob", "owner")
    assert team.listed(team.bob, q="Bob tag") == {"same (2)"}
    assert team.listed(team.ann) == set(), "its former owner has what everybody has"
    assert team.shelf.datasets.totals(team.bob).files == 2
    assert team.counts_are_right()
    team.sharing.hand_over(team.bob, other.summary.id, str(team.ann.user_id))
    assert team.listed(team.ann) == {"same"}
    assert team.counts_are_right()


def test_the_counts_stay_right_whatever_is_done(team: Team) -> None:
    """Random acts of random people: after each, what is kept is what a count of the tables says, and everybody's list
    is what the rules make of the tables."""
    chance = random.Random(7)
    trash = Trash(team.shelf.database, team.shelf.storages, LIFE)
    datasets = replace(team.shelf.datasets, trash_for=LIFE)
    made: list[DatasetDetail] = []
    people = (team.ann, team.bob, team.eve)
    for step in range(60):
        who = chance.choice(people)
        one = chance.choice(made) if made else None
        act = chance.randrange(7)
        try:
            if one is None or act == 0:
                made.append(team.put(who, b"x" * step))
            elif act == 1:
                replace(team.shelf, caller=who).upload(b"y" * step, dataset_id=one.summary.id)
            elif act in (2, 3):
                team.show_team(who, one, seen=act == 2)
            elif act == 4:
                datasets.delete(who, one.summary.id)
            elif act == 5:
                trash.restore(who, one.summary.id)
            else:
                team.sharing.hand_over(who, one.summary.id, chance.choice(people).name)
        except CatalogError:
            continue
        assert team.counts_are_right(), (step, act)
        for caller in team.everybody:
            team.listed(caller)


def test_a_count_that_is_wrong_is_found_and_mended(team: Team) -> None:
    dataset = team.put(team.ann, b"12345")
    team.show_team(team.ann, dataset)
    counts = KeptCounts(team.shelf.database)
    for column in ("team_datasets", "team_size", "datasets", "size"):
        with team.shelf.database.transaction() as session:
            session.execute(text(f"UPDATE shelf_count SET {column} = 99 WHERE datasets > 0"))
        assert list(counts.wrong_owners()) == [team.ann.user_id]
        counts.mend_owner(team.ann.user_id)
        assert team.counts_are_right()
    assert team.listed(team.eve) == {dataset.summary.name}


def test_a_copy_made_for_a_link_is_in_no_list_and_no_count_is_wrong(team: Team) -> None:
    dataset = team.put(team.ann, b"12345")
    with team.shelf.database.transaction() as session:
        session.execute(
            text(
                "UPDATE dataset SET hidden_for = :link, current_file_id = NULL, size = 0, format = 'other', "
                "file_name = '', rows = NULL, columns = NULL"
            ),
            {"link": uuid.uuid4().hex},
        )
        session.execute(text("UPDATE shelf_count SET datasets = 0, size = 0"))
    assert team.listed(team.ann) == set()
    assert team.counts_are_right()
    with pytest.raises(DatasetNotFound):
        team.sharing.get(team.ann, dataset.summary.id)
    with pytest.raises(DatasetNotFound):
        team.sharing.set(team.ann, dataset.summary.id, visibility=Visibility.TEAM)
