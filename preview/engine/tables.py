"""Any readable file as a view in DuckDB, its columns named and typed as the preview names and types them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from preview.asking import Data
from preview.engine.connect import Engine, literal, quoted
from preview.engine.copies import Copies
from preview.errors import CorruptFile
from preview.limits import Limits
from preview.read_as import Detected
from preview.reader import read
from preview.source import Source
from preview.transport import open_transport

VALUES: Final = {
    "": "{}",
    "huge": "{}::HUGEINT",
    "timestamptz": "{}::TIMESTAMPTZ",
    "duration_s": "to_microseconds({} * 1000000)",
    "duration_ms": "to_microseconds({} * 1000)",
    "duration_us": "to_microseconds({})",
    "duration_ns": "to_microseconds({} // 1000)",
}
"""What a stored column stands for where Parquet, or DuckDB's reader of it, has no type of its own."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """`name` and `type` are the preview's; `sql` is the name in the view, which is `name` but where two differ only in
    case, which DuckDB does not tell apart; `kind` is DuckDB's type."""

    name: str
    type: str
    sql: str
    kind: str


@dataclass(frozen=True, slots=True)
class OpenTable:
    """A view and what is known of the file behind it; the words are those of `result.Preview`.

    `path` is what the view reads, for a fence to allow; `parquet` is that file: the stored one, or its columnar copy.
    """

    name: str
    columns: tuple[TableColumn, ...]
    rows: int
    column_count: int
    format: str
    read_as: tuple[str, ...]
    detected: Detected
    notes: tuple[str, ...]
    path: str
    parquet: Source
    is_copy: bool


def open_table(
    engine: Engine,
    name: str,
    data: Data,
    *,
    copies: Copies,
    limits: Limits,
    on_progress: Callable[[float], None] | None = None,
) -> OpenTable:
    """Make the view `name`: over the stored file by ranges where it is Parquet, else over a columnar copy.

    The copy is made where there is none yet, which reads the whole file: `on_progress` is told the share done. Raises
    every PreviewError.
    """
    if is_parquet(data.source):
        return _stored(engine, name, data, limits)
    copy = copies.get(engine, data, limits=limits, on_progress=on_progress)
    facts = copy.facts
    path, columns = _view(engine, name, copy.source, facts.names, facts.types, facts.stores)
    return OpenTable(
        name,
        columns,
        facts.rows,
        facts.column_count,
        facts.format,
        facts.read_as,
        facts.detected,
        facts.notes,
        path,
        copy.source,
        is_copy=True,
    )


def is_parquet(source: Source) -> bool:
    """Whether the stored bytes are Parquet as they are. Raises SourceGone, SourceUnavailable."""
    if source.size < 12:
        return False
    transport = open_transport(source)
    return transport.fetch(0, 4) == b"PAR1" and transport.fetch(source.size - 4, 4) == b"PAR1"


def _stored(engine: Engine, name: str, data: Data, limits: Limits) -> OpenTable:
    # The preview's own reader says what the file is, and in which words it is none.
    table = read(data.source, rows=0, offset=0, limits=limits, read_as=data.read_as)
    names = [cells.name for cells in table.cells]
    types = [cells.type for cells in table.cells]
    stores = _stores(data.source, len(names)) if "duration" in types else [""] * len(names)
    try:
        path, columns = _view(engine, name, data.source, names, types, stores)
    except duckdb.Error as error:
        reason = str(error).split("\n")[0].removeprefix("Invalid Input Error: ")[:200].rstrip(".")
        raise CorruptFile(f"This Parquet file cannot be read as a whole: {reason}.") from None
    return OpenTable(
        name,
        columns,
        int(table.total_rows or 0),
        table.column_count or len(names),
        table.format,
        tuple(table.read_as),
        table.detected,
        tuple(table.notes),
        path,
        data.source,
        is_copy=False,
    )


def _view(
    engine: Engine, name: str, source: Source, names: Sequence[str], types: Sequence[str], stores: Sequence[str]
) -> tuple[str, tuple[TableColumn, ...]]:
    path = engine.files.publish(source)
    inner = [f"c{place}" for place in range(len(names))]
    shown = sql_names(names)
    values = ", ".join(
        f"{VALUES[store].format(column)} AS {quoted(to)}"
        for column, to, store in zip(inner, shown, stores, strict=True)
    )
    engine.con.execute(
        f"CREATE VIEW {quoted(name)} AS SELECT {values} "  # every part is quoted or made here
        f"FROM read_parquet({literal(path)}, hive_partitioning = false) AS stored({', '.join(inner)})"
    )
    kinds = [row[1] for row in engine.con.execute(f"DESCRIBE {quoted(name)}").fetchall()]
    columns = (TableColumn(*column) for column in zip(names, types, shown, kinds, strict=True))
    return path, tuple(columns)


def sql_names(names: Sequence[str]) -> list[str]:
    """The names as DuckDB can tell them apart: it takes "A" and "a" for one, and a NUL for the end."""
    taken = {name.lower() for name in names}
    seen: set[str] = set()
    result = []
    for raw in names:
        name = raw.replace("\0", "�")
        number = 2
        while name.lower() in seen:
            candidate = f"{raw}_{number}".replace("\0", "�")
            name = candidate if candidate.lower() not in taken else name
            number += 1
        seen.add(name.lower())
        result.append(name)
    return result


def _stores(source: Source, count: int) -> list[str]:
    """What each column of a Parquet file stands for: Arrow's durations are plain numbers to others."""
    import pyarrow.parquet as pq
    import pyarrow.types as pt

    from preview.streams import RangeFile

    schema = pq.read_schema(RangeFile(open_transport(source), source.size))
    kinds = [schema.field(place).type for place in range(count)]
    return [f"duration_{kind.unit}" if pt.is_duration(kind) else "" for kind in kinds]
