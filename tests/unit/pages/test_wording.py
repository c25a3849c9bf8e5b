"""Numbers, sizes, dates and user text as the screens say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import wording

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (48_219, "48.2 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (210_365, "210 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (13_493_022, "13.5 MB"),
        (4_800_000_000, "4.8 GB"),
        (5 * 1024**4, "5.5 TB"),
    ],
)
def test_sizes_are_decimal_with_one_decimal_under_a_hundred(count: int, said: str) -> None:
    assert wording.size(count) == said


@given(st.integers(min_value=0, max_value=10**18))
def test_a_size_is_never_off_by_more_than_its_rounding(count: int) -> None:
    number, unit = wording.size(count).split(" ")
    factor = 1000 ** wording.UNITS.index(unit)
    assert abs(float(number) * factor - count) <= (0.51 if "." not in number else 0.051) * factor
    assert len(number) <= 4


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0"),
        (42_049, "42,049"),
        (999_999, "999,999"),
        (3_000_000, "3 M"),
        (48_200_000, "48.2 M"),
        (1_900_000_000, "1.9 G"),
    ],
)
def test_counts_are_short_from_a_million_on(count: int, said: str) -> None:
    assert wording.short(count) == said


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [(3376, 7, "3,376 × 7"), (None, 7, "? × 7"), (5, None, "5 × ?"), (None, None, "")],
)
def test_a_shape_says_what_is_known(rows: int | None, columns: int | None, said: str) -> None:
    assert wording.shape(rows, columns) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=12), "12 Nov"),
        (timedelta(days=400), "20 Oct 2025"),
    ],
)
def test_times_are_relative_up_to_six_days(passed: timedelta, said: str) -> None:
    assert wording.ago(NOW - passed, now=NOW) == said


def test_days_are_those_of_the_reader() -> None:
    stored = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert wording.ago(stored, now=NOW, zone=UTC) == "2 days ago"
    assert wording.ago(stored, now=NOW, zone=ZoneInfo("Asia/Tokyo")) == "yesterday"
    assert wording.moment(stored, zone=ZoneInfo("Asia/Tokyo")) == "23 Nov 2026, 08:30"


def test_one_thing_is_singular() -> None:
    assert wording.counted(1, "dataset") == "1 dataset"
    assert wording.counted(1_200, "dataset") == "1,200 datasets"


def test_user_text_reaches_markdown_without_a_character_it_would_read() -> None:
    hostile = "*a* `b` [c](http://d) :red[e] $f$ <b>g</b> | ~h~ ![i](j) :material/k:"
    shown = wording.plain(hostile)
    for char in "*`[]()<>$|~:!":
        assert char not in shown.replace(f"\\{char}", "")
    assert shown.replace("\\", "") == hostile


def test_user_text_stays_one_line() -> None:
    assert wording.plain(" a\n\nb\t c ") == "a b c"


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(seconds=59), "in less than a minute"),
        (timedelta(minutes=59, seconds=59), "in 59 min"),
        (timedelta(hours=23, minutes=59), "in 23 h"),
        (timedelta(days=1), "in 1 day"),
        (timedelta(days=6, hours=23), "in 6 days"),
        (timedelta(days=7), "on 1 Dec"),
        (timedelta(days=60), "on 23 Jan 2027"),
    ],
)
def test_what_is_to_come_is_never_said_later_than_it_is(left: timedelta, said: str) -> None:
    assert wording.ahead(NOW + left, now=NOW) == said
