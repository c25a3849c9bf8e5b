"""Local disk under SIGKILL, rival writers and a full disk: the old state or the new one, never a mixture."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from storage import (
    LengthRequired,
    LocalFileStorage,
    ObjectRef,
    Part,
    PartRejected,
    PartSuperseded,
    PartTooLarge,
    StorageError,
    StorageFull,
    UploadNotFound,
    WrongLength,
)
from tests.contract.storage.conftest import fresh_ref
from tests.faults.storage import crash_scripts
from tests.faults.storage.crash_scripts import PART_SIZE, writer_for
from tests.real_parts import missing

FIRST = b"a" * PART_SIZE
ROOT = Path(__file__).parents[3]


@pytest.fixture
def storage(tmp_path: Path) -> LocalFileStorage:
    made = crash_scripts.local(tmp_path / "objects")
    made.prepare()
    return made


@pytest.fixture
def upload(storage: LocalFileStorage) -> tuple[ObjectRef, str]:
    ref = fresh_ref()
    return ref, storage.start_multipart(ref, "text/csv", PART_SIZE)


def put(storage: LocalFileStorage, ref: ObjectRef, upload_id: str, number: int, data: bytes) -> Part:
    with writer_for(storage, ref, upload_id, number, len(data)) as writer:
        writer.write(data)
        return Part(number, writer.commit())


def content(storage: LocalFileStorage, ref: ObjectRef) -> bytes:
    with storage.get_file(ref) as file:
        return file.read()


def run_until_killed(name: str, storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> None:
    command = [sys.executable, "-m", "tests.faults.storage.crash_scripts", name, str(storage.root), ref.key, upload_id]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        if "ready\n" in iter(child.stdout.readline, ""):
            child.kill()
    assert child.returncode == -signal.SIGKILL


def test_part_cut_off_by_sigkill_is_not_there_and_can_be_sent_again(
    storage: LocalFileStorage, upload: tuple[ObjectRef, str]
) -> None:
    ref, upload_id = upload
    first = put(storage, ref, upload_id, 1, FIRST)
    run_until_killed("write_half_a_part", storage, ref, upload_id)

    assert [part.number for part in storage.list_parts(ref, upload_id)] == [1]
    with pytest.raises(PartRejected):
        storage.complete_multipart(ref, upload_id, [first, Part(2, "0" * 32)])
    second = put(storage, ref, upload_id, 2, b"the end")
    storage.complete_multipart(ref, upload_id, [first, second])
    assert content(storage, ref) == FIRST + b"the end"


def test_object_cut_off_by_sigkill_is_not_there_and_is_swept_a_day_later(storage: LocalFileStorage) -> None:
    ref = fresh_ref()
    run_until_killed("upload_half_an_object", storage, ref, "-")
    assert not storage.file_exists(ref)
    assert list(storage.list_files(ref.role)) == []
    (left,) = (storage.root / ".incoming").iterdir()
    storage.prepare()
    assert left.exists()
    day_ago = time.time() - timedelta(days=1, minutes=1).total_seconds()
    os.utime(left, (day_ago, day_ago))
    storage.prepare()
    assert not left.exists()


@pytest.mark.parametrize("moment", ["complete_and_die_before_the_rename", "complete_and_die_after_the_rename"])
def test_completion_cut_off_by_sigkill_is_finished_by_completing_again(
    storage: LocalFileStorage, upload: tuple[ObjectRef, str], moment: str
) -> None:
    ref, upload_id = upload
    parts = [put(storage, ref, upload_id, 1, FIRST), put(storage, ref, upload_id, 2, b"the end")]
    run_until_killed(moment, storage, ref, upload_id)
    assert storage.file_exists(ref) is (moment == "complete_and_die_after_the_rename")
    done = storage.complete_multipart(ref, upload_id, parts)
    assert storage.complete_multipart(ref, upload_id, parts) == done
    assert content(storage, ref) == FIRST + b"the end"
    storage.prepare()
    assert list((storage.root / ".uploads").iterdir()) == []


def test_newer_writer_of_a_part_cuts_off_the_older(storage: LocalFileStorage, upload: tuple[ObjectRef, str]) -> None:
    ref, upload_id = upload
    with writer_for(storage, ref, upload_id, 1, PART_SIZE) as older:
        older.write(b"o" * (2 * 1024**2))
        newer = put(storage, ref, upload_id, 1, b"newer")
        with pytest.raises(PartSuperseded):
            older.write(b"o" * (2 * 1024**2))
        with pytest.raises(PartSuperseded):
            older.commit()
    assert storage.list_parts(ref, upload_id) == [Part(1, newer.etag, 5)]
    storage.complete_multipart(ref, upload_id, [newer])
    assert content(storage, ref) == b"newer"


def test_part_replaced_is_refused_by_its_earlier_etag(storage: LocalFileStorage, upload: tuple[ObjectRef, str]) -> None:
    ref, upload_id = upload
    earlier = put(storage, ref, upload_id, 1, b"earlier")
    put(storage, ref, upload_id, 1, b"later")
    with pytest.raises(PartRejected):
        storage.complete_multipart(ref, upload_id, [earlier])


def test_part_sent_again_and_dropped_is_not_there(storage: LocalFileStorage, upload: tuple[ObjectRef, str]) -> None:
    ref, upload_id = upload
    put(storage, ref, upload_id, 1, b"complete")
    with writer_for(storage, ref, upload_id, 1, 100) as writer:
        writer.write(b"only a beginning")
    assert storage.list_parts(ref, upload_id) == []


def test_rival_writers_leave_one_whole_part(storage: LocalFileStorage, upload: tuple[ObjectRef, str]) -> None:
    ref, upload_id = upload
    start = threading.Barrier(4)

    def send(letter: bytes) -> None:
        start.wait()
        for _ in range(6):
            try:
                put(storage, ref, upload_id, 1, letter * PART_SIZE)
            except PartSuperseded:
                continue

    rivals = [threading.Thread(target=send, args=(letter,)) for letter in (b"p", b"q", b"r", b"s")]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    (part,) = storage.list_parts(ref, upload_id)
    storage.complete_multipart(ref, upload_id, [part])
    assert hashlib.md5(content(storage, ref)).hexdigest() == part.etag


def test_writer_that_outlives_the_upload_changes_nothing(
    storage: LocalFileStorage, upload: tuple[ObjectRef, str]
) -> None:
    ref, upload_id = upload
    with writer_for(storage, ref, upload_id, 2, PART_SIZE) as late:
        done = storage.complete_multipart(ref, upload_id, [put(storage, ref, upload_id, 1, b"whole")])
        with pytest.raises(UploadNotFound):
            late.write(b"x" * (2 * 1024**2))
    assert storage.stat_file(ref) == done
    assert content(storage, ref) == b"whole"


def test_body_of_another_length_than_announced_is_no_part(
    storage: LocalFileStorage, upload: tuple[ObjectRef, str]
) -> None:
    ref, upload_id = upload
    grant = crash_scripts.grant_for(storage, ref, upload_id, 1)
    with pytest.raises(LengthRequired):
        storage.part_writer(grant, length=None)
    with pytest.raises(PartTooLarge):
        storage.part_writer(grant, length=PART_SIZE + 1)
    with storage.part_writer(grant, length=10) as writer, pytest.raises(WrongLength):
        writer.write(b"eleven byte")
    with storage.part_writer(grant, length=10) as writer:
        writer.write(b"nine byte")
        with pytest.raises(WrongLength):
            writer.commit()
    assert storage.list_parts(ref, upload_id) == []


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_disk_that_takes_no_more_is_full_and_keeps_what_it_has(
    storage: LocalFileStorage, upload: tuple[ObjectRef, str]
) -> None:
    ref, upload_id = upload
    first, other = put(storage, ref, upload_id, 1, FIRST), fresh_ref()
    with largest_file(PART_SIZE + 1024**2):
        with pytest.raises(StorageFull) as caught:
            put(storage, ref, upload_id, 2, FIRST)
        with pytest.raises(StorageFull):
            storage.upload_file(other, io.BytesIO(FIRST * 2), None, "text/csv")
    assert isinstance(caught.value, OSError)
    assert [part.number for part in storage.list_parts(ref, upload_id)] == [1]
    assert not storage.file_exists(other)
    assert list((storage.root / ".incoming").iterdir()) == []
    storage.complete_multipart(ref, upload_id, [first, put(storage, ref, upload_id, 2, b"room again")])
    assert content(storage, ref) == FIRST + b"room again"


def test_full_file_system_is_full_and_unhealthy(tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mounted)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        missing("the right to mount a small file system")
    try:
        storage = crash_scripts.local(mounted / "objects")
        storage.prepare()
        ref = fresh_ref()
        with pytest.raises(StorageFull):
            storage.upload_file(ref, io.BytesIO(b"x" * 3_000_000), None, "text/csv")
        assert storage.check_health().ok
        with pytest.raises(OSError, match="No space"):
            (mounted / "filler").write_bytes(b"x" * 3_000_000)
        health = storage.check_health()
        assert not health.ok
        assert "no room" in health.detail
        assert not storage.file_exists(ref)
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_folder_that_vanishes_is_an_error_and_never_absent(storage: LocalFileStorage, tmp_path: Path) -> None:
    ref = fresh_ref()
    storage.upload_file(ref, io.BytesIO(b"x"), 1, "text/csv")
    storage.root.rename(tmp_path / "unmounted")
    for act in (
        lambda: storage.file_exists(ref),
        lambda: storage.stat_file(ref),
        lambda: storage.upload_file(ref, io.BytesIO(b"y"), 1, "text/csv"),
        lambda: storage.start_multipart(ref, "text/csv", PART_SIZE),
        lambda: list(storage.list_files(ref.role)),
    ):
        with pytest.raises(StorageError, match="missing"):
            act()
    assert storage.delete_file(ref) is False
    assert not storage.check_health().ok
    (tmp_path / "unmounted").rename(storage.root)
    assert storage.file_exists(ref)
