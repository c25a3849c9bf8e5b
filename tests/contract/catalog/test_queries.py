"""SQL over stored files, and what becomes of a result; on both databases and both stores."""

from __future__ import annotations

import io
import os
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlmodel import select

import catalog.results
from catalog.caller import Caller
from catalog.charts import Charts
from catalog.errors import Busy, DatasetNameTaken, FileNotFound, InvalidName, InvalidRange
from catalog.events import EventKind
from catalog.gate import Gate
from catalog.profiler import Profiler
from catalog.profiles import Profiles
from catalog.queries import RESULT_LIFE, Queries
from catalog.results import PREFIX, Results, clear
from catalog.shelf import describe
from catalog.sweep import Sweep
from db.tables import Event, File
from db.utc import utc_now
from preview import Limits
from preview.analyst import Analyst
from preview.asking import Cancel, ChartSpec, Condition
from preview.errors import Cancelled, QueryFailed, QueryRefused
from preview.limits import MB
from storage import Backend, BucketRole, ObjectRef
from tests.contract.catalog.conftest import Shelf

FIRST = b"state,code,flights\nAK,007,3\nAK,008,4\nTX,009,\n"
SECOND = b"state,code,flights\nAK,007,3\nCA,010,5\n"


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    copies = tmp_path_factory.mktemp("copies")
    with closing(
        Analyst(
            Limits(),
            workers=1,
            memory=1024 * MB,
            timeout=timedelta(seconds=120),
            copies=copies,
            copies_limit=100 * MB,
            query_timeout=timedelta(seconds=60),
        )
    ) as made:
        yield made


@pytest.fixture
def queries(shelf: Shelf, analyst: Analyst, tmp_path: Path) -> Queries:
    profiles = Profiles(shelf.database, Profiler(shelf.database, shelf.storages, analyst))
    folder = tmp_path / "results"
    return Queries(shelf.database, shelf.storages, analyst, profiles, shelf.uploads, Gate(1), folder)


def fetch(shelf: Shelf, url: str) -> bytes:
    if shelf.storage.backend is Backend.LOCAL:
        key = url.split("?")[0].partition("/objects/temp/")[2]
        with shelf.storage.get_file(ObjectRef(BucketRole.TEMP, key)) as stream:
            return stream.read()
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content


def results(shelf: Shelf) -> list[str]:
    return [stored.ref.key for stored in shelf.storage.list_files(BucketRole.TEMP, PREFIX)]


def test_data_is_this_version_and_others_have_their_numbers(shelf: Shelf, queries: Queries) -> None:
    dataset = shelf.upload(FIRST, "flights.csv")
    newer = shelf.upload(SECOND, "flights.csv", dataset_id=dataset.summary.id)
    old, new = dataset.files[0].id, newer.files[0].id
    count = "SELECT (SELECT count(*) FROM data), (SELECT count(*) FROM v1), (SELECT count(*) FROM V2)"
    assert queries.run(shelf.caller, new, count).preview.json_rows() == [[2, 3, 2]]
    assert queries.run(shelf.caller, old, count).preview.json_rows() == [[3, 3, 2]]
    codes = queries.run(shelf.caller, old, "SELECT code, flights FROM data ORDER BY code", limit=2)
    assert (codes.preview.json_rows(), codes.more) == ([["007", 3], ["008", 4]], True)
    with pytest.raises(QueryFailed):
        queries.run(shelf.caller, new, "SELECT * FROM v3")
    with pytest.raises(QueryRefused):
        queries.run(shelf.caller, new, "SELECT * FROM read_csv('/etc/passwd')")
    for limit in (0, 10_001):
        with pytest.raises(InvalidRange):
            queries.run(shelf.caller, new, "SELECT 1", limit=limit)
    with pytest.raises(InvalidRange, match="characters"):
        queries.run(shelf.caller, new, "SELECT 1" + " " * 100_000)


def test_nobody_else_can_ask(shelf: Shelf, queries: Queries) -> None:
    file_id, stranger = shelf.upload(FIRST).files[0].id, Caller(uuid.uuid4(), "stranger")
    with pytest.raises(FileNotFound):
        queries.run(stranger, file_id, "SELECT 1")
    with pytest.raises(FileNotFound):
        queries.export(stranger, file_id, "SELECT 1", format="csv")
    with pytest.raises(FileNotFound):
        queries.save(stranger, file_id, "SELECT 1", name="Mine")
    with pytest.raises(FileNotFound):
        queries.rows(stranger, file_id, ())


