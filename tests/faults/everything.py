"""Everything is killed at random, again and again, while clients store and delete; then the books are compared.

`run(folder, seed=…, kills=…)` gives the `Figures` of one world: the real app as a process, local disk and SQLite or a
real S3 server and PostgreSQL, two writers of HTTP and one `ops push` that is killed and started again. The order of the
kills follows from the seed; what they hit in the middle of what is the machine's own affair.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import structlog
from sqlmodel import select

from db import open_database
from db.tables import File, FileStatus
from settings import Minio, Settings
from storage import BucketRole, ObjectRef, Storages, open_storage
from storage.link_base import current_link_base
from storage.protocol import Backend, FileNotInStorage
from tests.app_server import ROOT, AppDidNotStart, RunningApp, s3_env, start_app
from tests.postgres import PostgresServer, start_postgres
from tests.real_parts import free_port
from tests.seaweed import SeaweedServer, seaweed_server

WRITERS = 2
PROGRESS_WITHIN = 180
"""Seconds; generous, for a machine that does other things, too."""
LATER = """
from datetime import timedelta
import db.utc
now = db.utc.utc_now
db.utc.utc_now = lambda: now() + timedelta(days=9)
from ops.__main__ import app
app(["reconcile", "--apply", "--json"])
"""
"""`ops reconcile --apply` as it is on the ninth day after: it removes nothing that is younger than a day, and leaves an
upload seven days to be gone on with."""


@dataclass
class Figures:
    """What a run found. Nothing is lost where `faults` is empty."""

    seed: str
    world: str
    kills: dict[str, int] = field(default_factory=dict)
    acknowledged: int = 0
    deletions: int = 0
    ready: int = 0
    repaired: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{what} {times}" for what, times in sorted(self.kills.items()))
        return (
            f"{self.world}, SEED={self.seed}: {sum(self.kills.values())} kills ({kills}); {self.acknowledged} files "
            f"acknowledged, {self.deletions} deletions asked for, {self.repaired} findings repaired, "
            f"{self.ready} files ready and read back; {len(self.faults)} faults"
        )


class World:
    """The processes of one run, each of which can be killed and brought back."""

    def __init__(self, folder: Path, stack: ExitStack, *, rng: random.Random, real: bool) -> None:
        self.folder, self.rng = folder, rng
        self.record = folder / "record"
        self.record.touch()
        self.store: SeaweedServer | None = None
        self.database: PostgresServer | None = None
        self.env = {"TRASH_DAYS": "0", "LOG_LEVEL": "warning", "SCRUB_DAYS": "0"}
        if real:
            self.store = stack.enter_context(seaweed_server(folder / "weed"))
            self.database = start_postgres(stack)
            self.env |= {**s3_env(self.store), "DATABASE_URL": self.database.url().replace("+psycopg", "")}
        self.port = free_port()
        self.app = self._start()
        stack.callback(lambda: self.app.stop())
        self.writers = [self._write(number) for number in range(WRITERS)]
        self.pushing = threading.Event()
        self.pusher: subprocess.Popen[str] | None = None
        self._pushes = threading.Thread(target=self._push, daemon=True)
        self._pushes.start()
        stack.callback(self.end_clients)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def targets(self) -> list[str]:
        return ["app", "uploader", *(["store"] if self.store else []), *(["database"] if self.database else [])]

    def kill(self, what: str) -> Callable[[], None]:
        """Kill it at once; the answer brings it back."""
        if what == "app":
            self.app.kill()
            return self._revive_app
        if what == "store":
            assert self.store is not None
            self.store.stop()
            return self.store.start
        if what == "database":
            assert self.database is not None
            self.database.stop()
            return self.database.start
        if self.rng.random() < 0.5 and self.pusher is not None:
            self.pusher.kill()  # its loop starts it again, with the same file
            return lambda: None
        number = self.rng.randrange(WRITERS)
        self.writers[number].kill()
        self.writers[number].wait()
        return lambda: self.writers.__setitem__(number, self._write(number))

    def wait_for_progress(self) -> None:
        """Until a client has achieved something since the last kill: what is down all the time shows nothing."""
        known, deadline = self.record.stat().st_size, time.monotonic() + PROGRESS_WITHIN
        while self.record.stat().st_size == known:
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing was acknowledged within {PROGRESS_WITHIN} s of a kill")
            time.sleep(0.02)

    def end_clients(self) -> None:
        self.pushing.set()
        for writer in self.writers:
            writer.kill()
            writer.wait()
        if self.pusher is not None:
            self.pusher.kill()
        self._pushes.join(30)

    def settings(self) -> Settings:
        """As the app has them, for looking into its store and its database."""
        assert self.store is not None
        minio = Minio(
            endpoint=self.store.endpoint,
            access_key=self.store.access_key,
            secret_key=self.store.secret_key,  # type: ignore[arg-type]  # pydantic makes a secret of it
            public_endpoint=self.store.url,
        )
        return Settings(_env_file=None, storage_backend="minio", data_dir=self.app.data_dir, minio=minio)

    def storages(self) -> Storages:
        settings = (
            self.settings()
            if self.store
            else Settings(_env_file=None, storage_backend="local", data_dir=self.app.data_dir)
        )
        return open_storage(settings, secret=b"k" * 32, link_base=current_link_base)

    @property
    def database_url(self) -> str:
        return self.database.url() if self.database else f"sqlite:///{self.app.data_dir / 'datashelf.db'}"

    def _start(self) -> RunningApp:
        """Raises AppDidNotStart where the process ends."""
        app = start_app(self.folder / "data", self.env, port=self.port, wait=False)
        deadline = time.monotonic() + PROGRESS_WITHIN
        while time.monotonic() < deadline:
            if app.process.poll() is not None:
                raise AppDidNotStart(f"the app ended:\n{app.log[-4000:]}", code=app.process.returncode)
            with suppress(httpx.HTTPError):
                if httpx.get(f"{app.url}/api/health/live", timeout=5).status_code == 200:
                    return app
            time.sleep(0.05)
        app.stop()
        raise AppDidNotStart(f"the app does not answer:\n{app.log[-4000:]}", code=None)

    def _revive_app(self) -> None:
        for last in (False, False, True):
            try:
                self.app = self._start()
                return
            except AppDidNotStart:
                # Its database is being killed, too; whoever watches over an app starts it until it stays.
                if last:
                    raise

    def _write(self, number: int) -> subprocess.Popen[bytes]:
        seed = f"{self.rng.randrange(10**9)}-{number}"
        command = [sys.executable, "-m", "tests.faults.writer", self.url, seed, str(self.record)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)

    def _push(self) -> None:
        rng, number = random.Random(self.rng.random()), 0
        while not self.pushing.is_set():
            number += 1
            file = self.folder / f"pushed-{number}.bin"
            file.write_bytes(rng.randbytes(rng.choice((0, 5000, 40_000_000))))
            while not self.pushing.is_set():
                command = [
                    sys.executable,
                    "-m",
                    "ops.push",
                    str(file),
                    "--url",
                    self.url,
                    "--json",
                    "--patience",
                    "60s",
                ]
                self.pusher = subprocess.Popen(
                    command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
                out, _ = self.pusher.communicate()
                if self.pusher.returncode == 0:
                    pushed = json.loads(out)
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()
                    with self.record.open("a", encoding="utf-8") as record:
                        print("has", pushed["file_id"], digest, file=record)
                    break
                time.sleep(0.2)
            file.unlink()


def run(folder: Path, *, seed: str, kills: int, real: bool) -> Figures:
    """One world: `kills` kills in it, everything brought back, the catalogue reconciled, and the books compared."""
    rng = random.Random(seed)
    figures = Figures(seed, "S3 server and PostgreSQL" if real else "local disk and SQLite")
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        world = World(folder, stack, rng=rng, real=real)
        while sum(figures.kills.values()) < kills:
            world.wait_for_progress()
            time.sleep(rng.uniform(0.1, 1.5))
            both = rng.random() < 0.3 and sum(figures.kills.values()) + 1 < kills
            chosen = rng.sample(world.targets(), 2 if both else 1)
            revivals = []
            for what in chosen:
                figures.kills[what] = figures.kills.get(what, 0) + 1
                revivals.append((what, world.kill(what)))
            time.sleep(rng.uniform(0, 1))
            # The app last, most often: where its store is away it starts on local disk, to be survived as well.
            revivals.sort(key=lambda one: one[0] == "app" and rng.random() < 0.8)
            if revivals[0][0] == "app" and "database" in chosen:
                revivals.reverse()
            for _, revive in revivals:
                revive()
        world.end_clients()
        _until_all_is_well(world)
        first, second = (_reconcile(world) for _ in range(2))
        figures.repaired = first["repaired"]
        if not first["clean"] or second["found"]:
            figures.faults.append(f"reconcile left or found again: {second['groups'][:3]}")
        _give_up_the_unfinished(world)
        _compare(world, figures)
    return figures


def _give_up_the_unfinished(world: World) -> None:
    """What the killed clients left can still be gone on with; nobody does."""
    with world.app.client() as client:
        for upload in client.get("/uploads").json()["items"]:
            client.delete(f"/uploads/{upload['upload_id']}").raise_for_status()


def _until_all_is_well(world: World) -> None:
    """A store that was away when the app started is used again after the app's next look at it."""
    deadline = time.monotonic() + PROGRESS_WITHIN
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{world.url}/api/health/ready", timeout=10).json()["status"] == "ok":
                return
        if time.monotonic() > deadline:
            raise AssertionError("the app does not find back to its store and its database")
        time.sleep(0.2)


