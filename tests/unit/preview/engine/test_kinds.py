"""A column of text has the same type in DuckDB as in the preview, and every value is the one the preview shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from preview.arrow_cells import Arrow
from preview.engine.connect import connect
from preview.engine.kinds import KINDS, MISFIT, guess, judged, judging
from preview.engine.tables import VALUES
from preview.text_cells import type_of, typed

CELLS = (
    "5",
    "-3",
    "007",
    "0",
    "-0",
    "+5",
    " 5 ",
    "\t7\n",
    "1_000",
    "0x1F",
    "1,5",
    "٣",
    "--5",
    "12345678901234567890123",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678",
    "9007199254740993",
    "1.5",
    ".5",
    "5.",
    "-.5",
    "+5.0",
    "1e5",
    "1E5 ",
    "1e400",
    "-1e400",
    "1e-400",
    "007.5",
    "-007.5",
    "1_0.5",
    "1.5\x0b",
    "1.5 ",
    "1.",
    "-1.e3",
    "12345678901234567890.5",
    "nan",
    "NaN",
    "inf",
    "iNf",
    "true",
    "False",
    "TRUE",
    " true",
    "yes",
    "T",
    "NA",
    "null",
    "None",
    "abc",
    "-",
    "2024-01-01",
    "2024-02-30",
    "2024-1-1",
    "0000-01-01",
    "9999-12-31",
    "10000-01-01",
    "infinity",
    "epoch",
    "2024-01-01 10:00",
    "2024-01-01T10:00:00",
    "2024-01-01T10:00:00Z",
    "2024-01-01 10:00:00 UTC",
    "2024-02-30 10:00",
    "2024-01-01 10:00:00 +05:30",
    "2024-01-01 10:00:00-05",
    "2024-01-01 10:00+0530",
    "2024-01-01 24:00:00",
    "2024-01-01 10:00:00.5",
    "2024-01-01 10:00:00.1234567",
    "1500-01-01T00:00:00.1234567",
    "10000-01-01 00:00:00",
    "0001-01-01 (BC) 00:00:00",
    "2024-01-01 (BC)",
    "10:00:00",
    "10:00:00.1234567",
    "25:00:00",
    "12:00",
    "23:59:60",
)


@pytest.fixture(scope="module")
def con() -> Iterator[Any]:
    with connect(memory=100_000_000, threads=1) as engine:
        yield engine.con


def kind_of(con: Any, cells: list[str]) -> Any:
    (answer,) = con.execute(f"SELECT {judging('c')} FROM (SELECT unnest(?) AS c)", [cells]).fetchall()
    return judged(answer[0])


def values_of(con: Any, kind: Any, cells: list[str]) -> list[Any]:
    value = VALUES[kind.store].format(kind.checked("c", 0))
    table = con.sql(f"SELECT {value} AS v FROM (SELECT unnest($cells) AS c)", params={"cells": cells}).to_arrow_table()
    return Arrow(cell=1000).cells("", table.column("v")).values


@pytest.mark.parametrize("cell", CELLS)
def test_a_column_of_one_value_has_the_type_of_the_preview(con: Any, cell: str) -> None:
    assert kind_of(con, [cell]).type == type_of([cell])


@given(cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=4))
@settings(max_examples=150)
@example(cells=["nan", "inf"])
@example(cells=["2024-01-01 10:00", "2024-01-01T10:00:00Z"])
@example(cells=["-1", "18446744073709551615"])
def test_columns_of_mixed_values_have_the_type_of_the_preview(con: Any, cells: list[str]) -> None:
    assert kind_of(con, cells).type == type_of(cells)


@given(st.text(alphabet="0123456789.-+eE:TZ nainfx_,\x0b", min_size=1, max_size=20))
@settings(max_examples=150)
def test_any_short_text_has_the_type_of_the_preview(con: Any, cell: str) -> None:
    assert kind_of(con, [cell]).type == type_of([cell])


def test_no_cell_is_lost_or_changed(con: Any) -> None:
    drawn = random.Random(5)
    for cells in [[cell] for cell in CELLS] + [drawn.choices(CELLS, k=2) for _ in range(100)]:
        kind = kind_of(con, cells)
        shown = typed("c", cells, cells)
        found = values_of(con, kind, cells)
        if kind.type == "integer":
            found = [int(value) for value in found]
            shown.values = [int(str(value)) for value in shown.values]
        if kind.type in ("timestamp", "time"):
            # An offset becomes UTC, and digits are written in threes: the moment is the same, and none is lost.
            assert None not in found
            continue
        assert found == shown.values, (cells, kind.name)


def test_a_cell_that_does_not_fit_is_named_by_its_column(con: Any) -> None:
    for kind in KINDS:
        with pytest.raises(duckdb.Error, match=f"{MISFIT}7;"):
            con.execute(f"SELECT {kind.checked('c', 7)} FROM (SELECT 'no such thing' AS c)").fetchall()


@pytest.mark.parametrize(
    ("kind", "cells", "name"),
    [
        ("integer", ["5"], "bigint"),
        ("timestamp", [None, "", "2024-01-01T10:00:00+02:00"], "timestamptz"),
        ("timestamp", ["2024-01-01 10:00:00"], "timestamp"),
        ("null", [None], "empty"),
        ("string", ["a"], "text"),
    ],
)
def test_the_first_kind_tried_is_the_likeliest(kind: str, cells: list[str | None], name: str) -> None:
    assert guess(kind, cells).name == name


def test_what_is_tried_once_gives_the_same_value(con: Any) -> None:
    texts = pa.array(["5", "-7", " 8 ", None])
    kind = guess("integer", ["5"])
    con.register("texts", pa.table([texts], names=["c"]))
    try:
        once = f"SELECT {kind.checked('c', 0, 'v')} FROM (SELECT c, {kind.tried('c')} AS v FROM texts)"
        assert con.execute(once).fetchall() == [(5,), (-7,), (8,), (None,)]
    finally:
        con.unregister("texts")
