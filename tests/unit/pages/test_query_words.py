"""What the Query screen says of a result, and makes of it."""

from __future__ import annotations

import json

import pytest

from pages import query_words
from preview.asking import QueryResult
from preview.result import Column, JsonValue, Preview


def result(columns: dict[str, str], *rows: list[JsonValue], more: bool = False, seconds: float = 0.012) -> QueryResult:
    preview = Preview(
        columns=tuple(Column(name, kind) for name, kind in columns.items()),
        offset=0,
        total_rows=None if more else len(rows),
        partial=False,
        notes=(),
        format="query",
        read_as=(),
        column_count=len(columns),
        rows_json=json.dumps(rows).encode(),
    )
    return QueryResult(preview, more=more, seconds=seconds)


COUNTS = result({"state": "string", "airports": "integer"}, ["AK", 263], ["TX", 209], ["CA", 205])


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0001, "1 ms"), (0.012, "12 ms"), (0.9999, "1.0 s"), (1.44, "1.4 s"), (25.2, "25 s")]
)
def test_time_is_told_in_its_own_unit(seconds: float, shown: str) -> None:
    assert query_words.took(seconds) == shown


def test_an_answer_says_how_many_rows_it_shows_and_whether_there_are_more() -> None:
    assert query_words.told(COUNTS, stops_after=30) == "3 rows in 12 ms · read-only, stops after 30 s"
    cut = result({"a": "integer"}, [1], more=True)
    assert query_words.told(cut, stops_after=30).startswith("The first 1 row in")


def test_the_tables_and_their_columns_are_named_as_sql_takes_them() -> None:
    said = query_words.tables(["state", "Last Name"], 1000, 4, [4, 3, 1])
    assert '`data` :gray[is v4: state, "Last Name" and 988 more]' in said
    assert said.endswith("`v3`, `v1` :gray[are the other versions]")
    assert "v" not in query_words.tables(["a"], 1, 1, [1]).partition("is v1")[2]


@pytest.mark.parametrize(
    ("name", "quoted"), [("state", "state"), ("State", '"State"'), ('a"b', '"a""b"'), ("größe", '"größe"')]
)
def test_a_name_is_quoted_where_sql_needs_it(name: str, quoted: str) -> None:
    assert query_words.quoted(name) == quoted


def test_rows_are_copied_as_csv_that_a_spreadsheet_takes() -> None:
    rows = result({"a": "string", "b": "boolean", "c": "struct"}, ['x,"y"', True, {"k": 1}], [None, False, None])
    assert query_words.as_csv(rows.preview) == 'a,b,c\n"x,""y""",true,"{""k"": 1}"\n,false,\n'


def test_a_result_too_big_for_a_clipboard_is_not_offered_to_it() -> None:
    assert query_words.as_csv(result({"a": "string"}, *[["x" * 3000]] * 1000).preview) is None


def test_a_ranking_gets_bars_and_anything_else_does_not() -> None:
    assert set(query_words.bars_of_counts(COUNTS.preview, COUNTS.preview.frame)) == {"airports"}
    for other in (
        result({"state": "string", "n": "integer"}, ["AK", 1], ["TX", 3], ["CA", 2]),
        result({"id": "integer", "n": "integer"}, [1, 3], [2, 2], [3, 1]),
        result({"state": "string", "n": "integer"}, ["AK", 3], ["TX", None], ["CA", 2]),
        result({"state": "string", "n": "integer"}, ["AK", 1], ["TX", 0], ["CA", -1]),
    ):
        assert query_words.bars_of_counts(other.preview, other.preview.frame) == {}


def test_a_result_is_drawn_by_its_first_column_and_its_first_number() -> None:
    chart = query_words.result_chart(COUNTS)
    assert chart is not None
    assert (chart.spec.kind, chart.spec.x, chart.spec.y) == ("bar", "state", "airports")
    assert chart.how == "All 3 rows of the result"
    line = query_words.result_chart(result({"day": "date", "n": "integer"}, ["2024-01-01", 1]))
    assert line is not None
    assert line.spec.kind == "line"
    scatter = query_words.result_chart(result({"x": "integer", "y": "float"}, [1, 1.5], [1, 2.5]))
    assert scatter is not None
    assert scatter.spec.kind == "scatter"


def test_what_the_chart_of_a_result_leaves_out_is_said() -> None:
    many = result({"k": "string", "n": "integer"}, *[[f"k{n}", n] for n in range(80)], more=True)
    chart = query_words.result_chart(many)
    assert chart is not None
    assert len(chart.records) == query_words.BARS
    assert chart.how == "The first 50 of the first 80 rows of the result"


def test_without_a_number_beside_a_first_column_there_is_no_chart() -> None:
    assert query_words.result_chart(result({"n": "integer"}, [1])) is None
    assert query_words.result_chart(result({"a": "string", "b": "string"}, ["x", "y"])) is None
    assert query_words.result_chart(result({"a": "list", "b": "integer"}, [[1], 2])) is None
