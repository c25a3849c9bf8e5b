"""What the Doctor says: findings, each with what it means and how it is put right, and the verdict over all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.s3_facts import StoreKind


class Status(StrEnum):
    """How a check ended, the worst first."""

    FAIL = "fail"
    WARN = "warn"
    OK = "ok"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do, for one kind of server. `block` is pasted as it stands; `how` says where."""

    kind: str
    label: str
    how: str
    block: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `found` is a sentence on what was seen; `means` one on what follows from it, empty where nothing."""

    id: str
    title: str
    status: Status
    found: str
    means: str = ""
    fixes: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sentence` counts, `meaning` says what it is to those who use the shelf."""

    status: Status
    sentence: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was found at one time, the worst first. `can_set_cors`: whether the bucket's rule may be set."""

    made_at: datetime
    kind: StoreKind | None
    findings: tuple[Finding, ...]
    can_set_cors: bool = False

    @property
    def failed(self) -> bool:
        return any(finding.status is Status.FAIL for finding in self.findings)

    def of(self, finding_id: str) -> Finding | None:
        return next((finding for finding in self.findings if finding.id == finding_id), None)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What fails first, then what warns; among equals as they were checked."""
    rank = list(Status)
    return tuple(sorted(findings, key=lambda finding: rank.index(finding.status)))


def merged(server: Sequence[Finding], browser: Sequence[Finding]) -> tuple[Finding, ...]:
    """Both runs as one list: where both tried the same, the browser's word counts, unless it could not try."""
    tried = {finding.id: finding for finding in browser if finding.status is not Status.SKIPPED}
    known = {finding.id for finding in server}
    own = [finding for finding in browser if finding.id not in known]
    return in_order([*own, *(tried.get(finding.id, finding) for finding in server)])


STORE_IS_AWAY = {"store", "credentials", "bucket", "write", "multipart"}
BROWSERS_STAY_OUT = {"reach", "cors", "body"}
LINKS_FAIL = {"links", "expiry", "clock"}


def verdict(findings: Sequence[Finding], *, upload_via: str) -> Verdict:
    """The sentence over the list. `upload_via` is UPLOAD__VIA, which says what a browser does that is refused."""
    tried = [finding for finding in findings if finding.status is not Status.SKIPPED]
    failing = {finding.id for finding in tried if finding.status is Status.FAIL}
    warning = sum(finding.status is Status.WARN for finding in tried)
    if not failing and not warning:
        return Verdict(Status.OK, "All is well", f"{_checks(len(tried))}, nothing to do")
    warns = f"{warning} {'warns' if warning == 1 else 'warn'}"
    if not failing:
        return Verdict(
            Status.WARN, f"{warns} of {_checks(len(tried))}", "everything works, and something can be better"
        )
    sentence = f"{len(failing)} of {_checks(len(tried))} {'fails' if len(failing) == 1 else 'fail'}"
    return Verdict(Status.FAIL, f"{sentence}, {warns}" if warning else sentence, _meaning(failing, upload_via))


def _meaning(failing: set[str], upload_via: str) -> str:
    if "database" in failing:
        return "nothing on the shelf can be reached until it is fixed; nothing is lost"
    if failing & STORE_IS_AWAY:
        return "files cannot be stored or read until it is fixed; what is stored is untouched"
    if failing & BROWSERS_STAY_OUT:
        if upload_via == "direct":
            return "browsers cannot upload until it is fixed"
        return "browser uploads go through this server until it is fixed"
    if failing & LINKS_FAIL:
        return "links and downloads fail until it is fixed"
    return "files are taken and handed out, but look at it soon"


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"
