"""Charts of a file's columns, and which one to begin with."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select

from catalog.caller import Caller
from catalog.examples import NUMBERS, TIMES, is_id
from catalog.gate import Gate
from catalog.profiles import Profiles
from catalog.queries import counted
from catalog.sources import data_of, find_readable, stores_words
from db import Database
from db.tables import Column
from preview.analyst import Analyst
from preview.asking import Cancel, ChartData, ChartSpec
from preview.errors import NoTable
from preview.profile import ColumnProfile, Profile
from storage import Storages

FEW = 100
"""Distinct values up to which bars of the most frequent ones tell something."""
NEARLY_ALL = 0.95
"""Share of the rows from which one value makes a column tell nothing."""


@dataclass(frozen=True)
class Charts:
    """Charts of the caller's files; `gate` is the one queries pass."""

    database: Database
    storages: Storages
    analyst: Analyst
    profiles: Profiles
    gate: Gate

    def draw(self, caller: Caller, file_id: uuid.UUID, spec: ChartSpec, *, cancel: Cancel | None = None) -> ChartData:
        """The chart's records, aggregated over the whole file or an honest sample of it.

        Raises FileNotFound, FileNotReady, Busy, the PreviewErrors, StorageUnavailable, FileNotInStorage.
        """
        with self.database.session() as session:
            file, read_as = find_readable(session, caller, file_id)
        with counted("chart"), self.gate.turn(cancel), stores_words(file, "chart"):
            return self.analyst.chart(data_of(self.storages, file, read_as), spec, cancel=cancel)

    def suggest(self, caller: Caller, file_id: uuid.UUID) -> ChartSpec:
        """A sensible first chart. Raises FileNotFound, FileNotReady; NoTable where no column is known."""
        with self.database.session() as session:
            file, _ = find_readable(session, caller, file_id)
            named = select(Column.name, Column.type).where(Column.file_id == file.id).order_by(col(Column.position))
            columns = session.exec(named.limit(1000)).all()
        if not columns:
            raise NoTable("There are no columns to draw.")
        return suggest(columns, self.profiles.known(caller, file_id))


def suggest(columns: Sequence[tuple[str, str]], profile: Profile | None) -> ChartSpec:
    """Rows, or a number, over time where there is a time, else bars of a label, else a histogram; of what says most."""
    known = {column.name: column for column in profile.columns} if profile is not None else {}
    rows = profile.rows if profile is not None else 0
    telling = [(name, kind) for name, kind in columns if _tells(known.get(name), rows)] or list(columns)
    # The mean of an id says nothing; an id that comes again and again is still one.
    numbers = sorted((name for name, kind in telling if kind in NUMBERS), key=lambda name: is_id(name, known.get(name)))
    for name, kind in telling:
        if kind in TIMES:
            column, value = known.get(name), next(iter(numbers), None)
            # With one row a moment their number is the same all along: what they measure is not.
            if value is not None and column is not None and column.distinct == rows - column.nulls:
                return ChartSpec("line", name, value, "mean")
            return ChartSpec("line", name)
    for name, _ in telling:
        column = known.get(name)
        if column is not None and column.kind in ("string_label", "bool") and (column.distinct or 0) <= FEW:
            return ChartSpec("bar", name)
    if numbers:
        return ChartSpec("histogram", numbers[0])
    return ChartSpec("bar", telling[0][0])


def _tells(column: ColumnProfile | None, rows: int) -> bool:
    if column is None:
        return True
    if column.top and column.top[0].count > NEARLY_ALL * rows:
        return False
    return not any(hint.slug in ("constant", "all-null", "id-like", "mostly-null") for hint in column.hints)
