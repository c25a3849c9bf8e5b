"""Restoring a backup into an empty installation, file by file, and checking a backup without restoring it.

The rows come first, all at once; then each file's bytes are written, compared with size and SHA-256 on the way, and
only then its row is ready. A restore that was killed goes on where it was: the rows say which files are still to come.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from catalog.backup import MOST_TOLD, Problem
from catalog.backup_copying import RESTORABLE, in_order
from catalog.events import EventKind, record
from catalog.reports import ReportKind, Reports
from catalog.restored_rows import BEING_RESTORED, Outcome, begun_restore, fill_catalogue, rows_of, settle
from catalog.snapshots import (
    KeptFile,
    Manifest,
    SnapshotDamaged,
    SnapshotError,
    TableLines,
    Unwatched,
    Watcher,
    find_snapshot,
    read_lines,
)
from db import Database
from db.export import LineDamaged, values_of
from db.schema import HEAD, is_known, version
from db.tables import File
from storage import Storages
from storage.checked import CheckedStream, ContentDiffers, as_binary
from storage.protocol import Backend, BucketMissing, BucketRole, FileNotInStorage, FileStorage, ObjectRef
from storage.vault import Vault

SETTLED_EVERY = timedelta(seconds=5)
"""However few files came back in it: so much is written again after a kill."""


@dataclass
class RestoreReport:
    """What was restored, or checked, and what is not as the snapshot says."""

    place: str
    snapshot: str
    taken_at: datetime
    with_objects: bool
    rows: int = 0
    files: int = 0
    """Files that are there and right."""
    size: int = 0
    gone: int = 0
    given_up: int = 0
    replaced: int = 0
    not_good: int = 0
    """Files that had failed before the backup, and are restored as failed."""
    went_on: bool = False
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0

    @property
    def clean(self) -> bool:
        return self.problem_count == 0

    def add(self, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append(problem)

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        plain = asdict(self) | {"clean": self.clean, "taken_at": self.taken_at.isoformat()}
        plain["problems"] = [asdict(each) | {"file_id": str(each.file_id)} for each in self.problems]
        return plain


class InBackup(Exception):
    """A file's bytes in the backup are missing or wrong; the message continues "its bytes in the backup …"."""


class NotInBackup(InBackup):
    """There is nothing to delete before another backup copies it anew: what is there by name and size is not copied."""


@dataclass(frozen=True)
class Restore:
    """Restores out of one vault. `storages` and `database` are the new installation's."""

    vault: Vault
    database: Database
    storages: Storages
    watcher: Watcher = field(default_factory=Unwatched)
    parallel: int = 4
    at_once: int = 200
    """Files looked up, and settled, in one transaction."""

    def run(self, snapshot: str = "latest") -> RestoreReport:
        """Restore a snapshot, or go on with one that was begun.

        Raises SnapshotError, NotEmpty among them, StorageError and DatabaseUnavailable: after the last two, and after
        a kill, running it again goes on.
        """
        begun = begun_restore(self.database) if version(self.database) == HEAD else None
        name, manifest = find_snapshot(self.vault, begun or snapshot)
        if begun is not None and snapshot not in ("latest", begun):
            raise SnapshotError(f"The restore of snapshot {begun} is not finished. Go on with that one.")
        if not is_known(manifest.revision):
            raise SnapshotError(
                f"The backup was made by a newer Datashelf (its schema is {manifest.revision}, this one's {HEAD}). "
                "Restore it with that version or a later one. Nothing was changed."
            )
        target = self.storages.of(self.storages.state.configured)
        target.prepare()
        report = RestoreReport(self.vault.place, name, manifest.taken_at, manifest.with_objects)
        report.rows, report.went_on = sum(table.rows for table in manifest.tables), begun is not None
        # The list is opened, and so checked, before anything is changed.
        with read_lines(self.vault, manifest.files) as lines:
            if begun is None:
                to = target if manifest.with_objects else None
                filled = fill_catalogue(self.database, self.vault, name, manifest, self.watcher, to)
                report.given_up, report.replaced = filled.given_up, filled.replaced
            self._restore_files(report, manifest, lines, target)
        content = {"snapshot": name, "place": self.vault.place, "finished": True}
        Reports(self.database).keep(ReportKind.RESTORE, content | {"report": report.to_plain()})
        with self.database.transaction() as session:
            record(session, EventKind.RESTORED, detail={"place": self.vault.place, "snapshot": name})
        return report

    def _restore_files(
        self, report: RestoreReport, manifest: Manifest, lines: Iterator[bytes], target: FileStorage
    ) -> None:
        self.watcher.stage("Files", manifest.size if manifest.with_objects else manifest.files.rows)

        def one(pair: tuple[KeptFile, File | None]) -> Outcome:
            kept, row = pair
            if row is None or kept.gone:
                return Outcome(kept)
            if row.failure != BEING_RESTORED:
                # Done by an earlier run, which had its own report.
                return Outcome(kept, problem=row.failure if row.failure != kept.failure else None)
            return self._write(kept, row, target) if manifest.with_objects else self._look(kept, row)

        with closing(in_order(one, self._rows(lines), workers=self.parallel)) as outcomes:
            for batch in _batches(outcomes, self.at_once):
                settle(self.database, batch)
                for outcome in batch:
                    copied = outcome.kept.copy is not None or not manifest.with_objects
                    _note(report, outcome, copied=copied)

    def _rows(self, lines: Iterator[bytes]) -> Iterator[tuple[KeptFile, File | None]]:
        files = (kept for kept in map(KeptFile.of_line, lines) if kept.status in RESTORABLE)
        while batch := list(islice(files, self.at_once)):
            rows = rows_of(self.database, batch)
            yield from ((kept, rows.get(kept.file_id)) for kept in batch)

    def _write(self, kept: KeptFile, row: File, target: FileStorage) -> Outcome:
        if kept.copy is None:
            if kept.failure is not None:
                return Outcome(kept)
            return Outcome(kept, problem=f"{_LOST} they were not in the backup: {kept.why}. {_NEXT}")
        ref = ObjectRef(BucketRole(row.role), row.key, row.bucket)
        try:
            with _from_backup(self.vault, kept, self.watcher) as stream:
                stored = target.upload_file(ref, as_binary(stream), kept.size, row.media_type)
        except InBackup as error:
            return Outcome(kept, problem=f"{_LOST} in the backup they {error}. {_NEXT}")
        return Outcome(kept, stored=stored)

    def _look(self, kept: KeptFile, row: File) -> Outcome:
        """Whether the store still has a file of a backup without files; what it reads, the scrub compares later."""
        self.watcher.advance(1)
        try:
            found = self.storages.of(Backend(row.backend)).stat_file(
                ObjectRef(BucketRole(row.role), row.key, row.bucket)
            )
        except BucketMissing:
            raise
        except FileNotInStorage:
            return Outcome(kept, problem=f"{_LOST} the store has them no more. {_NEXT}")
        if found.size != kept.size:
            return Outcome(kept, problem=f"{_LOST} the store has {found.size:,} bytes of {kept.size:,}. {_NEXT}")
        return Outcome(kept)


