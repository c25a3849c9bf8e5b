"""The trash: what is deleted comes back as it was or goes for good; on both databases and both stores."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import func, update
from sqlmodel import col, select

from catalog.caller import Caller
from catalog.datasets import Datasets
from catalog.errors import (
    DatasetInTrash,
    DatasetNotFound,
    FileNotFound,
    FileNotReady,
    NotInTrash,
    UploadNotFound,
)
from catalog.files import Files
from catalog.intake import NewUpload
from catalog.knowledge import Knowledge
from catalog.listing import DatasetQuery
from catalog.shelf import describe
from catalog.trash import Restored, Trash
from catalog.trash_items import TrashKind
from catalog.views import DatasetDetail
from db.tables import Dataset, DatasetTag, Event, File, FileStatus, OldCopy, ShelfCount, Upload
from db.utc import utc_now
from preview.read_as import AS_DETECTED
from storage import Backend
from tests.contract.catalog.conftest import Shelf
from tests.contract.catalog.test_races import at_once

DATA = b"a,b\n1,2\n"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Bin:
    """A shelf whose deleted things rest for a week."""

    shelf: Shelf
    trash: Trash

    def names(self) -> list[str]:
        page = self.shelf.datasets.list(self.shelf.caller, DatasetQuery(sort="name"))
        assert page.total == len(page.items)
        return [item.name for item in page.items]

    def lying(self) -> list[tuple[str, int | None]]:
        page = self.trash.list(self.shelf.caller)
        assert page.total == len(page.items) == self.trash.count(self.shelf.caller)
        assert page.total_size == sum(item.size for item in page.items)
        assert all(self.trash.find(self.shelf.caller, item.id) == item for item in page.items)
        return [(item.name, item.version) for item in page.items]

    def delete(self, dataset_id: uuid.UUID) -> None:
        self.shelf.datasets.delete(self.shelf.caller, dataset_id)

    def delete_file(self, file_id: uuid.UUID) -> None:
        self.shelf.files.delete(self.shelf.caller, file_id)

    def restore(self, item_id: uuid.UUID) -> Restored:
        return self.trash.restore(self.shelf.caller, item_id)

    def fail(self, file_id: uuid.UUID, why: str | None) -> None:
        with self.shelf.database.transaction() as session:
            failed = update(File).where(col(File.id) == file_id)
            session.execute(failed.values(status=FileStatus.FAILED, failure=why))


def with_trash(shelf: Shelf) -> Bin:
    datasets, files = (kind(shelf.database, shelf.storages, WEEK) for kind in (Datasets, Files))
    shelf = replace(shelf, datasets=datasets, files=files)  # type: ignore[arg-type]  # one of each
    return Bin(shelf, Trash(shelf.database, shelf.storages, WEEK))


@pytest.fixture
def bin_(shelf: Shelf) -> Bin:
    return with_trash(shelf)


@pytest.fixture
def local_bin(local_shelf: Shelf) -> Bin:
    """For what the store has no part in."""
    return with_trash(local_shelf)


def events(shelf: Shelf) -> list[str]:
    with shelf.database.session() as session:
        kinds = session.exec(select(Event.kind).order_by(col(Event.at), col(Event.id))).all()
    return [kind for kind in kinds if not kind.startswith("upload_") and kind != "dataset_changed"]


def test_a_dataset_comes_back_as_it_was(bin_: Bin) -> None:
    shelf = bin_.shelf
    first = shelf.upload(DATA, name="Mine")
    shelf.upload(DATA * 2, "two.csv", dataset_id=first.summary.id)
    shelf.upload(DATA * 3, "three.csv", dataset_id=first.summary.id)
    changed = shelf.datasets.update(shelf.caller, first.summary.id, description="What it is", tags=["geo", "old"])
    shelf.downloads.redirect(shelf.caller, changed.files[1].id)
    bin_.fail(changed.files[2].id, "Bytes 0 to 7 differ.")
    with shelf.database.transaction() as session:
        session.get_one(Dataset, first.summary.id).read_as = {"delimiter": ";"}
    before = shelf.datasets.get(shelf.caller, first.summary.id)
    assert [file.version for file in before.failed] == [1]

    bin_.delete(first.summary.id)
    assert bin_.names() == []
    assert shelf.datasets.tags(shelf.caller) == shelf.datasets.formats(shelf.caller) == ()
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="mine")).total == 0
    totals = shelf.datasets.totals(shelf.caller)
    assert (totals.datasets, totals.files, totals.size, totals.by_backend) == (0, 0, 0, ())
    assert (totals.trashed_files, totals.trashed_size) == (3, len(DATA) * 6)
    assert len(shelf.objects()) == 3
    (item,) = bin_.trash.list(shelf.caller).items
    assert (item.kind, item.id, item.name, item.version) == (TrashKind.DATASET, first.summary.id, "Mine", None)
    assert (item.versions, item.size, item.file_name) == (3, len(DATA) * 6, "three.csv")
    assert item.purge_at - item.deleted_at == WEEK

    restored = bin_.restore(item.id)
    assert restored == Restored(before)
    assert shelf.datasets.get(shelf.caller, first.summary.id) == before
    assert shelf.datasets.tags(shelf.caller) == (("geo", 1), ("old", 1))
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="mine geo")).items == (before.summary,)
    with shelf.database.session() as session:
        assert session.get_one(Dataset, first.summary.id).read_as == {"delimiter": ";"}
    assert bin_.lying() == []
    assert events(shelf)[-2:] == ["dataset_trashed", "dataset_restored"]
    with pytest.raises(NotInTrash):
        bin_.restore(item.id)


def test_nothing_finds_what_lies_in_the_trash(bin_: Bin) -> None:
    shelf = bin_.shelf
    gone = shelf.upload(DATA, name="Mine")
    other = shelf.upload(DATA, name="Other")
    with shelf.database.transaction() as session:
        for detail in (gone, other):
            describe(session, session.get_one(File, detail.files[0].id), [("rare", "string"), ("b", "float")])
    assert len(shelf.datasets.similar(shelf.caller, other.summary.id)) == 1
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA), dataset_id=gone.summary.id))
    parts = shelf.send(started.parts, DATA, started.part_size)
    file_id, dataset_id, caller = gone.files[0].id, gone.summary.id, shelf.caller
    bin_.delete(dataset_id)
    for refused, call in (
        (DatasetNotFound, lambda: shelf.datasets.get(caller, dataset_id)),
        (DatasetNotFound, lambda: shelf.datasets.update(caller, dataset_id, name="New")),
        (DatasetNotFound, lambda: shelf.datasets.delete(caller, dataset_id)),
        (DatasetNotFound, lambda: shelf.uploads.start(caller, NewUpload("y.csv", 1, dataset_id=dataset_id))),
        (UploadNotFound, lambda: shelf.uploads.complete(caller, started.upload_id, parts)),
        (FileNotFound, lambda: shelf.files.get(caller, file_id)),
        (FileNotFound, lambda: shelf.files.delete(caller, file_id)),
        (FileNotFound, lambda: shelf.downloads.link(caller, file_id)),
        (FileNotFound, lambda: shelf.downloads.redirect(caller, file_id)),
        (FileNotFound, lambda: shelf.downloads.head(caller, file_id)),
    ):
        with pytest.raises(refused):
            call()
    assert shelf.datasets.similar(caller, other.summary.id) == ()
    assert shelf.uploads.list(caller) == ()
    assert shelf.uploads_in_store() == []
    assert len(shelf.objects()) == 2, "what was under way is given up, what was there is kept"
    assert [file.id for file in bin_.restore(dataset_id).detail.files] == [file_id]
    assert len(shelf.datasets.similar(caller, other.summary.id)) == 1


def test_what_is_read_of_a_file_in_the_trash_is_dropped_and_read_again_later(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    detail = shelf.upload(DATA)
    local_bin.delete(detail.summary.id)
    assert not Knowledge(shelf.database).note_preview(detail.files[0].id, None, AS_DETECTED)
    heard: list[uuid.UUID] = []
    replace(local_bin.trash, on_ready=heard.append).restore(shelf.caller, detail.summary.id)
    assert heard == [detail.files[0].id]
    assert Knowledge(shelf.database).note_preview(detail.files[0].id, None, AS_DETECTED)


def test_the_name_is_free_and_what_comes_back_later_is_numbered(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    first = shelf.upload(DATA, name="Mine").summary.id
    local_bin.delete(first)
    second = shelf.upload(DATA, name="Mine").summary.id
    local_bin.delete(second)
    shelf.upload(DATA, name="Mine")
    restored = [local_bin.restore(one) for one in (first, second)]
    assert [(one.detail.summary.name, one.was) for one in restored] == [("Mine (2)", "Mine"), ("Mine (3)", "Mine")]
    assert local_bin.names() == ["Mine", "Mine (2)", "Mine (3)"]
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="(3)")).total == 1


def test_a_dataset_that_bears_anothers_id_for_a_name_is_in_nobodys_way(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    one = shelf.upload(DATA, name="One").summary.id
    shelf.upload(DATA, name=str(one))
    local_bin.delete(one)
    assert local_bin.lying() == [("One", None)]
    assert local_bin.restore(one).detail.summary.name == "One"


def test_a_version_comes_back_with_its_number(bin_: Bin) -> None:
    shelf = bin_.shelf
    dataset_id = shelf.upload(DATA, "one.csv", name="Mine").summary.id
    newest = shelf.upload(DATA * 2, "two.csv", dataset_id=dataset_id).files[0]
    bin_.delete_file(newest.id)
    assert shelf.datasets.get(shelf.caller, dataset_id).summary.size == len(DATA)
    assert bin_.lying() == [("Mine", 2)]
    third = shelf.upload(DATA * 3, "three.csv", dataset_id=dataset_id)
    assert third.files[0].version == 3
    bin_.delete_file(third.files[0].id)
    detail = bin_.restore(newest.id).detail
    assert [(file.version, file.file_name) for file in detail.files] == [(2, "two.csv"), (1, "one.csv")]
    assert detail.summary.file_id == newest.id
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total_size == len(DATA) * 2
    assert events(shelf) == ["file_trashed", "file_trashed", "file_restored"]
    bin_.trash.purge(shelf.caller, third.files[0].id)
    assert (bin_.lying(), len(shelf.objects())) == ([], 2)


def test_a_failed_version_comes_back_failed(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    dataset_id = shelf.upload(DATA).summary.id
    failed = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    local_bin.fail(failed, "Bytes 0 to 7 differ.")
    local_bin.delete_file(failed)
    assert local_bin.restore(failed).detail.failed[0].id == failed
    with pytest.raises(FileNotReady, match="Bytes 0 to 7 differ"):
        shelf.files.get(shelf.caller, failed)


def test_the_last_ready_version_takes_the_dataset_and_the_failed_ones_along(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    detail = shelf.upload(DATA, dataset_id=dataset_id)
    local_bin.fail(detail.files[1].id, None)
    local_bin.delete_file(detail.files[0].id)
    assert local_bin.lying() == [("Mine", None)]
    assert events(shelf) == ["file_trashed", "dataset_trashed"]
    back = local_bin.restore(dataset_id).detail
    assert ([file.version for file in back.files], [file.version for file in back.failed]) == ([2], [1])


def test_an_upload_under_way_keeps_the_dataset_until_it_is_given_up(bin_: Bin) -> None:
    shelf = bin_.shelf
    detail = shelf.upload(DATA, name="Mine")
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5, dataset_id=detail.summary.id))
    bin_.delete_file(detail.files[0].id)
    assert (bin_.names(), bin_.lying()) == ([], [("Mine", 1)])
    shelf.uploads.abort(shelf.caller, started.upload_id)
    assert bin_.lying() == [("Mine", None)]
    assert shelf.upload(DATA, name="Mine").summary.name == "Mine", "the name is free"
    assert bin_.restore(detail.summary.id).detail.summary.name == "Mine (2)"


def test_a_dataset_of_which_only_deleted_versions_are_left_is_deleted_with_them(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    detail = shelf.upload(DATA, name="Mine")
    shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5, dataset_id=detail.summary.id))
    local_bin.delete_file(detail.files[0].id)
    local_bin.delete(detail.summary.id)
    assert local_bin.lying() == [("Mine", None)]
    assert len(local_bin.restore(detail.summary.id).detail.files) == 1


def test_a_version_waits_for_its_dataset(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    newest = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    local_bin.delete_file(newest)
    local_bin.delete(dataset_id)
    assert local_bin.lying() == [("Mine", None), ("Mine", 2)]
    assert [item.in_trashed for item in local_bin.trash.list(shelf.caller).items] == [False, True]
    with pytest.raises(DatasetInTrash, match=r"“Mine” lies in the Trash itself\. Restore the dataset first"):
        local_bin.restore(newest)
    assert [file.version for file in local_bin.restore(dataset_id).detail.files] == [1]
    assert [file.version for file in local_bin.restore(newest).detail.files] == [2, 1]


def test_what_is_removed_for_good_is_gone_object_and_all(bin_: Bin) -> None:
    shelf = bin_.shelf
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    shelf.upload(DATA, dataset_id=dataset_id)
    alone = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    shelf.datasets.update(shelf.caller, dataset_id, tags=["a"])
    bin_.delete_file(alone)
    bin_.delete(dataset_id)
    bin_.trash.purge(shelf.caller, dataset_id)
    assert (bin_.lying(), shelf.objects()) == ([], [])
    with shelf.database.session() as session:
        assert [session.exec(select(table)).all() for table in (Dataset, File, DatasetTag, Upload)] == [[]] * 4
        purged = session.exec(select(Event).where(Event.kind == "trash_purged")).one()
    assert purged.detail == {"name": "Mine", "files": 3, "size": len(DATA) * 3}
    assert purged.user_id == shelf.caller.user_id
    for act in (bin_.trash.purge, bin_.trash.restore, bin_.trash.find):
        with pytest.raises(NotInTrash):
            act(shelf.caller, dataset_id)


def test_past_the_trash(bin_: Bin) -> None:
    shelf = bin_.shelf
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    newest = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    shelf.files.delete(shelf.caller, newest, permanent=True)
    assert (bin_.lying(), len(shelf.objects())) == ([], 1)
    shelf.datasets.delete(shelf.caller, dataset_id, permanent=True)
    assert (bin_.lying(), shelf.objects()) == ([], [])
    assert events(shelf) == ["file_deleted", "dataset_deleted"]


def test_the_sweep_removes_what_has_lain_long_enough_and_nothing_else(bin_: Bin) -> None:
    shelf, now = bin_.shelf, utc_now()
    kept = shelf.upload(DATA, name="Kept").summary.id
    old = shelf.upload(DATA, name="Old").summary.id
    versions = shelf.upload(DATA, name="Versions").summary.id
    version = shelf.upload(DATA, dataset_id=versions).files[0].id
    bin_.delete_file(version)
    bin_.delete(old)
    cut = utc_now()
    bin_.delete(kept)
    assert bin_.trash.sweep(now=now + WEEK - timedelta(minutes=1)) == 0
    assert bin_.trash.sweep(now=cut + WEEK) == 2
    assert (bin_.lying(), bin_.names(), len(shelf.objects())) == ([("Kept", None)], ["Versions"], 2)
    with shelf.database.session() as session:
        purged = session.exec(select(Event.user_id).where(Event.kind == "trash_purged")).all()
    assert purged == [None, None]
    assert replace(bin_.trash, keep=timedelta(0)).sweep() == 1, "where nothing is kept any more"
    assert bin_.lying() == []


def test_emptying_takes_what_was_asked_about(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    for number in range(3):
        local_bin.delete(shelf.upload(DATA, name=f"Old {number}").summary.id)
    asked = utc_now()
    local_bin.delete(shelf.upload(DATA, name="Later").summary.id)
    assert local_bin.trash.empty(shelf.caller, until=asked) == 3
    assert local_bin.lying() == [("Later", None)]
    assert local_bin.trash.empty(shelf.caller) == 1
    assert (local_bin.lying(), shelf.objects()) == ([], [])


def test_a_long_list_has_pages(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    for number in range(5):
        local_bin.delete(shelf.upload(DATA, name=f"Set {number}").summary.id)
    pages = [local_bin.trash.list(shelf.caller, skip=skip, most=2) for skip in (0, 2, 4, 6)]
    assert [[item.name for item in page.items] for page in pages] == [
        ["Set 4", "Set 3"],
        ["Set 2", "Set 1"],
        ["Set 0"],
        [],
    ]
    assert {(page.total, page.total_size) for page in pages} == {(5, 5 * len(DATA))}


def test_nobody_touches_anothers_trash(local_bin: Bin) -> None:
    shelf, stranger = local_bin.shelf, Caller(uuid.uuid4(), "stranger")
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    newest = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    local_bin.delete_file(newest)
    local_bin.delete(shelf.upload(DATA).summary.id)
    assert local_bin.trash.list(stranger).items == ()
    assert local_bin.trash.empty(stranger) == 0
    for item in local_bin.trash.list(shelf.caller).items:
        for act in (local_bin.trash.purge, local_bin.trash.restore, local_bin.trash.find):
            with pytest.raises(NotInTrash):
                act(stranger, item.id)
    assert len(local_bin.lying()) == 2


def test_a_link_handed_out_before_is_known_to_have_ended(bin_: Bin) -> None:
    shelf = bin_.shelf
    detail = shelf.upload(DATA)
    with shelf.database.session() as session:
        file = session.get_one(File, detail.files[0].id)
    backend = Backend(file.backend)
    assert not bin_.trash.stopped(backend, file.bucket, file.key)
    assert not bin_.trash.stopped(backend, file.bucket, "temp/results/some"), "of what no row stands for"
    bin_.delete(detail.summary.id)
    assert bin_.trash.stopped(backend, file.bucket, file.key)
    bin_.restore(detail.summary.id)
    assert not bin_.trash.stopped(backend, file.bucket, file.key)


def test_a_link_to_where_a_file_lay_before_it_was_moved_ends_as_well(local_bin: Bin) -> None:
    shelf = local_bin.shelf
    file_id = shelf.upload(DATA).files[0].id
    place = (Backend.LOCAL, "datasets", f"datasets/2026/11/{uuid.uuid4()}")
    with shelf.database.transaction() as session:
        backend, bucket, key = place
        session.add(OldCopy(file_id=file_id, backend=backend, bucket=bucket, role="datasets", key=key, size=len(DATA)))
    assert not local_bin.trash.stopped(*place)
    local_bin.delete_file(file_id)
    assert local_bin.trash.stopped(*place)
    local_bin.restore(local_bin.trash.list(shelf.caller).items[0].id)
    assert not local_bin.trash.stopped(*place)


def test_restored_once_however_many_want_it(bin_: Bin) -> None:
    shelf = bin_.shelf
    dataset_id = shelf.upload(DATA, name="Mine").summary.id
    newest = shelf.upload(DATA, dataset_id=dataset_id).files[0].id
    for delete, item_id in ((bin_.delete_file, newest), (bin_.delete, dataset_id)):
        delete(item_id)
        outcomes = at_once([lambda: bin_.restore(item_id)] * 4)  # noqa: B023
        assert sum(isinstance(one, Restored) for one in outcomes) == 1
        assert sum(isinstance(one, NotInTrash) for one in outcomes) == 3
    assert bin_.names() == ["Mine"]
    check_counts(shelf)


def test_of_one_name_restored_at_once_each_gets_its_own(local_bin: Bin) -> None:
    shelf, ids = local_bin.shelf, []
    for _ in range(4):
        ids.append(shelf.upload(DATA, name="Mine").summary.id)
        local_bin.delete(ids[-1])
    at_once([lambda one=one: local_bin.restore(one) for one in ids])  # type: ignore[misc]
    assert local_bin.names() == ["Mine", "Mine (2)", "Mine (3)", "Mine (4)"]
    check_counts(shelf)


def test_restored_or_removed_but_never_both(bin_: Bin) -> None:
    shelf = bin_.shelf
    for _ in range(4):
        dataset_id = shelf.upload(DATA, name="Mine").summary.id
        bin_.delete(dataset_id)
        restored, purged, swept = at_once(
            [
                lambda: bin_.restore(dataset_id),  # noqa: B023
                lambda: bin_.trash.purge(shelf.caller, dataset_id),  # noqa: B023
                lambda: bin_.trash.sweep(now=utc_now() + WEEK),
            ]
        )
        assert (isinstance(restored, Restored), purged is None, swept == 1).count(True) == 1
        there = isinstance(restored, Restored)
        assert (bin_.names(), len(shelf.objects()), bin_.lying()) == (["Mine"] if there else [], int(there), [])
        if there:
            shelf.datasets.delete(shelf.caller, dataset_id, permanent=True)
    check_counts(shelf)


def test_a_version_completed_while_its_dataset_is_deleted_comes_back_or_was_never_there(bin_: Bin) -> None:
    shelf = bin_.shelf
    for _ in range(3):
        dataset_id = shelf.upload(DATA).summary.id
        started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA), dataset_id=dataset_id))
        parts = shelf.send(started.parts, DATA, started.part_size)
        completed, _ = at_once(
            [
                lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts),  # noqa: B023
                lambda: bin_.delete(dataset_id),  # noqa: B023
            ]
        )
        assert isinstance(completed, (DatasetDetail, UploadNotFound, DatasetNotFound))
        versions = [file.version for file in bin_.restore(dataset_id).detail.files]
        assert len(shelf.objects()) == len(versions)
        if isinstance(completed, DatasetDetail):
            assert versions == [2, 1]
        shelf.datasets.delete(shelf.caller, dataset_id, permanent=True)
        assert (shelf.objects(), shelf.uploads_in_store()) == ([], [])


@pytest.mark.parametrize("alone", [True, False], ids=["with its dataset", "as one of two versions"])
def test_the_slower_of_two_completions_takes_no_bytes_out_of_the_trash(alone: bool, bin_: Bin) -> None:
    shelf = bin_.shelf
    dataset_id = None if alone else shelf.upload(DATA).summary.id
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA), dataset_id=dataset_id))
    parts = shelf.send(started.parts, DATA, started.part_size)
    with shelf.database.session() as session:
        slow = session.exec(select(Upload).where(Upload.id == started.upload_id)).one()
        file = session.exec(select(File).where(File.id == started.file_id)).one()
    shelf.uploads.complete(shelf.caller, started.upload_id, parts)
    bin_.delete_file(started.file_id)
    with pytest.raises(UploadNotFound):
        shelf.uploads.completion.shelve(shelf.caller, slow, file)
    assert file.key in shelf.objects()
    restored = bin_.restore(started.dataset_id if alone else started.file_id)
    assert restored.detail.files[0].id == started.file_id


def test_two_sweeps_at_once_remove_each_thing_once(bin_: Bin) -> None:
    shelf = bin_.shelf
    for number in range(4):
        bin_.delete(shelf.upload(DATA, name=f"Set {number}").summary.id)
    later = utc_now() + WEEK
    swept = at_once([lambda: bin_.trash.sweep(now=later)] * 3)
    assert sum(one for one in swept if isinstance(one, int)) == 4
    assert shelf.objects() == []


def test_counts_and_names_hold_whatever_is_done_in_whatever_order(local_bin: Bin) -> None:
    shelf, rng = local_bin.shelf, random.Random(6)
    for _ in range(60):
        listed = shelf.datasets.list(shelf.caller, DatasetQuery()).items
        lying = local_bin.trash.list(shelf.caller).items
        act = rng.choice(["new", "version", "delete", "delete file", "restore", "restore", "purge", "past"])
        try:
            if act == "new":
                shelf.upload(DATA * rng.randint(1, 3), rng.choice(["x.csv", "y.csv"]))
            elif act == "version" and listed:
                shelf.upload(DATA, dataset_id=rng.choice(listed).id)
            elif act == "delete" and listed:
                local_bin.delete(rng.choice(listed).id)
            elif act == "delete file" and listed:
                files = shelf.datasets.get(shelf.caller, rng.choice(listed).id).files
                local_bin.delete_file(rng.choice(files).id)
            elif act == "restore" and lying:
                local_bin.restore(rng.choice(lying).id)
            elif act == "purge" and lying:
                local_bin.trash.purge(shelf.caller, rng.choice(lying).id)
            elif act == "past" and listed:
                shelf.datasets.delete(shelf.caller, rng.choice(listed).id, permanent=True)
        except DatasetInTrash:
            assert act == "restore"
        check_counts(shelf)
        local_bin.lying()
    local_bin.trash.empty(shelf.caller)
    assert len(shelf.objects()) == shelf.datasets.totals(shelf.caller).files


def check_counts(shelf: Shelf) -> None:
    """The kept counts are what a count gives, and what is on the shelf is listed."""
    with shelf.database.session() as session:
        kept = session.exec(select(ShelfCount.datasets, ShelfCount.size)).one()
        listed = select(func.count(), func.coalesce(func.sum(Dataset.size), 0)).where(
            col(Dataset.current_file_id).is_not(None)
        )
        counted = session.exec(listed).one()
        ready = select(func.count(func.distinct(File.dataset_id))).where(File.status == FileStatus.READY)
        assert (kept[0], int(kept[1])) == (counted[0], int(counted[1]))
        assert session.exec(ready).one() == counted[0]
        trashed = select(Dataset).where(col(Dataset.trashed_at).is_not(None))
        assert all(one.name.startswith(str(one.id)) and not one.current_file_id for one in session.exec(trashed))
