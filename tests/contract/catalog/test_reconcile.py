"""Each kind of damage is found, told, repaired once it is old enough, and gone at the second look; on both stores."""

from __future__ import annotations

import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import select

from catalog.damage import Damage
from catalog.errors import FileNotReady, InvalidAge, ReconcileUnderWay
from catalog.events import EventKind, record
from catalog.leases import Leases
from catalog.listing import DatasetQuery
from catalog.reconcile import LEASE, MANY, Reconcile
from catalog.removal import ref_of
from catalog.reports import ReportKind, Reports
from db import open_database
from db.tables import Dataset, DatasetTag, Event, File, FileStatus, OldCopy, ShelfCount, Upload
from db.utc import utc_now
from storage import BucketRole
from tests.contract.catalog.conftest import Shelf, make_shelf
from tests.contract.catalog.damaging import (
    DATA,
    cut_off,
    found,
    has_row,
    later,
    lost_key,
    new_key,
    now,
    overwrite,
    plant,
    row,
    sent,
    sha256,
    store_upload_id,
    the_day_after_tomorrow,
)


def test_a_shelf_in_order_is_clean(shelf: Shelf) -> None:
    detail = shelf.upload(DATA, sha256=sha256(DATA))
    sent(shelf)
    plant(shelf, f"{BucketRole.TEMP}/results/20200101T000000Z-x")
    for check in (now(shelf), later(shelf)):
        report = check.run(apply=True, deep=True)
        assert (report.clean, report.findings) == (True, [])
        assert (report.checked.files, report.checked.files_read, report.checked.bytes_read) == (2, 1, len(DATA))
    assert shelf.datasets.get(shelf.caller, detail.summary.id).files[0].id == detail.files[0].id
    kept = Reports(shelf.database).last(ReportKind.RECONCILE)
    assert kept is not None
    assert kept.content["deep"] is True


def test_a_file_whose_object_is_gone_is_marked_failed_and_keeps_its_row(shelf: Shelf) -> None:
    first = shelf.upload(DATA)
    second = shelf.upload(DATA + b"3,4\n", dataset_id=first.summary.id)
    lost = second.files[0].id
    shelf.storage.delete_file(ref_of(row(shelf, lost)))
    report = now(shelf).run(apply=False)
    assert (found(report), report.clean) == ({Damage.LOST: 1}, False)
    assert (report.findings[0].file_id, report.findings[0].size) == (str(lost), len(DATA) + 4)
    assert row(shelf, lost).status == FileStatus.READY, "nothing is changed without being asked"
    report = now(shelf).run(apply=True)
    assert (found(report), report.repaired, report.clean) == ({Damage.LOST: 1}, 1, True)
    with pytest.raises(FileNotReady, match="no longer in the store"):
        shelf.files.get(shelf.caller, lost)
    assert shelf.datasets.get(shelf.caller, first.summary.id).summary.size == len(DATA), "the version before speaks"
    report = later(shelf).run(apply=True)
    assert (report.findings, report.checked.known_failed) == ([], 1)
    with shelf.database.session() as session:
        assert [
            event.detail["repaired"] for event in session.exec(select(Event).where(Event.kind == "reconciled"))
        ] == [{"lost": 1}]


def test_a_file_of_another_size_or_with_other_bytes_is_marked_failed_and_keeps_its_bytes(shelf: Shelf) -> None:
    short, other, good = (shelf.upload(DATA, sha256=sha256(DATA)).files[0].id for _ in range(3))
    overwrite(shelf, short, DATA[:-1])
    overwrite(shelf, other, DATA.upper())
    report = later(shelf).run(apply=False)
    assert found(report) == {Damage.SIZE_DIFFERS: 1}, "without reading, size is all that is seen"
    report = later(shelf).run(apply=True, deep=True)
    assert (found(report), report.clean) == ({Damage.SIZE_DIFFERS: 1, Damage.CHECKSUM_DIFFERS: 1}, True)
    assert [row(shelf, each).status for each in (short, other, good)] == ["failed", "failed", "ready"]
    assert "where 8 were sent" in str(row(shelf, short).failure)
    assert "another SHA-256" in str(row(shelf, other).failure)
    assert len(shelf.objects()) == 3
    assert later(shelf).run(apply=True, deep=True).findings == []


