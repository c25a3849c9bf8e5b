"""Two at once: names, completions, versions, deletions and counts, on both databases and both stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
from sqlmodel import select

from catalog.errors import CatalogError, DatasetNameTaken, DatasetNotFound, FileNotFound, UploadNotFound
from catalog.identity import Identity
from catalog.intake import NewUpload
from catalog.listing import DatasetQuery
from catalog.views import DatasetDetail
from db import Database
from db.tables import Dataset, Event, File, FileStatus, Upload, User
from tests.contract.catalog.conftest import Shelf

T = TypeVar("T")
DATA = b"a,b\n1,2\n"


def at_once(calls: Sequence[Callable[[], T]]) -> list[T | CatalogError]:
    """What each call gave or refused; anything but a CatalogError fails the test."""
    gate = threading.Barrier(len(calls))
    outcomes: list[T | CatalogError | None] = [None] * len(calls)
    crashes: list[BaseException] = []

    def run(place: int) -> None:
        gate.wait()
        try:
            outcomes[place] = calls[place]()
        except CatalogError as error:
            outcomes[place] = error
        except BaseException as error:  # noqa: BLE001  # raised again by the test's own thread
            crashes.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if crashes:
        raise crashes[0]
    return outcomes  # type: ignore[return-value]  # every place was filled


def test_one_of_many_gets_an_explicit_name(shelf: Shelf) -> None:
    new = NewUpload("x.csv", 5, name="Wanted")
    outcomes = at_once([lambda: shelf.uploads.start(shelf.caller, new)] * 6)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DatasetNameTaken)]
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, CatalogError)]
    assert len(refused) == 5
    assert {outcome.dataset_id for outcome in refused} == {winner.dataset_id}


def test_default_names_are_numbered_without_a_gap(shelf: Shelf) -> None:
    outcomes = at_once([lambda: shelf.upload(DATA, "x.csv")] * 6)
    names = sorted(detail.summary.name for detail in outcomes if isinstance(detail, DatasetDetail))
    assert names == ["x", "x (2)", "x (3)", "x (4)", "x (5)", "x (6)"]
    assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 6


def test_completing_twice_at_once_makes_one_version(shelf: Shelf) -> None:
    for _ in range(3):
        started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
        parts = shelf.send(started.parts, DATA, started.part_size)
        outcomes = at_once([lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts)] * 4)  # noqa: B023
        assert all(outcome == outcomes[0] for outcome in outcomes), outcomes
        assert isinstance(outcomes[0], DatasetDetail)
        assert [file.version for file in outcomes[0].files] == [1]
    page = shelf.datasets.list(shelf.caller, DatasetQuery())
    assert (page.total, page.total_size) == (3, 3 * len(DATA))


def test_versions_completed_at_once_are_numbered_without_a_gap(shelf: Shelf) -> None:
    dataset_id = shelf.upload(DATA).summary.id
    at_once([lambda: shelf.upload(DATA, dataset_id=dataset_id)] * 5)
    files = shelf.datasets.get(shelf.caller, dataset_id).files
    assert [file.version for file in files] == [6, 5, 4, 3, 2, 1]


def test_completed_or_cancelled_but_never_both(shelf: Shelf) -> None:
    for _ in range(4):
        started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA)))
        parts = shelf.send(started.parts, DATA, started.part_size)
        completed, cancelled = at_once(
            [
                lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts),  # noqa: B023
                lambda: shelf.uploads.abort(shelf.caller, started.upload_id),  # noqa: B023
            ]
        )
        left = shelf.datasets.list(shelf.caller, DatasetQuery()).total
        if isinstance(completed, DatasetDetail):
            assert isinstance(cancelled, UploadNotFound)
            assert (left, len(shelf.objects())) == (1, 1)
            shelf.datasets.delete(shelf.caller, completed.summary.id)
        else:
            assert isinstance(completed, UploadNotFound)
            assert cancelled is None
        assert (shelf.objects(), shelf.uploads_in_store()) == ([], [])
        with shelf.database.session() as session:
            assert [session.exec(select(table)).all() for table in (Dataset, File, Upload)] == [[], [], []]


def test_a_version_completed_while_its_dataset_is_deleted_leaves_nothing(shelf: Shelf) -> None:
    for _ in range(4):
        dataset_id = shelf.upload(DATA).summary.id
        started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(DATA), dataset_id=dataset_id))
        parts = shelf.send(started.parts, DATA, started.part_size)
        completed, _ = at_once(
            [
                lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts),  # noqa: B023
                lambda: shelf.datasets.delete(shelf.caller, dataset_id),  # noqa: B023
            ]
        )
        assert isinstance(completed, (DatasetDetail, UploadNotFound, DatasetNotFound))
        assert (shelf.objects(), shelf.uploads_in_store()) == ([], [])
        assert shelf.datasets.list(shelf.caller, DatasetQuery()).total == 0


def test_deleted_at_once_by_many_it_goes_once(shelf: Shelf) -> None:
    dataset_id = shelf.upload(DATA).summary.id
    files = [shelf.upload(DATA, dataset_id=dataset_id).files[0].id for _ in range(2)]
    files.append(shelf.datasets.get(shelf.caller, dataset_id).files[-1].id)
    at_once([lambda one=one: shelf.files.delete(shelf.caller, one) for one in [*files, *files]])  # type: ignore[misc]
    with pytest.raises((DatasetNotFound, FileNotFound)):
        shelf.datasets.get(shelf.caller, dataset_id)
    page = shelf.datasets.list(shelf.caller, DatasetQuery())
    assert (page.total, page.total_size, shelf.objects()) == (0, 0, [])


def test_downloads_at_once_are_all_counted(shelf: Shelf) -> None:
    file_id = shelf.upload(DATA).files[0].id
    at_once([lambda: [shelf.downloads.redirect(shelf.caller, file_id) for _ in range(5)]] * 5)
    assert shelf.files.get(shelf.caller, file_id).downloads == 25
    with shelf.database.session() as session:
        events = session.exec(select(Event).where(Event.kind == "file_downloaded")).all()
        status = session.exec(select(File.status)).one()
    assert len(events) == 25
    assert status == FileStatus.READY


def test_the_first_callers_are_one_user(database: Database) -> None:
    callers = at_once([Identity(database).local_user] * 6)
    assert len(set(map(str, callers))) == 1
    with database.session() as session:
        assert len(session.exec(select(User)).all()) == 1
