"""Moving files between a real disk and a real store, in both directions, over both databases."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from catalog.digests import Digests
from catalog.events import EventKind
from catalog.intake import NewUpload
from catalog.knowledge import Knowledge
from catalog.leases import Leases
from catalog.moving import Move, MoveOptions
from catalog.moving_checks import Checklist, Verdict
from catalog.moving_lock import LEASE, LIFE, MoveUnderWay, held
from catalog.moving_report import Left, Route
from catalog.reader import BackgroundReader
from catalog.removal import Removal
from db import Database, open_database
from db.tables import Event, File, FileStatus, OldCopy
from preview import Limits, Previewer
from preview.read_as import AS_DETECTED
from preview.result import Scan
from settings import load
from storage import Backend, BucketRole, ObjectRef, Storages, open_storage
from tests.contract.catalog.conftest import SECRET, Shelf, make_shelf
from tests.seaweed import READER_ACCESS_KEY, READER_SECRET_KEY, S3Server, SeaweedServer

pytestmark = pytest.mark.s3
SOON = (timedelta(milliseconds=10),) * 3
HOSTILE = ["ünï “cödé”.csv", "a'; DROP TABLE file;--.csv", "CON", "..…", " lead.csv", "[red]x[/].csv", "🗂️.bin"]


def storages_at(folder: Path, server: S3Server, bucket: str, active: Backend, **minio: str) -> Storages:
    """Both backends of one deployment, `active` taking new files."""
    known = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "secure": server.secure,
        "public_endpoint": server.url,
        "bucket": bucket,
        "retry_backoff": 0.01,
        **minio,
    }
    settings = load(data_dir=folder, storage_backend=active.value, storage_fallback="fail", minio=known)
    return open_storage(settings, secret=SECRET, link_base=lambda: "http://localhost:8501")


@dataclass
class Ends:
    """A shelf whose files lie at `route.source`, and everything at hand to move them."""

    shelf: Shelf
    route: Route
    folder: Path
    server: S3Server
    bucket: str
    files: dict[uuid.UUID, bytes] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.shelf.database

    @property
    def storages(self) -> Storages:
        return self.shelf.storages

    def put(self, data: bytes, name: str = "x.bin", **known: str) -> uuid.UUID:
        file_id = self.shelf.upload(data, name, **known).files[0].id  # type: ignore[arg-type]
        self.files[file_id] = data
        return file_id

    def move(self, route: Route | None = None, storages: Storages | None = None) -> Move:
        return Move(self.database, storages or self.storages, route or self.route, self.folder, pauses=SOON)

    def back(self) -> Route:
        return Route(self.route.target, self.route.source)

    def row(self, file_id: uuid.UUID) -> File:
        with self.database.session() as session:
            return session.exec(select(File).where(File.id == file_id)).one()

    def at(self, file_id: uuid.UUID, backend: Backend) -> ObjectRef:
        """Where the file lies, or would lie, on the backend."""
        file = self.row(file_id)
        role = BucketRole(file.role)
        return ObjectRef(role, file.key, self.storages.of(backend).bucket_for(role))

    def content(self, file_id: uuid.UUID, backend: Backend) -> bytes | None:
        storage, ref = self.storages.of(backend), self.at(file_id, backend)
        if not storage.file_exists(ref):
            return None
        with storage.get_file(ref) as stream:
            return stream.read()

    def copies(self) -> list[OldCopy]:
        with self.database.session() as session:
            return list(session.exec(select(OldCopy)))

    def moves(self, file_id: uuid.UUID) -> list[dict[str, object]]:
        query = select(Event.detail).where(Event.kind == EventKind.FILE_MOVED, Event.file_id == file_id)
        with self.database.session() as session:
            return list(session.exec(query.order_by(col(Event.at))))

    def check_all_at(self, backend: Backend) -> None:
        """Every file's row names the backend, and there lie the very bytes."""
        for file_id, data in self.files.items():
            file = self.row(file_id)
            stored = self.storages.of(backend).stat_file(self.at(file_id, backend))
            assert (file.backend, file.bucket, file.etag) == (backend, stored.bucket, stored.etag)
            assert (file.sha256, file.sha256_verified) == (hashlib.sha256(data).hexdigest(), True)
            assert file.verified_at is not None
            assert self.content(file_id, backend) == data