def test_a_failed_file_whose_bytes_are_right_after_all_is_ready_again(shelf: Shelf) -> None:
    """A cache between app and store may answer two readings with the same wrong bytes."""
    file_id = shelf.upload(DATA, sha256=sha256(DATA)).files[0].id
    overwrite(shelf, file_id, DATA.upper())
    assert found(now(shelf).run(apply=True, deep=True)) == {Damage.CHECKSUM_DIFFERS: 1}
    overwrite(shelf, file_id, DATA)
    assert now(shelf).run(apply=True).findings == [], "only reading tells"
    report = now(shelf).run(apply=False, deep=True)
    assert (found(report), report.clean) == ({Damage.RIGHT_AGAIN: 1}, False)
    assert row(shelf, file_id).status == FileStatus.FAILED, "nothing is changed without being asked"
    report = now(shelf).run(apply=True, deep=True)
    assert (found(report), report.clean) == ({Damage.RIGHT_AGAIN: 1}, True)
    assert (row(shelf, file_id).status, row(shelf, file_id).failure) == (FileStatus.READY, None)
    assert shelf.files.get(shelf.caller, file_id).size == len(DATA)
    assert now(shelf).run(apply=True, deep=True).findings == []


def test_what_is_lost_in_the_trash_is_failed_when_it_comes_back(shelf: Shelf) -> None:
    lost = shelf.upload(DATA).files[0].id
    shelf.upload(DATA)
    with shelf.database.transaction() as session:
        session.execute(update(File).where(File.id == lost).values(status=FileStatus.TRASHED, trashed_at=utc_now()))  # type: ignore[arg-type]
    later(shelf).run(apply=True)  # corrects what the row's change left uncounted
    shelf.storage.delete_file(ref_of(row(shelf, lost)))
    assert found(later(shelf).run(apply=True)) == {Damage.LOST: 1}
    assert row(shelf, lost).status == FileStatus.TRASHED
    assert row(shelf, lost).failure is not None
    assert later(shelf).run(apply=True).findings == []


def test_objects_without_a_row_go_when_they_are_old_and_ours(shelf: Shelf) -> None:
    kept = shelf.upload(DATA)
    orphans = [plant(shelf, lost_key(shelf, role)).key for role in BucketRole]
    foreign = plant(shelf, f"{BucketRole.DATASETS}/raw/measurements.csv")
    report = now(shelf).run(apply=True)
    assert (report.findings, report.checked.young, report.checked.foreign) == ([], 3, 1)
    assert found(later(shelf).run(apply=False)) == {Damage.ORPHAN: 3}
    assert set(shelf.objects()) >= set(orphans[:1])
    report = later(shelf).run(apply=True)
    assert (found(report), report.clean, report.groups[Damage.ORPHAN].size) == ({Damage.ORPHAN: 3}, True, 3 * len(DATA))
    assert set(shelf.objects()) == {foreign.key, row(shelf, kept.files[0].id).key}
    assert later(shelf).run(apply=True).findings == []


def test_what_another_installation_keeps_in_the_same_bucket_is_left_to_it(
    shelf: Shelf, sqlite_template: Path, tmp_path: Path
) -> None:
    detail, started = shelf.upload(DATA), sent(shelf)
    shutil.copyfile(sqlite_template, tmp_path / "other.db")
    with open_database(f"sqlite:///{tmp_path / 'other.db'}") as database:
        other = make_shelf(database, shelf.storages)
        other.upload(DATA)
        for check in (later(other).light, lambda: later(other).run(apply=True)):
            report = check()
            assert report is not None
            assert found(report) == {Damage.UNKNOWN_OBJECT: 1, Damage.UNKNOWN_UPLOAD: 1}
            assert (report.repaired, report.clean) == (0, False)
        assert found(later(shelf).run(apply=False)) == {Damage.UNKNOWN_OBJECT: 1}
        assert len(shelf.uploads.get(shelf.caller, started.upload_id).received) == 1
        assert row(shelf, detail.files[0].id).key in shelf.objects()
        assert later(other).run(apply=True, unknown=True).clean
        assert len(shelf.objects()) == 1, "who asks for it by name gets it"


