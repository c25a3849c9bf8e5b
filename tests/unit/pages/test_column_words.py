"""What the screens say of a column."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pages import column_words
from preview.profile import TopValue
from tests.unit.pages.profiles import BORN, CODE, LATITUDE, NOTHING, ROWS, STATE, profile


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7.3674, "7.37"),
        (7.0, "7"),
        (-176.6464, "-176.65"),
        (0.07734, "0.0773"),
        (1234567.25, "1,234,567.2"),
        (1.5e20, "1.5e+20"),
        (0.0, "0"),
        (2024, "2024"),
        (48212307, "48,212,307"),
        (True, "yes"),
        ("AK", "AK"),
        ("", "“” (no characters)"),
    ],
    ids=str,
)
def test_values_are_short_and_still_themselves(value: float | str, shown: str) -> None:
    assert column_words.value(value) == shown


def test_dates_lose_midnight_and_keep_any_other_time() -> None:
    assert column_words.value("2024-01-01T00:00:00", column_type="timestamp") == "2024-01-01"
    assert column_words.value("2024-01-01T18:30:00Z", column_type="timestamp") == "2024-01-01 18:30Z"
    assert column_words.value("2024-01-01T00:00:00", column_type="string") == "2024-01-01T00:00:00"


def test_an_integer_beyond_a_browsers_numbers_has_its_thousands_too() -> None:
    assert column_words.value("9007199254740993", column_type="integer") == "9,007,199,254,740,993"


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 10, "none"),
        (0, 0, "none"),
        (10, 10, "all"),
        (12, 3376, "0.4 %"),
        (1, 1_000_000, "< 0.1 %"),
        (999_999, 1_000_000, "> 99.9 %"),
        (353, 1000, "35 %"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part: int, whole: int, shown: str) -> None:
    assert column_words.share(part, whole) == shown


def test_an_estimate_is_marked_as_one() -> None:
    assert column_words.distinct(LATITUDE) == "≈ 41,000"
    assert column_words.distinct(STATE) == "56"
    assert column_words.distinct(NOTHING) == ""


def test_a_column_is_summed_up_by_its_range_or_by_what_is_most_frequent() -> None:
    assert column_words.summary(LATITUDE, ROWS) == "7.37 to 71.29"
    assert column_words.summary(BORN, ROWS) == "2024-01-01 to 2024-12-31"
    assert column_words.summary(STATE, ROWS) == "AK 263, TX 87"
    assert column_words.summary(CODE, ROWS) == "unique"
    assert column_words.summary(NOTHING, ROWS) == "nothing but empty cells"
    assert column_words.summary(replace(LATITUDE, max=LATITUDE.min), ROWS) == "always 7.37"


def test_the_most_frequent_values_say_how_much_they_cover() -> None:
    assert column_words.cover(STATE, ROWS) == "Top 2 of 56 cover 35 % of rows"
    both = replace(STATE, distinct=2, top=(TopValue("AK", 600), TopValue("TX", 396)))
    assert column_words.cover(both, ROWS) == "All 2 values · 99.6 % of rows"
    assert column_words.cover(CODE, ROWS) == ""


def test_every_number_that_is_known_is_named() -> None:
    names = [name for name, _ in column_words.numbers(LATITUDE)]
    assert names == ["Min", "25 %", "Median", "Mean", "75 %", "Max", "Std"]
    assert column_words.numbers(STATE) == [("Length", "always 2")]
    assert column_words.numbers(CODE) == [("Shortest", "3"), ("Mean length", "3.5"), ("Longest", "12")]


def test_a_partial_profile_is_never_told_as_if_whole() -> None:
    assert column_words.coverage(profile(STATE)) == "Counted over all 1,000 rows"
    sample = profile(STATE, partial=True, how="a sample of 1,000 rows")
    assert column_words.coverage(sample) == "A first look: a sample of 1,000 rows"