@dataclass
class Hook:
    """Does something once, when the first bytes of a file are on their way."""

    act: Callable[[], object]
    done: threading.Event = field(default_factory=threading.Event)
    heard: list[str] = field(default_factory=list)

    def planned(self, left: Left) -> None: ...

    def advanced(self, size: int) -> None:
        if not self.done.is_set():
            self.done.set()
            self.act()

    def finished(self, file_size: int) -> None: ...

    def said(self, text: str) -> None:
        self.heard.append(text)


@pytest.fixture(
    params=[
        "sqlite: local to minio",
        pytest.param("postgres: minio to local", marks=pytest.mark.postgres),
    ]
)
def ends(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Iterator[Ends]:
    kind, _, way = request.param.partition(": ")
    if kind == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "x.db")
        url = f"sqlite:///{tmp_path / 'x.db'}"
    else:
        url = request.getfixturevalue("migrated_postgres")
    source, _, target = way.partition(" to ")
    bucket = f"t-{uuid.uuid4().hex[:20]}"
    with ExitStack() as stack:
        storages = stack.enter_context(closing(storages_at(tmp_path, s3_server, bucket, Backend(source))))
        storages.of(Backend(target)).prepare()
        shelf = make_shelf(stack.enter_context(open_database(url)), storages)
        yield Ends(shelf, Route(Backend(source), Backend(target)), tmp_path, s3_server, bucket)


@pytest.fixture
def to_store(request: pytest.FixtureRequest, tmp_path: Path, s3_server: S3Server) -> Iterator[Ends]:
    """From local disk to the store, over SQLite: for what the direction has no part in."""
    shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "x.db")
    bucket = f"t-{uuid.uuid4().hex[:20]}"
    with ExitStack() as stack:
        storages = stack.enter_context(closing(storages_at(tmp_path, s3_server, bucket, Backend.LOCAL)))
        storages.of(Backend.MINIO).prepare()
        shelf = make_shelf(stack.enter_context(open_database(f"sqlite:///{tmp_path / 'x.db'}")), storages)
        yield Ends(shelf, Route(Backend.LOCAL, Backend.MINIO), tmp_path, s3_server, bucket)


def set_file(ends: Ends, file_id: uuid.UUID, **values: object) -> None:
    with ends.database.transaction() as session:
        session.execute(update(File).where(col(File.id) == file_id).values(**values))


def left_object(ends: Ends, file_id: uuid.UUID, data: bytes) -> None:
    """What a run that was killed before it switched the row leaves at the target."""
    target = ends.storages.of(ends.route.target)
    target.upload_file(ends.at(file_id, ends.route.target), io.BytesIO(data), len(data), "application/octet-stream")


def test_every_file_moves_and_nothing_else_changes(ends: Ends) -> None:
    rng = random.Random(6)
    for place, size in enumerate([0, 1, 100, 5 * 1024**2, 9 * 1024**2, 17 * 1024**2 + 3]):
        ends.put(rng.randbytes(size), f"{place}.bin")
    for name in HOSTILE:
        ends.put(rng.randbytes(1000), name)
    trashed = ends.put(b"in the trash")
    set_file(ends, trashed, status=FileStatus.TRASHED)
    before = {file_id: ends.row(file_id) for file_id in ends.files}
    report = ends.move().run(MoveOptions(jobs=3))
    size = sum(map(len, ends.files.values()))
    assert report.complete, report
    assert (report.moved, report.moved_bytes, report.sent_bytes) == (len(ends.files), size, size)
    assert (report.found, report.failed, report.skipped) == (0, [], [])
    ends.check_all_at(ends.route.target)
    for file_id, data in ends.files.items():
        now, old = ends.row(file_id), before[file_id]
        same = ("status", "version", "file_name", "key", "role", "size", "created_at", "dataset_id")
        assert [getattr(now, name) for name in same] == [getattr(old, name) for name in same]
        assert ends.content(file_id, ends.route.source) == data
        assert [(move["from"], move["to"]) for move in ends.moves(file_id)] == [(ends.route.source, ends.route.target)]
    assert {(copy.file_id, copy.backend, copy.bucket, copy.key, copy.size) for copy in ends.copies()} == {
        (file.id, file.backend, file.bucket, file.key, file.size) for file in before.values()
    }
    again = ends.move().run(MoveOptions())
    assert (again.moved, again.sent_bytes, again.complete) == (0, 0, True)