def test_what_came_to_its_end_after_the_backup_stays_where_the_catalogue_went_back(shelf: Shelf) -> None:
    """As where an upload was under way in the backup: the restore gave it up, and the bucket has the file."""
    key = lost_key(shelf)
    ref = plant(shelf, key)
    with shelf.database.transaction() as session:
        file_id, why = uuid.UUID(key.rpartition("/")[2]), {"reason": "restore"}
        record(session, EventKind.UPLOAD_EXPIRED, file_id=file_id, detail=why)
    assert found(later(shelf).run(apply=True)) == {Damage.UNKNOWN_OBJECT: 1}
    assert ref.key in shelf.objects()


def test_a_completion_that_was_cut_off_is_finished(shelf: Shelf) -> None:
    heard: list[uuid.UUID] = []
    started = cut_off(shelf, sha256=sha256(DATA))
    assert found(now(shelf).run(apply=False)) == {Damage.COMPLETION_CUT_OFF: 1}
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0
    check = Reconcile(shelf.database, shelf.storages, on_ready=heard.append)
    assert check.run(apply=True).clean
    assert heard == [started.file_id]
    detail = shelf.datasets.get(shelf.caller, started.dataset_id)
    assert (detail.files[0].id, detail.files[0].version, detail.files[0].size) == (started.file_id, 1, len(DATA))
    assert shelf.uploads.complete(shelf.caller, started.upload_id, []) == detail, "the client's retry finds it done"
    assert later(shelf).run(apply=True, deep=True).findings == []


def test_a_completion_that_was_cut_off_with_the_wrong_bytes_is_undone_when_it_is_old(shelf: Shelf) -> None:
    started = cut_off(shelf)
    overwrite(shelf, started.file_id, DATA + b"more")
    report = now(shelf).run(apply=True)
    assert (report.findings, report.checked.young) == ([], 1)
    assert has_row(shelf, started.file_id)
    assert len(shelf.objects()) == 1
    assert later(shelf).run(apply=True).clean
    assert (has_row(shelf, started.file_id), shelf.objects()) == (False, [])


def test_an_upload_that_the_store_forgot_is_given_up_when_it_is_old(shelf: Shelf) -> None:
    under_way, forgotten = sent(shelf), sent(shelf)
    shelf.storage.abort_multipart(ref_of(row(shelf, forgotten.file_id)), store_upload_id(shelf, forgotten))
    report = now(shelf).run(apply=True)
    assert (report.findings, report.checked.young) == ([], 1)
    assert found(later(shelf).run(apply=True)) == {Damage.UPLOAD_GONE: 1}
    assert [upload.upload_id for upload in shelf.uploads.list(shelf.caller)] == [under_way.upload_id]
    assert not has_row(shelf, forgotten.file_id)
    assert len(shelf.uploads.get(shelf.caller, under_way.upload_id).received) == 1, "the other one goes on"
    assert later(shelf).run(apply=True).findings == []


def test_an_upload_that_rests_too_long_is_given_up(shelf: Shelf) -> None:
    started = sent(shelf)
    rested = Reconcile(shelf.database, shelf.storages, now=the_day_after_tomorrow, idle=timedelta(days=3))
    assert rested.run(apply=True).findings == []
    rested = Reconcile(shelf.database, shelf.storages, now=the_day_after_tomorrow, idle=timedelta(days=1))
    assert found(rested.run(apply=False)) == {Damage.UPLOAD_RESTING: 1}
    assert rested.run(apply=True).clean
    assert (has_row(shelf, started.file_id), shelf.uploads_in_store()) == (False, [])


