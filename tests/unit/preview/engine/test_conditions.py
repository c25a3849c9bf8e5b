"""Rows under conditions: each operator on each type, with values as the preview's JSON has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from preview.asking import Condition
from preview.engine.conditions import matching
from preview.errors import QueryFailed
from tests.unit.preview.engine.asked import LIMITS, rows_of, table

Find = Callable[..., tuple[dict[str, Any], list[list[Any]]]]

ROWS = """
SELECT i AS id, 't''"' || (i % 7) AS text, i::DOUBLE / 3 AS real, (i / 10)::FLOAT AS single,
  DATE '2020-01-01' + i::INT AS day, TIMESTAMPTZ '2020-01-01 00:00:00+00' + i * INTERVAL 1 HOUR AS moment,
  TIME '00:00:00' + i * INTERVAL 1 MINUTE AS clock,
  CASE WHEN i % 10 = 0 THEN NULL
    WHEN i % 10 = 1 THEN 'nan'::DOUBLE WHEN i % 10 = 2 THEN 'inf'::DOUBLE ELSE i END AS odd,
  9000000000000000000::UBIGINT + (i * 1000000000000000)::UBIGINT AS big, (i / 100)::DECIMAL(10, 2) AS price,
  [i, i + 1] AS list, i % 2 = 0 AS flag, i::VARCHAR::BLOB AS bytes, i AS "a ""b"