def test_there_and_back_again_sends_nothing_twice(ends: Ends) -> None:
    rng = random.Random(7)
    for size in (0, 10, 12 * 1024**2):
        ends.put(rng.randbytes(size))
    there = ends.move().run(MoveOptions())
    back = ends.move(ends.back()).run(MoveOptions())
    assert there.complete
    assert back.complete
    assert (back.moved, back.found, back.sent_bytes) == (3, 3, 0)
    ends.check_all_at(ends.route.source)
    assert {copy.backend for copy in ends.copies()} == {ends.route.target}
    released = ends.move(ends.back()).run(MoveOptions(delete_source=True)).released
    assert released is not None
    assert (released.deleted, released.kept) == (3, [])
    assert all(ends.content(file_id, ends.route.target) is None for file_id in ends.files)
    ends.check_all_at(ends.route.source)
    assert ends.copies() == []


@pytest.mark.parametrize("known", [True, False], ids=["checksum known", "checksum unknown"])
def test_a_whole_object_of_a_killed_run_is_taken_and_any_other_replaced(known: bool, ends: Ends) -> None:
    rng = random.Random(8)
    whole, half, wrong = (
        ends.put(data, sha256=hashlib.sha256(data).hexdigest())
        for data in (rng.randbytes(9 * 1024**2), rng.randbytes(1000), rng.randbytes(2000))
    )
    if not known:
        for file_id in ends.files:
            set_file(ends, file_id, sha256=None, sha256_verified=False)
    left_object(ends, whole, ends.files[whole])
    left_object(ends, half, ends.files[half][:500])
    left_object(ends, wrong, bytes(2000))
    written = ends.storages.of(ends.route.target).stat_file(ends.at(whole, ends.route.target)).modified_at
    report = ends.move().run(MoveOptions())
    assert (report.moved, report.found, report.sent_bytes) == (3, 1, 3000)
    assert ends.storages.of(ends.route.target).stat_file(ends.at(whole, ends.route.target)).modified_at == written
    ends.check_all_at(ends.route.target)


def test_digests_that_nobody_compared_are_compared_after_the_move(to_store: Ends) -> None:
    """Bytes that were wrong before the move are found wrong after it, though the copy is like its source."""
    ends = to_store
    sent, other = b"what was sent", b"what came out"
    file_id = ends.put(sent)
    for backend in Backend:
        ends.storages.of(backend).upload_file(ends.at(file_id, backend), io.BytesIO(other), len(other), "text/csv")
    with ends.database.transaction() as session:
        Digests(5 * 1024**2, (hashlib.sha256(sent).digest(),)).keep(session, file_id)
    assert ends.move().run(MoveOptions()).complete
    moved = ends.row(file_id)
    assert (moved.backend, moved.sha256_verified, moved.verified_at, moved.scanned_at) == ("minio", False, None, None)
    previewer = Previewer(Limits(), workers=1)
    with closing(previewer):
        reader = BackgroundReader(ends.database, ends.storages, previewer)
        reader.start()
        try:
            deadline = time.monotonic() + 30
            while ends.row(file_id).status == FileStatus.READY and time.monotonic() < deadline:
                time.sleep(0.05)
        finally:
            reader.close()
    assert ends.row(file_id).status == FileStatus.FAILED


