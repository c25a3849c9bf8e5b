"""What a check of the catalogue against the stores can find, and the report of one check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MOST_KEPT = 1000
"""Findings of a kind that a report names; of the rest it has the number and the bytes."""


class Damage(StrEnum):
    """The kinds of findings, in the order in which they are told."""

    BUCKET_MISSING = "bucket_missing"
    MOSTLY_GONE = "mostly_gone"
    LOST = "lost"
    SIZE_DIFFERS = "size_differs"
    CHECKSUM_DIFFERS = "checksum_differs"
    RIGHT_AGAIN = "right_again"
    COMPLETION_CUT_OFF = "completion_cut_off"
    UPLOAD_GONE = "upload_gone"
    UPLOAD_RESTING = "upload_resting"
    REMOVAL_CUT_OFF = "removal_cut_off"
    ORPHAN = "orphan"
    STALE_UPLOAD = "stale_upload"
    UNKNOWN_OBJECT = "unknown_object"
    UNKNOWN_UPLOAD = "unknown_upload"
    LEFTOVER = "leftover"
    OLD_COPY_GONE = "old_copy_gone"
    COUNT_DIFFERS = "count_differs"


ONLY_WHERE_ASKED = frozenset({Damage.UNKNOWN_OBJECT, Damage.UNKNOWN_UPLOAD})
"""What is not repaired with the rest: it may be somebody else's."""
_FROM_BACKUP = "from a backup (docs/backup.md, “One file back”)"
_PUT_BACK = f"Put them back {_FROM_BACKUP}, or upload them again as a new version."
_UNKNOWN = (
    "They stay: another installation may have its files in this bucket (give each a bucket of its own), or the "
    "catalogue was restored from an older backup. Where neither is so, --apply --unknown removes them."
)


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind of finding is told: what it is, what `--apply` does about it, what is left to a person after that,
    and whether that is so even where all of it was repaired.
    """

    title: str
    repair: str
    next_step: str = ""
    always: bool = False


WORDS: dict[Damage, Words] = {
    Damage.BUCKET_MISSING: Words(
        "Buckets that are missing, while the catalogue has files in them",
        "",
        "No file was judged lost. Bring the bucket (or the disk that holds it) back, or name the right one in the "
        "settings, and check again.",
    ),
    Damage.MOSTLY_GONE: Words(
        "Buckets that lost most of their files at once, as an empty bucket or a disk that is not mounted looks",
        "",
        "No file was judged lost, and nothing in them was touched. See that bucket, mount and credentials are the "
        f"right ones; put back what is truly gone {_FROM_BACKUP}. Then check again.",
    ),
    Damage.LOST: Words(
        "Files whose bytes the store no longer has",
        "marked failed, so that they are no longer served; their rows stay",
        _PUT_BACK,
        always=True,
    ),
    Damage.SIZE_DIFFERS: Words(
        "Files of which the store has another number of bytes than was stored",
        "marked failed, so that they are no longer served; rows and bytes stay",
        _PUT_BACK,
        always=True,
    ),
    Damage.CHECKSUM_DIFFERS: Words(
        "Files whose stored bytes have another SHA-256 than when they arrived",
        "marked failed, so that they are no longer served; rows and bytes stay",
        _PUT_BACK,
        always=True,
    ),
    Damage.RIGHT_AGAIN: Words("Files marked failed whose stored bytes are right", "ready again, and served"),
    Damage.COMPLETION_CUT_OFF: Words(
        "Uploads that arrived whole and were cut off before they stood on the shelf", "finished: the file is ready"
    ),
    Damage.UPLOAD_GONE: Words("Uploads of which the store knows nothing any more", "given up"),
    Damage.UPLOAD_RESTING: Words("Uploads that nobody went on with for LIFECYCLE__UPLOAD_DAYS", "given up"),
    Damage.REMOVAL_CUT_OFF: Words(
        "Deleted files whose removal was cut off",
        "removed",
        "What is left here the store did not let go of; the hourly sweep tries again.",
    ),
    Damage.ORPHAN: Words(
        "Objects that no file stands for",
        "removed from the store",
        "What is left here the store did not let go of; check again later.",
    ),
    Damage.STALE_UPLOAD: Words("Unfinished uploads in the store that no file stands for", "removed from the store"),
    Damage.UNKNOWN_OBJECT: Words(
        "Objects named as Datashelf’s own are, of which this catalogue has never heard",
        "removed from the store",
        _UNKNOWN,
    ),
    Damage.UNKNOWN_UPLOAD: Words(
        "Unfinished uploads in the store of which this catalogue has never heard", "removed from the store", _UNKNOWN
    ),
    Damage.LEFTOVER: Words("Files beside the objects on local disk that a crash left", "removed"),
    Damage.OLD_COPY_GONE: Words("Old copies of moved files that are gone already", "forgotten"),
    Damage.COUNT_DIFFERS: Words("Kept counts and copies that differ from the truth", "corrected"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `where` names it (backend/bucket/key, or a row); `size` in bytes, where it has one."""

    kind: Damage
    where: str
    detail: str = ""
    size: int = 0
    file_id: str | None = None
    repaired: bool = False

    def to_plain(self) -> dict[str, Any]:
        return {
            "where": self.where,
            "detail": self.detail,
            "size": self.size,
            "file_id": self.file_id,
            "repaired": self.repaired,
        }


