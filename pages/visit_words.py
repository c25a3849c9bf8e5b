"""What the page of a share link says to somebody without an account."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog.accounts import LOCAL_USER
from catalog.visitors import Visit
from pages import wording

LONG = 400
"""Characters of a description that are shown at once."""
NOT_SENT = {
    "storage-unavailable": "The store does not answer. Nothing was counted; try again in a few minutes.",
    "storage-denied": "The server may not read the file now. Nothing was counted; tell whoever sent you the link.",
    "bucket-missing": "The store is not in order. Nothing was counted; tell whoever sent you the link.",
    "object-missing": "The store no longer has this file. Tell whoever sent you the link.",
    "database-unavailable": "The server cannot count the download now, so it sends nothing. Try again in a moment.",
    "too-many-attempts": "Too many tries from your network. Wait a minute, then try again.",
}
OTHERWISE = "The file was not sent. Try again; if it fails again, tell whoever sent you the link."


def shared_by(visit: Visit) -> str:
    """Who shares: `Ann shared a dataset with you`; the one user of a shelf without people has no name worth saying."""
    return (
        "A dataset was shared with you"
        if visit.shared_by == LOCAL_USER
        else f"{visit.shared_by} shared a dataset with you"
    )


def facts(visit: Visit, *, now: datetime) -> str:
    """`3,376 rows × 7 columns · CSV · version 4, 24 Nov`, as far as it is known; days are those of UTC."""
    rows = None if visit.rows is None else wording.counted(visit.rows, "row")
    columns = None if visit.column_count is None else wording.counted(visit.column_count, "column")
    made = "" if visit.version is None else f"version {visit.version}"
    if visit.sliced:
        made = f"part of {made}" if made else "part of a file"
    if visit.updated_at is not None:
        at = visit.updated_at.astimezone(UTC)
        day = f"{at.day} {at:%b}" if at.year == now.year else f"{at.day} {at:%b %Y}"
        made = f"{made}, {day}" if made else day
    parts = (" × ".join(part for part in (rows, columns) if part), wording.format_name(visit.format), made)
    return " · ".join(part for part in parts if part)


def first_rows(shown: int, total: int | None, columns: int, column_count: int) -> str:
    """`First 20 of 3,376 rows`, `All 5 rows`, `First 20 rows · the first 1,000 of 2,000 columns`."""
    if total is not None and shown >= total:
        rows = "No rows" if not total else "The only row" if total == 1 else f"All {total:,} rows"
    else:
        rows = f"First {shown:,}{'' if total is None else f' of {total:,}'} rows"
    return rows if columns >= column_count else f"{rows} · the first {columns:,} of {column_count:,} columns"


def shortened(text: str) -> str | None:
    """A long description up to a word's end; None where it is short enough to be shown whole."""
    if len(text) <= LONG and text.count("\n") < 8:
        return None
    cut = "\n".join(text[:LONG].split("\n")[:8])
    return (cut.rsplit(None, 1)[0] if " " in cut[-40:] else cut).rstrip() + "…"


def not_sent(slug: str) -> str:
    """Why a download did not come, by the slug that the address has."""
    return NOT_SENT.get(slug, OTHERWISE)
