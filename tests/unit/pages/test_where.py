"""Conditions in the address, and in words."""

from __future__ import annotations

import pytest

from pages import where
from preview.asking import Condition

SEVERAL = (
    Condition("state", "is", "AK"),
    Condition('a "b" & é', "from", 10.5),
    Condition('a "b" & é', "below", 20),
    Condition("note", "null"),
    Condition("ok", "is_not", False),
)


def test_what_goes_into_the_address_comes_out_of_it() -> None:
    assert where.parse(where.to_text(SEVERAL)) == SEVERAL


def test_no_condition_leaves_nothing_in_the_address() -> None:
    assert where.to_text(()) == ""
    assert where.parse("") == where.parse(None) == ()


@pytest.mark.parametrize(
    "text",
    ["{", "7", "null", '{"column":"a"}', '[{"column":7,"op":"is"}]', '[{"column":"a","op":"drop"}]', "[" * 100_000],
    ids=["not-json", "number", "null", "object", "column-no-text", "unknown-op", "deep"],
)
def test_an_address_typed_by_hand_names_no_condition(text: str) -> None:
    assert where.parse(text) == ()


def test_of_a_list_what_is_no_condition_is_left_out() -> None:
    assert where.parse('[1,{"column":"a","op":"null","value":3}]') == (Condition("a", "null"),)


def test_conditions_read_as_sentences() -> None:
    assert where.sentence(SEVERAL[0]) == "state is AK"
    assert where.sentence(SEVERAL[3]) == "note is empty"
    assert where.sentence(SEVERAL[4]) == "ok is not false"
    assert where.in_words(SEVERAL[1:4]) == 'a "b" & é from 10.5 below 20 and note is empty'


def test_values_that_look_like_nothing_are_put_in_words_and_long_ones_cut() -> None:
    assert where.value_text("") == "“” (no characters)"
    assert where.value_text(" a") == "“ a”"
    assert where.value_text("x" * 100) == "x" * 59 + "…"
