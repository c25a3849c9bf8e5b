"""Which chart an address asks for."""

from __future__ import annotations

import pytest

from pages.chart_choice import choice, fitting, kind_for, params_of, possible
from preview.asking import ChartSpec
from preview.result import Column

COLUMNS = (
    Column("day", "date"),
    Column("state", "string"),
    Column("price", "float"),
    Column("area", "integer"),
    Column("tags", "list"),
)
SUGGESTED = ChartSpec("line", "day")


def test_an_address_that_says_nothing_gets_the_suggestion() -> None:
    assert choice({}, COLUMNS, SUGGESTED) == SUGGESTED


@pytest.mark.parametrize(
    "spec",
    [
        ChartSpec("bar", "state"),
        ChartSpec("bar", "state", "price", "mean", "state"),
        ChartSpec("line", "day", "area", "sum"),
        ChartSpec("scatter", "area", "price", color="state"),
        ChartSpec("histogram", "price"),
        ChartSpec("box", "state", "price"),
        ChartSpec("box", None, "price"),
    ],
    ids=lambda spec: f"{spec.kind}-{spec.x}-{spec.measure}",
)
def test_a_chart_written_into_the_address_is_read_from_it(spec: ChartSpec) -> None:
    assert choice(params_of(spec), COLUMNS, SUGGESTED) == spec


def test_what_does_not_fit_is_replaced_by_what_does() -> None:
    assert choice({"kind": "histogram", "x": "state"}, COLUMNS, SUGGESTED) == ChartSpec("histogram", "day")
    assert choice({"kind": "pie", "x": "day"}, COLUMNS, SUGGESTED) == SUGGESTED
    asked = {"kind": "bar", "x": "gone", "measure": "drop table", "color": "tags"}
    assert choice(asked, COLUMNS, SUGGESTED) == ChartSpec("bar", "day")


def test_a_scatter_never_sets_a_column_against_itself() -> None:
    assert choice({"kind": "scatter", "x": "price", "y": "price"}, COLUMNS, SUGGESTED) == ChartSpec(
        "scatter", "price", "day"
    )


def test_a_mean_takes_a_number_whatever_the_address_says() -> None:
    asked = choice({"kind": "bar", "x": "state", "y": "state", "measure": "mean"}, COLUMNS, SUGGESTED)
    assert asked == ChartSpec("bar", "state", "price", "mean")


def test_a_column_alone_gets_the_chart_that_shows_it_best() -> None:
    assert choice({"x": "price"}, COLUMNS, SUGGESTED) == ChartSpec("histogram", "price")
    assert choice({"x": "state"}, COLUMNS, SUGGESTED) == ChartSpec("bar", "state")
    assert kind_for("tags", COLUMNS, ["bar", "line"]) == "bar"


def test_columns_that_make_no_chart_make_none() -> None:
    assert choice({}, (Column("tags", "list"),), SUGGESTED) is None
    assert possible((Column("state", "string"),)) == ["bar"]
    assert "scatter" not in possible((Column("price", "float"),))


def test_distinct_values_can_be_counted_of_any_plain_column() -> None:
    assert fitting(COLUMNS, "bar", "y", "distinct") == ["day", "state", "price", "area"]
    assert fitting(COLUMNS, "bar", "y", "sum") == ["price", "area"]
