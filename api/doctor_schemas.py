"""The shapes of the Doctor's calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field

from api.schemas import In, Out
from catalog.doctor_browser import Seen, Tried
from catalog.doctor_findings import Diagnosis, Finding, Fix, Verdict
from catalog.doctor_probe import Probe, ProbeReads
from storage.protocol import MAX_PART_SIZE

LONGEST_ADDRESS = 4000


def _address(value: str) -> str:
    urlsplit(value).port  # noqa: B018  # raises ValueError, as the address itself does, for what is none
    return value


class FixOut(Out):
    """What to do, for one kind of server."""

    kind: str = Field(examples=["seaweedfs"])
    label: str = Field(examples=["SeaweedFS"])
    how: str
    block: str = Field(description="To be pasted as it stands.")

    @classmethod
    def of(cls, fix: Fix) -> FixOut:
        return cls(kind=fix.kind, label=fix.label, how=fix.how, block=fix.block)


class FindingOut(Out):
    """One check."""

    id: str = Field(examples=["cors"])
    title: str = Field(examples=["Browser may upload (CORS)"])
    status: str = Field(description="fail warn ok skipped", examples=["ok"])
    found: str
    means: str = Field(description="What follows from it; empty where nothing does.")
    fixes: list[FixOut]

    @classmethod
    def of(cls, finding: Finding) -> FindingOut:
        return cls(
            id=finding.id,
            title=finding.title,
            status=finding.status,
            found=finding.found,
            means=finding.means,
            fixes=[FixOut.of(fix) for fix in finding.fixes],
        )


class VerdictOut(Out):
    """The sentence over the list."""

    status: str
    sentence: str = Field(examples=["1 of 9 checks fails, 1 warns"])
    meaning: str = Field(examples=["browser uploads go through this server until it is fixed"])


class DiagnosisOut(Out):
    """Everything that was found, the worst first."""

    made_at: datetime
    kind: str | None = Field(description="minio seaweedfs aws ceph other, null on local disk", examples=["seaweedfs"])
    can_set_cors: bool
    verdict: VerdictOut
    findings: list[FindingOut]

    @classmethod
    def of(cls, diagnosis: Diagnosis, verdict: Verdict) -> DiagnosisOut:
        return cls(
            made_at=diagnosis.made_at,
            kind=diagnosis.kind,
            can_set_cors=diagnosis.can_set_cors,
            verdict=VerdictOut(status=verdict.status, sentence=verdict.sentence, meaning=verdict.meaning),
            findings=[FindingOut.of(finding) for finding in diagnosis.findings],
        )


class ProbeOut(Out):
    """What a browser tries the store with."""

    id: UUID
    now: datetime = Field(description="This server's clock.")
    parts: dict[int, str] = Field(description="PUT links of parts 1 and 2.")
    others: dict[str, str] = Field(description="A PUT link into each further bucket; it leads to no upload.")
    reach: str = Field(description="An address of the store's that anybody may ask.")
    sizes: list[int] = Field(description="Bytes of a small body, of a larger one, and of a whole part.")
    upload: bool = Field(description="Whether browsers send straight to where the links lead (UPLOAD__VIA).")
    download: bool = Field(description="Whether they read from there (DOWNLOAD__VIA).")
    direct: bool = Field(description="Whether the links lead to a store and not to this server.")

    @classmethod
    def of(cls, probe: Probe, *, now: datetime, upload: bool, download: bool) -> ProbeOut:
        return cls(
            id=probe.id,
            now=now,
            parts=probe.parts,
            others=probe.others,
            reach=probe.reach,
            sizes=list(probe.sizes),
            upload=upload,
            download=download,
            direct=probe.direct,
        )


class ProbePartIn(In):
    number: int = Field(ge=1, le=2)
    etag: str = Field(max_length=200, pattern=r"^[\x20-\x7e]*$")


class ProbePartsIn(In):
    """None where the browser could send none: the server then stores the probe object."""

    parts: list[ProbePartIn] = Field(max_length=2)


class ProbeReadsOut(Out):
    """Links to the probe object, whose byte at place n is (31 n + 7) mod 256."""

    size: int
    by_browser: bool
    get: str
    head: str | None
    expired: str = Field(description="Good for one second.")

    @classmethod
    def of(cls, reads: ProbeReads) -> ProbeReadsOut:
        return cls(size=reads.size, by_browser=reads.by_browser, get=reads.get, head=reads.head, expired=reads.expired)


class TriedIn(In):
    """One request of the browser's."""

    status: int = Field(ge=0, le=999, description="0 where the browser let the page see nothing.")
    headers: dict[str, str] = Field(default={}, max_length=50)
    same_bytes: bool | None = None
    seconds: float = Field(default=0, ge=0)
    cancelled: bool = False

    def tried(self) -> Tried:
        return Tried(self.status, self.headers, self.same_bytes, self.seconds, self.cancelled)


class SeenIn(In):
    """Everything the browser tried; what it did not is left out."""

    link: Annotated[str, AfterValidator(_address)] = Field(max_length=LONGEST_ADDRESS)
    reached: bool
    clock_ahead: float = Field(description="Seconds the browser's clock is ahead of this server's.")
    sizes: list[Annotated[int, Field(ge=0, le=MAX_PART_SIZE)]] = Field(min_length=3, max_length=3)
    put: TriedIn | None = None
    put_larger: TriedIn | None = None
    put_part: TriedIn | None = None
    put_last: TriedIn | None = None
    completed: bool | None = None
    others: dict[str, int] = Field(default={}, max_length=3)
    get: TriedIn | None = None
    ranged: TriedIn | None = None
    head: TriedIn | None = None
    expired: TriedIn | None = None

    def seen(self, page: str) -> Seen:
        """`page` is the origin of the page that saw it."""

        def tried(given: TriedIn | None) -> Tried | None:
            return None if given is None else given.tried()

        return Seen(
            page=page,
            link=self.link,
            reached=self.reached,
            clock_ahead=timedelta(seconds=max(-(10**9), min(10**9, self.clock_ahead))),
            put=tried(self.put),
            put_larger=tried(self.put_larger),
            put_part=tried(self.put_part),
            put_last=tried(self.put_last),
            completed=self.completed,
            others=tuple(self.others.items()),
            get=tried(self.get),
            ranged=tried(self.ranged),
            head=tried(self.head),
            expired=tried(self.expired),
            sizes=(self.sizes[0], self.sizes[1], self.sizes[2]),
        )
