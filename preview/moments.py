"""Dates, times of day, moments and durations as ISO 8601, from the whole numbers that Arrow keeps them as.

numpy writes every year there is, where `datetime` ends at 9999. A fraction of a second is written as `isoformat` does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Writer = Callable[[int], str]


def date_writer(per_day: int) -> Writer:
    """For days since 1970, counted in units of which a day has `per_day`."""
    return lambda value: str(np.datetime64(value // per_day, "D"))


def clock_writer(unit: str) -> Writer:
    """For times of day; units are `s ms us ns`."""

    def text(value: int) -> str:
        seconds, rest = divmod(value, PER_SECOND[unit])
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{_fraction(rest, unit)}"

    return text


def moment_writer(unit: str, zone_name: str | None) -> Writer:
    """For time since 1970: in the zone, with its offset (UTC as Z); without a zone as it stands."""
    zone = _zone(zone_name) if zone_name else None

    def text(value: int) -> str:
        seconds, rest = divmod(value, PER_SECOND[unit])
        fraction = _fraction(rest, unit)
        try:
            if zone is not None and zone is not UTC:
                local = (EPOCH + timedelta(seconds=seconds)).astimezone(zone).isoformat()
                return f"{local[:19]}{fraction}{local[19:]}"
        except (OverflowError, ValueError):
            pass
        return f"{np.datetime64(seconds, 's')}{fraction}{'Z' if zone_name else ''}"

    return text


def duration_writer(unit: str) -> Writer:
    """For lengths of time."""

    def text(value: int) -> str:
        sign = "-" if value < 0 else ""
        seconds, rest = divmod(abs(value), PER_SECOND[unit])
        days, seconds = divmod(seconds, 86_400)
        below = _fraction(rest, unit).rstrip("0")
        return f"{sign}P{days}DT{seconds // 3600}H{seconds // 60 % 60}M{seconds % 60}{below}S"

    return text


def interval_text(value: tuple[int, int, int]) -> str:
    """An interval of months, days and nanoseconds."""
    months, days, nanoseconds = value
    return f"P{months}M{days}DT{nanoseconds / 1e9:g}S"


def span_text(value: timedelta) -> str:
    """A duration."""
    return duration_writer("us")((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds)


def moment_text(value: datetime) -> str:
    """A moment, UTC as Z."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _fraction(value: int, unit: str) -> str:
    """The part below a second: none, six digits, or nine where they are needed."""
    nanoseconds = value * (PER_SECOND["ns"] // PER_SECOND[unit])
    if not nanoseconds:
        return ""
    return f".{nanoseconds:09d}" if nanoseconds % 1000 else f".{nanoseconds // 1000:06d}"


def _zone(name: str) -> tzinfo | None:
    """A name of the tz database or ±HH:MM; None where it is neither, and UTC is shown."""
    if name.upper() in ("UTC", "Z", "ETC/UTC", "+00:00"):
        return UTC
    try:
        return datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo if name[0] in "+-" else ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None
