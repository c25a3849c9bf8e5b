"""A check that is cut off, that finds the store away, or that has very much to look at."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert
from sqlmodel import select

from catalog.damage import Damage
from catalog.removal import ref_of
from db import open_database
from db.tables import File, FileStatus, Lease
from storage import StorageUnavailable
from tests.contract.catalog.conftest import Shelf, local_storages, make_shelf, s3_storages
from tests.contract.catalog.damaging import DATA, cut_off, found, later, lost_key, new_key, plant, row, sha256
from tests.seaweed import SeaweedServer

KILLED = """
import sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from catalog.leases import Leases
from catalog.reconcile import Reconcile
from db import open_database
from tests.contract.catalog.conftest import local_storages
from tests.contract.catalog.damaging import the_day_after_tomorrow

Leases.take = lambda *arguments, **named: True  # the one before was killed and holds on for a minute
check = Reconcile(open_database(sys.argv[2]), local_storages(Path(sys.argv[1])), now=the_day_after_tomorrow)
print("begins", flush=True)
check.run(apply=True, deep=True)
"""


@pytest.fixture
def url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copyfile(sqlite_template, tmp_path / "x.db")
    return f"sqlite:///{tmp_path / 'x.db'}"


@pytest.fixture
def shelf(url: str, tmp_path: Path) -> Iterator[Shelf]:
    with closing(local_storages(tmp_path)) as storages, open_database(url) as database:
        yield make_shelf(database, storages)


@pytest.mark.long
def test_a_check_that_is_killed_again_and_again_ends_clean_and_loses_nothing(
    shelf: Shelf, url: str, tmp_path: Path
) -> None:
    rng = random.Random(20261128)  # repeatable on purpose
    kept = {shelf.upload(data, sha256=sha256(data)).files[0].id: data for data in map(rng.randbytes, [5000] * 12)}
    lost = [shelf.upload(DATA).files[0].id for _ in range(5)]
    for file_id in lost:
        shelf.storage.delete_file(ref_of(row(shelf, file_id)))
    finished = [cut_off(shelf).file_id for _ in range(5)]
    for _ in range(10):
        plant(shelf, lost_key(shelf))
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        time.sleep(rng.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with shelf.database.transaction() as session:
        session.exec(delete(Lease))
    assert later(shelf).run(apply=True, deep=True).clean
    assert later(shelf).run(apply=False, deep=True).findings == []
    assert {row(shelf, file_id).status for file_id in lost} == {"failed"}
    assert {row(shelf, file_id).status for file_id in finished} == {"ready"}
    for file_id, data in kept.items():
        with shelf.storage.get_file(ref_of(row(shelf, file_id))) as stream:
            assert stream.read() == data
    assert len(shelf.objects()) == len(kept) + len(finished)


@pytest.mark.s3
def test_a_store_that_is_away_changes_nothing(
    own_s3_server: SeaweedServer, url: str, tmp_path: Path, sqlite_template: Path
) -> None:
    with closing(s3_storages(tmp_path, own_s3_server)) as storages, open_database(url) as database:
        shelf = make_shelf(database, storages)
        detail, started = shelf.upload(DATA), cut_off(shelf)
        own_s3_server.stop()
        for deep in (False, True):
            with pytest.raises(StorageUnavailable):
                later(shelf).run(apply=True, deep=deep)
        assert (row(shelf, detail.files[0].id).status, row(shelf, started.file_id).status) == ("ready", "pending")
        own_s3_server.start()
        assert found(later(shelf).run(apply=True)) == {Damage.COMPLETION_CUT_OFF: 1}
        assert later(shelf).run(apply=True, deep=True).findings == []


def peak_of_reading(shelf: Shelf, count: int) -> int:
    """Bytes that Python held at most while `count` files were read and nothing was found."""
    tracemalloc.start()
    report = later(shelf).run(apply=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found(report) == {}
    assert report.checked.files == report.checked.objects == count
    return peak


@pytest.mark.long
def test_ten_thousand_files_take_hardly_more_memory_than_two_thousand(shelf: Shelf, tmp_path: Path) -> None:
    dataset, peaks = shelf.upload(DATA), []
    for count, total in ((1_999, 2_000), (8_000, 10_000)):
        fill(shelf, dataset.summary.id, count)
        later(shelf).run(apply=True)  # lets the newest version speak for the dataset
        # Other threads of the tests take memory, too.
        peaks.append(min(peak_of_reading(shelf, total) for _ in range(3)))
    assert peaks[1] < peaks[0] + 8_000_000, peaks
    spoil(shelf)
    report = later(shelf).run(apply=True)
    assert (found(report), report.clean) == ({Damage.LOST: 50, Damage.ORPHAN: 50}, True)
    assert later(shelf).run(apply=False).findings == []


def fill(shelf: Shelf, dataset_id: uuid.UUID, count: int) -> None:
    """Versions as uploads leave them, without the waiting for the disk."""
    root, before = shelf.storages.local.root, row_count(shelf)
    for begin in range(0, count, 1000):
        rows = []
        for number in range(begin, min(count, begin + 1000)):
            key = new_key()
            path = root / "datasets" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(DATA)
            facts = {"file_name": "x.csv", "format": "csv", "media_type": "text/csv", "size": len(DATA)}
            place = {"backend": "local", "bucket": "datasets", "role": "datasets", "key": key}
            whose = {"owner_id": shelf.caller.user_id, "dataset_id": dataset_id, "version": before + number + 1}
            rows.append({"id": uuid.uuid4(), "status": FileStatus.READY, **facts, **place, **whose})
        with shelf.database.transaction() as session:
            session.execute(insert(File), rows)


def row_count(shelf: Shelf) -> int:
    with shelf.database.session() as session:
        return session.exec(select(func.count()).select_from(File)).one()


def spoil(shelf: Shelf) -> None:
    for key in shelf.objects()[1000:1050]:
        (shelf.storages.local.root / "datasets" / key).unlink()
        plant(shelf, lost_key(shelf))