def test_uploads_in_the_store_without_a_row_are_dropped_when_they_are_old(shelf: Shelf) -> None:
    under_way = sent(shelf)
    shelf.storage.start_multipart(plant(shelf, f"{BucketRole.DATASETS}/by-hand"), "text/csv", 5 * 1024**2)
    ref = ref_of(row(shelf, under_way.file_id))
    stale = shelf.storage.start_multipart(type(ref)(BucketRole.DATASETS, lost_key(shelf)), "text/csv", 5 * 1024**2)
    second = shelf.storage.start_multipart(ref, "text/csv", 5 * 1024**2)
    assert now(shelf).run(apply=True).findings == []
    report = later(shelf).run(apply=True)
    assert (found(report), report.clean) == ({Damage.STALE_UPLOAD: 2}, True)
    assert {finding.detail for finding in report.findings} == {f"upload {stale}", f"upload {second}"}
    assert len(shelf.uploads_in_store()) == 2, "another's, and the one under way"
    assert len(shelf.uploads.get(shelf.caller, under_way.upload_id).received) == 1


def test_a_removal_that_was_cut_off_is_finished(shelf: Shelf) -> None:
    gone = shelf.upload(DATA).files[0].id
    with shelf.database.transaction() as session:
        session.execute(update(File).values(status=FileStatus.DELETED))
    report = now(shelf).run(apply=False)
    assert report.groups[Damage.REMOVAL_CUT_OFF].size == len(DATA)
    now(shelf).run(apply=True)
    assert (has_row(shelf, gone), shelf.objects()) == (False, [])
    assert later(shelf).run(apply=True).findings == []


def test_counts_and_copies_that_differ_are_corrected(shelf: Shelf) -> None:
    right, wrong = shelf.upload(DATA), shelf.upload(DATA + DATA)
    shelf.datasets.update(shelf.caller, wrong.summary.id, tags=["one"])
    with shelf.database.transaction() as session:
        session.execute(update(ShelfCount).values(datasets=17, size=-3))
        dataset = session.exec(select(Dataset).where(Dataset.id == wrong.summary.id)).one()
        dataset.size, dataset.rows, dataset.file_name = 1, 99, "other.csv"
        session.execute(update(DatasetTag).values(listed=False))
    assert found(now(shelf).run(apply=False)) == {Damage.COUNT_DIFFERS: 2}
    assert now(shelf).run(apply=True).clean
    detail = shelf.datasets.get(shelf.caller, wrong.summary.id).summary
    assert (detail.size, detail.rows, detail.file_name) == (2 * len(DATA), None, "data.csv")
    with shelf.database.session() as session:
        count = session.exec(select(ShelfCount)).one()
    assert (count.datasets, count.size) == (2, 3 * len(DATA))
    assert shelf.datasets.tags(shelf.caller) == (("one", 1),)
    assert shelf.datasets.get(shelf.caller, right.summary.id) == right
    assert now(shelf).run(apply=False).findings == []


def test_old_copies_are_no_orphans_and_are_forgotten_when_they_are_gone(shelf: Shelf) -> None:
    file_id = shelf.upload(DATA).files[0].id
    here, gone = plant(shelf, new_key()), new_key()
    backend, bucket = shelf.storage.backend, shelf.storage.bucket_for(BucketRole.DATASETS)
    with shelf.database.transaction() as session:
        for key in (here.key, gone):
            session.add(
                OldCopy(file_id=file_id, backend=backend, bucket=bucket, role="datasets", key=key, size=len(DATA))
            )
    report = later(shelf).run(apply=True)
    assert (found(report), report.clean) == ({Damage.OLD_COPY_GONE: 1}, True)
    with shelf.database.session() as session:
        assert [copy.key for copy in session.exec(select(OldCopy))] == [here.key]
    assert here.key in shelf.objects()


def test_where_most_objects_are_gone_the_bucket_is_doubted_and_no_file(shelf: Shelf) -> None:
    files = [shelf.upload(DATA).files[0].id for _ in range(3)]
    for file_id in files:
        shelf.storage.delete_file(ref_of(row(shelf, file_id)))
    for _ in range(2):
        report = later(shelf).run(apply=True)
        assert (found(report), report.clean) == ({Damage.MOSTLY_GONE: 1}, False)
    assert {row(shelf, file_id).status for file_id in files} == {"ready"}
    overwrite(shelf, files[0], DATA)
    assert found(later(shelf).run(apply=True)) == {Damage.LOST: 2}