def test_what_was_read_of_a_file_that_moved_meanwhile_is_not_noted(to_store: Ends) -> None:
    ends = to_store
    file_id = ends.put(b"abc", "x.bin")
    read = ends.row(file_id)
    assert ends.move().run(MoveOptions()).complete
    scan = Scan(sha256="0" * 64, size=3, rows=None, row_index=None, part_digests=b"")
    Knowledge(ends.database).note_scan(read, scan, AS_DETECTED)
    assert (ends.row(file_id).sha256, ends.row(file_id).scanned_at) == (hashlib.sha256(b"abc").hexdigest(), None)


def test_uploads_of_a_killed_run_are_aborted_and_a_clients_upload_is_not(to_store: Ends) -> None:
    ends, store = to_store, to_store.storages.of(Backend.MINIO)
    file_id = ends.put(b"x" * 100)
    store.start_multipart(ends.at(file_id, Backend.MINIO), "text/csv", 5 * 1024**2)
    theirs = ObjectRef(BucketRole.DATASETS, f"datasets/2026/11/{uuid.uuid4()}", ends.bucket)
    store.start_multipart(theirs, "text/csv", 5 * 1024**2)
    report = ends.move().run(MoveOptions())
    assert report.aborted_uploads == 1
    assert [upload.ref for upload in store.list_multipart(BucketRole.DATASETS)] == [theirs]


def test_a_file_whose_bytes_are_gone_is_named_and_the_others_move(ends: Ends) -> None:
    gone, good = ends.put(b"gone", "gone.csv"), ends.put(b"good")
    ends.storages.of(ends.route.source).delete_file(ends.at(gone, ends.route.source))
    report = ends.move().run(MoveOptions())
    assert (report.moved, report.complete, report.left.files.files) == (1, False, 1)
    assert [(trouble.file_id, trouble.file_name) for trouble in report.failed] == [(gone, "gone.csv")]
    assert "there is no such object" in report.failed[0].reason
    assert ends.row(gone).backend == ends.route.source
    assert ends.row(good).backend == ends.route.target


@pytest.mark.parametrize(("stored", "said"), [(b"altered", "another SHA-256"), (b"short", "has 5 bytes of it")])
def test_bytes_that_are_not_the_files_are_never_switched_to(stored: bytes, said: str, ends: Ends) -> None:
    data = b"a,b,c,d"
    file_id = ends.put(data, sha256=hashlib.sha256(data).hexdigest())
    source = ends.storages.of(ends.route.source)
    source.upload_file(ends.at(file_id, ends.route.source), io.BytesIO(stored), len(stored), "text/csv")
    report = ends.move().run(MoveOptions())
    assert (report.moved, report.complete) == (0, False)
    assert said in report.failed[0].reason
    assert "not served any more" in report.failed[0].reason
    assert (ends.row(file_id).backend, ends.row(file_id).status) == (ends.route.source, FileStatus.FAILED)
    assert ends.content(file_id, ends.route.target) is None
    assert ends.copies() == []


