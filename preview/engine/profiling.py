"""Profiles of whole files, and first answers that say what they cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from preview.arrow_cells import Arrow
from preview.engine import hints
from preview.engine.connect import Engine, connect, quoted
from preview.engine.looks import looks_of
from preview.engine.measures import family_of
from preview.engine.sampling import FIRST_ROWS, SAMPLED, footer_facts, sample
from preview.engine.statistics import Passes, Statistics, kind_of
from preview.engine.tables import OpenTable, TableColumn, is_parquet
from preview.engine.tasks import COPYING, Answer, Desk, data_from_plain
from preview.profile import ColumnProfile, Profile
from preview.result import JsonValue
from preview.table import Table

CONVERTING: Final = 0.6
"""Share of the time of a profile that the making of a copy takes."""
TABLE: Final = "data"


def profile(desk: Desk, task: dict[str, Any]) -> Answer:
    """The statistics of a whole file, as a plain `Profile`."""
    with desk.spill() as spill, connect(memory=min(COPYING, desk.memory), spill=Path(spill)) as engine:
        table = desk.open(engine, TABLE, task["data"], on_progress=lambda share: desk.on_progress(share * CONVERTING))
        progress = _Progress(engine, table, desk.on_progress, begin=CONVERTING if table.is_copy else 0.0)
        relation = quoted(TABLE)
        found = Passes(engine.con, table.columns, relation, on_pass=progress.begin_pass).run()
        return _profile(engine, table.columns, found, relation, total=table.rows, how=None, about=table).to_plain(), b""


def _profile(
    engine: Engine,
    columns: Sequence[TableColumn],
    found: Statistics,
    relation: str,
    *,
    total: int | None,
    how: str | None,
    about: OpenTable | Table,
) -> Profile:
    """The profile that the statistics make; `how` says what they cover where that is not all rows."""
    looks = looks_of(engine.con, columns, found.raw, relation, rows=found.rows)
    profiles = tuple(
        hints.with_hints(column, found.rows, raw, look)
        for column, raw, look in zip(found.columns, found.raw, looks, strict=True)
    )
    notes = list(about.notes)
    estimated = [column.name for column, raw in zip(found.columns, found.raw, strict=True) if raw.get("estimated")]
    if estimated:
        which = "one column" if len(estimated) == 1 else f"{len(estimated):,} columns"
        notes.append(f"Quartiles and medians of {which} are close estimates; so is every count marked ≈.")
    everything = "the only row" if found.rows == 1 else f"all {found.rows:,} rows"
    return Profile(
        found.rows,
        found.rows if how is None else total,
        how is not None,
        how or everything,
        profiles,
        about.column_count or len(profiles),
        found.duplicates if how is None else None,
        tuple(hints.for_rows(found.rows, found.duplicates)) if how is None else (),
        tuple(notes),
    )


def quick_profile(desk: Desk, task: dict[str, Any]) -> Answer:
    """What a footer or a sample tells, as a plain `Profile` that says which part of the file it covers."""
    data = data_from_plain(task["data"])
    with connect(memory=desk.memory) as engine:
        if not is_parquet(data.source):
            found = sample(engine.con, data, limits=desk.limits)
            columns, relation, how, total = found.columns, SAMPLED, found.how, found.table.total_rows
            about: OpenTable | Table = found.table
        else:
            opened = desk.open(engine, TABLE, task["data"])
            facts = footer_facts(data, [column.name for column in opened.columns])
            if facts is not None:
                return _of_footer(opened, facts).to_plain(), b""
            how = None if opened.rows <= FIRST_ROWS else f"the first {FIRST_ROWS:,} rows"
            columns, total = opened.columns, opened.rows
            relation = f"(SELECT * FROM {quoted(TABLE)} LIMIT {FIRST_ROWS})"
            about = opened
        passes = Passes(engine.con, columns, relation, on_pass=lambda *_: None).run(compare_rows=how is None)
        return _profile(engine, columns, passes, relation, total=total, how=how, about=about).to_plain(), b""


def _of_footer(table: OpenTable, facts: Sequence[Mapping[str, Any]]) -> Profile:
    columns = tuple(
        ColumnProfile(
            column.name,
            column.type,
            kind_of(family_of(column.kind)),
            int(found["nulls"]),
            min=_shown(found["min"], column),
            max=_shown(found["max"], column),
        )
        for column, found in zip(table.columns, facts, strict=True)
    )
    how = "the footer: nulls, least and greatest values of all rows; no distinct or top values yet"
    return Profile(table.rows, table.rows, True, how, columns, table.column_count, notes=table.notes)


def _shown(value: Any, column: TableColumn) -> JsonValue:
    """A footer's value as the preview's JSON has it, for the types whose least and greatest value is told."""
    if value is None or family_of(column.kind) not in ("whole", "real", "decimal", "moment", "clock"):
        return None
    return Arrow(cell=200).values(pa.array([value]))[0]


class _Progress:
    """How far a profile is: by passes, and within one by the bytes that were read."""

    def __init__(self, engine: Engine, table: OpenTable, tell: Callable[[float], None], *, begin: float) -> None:
        self._tell, self._offset = tell, begin
        self._size = max(table.parquet.size, 1)
        self._from = self._to = 0.0
        self._read = 0
        engine.files.on_read = self._on_read

    def begin_pass(self, begin: float, end: float) -> None:
        self._from, self._to, self._read = begin, end, 0
        self._told(begin)

    def _on_read(self, size: int) -> None:
        self._read += size
        self._told(self._from + (self._to - self._from) * min(1.0, self._read / self._size))

    def _told(self, share: float) -> None:
        self._tell(self._offset + (1 - self._offset) * share)
