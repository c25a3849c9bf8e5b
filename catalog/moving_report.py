"""What moving files came to: the figures, and a sentence for every file that stays where it was."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from storage.protocol import Backend

PLACES = {Backend.LOCAL: "local disk", Backend.MINIO: "the store"}
"""What people call a backend."""


class Amount(NamedTuple):
    """So many files of so many bytes in all; as text “3 files (1.2 GB)”."""

    files: int = 0
    size: int = 0

    def __str__(self) -> str:
        return f"{self.files:,} file{'' if self.files == 1 else 's'} ({plain_size(self.size)})"


NOTHING = Amount()


def plain_size(count: int) -> str:
    """Bytes in decimal units, as disks are sold: “1.2 GB”."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.95:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


@dataclass(frozen=True, slots=True)
class Route:
    """From which backend to which; the two differ."""

    source: Backend
    target: Backend

    def __str__(self) -> str:
        return f"from {PLACES[self.source]} to {PLACES[self.target]}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file that was left as it was, and why, in a sentence."""

    file_id: uuid.UUID
    file_name: str
    size: int
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """What the source still has: files that could be moved, uploads under way, files that failed their check."""

    files: Amount = NOTHING
    under_way: Amount = NOTHING
    failed: Amount = NOTHING

    @property
    def nothing(self) -> bool:
        return not (self.files.files or self.under_way.files or self.failed.files)


@dataclass(slots=True)
class Released:
    """Old copies that were deleted (bytes they held), and those that were kept, with the reason."""

    deleted: int = 0
    deleted_bytes: int = 0
    kept: list[Trouble] = field(default_factory=list)


@dataclass(slots=True)
class MoveReport:
    """One run. Every file that was moved was read back whole, and its SHA-256 is that of the source.

    `sent_bytes` are bytes that travelled, those of attempts that came to nothing too; `found` of the moved files lay at
    the target already, whole and right. `skipped` were deleted or changed while they were copied.
    """

    route: Route
    moved: int = 0
    moved_bytes: int = 0
    found: int = 0
    sent_bytes: int = 0
    skipped: list[Trouble] = field(default_factory=list)
    failed: list[Trouble] = field(default_factory=list)
    aborted_uploads: int = 0
    stopped: str | None = None
    """Why the run ended before everything was looked at."""
    left: Left = field(default_factory=Left)
    old_copies: Amount = NOTHING
    """Kept at the source when the run ended."""
    released: Released | None = None
    """Where old copies were to be deleted."""

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be moved, or to be deleted where that was asked."""
        return self.stopped is None and self.left.nothing and not (self.released and self.released.kept)

    def to_plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        plain = asdict(self)
        plain["route"] = {"from": self.route.source.value, "to": self.route.target.value}
        plain["left"] = {name: amount._asdict() for name, amount in asdict(self.left).items()}
        plain["old_copies"] = self.old_copies._asdict()
        for troubles in (plain["skipped"], plain["failed"], (plain["released"] or {}).get("kept", [])):
            for trouble in troubles:
                trouble["file_id"] = str(trouble["file_id"])
        return {**plain, "verified": self.moved, "complete": self.complete}
