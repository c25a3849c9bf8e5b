"""Queries and charts to begin with are made of the file's own columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations

import pyarrow as pa

from catalog.charts import suggest
from catalog.examples import query_examples, quoted
from preview.asking import ChartSpec
from preview.engine.fence import lock
from preview.engine.query import run
from preview.profile import ColumnProfile, Hint, Profile
from tests.unit.preview.engine.asked import LIMITS, table

COLUMNS = [("id", "integer"), ('a "b"', "string"), ("delay", "integer"), ("day", "date")]


def known() -> Profile:
    columns = (
        ColumnProfile("id", "integer", "int", 0, distinct=100, hints=(Hint("id-like", "Every value is different."),)),
        ColumnProfile('a "b"', "string", "string_label", 5, distinct=4),
        ColumnProfile("delay", "integer", "int", 0, distinct=60),
        ColumnProfile("day", "date", "datetime", 0, distinct=90),
    )
    return Profile(100, 100, False, "all 100 rows", columns, 4)


def test_examples_name_real_columns_and_quote_them() -> None:
    examples = {one.label: one.sql for one in query_examples(COLUMNS, known(), before=2)}
    assert 'GROUP BY "a ""b"""' in examples['Rows for each a "b"']
    assert 'avg("delay")' in examples['Mean delay for each a "b"']
    assert "date_trunc('month', \"day\")" in examples["Rows for each month of day"]
    assert 'WHERE "a ""b""" IS NULL' in examples['Rows without a "b"']
    assert "FROM v2" in examples["Rows that version 2 had not"]
    assert all("data" in sql for sql in examples.values())


def test_without_statistics_there_are_examples_too_and_without_columns_none() -> None:
    assert len(query_examples(COLUMNS, None, before=None)) >= 4
    assert query_examples([], None, before=None) == []
    assert [one.label for one in query_examples([("x", "list")], None, before=None)] == ["The first rows"]


def test_the_first_chart_is_of_a_column_that_tells_something() -> None:
    assert (suggest(COLUMNS, known()).kind, suggest(COLUMNS, known()).x) == ("line", "day")
    assert (suggest(COLUMNS[:3], known()).kind, suggest(COLUMNS[:3], known()).x) == ("bar", 'a "b"')
    assert (suggest([COLUMNS[0], COLUMNS[2]], known()).x) == "delay"
    assert suggest([("s", "struct")], None).kind == "bar"


def test_with_one_row_a_moment_the_first_chart_is_of_what_they_measure() -> None:
    profile = known()
    daily = replace(profile, columns=(*profile.columns[:3], replace(profile.columns[3], distinct=100)))
    assert suggest(COLUMNS, daily) == ChartSpec("line", "day", "delay", "mean")
    assert suggest(COLUMNS[3:], daily) == ChartSpec("line", "day")


def test_the_first_chart_is_of_an_id_only_where_there_is_no_other_number() -> None:
    ids = [("shop_id", "integer"), ("delay", "integer")]
    assert suggest(ids, None) == ChartSpec("histogram", "delay")
    assert suggest(ids[:1], None) == ChartSpec("histogram", "shop_id")


def test_quotes_in_names_are_doubled() -> None:
    assert quoted('x"; drop') == '"x""; drop"'


def test_examples_run_whatever_the_columns_are_called() -> None:
    names = ["month", "rows", "mean", "select"]
    for time, number, group in permutations(names, 3):
        content = pa.table({time: [date(2020, 1, 1), None], number: [1.5, 2.5], group: ["a", "b"]})
        with table(content) as (engine, opened):
            lock(engine.con, files=[opened.path])
            columns = [(column.name, column.type) for column in opened.columns]
            for example in query_examples(columns, None, before=None):
                facts, _ = run(engine.con, example.sql, tables={"data"}, limit=5, limits=LIMITS)
                assert facts["columns"], example
