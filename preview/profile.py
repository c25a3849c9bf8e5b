"""What is known of a file's columns by reading all of it, or an honest part: counts, ranges, quantiles, top values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from preview.result import JsonValue

Kind = Literal["int", "float", "bool", "datetime", "string_label", "string_text", "list", "other"]
"""Which statistics a column has, by the names of the Hugging Face dataset viewer (`column_type`).

`string_label` is text with few distinct values; `datetime` stands for dates, timestamps and times of day.
"""


@dataclass(frozen=True, slots=True)
class Histogram:
    """`edges` has one entry more than `counts`; a bar holds its left edge, the last its right edge too. Edges are JSON
    numbers, or ISO 8601 texts for dates and times."""

    edges: tuple[JsonValue, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopValue:
    """A value as the preview's JSON has it, and in how many rows it stands."""

    value: JsonValue
    count: int


@dataclass(frozen=True, slots=True)
class Hint:
    """Something a reader of the data should know. `slug` is one of `constant all-null id-like mixed-types date-as-text
    number-as-text duplicate-rows outliers mostly-null`; `text` is the sentence."""

    slug: str
    text: str

    @property
    def warns(self) -> bool:
        """Whether something may be wrong with the data; an id or a constant is only worth knowing."""
        return self.slug not in ("id-like", "constant")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column. Values are as the preview's JSON has them; what is unknown or has no meaning is None.

    For text and lists `length_*` are in characters or items. `distinct_exact` says whether `distinct` was counted or
    estimated (HyperLogLog); top values are always counted over all rows covered.
    """

    name: str
    type: str
    kind: Kind
    nulls: int
    distinct: int | None = None
    distinct_exact: bool = False
    min: JsonValue = None
    max: JsonValue = None
    mean: JsonValue = None
    median: JsonValue = None
    q1: JsonValue = None
    q3: JsonValue = None
    std: float | None = None
    length_min: int | None = None
    length_max: int | None = None
    length_mean: float | None = None
    length_median: float | None = None
    length_std: float | None = None
    top: tuple[TopValue, ...] = ()
    histogram: Histogram | None = None
    """Of the values; for text, of its lengths."""
    hints: tuple[Hint, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """All columns of a file, and how much of it that covers.

    `rows` is the number of rows covered; `partial` says that it is not all, and `how` in words what it is: "all 3,376
    rows", "a sample of 40,000 rows from all over the file", "the footer: no distinct or top values". `total_rows` is
    the file's number of rows where known. `duplicates` counts rows that stand in the file before (None: not counted).
    """

    rows: int
    total_rows: int | None
    partial: bool
    how: str
    columns: tuple[ColumnProfile, ...]
    column_count: int
    duplicates: int | None = None
    hints: tuple[Hint, ...] = ()
    notes: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Profile:
        """What `to_plain` gave, also after a journey through JSON."""
        columns = tuple(_column(column) for column in plain["columns"])
        return cls(**{**plain, "columns": columns, "hints": _hints(plain["hints"]), "notes": tuple(plain["notes"])})


def _column(plain: Mapping[str, Any]) -> ColumnProfile:
    histogram = plain["histogram"]
    return ColumnProfile(
        **{
            **plain,
            "top": tuple(TopValue(**value) for value in plain["top"]),
            "histogram": histogram and Histogram(tuple(histogram["edges"]), tuple(histogram["counts"])),
            "hints": _hints(plain["hints"]),
        }
    )


def _hints(plain: Any) -> tuple[Hint, ...]:
    return tuple(Hint(**hint) for hint in plain)
