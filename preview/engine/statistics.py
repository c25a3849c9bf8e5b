"""The statistics of all columns of a table, exact top values, and rows that stand there twice."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
import numpy as np

from preview.engine.counted import TOP, count_lengths, count_values, json_values, plain_integer
from preview.engine.held import held_columns
from preview.engine.measures import COUNTABLE, LENGTHS, Asked, family_of, select
from preview.engine.spread import spread
from preview.engine.tables import TableColumn
from preview.moments import clock_writer, date_writer, moment_writer
from preview.profile import ColumnProfile, Histogram, Kind
from preview.result import JsonValue
from preview.table import number

TOGETHER: Final = 100
FEW_TOGETHER: Final = 4
"""Columns asked in one statement, of files with few rows and with many: each thread holds a row group of all of them
at once, and rows by the million stand in large ones."""
EXACT_ROWS: Final = 200_000
"""Rows up to which all columns are fetched; above, they are aggregated where they are."""
CELLS: Final = 2_000_000
HELD_TOGETHER: Final = 500
"""Cells, and columns, of a small table that are fetched at once."""
DUPLICATE_CELLS: Final = 20_000_000
DUPLICATE_ROWS: Final = 1_000_000
"""Up to which rows are compared as wholes."""
MIXING: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number to put the hash of some columns behind that of others with."""
FEW_LABELS: Final = 1_000
LABEL_SHARE: Final = 0.2
"""Text is labels up to so many different values, which are such a part of the rows (the Hugging Face viewer's rule)."""

Found = dict[str, Any]
Wanted = list[tuple[int, Mapping[str, str]]]


@dataclass(slots=True)
class Statistics:
    """What `Passes.run` found. `raw` has what hints are made of, column by column."""

    columns: list[ColumnProfile]
    rows: int
    duplicates: int | None
    raw: list[Found] = field(default_factory=list)


