"""Columns' statistics as the tests of the screens need them."""

from __future__ import annotations

from preview.profile import ColumnProfile, Histogram, Profile, TopValue

ROWS = 1000

LATITUDE = ColumnProfile(
    name="latitude",
    type="float",
    kind="float",
    nulls=0,
    distinct=41_234,
    min=7.3674,
    max=71.2854,
    mean=40.0361,
    median=39.9,
    q1=34.0,
    q3=43.0,
    std=8.3291,
    histogram=Histogram((7.0, 20.0, 33.0, 72.0), (1, 9, 990)),
)
STATE = ColumnProfile(
    name="state",
    type="string",
    kind="string_label",
    nulls=4,
    distinct=56,
    distinct_exact=True,
    length_min=2,
    length_max=2,
    top=(TopValue("AK", 263), TopValue("TX", 87)),
    histogram=Histogram((2, 2), (996,)),
)
CODE = ColumnProfile(
    name="code",
    type="string",
    kind="string_text",
    nulls=0,
    distinct=ROWS,
    distinct_exact=True,
    length_min=3,
    length_max=12,
    length_mean=3.5,
    histogram=Histogram((3, 6, 12), (900, 100)),
)
BORN = ColumnProfile(
    name="born",
    type="timestamp",
    kind="datetime",
    nulls=0,
    min="2024-01-01T00:00:00",
    max="2024-12-31T18:30:00",
    histogram=Histogram(("2024-01-01T00:00:00", "2024-07-01T00:00:00", "2024-12-31T18:30:00"), (400, 600)),
)
NOTHING = ColumnProfile(name="nothing", type="null", kind="other", nulls=ROWS)


def profile(*columns: ColumnProfile, partial: bool = False, how: str = "all 1,000 rows") -> Profile:
    return Profile(rows=ROWS, total_rows=ROWS, partial=partial, how=how, columns=columns, column_count=len(columns))