def test_what_the_target_keeps_wrongly_is_noticed(to_store: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    # The target is a disk that loses a bit of the first thing written to it.
    ends, back = to_store, to_store.back()
    file_id = ends.put(b"some bytes")
    assert ends.move().run(MoveOptions()).complete
    ends.storages.local.delete_file(ends.at(file_id, Backend.LOCAL))
    kind, damaged = type(ends.storages.local), list[Path]()
    honest = kind.upload_file

    def damages(self: object, ref: ObjectRef, *rest: object) -> object:
        stored = honest(self, ref, *rest)  # type: ignore[arg-type]
        if len(damaged) < often:
            path = ends.folder / "objects" / "datasets" / ref.key
            data = bytearray(path.read_bytes())
            data[3] ^= 1
            path.write_bytes(data)
            damaged.append(path)
        return stored

    monkeypatch.setattr(kind, "upload_file", damages)
    often = 2
    report = ends.move(back).run(MoveOptions())
    assert (report.moved, len(report.failed), len(damaged)) == (0, 1, 2)
    assert "gave back" in report.failed[0].reason
    assert ends.row(file_id).backend == Backend.MINIO
    assert ends.content(file_id, Backend.LOCAL) is None
    often = 3
    assert ends.move(back).run(MoveOptions()).moved == 1
    ends.check_all_at(Backend.LOCAL)


def test_a_file_deleted_while_it_is_copied_is_gone_from_both_ends(ends: Ends) -> None:
    file_id = ends.put(random.Random(9).randbytes(9 * 1024**2))
    key = ends.at(file_id, ends.route.target)

    def delete() -> None:
        set_file(ends, file_id, status=FileStatus.DELETED)
        Removal(ends.database, ends.storages).remove([file_id])

    report = ends.move().run(MoveOptions(), watcher=Hook(delete))
    assert (report.moved, report.failed, report.complete) == (0, [], True)
    assert [trouble.file_id for trouble in report.skipped] == [file_id]
    for backend in Backend:
        role = key.role
        bucket = ends.storages.of(backend).bucket_for(role)
        assert not ends.storages.of(backend).file_exists(ObjectRef(role, key.key, bucket))


def test_a_file_that_is_finished_meanwhile_moves_too_and_one_under_way_is_told(ends: Ends) -> None:
    ends.put(b"first")
    ends.shelf.uploads.start(ends.shelf.caller, NewUpload("waiting.csv", 5))
    report = ends.move().run(MoveOptions(), watcher=Hook(lambda: ends.put(b"second")))
    assert report.moved == 2
    assert (report.left.files.files, report.left.under_way, report.complete) == (0, (1, 5), False)
    ends.check_all_at(ends.route.target)


def test_one_dataset_moves_alone(ends: Ends) -> None:
    one, other = ends.put(b"one"), ends.put(b"other")
    report = ends.move().run(MoveOptions(dataset_id=ends.row(one).dataset_id))
    assert (report.moved, report.complete) == (1, True)
    assert (ends.row(one).backend, ends.row(other).backend) == (ends.route.target, ends.route.source)


def test_a_failed_file_stays_and_is_told(ends: Ends) -> None:
    file_id = ends.put(b"bad")
    set_file(ends, file_id, status=FileStatus.FAILED)
    report = ends.move().run(MoveOptions())
    assert (report.moved, report.left.failed, report.complete) == (0, (1, 3), False)
    assert ends.row(file_id).backend == ends.route.source


def test_links_signed_before_the_move_go_on_working(to_store: Ends) -> None:
    ends = to_store
    data = b"a\n1\n"
    file_id = ends.put(data)
    ends.move().run(MoveOptions())
    old = ends.shelf.downloads.link(ends.shelf.caller, file_id)
    assert old.backend is Backend.MINIO
    ends.move(ends.back()).run(MoveOptions())
    with urllib.request.urlopen(old.url, timeout=30) as answer:
        assert answer.read() == data
    assert ends.shelf.downloads.link(ends.shelf.caller, file_id).backend is Backend.LOCAL


def test_a_target_that_refuses_ends_the_move_in_a_sentence(to_store: Ends) -> None:
    ends = to_store
    ends.put(b"one")
    ends.put(b"two")
    reader = {"access_key": READER_ACCESS_KEY, "secret_key": READER_SECRET_KEY}
    with closing(storages_at(ends.folder, ends.server, ends.bucket, Backend.LOCAL, **reader)) as storages:
        report = ends.move(storages=storages).run(MoveOptions(jobs=1))
    assert report.stopped is not None
    assert "refuses" in report.stopped
    assert (report.moved, report.left.files.files, report.complete) == (0, 2, False)
    check_all_at_source(ends)


def check_all_at_source(ends: Ends) -> None:
    for file_id, data in ends.files.items():
        assert ends.row(file_id).backend == ends.route.source
        assert ends.content(file_id, ends.route.source) == data


def test_a_store_that_goes_away_ends_the_move_and_the_next_run_goes_on(
    request: pytest.FixtureRequest, tmp_path: Path, own_s3_server: SeaweedServer
) -> None:
    shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "x.db")
    with (
        closing(storages_at(tmp_path, own_s3_server, "b-moving", Backend.LOCAL)) as storages,
        open_database(f"sqlite:///{tmp_path / 'x.db'}") as database,
    ):
        storages.of(Backend.MINIO).prepare()
        route = Route(Backend.LOCAL, Backend.MINIO)
        ends = Ends(make_shelf(database, storages), route, tmp_path, own_s3_server, "b-moving")
        rng = random.Random(10)
        for _ in range(4):
            ends.put(rng.randbytes(9 * 1024**2))
        hook = Hook(own_s3_server.stop)
        report = ends.move().run(MoveOptions(jobs=2), watcher=hook)
        assert report.stopped is not None
        assert "does not answer any more" in report.stopped
        assert any("Trying again" in text for text in hook.heard)
        assert (report.complete, report.moved + report.left.files.files) == (False, 4)
        assert ends.move().look(prepare=True).good is False
        own_s3_server.start()
        after = ends.move().run(MoveOptions(jobs=2))
        assert after.complete
        assert report.moved + after.moved == 4
        ends.check_all_at(Backend.MINIO)


