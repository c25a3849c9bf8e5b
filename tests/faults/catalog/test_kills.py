"""The app is killed at any moment: what was acknowledged is there to the byte, and the rest can be swept away."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import select

from catalog.intake import NewUpload
from catalog.listing import DatasetQuery
from catalog.sweep import Sweep
from db import DatabaseUnavailable, migrate, open_database
from db.tables import File, FileStatus, ShelfCount, Upload
from db.utc import utc_now
from storage import BucketRole, ObjectRef
from tests.contract.catalog.conftest import Shelf, local_storages, make_shelf
from tests.postgres import start_postgres

pytestmark = pytest.mark.long

KILLS = 6

WRITER = """
import hashlib, random, sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from db import DatabaseUnavailable, migrate, open_database
from tests.contract.catalog.conftest import local_storages, make_shelf

folder, url, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rng = random.Random(seed)
shelf = make_shelf(open_database(url), local_storages(folder))
mine = []
while True:
    data = rng.randbytes(rng.randrange(200_000))
    into = rng.choice([*mine, None])
    detail = shelf.upload(data, f"{seed}.bin", dataset_id=into, sha256=hashlib.sha256(data).hexdigest())
    mine.append(detail.summary.id)
    print("has", detail.files[0].id, hashlib.sha256(data).hexdigest(), flush=True)
    if len(mine) > 3 and rng.random() < 0.3:
        gone = mine.pop(rng.randrange(len(mine)))
        mine = [one for one in mine if one != gone]
        files = shelf.datasets.get(shelf.caller, gone).files
        print("deletes", *(file.id for file in files), flush=True)
        shelf.datasets.delete(shelf.caller, gone)
"""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_nothing_acknowledged_is_lost(
    kind: str, sqlite_template: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        shutil.copyfile(sqlite_template, tmp_path / "x.db")
        url = f"sqlite:///{tmp_path / 'x.db'}"
    else:
        url = request.getfixturevalue("migrated_postgres")
    rng = random.Random(20261124)  # repeatable on purpose
    has: dict[str, str] = {}
    deleting: set[str] = set()
    for seed in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), url, str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path.cwd(),
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(rng.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        for line in [first, *process.stdout]:
            word, *rest = line.split()
            if word == "has":
                has[rest[0]] = rest[1]
            else:
                assert word == "deletes", line
                deleting.update(rest)
        process.wait()
    with open_database(url) as database, closing(local_storages(tmp_path)) as storages:
        check(make_shelf(database, storages), has, deleting)


def check(shelf: Shelf, has: dict[str, str], deleting: set[str]) -> None:
    with shelf.database.session() as session:
        ready = {str(file.id): file for file in session.exec(select(File).where(File.status == FileStatus.READY))}
    assert has.keys() - deleting <= ready.keys(), "an acknowledged file is not ready"
    for file_id, file in ready.items():
        with shelf.storage.get_file(ObjectRef(BucketRole(file.role), file.key, file.bucket)) as stream:
            digest = hashlib.sha256(stream.read()).hexdigest()
        assert digest == file.sha256 == has.get(file_id, digest)
    with shelf.database.transaction() as session:
        session.execute(update(Upload).values(touched_at=utc_now() - timedelta(days=30)))
    Sweep(shelf.database, shelf.storages).sweep()
    with shelf.database.session() as session:
        keys = {file.key for file in session.exec(select(File))}
        count = session.exec(select(ShelfCount)).one()
    assert set(shelf.objects()) == keys == {file.key for file in ready.values()}
    assert shelf.uploads_in_store() == []
    listed = shelf.datasets.list(shelf.caller, DatasetQuery(owner="local"))
    assert (count.datasets, count.size) == (listed.total, listed.total_size)
    assert len(has) > KILLS


@pytest.mark.postgres
def test_a_completion_that_lost_the_database_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with ExitStack() as stack:
        server = start_postgres(stack)
        database = stack.enter_context(open_database(server.url()))
        migrate(database)
        shelf = make_shelf(database, stack.enter_context(closing(local_storages(tmp_path))))
        started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 4))
        parts = shelf.send(started.parts, b"a\n1\n", started.part_size)
        server.stop()
        with pytest.raises(DatabaseUnavailable):
            shelf.uploads.complete(shelf.caller, started.upload_id, parts)
        server.start()
        assert shelf.uploads.complete(shelf.caller, started.upload_id, parts).files[0].size == 4