@dataclass
class Group:
    """All findings of a kind: how many, of how many bytes, how many of them were repaired, and the first ones."""

    found: int = 0
    size: int = 0
    repaired: int = 0
    first: list[Finding] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.found - self.repaired

    def add(self, finding: Finding) -> None:
        self.found += 1
        self.size += finding.size
        self.repaired += finding.repaired
        if len(self.first) < MOST_KEPT:
            self.first.append(finding)


@dataclass
class Checked:
    """What was looked at, and what was seen and left alone on purpose."""

    files: int = 0
    objects: int = 0
    object_bytes: int = 0
    uploads: int = 0
    files_read: int = 0
    bytes_read: int = 0
    young: int = 0
    """Things without a row, and the like, that are too young to be judged."""
    foreign: int = 0
    """Objects that Datashelf did not name."""
    known_failed: int = 0
    """Files that were marked failed earlier, for whatever reason."""


@dataclass
class ReconcileReport:
    """What a check found; `applied` says whether it repaired, `deep` whether it read every byte."""

    made_at: datetime
    applied: bool
    deep: bool
    older_than: timedelta
    checked: Checked = field(default_factory=Checked)
    groups: dict[Damage, Group] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, finding: Finding) -> None:
        self.groups.setdefault(finding.kind, Group()).add(finding)

    @property
    def findings(self) -> list[Finding]:
        """The findings, kind by kind; at most `MOST_KEPT` of each (`groups` has the numbers)."""
        return [finding for _, group in self.in_order() for finding in group.first]

    @property
    def found(self) -> int:
        return sum(group.found for group in self.groups.values())

    @property
    def repaired(self) -> int:
        return sum(group.repaired for group in self.groups.values())

    @property
    def clean(self) -> bool:
        """Whether catalogue and stores agree: nothing was found, or everything that was found has been repaired."""
        return self.found == self.repaired

    def in_order(self) -> Iterator[tuple[Damage, Group]]:
        return ((kind, self.groups[kind]) for kind in Damage if kind in self.groups)

    def to_plain(self, *, most: int = MOST_KEPT) -> dict[str, Any]:
        """As JSON has it, with at most `most` findings of each kind named."""
        return {
            "made_at": self.made_at.isoformat().replace("+00:00", "Z"),
            "applied": self.applied,
            "deep": self.deep,
            "older_than_seconds": int(self.older_than.total_seconds()),
            "seconds": round(self.seconds, 3),
            "clean": self.clean,
            "found": self.found,
            "repaired": self.repaired,
            "checked": {
                "files": self.checked.files,
                "objects": self.checked.objects,
                "object_bytes": self.checked.object_bytes,
                "uploads": self.checked.uploads,
                "files_read": self.checked.files_read,
                "bytes_read": self.checked.bytes_read,
            },
            "left_alone": {
                "young": self.checked.young,
                "foreign": self.checked.foreign,
                "known_failed": self.checked.known_failed,
            },
            "groups": [
                {
                    "kind": kind.value,
                    "title": WORDS[kind].title,
                    "next_step": WORDS[kind].next_step,
                    "found": group.found,
                    "repaired": group.repaired,
                    "size": group.size,
                    "findings": [finding.to_plain() for finding in group.first[:most]],
                }
                for kind, group in self.in_order()
            ],
        }
