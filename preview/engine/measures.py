"""Which numbers are asked of a column, in SQL: what it has (pass 1), and how it is spread (pass 2).

Two passes over all columns, and a third over those with frequent values, are cheaper than DuckDB's `SUMMARIZE`: each
reads only the columns it needs, and none keeps more than it tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from preview.engine.bins import number_bins
from preview.engine.connect import quoted
from preview.engine.tables import TableColumn

BARS: Final = 20
NUMBERS: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
REALS: Final = frozenset({"FLOAT", "DOUBLE"})

Family = str
"""`whole real decimal boolean moment clock text bytes items other`: what can be asked of a DuckDB type."""


def family_of(kind: str) -> Family:
    """The family of a DuckDB type, by its name."""
    if kind in NUMBERS:
        return "whole"
    if kind in REALS:
        return "real"
    if kind.endswith(("]", "[]")) or kind.startswith("MAP("):
        return "items"
    if kind.startswith("DECIMAL"):
        return "decimal"
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return "moment"
    if kind.startswith("TIME"):
        return "clock"
    return {"BOOLEAN": "boolean", "VARCHAR": "text", "BLOB": "bytes"}.get(kind, "other")


COUNTABLE: Final = frozenset({"whole", "real", "decimal", "boolean", "moment", "clock", "text"})
"""Families whose values are worth counting one by one."""
LENGTHS: Final = frozenset({"text", "bytes", "items"})
"""Families of which the lengths are told, and no values but the frequent ones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One column, and how it is written in SQL: `name` as it is, `number` as a finite number to reckon with, or ""."""

    column: TableColumn
    family: Family

    @property
    def name(self) -> str:
        return quoted(self.column.sql)

    @property
    def number(self) -> str:
        return self.number_of(self.name)

    def number_of(self, name: str) -> str:
        """The number of a value that stands in another SQL column, or ""."""
        size = "cardinality" if self.column.kind.startswith("MAP(") else "len"
        return {
            "whole": f"{name}::DOUBLE",
            "decimal": f"{name}::DOUBLE",
            "real": f"CASE WHEN isfinite({name}) THEN {name}::DOUBLE END",
            "moment": f"CASE WHEN isfinite({name}) THEN epoch_us({name})::DOUBLE END",
            "clock": f"epoch_us({name})::DOUBLE",
            "text": f"length({name})::DOUBLE",
            "bytes": f"octet_length({name})::DOUBLE",
            "items": f"{size}({name})::DOUBLE",
        }.get(self.family, "")

    @property
    def _exact(self) -> str:
        """`number` before it becomes a double, whose sum over many rows would be rounded."""
        name = self.name
        return {
            "whole": name,
            "decimal": name,
            "moment": f"CASE WHEN isfinite({name}) THEN epoch_us({name}) END",
            "clock": f"epoch_us({name})",
        }.get(self.family, self.number)

    def first(self) -> dict[str, str]:
        """Pass 1; what it leaves out of text is counted by length."""
        name, number = self.name, self.number
        wanted = {"present": f"count({name})"}
        if self.family in COUNTABLE and self.family != "boolean":
            wanted["distinct"] = f"approx_count_distinct({name})"
        if self.family in LENGTHS:
            return wanted
        if self.family in ("whole", "decimal", "clock"):
            wanted |= {"min": f"min({name})", "max": f"max({name})"}
        if self.family in ("real", "moment"):
            finite = f"CASE WHEN isfinite({name}) THEN {name} END"
            wanted |= {"min": f"min({finite})", "max": f"max({finite})", "finite": f"count({finite})"}
        if number:
            wanted |= {
                "low": f"min({number})",
                "high": f"max({number})",
                "mean": f"avg({self._exact})",
                "std": f"stddev_samp({number})",
            }
        return wanted

    def second(self, known: Mapping[str, Any]) -> dict[str, str]:
        """Pass 2, given what pass 1 found: estimates, where nothing better is cheap."""
        number, low, high = self.number, known.get("low"), known.get("high")
        if not number or low is None or high is None:
            return {}
        bounds = [math.nextafter(edge, -math.inf) for edge in self.edges(low, high)[1:-1]] + [high]
        listed = ", ".join(f"{bound!r}::DOUBLE" for bound in bounds)
        return {
            "quartiles": f"approx_quantile({number}, [0.25, 0.5, 0.75])",
            "bars": f"map_values(histogram({number}, [{listed}]))",
        }

    def edges(self, low: float, high: float) -> list[float]:
        """The edges of the histogram, in the numbers that are reckoned with."""
        if self.family in ("moment", "clock"):
            return moment_edges(low, high, days=self.column.kind == "DATE")
        return number_bins(low, high, whole=self.family in ("whole", "text", "bytes", "items"), most=BARS).edges


_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
STEPS: Final = (
    *(factor * 10**power for power in range(6) for factor in (1, 2, 5)),
    *(seconds * _SECOND for seconds in (1, 2, 5, 10, 15, 30)),
    *(minutes * 60 * _SECOND for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * 3600 * _SECOND for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 7, 14, 28, 91)),
    *(years * 365 * _DAY for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)
"""Widths of bars over time, in microseconds, that a person has a word for."""


def moment_edges(low: float, high: float, *, days: bool) -> list[float]:
    """Edges over microseconds since 1970, on whole steps of time."""
    # Microseconds far from 1970 are more than a double tells apart.
    least = _DAY if days else max(1.0, 4 * math.ulp(max(abs(low), abs(high))))
    step = next((step for step in STEPS if step >= least and (high - low) / step <= BARS), None)
    if step is None:
        step = int((high - low) // BARS) + 1
    start = math.floor(low / step) * step
    count = max(1, math.floor((high - start) / step) + 1)
    return [float(start + place * step) for place in range(count + 1)]


def select(asked: Sequence[tuple[int, Mapping[str, str]]], relation: str) -> str:
    """One statement that answers for several columns: answers are named by place and measure."""
    wanted = [f"{sql} AS {quoted(f'{place}.{name}')}" for place, measures in asked for name, sql in measures.items()]
    return f"SELECT {', '.join(wanted)} FROM {relation}"  # names are quoted, the rest is made here
