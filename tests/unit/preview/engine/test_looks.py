"""What texts look like, column by column, and in how many statements that is found."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from preview.engine.looks import SAMPLE, looks_of
from tests.unit.preview.engine.asked import table


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, con: Any) -> None:
        self._con, self.asked = con, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += 1
        return getattr(self._con, name)


TEXTS = {
    "number": (["1", "2.5", "3 %", "x"], {"number": 0.75}),
    "date": (["2024-01-02", "1.2.2024", "x", None], {"date": 2 / 3}),
    "moment": (["2024-01-02 10:00:00", "x", "x", "x"], {"moment": 0.25}),
    "words": (["a", "b", "c", None], {}),
    "nothing": ([None, None, None, None], {}),
}


@pytest.mark.parametrize("rows", [4, 2 * SAMPLE], ids=["few", "more-than-the-sample"])
def test_the_shares_are_of_all_rows(rows: int) -> None:
    content = {name: pa.array(values * (rows // 4), pa.string()) for name, (values, _) in TEXTS.items()}
    content["late"] = pa.array(["1"] * (rows // 4) + ["x"] * (rows * 3 // 4))
    with table(pa.table(content)) as (engine, opened):
        raw = [{"present": rows - column.null_count} for column in content.values()]
        looks = looks_of(engine.con, opened.columns, raw, "data", rows=rows)
    assert looks == [*(expected for _, expected in TEXTS.values()), {"number": 0.25}]


def test_very_many_columns_are_not_asked_one_by_one() -> None:
    width = 400
    with table(pa.table({f"c{place}": ["1", "x"] for place in range(width)})) as (engine, opened):
        con = Counting(engine.con)
        looks = looks_of(con, opened.columns, [{"present": 2}] * width, "data", rows=2)
    assert looks == [{"number": 0.5}] * width
    assert con.asked <= width // 100
