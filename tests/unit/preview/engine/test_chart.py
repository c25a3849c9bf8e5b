"""Charts: their records beside what pandas reckons from the same rows, what is said of them, and every odd case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from preview.asking import ChartData, ChartSpec, Condition
from preview.engine.chart import draw
from preview.errors import QueryFailed
from tests.unit.preview.engine.asked import table

ROWS = """
SELECT i AS id, 'g' || (i % 7) AS few, 'm' || (i % 300) AS many, i::DOUBLE / 8 AS real,
  CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN 'nan'::DOUBLE
    WHEN i % 10 = 2 THEN '-inf'::DOUBLE ELSE i END AS odd,
  DATE '2020-01-01' + (i % 1000)::INT AS day, TIMESTAMPTZ '2020-01-01 00:00:00+00' + i * INTERVAL 1 HOUR AS moment,
  10000000000000000000::UBIGINT + i::UBIGINT AS huge, (i / 100)::DECIMAL(10, 2) AS price, [i] AS list,
  {'a': i} AS struct, i % 2 = 0 AS flag, NULL::INT AS nothing, 5 AS one, 1e308 * (i % 3 - 1) AS wide,
  TIME '01:00:00' AS clock, CASE WHEN i % 4 > 0 THEN 'c' || (i % 40) END AS gaps, i % 50 AS x,
  DATE '0001-01-01' + (i * 300)::INT AS ages, i::VARCHAR::BLOB AS bytes
