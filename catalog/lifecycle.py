"""What is cleared away by rule: told first, and done where asked for, or once a day.

Nothing here removes a file for good but what is temporary by its nature: versions and files go to the trash, where they
can be taken out again for TRASH_DAYS. Each is looked at once more in the moment it goes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import col, select

from catalog.caller import Caller
from catalog.errors import FileNotReady, NotFound
from catalog.events import EventKind, record
from catalog.files import Files
from catalog.removal import Removal
from catalog.reports import ReportKind, Reports
from catalog.results import Results
from catalog.sweep import Sweep
from db import Database
from db.tables import Dataset, File, FileStatus
from db.utc import utc_now
from settings import Lifecycle as Rules
from storage import MinioFileStorage, Storages
from storage.protocol import Backend, BucketRole, StorageError
from storage.s3_lifecycle import StoreRule, set_rules
from storage.s3_signed import SignedCalls

BATCH = 200
MOST_KEPT = 1000
"""Things of a rule that a report names; of the rest it has the number and the bytes."""
NAMED_IN_KEPT_REPORT = 20
SHORTEST_ABORT = 30
"""Days. A store counts from an upload's beginning, the app from its last sign of life: a long one must not be cut."""

_log = structlog.get_logger("catalog")


class Rule(StrEnum):
    """What is cleared away, in the order in which it is done."""

    TEMP = "temp"
    UPLOADS = "uploads"
    UNTOUCHED = "untouched"
    VERSIONS = "versions"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that a rule takes; `size` in bytes."""

    name: str
    role: str
    size: int
    file_id: str | None = None


@dataclass
class RuleReport:
    """What one rule takes. `sentence` says what the rule is, `on` whether it is switched on."""

    rule: Rule
    sentence: str
    on: bool = True
    found: int = 0
    size: int = 0
    done: int = 0
    first: list[Thing] = field(default_factory=list)
    by_role: dict[str, list[int]] = field(default_factory=dict)
    """Bucket role → [things, bytes]."""

    def add(self, thing: Thing, *, done: bool) -> None:
        self.found += 1
        self.size += thing.size
        self.done += done
        of_role = self.by_role.setdefault(thing.role, [0, 0])
        of_role[0] += 1
        of_role[1] += thing.size
        if len(self.first) < MOST_KEPT:
            self.first.append(thing)


@dataclass
class LifecycleReport:
    """What the rules take, and took where `applied`."""

    made_at: datetime
    applied: bool
    rules: list[RuleReport] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(rule.done for rule in self.rules)

    def to_plain(self, *, most: int = MOST_KEPT) -> dict[str, Any]:
        """As JSON has it, with at most `most` things of each rule named."""
        return {
            "made_at": self.made_at.isoformat().replace("+00:00", "Z"),
            "applied": self.applied,
            "rules": [
                {
                    "rule": report.rule.value,
                    "sentence": report.sentence,
                    "on": report.on,
                    "found": report.found,
                    "size": report.size,
                    "done": report.done,
                    "by_role": {role: {"found": of[0], "size": of[1]} for role, of in sorted(report.by_role.items())},
                    "things": [
                        {"name": each.name, "role": each.role, "size": each.size, "file_id": each.file_id}
                        for each in report.first[:most]
                    ],
                }
                for report in self.rules
            ],
        }


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """What came of putting the rules into one bucket."""

    bucket: str
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Lifecycle:
    """The rules of the settings, `LIFECYCLE__…`. `trash_for` is how long what they take can be put back."""

    database: Database
    storages: Storages
    rules: Rules
    trash_for: timedelta
    now: Callable[[], datetime] = utc_now

    def run(self, *, apply: bool) -> LifecycleReport:
        """Say what each rule takes, and take it where `apply` says so; the report of that is kept.

        Raises the store's errors and DatabaseUnavailable; what was taken until then stays so.
        """
        report = LifecycleReport(self.now(), apply)
        report.rules = [
            self._temp(apply=apply),
            self._uploads(apply=apply),
            # Before a version goes, which counts as a change of its dataset.
            self._untouched(apply=apply),
            self._versions(apply=apply),
        ]
        if apply:
            if report.done:
                done = {rule.rule.value: rule.done for rule in report.rules if rule.done}
                with self.database.transaction() as session:
                    record(session, EventKind.LIFECYCLE_APPLIED, detail={"done": done})
            Reports(self.database).keep(ReportKind.LIFECYCLE, report.to_plain(most=NAMED_IN_KEPT_REPORT))
            _log.info("lifecycle applied", done=report.done)
        return report

    def set_in_store(self) -> list[StoreAnswer]:
        """Put what a store can do by itself into its buckets' own rules, beside those that others set there.

        Only results of queries expire there: for every other object there is a row that has to go first. Nothing for
        local disk, which has no such rules.
        """
        if self.storages.state.configured is not Backend.MINIO:
            return []
        store = self.storages.of(Backend.MINIO)
        assert isinstance(store, MinioFileStorage)
        wanted: dict[str, list[StoreRule]] = {}
        abort = max(self.rules.upload_days, SHORTEST_ABORT)
        for role in BucketRole:
            ours = wanted.setdefault(store.bucket_for(role), [])
            ours.append(StoreRule(f"unfinished-{role}", f"{role}/", abort_days=abort))
            if role is BucketRole.TEMP:
                ours.append(StoreRule("results", f"{role}/results/", expire_days=self.rules.temp_days))
        return [self._set(store, bucket, rules) for bucket, rules in sorted(wanted.items())]

    @staticmethod
    def _set(store: MinioFileStorage, bucket: str, rules: Sequence[StoreRule]) -> StoreAnswer:
        try:
            kept = set_rules(SignedCalls(store.settings), bucket, rules)
        except StorageError as error:
            return StoreAnswer(bucket, (), tuple(rule.name for rule in rules), str(error))
        dropped = tuple(rule.name for rule in rules if rule not in kept)
        return StoreAnswer(bucket, tuple(rule.name for rule in kept), dropped)

    def _temp(self, *, apply: bool) -> RuleReport:
        kept = timedelta(days=self.rules.temp_days)
        report = RuleReport(Rule.TEMP, f"temporary objects older than {_days(self.rules.temp_days)}")
        for storage, stored in list(Results(self.storages).old(kept, now=self.now())):
            thing = Thing(f"{stored.bucket}/{stored.ref.key}", BucketRole.TEMP, stored.size)
            report.add(thing, done=apply and storage.delete_file(stored.ref))
        old = and_(col(File.role) == BucketRole.TEMP, col(File.created_at) < self.now() - kept)
        self._to_trash(report, old, apply=apply)
        return report

    def _uploads(self, *, apply: bool) -> RuleReport:
        days = self.rules.upload_days
        report = RuleReport(Rule.UPLOADS, f"uploads that nobody went on with for {_days(days)}")
        sweep = Sweep(self.database, self.storages, timedelta(days=days))
        given_up = []
        for file in sweep.stale(now=self.now()):
            done = apply and sweep.give_up(file, touched_before=sweep.rests_since(now=self.now()))
            report.add(Thing(file.file_name, file.role, file.size, str(file.id)), done=done)
            given_up += [file.id] if done else []
        Removal(self.database, self.storages).remove(given_up)
        return report

    def _versions(self, *, apply: bool) -> RuleReport:
        most = self.rules.versions
        report = RuleReport(Rule.VERSIONS, f"versions beyond the {most:,} newest of a dataset", on=most > 0)
        if report.on:
            place = func.row_number().over(partition_by=col(File.dataset_id), order_by=col(File.version).desc())
            ready = col(File.status) == FileStatus.READY
            placed = sql_select(col(File.id).label("id"), place.label("place")).where(ready).subquery()
            beyond = col(File.id).in_(sql_select(placed.c.id).where(placed.c.place > most))
            self._to_trash(report, and_(self._in_roles(), beyond), apply=apply)
        return report

    def _untouched(self, *, apply: bool) -> RuleReport:
        days = self.rules.untouched_days
        sentence = f"files neither changed nor downloaded for {_days(days)}"
        report = RuleReport(Rule.UNTOUCHED, sentence, on=self.rules.untouched)
        if report.on:
            before = self.now() - timedelta(days=days)
            # Whoever renames or tags a dataset uses its newest version.
            touched = (
                sql_select(col(Dataset.id))
                .where(col(Dataset.current_file_id) == File.id, col(Dataset.updated_at) >= before)
                .correlate(File)
                .exists()
            )
            unused = and_(
                col(File.created_at) < before,
                or_(col(File.downloaded_at).is_(None), col(File.downloaded_at) < before),
            )
            self._to_trash(report, and_(self._in_roles(), unused, ~touched), again=unused, apply=apply)
        return report

    def _in_roles(self) -> ColumnElement[bool]:
        return col(File.role).in_(self.rules.roles)

    def _to_trash(
        self,
        report: RuleReport,
        taken: ColumnElement[bool],
        *,
        again: ColumnElement[bool] | None = None,
        apply: bool,
    ) -> None:
        """Tell of the ready files that are `taken`, and put each into the trash where it still is as in `again`."""
        ready = col(File.status) == FileStatus.READY
        query = (
            sql_select(
                *(col(File.id), col(File.owner_id), col(File.role), col(File.size), col(File.file_name)),
                *(col(File.version), col(Dataset.name)),
            )
            .join(Dataset, col(Dataset.id) == File.dataset_id)
            # A copy made for a share link goes when that has ended (`Slices.sweep`), not by age.
            .where(ready, taken, col(Dataset.hidden_for).is_(None))
            .order_by(col(File.created_at), col(File.id))
        )
        files = Files(self.database, self.storages, self.trash_for)
        with self.database.session() as session:
            for file_id, owner_id, role, size, file_name, version, name in session.execute(
                query, execution_options={"yield_per": BATCH}
            ):
                done = apply and (again is None or self._still(and_(col(File.id) == file_id, ready, again)))
                if done:
                    done = _deleted(files, Caller(owner_id, ""), file_id)
                report.add(Thing(f"{name}, version {version} ({file_name})", role, size, str(file_id)), done=done)

    def _still(self, condition: ColumnElement[bool]) -> bool:
        with self.database.session() as session:
            return session.exec(select(File.id).where(condition)).first() is not None


def _deleted(files: Files, caller: Caller, file_id: uuid.UUID) -> bool:
    try:
        files.delete(caller, file_id)
    except (NotFound, FileNotReady):
        # Its owner was faster.
        return False
    return True


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"
