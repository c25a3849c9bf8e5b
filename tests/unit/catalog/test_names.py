"""What people type, brought into one form."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid, InvalidFileName
from catalog.names import (
    LONGEST_NAME,
    MOST_MARKS,
    clean_file_name,
    clean_name,
    clean_tags,
    composed,
    default_name,
    fold,
    free_names,
    has_control,
)


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("sales.csv", "sales"),
        ("sales.csv.gz", "sales"),
        ("sales.CSV.GZ", "sales"),
        ("a.b.parquet", "a.b"),
        ("archive.tar.gz", "archive"),
        ("notes.zip", "notes"),
        ("backup.2024.gz", "backup.2024"),
        ("report 2.0", "report 2.0"),
        ("README", "README"),
        (".csv", ".csv"),
        (".csv.gz", ".csv.gz"),
        ("  spaced .csv", "spaced"),
        ("x" * 250 + ".csv", "x" * LONGEST_NAME),
    ],
)
def test_a_dataset_is_called_like_its_file(file_name: str, name: str) -> None:
    assert default_name(file_name) == name


def test_free_names_count_up_and_stay_short_enough() -> None:
    taken = {"x", "x (3)"}
    assert list(itertools.islice(free_names("x", taken), 3)) == ["x (2)", "x (4)", "x (5)"]
    for name in itertools.islice(free_names("y" * LONGEST_NAME, set()), 12):
        assert len(name) <= LONGEST_NAME


def test_case_width_and_composition_do_not_matter_when_folded() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("e\u0301") == fold("É")
    assert fold("ﬁle Ａ") == fold("FILE a")


def test_tags_are_the_same_whatever_their_case_and_spaces() -> None:
    assert list(clean_tags(["Geo  Data", "geo data", " GEO DATA ", "x"]).values()) == ["Geo Data", "x"]


@given(st.text())
def test_composing_is_the_standards(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("form", [composed, fold])
def test_marks_without_end_are_not_sorted(form: Callable[[str], str]) -> None:
    # Two million of them would hold the process for hours: the time of sorting grows with the square.
    found = form("a" + "\u0315" * 1_000_000 + "\u0300" * 1_000_000 + "b")
    assert len(found) == 1 + MOST_MARKS + 1


@given(st.text())
def test_a_file_name_is_usable_or_refused(raw: str) -> None:
    try:
        name = clean_file_name(raw)
    except InvalidFileName:
        return
    assert 1 <= len(name) <= 255
    assert not has_control(name)
    assert "/" not in name
    assert "\\" not in name
    assert clean_file_name(name) == name
    assert clean_name(default_name(name))


@given(st.text())
def test_a_name_is_clean_or_refused(raw: str) -> None:
    try:
        name = clean_name(raw)
    except Invalid:
        return
    assert clean_name(name) == name
    name.encode()