def test_in_a_doubted_bucket_nothing_is_given_up_removed_or_forgotten(local_shelf: Shelf, tmp_path: Path) -> None:
    """The wrong disk is mounted: it says nothing of what lies on the right one."""
    shelf = local_shelf
    files, started = [shelf.upload(DATA).files[0].id for _ in range(3)], sent(shelf)
    with shelf.database.transaction() as session:
        session.add(
            OldCopy(file_id=files[0], backend="local", bucket="datasets", role="datasets", key=new_key(), size=8)
        )
    root = shelf.storages.local.root
    for name in ("datasets", ".uploads"):
        shutil.move(root / name, tmp_path / name)
    shelf.storages.local.prepare()
    stranger = plant(shelf, lost_key(shelf))
    for _ in range(MANY):
        shelf.storage.delete_file(ref_of(row(shelf, shelf.upload(DATA).files[0].id)))
    report = later(shelf).run(apply=True)
    assert (found(report), report.repaired) == ({Damage.MOSTLY_GONE: 1}, 0)
    assert stranger.key in shelf.objects()
    assert has_row(shelf, started.file_id)
    with shelf.database.session() as session:
        assert len(session.exec(select(OldCopy)).all()) == 1


def test_a_bucket_that_is_missing_is_said_and_no_file_is_judged(shelf: Shelf) -> None:
    file_id, elsewhere = (shelf.upload(DATA).files[0].id for _ in range(2))
    with shelf.database.transaction() as session:
        session.execute(update(File).where(File.id == file_id).values(bucket="no-such-bucket"))  # type: ignore[arg-type]
    report = later(shelf).run(apply=True)
    assert found(report)[Damage.BUCKET_MISSING] == 1
    assert "1 files" in report.findings[0].detail
    assert "no-such-bucket" in report.findings[0].where
    assert {row(shelf, each).status for each in (file_id, elsewhere)} == {"ready"}


def test_the_pass_that_goes_by_itself_finishes_what_was_cut_off_and_only_reports_the_rest(shelf: Shelf) -> None:
    lost, kept = shelf.upload(DATA).files[0].id, shelf.upload(DATA)
    shelf.storage.delete_file(ref_of(row(shelf, lost)))
    orphan, started = plant(shelf, lost_key(shelf)), cut_off(shelf)
    report = now(shelf).light()
    assert report is not None
    assert (found(report), report.repaired, report.checked.young) == ({Damage.LOST: 1}, 0, 2)
    assert row(shelf, started.file_id).status == FileStatus.PENDING, "its client may still come back"
    report = later(shelf).light()
    assert report is not None
    assert found(report) == {Damage.LOST: 1, Damage.ORPHAN: 1, Damage.COMPLETION_CUT_OFF: 1}
    assert report.repaired == 1
    assert (row(shelf, started.file_id).status, row(shelf, lost).status) == ("ready", "ready")
    assert orphan.key in shelf.objects()
    assert shelf.datasets.get(shelf.caller, kept.summary.id) == kept
    last = Reports(shelf.database).last(ReportKind.RECONCILE)
    assert last is not None
    assert (last.content["found"], last.content["repaired"]) == (3, 1)


def test_only_one_repairs_at_a_time_and_any_number_may_look(shelf: Shelf) -> None:
    other = Leases(shelf.database)
    assert other.take(LEASE, timedelta(minutes=1))
    assert now(shelf).run(apply=False).clean
    assert now(shelf).light() is None
    with pytest.raises(ReconcileUnderWay):
        now(shelf).run(apply=True)
    other.let_go(LEASE)
    assert now(shelf).run(apply=True).clean


def test_while_files_are_moved_no_object_is_taken_for_an_orphan(shelf: Shelf) -> None:
    orphan, move = plant(shelf, lost_key(shelf)), Leases(shelf.database)
    assert move.take("move", timedelta(days=3))
    report = later(shelf).run(apply=True)
    assert (report.findings, report.checked.young) == ([], 1)
    assert orphan.key in shelf.objects()
    stale = shelf.storage.start_multipart(type(orphan)(BucketRole.DATASETS, lost_key(shelf)), "text/csv", 5 * 1024**2)
    report = later(shelf).run(apply=True)
    assert (report.findings, report.checked.young) == ([], 2)
    shelf.storage.abort_multipart(shelf.uploads_in_store()[0], stale)
    move.let_go("move")
    assert found(later(shelf).run(apply=True)) == {Damage.ORPHAN: 1}


