"""What a reader of the data should know, in words, from the statistics of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from preview.profile import ColumnProfile, Hint
from preview.result import JsonValue

MOSTLY: Final = 0.9
"""Share of nulls from which a column is mostly empty."""
ENOUGH: Final = 20
"""Values below which nothing is said about how they are spread."""
FAR: Final = 10.0
"""Interquartile ranges between the middle half and a value that is suspicious; Tukey's far out is 3, which real
columns of money or counts reach."""
SENTINELS: Final[tuple[JsonValue, ...]] = (
    -1,
    -9,
    -99,
    -999,
    -9999,
    -99999,
    -999999,
    99,
    999,
    9999,
    99999,
    999999,
    99999999,
)
UNIQUE: Final = 0.995
"""HyperLogLog is off by up to so much for columns where no two values are the same."""


def with_hints(profile: ColumnProfile, rows: int, raw: Mapping[str, Any], looks: Mapping[str, float]) -> ColumnProfile:
    """The column with its hints. `looks` are the shares of its texts that could be a `number`, `date` or `moment`."""
    return replace(profile, hints=tuple(_hints(profile, rows, raw, looks)))


def _hints(profile: ColumnProfile, rows: int, raw: Mapping[str, Any], looks: Mapping[str, float]) -> list[Hint]:
    present = rows - profile.nulls
    if not rows:
        return []
    if not present:
        return [Hint("all-null", "Every row is empty here.")]
    hints = []
    if profile.nulls / rows >= MOSTLY:
        hints.append(Hint("mostly-null", f"{_percent(profile.nulls, rows)} of the rows are empty here."))
    if present > 1 and profile.distinct == 1 and (profile.distinct_exact or profile.min == profile.max is not None):
        hints.append(Hint("constant", "All values are the same."))
    hints.extend(_id_like(profile, present))
    hints.extend(_as_text(present, looks))
    hints.extend(_outliers(profile, present))
    not_numbers = present - raw["finite"] if raw.get("finite") is not None else 0
    if not_numbers:
        what = "value is" if not_numbers == 1 else "values are"
        hints.append(
            Hint(
                "outliers",
                f"{not_numbers:,} {what} NaN or infinite; the numbers here are of the {raw['finite']:,} others.",
            )
        )
    return hints


def _id_like(profile: ColumnProfile, present: int) -> list[Hint]:
    if profile.kind not in ("int", "string_text") or present < ENOUGH or profile.distinct is None:
        return []
    if profile.distinct_exact:
        return [Hint("id-like", "No two values are the same, as in an id.")] if profile.distinct == present else []
    if profile.distinct >= UNIQUE * present:
        return [Hint("id-like", "Nearly all values differ, as in an id.")]
    return []


def _as_text(present: int, looks: Mapping[str, float]) -> list[Hint]:
    for look, slug, what in (
        ("date", "date-as-text", "dates"),
        ("moment", "date-as-text", "dates with times"),
        ("number", "number-as-text", "numbers"),
    ):
        share = looks.get(look, 0.0)
        if share >= 0.999:
            return [Hint(slug, f"These texts are all {what}.")]
        if share >= MOSTLY:
            return [Hint(slug, f"{share:.1%} of these texts are {what}; the others keep them text.")]
        if share >= 0.05 and present >= ENOUGH:
            return [Hint("mixed-types", f"{share:.0%} of these texts are {what}, the others are not.")]
    return []


def _outliers(profile: ColumnProfile, present: int) -> list[Hint]:
    if profile.kind not in ("int", "float") or present < ENOUGH:
        return []
    numbers = [_number(value) for value in (profile.min, profile.q1, profile.q3, profile.max)]
    if any(value is None for value in numbers):
        return []
    low, q1, q3, high = (float(value) for value in numbers if value is not None)
    reach = FAR * (q3 - q1)
    if not reach:
        return []
    sentinel = next(
        (
            top
            for top in profile.top
            if (value := _number(top.value)) in SENTINELS
            and top.count > 1
            and not q1 - reach <= (value or 0) <= q3 + reach
        ),
        None,
    )
    if sentinel is not None:
        text = f"{sentinel.value} stands in {sentinel.count:,} rows, far from the others: it may mean “not known”."
        return [Hint("outliers", text)]
    far = [value for value, out in ((profile.min, low < q1 - reach), (profile.max, high > q3 + reach)) if out]
    if not far:
        return []
    listed = " and ".join(str(value) for value in far)
    return [Hint("outliers", f"{listed} {'lies' if len(far) == 1 else 'lie'} far from the middle half of the values.")]


def for_rows(rows: int, duplicates: int | None) -> Sequence[Hint]:
    """Hints about rows as wholes."""
    if not duplicates:
        return ()
    verb = "row repeats" if duplicates == 1 else "rows repeat"
    return (Hint("duplicate-rows", f"{duplicates:,} {verb} an earlier one in every column."),)


def _number(value: object) -> float | None:
    try:
        return float(str(value)) if value is not None and not isinstance(value, bool) else None
    except ValueError:
        return None


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if part < whole else "100%"
