"""A column's distribution as bars: what each stands for, how high it is, and the rows it leads to."""

from __future__ import annotations

from dataclasses import dataclass

from pages import column_words, wording
from pages.where import to_text
from preview.asking import Condition
from preview.profile import ColumnProfile, Histogram
from preview.result import JsonValue

SMALL = 20
"""Bars in a table's row; a finer histogram is shown large only."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its rows, what it stands for, and the condition its rows meet ("" where there is none to ask for)."""

    count: int
    label: str
    where: str


def bars(column: ColumnProfile) -> list[Bar]:
    """The bars of a histogram, of the values or, for text and lists, of their lengths."""
    if column.histogram is None:
        return []
    edges, counts = column.histogram.edges, column.histogram.counts
    of_values = column.kind in ("int", "float", "datetime")
    shown = "" if of_values else " items" if column.kind == "list" else " characters"
    found = []
    for place, count in enumerate(counts):
        low, high = edges[place], edges[place + 1]
        last = place == len(counts) - 1
        span = _text(low, column) if low == high else f"{_text(low, column)} to {_text(high, column)}"
        wanted = (
            to_text((Condition(column.name, "from", low), Condition(column.name, "upto" if last else "below", high)))
            if of_values
            else ""
        )
        found.append(Bar(count, span + shown, wanted))
    return found


def tops(column: ColumnProfile) -> list[Bar]:
    """The most frequent values, each with the rows that have it."""
    return [
        Bar(top.count, column_words.value(top.value, column_type=column.type), _is(column, top.value))
        for top in column.top
    ]


def heights(column: ColumnProfile) -> tuple[list[float], bool]:
    """The bars of a table's row, 0 to 1, and whether they are of values (and not of lengths).

    Numbers and dates show their histogram; the rest its most frequent values, as people read a bar chart of it; text
    without frequent values shows the lengths.
    """
    if column.kind in ("int", "float", "datetime") and column.histogram is not None:
        return _scaled(_merged(column.histogram)), True
    if column.top:
        return _scaled([top.count for top in column.top[:SMALL]]), True
    if column.histogram is not None:
        return _scaled(_merged(column.histogram)), False
    return [], True


def alt(column: ColumnProfile) -> str:
    """The small picture in words."""
    of_values = column.kind in ("int", "float", "datetime")
    found = (bars(column) or tops(column)) if of_values else (tops(column) or bars(column))
    if not found:
        return f"Nothing to draw of {column.name}"
    most = max(found, key=lambda bar: bar.count)
    return f"Most rows of {column.name}: {most.label}, {wording.counted(most.count, 'row')}"


def _is(column: ColumnProfile, value: JsonValue) -> str:
    return to_text((Condition(column.name, "null" if value is None else "is", value),))


def _text(edge: JsonValue, column: ColumnProfile) -> str:
    return column_words.value(edge, column_type=column.type)


def _merged(histogram: Histogram) -> list[int]:
    step = -(-len(histogram.counts) // SMALL) or 1
    return [sum(histogram.counts[place : place + step]) for place in range(0, len(histogram.counts), step)]


def _scaled(counts: list[int]) -> list[float]:
    most = max(counts, default=0)
    return [round(count / most, 3) if most else 0.0 for count in counts]
