"""What every chart asks of a table: its columns, the rows that are meant, and answers as records of JSON values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from preview.asking import ChartData, ChartSpec
from preview.engine.conditions import REAL, WHOLE, Where, by_name, is_zoned, known, moment_like, number_like, where
from preview.engine.connect import literal, quoted
from preview.engine.fence import Connection
from preview.engine.query import Rows, complaining, table_of
from preview.engine.tables import OpenTable, TableColumn
from preview.errors import QueryFailed, ResultTooBig
from preview.limits import Limits
from preview.result import JsonValue

LABEL: Final = 200
"""Characters of a group's name."""
SERIES: Final = 10
OTHER: Final = "Other"
_CELLS: Final = Limits(cell=LABEL, columns=100)

Record = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the table."""

    column: TableColumn

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def type(self) -> str:
        """The preview's."""
        return self.column.type

    @property
    def kind(self) -> str:
        """DuckDB's name of its type."""
        return self.column.kind

    @property
    def sql(self) -> str:
        return quoted(self.column.sql)

    @property
    def is_number(self) -> bool:
        return number_like(self.kind)

    @property
    def is_whole(self) -> bool:
        return self.kind in WHOLE

    @property
    def is_moment(self) -> bool:
        return moment_like(self.kind)

    @property
    def is_zoned(self) -> bool:
        return is_zoned(self.kind)

    @property
    def value(self) -> str:
        """SQL: the value to calculate with. A moment is in UTC; numbers are floats, which any chart's axis is."""
        return f"CAST({self.sql} AS {'TIMESTAMP' if self.is_moment else 'DOUBLE'})"

    @property
    def axis(self) -> str:
        """SQL: the value as an axis shows it: a moment as it stands, a number as a float."""
        return self.sql if self.is_moment else self.value

    @property
    def usable(self) -> str:
        """SQL: whether there is a value with a place on an axis: not null, NaN or infinite."""
        endless = self.kind in REAL or self.is_moment
        return f"{self.sql} IS NOT NULL" + (f" AND isfinite({self.sql})" if endless else "")

    @property
    def group(self) -> str:
        """SQL: the value as the name of a group; what cannot be one as it is, as text."""
        nested = self.kind.endswith("]") or self.kind.startswith(("STRUCT", "MAP", "UNION", "BLOB", "VARIANT"))
        return f"CAST({self.sql} AS VARCHAR)" if nested else self.sql


class Chart:
    """One chart being drawn."""

    def __init__(self, con: Connection, table: OpenTable, spec: ChartSpec) -> None:
        self.con, self.table, self.spec = con, table, spec
        self.columns = by_name(table)
        self.only: Where = where(con, spec.conditions, self.columns)
        self.rows = int(self.one(f"SELECT count(*) FROM data WHERE {self.only.sql}")[0])

    def field(self, name: str | None, role: str) -> Field:
        """The column chosen for a role. Raises QueryFailed where none is chosen, or it is gone."""
        if name is None:
            raise QueryFailed(f"A {self.spec.kind} chart needs a column for {role}: choose one.")
        return Field(known(name, self.columns))

    def number(self, name: str | None, role: str) -> Field:
        """The same, where only a number will do."""
        field = self.field(name, role)
        if not field.is_number:
            raise QueryFailed(f"“{field.name}” does not hold numbers, which {role} needs. Choose another column.")
        return field

    def on_axis(self, name: str | None, role: str) -> Field:
        """The same, where a number or a moment will do."""
        field = self.field(name, role)
        if not field.is_number and not field.is_moment:
            raise QueryFailed(
                f"“{field.name}” holds neither numbers nor dates, which {role} needs. Choose another column, or bars."
            )
        return field

    def free(self, name: str) -> str:
        """A quoted name that no column has."""
        taken = {column.sql.lower() for column in self.columns.values()}
        while name in taken:
            name += "_"
        return quoted(name)

    def color(self) -> Field | None:
        """The column that splits the chart into series, if one is chosen."""
        return self.field(self.spec.color, "the colour") if self.spec.color else None

    def one(self, sql: str) -> tuple[Any, ...]:
        """The only row of a query over `data`; its parameters are those of the conditions."""
        return tuple(self.all(sql)[0])

    def all(self, sql: str) -> list[tuple[Any, ...]]:
        with _about_charts():
            found: list[tuple[Any, ...]] = self.con.execute(sql, list(self.only.values)).fetchall()
        return found

    def records(self, sql: str, keys: Sequence[str]) -> tuple[Record, ...]:
        """The rows of a query as records of the preview's JSON values."""
        with _about_charts():
            rows = Rows(self.con, sql, self.only.values)
            table = table_of(rows, list(rows.batches(2048)), 5_000, limits=_CELLS)
        columns = [cells.values for cells in table.cells]
        return tuple(dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True))

    def over(self) -> str:
        """How many rows the chart is of, in words."""
        if not self.spec.conditions:
            return f"over all {self.rows:,} rows"
        return f"over the {self.rows:,} rows that match"

    def data(
        self,
        records: Sequence[Record],
        *,
        x_type: str,
        y_type: str = "integer",
        how: Iterable[str | None],
        partial: bool = False,
        moment_bin: str | None = None,
        spec: ChartSpec | None = None,
    ) -> ChartData:
        """The answer; `how` is what is said of its coverage, part by part."""
        said = " · ".join(part for part in how if part)
        return ChartData(
            spec or self.spec, tuple(records), x_type, y_type, said[:1].upper() + said[1:], partial, moment_bin
        )

    def colored(self, field: Field | None) -> tuple[str, str | None]:
        """SQL of the series a row is in (NULL without a colour), and what is said where not all have their own."""
        if field is None:
            return "NULL", None
        text = f"CAST({field.group} AS VARCHAR)"
        count, empty = self.one(
            f"SELECT count(DISTINCT {text}), count(*) > count({field.sql}) FROM data WHERE {self.only.sql}"
        )
        if count + int(empty) <= SERIES:
            return text, None
        most = SERIES - 1 - int(empty)
        top = self.all(
            f"SELECT {text} FROM data WHERE {self.only.sql} AND {field.sql} IS NOT NULL "
            f"GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {most}"
        )
        listed = ", ".join(literal(str(value)) for (value,) in top)
        said = f"the {most} most frequent of {count:,} values of “{field.name}”, the rest as {OTHER}"
        return f"CASE WHEN {text} IN ({listed}) THEN {text} WHEN {text} IS NOT NULL THEN '{OTHER}' END", said


@contextmanager
def _about_charts() -> Iterator[None]:
    try:
        with complaining(""):
            yield
    except ResultTooBig:
        raise ResultTooBig(
            "This chart needs more memory than it may use. Choose a column with fewer different values."
        ) from None


def left_out(count: int, field: Field) -> str | None:
    """What is said of rows without a place on the axis."""
    return f"{count:,} without a usable value of “{field.name}” left out" if count else None
