"""How much of a file a preview says it shows, and that its numbers stay the file's own."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from pages.preview_tab import coverage, pages_of
from pages.rows_table import as_shown, float_format
from preview.result import Column, Preview


def preview(
    rows: int, *, offset: int = 0, total: int | None = None, columns: int = 7, of: int | None = None
) -> Preview:
    names = [f"c{n}" for n in range(columns)]
    return Preview(
        columns=tuple(Column(name, "integer") for name in names),
        offset=offset,
        total_rows=total,
        partial=False,
        notes=(),
        format="csv",
        read_as=("CSV",),
        column_count=of or columns,
        rows_json=json.dumps([[number] * columns for number in range(rows)]).encode(),
    )


def test_rows_of_all_rows() -> None:
    assert coverage(preview(100, total=3376), counting=False) == "Rows 1–100 of 3,376 · all 7 columns"
    assert coverage(preview(76, offset=3300, total=3376), counting=False) == "Rows 3,301–3,376 of 3,376 · all 7 columns"


def test_counting_is_said_and_an_unknown_count_is_not_invented() -> None:
    assert coverage(preview(100), counting=True) == "Rows 1–100 · counting rows… · all 7 columns"
    assert coverage(preview(100), counting=False) == "Rows 1–100 · all 7 columns"


def test_a_known_count_wins_over_the_pass_that_still_runs() -> None:
    assert "counting" not in coverage(preview(100, total=3376), counting=True)


def test_left_out_columns_are_said() -> None:
    assert coverage(preview(1, total=1, columns=3, of=5000), counting=False).endswith("the first 3 of 5,000 columns")
    assert coverage(preview(1, total=1, columns=1), counting=False).endswith("1 column")


def test_no_rows() -> None:
    assert coverage(preview(0, total=0), counting=False) == "No rows · all 7 columns"
    assert coverage(preview(0, offset=500, total=500), counting=False) == "No more rows of 500 · all 7 columns"


def test_pages_end_with_the_last_row_or_one_past_a_full_page() -> None:
    assert pages_of(preview(100, total=3376), 1) == 34
    assert pages_of(preview(0, total=0), 1) == 1
    assert pages_of(preview(100, offset=400), 5) == 6
    assert pages_of(preview(99, offset=400), 5) == 5


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([31.95376472, 1.5], "%.8f"),
        ([2.0, 3.0], "%.1f"),
        ([float("nan"), float("inf"), None, -0.25], "%.2f"),
        ([1e-20, 1.0], "%g"),
        ([0.7768181049834226, 0.027355611329157682], "%g"),
        ([0.1, 1234.25, 3.0], "%.2f"),
        ([float(2**53), 1.0], None),
        ([], "%.0f"),
    ],
)
def test_a_number_is_shown_with_the_decimals_it_has(values: list[float | None], wanted: str | None) -> None:
    assert float_format(values) == wanted


def test_numbers_beyond_what_a_browser_holds_are_shown_as_text_and_nulls_stay_nulls() -> None:
    frame = pd.DataFrame({"far": [1.5e300, None], "near": [0.5, 0.25]})
    shown, formats = as_shown(frame, [Column("far", "float"), Column("near", "float")])
    assert shown["far"].tolist()[0] == "1.5e+300"
    assert shown["far"].isna().tolist() == [False, True]
    assert list(formats) == ["near"]
    already = pd.DataFrame({"big": ["9223372036854775808", "1"]})
    assert as_shown(already, [Column("big", "integer")])[1] == {}
    assert frame["far"].dtype == np.float64
