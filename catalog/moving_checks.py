"""What to know before files are moved: is everything as it should be, what will move, and what stays."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func
from sqlmodel import Session, col, select

from catalog.moving_file import MOVABLE
from catalog.moving_report import PLACES, Amount, Left, Route, plain_size
from catalog.old_copies import OldCopies
from catalog.removal import ref_of
from db import Database
from db.tables import File, FileStatus, OldCopy
from storage import Storages
from storage.disk import MOST_SPARED
from storage.protocol import (
    Backend,
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    StorageDenied,
    StorageError,
    sentence,
)


class Verdict(StrEnum):
    """`note`: worth reading, and no hindrance. `stop`: nothing is moved before that is put right."""

    OK = "ok"
    NOTE = "note"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist, in a sentence."""

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """What was found, and what there is to move: `left` is what the source has now."""

    checks: tuple[Check, ...]
    left: Left

    @property
    def good(self) -> bool:
        return all(check.verdict is not Verdict.STOP for check in self.checks)


def placed(backend: Backend, dataset_id: uuid.UUID | None) -> ColumnElement[bool]:
    """The condition for files that lie on the backend, of one dataset or of all."""
    here = col(File.backend) == backend
    return here if dataset_id is None else and_(here, col(File.dataset_id) == dataset_id)


def movable(backend: Backend, dataset_id: uuid.UUID | None) -> ColumnElement[bool]:
    return and_(placed(backend, dataset_id), col(File.status).in_(MOVABLE), col(File.dataset_id).is_not(None))


def left_at(session: Session, backend: Backend, dataset_id: uuid.UUID | None) -> Left:
    """What the backend has that is not moved yet."""

    def amount(condition: ColumnElement[bool]) -> Amount:
        files, size = session.exec(select(func.count(), func.coalesce(func.sum(File.size), 0)).where(condition)).one()
        return Amount(files, int(size))

    here = placed(backend, dataset_id)
    return Left(
        files=amount(movable(backend, dataset_id)),
        under_way=amount(and_(here, col(File.status) == FileStatus.PENDING)),
        failed=amount(and_(here, col(File.status) == FileStatus.FAILED)),
    )


@dataclass(frozen=True)
class Checks:
    """Looks at both ends; with `prepare` the target's buckets or folders are made where they are missing."""

    database: Database
    storages: Storages
    route: Route
    dataset_id: uuid.UUID | None = None

    def look(self, *, prepare: bool) -> Checklist:
        """Raises DatabaseUnavailable."""
        with self.database.session() as session:
            left = left_at(session, self.route.source, self.dataset_id)
        checks = (
            self._settings(),
            self._source(left),
            *self._target(left, prepare=prepare),
            self._moves(left),
            *self._stays(left),
            *self._old_copies(),
        )
        return Checklist(checks, left)

    def _settings(self) -> Check:
        state, target = self.storages.state, self.route.target
        if state.configured is target:
            return Check("Settings", Verdict.OK, f"STORAGE_BACKEND={target}: new files go to {PLACES[target]}.")
        text = (
            f"STORAGE_BACKEND={state.configured}: new files still land on {PLACES[self.route.source]}. Set "
            f"STORAGE_BACKEND={target} and restart the app first, so that nothing new lands there."
        )
        return Check("Settings", Verdict.NOTE, text)

    def _source(self, left: Left) -> Check:
        place = PLACES[self.route.source].capitalize()
        with self.database.session() as session:
            first = session.exec(select(File).where(movable(self.route.source, self.dataset_id)).limit(1)).first()
        try:
            if first is not None:
                self.storages.of(self.route.source).stat_file(ref_of(first))
        except BucketMissing as error:
            return Check("From", Verdict.STOP, sentence(str(error)))
        except (FileNotInStorage, StorageDenied):
            # One file of many; moving it says so with its name.
            pass
        except StorageError as error:
            return Check("From", Verdict.STOP, sentence(str(error)))
        return Check(
            "From", Verdict.OK, f"{place} can be read." if left.files.files else f"{place} has nothing to move."
        )

    def _target(self, left: Left, *, prepare: bool) -> Iterator[Check]:
        target = self.storages.of(self.route.target)
        buckets = ", ".join(sorted({target.bucket_for(role) for role in BucketRole}))
        what = "Bucket" if self.route.target is Backend.MINIO else "Folder"
        health = target.check_health()
        if not health.ok and health.latency is None and not (prepare and self.route.target is Backend.LOCAL):
            yield Check("To", Verdict.STOP, health.detail)
            return
        if prepare:
            try:
                target.prepare()
            except StorageError as error:
                yield Check(what, Verdict.STOP, sentence(str(error)))
                return
            health = target.check_health()
        if not health.ok and prepare:
            yield Check("To", Verdict.STOP, health.detail)
            return
        yield Check("To", Verdict.OK, f"{PLACES[self.route.target].capitalize()} answers.")
        if health.ok:
            yield Check(what, Verdict.OK, f"{buckets}: there.")
        else:
            yield Check(what, Verdict.NOTE, f"{buckets}: missing; it is made when the move begins.")
        yield self._room(left, health.free_bytes)

    def _room(self, left: Left, free: int | None) -> Check:
        if free is None:
            text = f"An S3 store does not tell how much is free; {plain_size(left.files.size)} will be needed."
            return Check("Room", Verdict.OK if not left.files.size else Verdict.NOTE, text)
        needed = max(0, left.files.size - self._there_already())
        text = f"{plain_size(needed)} needed, {plain_size(free)} free."
        if needed and needed + MOST_SPARED > free:
            return Check("Room", Verdict.STOP, f"{text} Make room, or move one dataset at a time (--dataset ID).")
        return Check("Room", Verdict.OK, text)

    def _there_already(self) -> int:
        """Bytes of files that once lay at the target: their old copies there are taken, not copied again."""
        copy = exists().where(col(OldCopy.file_id) == col(File.id), col(OldCopy.backend) == self.route.target)
        query = select(func.coalesce(func.sum(File.size), 0))
        with self.database.session() as session:
            return int(session.exec(query.where(movable(self.route.source, self.dataset_id), copy)).one())

    def _moves(self, left: Left) -> Check:
        return Check("Moves", Verdict.OK, f"{left.files}.")

    def _stays(self, left: Left) -> Iterator[Check]:
        place = PLACES[self.route.source]
        if left.under_way.files:
            text = f"{left.under_way} of uploads under way stay on {place} until they are finished."
            yield Check("Stays", Verdict.NOTE, f"{text} Run the same command again then.")
        if left.failed.files:
            text = f"{left.failed} that failed their check stay on {place}. Upload them again, or delete them."
            yield Check("Stays", Verdict.NOTE, text)

    def _old_copies(self) -> Iterator[Check]:
        kept = OldCopies(self.database, self.storages).kept(self.route.source, self.dataset_id)
        if kept.files:
            text = f"{kept} on {PLACES[self.route.source]} of files moved before; --delete-source deletes them."
            yield Check("Old copies", Verdict.OK, text)