_LOST = "The file’s bytes did not come back with the backup:"
_NEXT = "Everything else about it is here; upload the file again as a new version."


def verify(vault: Vault, snapshot: str = "latest", *, watcher: Watcher, parallel: int = 4) -> RestoreReport:
    """Read a snapshot wholly and compare every part with its checksum; nothing is written. Raises SnapshotError."""
    name, manifest = find_snapshot(vault, snapshot)
    report = RestoreReport(vault.place, name, manifest.taken_at, manifest.with_objects)
    report.rows = sum(table.rows for table in manifest.tables)
    watcher.stage("Catalogue", report.rows)
    for kept in manifest.tables:
        _verify_table(vault, kept, watcher)
    watcher.stage("Files", manifest.size if manifest.with_objects else 0)

    def one(kept: KeptFile) -> Outcome:
        if kept.copy is None:
            why = None if kept.why is None else f"It is not in the backup: {kept.why}."
            return Outcome(kept, problem=why)
        try:
            with _from_backup(vault, kept, watcher) as stream:
                stream.finish()
        except InBackup as error:
            way = "Back" if isinstance(error, NotInBackup) else f"Delete {kept.copy} in the backup and back"
            return Outcome(kept, problem=f"Its bytes in the backup {error}. {way} up again with --objects.")
        return Outcome(kept)

    with read_lines(vault, manifest.files) as lines:
        files = (kept for kept in map(KeptFile.of_line, lines) if kept.status in RESTORABLE and manifest.with_objects)
        for outcome in in_order(one, files, workers=parallel):
            _note(report, outcome, copied=outcome.kept.copy is not None)
    return report


def _verify_table(vault: Vault, kept: TableLines, watcher: Watcher) -> None:
    rows = 0
    with read_lines(vault, kept) as lines:
        for line in lines:
            try:
                values_of(line, kept.columns)
            except LineDamaged as error:
                raise SnapshotDamaged(f"The backup is damaged: in {kept.name} {error}.") from error
            rows += 1
            watcher.advance(1)
    if rows != kept.rows:
        raise SnapshotDamaged(f"The backup is damaged: {kept.name} has {rows} rows instead of {kept.rows}.")


@contextmanager
def _from_backup(vault: Vault, kept: KeptFile, watcher: Watcher) -> Iterator[CheckedStream]:
    """A file's bytes in the vault, checked as they are read. Raises InBackup where they are missing or wrong."""
    assert kept.copy is not None
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(vault.open(kept.copy))
        except FileNotInStorage:
            raise NotInBackup("are missing") from None
        try:
            yield CheckedStream(stream, size=kept.size, sha256=kept.sha256, on_read=watcher.advance)
        except ContentDiffers as error:
            raise InBackup(f"are not what was backed up ({error})") from error


def _batches(outcomes: Iterator[Outcome], at_once: int) -> Iterator[list[Outcome]]:
    batch: list[Outcome] = []
    due = time.monotonic() + SETTLED_EVERY.total_seconds()
    for outcome in outcomes:
        batch.append(outcome)
        if len(batch) >= at_once or time.monotonic() > due:
            yield batch
            batch, due = [], time.monotonic() + SETTLED_EVERY.total_seconds()
    if batch:
        yield batch


def _note(report: RestoreReport, outcome: Outcome, *, copied: bool) -> None:
    kept = outcome.kept
    if outcome.problem is not None:
        report.add(Problem(kept.file_id, kept.file_name, outcome.problem))
    elif kept.gone:
        report.gone += 1
    elif kept.failure is not None and not copied:
        report.not_good += 1
    else:
        report.files += 1
        report.size += kept.size