def test_a_stop_leaves_everything_in_order(to_store: Ends) -> None:
    ends, stop = to_store, threading.Event()
    ends.put(random.Random(11).randbytes(20 * 1024**2))
    report = ends.move().run(MoveOptions(jobs=1), stop=stop, watcher=Hook(stop.set))
    assert (report.stopped, report.moved) == ("It was stopped.", 0)
    assert list(ends.storages.of(Backend.MINIO).list_multipart(BucketRole.DATASETS)) == []
    check_all_at_source(ends)
    assert ends.move().run(MoveOptions()).complete


def test_of_two_moves_at_once_the_second_says_who_is_at_it(to_store: Ends, tmp_path: Path) -> None:
    ends = to_store
    with held(ends.database, ends.folder, ends.route):
        with pytest.raises(MoveUnderWay, match=r"Process \d+ on .* from local disk to the store since") as back:
            ends.move(ends.back()).run(MoveOptions())
        assert "Wait" in str(back.value)
        (tmp_path / "elsewhere").mkdir()
        with (
            pytest.raises(MoveUnderWay, match="Another machine"),
            held(ends.database, tmp_path / "elsewhere", ends.route),
        ):
            pytest.fail("two machines moved files at once")
    assert ends.move().run(MoveOptions()).complete


def test_a_killed_move_holds_nobody_up(to_store: Ends) -> None:
    ends = to_store
    with held(ends.database, ends.folder, ends.route) as hold:
        holder = hold.leases.holder
    # What a kill leaves: the lease, and the file without its lock.
    assert Leases(ends.database, holder).take(LEASE, LIFE)
    assert ends.move().run(MoveOptions()).complete


def verdicts(checklist: Checklist) -> dict[str, tuple[Verdict, str]]:
    return {check.name: (check.verdict, check.text) for check in checklist.checks}


def test_the_checklist_says_what_will_move_and_what_stays(to_store: Ends) -> None:
    ends = to_store
    ends.put(b"x" * 1500)
    ends.shelf.uploads.start(ends.shelf.caller, NewUpload("waiting.csv", 5))
    checklist = ends.move().look()
    said = verdicts(checklist)
    assert checklist.good
    assert said["Moves"] == (Verdict.OK, "1 file (1.5 kB).")
    assert "1 file (5 bytes) of uploads under way" in said["Stays"][1]
    assert said["Settings"][0] is Verdict.NOTE
    assert "Set STORAGE_BACKEND=minio and restart" in said["Settings"][1]
    assert ends.bucket in said["Bucket"][1]
    with closing(storages_at(ends.folder, ends.server, ends.bucket, Backend.MINIO)) as switched:
        assert verdicts(ends.move(storages=switched).look())["Settings"][0] is Verdict.OK


