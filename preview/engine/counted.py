"""Columns whose values are counted one by one: exact top values and distinct counts, and from the same counts exact
quartiles and histograms, which then need no pass of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from preview.arrow_cells import Arrow
from preview.engine.measures import Asked
from preview.profile import TopValue
from preview.result import JsonValue
from preview.table import number

TOP: Final = 10
LONGEST: Final = 1_000
"""Characters of a top value that are kept."""
HELD: Final = 2_000_000
"""Different numbers up to which all of them, each with its count, are held at once."""

QUARTERS: Final = (0.25, 0.5, 0.75)

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


def count_values(con: Any, asked: Asked, known: Mapping[str, Any], relation: str) -> dict[str, Any]:
    """For a column, with what is known of it, `top`, `groups` (the number of different values), and `quartiles` and
    `bars` as of `measures.Asked.second`, these only where they are cheap; of text also all numbers of its lengths.
    Raises what DuckDB raises."""
    name = asked.name
    groups = f"(SELECT {name} AS c, count(*) AS n FROM {relation} WHERE {name} IS NOT NULL GROUP BY {name})"
    if asked.family == "text":
        return _texts(con, asked, groups)
    if asked.number and (known["distinct"] or 0) > HELD:
        return _many(con, asked, groups)
    reckoned = asked.number_of("c") or "NULL"
    table = con.sql(f"SELECT c, {reckoned} AS x, n FROM {groups}").to_arrow_table()
    counts: Counts = table.column("n").to_numpy()
    found: dict[str, Any] = {"groups": len(table), "top": top_values(asked, table, counts)}
    if asked.number:
        numbers: Numbers = table.column("x").to_numpy()
        finite = np.isfinite(numbers)
        found |= spread_of(asked, known, numbers[finite], counts[finite])
    return found


def count_lengths(con: Any, asked: Asked, relation: str) -> dict[str, Any]:
    """All numbers of the lengths of a column of text, bytes or lists. Raises what DuckDB raises."""
    table = con.sql(
        f"SELECT {asked.number} AS x, count(*) AS n FROM {relation} WHERE {asked.name} IS NOT NULL GROUP BY ALL"
    ).to_arrow_table()
    return _lengths(asked, table)


def _lengths(asked: Asked, table: Any) -> dict[str, Any]:
    numbers = table.column("x").to_numpy().astype(np.float64)
    counts = table.column("n").to_numpy()
    if not len(numbers):
        return {}
    found = summary(numbers, counts)
    return found | spread_of(asked, found, numbers, counts)


def _texts(con: Any, asked: Asked, groups: str) -> dict[str, Any]:
    # Grouped once more by length: a few rows are left, whatever the text.
    shown = f"CASE WHEN length(c) > {LONGEST} THEN c[:{LONGEST - 1}] || '…' ELSE c END"
    table = con.sql(
        f"SELECT length(c) AS x, sum(n)::BIGINT AS n, count(*) AS g, max({{'n': n, 'c': {shown}}}, {TOP}) AS tops "
        f"FROM {groups} GROUP BY length(c)"
    ).to_arrow_table()
    tops = [(top["n"], top["c"]) for of_length in table.column("tops").to_pylist() for top in of_length]
    top = [TopValue(value, count) for count, value in sorted(tops, reverse=True)[:TOP]]
    return {"groups": sum(table.column("g").to_pylist()), "top": top, **_lengths(asked, table)}


def _many(con: Any, asked: Asked, groups: str) -> dict[str, Any]:
    # Of equally frequent values the largest ones, so that the answer is the same each time.
    table = con.sql(
        f"SELECT unnest(max({{'n': n, 'c': c}}, {TOP}), recursive := true), count(*) AS g FROM {groups}"
    ).to_arrow_table()
    counts = table.column("n").to_numpy()
    return {"groups": table.column("g").to_pylist()[0], "top": top_values(asked, table, counts)}


def top_values(asked: Asked, table: Any, counts: Counts) -> list[TopValue]:
    """The most frequent values of a table of values `c`, each of which stands `n` times; `counts` is that column."""
    most = np.flatnonzero(counts >= np.partition(counts, -TOP)[-TOP]) if len(counts) > TOP else np.arange(len(counts))
    kept = table.select(["c", "n"]).take(pa.array(most)).sort_by([("n", "descending"), ("c", "descending")])[:TOP]
    if asked.family == "text":
        values: list[JsonValue] = [
            text if len(text) <= LONGEST else text[: LONGEST - 1] + "…" for text in kept.column("c").to_pylist()
        ]
    else:
        values = json_values(kept.column("c"))
    if asked.family == "whole":
        values = [plain_integer(value) for value in values]
    return [TopValue(value, count) for value, count in zip(values, kept.column("n").to_pylist(), strict=True)]


def plain_integer(value: JsonValue) -> JsonValue:
    """An integer as the preview has it: Arrow has none of 128 bits, and DuckDB hands those on as decimals."""
    return number(int(value)) if isinstance(value, str) else value


def summary(numbers: Numbers, counts: Counts) -> dict[str, Any]:
    """`low`, `high`, `mean` and `std` of finite numbers that stand so many times each, of which there is one."""
    count = int(counts.sum())
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _sum(numbers * counts) / count
        squares = _sum(counts * (numbers - mean) ** 2)
    return {
        "low": float(numbers.min()),
        "high": float(numbers.max()),
        "mean": mean,
        "std": math.sqrt(squares / (count - 1)) if count > 1 else None,
    }


def _sum(numbers: Numbers) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        # More than a double holds: no number is shown for it.
        return math.inf


def spread_of(asked: Asked, known: Mapping[str, Any], numbers: Numbers, counts: Counts) -> dict[str, Any]:
    """`quartiles` and `bars` of finite numbers that stand so many times each; `low` and `high` are known."""
    low, high = known["low"], known["high"]
    if low is None or not len(numbers):
        return {}
    order = np.argsort(numbers, kind="stable")
    numbers, counts = numbers[order], counts[order]
    edges = asked.edges(low, high)
    bars = np.bincount(
        np.searchsorted(edges[1:-1], numbers, side="right"), weights=counts, minlength=len(edges) - 1
    ).astype(int)
    return {"quartiles": quantiles(numbers, counts, QUARTERS), "bars": bars.tolist()}


def quantiles(numbers: Numbers, counts: Counts, shares: Sequence[float]) -> list[float]:
    """Quantiles of sorted numbers that stand so many times each, between two of them by linear interpolation, as
    numpy's and pandas' default is."""
    ends = np.cumsum(counts)
    found = []
    for share in shares:
        place = (int(ends[-1]) - 1) * share
        below = float(numbers[np.searchsorted(ends, math.floor(place), side="right")])
        above = float(numbers[np.searchsorted(ends, math.ceil(place), side="right")])
        found.append(below + (above - below) * (place - math.floor(place)) if above != below else below)
    return found


def json_values(column: Any) -> list[JsonValue]:
    """An Arrow column as the preview's JSON values."""
    return Arrow(cell=LONGEST + 1).cells("", column).values
