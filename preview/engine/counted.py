"""Columns whose values are counted one by one: exact top values and distinct counts, and from the same counts exact
quartiles and histograms, which then need no pass of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


Asking = Sequence[tuple[Asked, Mapping[str, Any]]]


def count_values(con: Any, asking: Asking, relation: str) -> list[dict[str, Any]]:
    """For each column, with what is known of it, `top`, `groups` (the number of different values), and `quartiles` and
    `bars` as of `measures.Asked.second`; of the lengths for text. Raises what DuckDB raises."""
    return [_counted(con, asked, known, _groups(asked, relation), relation) for asked, known in asking]


def count_columns(con: Any, asking: Asking, relation: str) -> list[dict[str, Any]]:
    """The same for few rows, which are all fetched."""
    names = ", ".join(asked.name for asked, _ in asking)
    columns = con.sql(f"SELECT {names} FROM {relation}").to_arrow_table().columns
    found = []
    for (asked, known), column in zip(asking, columns, strict=True):
        present = column.drop_null()
        if asked.family == "real":
            # Arrow counts 0.0 and -0.0 apart; they are one number.
            present = pc.add(present, pa.scalar(0, present.type))
        counts = present.value_counts()
        con.register("counted", pa.table([counts.field("values"), counts.field("counts")], names=["c", "n"]))
        try:
            found.append(_counted(con, asked, known, "counted", relation))
        finally:
            con.unregister("counted")
    return found


def _groups(asked: Asked, relation: str) -> str:
    name = asked.name
    return f"(SELECT {name} AS c, count(*) AS n FROM {relation} WHERE {name} IS NOT NULL GROUP BY {name})"


def _counted(con: Any, asked: Asked, known: Mapping[str, Any], groups: str, relation: str) -> dict[str, Any]:
    if asked.family == "text":
        return _texts(con, asked, known, groups)
    if asked.number and (known["distinct"] or 0) > HELD:
        return _many(con, asked, known, groups, relation)
    reckoned = asked.number_of("c") or "NULL"
    table = con.sql(f"SELECT c, {reckoned} AS x, n FROM {groups}").to_arrow_table()
    counts: Counts = table.column("n").to_numpy()
    found: dict[str, Any] = {"groups": len(table), "top": _top(asked, table, counts)}
    if asked.number:
        numbers: Numbers = table.column("x").to_numpy()
        finite = np.isfinite(numbers)
        found |= _spread(asked, known, numbers[finite], counts[finite])
    return found


def _texts(con: Any, asked: Asked, known: Mapping[str, Any], groups: str) -> dict[str, Any]:
    # Grouped once more by length: a few rows are left, whatever the text.
    shown = f"CASE WHEN length(c) > {LONGEST} THEN c[:{LONGEST - 1}] || '…' ELSE c END"
    table = con.sql(
        f"SELECT length(c) AS x, sum(n)::BIGINT AS n, count(*) AS g, max({{'n': n, 'c': {shown}}}, {TOP}) AS tops "
        f"FROM {groups} GROUP BY length(c)"
    ).to_arrow_table()
    tops = [(top["n"], top["c"]) for of_length in table.column("tops").to_pylist() for top in of_length]
    top = [TopValue(value, count) for count, value in sorted(tops, reverse=True)[:TOP]]
    numbers = table.column("x").to_numpy().astype(np.float64)
    spread = _spread(asked, known, numbers, table.column("n").to_numpy())
    return {"groups": sum(table.column("g").to_pylist()), "top": top, **spread}


def _many(con: Any, asked: Asked, known: Mapping[str, Any], groups: str, relation: str) -> dict[str, Any]:
    # Of equally frequent values the largest ones, so that the answer is the same each time.
    table = con.sql(
        f"SELECT unnest(max({{'n': n, 'c': c}}, {TOP}), recursive := true), count(*) AS g FROM {groups}"
    ).to_arrow_table()
    second = asked.second(known, exact=False)
    wanted = ", ".join(f"{sql} AS {name}" for name, sql in second.items())
    rest = con.sql(f"SELECT {wanted} FROM {relation}").to_arrow_table().to_pylist()[0] if second else {}
    counts = table.column("n").to_numpy()
    return {"groups": table.column("g").to_pylist()[0], "top": _top(asked, table, counts), **rest}


def _top(asked: Asked, table: Any, counts: Counts) -> list[TopValue]:
    most = np.flatnonzero(counts >= np.partition(counts, -TOP)[-TOP]) if len(counts) > TOP else np.arange(len(counts))
    kept = table.select(["c", "n"]).take(pa.array(most)).sort_by([("n", "descending"), ("c", "descending")])[:TOP]
    values = json_values(kept.column("c"))
    if asked.family == "whole":
        values = [plain_integer(value) for value in values]
    return [TopValue(value, count) for value, count in zip(values, kept.column("n").to_pylist(), strict=True)]


def plain_integer(value: JsonValue) -> JsonValue:
    """An integer as the preview has it: Arrow has none of 128 bits, and DuckDB hands those on as decimals."""
    return number(int(value)) if isinstance(value, str) else value


def _spread(asked: Asked, known: Mapping[str, Any], numbers: Numbers, counts: Counts) -> dict[str, Any]:
    low, high = known["low"], known["high"]
    if low is None or not len(numbers):
        return {}
    order = np.argsort(numbers, kind="stable")
    numbers, counts = numbers[order], counts[order]
    edges = asked.edges(low, high)
    bars = np.bincount(
        np.searchsorted(edges[1:-1], numbers, side="right"), weights=counts, minlength=len(edges) - 1
    ).astype(int)
    return {"quartiles": quantiles(numbers, counts, (0.25, 0.5, 0.75)), "bars": bars.tolist()}


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
