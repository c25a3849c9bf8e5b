"""One dataset: its versions, changing and deleting it; on both databases and both stores."""

from __future__ import annotations

import io
import uuid

import pytest
from sqlmodel import select

from catalog.accounts import make_user
from catalog.caller import Caller
from catalog.datasets import NotServed, ShelfTotals
from catalog.errors import (
    DatasetNameTaken,
    DatasetNotFound,
    FileNotFound,
    FileNotReady,
    Invalid,
    InvalidDescription,
    InvalidName,
    InvalidTags,
    UploadNotFound,
)
from catalog.intake import NewUpload
from catalog.knowledge import fail
from catalog.listing import DatasetQuery
from db.tables import Dataset, DatasetTag, Event, File, Role, ShelfCount
from tests.contract.catalog.conftest import Shelf

DATA = b"a,b\n1,2\n"


def kinds(shelf: Shelf) -> list[str]:
    with shelf.database.session() as session:
        return sorted(session.exec(select(Event.kind)).all())


def test_the_newest_version_speaks_for_the_dataset(shelf: Shelf) -> None:
    first = shelf.upload(DATA, "sales.csv")
    second = shelf.upload(b'[{"a": 1}]', "sales.json", dataset_id=first.summary.id)
    assert [file.version for file in second.files] == [2, 1]
    assert second.files[1] == first.files[0]
    summary = shelf.datasets.list(shelf.caller, DatasetQuery()).items[0]
    assert summary == second.summary
    assert (summary.format, summary.size, summary.file_name) == ("json", 10, "sales.json")
    assert (summary.file_id, summary.name) == (second.files[0].id, "sales")
    assert summary.updated_at > first.summary.updated_at


def test_versions_are_numbered_as_they_are_completed(shelf: Shelf) -> None:
    dataset_id = shelf.upload(DATA).summary.id
    slow = shelf.uploads.start(shelf.caller, NewUpload("slow.csv", len(DATA), dataset_id=dataset_id))
    abandoned = shelf.uploads.start(shelf.caller, NewUpload("never.csv", len(DATA), dataset_id=dataset_id))
    shelf.upload(DATA, "quick.csv", dataset_id=dataset_id)
    shelf.uploads.abort(shelf.caller, abandoned.upload_id)
    detail = shelf.uploads.complete(shelf.caller, slow.upload_id, shelf.send(slow.parts, DATA, slow.part_size))
    assert [(file.version, file.file_name) for file in detail.files] == [
        (3, "slow.csv"),
        (2, "quick.csv"),
        (1, "data.csv"),
    ]


def test_a_pending_version_changes_nothing(shelf: Shelf) -> None:
    before = shelf.upload(DATA)
    started = shelf.uploads.start(shelf.caller, NewUpload("next.csv", 7, dataset_id=before.summary.id))
    assert shelf.datasets.get(shelf.caller, before.summary.id) == before
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).items == (before.summary,)
    with pytest.raises(FileNotReady):
        shelf.files.get(shelf.caller, started.file_id)
    with pytest.raises(FileNotReady):
        shelf.files.delete(shelf.caller, started.file_id)


def test_a_dataset_without_a_ready_file_is_not_listed_but_can_be_named(shelf: Shelf) -> None:
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
    shelf.datasets.update(shelf.caller, started.dataset_id, name="Early", tags=["soon"])
    page = shelf.datasets.list(shelf.caller, DatasetQuery())
    assert (page.items, page.total, page.total_size) == ((), 0, 0)
    assert shelf.datasets.tags(shelf.caller) == ()
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, shelf.send(started.parts, DATA, started.part_size))
    assert (detail.summary.name, detail.summary.tags) == ("Early", ("soon",))
    assert shelf.datasets.tags(shelf.caller) == (("soon", 1),)
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="early soon")).total == 1


def test_deleting_the_newest_version_gives_the_word_to_the_one_before(shelf: Shelf) -> None:
    first = shelf.upload(DATA, "one.csv")
    second = shelf.upload(b"longer than before", "two.parquet", dataset_id=first.summary.id)
    shelf.files.delete(shelf.caller, second.files[0].id)
    left = shelf.datasets.get(shelf.caller, first.summary.id)
    assert [file.version for file in left.files] == [1]
    assert (left.summary.format, left.summary.size) == ("csv", len(DATA))
    page = shelf.datasets.list(shelf.caller, DatasetQuery())
    assert (page.total, page.total_size) == (1, len(DATA))
    assert len(shelf.objects()) == 1
    with pytest.raises(FileNotFound):
        shelf.files.delete(shelf.caller, second.files[0].id)
    again = shelf.upload(DATA, "three.csv", dataset_id=first.summary.id)
    assert again.files[0].version == 3, "a version's number is never given to another file"


