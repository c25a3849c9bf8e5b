"""What the card says of two versions."""

from __future__ import annotations

import uuid
from dataclasses import replace

from catalog.comparisons import Drift, Side
from catalog.drift import ColumnName, Moved, Retyped
from catalog.views import DatasetDetail
from pages import drift
from tests.unit.pages.test_rows import summary, version

OLD = Side(3, uuid.UUID(int=3), "a.csv", 10, 3376, 7, "ready", None, "all 3,376 rows", partial=False, error=None)
NEW = replace(OLD, version=4, rows=3402)
MOVED = Moved("price", "mean", 1, 2, 0.4, "price: the mean is 2, was 1: 0.4 standard deviations up")
DRIFT = Drift(
    OLD,
    NEW,
    compared=6,
    added=(ColumnName("cost_*", "float"),),
    lost=(ColumnName("a", "string"), ColumnName("b", "string")),
    retyped=(Retyped("zip", "integer", "string"),),
    moved=(MOVED, replace(MOVED, what="nulls", text="price: more values are missing")),
)


def test_the_line_says_what_is_different_and_counts_a_column_once() -> None:
    assert drift.headline(DRIFT) == (
        "+1 column, −2 columns, 1 column of another type, rows 3,376 → 3,402, 1 column moved"
    )


def test_two_alike_versions_are_called_so_and_unknown_ones_are_not() -> None:
    assert drift.headline(Drift(OLD, OLD, compared=7)) == "the same columns and rows, and nothing moved"
    counting = replace(NEW, status="computing", rows=None)
    assert drift.headline(Drift(OLD, counting, compared=None)) == "counting…"
    assert drift.headline(Drift(OLD, replace(OLD, status="failed"), compared=None)) == "columns not compared"


def test_opened_it_says_all_of_it() -> None:
    lines = drift.details(DRIFT)
    assert lines[0] == "3,376 → 3,402 rows :gray[(+26, +0.8 %)]"
    assert lines[1] == r"**Added** cost\_\* :gray[Number]"
    assert lines[3] == "**Another type** zip :gray[Integer → Text]"
    assert len(lines) == 6


def test_of_very_many_changes_the_smaller_ones_are_counted() -> None:
    many = replace(DRIFT, moved=(MOVED,) * 40, added=tuple(ColumnName(f"c{n}", "float") for n in range(40)))
    lines = drift.details(many)
    assert ":gray[and 28 more]" in lines[1]
    assert lines[-1] == ":gray[and 28 smaller changes]"


def test_the_version_before_is_compared_with_unless_the_address_names_another() -> None:
    files = tuple(replace(version(), version=number) for number in (4, 3, 1))
    detail = DatasetDetail(summary(), files, (), 0)
    assert drift.other_version(detail, files[0], None) == 3
    assert drift.other_version(detail, files[0], "1") == 1
    assert drift.other_version(detail, files[0], "4") == 3
    assert drift.other_version(detail, files[2], "x") == 3
