"""What counts as moved between two versions' statistics."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.drift import columns_changed, columns_in_common, columns_moved
from preview.profile import ColumnProfile, Profile, TopValue


def profile(rows: int, *columns: ColumnProfile) -> Profile:
    return Profile(rows, rows, False, f"all {rows} rows", columns, len(columns))


def column(kind: Any = "int", **facts: Any) -> ColumnProfile:
    return ColumnProfile(**({"name": "x", "type": "integer", "kind": kind, "nulls": 0} | facts))


def moved(old: ColumnProfile, new: ColumnProfile, *, rows: int = 1000) -> list[str]:
    return [one.what for one in columns_moved(profile(rows, old), profile(rows, new))]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(0, 0, []), (0, 1, ["nulls"]), (1, 0, ["nulls"]), (100, 109, []), (100, 110, ["nulls"]), (110, 100, ["nulls"])],
    ids=str,
)
def test_nulls_moved_by_a_percentage_point_or_from_none(before: int, after: int, said: list[str]) -> None:
    assert moved(column(nulls=before), column(nulls=after)) == said


@pytest.mark.parametrize(
    ("before", "after", "std", "said"),
    [
        (10.0, 11.9, 10.0, []),
        (10.0, 12.0, 10.0, ["mean"]),
        (10.0, 8.0, 10.0, ["mean"]),
        (10.0, 10.1, 0.0, ["mean"]),
        (10.0, 10.0, 0.0, []),
        ("12345678901234567890.5", "22345678901234567890.5", 1e18, ["mean"]),
        (None, 1.0, 1.0, []),
    ],
    ids=str,
)
def test_means_moved_by_a_fifth_of_the_deviation(before: Any, after: Any, std: float, said: list[str]) -> None:
    assert moved(column(mean=before, std=std), column(mean=after, std=std)) == said


def test_a_share_moved_by_five_points_is_told_where_both_are_known() -> None:
    def label(*counts: tuple[str, int], exact: bool = True) -> ColumnProfile:
        top = tuple(TopValue(value, count) for value, count in counts)
        return column("string_label", type="string", top=top, distinct=len(top) if exact else 99, distinct_exact=exact)

    old, new = label(("a", 500), ("b", 500)), label(("a", 560), ("b", 440))
    found = columns_moved(profile(1000, old), profile(1000, new))
    assert [(one.old, one.new) for one in found] == [(0.5, 0.56), (0.5, 0.44)]
    assert "56.0 % of the rows, was 50.0 %" in found[0].text
    assert moved(label(("a", 500), ("b", 500)), label(("a", 549), ("b", 451))) == []
    assert moved(label(("a", 1000)), label(("a", 900), ("c", 100))) == ["top", "top"]
    # "c" is not among the few that were counted: nothing is known of its share before.
    assert moved(label(("a", 500), exact=False), label(("a", 500), ("c", 400), exact=False)) == []


def test_points_in_time_that_went_on_are_told_last() -> None:
    old = (column(nulls=0), column("datetime", name="day", type="date", min="2012-01-01", max="2014-12-31"))
    new = (column(nulls=300), column("datetime", name="day", type="date", min="2012-01-01", max="2015-12-31"))
    found = columns_moved(profile(1000, *old), profile(1000, *new))
    assert [(one.column, one.what) for one in found] == [("x", "nulls"), ("day", "range")]
    assert found[1].text == "day: the latest is 2015-12-31, was 2014-12-31"


def test_columns_that_came_went_and_changed_their_type() -> None:
    old = profile(10, column(name="a"), column(name="b"), column(name="c"))
    new = profile(10, column(name="b"), column("string_text", name="c", type="string"), column(name="d"))
    added, lost, retyped = columns_changed(old, new)
    assert [one.name for one in added] == ["d"]
    assert [one.name for one in lost] == ["a"]
    assert [(one.name, one.old, one.new) for one in retyped] == [("c", "integer", "string")]
    assert columns_in_common(old, new) == 2


def test_an_empty_version_moves_nothing() -> None:
    assert columns_moved(profile(0, column()), profile(1000, column(nulls=500))) == ()
