"""How a file is cut, and when its parts are the file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.errors import PartMismatch, PartsMissing, SizeMismatch
from catalog.parts import (
    LARGE_FILE,
    LARGE_PART,
    MIB,
    SMALL_PART,
    ClientPart,
    chosen_parts,
    each_part,
    part_count,
    part_length,
    part_size_for,
)
from storage import MAX_OBJECT_SIZE, MAX_PART_SIZE, MAX_PARTS, MIN_PART_SIZE, Part


@given(st.integers(0, MAX_OBJECT_SIZE))
@example(0)
@example(1)
@example(SMALL_PART)
@example(SMALL_PART + 1)
@example(MAX_OBJECT_SIZE)
def test_every_size_fits_the_stores_limits(size: int) -> None:
    part_size = part_size_for(size)
    count = part_count(size, part_size)
    assert 1 <= count <= MAX_PARTS
    assert MIN_PART_SIZE <= part_size <= MAX_PART_SIZE
    assert part_size % MIB == 0
    assert (count - 1) * part_size + part_length(count, size=size, part_size=part_size) == size
    assert size == 0 or 1 <= part_length(count, size=size, part_size=part_size) <= part_size


def test_parts_grow_at_a_gibibyte_and_again_where_ten_thousand_would_not_do() -> None:
    assert part_size_for(LARGE_FILE - 1) == SMALL_PART
    assert part_size_for(LARGE_FILE) == LARGE_PART
    assert part_size_for(MAX_PARTS * LARGE_PART) == LARGE_PART
    assert part_size_for(MAX_PARTS * LARGE_PART + 1) == LARGE_PART + MIB


RECEIVED = [Part(1, "aa", 10), Part(2, "bb", 10), Part(3, "cc", 4)]
NAMED = [ClientPart(3, '"CC"'), ClientPart(1, "aa"), ClientPart(2, " BB ")]


def choose(named: list[ClientPart], received: list[Part], size: int = 24) -> list[Part]:
    return chosen_parts(named, received, size=size, part_size=10)


def test_etags_may_be_quoted_and_in_any_case_and_order() -> None:
    assert choose(NAMED, RECEIVED) == RECEIVED


def test_missing_parts_are_those_not_named_and_those_not_there() -> None:
    for named, received, missing in (
        (NAMED[:1], RECEIVED, [1, 2]),
        (NAMED, RECEIVED[:1], [2, 3]),
        ([], [], [1, 2, 3]),
    ):
        with pytest.raises(PartsMissing) as refused:
            choose(named, received)
        assert refused.value.missing == missing


def test_unknown_repeated_and_other_parts_are_refused() -> None:
    for wrong in (ClientPart(4, "dd"), ClientPart(0, "aa"), NAMED[0]):
        with pytest.raises(PartMismatch):
            choose([*NAMED, wrong], RECEIVED)
    with pytest.raises(PartMismatch):
        choose([*NAMED[:2], ClientPart(2, "aa")], RECEIVED)


@pytest.mark.parametrize("received", [[*RECEIVED[:2], Part(3, "cc", 5)], [Part(1, "aa", 9), *RECEIVED[1:]]])
def test_a_part_of_another_length_is_refused(received: list[Part]) -> None:
    with pytest.raises(SizeMismatch):
        choose(NAMED, received)


def test_of_a_part_that_arrived_twice_the_whole_one_is_told() -> None:
    short = Part(2, "short", 3)
    received = [Part(1, "short", 9), RECEIVED[0], RECEIVED[2], Part(3, "long", 5), short]
    assert each_part(received, size=24, part_size=10) == (RECEIVED[0], short, RECEIVED[2])


def test_of_a_part_that_arrived_whole_twice_the_newest_is_told() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    old, new = Part(2, "old", 10, noon), Part(2, "new", 10, noon + timedelta(seconds=1))
    cut = Part(2, "cut", 3, noon + timedelta(seconds=2))
    for received in permutations((old, new, cut)):
        assert each_part([RECEIVED[0], *received], size=24, part_size=10) == (RECEIVED[0], new)


def test_of_a_part_sent_twice_the_named_one_counts() -> None:
    again = Part(2, "b2", 10)
    assert choose(NAMED, [*RECEIVED[:2], again, RECEIVED[2]]) == RECEIVED
    assert choose([NAMED[0], NAMED[1], ClientPart(2, "b2")], [*RECEIVED[:2], again, RECEIVED[2]])[1] == again


def test_a_longer_list_of_missing_parts_is_shortened_in_words_only() -> None:
    error = PartsMissing(list(range(1, 101)))
    assert len(error.missing) == 100
    assert "and more" in str(error)
