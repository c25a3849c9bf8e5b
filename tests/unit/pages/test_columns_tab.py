"""Which columns the Columns tab shows, and what it says they cover."""

from __future__ import annotations

from dataclasses import replace

from catalog.profiles import ProfileState
from pages import columns_tab
from tests.unit.pages.profiles import CODE, LATITUDE, STATE, profile

SAMPLE = profile(STATE, partial=True, how="a sample of 1,000 rows")


def test_the_search_takes_words_in_any_order_and_case() -> None:
    columns = [replace(STATE, name=name) for name in ("Unit Price", "price", "unit")]
    assert [found.name for found in columns_tab.matching(columns, "price UNIT")] == ["Unit Price"]
    assert columns_tab.matching(columns, "  ") == columns
    assert columns_tab.matching(columns, "zzz") == []


def test_the_page_with_the_column_of_the_address_is_opened() -> None:
    columns = [replace(STATE, name=f"c{n}") for n in range(120)]
    assert columns_tab.page_with(columns, "c0") == 1
    assert columns_tab.page_with(columns, "c50") == 2
    assert columns_tab.page_with(columns, "gone") == columns_tab.page_with(columns, None) == 1


def test_what_the_numbers_cover_is_said_in_every_state() -> None:
    line = columns_tab.coverage_line
    assert line(ProfileState("ready", profile(STATE), None, None)) == "Counted over all 1,000 rows."
    assert line(ProfileState("computing", None, None, None)) == "Counting the whole file"
    assert (
        line(ProfileState("computing", SAMPLE, 0.431, None))
        == "A first look: a sample of 1,000 rows; counting the whole file, 43 %"
    )
    assert line(ProfileState("none", SAMPLE, None, None)) == "A first look: a sample of 1,000 rows."
    assert line(ProfileState("failed", SAMPLE, None, "The worker died.")) == (
        "A first look: a sample of 1,000 rows. The whole could not be counted: The worker died."
    )


def test_columns_that_were_not_looked_at_are_counted() -> None:
    wide = replace(profile(STATE, CODE, LATITUDE), column_count=20_000, notes=("One more thing.",))
    assert columns_tab.notes_of(wide) == "The first 3 of 20,000 columns were looked at. One more thing."