class Passes:
    """All passes over one relation, whose columns are those of an open table."""

    def __init__(
        self, con: Any, columns: Sequence[TableColumn], relation: str, *, on_pass: Callable[[float, float], None]
    ) -> None:
        self._con, self._relation = con, relation
        self._asked = [Asked(column, family_of(column.kind)) for column in columns]
        self._on_pass = on_pass
        self._together = TOGETHER

    def run(self, *, compare_rows: bool = True) -> Statistics:
        """`compare_rows` counts the rows that stand there twice, which is of no use where not all are there. Raises
        what DuckDB raises."""
        ((rows,),) = self._con.execute(f"SELECT count(*) FROM {self._relation}").fetchall()
        found = self._few(rows) if rows <= EXACT_ROWS else self._many()
        columns = [_profile(asked, known, rows) for asked, known in zip(self._asked, found, strict=True)]
        return Statistics(columns, rows, self._duplicates(rows) if compare_rows else None, found)

    def _few(self, rows: int) -> list[Found]:
        """Everything of few rows: they are fetched, some columns at a time."""
        found: list[Found] = [defaultdict(lambda: None) for _ in self._asked]
        size = max(1, min(HELD_TOGETHER, CELLS // max(rows, 1)))
        places = [place for place, asked in enumerate(self._asked) if asked.family in COUNTABLE]
        for begin in range(0, len(places), size):
            chunk = places[begin : begin + size]
            self._on_pass(0.9 * begin / len(places), 0.9 * (begin + len(chunk)) / len(places))
            for place, more in zip(chunk, self._held(chunk), strict=True):
                found[place] |= more
        rest = [{} if asked.family in COUNTABLE else asked.first() for asked in self._asked]
        for known, more in zip(found, self._measured(rest, begin=0.9, end=0.95), strict=True):
            known |= more
        self._by_length(found)
        return found

    def _held(self, places: Sequence[int]) -> list[dict[str, Any]]:
        """Some columns counted; where there is not the memory to fetch them, fewer at a time, or where they are."""
        try:
            return held_columns(self._con, [self._asked[place] for place in places], self._relation)
        except (MemoryError, duckdb.OutOfMemoryException):
            if len(places) > 1:
                half = len(places) // 2
                return self._held(places[:half]) + self._held(places[half:])
        (place,) = places
        asked = self._asked[place]
        known = _by_place(self._answered([(place, asked.first())]))[place]
        return [known | count_values(self._con, asked, known, self._relation)] if known["present"] else [known]

    def _many(self) -> list[Found]:
        """Everything of many rows: by aggregates over all of them, and by counting what has few values."""
        # Each statement plans the whole view; of very many columns more are asked at once.
        self._together = max(FEW_TOGETHER, len(self._asked) // 100)
        found = self._measured([asked.first() for asked in self._asked], begin=0.0, end=0.4)
        for place, (asked, known) in enumerate(zip(self._asked, found, strict=True)):
            self._on_pass(0.4 + 0.5 * place / len(found), 0.4 + 0.5 * (place + 1) / len(found))
            if asked.family in COUNTABLE and known["present"] and _is_worth_counting(asked, known):
                known |= count_values(self._con, asked, known, self._relation)
            if asked.number and known["quartiles"] is None and asked.family not in LENGTHS:
                known |= spread(self._con, asked, known, self._relation)
        self._by_length(found)
        second = [
            asked.second(known) if known["quartiles"] is None else {}
            for asked, known in zip(self._asked, found, strict=True)
        ]
        for known, more, wanted in zip(found, self._measured(second, begin=0.9, end=0.95), second, strict=True):
            known |= more
            known["estimated"] = bool(wanted)
        return found

    def _by_length(self, found: Sequence[Found]) -> None:
        """The lengths of what was not counted value by value."""
        for asked, known in zip(self._asked, found, strict=True):
            if asked.family in LENGTHS and known["present"] and known["quartiles"] is None:
                known |= count_lengths(self._con, asked, self._relation)

    def _measured(self, wanted: Sequence[Mapping[str, str]], *, begin: float, end: float) -> list[Found]:
        """What was asked of each column, whose values that are the column's own are JSON values already."""
        results: list[Found] = [defaultdict(lambda: None) for _ in wanted]
        chunks = self._chunks([(place, measures) for place, measures in enumerate(wanted) if measures])
        for nth, chunk in enumerate(chunks):
            self._on_pass(begin + (end - begin) * nth / len(chunks), begin + (end - begin) * (nth + 1) / len(chunks))
            for place, answer in _by_place(self._answered(chunk)).items():
                results[place] |= answer
        return results

    def _chunks(self, wanted: Wanted) -> list[Wanted]:
        """The columns of each statement: where row groups are large, text has one of its own."""
        chunks: list[Wanted] = []
        left = 0
        for place, measures in wanted:
            weight = self._together if self._asked[place].family in ("text", "bytes", "items") else 1
            if not chunks or left < (weight if self._together <= FEW_TOGETHER else 1):
                chunks.append([])
                left = self._together
            chunks[-1].append((place, measures))
            left -= weight if self._together <= FEW_TOGETHER else 1
        return chunks

    def _answered(self, chunk: Wanted) -> Any:
        """The answer for some columns, or, where there is not the memory for it, for less at a time."""
        try:
            return self._con.sql(select(chunk, self._relation)).to_arrow_table()
        except duckdb.OutOfMemoryException:
            if len(chunk) == 1:
                self._con.execute("SET threads = 1")
                return self._con.sql(select(chunk, self._relation)).to_arrow_table()
        half = len(chunk) // 2
        first, rest = self._answered(chunk[:half]), self._answered(chunk[half:])
        for name, column in zip(rest.column_names, rest.columns, strict=True):
            first = first.append_column(name, column)
        return first

    def _duplicates(self, rows: int) -> int | None:
        width = len(self._asked)
        if not width or rows > DUPLICATE_ROWS or rows * width > DUPLICATE_CELLS:
            return None
        self._on_pass(0.95, 1.0)
        # Two hashes of 64 bits with different seeds: that different rows have both in common does not happen.
        if width <= HELD_TOGETHER:
            names = ", ".join(asked.name for asked in self._asked)
            hashes = f"SELECT DISTINCT hash({names}), hash('', {names}) FROM {self._relation}"
            ((distinct,),) = self._con.execute(f"SELECT count(*) FROM ({hashes})").fetchall()
            return int(rows - distinct)
        both = np.zeros((2, rows), np.uint64)
        for begin in range(0, width, HELD_TOGETHER):
            names = ", ".join(asked.name for asked in self._asked[begin : begin + HELD_TOGETHER])
            more = self._con.sql(f"SELECT hash({names}), hash('', {names}) FROM {self._relation}").to_arrow_table()
            both = both * MIXING + np.stack([column.to_numpy() for column in more.columns])
        return int(rows - len(np.unique(both, axis=1).T))


def _by_place(answer: Any) -> dict[int, dict[str, Any]]:
    """The answer to `measures.select`, column by column."""
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, column in zip(answer.column_names, answer.columns, strict=True):
        place, _, measure = name.partition(".")
        found[int(place)][measure] = json_values(column)[0] if measure in ("min", "max") else column.to_pylist()[0]
    return found


def _is_worth_counting(asked: Asked, known: Found) -> bool:
    # Where most values stand once, no value is frequent, and counting them costs the memory of all.
    return asked.family == "boolean" or known["distinct"] < 0.5 * known["present"]


def _profile(asked: Asked, found: Found, rows: int) -> ColumnProfile:
    column, family = asked.column, asked.family
    present = found["present"]
    distinct, exact = (found["groups"], True) if found["groups"] is not None else (found["distinct"], not present)
    if distinct is not None and not exact:
        distinct = min(distinct, present)
    profile = ColumnProfile(
        column.name,
        column.type,
        kind_of(family, distinct, present),
        rows - present,
        distinct,
        exact,
        # Of more values than are listed, those that stand once are not at the top of anything.
        top=tuple(top for top in found["top"] or () if top.count > 1 or (distinct or 0) <= TOP),
        histogram=_histogram(asked, found),
    )
    return (
        _with_lengths(profile, found) if family in ("text", "bytes", "items") else _with_values(profile, asked, found)
    )


def kind_of(family: str, distinct: int | None = None, present: int = 0) -> Kind:
    """Which statistics a column has, by the family of its type and how many different values it has."""
    if family == "text":
        few = distinct is not None and distinct <= FEW_LABELS and distinct <= max(1, LABEL_SHARE * present)
        return "string_label" if few else "string_text"
    kinds: dict[str, Kind] = {
        "whole": "int",
        "real": "float",
        "decimal": "float",
        "boolean": "bool",
        "moment": "datetime",
        "clock": "datetime",
        "items": "list",
    }
    return kinds.get(family, "other")


def _with_lengths(profile: ColumnProfile, found: Found) -> ColumnProfile:
    quartiles = found["quartiles"] or (None, None, None)
    return replace(
        profile,
        length_min=_whole(found["low"]),
        length_max=_whole(found["high"]),
        length_mean=_finite(found["mean"]),
        length_median=_finite(quartiles[1]),
        length_std=_finite(found["std"]),
    )


def _with_values(profile: ColumnProfile, asked: Asked, found: Found) -> ColumnProfile:
    show = _shower(asked)
    q1, median, q3 = found["quartiles"] or (None, None, None)
    numeric = asked.family not in ("moment", "clock")
    low, high = found["min"], found["max"]
    if asked.family == "whole":
        low, high = plain_integer(low), plain_integer(high)
    return replace(
        profile,
        min=low,
        max=high,
        mean=show(found["mean"]),
        median=show(median),
        q1=show(q1),
        q3=show(q3),
        std=_finite(found["std"]) if numeric else None,
    )


def _shower(asked: Asked) -> Callable[[float | None], JsonValue]:
    """How a number that was reckoned is shown in a column of this type."""
    if asked.family == "moment":
        if asked.column.kind == "DATE":
            return lambda value: None if value is None else _day_or_moment(value)
        write = moment_writer("us", "UTC" if "ZONE" in asked.column.kind else None)
        return lambda value: None if value is None else write(round(value))
    if asked.family == "clock":
        clock = clock_writer("us")
        return lambda value: None if value is None else clock(min(round(value), 86_400_000_000 - 1))
    return _finite


def _day_or_moment(value: float) -> JsonValue:
    # The mean of dates is a day; what lies between two days is rounded down.
    return date_writer(86_400_000_000)(math.floor(value))


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _histogram(asked: Asked, found: Found) -> Histogram | None:
    counts = found["bars"]
    if not counts:
        return None
    edges = asked.edges(found["low"], found["high"])
    show = _shower(asked)
    if asked.family in ("whole", "text", "bytes", "items"):
        shown: list[JsonValue] = [number(int(edge)) for edge in edges]
    else:
        shown = [show(edge) for edge in edges]
    return Histogram(tuple(shown), tuple(int(count) for count in counts[: len(edges) - 1]))