def test_two_that_repair_at_once_do_no_harm(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a lease ended under a process that was suspended."""
    monkeypatch.setattr(Leases, "take", lambda *_arguments, **_named: True)
    kept = shelf.upload(DATA)
    lost = [shelf.upload(DATA).files[0].id for _ in range(2)]
    for file_id in lost:
        shelf.storage.delete_file(ref_of(row(shelf, file_id)))
    started = [cut_off(shelf) for _ in range(3)]
    for _ in range(3):
        plant(shelf, lost_key(shelf))
    with ThreadPoolExecutor(3) as threads:
        reports = list(threads.map(lambda check: check.run(apply=True), [later(shelf) for _ in range(3)]))
    assert sum(report.groups[Damage.LOST].repaired for report in reports if Damage.LOST in report.groups) == 2
    assert later(shelf).run(apply=True).findings == []
    assert [row(shelf, file_id).status for file_id in lost] == ["failed", "failed"]
    for each in started:
        assert [file.version for file in shelf.datasets.get(shelf.caller, each.dataset_id).files] == [1]
    assert len(shelf.objects()) == 4
    assert shelf.datasets.get(shelf.caller, kept.summary.id) == kept


def test_an_age_below_a_day_is_refused(local_shelf: Shelf) -> None:
    with pytest.raises(InvalidAge):
        later(local_shelf).run(apply=True, older_than=timedelta(hours=23))


def test_what_a_crash_left_on_the_disk_goes_when_it_is_old(local_shelf: Shelf) -> None:
    detail, started = local_shelf.upload(DATA), sent(local_shelf)
    root = local_shelf.storages.local.root
    left = [root / ".incoming" / "half", root / ".meta" / "datasets" / "datasets" / "gone.json"]
    for file in left:
        file.write_bytes(b"x" * 5000)
    for name in ("0" * 32, f".{'1' * 32}"):
        left.append(root / ".uploads" / name)
        (left[-1] / "parts").mkdir(parents=True)
    assert now(local_shelf).run(apply=True).findings == []
    assert found(later(local_shelf).run(apply=False)) == {Damage.LEFTOVER: 4}
    assert all(file.exists() for file in left)
    assert later(local_shelf).run(apply=True).clean
    assert not any(file.exists() for file in left)
    assert local_shelf.storage.stat_file(ref_of(row(local_shelf, detail.files[0].id))).content_type == "text/csv"
    assert len(local_shelf.uploads.get(local_shelf.caller, started.upload_id).received) == 1
    assert later(local_shelf).run(apply=True).findings == []


def test_a_data_disk_that_is_not_mounted_loses_no_file(local_shelf: Shelf, tmp_path: Path) -> None:
    file_id = local_shelf.upload(DATA).files[0].id
    shutil.move(local_shelf.storages.local.root / "datasets", tmp_path / "away")
    report = later(local_shelf).run(apply=True)
    assert (found(report), report.clean) == ({Damage.BUCKET_MISSING: 1}, False)
    assert row(local_shelf, file_id).status == FileStatus.READY
    shutil.move(tmp_path / "away", local_shelf.storages.local.root / "datasets")
    assert later(local_shelf).run(apply=True).findings == []


def test_a_row_of_an_upload_the_store_was_never_told_of_is_given_up(local_shelf: Shelf) -> None:
    sent(local_shelf)
    with local_shelf.database.transaction() as session:
        session.execute(update(Upload).values(store_upload_id=None))
    assert found(later(local_shelf).run(apply=True)) == {Damage.UPLOAD_GONE: 1}
    assert local_shelf.uploads_in_store() == [], "what the store had begun for it goes with it"
    assert later(local_shelf).run(apply=True).findings == []