FROM range(1000) t(i)
"""


@pytest.fixture(scope="module")
def find() -> Iterator[Find]:
    with table(ROWS) as (engine, opened):
        engine.con.execute("SET TimeZone = 'UTC'")

        def ask(
            *conditions: Condition, columns: list[str] | None = None, rows: int = 3, offset: int = 0
        ) -> tuple[dict[str, Any], list[list[Any]]]:
            facts, text = matching(
                engine.con, opened, conditions, columns=columns, rows=rows, offset=offset, limits=LIMITS
            )
            return facts, rows_of(facts, text)

        yield ask


@pytest.mark.parametrize(
    ("column", "op", "value", "count", "first"),
    [
        ("id", "is", 5, 1, 5),
        ("id", "is", "5", 1, 5),
        ("id", "is", 1.5, 0, None),
        ("id", "is_not", 1.5, 1000, 0),
        ("id", "is_not", 0, 999, 1),
        ("id", "from", 998.5, 1, 999),
        ("id", "below", 2.5, 3, 0),
        ("id", "upto", 1.5, 2, 0),
        ("id", "from", 1e300, 0, None),
        ("id", "below", "Infinity", 1000, 0),
        ("text", "is", "t'\"3", 143, 3),
        ("text", "contains", "T'", 1000, 0),
        ("text", "contains", "%", 0, None),
        ("id", "contains", "99", 19, 99),
        ("real", "is", 1 / 3, 1, 1),
        ("single", "is", 0.10000000149011612, 1, 1),
        ("day", "is", "2020-01-05", 1, 4),
        ("day", "below", "2020-01-01T12:00:00", 1, 0),
        ("day", "from", "2022-09-26", 1, 999),
        ("moment", "is", "2020-01-01T02:00:00+01:00", 1, 1),
        ("moment", "from", "2020-02-11T15:00:00Z", 1, 999),
        ("clock", "is", "00:01:00", 1, 1),
        ("odd", "is", "NaN", 100, 1),
        ("odd", "is", "Infinity", 100, 2),
        ("odd", "from", 990, 107, 2),
        ("odd", "null", None, 100, 0),
        ("odd", "not_null", None, 900, 1),
        ("odd", "is", None, 100, 0),
        ("odd", "is_not", 3, 999, 0),
        ("big", "is", "9005000000000000000", 1, 5),
        ("big", "from", "9998000000000000000", 2, 998),
        ("price", "is", "9.99", 1, 999),
        ("price", "upto", 0.011, 2, 0),
        ("list", "is", [3, 4], 1, 3),
        ("flag", "is", True, 500, 0),
        ("flag", "is", "false", 500, 1),
        ("bytes", "is", "Nw==", 1, 7),
        ('a "b', "is", 7, 1, 7),
    ],
)
def test_the_rows_that_match_in_the_order_of_the_file(
    find: Find, column: str, op: Any, value: Any, count: int, first: int | None
) -> None:
    facts, rows = find(Condition(column, op, value), columns=["id"], rows=1)
    assert facts["total_rows"] == count
    assert rows == ([] if first is None else [[first]])


def test_all_conditions_hold_at_once_and_pages_follow_one_another(find: Find) -> None:
    conditions = (Condition("flag", "is", True), Condition("id", "from", 10), Condition("id", "below", 100))
    facts, rows = find(*conditions, columns=["real", "id"], rows=10, offset=40)
    assert facts["total_rows"] == 45
    assert [row[1] for row in rows] == [90, 92, 94, 96, 98]
    assert [name for name, _ in facts["columns"]] == ["real", "id"]
    assert (facts["column_count"], facts["all_columns"][0], facts["offset"]) == (14, "id", 40)


def test_without_a_condition_all_rows_match_and_values_are_the_preview_s(find: Find) -> None:
    facts, rows = find(rows=1, offset=999)
    assert (facts["total_rows"], facts["format"]) == (1000, "parquet")
    assert rows[0][:6] == [999, "t'\"5", 333.0, 99.9000015258789, "2022-09-26", "2020-02-11T15:00:00Z"]
    assert rows[0][8:] == ["9999000000000000000", "9.99", [999, 1000], False, "OTk5", 999]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition("idd", "is", 1), "no column “idd”. Did you mean “id”?"),
        (Condition("id", "is", "abc"), "“id” holds numbers, and “abc” is none."),
        (Condition("id", "from", "x"), "“id” holds numbers"),
        (Condition("real", "from", "x"), "“real” holds numbers"),
        (Condition("price", "is", "x"), "“price” holds numbers"),
        (Condition("day", "from", "yesterday"), "“day” holds dates, and “yesterday” is none."),
        (Condition("moment", "is", 5), "“moment” holds dates and times"),
        (Condition("clock", "is", "noon"), "“clock” holds times of day"),
        (Condition("flag", "is", "maybe"), "“flag” holds true or false"),
        (Condition("id", "from", [1]), "cannot be found by a range"),
        (Condition("bytes", "is", "no base64"), "“bytes”"),
    ],
    ids=range(11),
)
def test_what_cannot_be_is_said_before_any_row_is_read(find: Find, condition: Condition, said: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        find(condition)
    assert said in str(failed.value)


def test_columns_that_differ_in_case_only_are_each_found() -> None:
    with table(pa.table({"A": [1, 2], "a": ["x", "y"]})) as (engine, opened):
        answer = matching(
            engine.con, opened, [Condition("a", "is", "y")], columns=["A", "a"], rows=5, offset=0, limits=LIMITS
        )
    assert answer[0]["columns"] == [["A", "integer"], ["a", "string"]]
    assert rows_of(*answer) == [[2, "y"]]


def test_moments_stand_in_the_zone_that_the_file_keeps_as_in_the_preview() -> None:
    moments = [datetime(2024, 1, 1, tzinfo=UTC), None, datetime(2024, 7, 1, tzinfo=UTC)]
    content = pa.table({"n": [1, 2, 3], "at": pa.array(moments, pa.timestamp("us", "Europe/Berlin"))})
    with table(content) as (engine, opened):
        found = [
            rows_of(*matching(engine.con, opened, conditions, columns=None, rows=5, offset=0, limits=LIMITS))
            for conditions in ([], [Condition("at", "is", "2024-07-01T02:00:00+02:00")])
        ]
    assert found[0] == [[1, "2024-01-01T01:00:00+01:00"], [2, None], [3, "2024-07-01T02:00:00+02:00"]]
    assert found[1] == [[3, "2024-07-01T02:00:00+02:00"]]
