"""Where the bars of a histogram and the points of a line begin: round numbers, and the calendar's own units."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Final

BARS: Final = 30
"""About as many bars as a histogram has."""


@dataclass(frozen=True, slots=True)
class NumberBins:
    """`count` bins of width `step`; the first begins at `first` times `step`, the last holds its right edge too."""

    first: int
    step: float
    count: int

    @property
    def edges(self) -> list[float]:
        """All edges, without the dust of repeated addition, and none beyond the largest float."""
        most = sys.float_info.max
        places = range(self.first, self.first + self.count + 1)
        return [max(-most, min(most, float(f"{place * self.step:.15g}"))) for place in places]


def number_bins(low: float, high: float, *, whole: bool, most: int = BARS) -> NumberBins:
    """Bins with round edges over finite numbers; of whole numbers none is narrower than one of them."""
    # Halves before they are subtracted: the span of all floats is more than the largest of them.
    span = (high / 2 - low / 2) / most * 2
    step = nice_step(max(span, abs(low) * 1e-12, abs(high) * 1e-12, sys.float_info.min * 1e15))
    if low == high:
        step = nice_step(abs(low) / 10 or 1.0)
    if whole:
        step = max(1.0, float(math.ceil(step)))
        step = 1.0 if low == high else step
    first = math.floor(low / step)
    # Whole numbers one by one have a bar each; else what stands on the last edge belongs to the last bar.
    last = math.floor(high / step) + 1 if whole and step == 1 else math.ceil(high / step)
    return NumberBins(first, step, max(1, last - first))


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least), 10 * power)


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
