"""What the Storage screen says beside the Doctor's list: where files lie, how much, and what the last checks found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from catalog.datasets import ShelfTotals, StoreUse
from catalog.reports import KeptReport, ReportKind
from pages import wording
from settings import Settings
from storage import Backend

OLD_DAYS = 90
"""From this age on a version that has a newer one is worth a word."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: good, bad, or (None) merely told."""

    title: str
    text: str
    good: bool | None = None


def home(backend: Backend, settings: Settings) -> str:
    """Where a backend's bytes are, in full: the bucket and its server, or the folder."""
    if backend is Backend.LOCAL:
        return f"{settings.data_dir.resolve() / 'objects'} on this server’s disk"
    buckets = dict.fromkeys(settings.minio.bucket_for(role) for role in ("datasets", "models", "temp"))
    return ", ".join(f"s3://{bucket}" for bucket in buckets) + f" on {settings.minio.endpoint}"


def lies_in(use: StoreUse, settings: Settings) -> str:
    if use.backend is Backend.LOCAL:
        return f"On this server’s disk, {use.role}"
    return f"In bucket {use.bucket}, {use.role}"


def places(totals: ShelfTotals, settings: Settings) -> list[Line]:
    """What lies where."""
    return [
        Line(lies_in(use, settings), f"{wording.counted(use.files, 'object')}, {wording.size(use.size)}")
        for use in totals.by_backend
    ]


def usage(totals: ShelfTotals, old: tuple[int, int] = (0, 0)) -> str:
    """In Markdown. `old` are versions, and their bytes, that are old and have a newer one."""
    aged = f" · {wording.size(old[1])} in versions older than {OLD_DAYS} days" if old[0] else ""
    return (
        f"**{wording.size(totals.size)}** :gray[in {wording.counted(totals.files, 'object')} · "
        f"{wording.counted(totals.datasets, 'dataset')}, {wording.counted(totals.files, 'version')}{aged}]"
    )


def checks(last: Mapping[ReportKind, KeptReport | None], *, now: datetime) -> list[Line]:
    """One line for each check that runs by itself, with what it found last."""
    return [line for kind, words in WORDS.items() if (line := words(last.get(kind), now)) is not None]


def _reconciled(report: KeptReport | None, now: datetime) -> Line:
    title = "Catalogue and store agree"
    if report is None:
        return Line(title, "Not compared yet; it is done by itself.")
    when = f"compared {wording.ago(report.made_at, now=now)}"
    left = _count(report.content, "found") - _count(report.content, "repaired")
    if left <= 0:
        return Line(title, f"Nothing amiss; {when}.", good=True)
    return Line(title, f"{wording.counted(left, 'thing')} amiss; {when}. See: python -m ops reconcile", good=False)


def _scrubbed(report: KeptReport | None, now: datetime) -> Line | None:
    if report is None:
        return None
    when = f"looked at {wording.ago(report.made_at, now=now)}"
    read, failed = _count(report.content, "files"), _count(report.content, "failed")
    if failed:
        bad = f"{wording.counted(failed, 'file')} failed the check and {'is' if failed == 1 else 'are'} not served"
        return Line("Stored bytes are as sent", f"{bad}; {when}.", good=False)
    return Line("Stored bytes are as sent", f"{wording.counted(read, 'file')} read again; {when}.", good=True)


def _cleared(report: KeptReport | None, now: datetime) -> Line | None:
    if report is None:
        return None
    when = wording.ago(report.made_at, now=now)
    done = [rule for rule in report.content.get("rules", []) if _count(rule, "done")]
    if not done:
        return Line("Lifecycle", f"Nothing was due; looked {when}.", good=True)
    cleared = wording.counted(sum(_count(rule, "done") for rule in done), "thing")
    freed = wording.size(sum(_count(rule, "size") for rule in done))
    return Line("Lifecycle", f"{cleared} cleared away, {freed}; {when}.", good=True)


def in_trash(count: int, size: int, days: int) -> Line | None:
    """What lies in the trash; None where nothing does."""
    if not count:
        return None
    kept = f"kept for {wording.counted(days, 'day')}" if days else "removed within the hour"
    return Line("In the trash", f"{wording.counted(count, 'thing')}, {wording.size(size)}; {kept}.")


WORDS = {
    ReportKind.RECONCILE: _reconciled,
    ReportKind.SCRUB: _scrubbed,
    ReportKind.LIFECYCLE: _cleared,
}


def _count(content: Mapping[str, Any], name: str) -> int:
    found = content.get(name)
    return found if isinstance(found, int) else 0
