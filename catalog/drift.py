"""What moved between two versions' statistics, and by how much: the rules, on plain values.

Moved is:
- nulls: the share of nulls by a percentage point or more, or from none to some and back;
- mean: by a fifth of the old standard deviation or more (a small effect: Cohen, "Statistical Power Analysis", 1988);
- range: the earliest or the latest point in time;
- top: the share of a frequent value by five percentage points or more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from preview.profile import ColumnProfile, Profile
from preview.result import JsonValue

NULLS_MOVED = 0.01
MEAN_MOVED = 0.2
TOP_MOVED = 0.05

What = Literal["nulls", "mean", "range", "top"]


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column and its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Retyped:
    """A column whose type is another one now."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing about one column that is not what it was.

    `old` and `new` are shares of 1 (nulls, top), the values (mean), or [earliest, latest] (range). `size` orders them:
    0 is none, 1 a great deal. `text` is a sentence.
    """

    column: str
    what: What
    old: JsonValue
    new: JsonValue
    size: float
    text: str


def columns_changed(
    old: Profile, new: Profile
) -> tuple[tuple[ColumnName, ...], tuple[ColumnName, ...], tuple[Retyped, ...]]:
    """Columns added, lost, and of another type."""
    before, now = _by_name(old), _by_name(new)
    added = tuple(ColumnName(name, one.type) for name, one in now.items() if name not in before)
    lost = tuple(ColumnName(name, one.type) for name, one in before.items() if name not in now)
    retyped = tuple(
        Retyped(name, before[name].type, one.type)
        for name, one in now.items()
        if name in before and before[name].type != one.type
    )
    return added, lost, retyped


def columns_moved(old: Profile, new: Profile) -> tuple[Moved, ...]:
    """What moved in the columns that both have, the largest first."""
    before = _by_name(old)
    moved = [
        one
        for column in new.columns
        if (same := before.get(column.name)) is not None
        for one in _moved(same, old.rows, column, new.rows)
    ]
    return tuple(sorted(moved, key=lambda one: -one.size))


def columns_in_common(old: Profile, new: Profile) -> int:
    return len(_by_name(old).keys() & _by_name(new).keys())


def _by_name(profile: Profile) -> dict[str, ColumnProfile]:
    return {column.name: column for column in profile.columns}


def _moved(old: ColumnProfile, old_rows: int, new: ColumnProfile, new_rows: int) -> Iterator[Moved]:
    if not old_rows or not new_rows:
        return
    yield from _nulls(old, old.nulls / old_rows, new.nulls / new_rows)
    if old.kind in ("int", "float") and new.kind in ("int", "float"):
        yield from _mean(old, new)
    elif old.kind == new.kind == "datetime":
        yield from _range(old, new)
    elif old.kind in ("string_label", "bool") and old.kind == new.kind:
        yield from _top(old, old_rows, new, new_rows)


def _nulls(column: ColumnProfile, old: float, new: float) -> Iterator[Moved]:
    if old == new or (_apart(old, new) < NULLS_MOVED and old and new):
        return
    how = "more" if new > old else "fewer"
    text = f"{column.name}: {how} values are missing: {_percent(new)}, was {_percent(old)}"
    yield Moved(column.name, "nulls", old, new, abs(new - old), text)


def _mean(old: ColumnProfile, new: ColumnProfile) -> Iterator[Moved]:
    before, now = number(old.mean), number(new.mean)
    if before is None or now is None or before == now:
        return
    size = abs(now - before) / old.std if old.std else 1.0
    if size < MEAN_MOVED:
        return
    by = f"{size:.1f} standard deviations {'up' if now > before else 'down'}" if old.std else "it was constant"
    text = f"{old.name}: the mean is {now:,.4g}, was {before:,.4g}: {by}"
    yield Moved(old.name, "mean", old.mean, new.mean, min(size, 5.0) / 5, text)


def _range(old: ColumnProfile, new: ColumnProfile) -> Iterator[Moved]:
    if None in (old.min, old.max, new.min, new.max) or (old.min, old.max) == (new.min, new.max):
        return
    parts = [
        f"{name} is {_moment(now)}, was {_moment(before)}"
        for name, before, now in (("the earliest", old.min, new.min), ("the latest", old.max, new.max))
        if before != now
    ]
    # Time goes on: that a table does too is worth a word, not an alarm.
    yield Moved(old.name, "range", [old.min, old.max], [new.min, new.max], 0.01, f"{old.name}: {'; '.join(parts)}")


def _top(old: ColumnProfile, old_rows: int, new: ColumnProfile, new_rows: int) -> Iterator[Moved]:
    before = {repr(one.value): one.count / old_rows for one in old.top}
    now = {repr(one.value): one.count / new_rows for one in new.top}
    shown = {repr(one.value): one.value for one in (*old.top, *new.top)}
    for key, value in shown.items():
        # A value that is not among the other's top has a share there that nobody counted, unless all are there.
        was = before.get(key, 0.0 if _whole(old) else None)
        share = now.get(key, 0.0 if _whole(new) else None)
        if was is None or share is None or _apart(was, share) < TOP_MOVED:
            continue
        text = f"{old.name}: {_shown(value)} is {_percent(share)} of the rows, was {_percent(was)}"
        yield Moved(old.name, "top", was, share, abs(share - was), text)


def _apart(old: float, new: float) -> float:
    # Rounded, so that a percentage point is one in binary fractions, too.
    return round(abs(new - old), 9)


def _whole(column: ColumnProfile) -> bool:
    return column.distinct is not None and column.distinct_exact and len(column.top) >= column.distinct


def number(value: JsonValue) -> float | None:
    """A statistic as a number: decimals and large integers are strings in JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _percent(share: float) -> str:
    digits = 1 if 0.001 <= share <= 0.999 or share in (0, 1) else 3
    return f"{100 * share:.{digits}f} %"


def _moment(value: JsonValue) -> str:
    """A day, or a point in time with a space where ISO 8601 has a T."""
    return str(value).replace("T", " ", 1)


def _shown(value: JsonValue) -> str:
    text = str(value)
    return f"“{text}”" if len(text) <= 40 else f"“{text[:40]}…”"