def test_a_dry_look_makes_no_bucket_and_a_real_one_does(to_store: Ends) -> None:
    ends, bucket = to_store, f"t-{uuid.uuid4().hex[:20]}"
    with closing(storages_at(ends.folder, ends.server, bucket, Backend.LOCAL)) as storages:
        move = ends.move(storages=storages)
        for _ in range(2):
            assert verdicts(move.look())["Bucket"] == (
                Verdict.NOTE,
                f"{bucket}: missing; it is made when the move begins.",
            )
        assert verdicts(move.look(prepare=True))["Bucket"] == (Verdict.OK, f"{bucket}: there.")


def test_a_disk_without_room_stops_the_move_before_it_begins(to_store: Ends) -> None:
    ends = to_store
    file_id = ends.put(b"x")
    ends.move().run(MoveOptions(delete_source=True))
    set_file(ends, file_id, size=10**17)
    checklist = ends.move(ends.back()).look(prepare=True)
    assert not checklist.good
    verdict, said = verdicts(checklist)["Room"]
    assert (verdict, said.partition(" needed")[0]) == (Verdict.STOP, "100,000.0 TB")


def test_old_copies_go_only_where_the_new_place_is_whole(to_store: Ends) -> None:
    ends, store = to_store, to_store.storages.of(Backend.MINIO)
    good, lost, altered, failed, doubtful = (
        ends.put(name.encode(), name) for name in ("good", "lost", "altered", "failed", "doubtful")
    )
    ends.move().run(MoveOptions())
    store.delete_file(ends.at(lost, Backend.MINIO))
    store.upload_file(ends.at(altered, Backend.MINIO), io.BytesIO(b"ALTERED"), 7, "text/csv")
    set_file(ends, failed, status=FileStatus.FAILED)
    set_file(ends, doubtful, status=FileStatus.TRASHED, failure="It failed before it was put into the trash.")
    report = ends.move().run(MoveOptions(delete_source=True))
    assert report.released is not None
    assert (report.released.deleted, report.complete) == (1, False)
    assert {trouble.file_id for trouble in report.released.kept} == {lost, altered, failed, doubtful}
    assert ends.content(good, Backend.LOCAL) is None
    assert all(
        ends.content(file_id, Backend.LOCAL) == ends.files[file_id] for file_id in (lost, altered, failed, doubtful)
    )
    assert {copy.file_id for copy in ends.copies()} == {lost, altered, failed, doubtful}


def test_a_deleted_file_takes_its_old_copies_with_it(ends: Ends) -> None:
    file_id = ends.put(b"private")
    ends.move().run(MoveOptions())
    where = {backend: ends.at(file_id, backend) for backend in Backend}
    set_file(ends, file_id, status=FileStatus.DELETED)
    assert Removal(ends.database, ends.storages).remove([file_id]) == 1
    assert not any(ends.storages.of(backend).file_exists(ref) for backend, ref in where.items())
    assert ends.copies() == []


def test_a_rate_is_held(to_store: Ends) -> None:
    # Two seconds' worth of bytes each way cannot take less, however fast the machine is.
    ends = to_store
    ends.put(bytes(4 * 1024**2))
    began = time.monotonic()
    assert ends.move().run(MoveOptions(rate=2 * 1024**2)).complete
    assert time.monotonic() - began >= 2


def test_the_report_is_json(ends: Ends) -> None:
    gone = ends.put(b"gone")
    ends.storages.of(ends.route.source).delete_file(ends.at(gone, ends.route.source))
    plain = json.loads(json.dumps(ends.move().run(MoveOptions(delete_source=True)).to_plain()))
    assert plain["route"] == {"from": ends.route.source, "to": ends.route.target}
    assert plain["failed"][0]["file_id"] == str(gone)
    assert plain["left"]["files"] == {"files": 1, "size": 4}
    assert plain["complete"] is False
