"""Where bars begin: round edges that hold every value once, however large, small or close the numbers are."""

from __future__ import annotations

import math

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview.engine.bins import moment_bin, nice_step, number_bins

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE, st.booleans())
def test_the_edges_ascend_and_hold_both_ends(one: float, other: float, whole: bool) -> None:
    low, high = sorted((one, other))
    if whole:
        low, high = float(math.floor(low)), float(math.floor(high))
    bins = number_bins(low, high, whole=whole)
    edges = bins.edges
    assert 1 <= bins.count <= 62
    assert len(edges) == bins.count + 1
    assert edges == sorted(set(edges))
    assert all(map(math.isfinite, edges))
    assert edges[0] <= low
    assert high <= edges[-1]


@pytest.mark.parametrize(
    ("low", "high", "whole", "width", "first", "count"),
    [
        (0.0, 1.0, False, 0.05, 0.0, 20),
        (0.0, 100.0, False, 5.0, 0.0, 20),
        (3.0, 7.0, True, 1.0, 3.0, 5),
        (0.0, 1.0, True, 1.0, 0.0, 2),
        (5.0, 5.0, True, 1.0, 5.0, 1),
        (-1.0, 1.0, False, 0.1, -1.0, 20),
        (0.0, 60.0, True, 2.0, 0.0, 30),
        (0.0, 70.0, True, 3.0, 0.0, 24),
    ],
)
def test_the_edges_are_round(low: float, high: float, whole: bool, width: float, first: float, count: int) -> None:
    bins = number_bins(low, high, whole=whole)
    assert (bins.step.width, bins.edges[0], bins.count) == (width, first, count)


def test_a_value_on_an_edge_is_in_the_bar_that_begins_there() -> None:
    bins = number_bins(0.0, 1.0, whole=False, most=10)
    assert bins.edges[:4] == [0.0, 0.1, 0.2, 0.3]
    with duckdb.connect() as con:
        values = [0.0, 0.1, 0.2, 0.3, 0.6, 0.7, 0.1 + 0.2, 0.29999999999999993, 1.0]
        found = con.execute(f"SELECT {bins.place('v')} FROM (SELECT unnest(?::DOUBLE[]) AS v)", [values]).fetchall()
    assert [place for (place,) in found] == [0, 1, 2, 3, 6, 7, 3, 2, 9]


@given(st.floats(1e-280, 1e300))
def test_a_step_is_round_and_not_smaller_than_asked_for(least: float) -> None:
    step = nice_step(least).width
    assert least <= step <= least * 2.6
    assert f"{step:.1e}"[:3] in ("1.0", "2.0", "2.5", "5.0")


@pytest.mark.parametrize(
    ("seconds", "unit", "times"),
    [
        (0.0001, "microsecond", 10),
        (5.0, "millisecond", 100),
        (3600.0, "minute", 5),
        (86_400.0, "minute", 30),
        (30 * 86_400.0, "day", 1),
        (365 * 86_400.0, "week", 1),
        (1000 * 86_400.0, "month", 1),
        (10 * 365 * 86_400.0, "quarter", 1),
        (3000 * 365 * 86_400.0, "year", 100),
    ],
)
def test_moments_are_binned_by_the_calendar(seconds: float, unit: str, times: int) -> None:
    found = moment_bin(seconds, days=False, most=60)
    assert (found.unit, found.times) == (unit, times)


def test_dates_are_binned_no_finer_than_days() -> None:
    assert moment_bin(60.0, days=True, most=60).unit == "day"
    assert moment_bin(7 * 3600.0, days=False, most=450, plain=True).unit == "minute"
