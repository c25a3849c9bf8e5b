"""Making a backup while the app runs: the catalogue as one moment had it, and the files of that moment.

The rows are read in one transaction, which sees one state of the database however long it takes; the files are copied
after it, since a ready file's bytes never change. One deleted in between is said to be gone.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func
from sqlmodel import Session, col, select

from catalog.backup_copying import RESTORABLE, Copied, Copying, Source
from catalog.backup_pruning import Pruned, prune, remove_unfinished
from catalog.events import EventKind, record
from catalog.holding import LeaseHeld, held
from catalog.leases import Leases
from catalog.restored_rows import begun_restore
from catalog.snapshots import (
    SNAPSHOTS,
    KeptFile,
    Lines,
    Manifest,
    SnapshotDamaged,
    SnapshotError,
    TableLines,
    Unwatched,
    Watcher,
    copies,
    is_own,
    read_lines,
    read_manifest,
    remove_snapshot,
    snapshot_name,
    snapshots,
    write_lines,
    write_manifest,
)
from db import Database, DatabaseUnavailable
from db.export import columns_of, exported_tables, lines, values_of
from db.schema import HEAD, version_in
from db.tables import File, User
from db.utc import utc_now
from storage import Storages
from storage.protocol import BucketMissing, StorageError
from storage.vault import Vault

LEASE = "backup"
MOST_TOLD = 1000
"""Problems that a report tells one by one; it counts them all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file of which the backup has no good copy, and why, as a sentence."""

    file_id: uuid.UUID
    file_name: str
    what: str


@dataclass
class BackupReport:
    """What a backup holds and what was done for it."""

    place: str
    snapshot: str
    with_objects: bool
    taken_at: datetime
    rows: int
    files: int
    size: int
    done: Copied = field(default_factory=Copied)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    pruned: Pruned = field(default_factory=Pruned)
    not_pruned: str = ""
    """Why old snapshots were not dropped, where that was asked for."""
    from_the_future: tuple[str, ...] = ()
    """Snapshots that bear a later time than this one: a clock was, or is, wrong."""

    @property
    def clean(self) -> bool:
        return self.problem_count == 0 and not self.not_pruned

    def to_plain(self) -> dict[str, Any]:
        """The same as JSON can hold it."""
        plain = asdict(self) | {"clean": self.clean, "taken_at": self.taken_at.isoformat()}
        plain["problems"] = [asdict(each) | {"file_id": str(each.file_id)} for each in self.problems]
        plain["pruned"] = self.pruned._asdict()
        return plain


@dataclass(frozen=True)
class Backup:
    """Backs one installation up into one vault. `life`: of the claim that keeps a second backup waiting."""

    database: Database
    storages: Storages
    vault: Vault
    watcher: Watcher = field(default_factory=Unwatched)
    parallel: int = 4
    life: timedelta = timedelta(seconds=20)

    def run(self, *, objects: bool, keep: int | None = None) -> BackupReport:
        """Make a snapshot, with the files if `objects`; then drop all but the newest `keep` of its kind.

        Raises SnapshotError, StorageError and DatabaseUnavailable; earlier snapshots are untouched then, and files that
        were copied need no copying the next time.
        """
        try:
            with held(Leases(self.database), LEASE, life=self.life) as hold:
                # Before anything in it is taken for what a killed backup of ours left there.
                self._check_owner()
                self.vault.prepare(is_own)
                remove_unfinished(self.vault)
                report, manifest = self._write(objects=objects)
                if hold.lost:
                    raise SnapshotError("Another backup began, because this one stood still. Run it again.")
                write_manifest(self.vault, report.snapshot, manifest)
                if keep is not None:
                    self._prune(report, keep)
                report.from_the_future = tuple(name for name in snapshots(self.vault) if name > report.snapshot)
                self._write_down(report)
                return report
        except LeaseHeld:
            raise SnapshotError("Another backup of this installation is running. Try again when it is done.") from None

    def _write_down(self, report: BackupReport) -> None:
        """That everything was copied, and where to, is part of who did what; the snapshot itself is complete by now."""
        detail = {"place": report.place, "snapshot": report.snapshot, "objects": report.with_objects}
        with suppress(DatabaseUnavailable), self.database.transaction() as session:
            record(session, EventKind.BACKED_UP, detail=detail)

    def _write(self, *, objects: bool) -> tuple[BackupReport, Manifest]:
        taken_at = utc_now()
        snapshot = snapshot_name(taken_at)
        folder = f"{SNAPSHOTS}{snapshot}/"
        try:
            with self.database.session() as session:
                connection = session.connection()
                self._check_schema(connection)
                shelf = _shelf(session)
                self._check_place(shelf)
                files = select(func.count(), func.coalesce(func.sum(File.size), 0))
                count, size = session.exec(files.where(col(File.status).in_(RESTORABLE))).one()
                tables = tuple(self._tables(connection, folder))
            report = BackupReport(
                self.vault.place,
                snapshot,
                objects,
                taken_at,
                rows=sum(table.rows for table in tables),
                files=count,
                size=int(size),
            )
            kept = self._files(report, folder, tables, objects=objects)
        except BaseException:
            # What cannot be removed now, as where the place is away, the next run removes.
            with suppress(StorageError, SnapshotError):
                remove_snapshot(self.vault, snapshot)
            raise
        manifest = Manifest(
            taken_at=taken_at,
            revision=HEAD,
            shelf=shelf,
            database=self.database.engine.dialect.name,
            with_objects=objects,
            size=report.size,
            tables=tables,
            files=kept,
        )
        return report, manifest

    def _check_schema(self, connection: Connection) -> None:
        found = version_in(connection)
        if found != HEAD:
            raise SnapshotError(
                f"The database is at version {found or 'none'}, and this Datashelf is made for {HEAD}. Back up with "
                "the Datashelf that uses this database, or start this one once, which brings the database up to it."
            )

    def _check_owner(self) -> None:
        with self.database.session() as session:
            self._check_schema(session.connection())
            shelf = _shelf(session)
        if begun_restore(self.database) is not None:
            raise SnapshotError(
                "A restore into this installation is not finished, and a backup would hold files that are not back yet "
                "as lost. Finish the restore first (python -m ops restore, with the place it was begun from)."
            )
        with suppress(BucketMissing):
            self._check_place(shelf)

    def _check_place(self, shelf: uuid.UUID | None) -> None:
        for name in reversed(snapshots(self.vault)):
            # One that is damaged tells nothing; it stays, and a new snapshot is the better for it.
            with suppress(SnapshotDamaged):
                manifest = read_manifest(self.vault, name)
                if manifest is None or manifest.shelf is None:
                    continue
                if shelf != manifest.shelf:
                    raise SnapshotError(
                        f"{self.vault.place} belongs to another installation (snapshot {name}). See that DATA_DIR and "
                        "DATABASE_URL name the installation you mean, or name another place: each has one of its own."
                    )
                return

    def _tables(self, connection: Connection, folder: str) -> Iterator[TableLines]:
        tables = exported_tables()
        counts = [connection.execute(select(func.count()).select_from(each)).scalar_one() for each in tables]
        self.watcher.stage("Catalogue", sum(counts))
        for each in tables:
            written = write_lines(
                self.vault, f"{folder}tables/{each.name}.jsonl.zst", self._told(lines(connection, each))
            )
            yield TableLines(**written.model_dump(), table=each.name, columns=columns_of(each))

    def _told(self, rows: Iterator[bytes]) -> Iterator[bytes]:
        told = 0
        for row in rows:
            yield row
            told += 1
            if told == 1000:
                self.watcher.advance(told)
                told = 0
        self.watcher.advance(told)

    def _files(self, report: BackupReport, folder: str, tables: tuple[TableLines, ...], *, objects: bool) -> Lines:
        table = next(each for each in tables if each.table == File.__tablename__)
        with read_lines(self.vault, table) as rows:
            sources = (Source.of_row(values_of(row, table.columns)) for row in rows)
            if not objects:
                return write_lines(self.vault, f"{folder}files.jsonl.zst", (each.kept().line() for each in sources))
            self.watcher.stage("Files", report.size)
            copying = Copying(self.database, self.storages, self.vault, self.watcher, self.parallel, report.done)
            with closing(copying.run(sources, copies(self.vault))) as copied:
                return write_lines(self.vault, f"{folder}files.jsonl.zst", _lines(copied, report))

    def _prune(self, report: BackupReport, keep: int) -> None:
        try:
            report.pruned = prune(self.vault, report.snapshot, keep=keep, with_objects=report.with_objects)
        except (SnapshotError, StorageError) as error:
            report.not_pruned = f"Old snapshots could not all be dropped: {str(error).rstrip('.')}."


def _shelf(session: Session) -> uuid.UUID | None:
    """By which an installation is known: its first user."""
    return session.exec(select(User.id).order_by(col(User.created_at), col(User.id)).limit(1)).first()


def _lines(copied: Iterator[KeptFile], report: BackupReport) -> Iterator[bytes]:
    for each in copied:
        if each.why is not None:
            report.problem_count += 1
            if len(report.problems) < MOST_TOLD:
                report.problems.append(Problem(each.file_id, each.file_name, f"not in the backup: {each.why}"))
        yield each.line()
