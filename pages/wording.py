"""How the screens say numbers, sizes, dates and formats: one place, so that every screen says them alike.

The rules are the look's: thousands with a comma, from a million on "48.2 M" where space is short, decimal sizes,
relative times up to six days.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

FORMATS = {
    "csv": "CSV",
    "tsv": "TSV",
    "json": "JSON",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "xlsx": "Excel",
    "xls": "Excel",
    "ods": "OpenDocument",
    "other": "File",
}
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
LARGE = ((1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"))


def format_name(code: str) -> str:
    """What people call a format of DESIGN 5 (`csv` … `other`)."""
    return FORMATS.get(code, code.upper())


def size(count: int) -> str:
    """Bytes in decimal units, one decimal under 100: `512 B`, `48.2 kB`, `210 kB`, `4.8 GB`."""
    value, unit = float(count), 0
    # 999.5 and more would be rounded to a thousand of its unit.
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return f"{count} B"
    return f"{value:.0f} {UNITS[unit]}" if value >= 99.95 else f"{value:.1f} {UNITS[unit]}"


def exact(count: int) -> str:
    """Every digit, thousands with a comma: `48,212,307`."""
    return f"{count:,}"


def short(count: int) -> str:
    """Exact below a million, then one decimal: `42,049`, `3 M`, `48.2 M`."""
    for step, letter in LARGE:
        if count >= step:
            return f"{count / step:.1f}".removesuffix(".0") + f" {letter}"
    return exact(count)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 dataset`, `61 datasets`."""
    return f"{exact(count)} {noun if count == 1 else plural or noun + 's'}"


def shape(rows: int | None, columns: int | None) -> str:
    """Rows × columns for a list, as far as they are known: `3,376 × 7`, `? × 7`, or nothing."""
    if rows is None and columns is None:
        return ""
    return f"{'?' if rows is None else short(rows)} × {'?' if columns is None else exact(columns)}"


def ago(moment: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """Relative up to six days, then the day, with the year when it is not this one; days are those of `zone`."""
    passed = now - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min ago"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h ago"
    here, today = moment.astimezone(zone), now.astimezone(zone)
    days = (today.date() - here.date()).days
    if days <= 1:
        return "yesterday"
    if days <= 6:
        return f"{days} days ago"
    return f"{here.day} {here:%b}" if here.year == today.year else f"{here.day} {here:%b %Y}"


def ahead(moment: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """How far off a moment is, up to six days, then its day: `in 22 h`, `in 6 days`, `on 12 Dec`; rounded down, so that
    nobody counts on more than there is."""
    left = moment - now
    if left < timedelta(minutes=1):
        return "in less than a minute"
    if left < timedelta(hours=1):
        return f"in {left // timedelta(minutes=1)} min"
    if left < timedelta(days=1):
        return f"in {left // timedelta(hours=1)} h"
    if left < timedelta(days=7):
        return f"in {counted(left.days, 'day')}"
    here, today = moment.astimezone(zone), now.astimezone(zone)
    return f"on {here.day} {here:%b}" if here.year == today.year else f"on {here.day} {here:%b %Y}"


def moment(when: datetime, *, zone: tzinfo = UTC) -> str:
    """The full date and time, for a tooltip: `24 Nov 2026, 14:02`."""
    here = when.astimezone(zone)
    return f"{here.day} {here:%b %Y, %H:%M}"


def day(when: datetime, *, now: datetime, zone: tzinfo = UTC) -> str:
    """A day to come, in full: `5 December`, with the year when it is not this one."""
    here = when.astimezone(zone)
    return f"{here.day} {here:%B}" if here.year == now.astimezone(zone).year else f"{here.day} {here:%B %Y}"


def clock(when: datetime, *, zone: tzinfo = UTC) -> str:
    """The time of day: `14:02`."""
    return f"{when.astimezone(zone):%H:%M}"


def short_checksum(sha256: str) -> str:
    """Both ends of a checksum, enough to compare by eye: `9c1f07ab…e2d4`."""
    return f"{sha256[:8]}…{sha256[-4:]}"


def plain(text: str) -> str:
    """User text for a Streamlit label or Markdown, shown as typed: every character Markdown may read is escaped."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+-.!|~$:&" else char for char in " ".join(text.split()))