def test_an_export_is_in_the_store_for_a_day_under_a_good_name(
    shelf: Shelf, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = shelf.upload(FIRST, "flights of 2001.csv").files[0].id
    made = queries.export_result(shelf.caller, file_id, "SELECT code FROM data ORDER BY code", form="csv")
    assert (made.rows, made.file_name) == (3, "flights of 2001-result.csv")
    assert pd.read_csv(io.BytesIO(fetch(shelf, made.url)), dtype=str)["code"].tolist() == ["007", "008", "009"]
    as_parquet = queries.export(shelf.caller, file_id, "SELECT * FROM data", format="parquet")
    assert pd.read_parquet(io.BytesIO(fetch(shelf, as_parquet)))["code"].tolist() == ["007", "008", "009"]
    with shelf.database.session() as session:
        events = session.exec(select(Event).where(Event.kind == EventKind.RESULT_EXPORTED)).all()
    assert [event.detail["rows"] for event in events] == [3, 3]
    upload = shelf.upload(FIRST, "kept.csv")
    Sweep(shelf.database, shelf.storages).sweep()
    assert len(results(shelf)) == 2
    monkeypatch.setattr(catalog.results, "utc_now", lambda: utc_now() + timedelta(hours=25))
    Sweep(shelf.database, shelf.storages).sweep()
    assert results(shelf) == []
    assert shelf.files.get(shelf.caller, upload.files[0].id).size == len(FIRST)
    assert list(queries.folder.iterdir()) == [], "nothing is left on the way"


def test_of_a_persons_results_the_oldest_go_and_nobody_elses(
    shelf: Shelf, queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = shelf.upload(FIRST).files[0].id
    monkeypatch.setattr(queries.analyst, "export_limit", 100)
    start, somebody = utc_now(), uuid.uuid4()
    stores = Results(shelf.storages)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x" * 290)
        file.flush()
        stores.put(Path(file.name), owner_id=somebody, form="csv", file_name="a.csv", life=RESULT_LIFE, most=300)
    for second in range(9):
        at = start + timedelta(seconds=second)
        monkeypatch.setattr(catalog.results, "utc_now", lambda at=at: at)
        queries.export(shelf.caller, file_id, "SELECT repeat('x', 70)", format="csv")
    kept = list(shelf.storage.list_files(BucketRole.TEMP, PREFIX))
    mine = [one for one in kept if somebody.hex[:12] not in one.ref.key]
    assert len(kept) == len(mine) + 1
    assert 1 < len(mine) < 9
    assert sum(one.size for one in mine) <= 300
    assert f"{start + timedelta(seconds=8):%Y%m%dT%H%M%SZ}" in max(one.ref.key for one in mine)


def test_a_saved_result_is_a_dataset_that_says_where_it_comes_from(shelf: Shelf, queries: Queries) -> None:
    file_id = shelf.upload(FIRST, "flights.csv", name="Flights").files[0].id
    sql = "SELECT * FROM data WHERE state = 'AK' -- and more"
    saved = shelf.datasets.get(shelf.caller, queries.save(shelf.caller, file_id, sql, name="Alaska/North"))
    assert (saved.summary.name, saved.summary.file_name) == ("Alaska/North", "Alaska-North.parquet")
    assert saved.summary.description.startswith("Result of a query over “Flights” version 1 (flights.csv):")
    assert "state = 'AK'" in saved.summary.description
    again = queries.run(shelf.caller, saved.files[0].id, "SELECT code FROM data ORDER BY 1")
    assert again.preview.json_rows() == [["007"], ["008"]]
    with shelf.database.session() as session:
        event = session.exec(select(Event).where(Event.kind == EventKind.RESULT_SAVED)).one()
    assert (event.dataset_id, event.detail["dataset"]) == (saved.summary.id, "Flights")
    before = shelf.objects()
    with pytest.raises(DatasetNameTaken):
        queries.save(shelf.caller, file_id, sql, name="Flights")
    with pytest.raises(InvalidName):
        queries.save(shelf.caller, file_id, "SELECT 1", name=" ")
    with pytest.raises(QueryFailed):
        queries.save(shelf.caller, file_id, "SELECT nothing FROM data", name="Nothing")
    assert shelf.objects() == before


def test_rows_under_conditions_and_charts_read_the_same_file(shelf: Shelf, queries: Queries) -> None:
    file_id = shelf.upload(FIRST, "flights.csv").files[0].id
    found = queries.rows(shelf.caller, file_id, [Condition("state", "is", "AK")], columns=["code"], rows=1, offset=1)
    assert (found.json_rows(), found.total_rows) == ([["008"]], 2)
    with pytest.raises(InvalidRange):
        queries.rows(shelf.caller, file_id, (), rows=0)
    with pytest.raises(InvalidRange):
        queries.rows(shelf.caller, file_id, [Condition("state", "null")] * 51)
    charts = Charts(shelf.database, shelf.storages, queries.analyst, queries.profiles, queries.gate)
    drawn = charts.draw(shelf.caller, file_id, ChartSpec("bar", "state"))
    assert [(one["x"], one["y"]) for one in drawn.records] == [("AK", 2), ("TX", 1)]


def test_every_example_runs(shelf: Shelf, queries: Queries) -> None:
    dataset = shelf.upload(FIRST, "flights.csv")
    file_id = shelf.upload(SECOND, "flights.csv", dataset_id=dataset.summary.id).files[0].id
    assert queries.examples(shelf.caller, file_id) == [], "its columns are not known yet"
    with shelf.database.transaction() as session:
        columns = [("state", "string"), ("code", "string"), ("flights", "integer")]
        describe(session, session.get_one(File, file_id), columns)
    examples = queries.examples(shelf.caller, file_id)
    assert len(examples) >= 4
    for example in examples:
        queries.run(shelf.caller, file_id, example.sql)


def test_one_at_a_time_and_a_cancelled_one_ends(shelf: Shelf, queries: Queries) -> None:
    file_id, cancel, gate = shelf.upload(FIRST).files[0].id, Cancel(), Gate(1, waiting=0)
    slow = "SELECT count(*) FROM range(1000000000) a, range(1000000) b"
    hasty = Queries(**{**vars(queries), "gate": gate})
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(hasty.run, shelf.caller, file_id, slow, cancel=cancel)
        try:
            while not gate.inside and not running.done():
                time.sleep(0.01)
            with pytest.raises(Busy):
                hasty.run(shelf.caller, file_id, "SELECT 1")
        finally:
            cancel.set()
        with pytest.raises(Cancelled):
            running.result(60)
    assert hasty.run(shelf.caller, file_id, "SELECT 1").preview.json_rows() == [[1]]


def test_what_a_killed_app_left_half_written_is_dropped_after_a_day(tmp_path: Path) -> None:
    for name, hours in (("result-old", 25), ("result-new", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.csv").write_bytes(b"x")
        then = time.time() - hours * 3600
        os.utime(tmp_path / name, (then, then))
    clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["result-new"]
