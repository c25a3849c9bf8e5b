"""A column of text takes a type only where every value keeps its meaning."""

from __future__ import annotations

import pytest

from preview.text_cells import type_of, typed


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "", "3"], "integer"),
        (["0", "-5", "9223372036854775807"], "integer"),
        (["18446744073709551615"], "integer"),
        (["18446744073709551616"], "string"),
        (["-9223372036854775809"], "string"),
        (["12345678901234567890123456"], "string"),
        (["007", "8"], "string"),
        (["+49123"], "string"),
        (["1", "2.5"], "float"),
        (["1e5", ".5", "5."], "float"),
        (["1.5", "9007199254740993"], "string"),
        (["01.5"], "string"),
        (["nan", "NaN"], "string"),
        (["1.5", "NaN", "-inf"], "float"),
        (["1", "NA"], "string"),
        (["null", "None"], "string"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "string"),
        (["T", "F"], "string"),
        (["0x1F"], "string"),
        (["1_000"], "string"),
        (["1,000"], "string"),
        (["٣"], "string"),
        (["2024-02-29"], "date"),
        (["2023-02-29"], "string"),
        (["2024-01-01", "01/02/2024"], "string"),
        (["20240101"], "integer"),
        (["2024-01-01 10:00", "2024-01-01T10:00:00.123456Z"], "timestamp"),
        (["2024-01-01 10:00+23:59", "2024-01-01 10:00-0330", "2024-01-01 10:00+02"], "timestamp"),
        (["2024-01-01 10:00+25:00"], "string"),
        (["2024-01-01 10:00+02:60"], "string"),
        (["2024-01-01 25:00"], "string"),
        (["2024-01-01", "2024-01-01 10:00:00"], "string"),
        (["10:00:00", "23:59:59.5"], "time"),
        (["10:00"], "string"),
        (["24:00:00"], "string"),
        (["", ""], "null"),
        ([" 5", "6 "], "integer"),
        (["a", "1"], "string"),
    ],
)
def test_the_narrowest_type_that_keeps_every_value(texts: list[str], expected: str) -> None:
    assert type_of(texts) == expected


def test_integers_past_what_json_keeps_are_text() -> None:
    texts = ["9007199254740991", "9007199254740992", "-9007199254740993"]
    assert typed("n", texts, texts).values == [9007199254740991, *texts[1:]]


def test_moments_keep_their_digits_and_offsets() -> None:
    texts = ["2024-01-01 10:00", "2024-01-01T10:00:00.120", "2024-01-01 10:00:00+0200", "2024-01-01 10:00:00 UTC"]
    assert typed("t", texts, texts).values == [
        "2024-01-01T10:00",
        "2024-01-01T10:00:00.120",
        "2024-01-01T10:00:00+02:00",
        "2024-01-01T10:00:00Z",
    ]


def test_a_text_column_is_left_alone() -> None:
    texts = ["001", " padded ", "NA", "null", "x\ty", "é€"]
    assert typed("s", texts, texts).values == texts
