"""What somebody may write instead of a question: every attempt is refused or stopped in words, and nothing leaks."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import psutil
import pytest

from preview import Limits
from preview.analyst import Analyst
from preview.asking import Cancel, Data
from preview.engine.connect import Engine
from preview.engine.fence import lock
from preview.engine.query import run
from preview.engine.tables import OpenTable
from preview.errors import (
    Cancelled,
    CorruptFile,
    PreviewError,
    QueryFailed,
    QueryRefused,
    ResultTooBig,
    SourceGone,
    TimedOut,
)
from preview.limits import MB
from tests.unit.preview.engine.asked import parquet, table
from tests.worker_processes import workers

CANARY = "canary-5f1d"
ROWS = "SELECT i AS id, 'n' || (i % 5) AS name FROM range(1000) t(i)"
OWN = "shelf://0/data.parquet"

FILES = [
    "SELECT * FROM '{secret}'",
    'SELECT * FROM "{secret}"',
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '../../etc/passwd'",
    "SELECT * FROM 'secret.csv'",
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM READ_CSV_AUTO(['{secret}'])",
    "SELECT * FROM \"read_csv\"('{secret}')",
    "SELECT * FROM main.read_csv('{secret}')",
    "SELECT * FROM system.main.read_text('{secret}')",
    "SELECT * FROM read_text('{secret}')",
    "SELECT content FROM read_blob('{secret}')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_ndjson_objects('{secret}')",
    "SELECT * FROM read_parquet('{secret}')",
    "SELECT * FROM parquet_scan('{secret}')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM parquet_kv_metadata('" + OWN + "')",
    "SELECT * FROM read_text('" + OWN + "')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM read_duckdb('{secret}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM data, LATERAL (SELECT * FROM read_text('{secret}'))",
    "SELECT (SELECT content FROM read_text('{secret}')) FROM data",
    "WITH x AS (FROM read_text('{secret}')) SELECT * FROM x",
    "SELECT * FROM data WHERE name IN (SELECT content FROM read_text('{secret}'))",
    "(SELECT 1) UNION ALL (SELECT content FROM read_text('{secret}'))",
    "SUMMARIZE SELECT * FROM read_csv('{secret}')",
    "DESCRIBE SELECT * FROM '{secret}'",
    "FROM query('SELECT * FROM read_text(''{secret}'')')",
    "FROM query_table('{secret}')",
    "FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''{secret}'')'))",
    "PIVOT (FROM read_csv('{secret}')) ON columns(*)",
    "PIVOT data ON name USING count(*); SELECT 1",
    "WITH x AS (FROM \"read_text\" ('{secret}')) PIVOT x ON content",
    "FROM (PIVOT data ON name USING count(*)), read_text/* */('{secret}')",
]
NETWORK = [
    "SELECT * FROM 'http://127.0.0.1:9/x.csv'",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "INSTALL httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:9'",
    "LOAD httpfs",
    "LOAD '{secret}'",
    "UPDATE EXTENSIONS",
    "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
]
WRITES = [
    "COPY data TO '{folder}/out.csv'",
    "COPY (SELECT 1) TO '" + OWN + "'",
    "COPY (PIVOT data ON name) TO '{folder}/out.csv'",
    "CREATE TABLE t AS PIVOT data ON name USING count(*)",
    "CREATE TABLE t AS SELECT * FROM data",
    "CREATE VIEW data2 AS SELECT 1",
    "CREATE OR REPLACE MACRO sum(x) AS 1",
    "DROP VIEW data",
    "INSERT INTO data VALUES (1, 'x')",
    "DELETE FROM data",
    "UPDATE data SET id = 1",
    "WITH x AS (DELETE FROM data RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO data VALUES (1, 'x') RETURNING *) PIVOT x ON name",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/x.db'",
    "ATTACH ':memory:' AS other",
    "SELECT 1; COPY data TO '{folder}/out.csv'",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
]
SETTINGS = [
    "SET enable_external_access = true",
    "SET memory_limit = '100GB'",
    "RESET lock_configuration",
    "SET VARIABLE x = 1",
    "PRAGMA database_list",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "USE memory",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "EXPLAIN SELECT * FROM data",
    "EXPLAIN ANALYZE PIVOT data ON name",
    "SELECT * FROM duckdb_settings()",
    'FROM "duckdb_settings"()',
    "SELECT * FROM pg_catalog.pg_settings",
    "SELECT * FROM 'pg_settings'",
    "PIVOT 'pg_settings' ON name",
    "SELECT sql FROM duckdb_views()",
    "SELECT sql FROM sqlite_master",
    "SELECT view_definition FROM information_schema.views",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM which_secret('s3://x', 's3')",
    "SELECT * FROM duckdb_logs()",
    "SELECT current_setting('allowed_paths')",
    "SELECT getenv('HOME')",
    "SELECT getvariable('x')",
    "SELECT pg_get_viewdef(1)",
    "SELECT json_serialize_plan('SELECT * FROM data')",
    "SHOW DATABASES",
    "SHOW secret_directory",
    "SHOW allowed_paths",
    "FROM (SHOW home_directory)",
    "WITH x AS (FROM (SHOW secret_directory)) SELECT * FROM x",
    "PIVOT (FROM (SHOW secret_directory)) ON secret_directory",
    'PIVOT (FROM (SHOW "memory_limit")) ON memory_limit',
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM pandas_scan(1)",
    "SELECT * FROM secret_frame",
    "SELECT ?",
    "SELECT $path",
    "SELECT sleep_ms(100000)",
    "SELECT finalize(to_aggregate_state({'a': 1}, 'sum', [1]))",
    "SELECT variant_bytes_to_variant('\\x00'::BLOB)",
]
NO_QUERY = [
    "",
    "   ",
    ";",
    "-- nothing",
    "SELEC 1",
    "SELECT 'open",
    "\0",
    "SELECT * FROM data WHERE \0",
    "\ud800",
    "(" * 50_000,
    f"SELECT 1 FROM {', '.join(['data'] * 2_000)}",
]

ATTEMPTS = [*FILES, *NETWORK, *WRITES, *SETTINGS, *NO_QUERY]


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, OpenTable, Path]]:
    folder = tmp_path_factory.mktemp("fence")
    (folder / "secret.csv").write_text(f"a,b\n{CANARY},1\n")
    os.environ["DATASHELF_CANARY"] = CANARY
    try:
        with table(ROWS) as (engine, opened):
            lock(engine.con, files=[opened.path])
            yield engine, opened, folder
    finally:
        del os.environ["DATASHELF_CANARY"]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=range(len(ATTEMPTS)))
def test_an_attempt_is_refused_in_words(attempt: str, fenced: tuple[Engine, OpenTable, Path]) -> None:
    engine, _, folder = fenced
    secret_frame = [CANARY]  # a variable that DuckDB would find, were it let
    sql = attempt.replace("{secret}", str(folder / "secret.csv")).replace("{folder}", str(folder))
    with pytest.raises((QueryRefused, QueryFailed)) as refused:
        run(engine.con, sql, tables={"data"}, limit=100, limits=Limits())
    said = str(refused.value)
    assert said.endswith((".", "?")), said
    assert len(said) < 500
    assert secret_frame[0] not in said
    assert str(folder) not in said
    assert sorted(path.name for path in folder.iterdir()) == ["secret.csv"]
    answer = run(engine.con, "SELECT count(*), sum(id) FROM data", tables={"data"}, limit=1, limits=Limits())
    assert answer[1] == b"[[1000,499500]]"


RAW = [
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM '{secret}'",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x')",
    "SELECT * FROM read_text('shelf://1/data.parquet')",
    "SELECT * FROM read_text('shelf://../{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM secret_frame",
    "COPY data TO '{folder}/out.csv'",
    "COPY data TO '" + OWN + "'",
    "EXPORT DATABASE '{folder}/out'",
    "ATTACH '{folder}/x.db'",
    "INSTALL httpfs",
    "LOAD '{secret}'",
    "SET enable_external_access = true",
    "SET allowed_paths = ['{secret}']",
    "SET temp_directory = '{folder}'",
    "SET profiling_output = '{folder}/x'",
    "SET python_enable_replacements = true",
    "RESET lock_configuration",
    "CREATE PERSISTENT SECRET s (TYPE http)",
]


@pytest.mark.parametrize("attempt", RAW, ids=range(len(RAW)))
def test_the_connection_alone_holds_against_what_the_words_would_let_through(
    attempt: str, fenced: tuple[Engine, OpenTable, Path]
) -> None:
    engine, _, folder = fenced
    secret_frame = [CANARY]
    with pytest.raises((duckdb.Error, OSError)):
        engine.con.execute(attempt.replace("{secret}", str(folder / "secret.csv")).replace("{folder}", str(folder)))
    assert secret_frame == [CANARY]
    assert sorted(path.name for path in folder.iterdir()) == ["secret.csv"]
    assert engine.con.execute("SELECT count(*) FROM data").fetchall() == [(1000,)]


def test_what_the_connection_does_tell_names_no_place(fenced: tuple[Engine, OpenTable, Path]) -> None:
    engine, opened, _ = fenced
    told = str(engine.con.execute("SELECT sql FROM duckdb_views() WHERE NOT internal").fetchall())
    assert opened.path in told
    assert "file:" not in told
    assert opened.parquet.url.removeprefix("file://") not in told


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (Path.unlink, SourceGone, "no longer in the store"),
        (lambda path: path.write_bytes(b"PAR1"), SourceGone, "shorter than it was"),
        (lambda path: path.write_bytes(overwritten(path.read_bytes())), CorruptFile, "is damaged"),
    ],
    ids=["gone", "shorter", "damaged"],
)
def test_an_error_of_the_data_names_no_place(
    change: Callable[[Path], object], error: type[PreviewError], said: str
) -> None:
    with table("SELECT i AS id, md5(i::VARCHAR) AS name FROM range(100000) t(i)") as (engine, opened):
        lock(engine.con, files=[opened.path])
        path = Path(opened.parquet.url.removeprefix("file://"))
        change(path)
        with pytest.raises(error, match=said) as failed:
            run(engine.con, "SELECT max(name), sum(id) FROM data", tables={"data"}, limit=1, limits=Limits())
    assert str(path.parent) not in str(failed.value)
    assert "shelf:" not in str(failed.value)


def overwritten(content: bytes) -> bytes:
    return content[:1000] + b"\xa5" * 500_000 + content[501_000:]


ALLOWED = [
    "SELECT name, row_number() OVER (PARTITION BY name ORDER BY id) FROM data QUALIFY 1 = 1",
    "SELECT a.id FROM data a JOIN v1 USING (id) LEFT JOIN data c ON c.id = a.id + 1",
    "SELECT * FROM data ASOF JOIN v1 ON data.id >= v1.id",
    "PIVOT data ON name USING count(*)",
    "PIVOT data ON name USING sum(id) GROUP BY id",
    "WITH p AS (PIVOT data ON name USING count(*)) SELECT * FROM p -- done",
    "FROM data PIVOT (count(*) FOR name IN ('n1', 'n2'))",
    "UNPIVOT (SELECT id, id * 2 AS twice FROM data) ON id, twice",
    "SUMMARIZE data",
    "DESCRIBE data",
    "SHOW TABLES",
    "SHOW data",
    'SHOW "DATA"',
    "PIVOT (FROM (SHOW data)) ON column_name",
    "FROM data",
    "TABLE data",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT * EXCLUDE (name) REPLACE (id + 1 AS id) FROM data",
    "SELECT columns('n.*') FROM data",
    "SELECT regexp_extract(name, '[0-9]+')::INT, name SIMILAR TO 'n[12]', name GLOB 'n*' FROM data",
    "SELECT strftime(DATE '2020-01-01' + id::INT, '%Y-%m'), age(now()), INTERVAL 1 MONTH FROM data",
    """SELECT json_extract('{"a": [1, 2]}', '$.a[0]'), '{"a": 1}'::JSON ->> 'a'""",
    """SELECT * FROM json_each('{"a": 1}')""",
    "SELECT list_transform([id], lambda x: x + 1), [x * 2 FOR x IN [1, 2]], unnest([1, 2]) FROM data",
    "SELECT * FROM generate_series(1, 3), range(2)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "SELECT quantile_cont(id, 0.5), mode(name), arg_max(name, id), approx_quantile(id, 0.1) FROM data",
    "SELECT name, count(*) FILTER (WHERE id > 5) FROM data GROUP BY ROLLUP (name) HAVING count(*) > 1",
    "SELECT * FROM data USING SAMPLE 5",
    "SELECT * FROM histogram(data, id)",
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'data'",
    "SELECT * FROM main.data WHERE EXISTS (SELECT 1 FROM memory.main.v1)",
    "SELECT 1 AS read_text, count(*) AS query FROM data /* COPY, ATTACH */;",
    "SELECT 'COPY x TO y; DROP TABLE data' AS text FROM data -- INSERT",
]


@pytest.fixture(scope="module")
def versions() -> Iterator[Engine]:
    with table(ROWS) as (engine, opened):
        engine.con.execute("CREATE VIEW v1 AS FROM data WHERE id < 10")
        lock(engine.con, files=[opened.path])
        yield engine


@pytest.mark.parametrize("sql", ALLOWED, ids=range(len(ALLOWED)))
def test_what_analysts_write_runs(sql: str, versions: Engine) -> None:
    facts, text = run(versions.con, sql, tables={"data", "v1"}, limit=3, limits=Limits())
    assert facts["columns"]
    assert text.startswith(b"[[")


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Analyst, dict[str, Data]]]:
    folder = tmp_path_factory.mktemp("bombs")
    data = parquet(folder / "data.parquet", ROWS.replace("1000", "100_000"))
    analyst = Analyst(
        Limits(),
        workers=1,
        memory=700 * MB,
        timeout=timedelta(seconds=60),
        query_timeout=timedelta(seconds=3),
        copies=folder / "copies",
        copies_limit=100 * MB,
    )
    # The first answer waits for the worker to start.
    analyst.query({"data": data}, "SELECT 1", limit=1)
    try:
        yield analyst, {"data": data}
    finally:
        analyst.close()


MEMORY_BOMBS = [
    "SELECT length(repeat('x', 3000000000))",
    "SELECT repeat(name, 1000000) FROM data",
    "SELECT len(list_transform(range(200000000), lambda x: x * 2))",
    "SELECT length(printf('%2000000000d', 1))",
    "SELECT length(format('{:2000000000d}', 1))",
    "SELECT string_agg(name || repeat('x', 100000), '') FROM data",
    "SELECT list(a.id) FROM data a, data b",
    "SELECT * FROM data a, data b ORDER BY a.name, b.name",
    "SELECT range(300000000)",
]
ENDLESS = [
    "SELECT count(*) FROM data a, data b, data c",
    "SELECT count(*) FROM generate_series(1000000000000)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "SELECT levenshtein(repeat('a', 100000), repeat('b', 100000))",
    "SELECT length(lpad('x', 2000000000, 'y'))",
]


@pytest.mark.parametrize("sql", MEMORY_BOMBS, ids=range(len(MEMORY_BOMBS)))
def test_what_would_fill_the_memory_is_stopped_in_words(sql: str, analyst: tuple[Analyst, dict[str, Data]]) -> None:
    asked, tables = analyst
    with pytest.raises((ResultTooBig, TimedOut)) as stopped:
        asked.query(tables, sql, limit=10)
    assert str(stopped.value).endswith(".")
    assert asked.query(tables, "SELECT count(*) FROM data", limit=1).preview.json_rows() == [[100_000]]


@pytest.mark.parametrize(
    "sql", [ENDLESS[0], *(pytest.param(sql, marks=pytest.mark.long) for sql in ENDLESS[1:])], ids=range(len(ENDLESS))
)
def test_what_would_never_end_is_stopped_in_words(sql: str, analyst: tuple[Analyst, dict[str, Data]]) -> None:
    asked, tables = analyst
    with pytest.raises((TimedOut, ResultTooBig), match=r"longer than 3 s|more memory"):
        asked.query(tables, sql, limit=10)
    assert asked.query(tables, "SELECT count(*) FROM data", limit=1).preview.json_rows() == [[100_000]]


def test_a_cancelled_query_stops_using_the_processor_within_a_second(analyst: tuple[Analyst, dict[str, Data]]) -> None:
    asked, tables = analyst
    asked.query(tables, "SELECT 1", limit=1)
    before = workers("preview.engine.worker")
    cancel = Cancel()
    outcomes: list[object] = []

    def ask() -> None:
        try:
            asked.query(tables, ENDLESS[0], limit=1, cancel=cancel)
        except PreviewError as error:
            outcomes.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    busy = wait_for_work(before)
    ended_before = ended_children()
    cancel.set()
    used = sum(busy.cpu_times()[:2])
    thread.join(30)
    assert outcomes == [Cancelled]
    assert not busy.is_running()
    # What the process had used in all when it was gone: processor time, so that a busy machine does not matter.
    assert ended_children() - ended_before - used < 1
    assert asked.query(tables, "SELECT count(*) FROM data", limit=1).preview.json_rows() == [[100_000]]
    assert busy.pid not in [worker.pid for worker in workers("preview.engine.worker")]


def ended_children() -> float:
    """Seconds of processor time that all ended children of this process have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_for_work(candidates: list[psutil.Process]) -> psutil.Process:
    """The worker that uses the processor, once it does."""
    began = {worker.pid: worker.cpu_times().user for worker in candidates}
    for _ in range(500):
        for worker in candidates:
            if worker.cpu_times().user - began[worker.pid] > 0.3:
                return worker
        time.sleep(0.01)
    raise AssertionError("no worker is busy")
