"""How the screens say what is known of a column: its type, its numbers, what is empty, and what it mostly holds."""

from __future__ import annotations

import math
import re

from pages import wording
from pages.where import value_text
from preview.profile import ColumnProfile, Profile
from preview.result import JsonValue

TYPES = {
    "boolean": "Yes/no",
    "integer": "Integer",
    "float": "Number",
    "decimal": "Decimal",
    "string": "Text",
    "date": "Date",
    "time": "Time",
    "timestamp": "Timestamp",
    "duration": "Duration",
    "binary": "Bytes",
    "list": "List",
    "struct": "Record",
    "map": "Map",
    "null": "Empty",
}
TONES = {"integer": "blue", "float": "blue", "decimal": "blue"}
MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?$")
NO_SECONDS = re.compile(r"(T\d\d:\d\d):00(\.0+)?(?=$|Z|[+-])")
FRACTION = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.\d+")
DAY = 10
"""Characters of an ISO date."""
SHOWN = 20
"""Characters of a value in a table of columns: so many leave room for how often it is there."""


def type_name(code: str) -> str:
    """What people call a type of `preview.result.TYPES`."""
    return TYPES.get(code, code.capitalize())


def value(of: JsonValue, *, column_type: str = "") -> str:
    """A column's value or number: few decimals, thousands from ten thousand on, days without midnight."""
    if isinstance(of, bool):
        return "yes" if of else "no"
    if isinstance(of, int):
        return f"{of:,}" if abs(of) >= 10_000 else str(of)
    if isinstance(of, float):
        return _float(of)
    if isinstance(of, str) and column_type in ("integer", "decimal", "float") and of.lstrip("-").isdigit():
        return f"{int(of):,}" if len(of) > 4 else of
    if isinstance(of, str) and column_type in ("date", "timestamp"):
        return NO_SECONDS.sub(r"\1", MIDNIGHT.sub("", of)).replace("T", " ", 1)
    return value_text(of)


def _float(number: float) -> str:
    size = abs(number)
    if not math.isfinite(number):
        return str(number)
    if size >= 1e15 or 0 < size < 1e-4:
        return f"{number:.4g}"
    if size >= 10_000:
        return f"{number:,.1f}".removesuffix(".0")
    if size >= 1:
        return f"{number:.2f}".rstrip("0").rstrip(".")
    return f"{number:.3g}"


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent, never rounded to nothing or to all: `0.4 %`, `< 0.1 %`, `> 99.9 %`."""
    if whole <= 0 or part <= 0:
        return "none"
    if part >= whole:
        return "all"
    per_cent = 100 * part / whole
    if per_cent < 0.1:
        return "< 0.1 %"
    if per_cent > 99.9:
        return "> 99.9 %"
    return f"{per_cent:.1f} %" if per_cent < 10 or per_cent > 99 else f"{per_cent:.0f} %"


def distinct(column: ColumnProfile) -> str:
    """How many values differ; an estimate is marked: `3,376`, `≈ 41,000`; nothing where it was not counted."""
    if column.distinct is None:
        return ""
    if column.distinct_exact:
        return wording.exact(column.distinct)
    # An estimate is good for about two digits.
    digits = max(0, len(str(column.distinct)) - 2)
    return f"≈ {round(column.distinct, -digits):,}"


def unique(column: ColumnProfile, rows: int) -> bool:
    """Whether every value that is there is there once, as far as that was counted exactly."""
    return column.distinct_exact and column.distinct == rows - column.nulls and rows - column.nulls > 1


def summary(column: ColumnProfile, rows: int) -> str:
    """The range of what has an order, of the rest the most frequent: `7.37 to 71.29`, `AK 263, TX 209`."""
    if rows and column.nulls >= rows:
        return "nothing but empty cells"
    if column.kind in ("int", "float", "datetime") and column.min is not None and column.max is not None:
        low, high = (value(edge, column_type=column.type) for edge in _days(column.min, column.max))
        return f"always {low}" if low == high else f"{low} to {high}"
    if unique(column, rows):
        examples = ", ".join(_short(top.value, column) for top in column.top[:3])
        return f"unique, e.g. {examples}" if examples else "unique"
    if column.top:
        return ", ".join(f"{_short(top.value, column)} {wording.short(top.count)}" for top in column.top[:2])
    if column.length_min is not None and column.length_max is not None:
        noun = "item" if column.kind == "list" else "character"
        if column.length_min == column.length_max:
            return wording.counted(column.length_max, noun)
        return f"{column.length_min:,} to {wording.counted(column.length_max, noun)}"
    return ""


def _days(low: JsonValue, high: JsonValue) -> tuple[JsonValue, JsonValue]:
    """A range of times that spans days is told by its days."""
    if isinstance(low, str) and isinstance(high, str) and low[:DAY] != high[:DAY] and "T" in low:
        return low[:DAY], high[:DAY]
    return low, high


def _short(of: JsonValue, column: ColumnProfile) -> str:
    text = value(of, column_type=column.type)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def cover(column: ColumnProfile, rows: int) -> str:
    """How much the most frequent values are of the whole: `Top 8 of 56 cover 35 % of rows`."""
    if not column.top or not rows or column.distinct is None:
        return ""
    part = share(sum(top.count for top in column.top), rows)
    if column.distinct_exact and len(column.top) >= column.distinct:
        every = "The only value" if column.distinct == 1 else f"All {column.distinct:,} values"
        return f"{every} · {part} of rows"
    return f"Top {len(column.top)} of {distinct(column)} cover {part} of rows"


def numbers(column: ColumnProfile) -> list[tuple[str, str]]:
    """Every number that is known, named and in words, in the order a reader wants them."""
    ordered = (
        ("Min", column.min),
        ("25 %", column.q1),
        ("Median", column.median),
        ("Mean", column.mean),
        ("75 %", column.q3),
        ("Max", column.max),
        ("Std", column.std),
    )
    found = [(name, value(_whole_seconds(of), column_type=column.type)) for name, of in ordered if of is not None]
    if column.length_min is not None and column.length_min == column.length_max:
        return [*found, ("Items" if column.kind == "list" else "Length", f"always {value(column.length_min)}")]
    lengths = (
        ("Shortest", column.length_min),
        ("Median length" if column.kind != "list" else "Median items", column.length_median),
        ("Mean length" if column.kind != "list" else "Mean items", column.length_mean),
        ("Longest", column.length_max),
        ("Std of length" if column.kind != "list" else "Std of items", column.length_std),
    )
    return found + [(name, value(of)) for name, of in lengths if of is not None]


def _whole_seconds(of: JsonValue) -> JsonValue:
    """A mean or a quartile of times falls between them; its fractions of a second say nothing."""
    return FRACTION.sub("", of) if isinstance(of, str) else of


def coverage(profile: Profile) -> str:
    """What every number on the screen is counted over."""
    if not profile.partial and not profile.rows:
        return "The file has no rows"
    return f"A first look: {profile.how}" if profile.partial else f"Counted over {profile.how}"
