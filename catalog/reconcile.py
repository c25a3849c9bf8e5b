"""Catalogue against stores: what does not fit is told and, where asked for, repaired.

First everything is looked at and nothing changed, so that a store that is away ends the check before it began. Then
each thing that seemed wrong is looked at once more and told or repaired (`catalog/repairs.py`). No row of a file that
was acknowledged is ever deleted, and no object, upload or leftover that is younger than a day; nor, unless that is
asked for by name, an object of which this catalogue has never heard (`catalog/provenance.py`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlmodel import col, select

from catalog.damage import ONLY_WHERE_ASKED, Damage, Finding, ReconcileReport
from catalog.errors import InvalidAge, ReconcileUnderWay
from catalog.events import EventKind, record
from catalog.inventory import Inventory, Place, PlaceSeen, Suspect, Suspects
from catalog.kept_counts import KeptCounts
from catalog.leases import Leases
from catalog.provenance import strangers
from catalog.repairs import Repairs
from catalog.reports import ReportKind, Reports
from catalog.scrub import CHECKED
from catalog.sweep import IDLE
from db import Database
from db.tables import File
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend, BucketMissing

YOUNGEST = timedelta(days=1)
"""Nothing younger is ever removed."""
LEASE, LEASE_LIFE = "repairs", timedelta(minutes=1)
RENEW_EVERY = timedelta(seconds=15)
MANY = 10
"""Files lost at once, and half of their bucket's, from which the bucket is doubted rather than the files."""
SOME = 3
"""The same where nothing at all is left in the bucket."""
SAMPLE = 20
"""Of so many doubted files each is looked for by itself before the bucket is said to have lost most of them."""
NAMED_IN_KEPT_REPORT = 20
BATCH = 200
AT_ONCE = 5000
"""Suspects whose origin is looked up together: each look goes through all events."""
NEVER_HEARD_OF = {Damage.ORPHAN: Damage.UNKNOWN_OBJECT, Damage.STALE_UPLOAD: Damage.UNKNOWN_UPLOAD}
"""What becomes of the kinds that speak of something without a row, where the catalogue never had one."""
SAFE = frozenset(
    {
        Damage.COMPLETION_CUT_OFF,
        Damage.UPLOAD_GONE,
        Damage.UPLOAD_RESTING,
        Damage.REMOVAL_CUT_OFF,
        Damage.STALE_UPLOAD,
    }
)
"""What a crash leaves and what is put right without anybody asking."""

_log = structlog.get_logger("catalog")


