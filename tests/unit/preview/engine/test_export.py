"""A whole result as a file: every row, types that survive, bounds, and nothing left where it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread, Timer

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preview import Limits
from preview.analyst import Analyst
from preview.asking import Cancel, ChartSpec, Condition, Data
from preview.engine.copies import Copies
from preview.engine.tasks import Desk
from preview.errors import Cancelled, QueryFailed, QueryRefused, ResultTooBig, SourceGone, TimedOut
from preview.limits import MB
from preview.source import Source
from tests.unit.preview.engine.asked import data_at, parquet
from tests.unit.preview.range_server import serving

ROWS = "SELECT i AS id, 'n' || (i % 5) AS name, DATE '2020-01-01' + (i % 100)::INT AS day FROM range(50000) t(i)"


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Analyst]]:
    made: list[Analyst] = []

    def analyst(*, query_timeout: float = 30, export_limit: int = 100 * MB) -> Analyst:
        made.append(
            Analyst(
                Limits(),
                workers=1,
                memory=700 * MB,
                timeout=timedelta(seconds=60),
                query_timeout=timedelta(seconds=query_timeout),
                export_limit=export_limit,
                copies=tmp_path_factory.mktemp("copies"),
                copies_limit=100 * MB,
            )
        )
        return made[-1]

    yield analyst
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def analyst(make: Callable[..., Analyst]) -> Analyst:
    return make()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return parquet(tmp_path_factory.mktemp("data") / "data.parquet", ROWS)


def test_parquet_holds_every_row_in_order_with_its_types(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    to = tmp_path / "result.parquet"
    sql = """SELECT id, name, day, sum(id) OVER () AS total, 1 AS name, [id] AS list, {'a': day} AS struct,
        INTERVAL 1 DAY AS span, '101'::BIT AS bits, 1.50::DECIMAL(4, 2) AS price, NULL AS nothing,
        TIMESTAMPTZ '2020-01-01 00:00:00+00' AS moment, name::BLOB AS bytes FROM data ORDER BY id DESC; -- done"""
    exported = analyst.export({"data": data}, sql, format="parquet", to=to)
    found = pq.read_table(to)
    assert (exported.rows, exported.size) == (50_000, to.stat().st_size)
    assert found.column_names == [name for name, _ in exported.columns]
    assert found["id"].to_pylist() == list(range(49_999, -1, -1))
    assert found.schema.field("total").type == pa.int64()
    assert found.slice(49_999).drop_columns("moment").to_pylist() == [
        {
            "id": 0,
            "name": "n0",
            "day": pd.Timestamp("2020-01-01").date(),
            "total": sum(range(50_000)),
            "name_2": 1,
            "list": [0],
            "struct": {"a": pd.Timestamp("2020-01-01").date()},
            "span": "1 day",
            "bits": "101",
            "price": pytest.approx(1.5),
            "nothing": None,
            "bytes": b"n0",
        }
    ]
    assert found.schema.field("moment").type.tz
    assert dict(exported.columns)["span"] == "duration"
    again = analyst.query({"data": data_at(to)}, "SELECT count(*), max(id), any_value(moment) FROM data", limit=1)
    assert again.preview.json_rows() == [[50_000, 49_999, "2020-01-01T00:00:00Z"]]


def test_a_sum_beyond_64_bits_stays_exact(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    sql = "SELECT id::HUGEINT AS h FROM data UNION ALL SELECT 170141183460469231731687303715884105727 ORDER BY h"
    exported = analyst.export({"data": data}, sql, format="parquet", to=tmp_path / "h.parquet")
    found = pq.read_table(tmp_path / "h.parquet")["h"].to_pylist()
    assert (exported.rows, exported.columns) == (50_001, (("h", "integer"),))
    assert [int(value) for value in found] == [*range(50_000), 170141183460469231731687303715884105727]


def test_csv_reads_back_as_it_was(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    to = tmp_path / "result.csv"
    sql = """SELECT id, CASE id WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'a "b", c' ELSE name END AS text,
        id / 7 AS real, day, id % 2 = 0 AS flag, [id, NULL] AS list, sum(id) OVER () AS total FROM data ORDER BY id"""
    exported = analyst.export({"data": data}, sql, format="csv", to=to)
    assert to.read_text().splitlines()[:4] == [
        '"id","text","real","day","flag","list","total"',
        '0,,0,2020-01-01,true,"[0,null]","1249975000"',
        '1,"",0.14285714285714285,2020-01-02,false,"[1,null]","1249975000"',
        '2,"a ""b"", c",0.2857142857142857,2020-01-03,true,"[2,null]","1249975000"',
    ]
    found = pd.read_csv(to)
    assert (exported.rows, len(found), found.id.sum()) == (50_000, 50_000, 1_249_975_000)
    assert exported.size == to.stat().st_size


def test_an_empty_result_is_a_file_with_its_columns(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    sql = "SELECT id, name FROM data WHERE false"
    assert analyst.export({"data": data}, sql, format="csv", to=tmp_path / "e.csv").rows == 0
    assert (tmp_path / "e.csv").read_text() == '"id","name"\n'
    assert analyst.export({"data": data}, sql, format="parquet", to=tmp_path / "e.parquet").rows == 0
    assert pq.read_schema(tmp_path / "e.parquet").names == ["id", "name"]


def test_a_pivot_is_written_too(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    exported = analyst.export(
        {"data": data}, "PIVOT data ON name USING sum(id) GROUP BY day", format="csv", to=tmp_path / "p.csv"
    )
    assert (exported.rows, [name for name, _ in exported.columns]) == (100, ["day", "n0", "n1", "n2", "n3", "n4"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_would_be_too_big_is_not_there(
    make: Callable[..., Analyst], data: Data, tmp_path: Path, kind: str
) -> None:
    to = tmp_path / f"big.{kind}"
    with pytest.raises(ResultTooBig, match="more than 1 MB as a file"):
        make(export_limit=MB).export({"data": data}, "SELECT id, md5(name || id) FROM data", format=kind, to=to)  # type: ignore[arg-type]
    assert not to.exists()


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELECT nme FROM data", QueryFailed),
        ("COPY data TO 'x'", QueryRefused),
        ("SELECT name::INT FROM data", QueryFailed),
    ],
)
def test_what_fails_leaves_no_file(
    analyst: Analyst, data: Data, tmp_path: Path, sql: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        analyst.export({"data": data}, sql, format="parquet", to=tmp_path / "x.parquet")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_stopped_leaves_no_file(make: Callable[..., Analyst], data: Data, tmp_path: Path) -> None:
    endless = "SELECT a.id, b.name, c.day FROM data a, data b, data c"
    with pytest.raises((TimedOut, ResultTooBig)):
        make(query_timeout=1.5).export({"data": data}, endless, format="csv", to=tmp_path / "x.csv")
    cancel = Cancel()
    Timer(1.0, cancel.set).start()
    with pytest.raises((Cancelled, ResultTooBig)):
        make().export({"data": data}, endless, format="csv", to=tmp_path / "x.csv", cancel=cancel)
    assert list(tmp_path.iterdir()) == []


def test_texts_over_http_and_several_versions_are_asked_together(analyst: Analyst, data: Data, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("code,id\n" + "".join(f"{n:05d},{n}\n" for n in range(300)))
    with serving(tmp_path) as server:
        text = Data(server.source("x.csv"), "text-over-http")
        tables = {"data": text, "v1": data}
        found = analyst.query(tables, "SELECT code, name FROM data JOIN v1 USING (id) ORDER BY id DESC", limit=2)
        assert found.preview.json_rows() == [["00299", "n4"], ["00298", "n3"]]
        rows = analyst.rows(text, [Condition("code", "is", "00042")])
        assert (rows.json_rows(), rows.total_rows, rows.format) == ([["00042", 42]], 1, "csv")
        few = ChartSpec("bar", "id", conditions=(Condition("id", "below", 3),))
        assert [bar["y"] for bar in analyst.chart(text, few).records] == [1, 1, 1]


def test_a_file_that_is_gone_is_said_to_be(analyst: Analyst, tmp_path: Path) -> None:
    gone = Data(Source((tmp_path / "gone.parquet").as_uri(), 1000, "gone.parquet"), "gone")
    for ask in (
        lambda: analyst.query({"data": gone}, "FROM data", limit=1),
        lambda: analyst.chart(gone, ChartSpec("bar", "x")),
        lambda: analyst.rows(gone, []),
    ):
        with pytest.raises(SourceGone, match="no longer in the store"):
            ask()


def test_a_query_does_not_wait_for_statistics(make: Callable[..., Analyst], data: Data) -> None:
    asked = make(query_timeout=10)
    asked.query({"data": data}, "SELECT 1", limit=1)
    cancel = Cancel()
    stopped: list[bool] = []

    def profile() -> None:
        try:
            while True:
                asked.profile(data, cancel=cancel)
        except Cancelled:
            stopped.append(True)

    thread = Thread(target=profile)
    thread.start()
    try:
        time.sleep(0.2)
        assert asked.query({"data": data}, "SELECT count(*) FROM data", limit=1).preview.json_rows() == [[50_000]]
    finally:
        cancel.set()
        thread.join(30)
    assert stopped == [True]


def test_what_a_killed_worker_spilled_goes_with_the_next_one_and_a_living_one_s_stays(tmp_path: Path) -> None:
    desk = Desk(Copies(tmp_path, MB), Limits(), 100 * MB, lambda _: None)
    left = tmp_path / "spill-left"
    left.mkdir()
    (left / "duckdb_temp_storage").write_bytes(b"x")
    with desk.spill() as mine:
        assert not left.exists()
        with desk.spill() as other:
            assert sorted(path.name for path in tmp_path.iterdir()) == sorted([Path(mine).name, Path(other).name])
    assert list(tmp_path.iterdir()) == []
