"""Rules take what they name and nothing else, tell it first, and put files where they can be taken out again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from catalog.intake import NewUpload
from catalog.lifecycle import Lifecycle, LifecycleReport, Rule
from catalog.listing import DatasetQuery
from catalog.reports import ReportKind, Reports
from catalog.results import STAMP
from db.tables import Dataset, Event, File, FileStatus
from db.utc import utc_now
from settings import Lifecycle as Rules
from storage import Backend, BucketRole, MinioFileStorage, ObjectRef, StorageError
from storage.s3_lifecycle import StoreRule, read_rules, set_rules
from storage.s3_signed import SignedCalls, check
from tests.contract.catalog.conftest import Shelf
from tests.contract.catalog.damaging import DATA, has_row, plant, row, sent

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


def lifecycle(shelf: Shelf, days: float = 0, *, keep: timedelta = WEEK, **rules: object) -> Lifecycle:
    """The rules as they are so many days from now."""
    return Lifecycle(
        shelf.database, shelf.storages, Rules.model_validate(rules), keep, lambda: utc_now() + timedelta(days=days)
    )


def found(report: LifecycleReport) -> dict[str, int]:
    return {rule.rule.value: rule.found for rule in report.rules if rule.found}


def statuses(shelf: Shelf, files: Sequence[uuid.UUID]) -> list[str]:
    return [row(shelf, file_id).status for file_id in files]


def test_versions_beyond_the_newest_go_to_the_trash_once_they_were_told(shelf: Shelf) -> None:
    dataset = shelf.upload(DATA, name="Many").summary.id
    for _ in range(3):
        shelf.upload(DATA, dataset_id=dataset)
    single = shelf.upload(DATA)
    newest_first = [file.id for file in shelf.datasets.get(shelf.caller, dataset).files]
    rules = lifecycle(shelf, versions=2)
    report = rules.run(apply=False)
    assert found(report) == {"versions": 2}
    by_rule = {each.rule: each for each in report.rules}
    assert by_rule[Rule.VERSIONS].by_role == {"datasets": [2, 2 * len(DATA)]}
    assert {thing.file_id for thing in by_rule[Rule.VERSIONS].first} == {str(each) for each in newest_first[2:]}
    assert by_rule[Rule.VERSIONS].first[0].name == "Many, version 1 (data.csv)"
    assert statuses(shelf, newest_first) == ["ready"] * 4, "nothing is done without being asked"
    assert Reports(shelf.database).last(ReportKind.LIFECYCLE) is None
    report = rules.run(apply=True)
    assert (found(report), report.done) == ({"versions": 2}, 2)
    assert statuses(shelf, newest_first) == ["ready", "ready", "trashed", "trashed"]
    assert len(shelf.datasets.get(shelf.caller, single.summary.id).files) == 1
    assert len(shelf.objects()) == 5, "what lies in the trash keeps its bytes"
    assert found(rules.run(apply=True)) == {}
    kept = Reports(shelf.database).last(ReportKind.LIFECYCLE)
    assert kept is not None
    with shelf.database.session() as session:
        events = session.exec(select(Event).where(Event.kind == "lifecycle_applied")).all()
    assert [event.detail for event in events] == [{"done": {"versions": 2}}]


def test_without_a_trash_they_are_gone_at_once(shelf: Shelf) -> None:
    first = shelf.upload(DATA)
    shelf.upload(DATA, dataset_id=first.summary.id)
    assert lifecycle(shelf, versions=1, keep=timedelta(0)).run(apply=True).done == 1
    assert (has_row(shelf, first.files[0].id), len(shelf.objects())) == (False, 1)


def test_files_that_nobody_touches_go_and_whatever_is_used_stays(shelf: Shelf) -> None:
    forgotten = shelf.upload(DATA, name="Forgotten")
    shelf.upload(DATA, dataset_id=forgotten.summary.id)
    fetched, renamed, fresh = (shelf.upload(DATA, name=name) for name in ("Fetched", "Old name", "Fresh"))
    model = shelf.uploads.start(shelf.caller, NewUpload("m.bin", len(DATA), role="models"))
    shelf.uploads.complete(shelf.caller, model.upload_id, shelf.send(model.parts, DATA, model.part_size))
    with shelf.database.transaction() as session:
        past = utc_now() - 100 * DAY
        old = update(File).where(File.id != fresh.files[0].id)  # type: ignore[arg-type]
        session.execute(old.values(created_at=past))
    age_datasets(shelf, keep=fresh.summary.id)
    shelf.downloads.redirect(shelf.caller, fetched.files[0].id)
    shelf.datasets.update(shelf.caller, renamed.summary.id, name="New name")
    assert found(lifecycle(shelf).run(apply=True)) == {}, "the rule is off unless somebody switches it on"
    rules = lifecycle(shelf, untouched=True, roles="datasets")
    assert found(rules.run(apply=False)) == {"untouched": 2}
    assert rules.run(apply=True).done == 2
    assert listed(shelf) == {"Fetched", "New name", "Fresh", "m"}
    trashed = [file_id for file_id, status in every_file(shelf).items() if status == FileStatus.TRASHED]
    assert len(trashed) == 2
    assert found(lifecycle(shelf, untouched=True).run(apply=False)) == {"untouched": 1}, "the model, by its own role"


@pytest.mark.parametrize("use", ["redirect", "link"])
def test_a_download_or_a_link_keeps_a_file_for_as_long_again(use: str, local_shelf: Shelf) -> None:
    file_id = local_shelf.upload(DATA).files[0].id
    getattr(local_shelf.downloads, use)(local_shelf.caller, file_id)
    with local_shelf.database.transaction() as session:
        session.execute(update(File).values(created_at=utc_now() - 1000 * DAY))
    age_datasets(local_shelf, keep=None)
    assert found(lifecycle(local_shelf, 89, untouched=True).run(apply=True)) == {}
    assert found(lifecycle(local_shelf, 91, untouched=True).run(apply=True)) == {"untouched": 1}


def test_temporary_objects_and_resting_uploads_go_after_their_days(shelf: Shelf) -> None:
    started = sent(shelf)
    result = plant(shelf, f"{BucketRole.TEMP}/results/{utc_now():{STAMP}}-{uuid.uuid4()}")
    kept = shelf.upload(DATA)
    temp = shelf.uploads.start(shelf.caller, NewUpload("t.csv", len(DATA), role="temp"))
    shelf.uploads.complete(shelf.caller, temp.upload_id, shelf.send(temp.parts, DATA, temp.part_size))
    assert found(lifecycle(shelf, 1.9, temp_days=2).run(apply=True)) == {}
    report = lifecycle(shelf, 2.1, temp_days=2).run(apply=False)
    assert found(report) == {"temp": 2}
    assert shelf.storage.file_exists(result)
    assert lifecycle(shelf, 2.1, temp_days=2).run(apply=True).done == 2
    assert not shelf.storage.file_exists(result)
    assert row(shelf, temp.file_id).status == FileStatus.TRASHED
    assert found(lifecycle(shelf, 6.9).run(apply=True)) == {}
    assert lifecycle(shelf, 7.1).run(apply=True).done == 1
    assert (has_row(shelf, started.file_id), shelf.uploads_in_store()) == (False, [])
    assert [file.id for file in shelf.datasets.get(shelf.caller, kept.summary.id).files] == [kept.files[0].id]


@pytest.mark.s3
def test_rules_of_ours_join_those_of_others_in_the_store(shelf: Shelf) -> None:
    if shelf.storage.backend is Backend.LOCAL:
        assert lifecycle(shelf).set_in_store() == []
        return
    assert isinstance(shelf.storage, MinioFileStorage)
    calls, bucket = SignedCalls(shelf.storage.settings), shelf.storage.bucket_for(BucketRole.TEMP)
    theirs = (
        b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>theirs</ID>'
        b"<Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter><Expiration><Days>400</Days></Expiration>"
        b"</Rule></LifecycleConfiguration>"
    )
    check(calls.send("PUT", bucket, query={"lifecycle": ""}, body=theirs))
    for days in (1, 3):
        answers = lifecycle(shelf, temp_days=days).set_in_store()
        assert [(answer.bucket, answer.problem) for answer in answers] == [(bucket, "")]
        names = {*answers[0].kept, *answers[0].dropped}
        assert names == {"results", "unfinished-datasets", "unfinished-models", "unfinished-temp"}
        there = {rule.name: rule for rule in read_rules(calls, bucket)}
        assert {name for name in names if name in there} == set(answers[0].kept)
        assert there["results"] == StoreRule("results", "temp/results/", expire_days=days)
        now_set = check(calls.send("GET", bucket, query={"lifecycle": ""})).body
        assert (b"theirs" in now_set, b"logs/" in now_set, b"400" in now_set) == (True, True, True)
    with pytest.raises(StorageError):
        set_rules(calls, "no-such-bucket", [])


def age_datasets(shelf: Shelf, *, keep: uuid.UUID | None) -> None:
    with shelf.database.transaction() as session:
        for dataset in session.exec(select(Dataset)):
            if dataset.id != keep:
                dataset.updated_at -= 1000 * DAY


def listed(shelf: Shelf) -> set[str]:
    return {dataset.name for dataset in shelf.datasets.list(shelf.caller, DatasetQuery()).items}


def every_file(shelf: Shelf) -> dict[uuid.UUID, str]:
    with shelf.database.session() as session:
        return {file.id: file.status for file in session.exec(select(File))}


def test_an_object_that_is_no_result_is_left_alone(local_shelf: Shelf) -> None:
    ref = plant(local_shelf, f"{BucketRole.TEMP}/by-hand.csv")
    assert found(lifecycle(local_shelf, 400).run(apply=True)) == {}
    assert local_shelf.storage.file_exists(ObjectRef(BucketRole.TEMP, ref.key))