def test_deleting_the_last_version_deletes_the_dataset_and_frees_its_name(shelf: Shelf) -> None:
    detail = shelf.upload(DATA, name="Mine")
    shelf.files.delete(shelf.caller, detail.files[0].id)
    with pytest.raises(DatasetNotFound):
        shelf.datasets.get(shelf.caller, detail.summary.id)
    assert shelf.objects() == []
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0
    assert shelf.upload(DATA, name="Mine").files[0].version == 1


def test_a_version_under_way_keeps_the_dataset_of_a_deleted_last_version(shelf: Shelf) -> None:
    detail = shelf.upload(DATA, name="Mine")
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA), dataset_id=detail.summary.id))
    shelf.files.delete(shelf.caller, detail.files[0].id)
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0
    done = shelf.uploads.complete(shelf.caller, started.upload_id, shelf.send(started.parts, DATA, started.part_size))
    assert (done.summary.id, done.files[0].version) == (detail.summary.id, 2)
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 1


def test_deleting_a_dataset_takes_everything_with_it(shelf: Shelf) -> None:
    detail = shelf.upload(DATA, name="Mine")
    shelf.upload(DATA, dataset_id=detail.summary.id)
    shelf.datasets.update(shelf.caller, detail.summary.id, tags=["a", "b"])
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5, dataset_id=detail.summary.id))
    shelf.put(started.parts[0].url, b"12345")
    shelf.datasets.delete(shelf.caller, detail.summary.id)
    assert (shelf.objects(), shelf.uploads_in_store()) == ([], [])
    with shelf.database.session() as session:
        assert [session.exec(select(table)).all() for table in (Dataset, File, DatasetTag)] == [[], [], []]
        count = session.exec(select(ShelfCount)).one()
    assert (count.datasets, count.size) == (0, 0)
    with pytest.raises(DatasetNotFound):
        shelf.datasets.delete(shelf.caller, detail.summary.id)
    with pytest.raises(UploadNotFound):
        shelf.uploads.complete(shelf.caller, started.upload_id, [])
    assert shelf.upload(DATA, name="Mine").summary.name == "Mine"


def test_changes_are_kept_and_written_down(local_shelf: Shelf) -> None:
    shelf = local_shelf
    detail = shelf.upload(DATA)
    changed = shelf.datasets.update(
        shelf.caller,
        detail.summary.id,
        name="  Über Prüfung ",
        description="First line\r\n\tsecond",
        tags=["Geo", "  two   words ", "GEO", "ß"],
    )
    assert changed.summary.name == "Über Prüfung"
    assert changed.summary.description == "First line\n\tsecond"
    assert changed.summary.tags == ("Geo", "two words", "ß")
    assert changed.summary.updated_at > detail.summary.updated_at
    assert shelf.datasets.get(shelf.caller, detail.summary.id) == changed
    assert kinds(shelf) == ["dataset_changed", "upload_completed", "upload_started"]
    assert shelf.datasets.update(shelf.caller, detail.summary.id, name="Über Prüfung") == changed
    assert len(kinds(shelf)) == 3, "what changes nothing is no event"
    cleared = shelf.datasets.update(shelf.caller, detail.summary.id, description="", tags=[])
    assert (cleared.summary.description, cleared.summary.tags) == ("", ())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": ""}, InvalidName),
        ({"name": "a\nb"}, InvalidName),
        ({"name": "x" * 201}, InvalidName),
        ({"name": "\ud800"}, InvalidName),
        ({"description": "x" * 10_001}, InvalidDescription),
        ({"description": "\x00"}, InvalidDescription),
        ({"tags": [""]}, InvalidTags),
        ({"tags": ["x" * 61]}, InvalidTags),
        ({"tags": ["a\tb"]}, InvalidTags),
        ({"tags": [str(number) for number in range(51)]}, InvalidTags),
    ],
)
def test_a_change_that_breaks_a_rule_changes_nothing(
    local_shelf: Shelf, change: dict[str, str], error: type[Invalid]
) -> None:
    shelf = local_shelf
    before = shelf.upload(DATA)
    valid = {"name": "Other", "description": "Other", "tags": ["other"]}
    with pytest.raises(error):
        shelf.datasets.update(shelf.caller, before.summary.id, **{**valid, **change})  # type: ignore[arg-type]
    assert shelf.datasets.get(shelf.caller, before.summary.id) == before


