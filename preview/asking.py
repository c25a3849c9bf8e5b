"""What can be asked of a file's rows beyond a page of them: conditions, SQL, charts; and the shapes of the answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from preview.read_as import AS_DETECTED, ReadAs
from preview.result import JsonValue, Preview
from preview.source import Source


@dataclass(frozen=True, slots=True)
class Data:
    """A file as a table: its bytes, how they are read, and a name for its content, which never changes."""

    source: Source
    cache_key: str
    read_as: ReadAs = AS_DETECTED


class Cancel:
    """Handed to a call, and `set()` by another thread to stop it: its worker is killed within a second."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()


Op = Literal["is", "is_not", "null", "not_null", "from", "below", "upto", "contains"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows whose `column` … `value`: `is`, `is_not`; `null`, `not_null` (no value); `from` (≥), `below` (<), `upto`
    (≤); `contains` (text, case folded). Values are as the preview's JSON has them."""

    column: str
    op: Op
    value: JsonValue = None


ChartKind = Literal["histogram", "bar", "line", "scatter", "box"]
Measure = Literal["count", "sum", "mean", "median", "min", "max", "distinct"]


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """A chart to draw: `x` is grouped by, binned, or the horizontal axis; `y` is what `measure` is of, or the vertical
    axis; `color` splits into at most ten series. A box chart shows `y` for each of `x` (or one box without `x`)."""

    kind: ChartKind
    x: str | None
    y: str | None = None
    measure: Measure = "count"
    color: str | None = None
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ChartSpec:
        """What `asdict` gave, also after a journey through JSON."""
        return cls(**{**plain, "conditions": tuple(Condition(**each) for each in plain.get("conditions", ()))})


@dataclass(frozen=True, slots=True)
class ChartData:
    """Aggregated in DuckDB, small enough for a browser (at most 5,000 records).

    `records` have the keys of their kind: histogram `from, to, count`; bar `x, y`; line `x, y` (x a number, or the ISO
    start of a `bin`: "year" … "minute"); scatter `x, y`; box `x, min, q1, median, q3, max, mean, count`; and `color`
    where asked for. `x_type`/`y_type` are types of the preview; `how` says what is covered: "Top 24 of 56 groups · over
    all 3,376 rows", "A sample of 2,000 of 6,000,000 rows".
    """

    spec: ChartSpec
    records: tuple[dict[str, JsonValue], ...]
    x_type: str
    y_type: str
    how: str
    partial: bool
    bin: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ChartData:
        """What `to_plain` gave, also after a journey through JSON."""
        return cls(**{**plain, "spec": ChartSpec.from_plain(plain["spec"]), "records": tuple(plain["records"])})


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The answer to SQL: rows in the preview's shape (`total_rows` None where the limit cut them: `more`), and what it
    took, in seconds of wall clock within the worker."""

    preview: Preview
    more: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A result written to a file: how many rows and columns, of how many bytes."""

    rows: int
    size: int
    columns: tuple[tuple[str, str], ...] = field(default=())