def _reconcile(world: World) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", LATER],
        cwd=ROOT,
        env=world.app.env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise AssertionError(f"reconcile ended with {done.returncode}: {done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _compare(world: World, figures: Figures) -> None:
    has: dict[str, str] = {}
    asked: set[str] = set()
    deleted: set[str] = set()
    for line in world.record.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split()
        if word == "has" and len(rest) == 2 and len(rest[1]) == 64:
            has[rest[0]] = rest[1]
        elif word in ("deletes", "deleted"):
            (asked if word == "deletes" else deleted).update(rest)
    figures.acknowledged, figures.deletions = len(has), len(asked)
    faults = figures.faults
    storages = world.storages()
    with open_database(world.database_url) as database:
        with database.session() as session:
            rows = session.exec(select(File)).all()
        known = {(row.backend, row.bucket, row.key) for row in rows}
        for row in rows:
            if row.status != FileStatus.READY:
                faults.append(f"file {row.id} is {row.status}, neither ready nor gone")
                continue
            try:
                stored = storages.of(Backend(row.backend)).stat_file(
                    ObjectRef(BucketRole(row.role), row.key, row.bucket)
                )
            except FileNotInStorage:
                faults.append(f"row {row.id} is without its object")
                continue
            if stored.size != row.size:
                faults.append(f"object of {row.id} has {stored.size} bytes, its row says {row.size}")
    for backend, role, key in _objects(storages, world):
        if not any((backend, key) == (one[0], one[2]) for one in known):
            faults.append(f"object {key} ({backend}, {role}) is without its row")
    ready = {str(row.id): row for row in rows if row.status == FileStatus.READY}
    faults += [f"file {lost} was acknowledged and is not there" for lost in has.keys() - asked - ready.keys()]
    faults += [f"file {left} was deleted and is there" for left in deleted & ready.keys()]
    for file_id, row in ready.items():
        figures.ready += 1
        answer = httpx.get(f"{world.url}/api/ml/v1/files/{file_id}/download", follow_redirects=True, timeout=60)
        digest = hashlib.sha256(answer.content).hexdigest()
        if answer.status_code != 200 or len(answer.content) != row.size:
            faults.append(f"file {file_id} answers {answer.status_code} with {len(answer.content)} of {row.size} bytes")
        elif digest != has.get(file_id, row.sha256 or digest) or digest != (row.sha256 or digest):
            faults.append(f"file {file_id} is served altered")
    storages.close()


def _objects(storages: Storages, world: World) -> Iterator[tuple[str, str, str]]:
    for backend in (Backend.LOCAL, *([Backend.MINIO] if world.store else [])):
        storage = storages.of(backend)
        for role in BucketRole:
            with suppress(FileNotInStorage):
                yield from ((str(backend), str(role), one.ref.key) for one in storage.list_files(role))
            yield from ((str(backend), f"{role}, unfinished", one.ref.key) for one in storage.list_multipart(role))


def main() -> int:
    """`make faults`: 20 kills, or 200 with FULL=1; SEED=… repeats a run's order of kills."""
    full = os.environ.get("FULL") == "1"
    seed = os.environ.get("SEED") or str(random.SystemRandom().randrange(10**6))
    worlds, kills = (10, 20) if full else (2, 10)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found: list[Figures] = []
    for number in range(worlds):
        with tempfile.TemporaryDirectory(prefix="datashelf-faults-") as folder:
            figures = run(Path(folder) / "world", seed=f"{seed}-{number}", kills=kills, real=bool(number % 2))
        print(figures, flush=True)
        for fault in figures.faults:
            print(f"  {fault}", flush=True)
        found.append(figures)
    kills_in_all = sum(sum(one.kills.values()) for one in found)
    print(
        f"SEED={seed}: {kills_in_all} kills, {sum(one.acknowledged for one in found)} files acknowledged, "
        f"{sum(one.ready for one in found)} read back, {sum(len(one.faults) for one in found)} faults."
    )
    return int(any(one.faults for one in found))


if __name__ == "__main__":
    sys.exit(main())
