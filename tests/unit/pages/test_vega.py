"""Charts' data as Vega-Lite."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pages import vega
from preview.asking import ChartData, ChartSpec
from preview.result import JsonValue


def data(spec: ChartSpec, *records: dict[str, JsonValue], x: str = "string", y: str = "integer") -> ChartData:
    return ChartData(spec, records, x, y, "over all 3 rows", partial=False)


CHARTS = [
    data(ChartSpec("bar", "a.b[0]"), {"x": "AK", "y": 3}, {"x": None, "y": 1}),
    data(ChartSpec("line", "day", "p", "mean", "c"), {"x": "2024-01-01", "y": 1.5, "color": True}, x="date", y="float"),
    data(ChartSpec("histogram", "p"), {"from": 0, "to": 1.5, "count": 2}, x="float"),
    data(ChartSpec("scatter", "p", "q"), {"x": 1, "y": "2.5"}, x="float", y="decimal"),
    data(
        ChartSpec("box", None, "p"),
        {"min": 0, "q1": 1, "median": 2, "q3": 3, "max": 4, "mean": 2, "count": 9},
        y="float",
    ),
]


def values(chart: ChartData) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = vega.specification(chart)["data"]["values"]
    return found


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.spec.kind)
def test_every_kind_is_plain_json_whose_fields_are_those_of_its_records(chart: ChartData) -> None:
    drawn = vega.specification(chart)
    text = json.dumps(drawn, allow_nan=False)
    fields = {part.split('"')[0] for part in text.split('"field": "')[1:]}
    shown = {"x_shown", "y_shown", "from_shown", "to_shown"}
    assert fields <= shown | {"x", "y", "color", "from", "to", "count", "min", "q1", "median", "q3", "max", "mean"}
    assert len(values(chart)) == len(chart.records)


def test_bars_keep_the_order_of_their_records_and_name_what_is_empty() -> None:
    drawn = vega.specification(CHARTS[0])
    assert drawn["encoding"]["x"]["sort"] == ["AK", "(empty)"]
    assert [value["x"] for value in values(CHARTS[0])] == ["AK", "(empty)"]


def test_long_names_lie_beside_their_bars() -> None:
    drawn = vega.specification(data(ChartSpec("bar", "city"), {"x": "Llanfairpwllgwyngyll", "y": 1}))
    assert drawn["encoding"]["y"]["field"] == "x"


def test_numbers_that_came_as_text_are_drawn_and_what_is_no_number_is_left_out() -> None:
    chart = data(
        ChartSpec("scatter", "a", "b"), {"x": "9007199254740993", "y": 1}, {"x": "NaN", "y": 1}, {"x": None, "y": 2},
        x="integer", y="float",
    )  # fmt: skip
    assert [(value["x"], value["y"]) for value in values(chart)] == [(9007199254740993.0, 1)]


def test_times_lie_where_the_file_says_whatever_the_browsers_zone() -> None:
    chart = data(ChartSpec("line", "t"), {"x": "2024-01-01", "y": 1}, {"x": "2024-01-01T00:00:00", "y": 2},
                 {"x": "2024-01-01T02:00:00+02:00", "y": 3}, {"x": None, "y": 4}, x="timestamp")  # fmt: skip
    assert {value["x"] for value in values(chart)} == {1_704_067_200_000}
    assert vega.specification(chart)["encoding"]["x"]["scale"] == {"type": "utc"}
    assert values(chart)[0]["x_shown"] == "2024-01-01"


def test_a_chart_is_told_in_a_phrase() -> None:
    assert [vega.title(chart.spec) for chart in CHARTS] == [
        "Number of rows by a.b[0]",
        "Mean of p over day, by c",
        "Distribution of p",
        "q against p",
        "Spread of p",
    ]