def _ignore(_file_id: uuid.UUID) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Reconcile:
    """One check at a time repairs; any number may look. `on_ready` hears of files that a repair made ready; `idle` is
    how long an upload may rest."""

    database: Database
    storages: Storages
    on_ready: Callable[[uuid.UUID], None] = _ignore
    now: Callable[[], datetime] = utc_now
    idle: timedelta = IDLE

    def run(
        self, *, apply: bool, deep: bool = False, older_than: timedelta = YOUNGEST, unknown: bool = False
    ) -> ReconcileReport:
        """Check everything; `deep` reads every byte, too. The report is kept for the Storage screen. `unknown`: what
        the catalogue has never heard of is removed as well.

        Raises InvalidAge for less than a day; ReconcileUnderWay where another check is repairing; the store's errors,
        StorageUnavailable above all, and DatabaseUnavailable: what was repaired until then stays so.
        """
        mends = frozenset(Damage) - (frozenset() if unknown else ONLY_WHERE_ASKED)
        return self._run(mends if apply else frozenset(), deep=deep, older_than=older_than)

    def light(self) -> ReconcileReport | None:
        """The pass that goes by itself: finishes what crashes cut off more than a day ago, and only reports the rest.

        None where another check is repairing. Raises the store's errors and DatabaseUnavailable.
        """
        try:
            return self._run(SAFE, deep=False, older_than=YOUNGEST, finish_young=False)
        except ReconcileUnderWay:
            return None

    def _run(
        self, mends: frozenset[Damage], *, deep: bool, older_than: timedelta, finish_young: bool = True
    ) -> ReconcileReport:
        if older_than < YOUNGEST:
            raise InvalidAge("Nothing younger than a day is ever removed; name 24 hours or more.")
        began, now = time.monotonic(), self.now()
        report = ReconcileReport(now, applied=bool(mends), deep=deep, older_than=older_than)
        with Suspects() as suspects, self._alone(repairing=bool(mends)) as hold:
            inventory = Inventory(
                self.database, self.storages, now - older_than, now - self.idle, suspects, report.checked
            )
            inventory.take()
            repairs = Repairs(
                self.database,
                self.storages,
                now - older_than,
                now - self.idle,
                mends,
                report.checked,
                finish_young=finish_young,
                on_ready=self.on_ready,
                on_progress=hold,
            )
            doubted = self._doubted(report, repairs, inventory)
            self._judge(report, repairs, suspects, doubted, hold)
            if deep:
                self._read_all(report, repairs, doubted)
            if not any(place.backend is Backend.LOCAL for place in doubted):
                # Beside objects that may come back nothing is taken for a leftover.
                self._leftovers(report, now - older_than, mend=Damage.LEFTOVER in mends)
            self._counts(report, mend=Damage.COUNT_DIFFERS in mends)
        report.seconds = time.monotonic() - began
        self._keep(report)
        return report

    def _doubted(self, report: ReconcileReport, repairs: Repairs, inventory: Inventory) -> set[Place]:
        """The buckets to doubt rather than their files: missing, or with most of their objects gone at once."""
        doubted = set()
        for seen in inventory.seen:
            where = f"{seen.place.backend}:{seen.place.bucket}"
            if seen.missing and seen.rows:
                doubted.add(seen.place)
                report.add(Finding(Damage.BUCKET_MISSING, where, f"{seen.rows:,} files; {seen.missing}"))
            elif self._is_doubted(seen, repairs, inventory.suspects):
                doubted.add(seen.place)
                detail = f"{seen.lost:,} of {seen.rows:,} files; {seen.objects:,} objects are there"
                report.add(Finding(Damage.MOSTLY_GONE, where, detail))
        return doubted

    def _judge(
        self,
        report: ReconcileReport,
        repairs: Repairs,
        suspects: Suspects,
        doubted: set[Place],
        hold: Callable[[], None],
    ) -> None:
        for suspect in self._named(suspects):
            hold()
            if (suspect.backend, suspect.bucket) in doubted:
                # It may be another bucket altogether: neither what is missing nor what is there says anything.
                continue
            try:
                finding = repairs.look(suspect)
            except BucketMissing:
                # It was there a moment ago: the next check says so.
                continue
            if finding is not None:
                report.add(finding)

    def _named(self, suspects: Suspects) -> Iterator[Suspect]:
        """The suspects, with those told apart of which this catalogue has never heard."""
        following = iter(suspects)
        while some := list(islice(following, AT_ONCE)):
            unknown = strangers(self.database, {each.key_id for each in some if each.kind in NEVER_HEARD_OF})
            for each in some:
                kind = NEVER_HEARD_OF.get(each.kind)
                yield each if kind is None or each.key_id not in unknown else replace(each, kind=kind)

    @staticmethod
    def _is_doubted(seen: PlaceSeen, repairs: Repairs, suspects: Suspects) -> bool:
        many = seen.lost >= MANY and seen.lost * 2 >= seen.rows
        if not many and not (seen.lost >= SOME and not seen.objects):
            return False
        looked = lost = 0
        for suspect in suspects:
            if suspect.kind is Damage.LOST and (suspect.backend, suspect.bucket) == seen.place:
                looked, lost = looked + 1, lost + repairs.is_lost(suspect)
                if looked == SAMPLE:
                    break
        return lost * 2 >= looked

    def _read_all(self, report: ReconcileReport, repairs: Repairs, doubted: set[Place]) -> None:
        for file in self._to_read():
            if (file.backend, file.bucket) in doubted:
                continue
            finding = repairs.read(file)
            if finding is not None:
                report.add(finding)

    def _to_read(self) -> Iterator[File]:
        """Served and failed files, by id: as they come, the reading takes longer than a transaction should.

        A failed one, too: what two readings found wrong (a cache between app and store answers both) may be right.
        """
        last: uuid.UUID | None = None
        while True:
            query = select(File).where(col(File.status).in_(CHECKED))
            if last is not None:
                query = query.where(col(File.id) > last)
            with self.database.session() as session:
                files = session.exec(query.order_by(col(File.id)).limit(BATCH)).all()
            yield from files
            if len(files) < BATCH:
                return
            last = files[-1].id

    def _leftovers(self, report: ReconcileReport, before: datetime, *, mend: bool) -> None:
        for left in self.storages.local.leftovers(before=before):
            gone = mend and self.storages.local.remove_leftover(left, before=before)
            report.add(Finding(Damage.LEFTOVER, str(left.path), "", left.size, repaired=gone))

    def _counts(self, report: ReconcileReport, *, mend: bool) -> None:
        counts = KeptCounts(self.database)
        owners = set(counts.wrong_owners())
        for dataset_id in counts.wrong_datasets():
            if mend:
                counts.mend_dataset(dataset_id)
            report.add(_count(f"dataset {dataset_id}", "copies of its newest version's facts", repaired=mend))
        # Mending a dataset moves its owner's count along.
        now_wrong = set(counts.wrong_owners()) if mend else owners
        for owner_id in sorted(owners | now_wrong):
            if mend:
                counts.mend_owner(owner_id)
            report.add(_count(f"user {owner_id}", "number and bytes of listed datasets", repaired=mend))

    @contextmanager
    def _alone(self, *, repairing: bool) -> Iterator[Callable[[], None]]:
        """Nobody else repairs meanwhile; what it gives is to be called now and then, so that it stays so."""
        if not repairing:
            yield lambda: None
            return
        leases = Leases(self.database)
        if not leases.take(LEASE, LEASE_LIFE):
            raise ReconcileUnderWay("Another check is repairing at this moment. Try again when it has ended.")
        held_at = time.monotonic()

        def hold() -> None:
            nonlocal held_at
            if time.monotonic() - held_at > RENEW_EVERY.total_seconds():
                leases.take(LEASE, LEASE_LIFE)
                held_at = time.monotonic()

        try:
            yield hold
        finally:
            leases.let_go(LEASE)

    def _keep(self, report: ReconcileReport) -> None:
        if report.repaired:
            repaired = {kind.value: group.repaired for kind, group in report.in_order() if group.repaired}
            with self.database.transaction() as session:
                record(session, EventKind.RECONCILED, detail={"repaired": repaired, "found": report.found})
        Reports(self.database).keep(ReportKind.RECONCILE, report.to_plain(most=NAMED_IN_KEPT_REPORT))
        _log.info("reconciled", found=report.found, repaired=report.repaired, seconds=round(report.seconds, 3))


def _count(where: str, detail: str, *, repaired: bool) -> Finding:
    return Finding(Damage.COUNT_DIFFERS, where, detail, repaired=repaired)
