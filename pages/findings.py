"""What is found when the store is looked at, in the words of the Storage screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from catalog.datasets import ShelfTotals, StoreUse
from pages import wording
from pages.banner import place
from settings import Settings
from storage import Backend, Health, StorageState

LITTLE_ROOM = 1_000_000_000
"""Bytes left on this server's disk below which the operator should act."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the screen: good, bad, or (None) merely told."""

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


def took(latency: timedelta | None) -> str:
    return "" if latency is None else f" in {max(1, round(latency.total_seconds() * 1000))} ms"


def verdict(state: StorageState, lines: Iterable[Finding], settings: Settings) -> tuple[bool, str, str]:
    """Whether all is well, the sentence that says so, and what it means."""
    where = place(state.configured, settings)
    if state.degraded:
        meanwhile = "uploads wait until it does"
        if state.active is not state.configured:
            meanwhile = "new files go to this server’s disk until it does"
        return False, f"{where[0].upper()}{where[1:]} does not answer", meanwhile
    wrong = [line.title for line in lines if line.good is False]
    if wrong:
        return False, f"Look at: {', '.join(wrong)}", "new files are still taken"
    return True, "All is well", f"{where} answers, and new files go there"


def findings(
    state: StorageState, health: Health, disk: Health | None, uses: Iterable[StoreUse], settings: Settings
) -> list[Finding]:
    """What was found, what is wrong first.

    `health` is the configured store's; `disk` is that of this server's disk, None where nothing lies or goes there.
    """
    answer = f"Asked and answered{took(health.latency)}." if health.ok else health.detail
    lines = [
        Finding("Store answers", answer, health.ok),
        Finding("New files go to", home(state.active, settings), not state.degraded),
    ]
    if disk is not None:
        if state.configured is not Backend.LOCAL and not disk.ok:
            lines.append(Finding("This server’s disk", disk.detail, good=False))
        if disk.free_bytes is not None:
            room = f"{wording.size(disk.free_bytes)} on this server’s disk."
            lines.append(Finding("Room left", room, disk.free_bytes > LITTLE_ROOM))
    lines.sort(key=lambda line: line.good is not False)
    return lines + [
        Finding(lies_in(use, settings), f"{wording.counted(use.files, 'object')}, {wording.size(use.size)}")
        for use in uses
    ]


def uses_disk(state: StorageState, uses: Iterable[StoreUse]) -> bool:
    """Whether files lie or go on this server's disk; where none do, its folder need not exist."""
    return Backend.LOCAL in (state.configured, state.active) or any(use.backend is Backend.LOCAL for use in uses)


def usage(totals: ShelfTotals) -> str:
    return (
        f"**{wording.size(totals.size)}** :gray[in {wording.counted(totals.files, 'object')} · "
        f"{wording.counted(totals.datasets, 'dataset')}, {wording.counted(totals.files, 'version')}]"
    )
