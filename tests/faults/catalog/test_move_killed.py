"""A move of many files that is killed again and again, with the app serving downloads all the while; and back.

A few files; 500 MB where DATASHELF_TEST_LONG=1, as in CI; and 2,000 files of up to 1 GB, 10 GB in all, where
DATASHELF_TEST_FULL=1.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import pytest
from sqlmodel import func, select

from catalog import shelf as shelf_rules
from catalog.events import EventKind
from catalog.metered import BLOCK_BYTES
from db import Database, migrate, open_database
from db.tables import Dataset, Event, File, FileStatus, OldCopy
from storage import Backend, BucketRole, ObjectRef, Storages
from tests.app_server import OWN_SETTINGS, ROOT, RunningApp, running_app, s3_env
from tests.contract.catalog.conftest import make_shelf
from tests.contract.catalog.test_moving import HOSTILE, storages_at
from tests.seaweed import SeaweedServer

pytestmark = [pytest.mark.s3, pytest.mark.long]
MB = 1_000_000
JOBS = 3
MOST_MEMORY = 250 * MB
"""Of the moving process, whatever the size of the files."""
PACE = 0.05
"""Seconds between two downloads, which leave the machine to the move."""
LARGEST_DOWNLOAD = 50 * MB
FULL = os.environ.get("DATASHELF_TEST_FULL") == "1"
LONG = os.environ.get("DATASHELF_TEST_LONG") == "1"


@dataclass(frozen=True)
class Load:
    """So many small files, and these large ones (bytes); killed so often on each way."""

    small: int
    large: Sequence[int]
    kills: tuple[int, int]
    rate: float | None = None
    """MB a second, so that a kill comes in the middle of something."""


ORDINARY = Load(40, [6 * MB, 11 * MB], (1, 0), rate=12)
IN_CI = Load(230, [*(8 * MB for _ in range(20)), *(30 * MB for _ in range(11))], (5, 2))
WHOLE = Load(1960, [*(100 * MB for _ in range(31)), *(700 * MB for _ in range(8)), 1000 * MB], (5, 2))


@dataclass
class Seeded:
    """The files of the test: their SHA-256 and sizes by id."""

    sha256: dict[uuid.UUID, str] = field(default_factory=dict)
    size: dict[uuid.UUID, int] = field(default_factory=dict)


def fill(database: Database, storages: Storages, load: Load, rng: random.Random, folder: Path) -> Seeded:
    """Put files on the shelf at local disk: sizes from 0 bytes up, names that are hostile."""
    caller, seeded, rows = make_shelf(database, storages).caller, Seeded(), list[File]()
    sizes = [*(int(rng.triangular(0, 60_000, 0)) for _ in range(load.small - 5)), 0, 0, 0, 1, 1024**2, *load.large]
    rng.shuffle(sizes)
    for place, size in enumerate(sizes):
        file_id = uuid.UUID(int=rng.getrandbits(128), version=4)
        ref = ObjectRef(BucketRole.DATASETS, f"datasets/2026/11/{file_id}")
        path, digest = folder / "seed", hashlib.sha256()
        with path.open("wb") as file:
            for begin in range(0, size, BLOCK_BYTES):
                block = rng.randbytes(min(BLOCK_BYTES, size - begin))
                digest.update(block)
                file.write(block)
        with path.open("rb") as data:
            stored = storages.local.upload_file(ref, data, size, "application/octet-stream")
        seeded.sha256[file_id], seeded.size[file_id] = digest.hexdigest(), size
        rows.append(
            File(
                id=file_id,
                owner_id=caller.user_id,
                version=place + 1,
                status=FileStatus.READY,
                file_name=HOSTILE[place % len(HOSTILE)],
                format="other",
                media_type="application/octet-stream",
                size=size,
                etag=stored.etag,
                sha256=digest.hexdigest() if place % 2 else None,
                backend=Backend.LOCAL,
                bucket=stored.bucket,
                role=BucketRole.DATASETS,
                key=ref.key,
            )
        )
    with database.transaction() as session:
        dataset = Dataset(owner_id=caller.user_id, name="many", name_key="many", last_version=len(rows))
        session.add(dataset)
        session.flush()
        for row in rows:
            row.dataset_id = dataset.id
            session.add(row)
        session.flush()
        shelf_rules.refresh(session, dataset)
    return seeded


@dataclass
class Reader:
    """Downloads random files over the app's API and compares every byte, until it is told to stop."""

    app: RunningApp
    seeded: Seeded
    rng: random.Random
    stop: threading.Event = field(default_factory=threading.Event)
    read: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self) -> None:
        ids = [file_id for file_id, size in self.seeded.size.items() if size <= LARGEST_DOWNLOAD]
        with self.app.client(follow_redirects=True) as client:
            while not self.stop.is_set():
                file_id = self.rng.choice(ids)
                digest = hashlib.sha256()
                try:
                    with client.stream("GET", f"/files/{file_id}/download") as answer:
                        for block in answer.iter_raw():
                            digest.update(block)
                except httpx.HTTPError as error:
                    self.wrong.append(f"{file_id}: {error!r}")
                    continue
                if answer.status_code != 200 or digest.hexdigest() != self.seeded.sha256[file_id]:
                    self.wrong.append(f"{file_id}: {answer.status_code}")
                self.read += 1
                self.stop.wait(PACE)