def test_a_name_in_use_is_refused_and_nothing_else_of_the_change_is_kept(local_shelf: Shelf) -> None:
    shelf = local_shelf
    other, mine = shelf.upload(DATA, name="Other"), shelf.upload(DATA, name="Mine")
    with pytest.raises(DatasetNameTaken) as taken:
        shelf.datasets.update(shelf.caller, mine.summary.id, description="new", name="Other")
    assert taken.value.dataset_id == other.summary.id
    assert shelf.datasets.get(shelf.caller, mine.summary.id) == mine


def test_someone_elses_dataset_is_not_there(local_shelf: Shelf) -> None:
    shelf = local_shelf
    detail = shelf.upload(DATA)
    stranger = Caller(uuid.uuid4(), "stranger")
    dataset_id, file_id = detail.summary.id, detail.files[0].id
    for call in (
        lambda: shelf.datasets.get(stranger, dataset_id),
        lambda: shelf.datasets.update(stranger, dataset_id, name="Stolen"),
        lambda: shelf.datasets.delete(stranger, dataset_id),
        lambda: shelf.uploads.start(stranger, NewUpload("x.csv", 1, dataset_id=dataset_id)),
    ):
        with pytest.raises(DatasetNotFound):
            call()
    for call_file in (
        lambda: shelf.files.get(stranger, file_id),
        lambda: shelf.files.delete(stranger, file_id),
        lambda: shelf.downloads.link(stranger, file_id),
        lambda: shelf.downloads.redirect(stranger, file_id),
        lambda: shelf.downloads.head(stranger, file_id),
    ):
        with pytest.raises(FileNotFound):
            call_file()
    assert shelf.datasets.list(stranger, DatasetQuery()).total == 0
    assert shelf.datasets.get(shelf.caller, dataset_id) == detail


def test_totals_say_what_lies_where(shelf: Shelf) -> None:
    assert shelf.datasets.totals(shelf.caller) == ShelfTotals(0, 0, 0, ())
    first = shelf.upload(DATA)
    shelf.upload(DATA * 2, dataset_id=first.summary.id)
    shelf.upload(DATA * 3)
    shelf.uploads.start(shelf.caller, NewUpload("pending.csv", 1000))
    totals = shelf.datasets.totals(shelf.caller)
    assert (totals.datasets, totals.files, totals.size) == (2, 3, 6 * len(DATA))
    (use,) = totals.by_backend
    assert (use.backend, use.role, use.files, use.size) == (shelf.storage.backend, "datasets", 3, 6 * len(DATA))
    assert shelf.datasets.formats(shelf.caller) == (("csv", 2),)


def test_a_dataset_without_a_good_version_is_told_apart_from_none(local_shelf: Shelf) -> None:
    lost, half, whole = (local_shelf.upload(DATA, name=name) for name in ("Lost", "Half", "Whole"))
    local_shelf.upload(b"a,b\n3,4\n", dataset_id=half.summary.id)
    assert local_shelf.datasets.not_served(local_shelf.caller) == NotServed((), 0)
    for detail in (lost, half):
        with local_shelf.database.transaction() as session:
            dataset = session.get_one(Dataset, detail.summary.id)
            fail(session, dataset, session.get_one(File, detail.files[0].id), "It is not right.", {})
    assert local_shelf.datasets.not_served(local_shelf.caller) == NotServed(((lost.summary.id, "Lost"),), 1)
    listed = {one.id for one in local_shelf.datasets.list(local_shelf.caller, DatasetQuery()).items}
    assert listed == {half.summary.id, whole.summary.id}
    somebody = Caller(uuid.uuid4(), "somebody")
    assert local_shelf.datasets.not_served(somebody) == NotServed((), 0)
    local_shelf.files.delete(local_shelf.caller, lost.files[0].id)
    assert local_shelf.datasets.not_served(local_shelf.caller) == NotServed((), 0)


def test_the_one_user_is_told_of_what_people_who_signed_in_own(shelf: Shelf) -> None:
    shelf.upload(b"a,b\n1,2\n", name="Mine")
    assert shelf.datasets.of_others(shelf.caller) == 0
    with shelf.database.transaction() as session:
        ada = make_user(session, "Ada", role=Role.EDITOR)
        theirs = Caller(ada.id, ada.name)
    add = NewUpload("theirs.csv", 8)
    shelf.uploads.put(theirs, add, io.BytesIO(b"a,b\n1,2\n"))
    assert shelf.datasets.of_others(shelf.caller) == 1
    assert shelf.datasets.of_others(theirs) == 0