FROM range(10000) t(i)
"""
Draw = Callable[..., ChartData]


@pytest.fixture(scope="module")
def chart() -> Iterator[Draw]:
    with table(ROWS) as (engine, opened):

        def ask(
            kind: Any, x: str | None = None, y: str | None = None, measure: Any = "count", **more: Any
        ) -> ChartData:
            return draw(engine.con, opened, ChartSpec(kind, x, y, measure, **more))

        yield ask


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = pd.DataFrame({"id": range(10_000)})
    return rows.assign(few="g" + (rows.id % 7).astype(str), real=rows.id / 8, flag=rows.id % 2 == 0)


def test_a_histogram_counts_every_value_once(chart: Draw) -> None:
    found = chart("histogram", "real")
    assert sum(int(str(bar["count"])) for bar in found.records) == 10_000
    assert [bar["from"] for bar in found.records][:3] == [0.0, 50.0, 100.0]
    assert [bar["count"] for bar in found.records][:3] == [400, 400, 400]
    assert all(one["to"] == two["from"] for one, two in zip(found.records, found.records[1:], strict=False))
    assert (found.x_type, found.y_type, found.how, found.partial) == (
        "float",
        "integer",
        "Over all 10,000 rows",
        False,
    )


def test_a_bar_holds_the_rows_that_its_edges_find(chart: Draw) -> None:
    for name in ("real", "id", "price", "odd", "day", "moment"):
        found = chart("histogram", name)
        for bar in (found.records[0], found.records[len(found.records) // 2], found.records[-1]):
            last = bar is found.records[-1] and name not in ("day", "moment")
            within = (Condition(name, "from", bar["from"]), Condition(name, "upto" if last else "below", bar["to"]))
            again = chart("bar", "one", conditions=within)
            assert [record["y"] for record in again.records] == [bar["count"]]


def test_what_has_no_place_on_the_axis_is_counted_apart(chart: Draw) -> None:
    found = chart("histogram", "odd")
    assert sum(int(str(bar["count"])) for bar in found.records) == 7_000
    assert found.how == "Over all 10,000 rows · 3,000 without a usable value of “odd” left out"


def test_a_histogram_of_dates_has_the_calendar_s_bars(chart: Draw) -> None:
    found = chart("histogram", "day")
    assert found.records[0] == {"from": "2020-01-01", "to": "2020-02-01", "count": 310}
    assert found.records[-1] == {"from": "2022-09-01", "to": "2022-10-01", "count": 260}
    zoned = chart("histogram", "moment")
    assert zoned.records[0] == {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z", "count": 744}
    old = chart("histogram", "ages")
    assert old.records[1]["from"] == "0500-01-01"


def test_a_histogram_of_texts_is_the_bars_of_the_most_frequent(chart: Draw) -> None:
    found = chart("histogram", "many")
    assert (found.spec.kind, found.spec.measure, len(found.records)) == ("bar", "count", 24)
    assert found.how == "Top 24 of 300 groups · over all 10,000 rows"


@pytest.mark.parametrize("measure", ["sum", "mean", "median", "min", "max"])
def test_bars_are_what_pandas_reckons(chart: Draw, frame: pd.DataFrame, measure: str) -> None:
    found = chart("bar", "few", "real", measure)
    expected = frame.groupby("few").real.agg(measure)
    assert {record["x"]: record["y"] for record in found.records} == pytest.approx(expected.to_dict())
    assert [record["y"] for record in found.records] == sorted(expected, reverse=True)
    assert (found.y_type, found.how) == ("float", "All 7 groups · over all 10,000 rows")


def test_bars_in_colours_add_up_to_bars_without(chart: Draw) -> None:
    plain = chart("bar", "many", "real", "sum")
    split = chart("bar", "many", "real", "sum", color="flag")
    sums: dict[Any, float] = {}
    for record in split.records:
        sums[record["x"]] = sums.get(record["x"], 0.0) + float(str(record["y"]))
    assert sums == pytest.approx({record["x"]: record["y"] for record in plain.records})
    assert list(sums) == [record["x"] for record in plain.records]


def test_more_than_ten_colours_are_the_most_frequent_and_the_rest(chart: Draw) -> None:
    found = chart("bar", "one", color="gaps")
    colors = [record["color"] for record in found.records]
    assert len(colors) == 10
    assert {None, "Other"} < set(colors)
    assert sum(int(str(record["y"])) for record in found.records) == 10_000
    assert "the 8 most frequent of 30 values of “gaps”, the rest as Other" in found.how


def test_groups_of_a_few_numbers_stand_in_their_order(chart: Draw) -> None:
    found = chart("bar", "x", conditions=(Condition("x", "below", 12),))
    assert [record["x"] for record in found.records] == list(range(12))
    assert found.how == "All 12 groups · over the 2,400 rows that match"


def test_a_line_has_the_finest_bins_that_stay_below_five_hundred_points(chart: Draw) -> None:
    found = chart("line", "moment", "real", "mean")
    assert (found.bin, len(found.records), found.x_type) == ("day", 417, "timestamp")
    assert found.records[0] == {"x": "2020-01-01T00:00:00Z", "y": sum(range(24)) / 24 / 8}
    hours = chart("line", "moment", conditions=(Condition("moment", "below", "2020-01-11T00:00:00Z"),))
    assert (hours.bin, len(hours.records)) == ("hour", 240)
    assert chart("line", "day").bin == "week"
    assert chart("line", "ages").bin == "20 years"


def test_a_line_over_numbers_goes_by_each_value_or_by_steps(chart: Draw) -> None:
    assert [record["y"] for record in chart("line", "x").records] == [200] * 50
    found = chart("line", "real", "real", "max")
    assert len(found.records) <= 500
    assert "by steps of" in found.how


def test_a_scatter_says_that_it_is_a_sample_and_is_always_the_same(chart: Draw) -> None:
    found = chart("scatter", "real", "odd", color="flag")
    assert (len(found.records), found.partial) == (2_000, True)
    assert found.how == "A sample of 2,000 of 7,000 rows · 3,000 without both values left out"
    assert all(float(str(record["y"])) == float(str(record["x"])) * 8 for record in found.records)
    assert chart("scatter", "real", "odd", color="flag") == found
    few = chart("scatter", "id", "real", conditions=(Condition("id", "below", 10),))
    assert (len(few.records), few.partial, few.how) == (10, False, "Over the 10 rows that match")


def test_a_sample_comes_from_all_over_the_file(chart: Draw) -> None:
    places = sorted(float(str(record["x"])) for record in chart("scatter", "id", "real").records)
    tenths = [sum(1_000 * n <= place < 1_000 * (n + 1) for place in places) for n in range(10)]
    assert all(140 < count < 260 for count in tenths)


def test_boxes_have_quartiles_and_whiskers_within_their_reach(chart: Draw) -> None:
    rows = pa.table({"g": ["a"] * 9 + ["b"], "v": [1.0, 2, 3, 4, 5, 6, 7, 8, 100, 5]})
    with table(rows) as (engine, opened):
        found = draw(engine.con, opened, ChartSpec("box", "g", "v"))
        alone = draw(engine.con, opened, ChartSpec("box", None, "v"))
    values = pd.Series(rows["v"].to_pylist()[:9])
    box = found.records[0]
    assert [box["q1"], box["median"], box["q3"]] == list(values.quantile([0.25, 0.5, 0.75]))
    assert (box["x"], box["min"], box["max"], box["count"], box["outliers"]) == ("a", 1.0, 8.0, 9, 1)
    assert box["mean"] == pytest.approx(values.mean())
    assert found.records[1] == {
        "x": "b", "min": 5, "q1": 5, "median": 5, "q3": 5, "max": 5, "mean": 5, "count": 1, "outliers": 0,
    }  # fmt: skip
    assert (len(alone.records), alone.records[0]["x"], alone.records[0]["count"]) == (1, None, 10)
    assert chart("box", "many", "real").how == "Top 24 of 300 groups · over all 10,000 rows"


COLUMNS = (
    "id few many real odd day moment huge price list struct flag nothing one wide clock gaps x ages bytes".split()  # noqa: SIM905
)
SPECS = [
    *(ChartSpec("histogram", name, color=color) for name in COLUMNS for color in (None, "gaps")),
    *(ChartSpec("bar", name, y, measure) for name in COLUMNS for y, measure in ((None, "count"), ("odd", "mean"))),
    *(ChartSpec("bar", "few", name, measure) for name in COLUMNS for measure in ("sum", "median", "max", "distinct")),
    *(ChartSpec("line", name, "odd", "sum", color="many") for name in COLUMNS),
    *(ChartSpec("line", "moment", name, "min") for name in COLUMNS),
    *(ChartSpec("scatter", "real", name, color=name) for name in COLUMNS),
    *(ChartSpec("scatter", name, "odd") for name in COLUMNS),
    *(ChartSpec("box", name, "odd") for name in COLUMNS),
    *(ChartSpec("box", "gaps", name) for name in COLUMNS),
]
NONE = (Condition("id", "below", 0),)


def test_every_column_in_every_role_gives_a_chart_or_a_sentence(chart: Draw) -> None:
    drawn, said = 0, dict[ChartSpec, str]()
    for spec in SPECS:
        for conditions in ((), NONE):
            try:
                found = chart(spec.kind, spec.x, spec.y, spec.measure, color=spec.color, conditions=conditions)
            except QueryFailed as error:
                said[spec] = str(error)
                continue
            drawn += 1
            assert len(found.records) <= 5_000, spec
            assert "rows" in found.how, spec
            assert not conditions or (not found.records and "0 rows that match" in found.how), spec
            assert ChartData.from_plain(json.loads(json.dumps(found.to_plain(), allow_nan=False))) == found
    assert drawn > 250
    assert [spec for spec, text in said.items() if "needs" not in text or not text.endswith(".")] == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ChartSpec("histogram", None), "A histogram chart needs a column for its bars: choose one."),
        (ChartSpec("bar", "gone"), "no column “gone”. Did you mean “one”?"),
        (ChartSpec("bar", "few", None, "sum"), "needs a column for the sum"),
        (ChartSpec("bar", "few", "few", "sum"), "“few” does not hold numbers"),
        (ChartSpec("line", "few"), "“few” holds neither numbers nor dates"),
        (ChartSpec("scatter", "id"), "needs a column for the vertical axis"),
        (ChartSpec("box", "few", "few"), "“few” does not hold numbers"),
        (ChartSpec("histogram", "id", color="colour"), "no column “colour”"),
        (ChartSpec("pie", "id"), "no chart called “pie”"),  # type: ignore[arg-type]
        (ChartSpec("bar", "few", "id", "mode"), "no measure called “mode”"),  # type: ignore[arg-type]
        (ChartSpec("bar", "few", conditions=(Condition("id", "is", "x"),)), "“id” holds numbers"),
    ],
    ids=range(11),
)
def test_what_cannot_be_drawn_is_said(chart: Draw, spec: ChartSpec, said: str) -> None:
    with pytest.raises(QueryFailed) as failed:
        chart(spec.kind, spec.x, spec.y, spec.measure, color=spec.color, conditions=spec.conditions)
    assert said in str(failed.value)


def test_columns_with_the_names_that_the_charts_use_themselves() -> None:
    names = ["x", "y", "color", "n", "groups", "group", "part", "key", "facts", "measured", "meant", "place", "g", "v"]
    rows = pa.table({name: [1, 1, 2] for name in names} | {"top": ["a", "a", "b"]})
    with table(rows) as (engine, opened):
        for name in names:
            bars = draw(engine.con, opened, ChartSpec("bar", name, "measured", "sum", color="part"))
            assert [(record["x"], record["y"]) for record in bars.records] == [(1, 2.0), (2, 2.0)], name
            for kind in ("histogram", "line", "box", "scatter"):
                spec = ChartSpec(kind, name, "y", "sum", color=None if kind == "box" else "key")  # type: ignore[arg-type]
                assert draw(engine.con, opened, spec).records, spec
                assert draw(engine.con, opened, replace(spec, x="x")).records