@contextmanager
def reading(app: RunningApp, seeded: Seeded, rng: random.Random) -> Iterator[Reader]:
    reader = Reader(app, seeded, rng)
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        yield reader
    finally:
        reader.stop.set()
        thread.join()


@dataclass
class Moves:
    """Runs `python -m ops migrate`, kills it, and looks at what it left."""

    env: dict[str, str]
    database: Database
    storages: Storages
    report_file: Path
    load: Load
    peak: int = 0
    written: dict[str, datetime | None] = field(default_factory=dict)
    """When the objects of switched files were written, by key."""

    def at(self, backend: Backend) -> int:
        with self.database.session() as session:
            return session.exec(select(func.count()).where(File.backend == backend)).one()

    def start(self, source: Backend, target: Backend, *more: str) -> subprocess.Popen[str]:
        rate = [] if self.load.rate is None else ["--limit-rate", str(self.load.rate)]
        ends = ["--from", source, "--to", target, "--jobs", str(JOBS), "--json", str(self.report_file)]
        return subprocess.Popen(
            [sys.executable, "-m", "ops", "migrate", *ends, *rate, *more],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kill_after(self, source: Backend, target: Backend, moved: int, pause: float) -> bool:
        """Kill it once so many files are at the target; False where it was done before that."""
        process = self.start(source, target)
        while process.poll() is None and self.at(target) < moved:
            self.look_at(process)
            time.sleep(0.01)
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return alive

    def finish(self, source: Backend, target: Backend, *more: str) -> dict[str, object]:
        """Let it come to its end, which must be a good one; its report."""
        process = self.start(source, target, *more)
        while process.poll() is None:
            self.look_at(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        report: dict[str, object] = json.loads(self.report_file.read_text(encoding="utf-8"))
        return report

    def look_at(self, process: subprocess.Popen[str]) -> None:
        with suppress(psutil.Error):
            self.peak = max(self.peak, psutil.Process(process.pid).memory_info().rss)

    def check_in_order(self, target: Backend) -> None:
        """After a kill: every switched file is whole and was not written again; at most a file a job is unfinished."""
        storage = self.storages.of(target)
        there = {stored.ref.key: stored for stored in storage.list_files(BucketRole.DATASETS)}
        with self.database.session() as session:
            switched = session.exec(select(File).where(File.backend == target)).all()
        for file in switched:
            stored = there.pop(file.key)
            assert (stored.size, stored.etag) == (file.size, file.etag)
            assert self.written.setdefault(file.key, stored.modified_at) == stored.modified_at, "written twice"
        assert len(there) <= JOBS
        assert len(list(storage.list_multipart(BucketRole.DATASETS))) <= JOBS

    def check_moved_once(self, times: int) -> None:
        with self.database.session() as session:
            moves = select(Event.file_id, func.count()).where(Event.kind == EventKind.FILE_MOVED)
            counts = dict(session.exec(moves.group_by(Event.file_id)).all())
            files = set(session.exec(select(File.id)))
        assert counts == dict.fromkeys(files, times)

    def check_content(self, seeded: Seeded, backend: Backend) -> None:
        storage = self.storages.of(backend)
        with self.database.session() as session:
            files = session.exec(select(File)).all()
        assert {file.id for file in files} == seeded.sha256.keys()
        for file in files:
            digest = hashlib.sha256()
            with storage.get_file(ObjectRef(BucketRole(file.role), file.key, file.bucket)) as stream:
                while block := stream.read(BLOCK_BYTES):
                    digest.update(block)
            assert digest.hexdigest() == file.sha256 == seeded.sha256[file.id]
            assert (file.backend, file.sha256_verified) == (backend, True)


def test_a_move_killed_on_the_way_ends_whole_and_back_again(tmp_path: Path, own_s3_server: SeaweedServer) -> None:
    load = WHOLE if FULL else IN_CI if LONG else ORDINARY
    rng = random.Random(20261128)  # repeatable on purpose
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with ExitStack() as stack:
        storages = stack.enter_context(closing(storages_at(data_dir, own_s3_server, "mlops-files", Backend.LOCAL)))
        storages.of(Backend.MINIO).prepare()
        database = stack.enter_context(open_database(f"sqlite:///{data_dir / 'datashelf.db'}"))
        migrate(database)
        seeded = fill(database, storages, load, rng, tmp_path)
        total = len(seeded.sha256)
        settings = {"DATA_DIR": str(data_dir), "SECRET_KEY": "x" * 32, **s3_env(own_s3_server)}
        clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN_SETTINGS)}
        moves = Moves({**clean, **settings}, database, storages, tmp_path / "report.json", load)
        app = stack.enter_context(running_app(data_dir, settings))
        reader = stack.enter_context(reading(app, seeded, rng))

        marks = sorted(rng.sample(range(1, int(total * 0.8)), load.kills[0]))
        for mark in marks:
            assert moves.kill_after(Backend.LOCAL, Backend.MINIO, mark, rng.uniform(0, 0.3)), "done before the kill"
            moves.check_in_order(Backend.MINIO)
        before = moves.at(Backend.MINIO)
        report = moves.finish(Backend.LOCAL, Backend.MINIO)
        assert (report["moved"], report["complete"]) == (total - before, True)
        moves.check_in_order(Backend.MINIO)
        moves.check_moved_once(1)
        moves.check_content(seeded, Backend.MINIO)
        with database.session() as session:
            assert len(session.exec(select(OldCopy)).all()) == total

        released = moves.finish(Backend.LOCAL, Backend.MINIO, "--delete-source", "--yes")["released"]
        assert released == {"deleted": total, "deleted_bytes": sum(seeded.size.values()), "kept": []}
        assert list(storages.local.list_files(BucketRole.DATASETS)) == []
        moves.written.clear()
        for mark in sorted(rng.sample(range(1, int(total * 0.8)), load.kills[1])):
            assert moves.kill_after(Backend.MINIO, Backend.LOCAL, mark, rng.uniform(0, 0.3)), "done before the kill"
            moves.check_in_order(Backend.LOCAL)
        assert moves.finish(Backend.MINIO, Backend.LOCAL)["complete"] is True
        moves.check_in_order(Backend.LOCAL)
        moves.check_moved_once(2)
        moves.check_content(seeded, Backend.LOCAL)
    assert reader.wrong == []
    assert reader.read > 0
    size = sum(seeded.size.values()) / MB
    print(f"{total} files, {size:.0f} MB; {reader.read} downloads meanwhile; peak {moves.peak / MB:.0f} MB")
    assert moves.peak < MOST_MEMORY
