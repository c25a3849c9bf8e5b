"""Where the bars of a histogram and the points of a line begin: round numbers, and the calendar's own units."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Final

BARS: Final = 30
"""About as many bars as a histogram has."""


@dataclass(frozen=True, slots=True)
class Step:
    """A round width, as whole numbers: so a multiple of 0.1 is the float nearest to it, here and in SQL."""

    numerator: float
    divisor: float

    @property
    def width(self) -> float:
        return self.numerator / self.divisor

    def times(self, place: int) -> float:
        """The place's start; none is beyond the largest float."""
        return max(-sys.float_info.max, min(sys.float_info.max, place * self.numerator / self.divisor))

    def place(self, value: str) -> str:
        """SQL of the number of widths below a finite DOUBLE: exactly those whose edge, as `times` gives it, is not
        above it.
        """
        divisor, numerator = f"{self.divisor!r}::DOUBLE", f"{self.numerator!r}::DOUBLE"
        guess = f"floor({value} * {divisor} / {numerator})"
        return (
            f"({guess} - CAST({value} < {guess} * {numerator} / {divisor} AS INTEGER) "
            f"+ CAST({value} >= ({guess} + 1) * {numerator} / {divisor} AS INTEGER))"
        )


@dataclass(frozen=True, slots=True)
class NumberBins:
    """`count` bins of one width; the first begins at `first` times `step`, the last holds its right edge too."""

    first: int
    step: Step
    count: int

    @property
    def edges(self) -> list[float]:
        """All edges: one more than bins."""
        return [self.step.times(place) for place in range(self.first, self.first + self.count + 1)]

    def place(self, value: str) -> str:
        """SQL of the bin a DOUBLE is in, counted from 0."""
        return f"CAST(least(greatest({self.step.place(value)} - {self.first}, 0), {self.count - 1}) AS INTEGER)"


def number_bins(low: float, high: float, *, whole: bool, most: int = BARS) -> NumberBins:
    """Bins with round edges over finite numbers; of whole numbers none is narrower than one of them."""
    # Halves before they are subtracted: the span of all floats is more than the largest of them.
    span = (high / 2 - low / 2) / most * 2
    if low == high:
        span = abs(low) / 10 or 1.0
    # No narrower than what floats of that size can tell apart.
    step = nice_step(max(span, abs(low) * 1e-12, abs(high) * 1e-12, 1e-290))
    if whole and max(abs(low), abs(high)) < 1e12 and (low == high or step.width < 1):
        step = Step(1.0, 1.0)
    if whole and step.divisor > 1:
        step = Step(math.ceil(step.width), 1.0)
    first = math.floor(low / step.width)
    # Whole numbers one by one have a bar each; else what stands on the last edge belongs to the last bar.
    alone = whole and step.width == 1
    last = math.floor(high / step.width) + 1 if alone else math.ceil(high / step.width)
    # A number next to nought may vanish in the division.
    first -= step.times(first) > low
    last += step.times(last) < high
    return NumberBins(first, step, max(1, last - first))


def nice_step(least: float) -> Step:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below."""
    power = math.floor(math.log10(least)) - 1
    for factor in (10, 20, 25, 50, 100):
        step = Step(factor * 10.0**power, 1.0) if power >= 0 else Step(float(factor), 10.0**-power)
        if step.width >= least:
            return step
    return Step(100 * 10.0**power, 1.0) if power >= 0 else Step(100.0, 10.0**-power)


@dataclass(frozen=True, slots=True)
class MomentBin:
    """`unit` is DuckDB's for `date_trunc`, and `times` of them a bin; `seconds` is about how long that is."""

    unit: str
    times: int
    seconds: float

    def of(self, moment: str) -> str:
        """SQL of the start of the bin that a TIMESTAMP is in."""
        if self.times == 1:
            return f"date_trunc('{self.unit}', {moment})"
        # Counted from a moment before which the calendar has no such units to count from.
        return f"time_bucket({self.interval}, {moment}, TIMESTAMP '2000-01-01')"

    @property
    def interval(self) -> str:
        """As an SQL interval."""
        return f"INTERVAL '{self.times} {self.unit}'"


_DAY: Final = 86_400.0
_YEAR: Final = 365.2425 * _DAY
_UNITS: Final = {
    "microsecond": (1e-6, (1, 10, 100)),
    "millisecond": (1e-3, (1, 10, 100)),
    "second": (1.0, (1, 5, 15, 30)),
    "minute": (60.0, (1, 5, 15, 30)),
    "hour": (3600.0, (1, 3, 6, 12)),
    "day": (_DAY, (1,)),
    "week": (7 * _DAY, (1,)),
    "month": (_YEAR / 12, (1,)),
    "quarter": (_YEAR / 4, (1,)),
    "year": (_YEAR, (1, 2, 5, 10, 20, 50, 100, 500, 1_000, 5_000, 10_000, 50_000)),
}


def moment_bin(seconds: float, *, days: bool, most: int, plain: bool = False) -> MomentBin:
    """The finest bin of which so long a span has at most `most`; `days`: no finer than a day; `plain`: only bins of one
    unit, while there are such.
    """
    for unit, (length, times) in _UNITS.items():
        if days and length < _DAY:
            continue
        for number in times if not plain or unit == "year" else (1,):
            # Both ends of the span stand in a bin that they do not fill.
            if seconds / (length * number) + 2 <= most:
                return MomentBin(unit, number, length * number)
    return MomentBin("year", 50_000, 50_000 * _YEAR)
