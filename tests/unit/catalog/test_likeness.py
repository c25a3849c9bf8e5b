"""Columns compared with a version's, in words."""

from __future__ import annotations

import pytest

from catalog.likeness import compare_columns

OLD = [("id", "integer"), ("price", "float"), ("qty", "integer")]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (OLD, "Same columns as version 3"),
        (OLD[::-1], "Same columns as version 3, in another order"),
        (
            [("id", "integer"), ("qty", "string"), ("a", "float"), ("b", "string")],
            "Against version 3: lacks price; has 2 new columns: a (float), b (string); qty was integer, is string now",
        ),
        ([*OLD, ("cost", "float")], "Against version 3: has 1 new column: cost (float)"),
        (
            [*OLD, *((f"c{n}", "float") for n in range(5))],
            "Against version 3: has 5 new columns: c0 (float), c1 (float), c2 (float) and 2 more",
        ),
        ([("x", "integer")], "No column in common with version 3"),
        ([("id", "integer"), ("price", "null"), ("qty", "integer")], "Same columns as version 3"),
    ],
    ids=["same", "order", "all three", "one more", "many more", "none", "null has no type"],
)
def test_what_is_said_of_columns(new: list[tuple[str, str]], said: str) -> None:
    assert compare_columns(new, OLD, "version 3") == said
