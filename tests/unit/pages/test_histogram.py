"""Bars of a column, and the rows they lead to."""

from __future__ import annotations

from dataclasses import replace

from pages import histogram
from pages.where import parse
from preview.asking import Condition
from preview.profile import Histogram, TopValue
from tests.unit.pages.profiles import BORN, CODE, LATITUDE, NOTHING, STATE


def test_a_bar_leads_to_the_rows_in_it_and_the_last_one_holds_its_end() -> None:
    first, _, last = histogram.bars(LATITUDE)
    assert parse(first.where) == (Condition("latitude", "from", 7.0), Condition("latitude", "below", 20.0))
    assert parse(last.where) == (Condition("latitude", "from", 33.0), Condition("latitude", "upto", 72.0))
    assert (first.label, first.count) == ("7 to 20", 1)


def test_bars_of_dates_are_told_as_dates_and_asked_as_they_stand() -> None:
    bar = histogram.bars(BORN)[0]
    assert bar.label == "2024-01-01 to 2024-07-01"
    assert parse(bar.where)[0].value == "2024-01-01T00:00:00"


def test_bars_of_lengths_lead_nowhere() -> None:
    assert [bar.where for bar in histogram.bars(CODE)] == ["", ""]
    assert histogram.bars(CODE)[0].label == "3 to 6 characters"


def test_a_value_leads_to_the_rows_that_have_it_and_empty_to_those_without_one() -> None:
    column = replace(STATE, top=(TopValue("AK", 2), TopValue(None, 1)))
    assert [parse(bar.where) for bar in histogram.tops(column)] == [
        (Condition("state", "is", "AK"),),
        (Condition("state", "null"),),
    ]


def test_the_small_picture_shows_values_where_there_are_some_and_lengths_else() -> None:
    assert histogram.heights(STATE) == ([1.0, 0.331], True)
    assert histogram.heights(CODE) == ([1.0, 0.111], False)
    assert histogram.heights(NOTHING) == ([], True)


def test_a_fine_histogram_is_merged_for_the_small_picture_and_loses_no_row() -> None:
    fine = replace(LATITUDE, histogram=Histogram(tuple(range(51)), (1,) * 50))
    heights, _ = histogram.heights(fine)
    assert len(heights) <= histogram.SMALL
    assert heights == [1.0] * 16 + [0.667]


def test_the_picture_is_told_in_words() -> None:
    assert histogram.alt(LATITUDE) == "Most rows of latitude: 33 to 72, 990 rows"
    assert histogram.alt(STATE) == "Most rows of state: AK, 263 rows"
