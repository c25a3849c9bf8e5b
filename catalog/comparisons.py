"""Two versions of a dataset side by side, from their stored statistics."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlmodel import Session, select

from catalog import drift
from catalog.access import find_dataset
from catalog.caller import Caller
from catalog.drift import ColumnName, Moved, Retyped
from catalog.errors import VersionNotFound
from catalog.profiles import Profiles, ProfileState, Status
from db import Database
from db.tables import File, FileStatus


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `how` says in words what its statistics cover, `partial` that it is not all; both are of the
    rough statistics while the whole ones are `computing`. `error` says why there are none."""

    version: int
    file_id: uuid.UUID
    file_name: str
    size: int
    rows: int | None
    columns: int | None
    status: Status
    progress: float | None
    how: str | None
    partial: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Drift:
    """What is different in `new`. Nothing is said of columns (`compared` is None) until both sides have statistics."""

    old: Side
    new: Side
    compared: int | None
    """How many columns both have."""
    added: tuple[ColumnName, ...] = ()
    lost: tuple[ColumnName, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    moved: tuple[Moved, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def computing(self) -> bool:
        return "computing" in (self.old.status, self.new.status)


@dataclass(frozen=True)
class Comparisons:
    """Compares versions of the caller's datasets."""

    database: Database
    profiles: Profiles

    def compare(self, caller: Caller, dataset_id: uuid.UUID, *, old: int, new: int) -> Drift:
        """Asks for statistics that are not there yet, and says so; ask again for the rest.

        Raises DatasetNotFound, VersionNotFound.
        """
        with self.database.session() as session:
            find_dataset(session, caller, dataset_id)
            files = [_version(session, dataset_id, number) for number in (old, new)]
        before, now = (self.profiles.state(caller, file.id) for file in files)
        sides = (_side(files[0], before), _side(files[1], now))
        if before.profile is None or now.profile is None:
            return Drift(*sides, compared=None, notes=tuple(_notes(sides)))
        added, lost, retyped = drift.columns_changed(before.profile, now.profile)
        return Drift(
            *sides,
            compared=drift.columns_in_common(before.profile, now.profile),
            added=added,
            lost=lost,
            retyped=retyped,
            moved=drift.columns_moved(before.profile, now.profile),
            notes=tuple(_notes(sides)),
        )


def _version(session: Session, dataset_id: uuid.UUID, number: int) -> File:
    query = select(File).where(File.dataset_id == dataset_id, File.version == number, File.status == FileStatus.READY)
    file = session.exec(query).first() if 0 < number < 2**31 else None
    if file is None:
        raise VersionNotFound(f"There is no version {number} of this dataset. It may have been deleted.")
    return file


def _side(file: File, state: ProfileState) -> Side:
    profile = state.profile
    return Side(
        version=file.version or 0,
        file_id=file.id,
        file_name=file.file_name,
        size=file.size,
        rows=profile.total_rows if profile is not None and profile.total_rows is not None else file.rows,
        columns=profile.column_count if profile is not None else file.columns,
        status=state.status,
        progress=state.progress,
        how=profile.how if profile is not None else None,
        partial=profile is not None and profile.partial,
        error=state.error,
    )


def _notes(sides: tuple[Side, ...]) -> list[str]:
    notes: list[str] = []
    for side in sides:
        if side.status == "computing":
            so_far = f"; so far from {side.how}" if side.how else ""
            notes.append(f"The statistics of version {side.version} are being computed{so_far}.")
        elif side.status == "failed":
            notes.append(f"Version {side.version} has no statistics: {side.error}")
        elif side.status == "none":
            notes.append(f"Computing the statistics of version {side.version} was stopped.")
        elif side.partial:
            notes.append(f"The statistics of version {side.version} cover {side.how}.")
    return notes
