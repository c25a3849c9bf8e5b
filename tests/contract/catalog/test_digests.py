"""Checksums of parts, from the client through the store to the background reader; both databases, both stores."""

from __future__ import annotations

import hashlib
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from catalog.digests import UNKNOWN, Digests, FileParts, PartsOfFiles
from catalog.errors import ChecksumMismatch, FileNotReady, InvalidChecksum, InvalidFolder, NotThroughApp, UploadNotFound
from catalog.intake import NewUpload
from catalog.parts import SMALL_PART, ClientPart
from catalog.previews import Previews
from catalog.reader import BackgroundReader
from catalog.removal import ref_of
from catalog.uploads import StartedUpload, Uploads
from catalog.views import DatasetDetail
from db.tables import Event, File, FileStatus, PartDigests
from preview import Limits, Previewer
from preview.result import Scan
from storage import Backend
from tests.contract.catalog.conftest import Shelf
from tests.contract.catalog.test_races import at_once

PATIENCE = timedelta(seconds=60)
TWO_PARTS = os.urandom(SMALL_PART) + b"the rest of it"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    with closing(Previewer(Limits(), workers=1)) as made:
        yield made


def row_of(shelf: Shelf, file_id: uuid.UUID) -> File:
    with shelf.database.session() as session:
        return session.get_one(File, file_id)


def begin(shelf: Shelf, data: bytes, **more: object) -> tuple[StartedUpload, list[ClientPart]]:
    """Everything is sent; each part with its digest."""
    started = shelf.uploads.start(shelf.caller, NewUpload("data.bin", len(data), **more))  # type: ignore[arg-type]
    size = started.part_size
    sent = shelf.send(started.parts, data, size)
    return started, [replace(p, sha256=sha256(data[(p.number - 1) * size : p.number * size])) for p in sent]


def stored(shelf: Shelf, data: bytes, **more: object) -> DatasetDetail:
    started, parts = begin(shelf, data, **more)
    return shelf.uploads.complete(shelf.caller, started.upload_id, parts)


def plant(shelf: Shelf, file_id: uuid.UUID, data: bytes) -> None:
    """Put other bytes under the file's key, as a broken disk or a careless hand would."""
    file = row_of(shelf, file_id)
    shelf.storages.of(Backend(file.backend)).upload_file(ref_of(file), io.BytesIO(data), len(data), file.media_type)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def read_all(shelf: Shelf, previewer: Previewer, done: Callable[[], bool]) -> None:
    with closing(BackgroundReader(shelf.database, shelf.storages, previewer)) as reader:
        reader.start()
        deadline = time.monotonic() + PATIENCE.total_seconds()
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def scanned(shelf: Shelf, *file_ids: uuid.UUID) -> Callable[[], bool]:
    return lambda: all(row_of(shelf, one).scanned_at is not None for one in file_ids)


def test_an_upload_under_way_says_by_what_its_file_is_known_again(shelf: Shelf) -> None:
    moment = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
    new = NewUpload(
        "a.csv", 5, modified_at=moment, folder="/survey\\2026//", head_sha256="A" * 64, tail_sha256="b" * 64
    )
    started = shelf.uploads.start(shelf.caller, new)
    for summary in (*shelf.uploads.list(shelf.caller), shelf.uploads.get(shelf.caller, started.upload_id).summary):
        assert (summary.modified_at, summary.folder, summary.part_count) == (moment, "survey/2026", 1)
        assert (summary.head_sha256, summary.tail_sha256) == ("a" * 64, "b" * 64)
        assert summary.via_app is (shelf.storage.backend is Backend.MINIO)
    with pytest.raises(InvalidChecksum):
        shelf.uploads.start(shelf.caller, NewUpload("a.csv", 5, head_sha256="a"))
    for folder in ("a\x00b", "x" * 1001):
        with pytest.raises(InvalidFolder):
            shelf.uploads.start(shelf.caller, NewUpload("a.csv", 5, folder=folder))


def test_part_links_lead_through_the_app_only_where_that_is_allowed(shelf: Shelf) -> None:
    def links(via: str, *asked: str) -> str:
        uploads = Uploads(shelf.database, shelf.storages, timedelta(hours=1), via=via)  # type: ignore[arg-type]
        started = uploads.start(shelf.caller, NewUpload("a.csv", 5))
        if not asked:
            return started.parts[0].url
        return uploads.sign_parts(shelf.caller, started.upload_id, [1], via=asked[0])[0][0].url  # type: ignore[arg-type]

    way = {Backend.LOCAL: "/api/ml/v1/objects/", Backend.MINIO: "/api/ml/v1/relay/"}[shelf.storage.backend]
    assert way in links("app")
    assert way in links("auto", "app")
    with pytest.raises(NotThroughApp):
        links("direct", "app")
    for url in (links("direct"), links("auto"), links("app", "direct")):
        assert "/api/ml/v1/relay/" not in url


