"""SQL over a file: the rows it gives, their types and values, and what is said where it does not run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from preview.engine.complaints import complaint, place_of, without_addresses
from preview.engine.connect import Engine
from preview.engine.fence import bare, lock
from preview.engine.query import run
from preview.errors import AboutQuery, QueryFailed, QueryRefused, ResultTooBig, SourceUnavailable
from preview.limits import Limits
from tests.unit.preview.engine.asked import LIMITS, rows_of, table

ROWS = "SELECT i AS id, 'n' || (i % 5) AS name, DATE '2020-01-01' + i::INT AS day FROM range(5000) t(i)"


_open: list[Engine] = []


@pytest.fixture(scope="module", autouse=True)
def fenced() -> Iterator[None]:
    """One locked connection for all queries here."""
    with table(ROWS) as (engine, opened):
        lock(engine.con, files=[opened.path])
        _open.append(engine)
        yield
        _open.clear()


def ask(sql: str, *, limit: int = 5, limits: Limits = LIMITS) -> tuple[dict[str, Any], list[Any]]:
    answer = run(_open[0].con, sql, tables={"data"}, limit=limit, limits=limits)
    return answer[0], rows_of(*answer)


def test_rows_in_the_order_asked_for_and_whether_there_are_more() -> None:
    facts, rows = ask("SELECT id, name FROM data ORDER BY id DESC", limit=2)
    assert rows == [[4999, "n4"], [4998, "n3"]]
    assert (facts["more"], facts["total_rows"], facts["partial"]) == (True, None, True)
    assert facts["seconds"] > 0
    facts, rows = ask("SELECT id FROM data WHERE id < 2", limit=2)
    assert (rows, facts["more"], facts["total_rows"], facts["partial"]) == ([[0], [1]], False, 2, False)
    facts, rows = ask("SELECT id FROM data WHERE false")
    assert (rows, facts["columns"], facts["more"], facts["total_rows"]) == ([], [["id", "integer"]], False, 0)
    facts, rows = ask("FROM data", limit=0)
    assert (rows, facts["more"]) == ([], True)


def test_rows_are_those_of_the_file_in_its_order_over_many_batches() -> None:
    facts, rows = ask("SELECT id FROM data", limit=4_500)
    assert [row[0] for row in rows] == list(range(4_500))
    assert facts["more"]


def test_no_more_rows_than_may_be_are_sent_however_many_are_asked_for() -> None:
    facts, rows = ask("SELECT * FROM range(20000)", limit=1_000_000)
    assert (len(rows), facts["more"]) == (10_000, True)


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("9007199254740993", "integer", "9007199254740993"),
        ("(SELECT sum(id) FROM data)", "integer", 12_497_500),
        ("170141183460469231731687303715884105727::HUGEINT", "integer", "170141183460469231731687303715884105727"),
        ("340282366920938463463374607431768211455::UHUGEINT", "integer", "340282366920938463463374607431768211455"),
        ("(repeat('9', 50))::BIGNUM", "integer", "9" * 50),
        ("1.50::DECIMAL(10, 2)", "decimal", "1.50"),
        ("'nan'::DOUBLE", "float", "NaN"),
        ("'-inf'::DOUBLE", "float", "-Infinity"),
        ("DATE '2020-02-29'", "date", "2020-02-29"),
        ("TIME '01:02:03.5'", "time", "01:02:03.500000"),
        ("TIMESTAMP '2020-01-01 10:00:00'", "timestamp", "2020-01-01T10:00:00"),
        ("TIMESTAMPTZ '2020-01-01 10:00:00+02'", "timestamp", "2020-01-01T08:00:00Z"),
        ("'\\xFF'::BLOB", "binary", "/w=="),
        ("'101'::BIT", "string", "101"),
        ("[1, NULL]", "list", [1, None]),
        ("{'a': 1, 'b': [DATE '2020-01-01']}", "struct", {"a": 1, "b": ["2020-01-01"]}),
        ("MAP {'a': 1}", "map", {"a": 1}),
        ("NULL", "null", None),
        ("true", "boolean", True),
        ("""'{"a": 1}'::JSON""", "string", '{"a": 1}'),
        ("'x'::ENUM('x', 'y')", "string", "x"),
    ],
)
def test_values_are_those_of_the_preview(sql: str, kind: str, value: Any) -> None:
    facts, rows = ask(f"SELECT {sql} AS v; -- done")
    assert (facts["columns"], rows) == ([["v", kind]], [[value]])


def test_columns_of_one_name_are_kept_apart() -> None:
    facts, rows = ask("SELECT id, id, id + 1 AS name, 1 AS id FROM data", limit=1)
    assert [name for name, _ in facts["columns"]] == ["id", "id_2", "name", "id_3"]
    assert rows == [[0, 0, 1, 1]]
    assert "told apart" in facts["notes"][0]


def test_wide_results_and_long_cells_are_cut_with_a_note() -> None:
    limits = replace(LIMITS, cells=30, cell=100)
    facts, rows = ask("SELECT repeat('x', 500), 2, 3, 4 FROM data", limit=10, limits=limits)
    assert (len(rows[0]), facts["column_count"]) == (3, 4)
    assert len(rows[0][0]) == 100
    assert any("3 of 4 columns" in note for note in facts["notes"])
    assert any("cut" in note for note in facts["notes"])


def test_a_result_of_too_much_text_is_refused() -> None:
    with pytest.raises(ResultTooBig, match="more than 1 MB"):
        ask("SELECT repeat('x', 1000) FROM data", limit=5_000, limits=replace(LIMITS, text=1_000_000))


@pytest.mark.parametrize(
    ("sql", "line", "column", "marked", "suggestion", "said"),
    [
        ("SELECT idd FROM data", 1, 8, "idd", "id", "Did you mean “id”?"),
        ("SELECT id\nFROM data\nWHERE  nme = 'x'", 3, 8, "nme", "name", "not found"),
        ("SELECT 'é', nme FROM data", 1, 13, "nme", "name", "not found"),
        ("SELECT * FROM dta", 1, 15, "dta", "data", "does not exist. Did you mean “data”?"),
        ("SELECT uper(name) FROM data", 1, 8, "uper(name)", "upper", "Did you mean “upper”?"),
        ("SELECT * FRM data", 1, 14, "data", None, 'Syntax error at or near "data".'),
        ("SELECT name::INT FROM data", 1, 12, "::INT", None, "Could not convert string 'n0' to INT32"),
        ("SELECT sum(name) FROM data", 1, 8, "sum(name)", None, "sum(VARCHAR)"),
        ("SELECT id FROM data GROUP BY name", 1, 8, "id", None, "GROUP BY"),
    ],
)
def test_an_error_says_where_it_is_and_what_may_be_meant(
    sql: str, line: int, column: int, marked: str, suggestion: str | None, said: str
) -> None:
    with pytest.raises(QueryFailed) as failed:
        ask(sql)
    error = failed.value
    assert said in str(error)
    assert error.place is not None
    assert (error.place.line, error.place.column, error.suggestion) == (line, column, suggestion)
    shown, carets = error.place.excerpt.split("\n")
    assert shown[carets.index("^") :].startswith(marked)
    assert "Candidate" not in str(error)
    assert "LINE" not in str(error)


def test_a_refusal_says_where() -> None:
    with pytest.raises(QueryRefused, match=r"read_text\(\) is not available") as refused:
        ask("SELECT 1,\n  (SELECT content FROM read_text('x'))")
    assert refused.value.place is not None
    assert (refused.value.place.line, refused.value.place.column) == (2, 24)


def test_an_error_late_in_the_rows_is_told_as_well() -> None:
    with pytest.raises(QueryFailed, match="Could not convert") as failed:
        ask("SELECT CASE WHEN id = 4999 THEN name::INT END FROM data", limit=10_000)
    assert failed.value.place is not None


def test_errors_travel_as_json_with_their_place() -> None:
    with pytest.raises(QueryFailed) as failed:
        ask("SELECT idd FROM data")
    again = QueryFailed.from_facts(failed.value.facts())
    assert (str(again), again.place, again.suggestion) == (
        str(failed.value),
        failed.value.place,
        failed.value.suggestion,
    )
    assert isinstance(again, AboutQuery)


def test_an_excerpt_is_a_part_of_a_long_line() -> None:
    sql = "SELECT " + ", ".join(f"column_{place}" for place in range(200)) + ", idd FROM data"
    place = place_of(sql, sql.index("idd"), 3)
    assert place is not None
    shown, carets = place.excerpt.split("\n")
    assert len(shown) <= 102
    assert shown[carets.index("^") :].startswith("idd")


def test_addresses_that_the_query_does_not_name_are_taken_out() -> None:
    text = "cannot open file '/srv/data/ab/cd' at https://store/x?X-Amz-Signature=1 or shelf://0/data.parquet"
    assert without_addresses(text, "SELECT 1") == "cannot open file 'the file' at the file or the file"
    assert without_addresses("no '/my/file'", "FROM '/my/file'") == "no '/my/file'"
    assert without_addresses("3/4 of a/b", "") == "3/4 of a/b"


def test_a_full_disk_is_said_to_be_full() -> None:
    said = complaint(OSError(28, "No space left on device", "/srv/data/results/x.parquet"), "SELECT 1")
    assert (type(said), str(said)) == (
        SourceUnavailable,
        "The result could not be written: No space left on device. The file itself is untouched.",
    )


@pytest.mark.parametrize(
    "said", ["std::bad_alloc", "MemoryError: ", "Traceback (most recent call last):\nMemoryError: "]
)
def test_memory_that_ends_anywhere_is_a_result_too_big(said: str) -> None:
    assert isinstance(complaint(ValueError(f"Invalid Input Error: {said}"), "SELECT 1"), ResultTooBig)


def test_a_statement_without_what_follows_it() -> None:
    assert bare("SELECT 'é;' AS \"a;b\" -- c\n ; /* d */ ; -- e") == "SELECT 'é;' AS \"a;b\""
