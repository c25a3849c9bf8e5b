"""What is read out of files: previews for a caller, and facts in the background; on both databases and both stores."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pandas as pd
import pytest
from sqlalchemy import update
from sqlmodel import col, select

from catalog import row_places
from catalog.caller import Caller
from catalog.errors import DatasetNotFound, FileNotFound, FileNotReady, InvalidRange, InvalidReadAs
from catalog.intake import NewUpload
from catalog.knowledge import Knowledge
from catalog.listing import DatasetQuery
from catalog.previews import Previews
from catalog.reader import BackgroundReader
from catalog.samples import SAMPLES, Samples
from catalog.uploads import Uploads
from catalog.views import MOST_READ_ATTEMPTS, FileVersion
from db.tables import Column, Event, File
from preview import Limits, Previewer
from preview.errors import CorruptFile, NoTable
from preview.read_as import AS_DETECTED, ReadAs
from preview.result import RowIndex, Scan
from storage import BucketRole, FileNotInStorage, ObjectRef
from tests.contract.catalog.conftest import Shelf

CSV = b"Customer_ID,amount\n" + b"".join(b"%d,%d.5\n" % (row, row) for row in range(250))
PATIENCE = timedelta(seconds=60)


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    with closing(Previewer(Limits(), workers=1)) as made:
        yield made


@pytest.fixture
def previews(shelf: Shelf, previewer: Previewer) -> Previews:
    return Previews(shelf.database, shelf.storages, previewer)


@pytest.fixture
def reader(shelf: Shelf, previewer: Previewer) -> Iterator[BackgroundReader]:
    with closing(BackgroundReader(shelf.database, shelf.storages, previewer)) as made:
        yield made


def until(shelf: Shelf, file_id: uuid.UUID, condition: Callable[[FileVersion], bool]) -> FileVersion:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while True:
        file = shelf.files.get(shelf.caller, file_id)
        if condition(file):
            return file
        assert time.monotonic() < deadline, file
        time.sleep(0.02)


def row_of(shelf: Shelf, file_id: uuid.UUID) -> File:
    with shelf.database.session() as session:
        return session.get_one(File, file_id)


def test_a_preview_shows_rows_and_teaches_the_catalogue(shelf: Shelf, previews: Previews) -> None:
    detail = shelf.upload(CSV, "sales.csv")
    file = detail.files[0]
    assert (file.columns, file.rows_counted) == (None, "counting")
    preview = previews.preview(shelf.caller, file.id, rows=2, offset=10)
    assert preview.json_rows() == [[10, 10.5], [11, 11.5]]
    assert [(column.name, column.type) for column in preview.columns] == [
        ("Customer_ID", "integer"),
        ("amount", "float"),
    ]
    after = shelf.datasets.get(shelf.caller, detail.summary.id)
    assert (after.files[0].columns, after.summary.columns) == (2, 2)
    assert after.summary.updated_at == detail.summary.updated_at, "looking at a dataset does not change it"
    with shelf.database.session() as session:
        columns = session.exec(select(Column.name).order_by(col(Column.position))).all()
    assert columns == ["Customer_ID", "amount"]
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="customer_id")).total == 1


def test_a_count_the_catalogue_knows_is_given_with_every_preview(shelf: Shelf, previews: Previews) -> None:
    file_id = shelf.upload(CSV, "sales.csv").files[0].id
    with shelf.database.transaction() as session:
        session.execute(update(File).values(rows=12_345))
    preview = previews.preview(shelf.caller, file_id, rows=1)
    assert preview.total_rows in (250, 12_345)
    assert len(preview.json_rows()) == 1


def test_what_cannot_be_previewed_says_why(shelf: Shelf, previews: Previews) -> None:
    with pytest.raises(NoTable):
        previews.preview(shelf.caller, shelf.upload(b"%PDF-1.7", "x.pdf").files[0].id)
    with pytest.raises(CorruptFile):
        previews.preview(shelf.caller, shelf.upload(b"PAR1" + bytes(100), "x.parquet").files[0].id)
    pending = shelf.uploads.start(shelf.caller, NewUpload("x.csv", 5))
    with pytest.raises(FileNotReady):
        previews.preview(shelf.caller, pending.file_id)
    file_id = shelf.upload(CSV).files[0].id
    with pytest.raises(FileNotFound):
        previews.preview(Caller(uuid.uuid4(), "stranger"), file_id)
    for rows, offset in ((0, 0), (1001, 0), (1, -1), (1, 2**63)):
        with pytest.raises(InvalidRange):
            previews.preview(shelf.caller, file_id, rows=rows, offset=offset)


def test_a_file_the_store_has_lost_says_so(shelf: Shelf, previews: Previews) -> None:
    file_id = shelf.upload(CSV).files[0].id
    file = row_of(shelf, file_id)
    shelf.storage.delete_file(ObjectRef(BucketRole.DATASETS, file.key, file.bucket))
    with pytest.raises(FileNotInStorage):
        previews.preview(shelf.caller, file_id)


def test_the_reader_describes_counts_and_hashes(shelf: Shelf, reader: BackgroundReader) -> None:
    reader.start()
    uploads = Uploads(shelf.database, shelf.storages, timedelta(hours=1), on_ready=reader.notice)
    buffer = io.BytesIO()
    pd.DataFrame({"x": range(1000), "y": "z"}).to_parquet(buffer)
    files = {"sales.csv": CSV, "sales.csv.gz": gzip.compress(CSV), "table.parquet": buffer.getvalue(), "x.pdf": b"%PDF"}
    expected = {"sales.csv": (250, 2), "sales.csv.gz": (250, 2), "table.parquet": (1000, 2), "x.pdf": (None, None)}
    for name, data in files.items():
        detail = uploads.put(shelf.caller, NewUpload(name, len(data)), io.BytesIO(data))
        file = until(shelf, detail.files[0].id, lambda file: file.sha256_verified)
        assert (file.rows, file.columns) == expected[name], name
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.rows_counted == ("unknown" if name == "x.pdf" else "known")
        summary = shelf.datasets.get(shelf.caller, detail.summary.id).summary
        assert (summary.rows, summary.columns) == expected[name]


def test_a_wrong_checksum_is_found_and_the_file_is_never_served(shelf: Shelf, reader: BackgroundReader) -> None:
    good = shelf.upload(CSV, "sales.csv", sha256=hashlib.sha256(CSV).hexdigest())
    bad = shelf.upload(CSV, "sales.csv", dataset_id=good.summary.id)
    alone = shelf.upload(CSV, "alone.csv")
    with shelf.database.transaction() as session:
        wrong = update(File).where(col(File.id).in_([bad.files[0].id, alone.files[0].id]))
        session.execute(wrong.values(sha256="0" * 64, sha256_verified=False))
    reader.start()
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while shelf.datasets.list(shelf.caller, DatasetQuery()).total != 1 or not row_of(shelf, bad.files[0].id).scanned_at:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for file_id in (bad.files[0].id, alone.files[0].id):
        with pytest.raises(FileNotReady):
            shelf.downloads.redirect(shelf.caller, file_id)
    detail = shelf.datasets.get(shelf.caller, good.summary.id)
    assert detail.summary.file_id == good.files[0].id
    assert [file.version for file in detail.files] == [1]
    assert [(file.version, file.status) for file in detail.failed] == [(2, "failed")]
    with shelf.database.session() as session:
        event = session.exec(select(Event).where(Event.file_id == bad.files[0].id, Event.kind == "file_failed")).one()
    assert event.detail["stored"] == hashlib.sha256(CSV).hexdigest()


def test_a_restart_goes_on_with_what_is_unknown(shelf: Shelf, previewer: Previewer) -> None:
    files = [shelf.upload(CSV, f"{number}.csv").files[0].id for number in range(3)]
    for _ in range(2):
        with closing(BackgroundReader(shelf.database, shelf.storages, previewer)) as reader:
            reader.start()
            for file_id in files:
                assert until(shelf, file_id, lambda file: file.sha256_verified).rows == 250
        with shelf.database.transaction() as session:
            session.execute(update(File).values(scanned_at=None, sha256=None, sha256_verified=False, rows=None))


def test_two_readers_do_each_other_no_harm(shelf: Shelf, previewer: Previewer) -> None:
    files = [shelf.upload(CSV, f"{number}.csv").files[0].id for number in range(4)]
    with (
        closing(BackgroundReader(shelf.database, shelf.storages, previewer)) as one,
        closing(BackgroundReader(shelf.database, shelf.storages, previewer)) as other,
    ):
        one.start()
        other.start()
        for file_id in files:
            file = until(shelf, file_id, lambda file: file.sha256_verified)
            assert (file.rows, file.columns) == (250, 2)
    with shelf.database.session() as session:
        assert len(session.exec(select(Column)).all()) == 8


def test_one_file_that_cannot_be_read_does_not_keep_the_others_waiting(shelf: Shelf, reader: BackgroundReader) -> None:
    lost = shelf.upload(CSV, "lost.csv").files[0].id
    file = row_of(shelf, lost)
    shelf.storage.delete_file(ObjectRef(BucketRole.DATASETS, file.key, file.bucket))
    fine = shelf.upload(CSV, "fine.csv").files[0].id
    reader.start()
    assert until(shelf, fine, lambda file: file.sha256_verified).rows == 250
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while row_of(shelf, lost).read_attempts == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert shelf.files.get(shelf.caller, lost).rows is None
    with shelf.database.transaction() as session:
        session.execute(update(File).where(col(File.id) == lost).values(read_attempts=MOST_READ_ATTEMPTS))
    assert shelf.files.get(shelf.caller, lost).rows_counted == "unknown"


def test_closing_does_not_wait_for_anything(shelf: Shelf, previewer: Previewer) -> None:
    reader = BackgroundReader(shelf.database, shelf.storages, previewer)
    reader.start()
    reader.close()
    reader.close()
    shelf.upload(CSV)


def test_the_samples_come_in_once(shelf: Shelf, previews: Previews) -> None:
    samples = Samples(shelf.uploads, shelf.datasets)
    ids = samples.load(shelf.caller)
    items = shelf.datasets.list(shelf.caller, DatasetQuery()).items
    assert [item.name for item in items] == [sample.name for sample in SAMPLES]
    assert [item.id for item in items] == list(ids)
    assert all(item.description and item.tags for item in items)
    assert samples.load(shelf.caller) == ids
    assert shelf.datasets.totals(shelf.caller).files == 5
    shelf.datasets.delete(shelf.caller, ids[0])
    assert samples.load(shelf.caller)[1:] == ids[1:]
    rows = {"Airports": 3376, "Palmer penguins": 344, "Movies": 3201, "Seattle weather": 1461, "Flights": 3_000_000}
    for item in shelf.datasets.list(shelf.caller, DatasetQuery()).items:
        assert item.file_id is not None
        preview = previews.preview(shelf.caller, item.file_id, rows=5)
        assert len(json.loads(preview.rows_json)) == 5
        assert preview.total_rows in (None, rows[item.name])


LONG = b"n;text;more\n" + b"".join(b"%d;0%d;%s\n" % (row, row, b"x" * 100) for row in range(25_000))
"""Longer than a look at its beginning."""


def test_a_later_page_of_a_long_text_is_entered_by_its_index(
    shelf: Shelf, previews: Previews, reader: BackgroundReader
) -> None:
    file_id = shelf.upload(LONG, "long.csv").files[0].id
    reader.start()
    until(shelf, file_id, lambda file: file.rows == 25_000)
    with shelf.database.session() as session:
        index = row_places.recall(session, file_id, "")
    assert index is not None
    assert LONG[index.offsets[1] :].startswith(b"%d;" % index.step)
    page = previews.preview(shelf.caller, file_id, rows=2, offset=24_998, columns=["text"])
    assert page.json_rows() == [["024998"], ["024999"]]
    assert previews.cell(shelf.caller, file_id, row=20_001, column="text") == "020001"


def test_a_dataset_read_otherwise_is_described_counted_and_indexed_anew(
    shelf: Shelf, previews: Previews, reader: BackgroundReader
) -> None:
    detail = shelf.upload(LONG, "long.csv")
    file_id, dataset_id = detail.files[0].id, detail.summary.id
    reader.start()
    until(shelf, file_id, lambda file: file.rows == 25_000 and file.columns == 3)
    said = ReadAs(delimiter="", header=False)
    Previews(shelf.database, shelf.storages, previews.previewer, on_forgotten=reader.notice).set_read_as(
        shelf.caller, dataset_id, said
    )
    assert previews.read_as(shelf.caller, dataset_id) == said
    file = until(shelf, file_id, lambda file: file.rows == 25_001)
    assert (file.columns, file.sha256_verified) == (1, True)
    with shelf.database.session() as session:
        assert row_places.recall(session, file_id, "") is None
        assert row_places.recall(session, file_id, said.key) is not None
    assert shelf.datasets.list(shelf.caller, DatasetQuery(q="text")).total == 0
    previews.set_read_as(shelf.caller, dataset_id, AS_DETECTED)
    assert previews.preview(shelf.caller, file_id, rows=1).json_rows() == [[0, "00", "x" * 100]]
    with pytest.raises(InvalidReadAs):
        previews.set_read_as(shelf.caller, dataset_id, ReadAs(encoding="klingon"))
    with pytest.raises(DatasetNotFound):
        previews.set_read_as(Caller(uuid.uuid4(), "stranger"), dataset_id, said)


def test_what_was_read_before_the_way_of_reading_changed_is_not_noted(shelf: Shelf, previews: Previews) -> None:
    detail = shelf.upload(CSV, "sales.csv")
    file_id, knowledge = detail.files[0].id, Knowledge(shelf.database)
    preview = previews.preview(shelf.caller, file_id)
    previews.set_read_as(shelf.caller, detail.summary.id, ReadAs(header=False))
    assert not knowledge.note_preview(file_id, preview, AS_DETECTED)
    index = RowIndex(10_000, (19,), "")
    scan = Scan(250, hashlib.sha256(CSV).hexdigest(), len(CSV), index)
    knowledge.note_scan(row_of(shelf, file_id), scan, AS_DETECTED)
    row = row_of(shelf, file_id)
    assert (row.columns, row.rows, row.scanned_at, row.sha256_verified) == (None, None, None, True)
    with shelf.database.session() as session:
        assert row_places.recall(session, file_id, "") is None


def test_places_of_rows_survive_being_packed() -> None:
    offsets = (0, 1, 2**40, 2**63)
    assert row_places.unpack(row_places.pack(offsets)) == offsets
    assert row_places.pack((1,)) == b"\x01" + bytes(7)