def test_digests_of_parts_are_kept_with_the_ready_file(shelf: Shelf) -> None:
    started, parts = begin(shelf, TWO_PARTS)
    with shelf.database.session() as session:
        assert session.exec(select(PartDigests)).all() == []
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, [parts[0], replace(parts[1], sha256=None)])
    file = detail.files[0]
    assert (file.sha256, file.sha256_verified) == (None, False)
    known = PartsOfFiles(shelf.database).get(shelf.caller, file.id)
    assert known.part_size == SMALL_PART
    assert [(p.number, p.size, p.sha256) for p in known.parts] == [
        (1, SMALL_PART, sha256(TWO_PARTS[:SMALL_PART])),
        (2, 14, None),
    ]


def test_ill_formed_or_contradicting_checksums_leave_the_upload_open(shelf: Shelf) -> None:
    started, parts = begin(shelf, b"a\n1\n", sha256=sha256(b"a\n1\n"))
    for wrong, whole in ((replace(parts[0], sha256="xyz"), None), (parts[0], "0" * 64), (parts[0], "short")):
        with pytest.raises(InvalidChecksum):
            shelf.uploads.complete(shelf.caller, started.upload_id, [wrong], sha256=whole)
    detail = shelf.uploads.complete(shelf.caller, started.upload_id, parts, sha256=sha256(b"a\n1\n").upper())
    assert detail.files[0].sha256 == sha256(b"a\n1\n")


def test_right_parts_are_verified_in_one_reading(shelf: Shelf, previewer: Previewer) -> None:
    told, untold = stored(shelf, TWO_PARTS).files[0].id, shelf.upload(TWO_PARTS, "untold.bin").files[0].id
    read_all(shelf, previewer, scanned(shelf, told, untold))
    for file_id in (told, untold):
        row = row_of(shelf, file_id)
        assert (row.status, row.sha256, row.sha256_verified) == (FileStatus.READY, sha256(TWO_PARTS), True)
        assert row.verified_at is not None
        known: FileParts = PartsOfFiles(shelf.database).get(shelf.caller, file_id)
        assert [p.sha256 for p in known.parts] == [sha256(TWO_PARTS[:SMALL_PART]), sha256(TWO_PARTS[SMALL_PART:])]
        assert known.sha256 == sha256(TWO_PARTS)


@pytest.mark.usefixtures("read_later")
def test_one_flipped_byte_fails_the_file_and_names_the_part(shelf: Shelf, previewer: Previewer) -> None:
    good = stored(shelf, b"a\n1\n")
    bad = stored(shelf, TWO_PARTS, dataset_id=good.summary.id).files[0].id
    plant(shelf, bad, flipped(TWO_PARTS, SMALL_PART + 3))
    read_all(shelf, previewer, scanned(shelf, good.files[0].id, bad))
    row = row_of(shelf, bad)
    assert (row.status, row.sha256_verified) == (FileStatus.FAILED, False)
    assert row.failure is not None
    assert row.failure.startswith("Part 2 of the stored file (bytes 16,777,216–16,777,229) differs from what was sent")
    assert "upload the file again" in row.failure
    detail = shelf.datasets.get(shelf.caller, good.summary.id)
    assert (detail.summary.file_id, [one.id for one in detail.failed]) == (good.files[0].id, [bad])
    previews = Previews(shelf.database, shelf.storages, previewer)
    for act in (
        lambda: shelf.files.get(shelf.caller, bad),
        lambda: shelf.downloads.link(shelf.caller, bad),
        lambda: shelf.downloads.redirect(shelf.caller, bad),
        lambda: shelf.downloads.head(shelf.caller, bad),
        lambda: previews.preview(shelf.caller, bad),
        lambda: PartsOfFiles(shelf.database).get(shelf.caller, bad),
    ):
        with pytest.raises(FileNotReady) as refused:
            act()
        assert str(refused.value) == row.failure
    with shelf.database.session() as session:
        event = session.exec(select(Event).where(Event.file_id == bad, Event.kind == "file_failed")).one()
    assert (event.detail["part"], event.detail["version"]) == (2, 2)


def test_digests_that_come_after_a_repair_has_completed_the_upload_are_held_against_it(
    shelf: Shelf, previewer: Previewer
) -> None:
    """The app died before it had noted the completion, a repair finished it, and the client asks again."""
    late: list[uuid.UUID] = []
    for content in (TWO_PARTS, flipped(TWO_PARTS, 3)):
        started, parts = begin(shelf, TWO_PARTS)
        silent = [replace(part, sha256=None) for part in parts]
        late.append(shelf.uploads.complete(shelf.caller, started.upload_id, silent).files[0].id)
        plant(shelf, late[-1], content)
        assert shelf.uploads.complete(shelf.caller, started.upload_id, parts).files[0].id == late[-1]
    read_all(shelf, previewer, scanned(shelf, *late))
    assert [row_of(shelf, one).status for one in late] == [FileStatus.READY, FileStatus.FAILED]
    assert "Part 1" in str(row_of(shelf, late[1]).failure)


@pytest.mark.parametrize("whole", [True, False])
def test_completing_again_with_other_digests_changes_nothing(
    shelf: Shelf, previewer: Previewer, *, whole: bool
) -> None:
    started, parts = begin(shelf, TWO_PARTS, sha256=sha256(TWO_PARTS) if whole else None)
    told = [replace(part, sha256=None) for part in parts] if whole else parts
    for_good = shelf.uploads.complete(shelf.caller, started.upload_id, told)
    false = [replace(parts[0], sha256="1" * 64), parts[1]]
    assert shelf.uploads.complete(shelf.caller, started.upload_id, false).files[0].id == for_good.files[0].id
    read_all(shelf, previewer, scanned(shelf, for_good.files[0].id))
    assert row_of(shelf, for_good.files[0].id).status == FileStatus.READY
    known = PartsOfFiles(shelf.database).get(shelf.caller, for_good.files[0].id)
    assert known.parts[0].sha256 in (None, sha256(TWO_PARTS[:SMALL_PART]))


def test_on_local_disk_a_part_with_another_digest_is_refused_at_once(local_shelf: Shelf) -> None:
    started, parts = begin(local_shelf, TWO_PARTS)
    with pytest.raises(ChecksumMismatch):
        local_shelf.uploads.complete(
            local_shelf.caller, started.upload_id, [parts[0], replace(parts[1], sha256="1" * 64)]
        )
    assert local_shelf.objects() == []
    row = row_of(local_shelf, stored(local_shelf, TWO_PARTS).files[0].id)
    assert (row.sha256, row.sha256_verified) == (sha256(TWO_PARTS), True), "nothing is read twice"


def test_an_object_that_got_shorter_fails_its_file(shelf: Shelf, previewer: Previewer) -> None:
    short = shelf.upload(TWO_PARTS, "short.bin").files[0].id
    plant(shelf, short, TWO_PARTS[: SMALL_PART // 2])
    read_all(shelf, previewer, lambda: row_of(shelf, short).status == FileStatus.FAILED)
    assert "8,388,608 bytes where 16,777,230 were sent" in str(row_of(shelf, short).failure)


@pytest.mark.usefixtures("read_later")
def test_wrong_bytes_that_come_once_fail_nothing(shelf: Shelf, previewer: Previewer) -> None:
    class Lying(Previewer):
        """Reads wrong bytes, as many times as it is told."""

        times = 1

        def scan(self, *args: object, **kwargs: object) -> Scan:
            scan = previewer.scan(*args, **kwargs)  # type: ignore[arg-type]
            if self.times == 0:
                return scan
            self.times -= 1
            return replace(scan, sha256=os.urandom(32).hex(), part_digests=os.urandom(64))

    file_id = stored(shelf, TWO_PARTS).files[0].id
    with closing(Lying(Limits(), workers=1)) as lying:
        read_all(shelf, lying, scanned(shelf, file_id))
        row = row_of(shelf, file_id)
        assert (row.status, row.sha256_verified, row.failure) == (FileStatus.READY, True, None)
        unsteady = stored(shelf, TWO_PARTS).files[0].id
        lying.times = 2
        read_all(shelf, lying, lambda: row_of(shelf, unsteady).read_attempts > 0)
        row = row_of(shelf, unsteady)
        assert (row.status, row.sha256_verified, row.failure) == (FileStatus.READY, False, None)


def test_many_complete_one_upload_with_its_digests_at_once(shelf: Shelf) -> None:
    started, parts = begin(shelf, b"a\n1\n")
    outcomes = at_once([lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts)] * 4)
    assert all(isinstance(outcome, DatasetDetail) for outcome in outcomes), outcomes
    with shelf.database.session() as session:
        assert [row.digests.hex() for row in session.exec(select(PartDigests))] == [sha256(b"a\n1\n")]


def test_completing_and_cancelling_at_once_leaves_all_or_nothing(shelf: Shelf) -> None:
    for _ in range(4):
        started, parts = begin(shelf, b"a\n1\n")
        completed, cancelled = at_once(
            [
                lambda: shelf.uploads.complete(shelf.caller, started.upload_id, parts),  # noqa: B023
                lambda: shelf.uploads.abort(shelf.caller, started.upload_id),  # noqa: B023
            ]
        )
        with shelf.database.session() as session:
            kept = session.exec(select(PartDigests)).all()
        if cancelled is None:
            assert isinstance(completed, UploadNotFound)
            assert kept == []
        else:
            assert isinstance(completed, DatasetDetail)
            assert len(kept) == 1
            shelf.datasets.delete(shelf.caller, completed.summary.id)


def test_differences_are_found_part_by_part() -> None:
    one, two, other = b"1" * 32, b"2" * 32, b"3" * 32
    told = Digests(10, (one, UNKNOWN, two))
    assert told.difference(Digests(10, (one, other, two)), size=25) is None
    assert told.difference(Digests(10, (one, other, other)), size=25) == (3, 20, 24)
    assert told.difference(Digests(10, (other, other, other)), size=25) == (1, 0, 9)
    assert not told.complete
    assert Digests.told([ClientPart(1, "x")], size=5, part_size=10) is None
