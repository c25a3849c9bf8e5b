"""Conditions on rows as SQL: names quoted, values bound, each compared as the type its column has.

Values come as the preview's JSON has them: whole numbers past 2^53 and decimals as text, "NaN" and "Infinity", dates
and moments as ISO 8601, bytes as base64, nested values as JSON.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet

from preview.asking import Condition
from preview.engine.connect import connect, quoted
from preview.engine.fence import Connection
from preview.engine.query import Rows, complaining, first_rows, table_of
from preview.engine.tables import OpenTable, TableColumn
from preview.engine.tasks import Answer, Desk
from preview.errors import QueryFailed
from preview.limits import Limits
from preview.result import JsonValue
from preview.streams import RangeFile
from preview.table import payload
from preview.transport import open_transport

WHOLE: Final = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "BIGNUM",
    }
)
REAL: Final = frozenset({"FLOAT", "DOUBLE"})
MOMENTS: Final = ("DATE", "TIMESTAMP")
_COMPARE: Final = {"from": ">=", "below": "<", "upto": "<="}
_WORDS: Final = {"TIMESTAMP": "dates and times", "TIME": "times of day", "DATE": "dates", "BOOLEAN": "true or false"}


@dataclass(frozen=True, slots=True)
class Where:
    """An SQL condition (TRUE without any) and the values of its parameters, in order."""

    sql: str = "TRUE"
    values: tuple[Any, ...] = ()


def by_name(table: OpenTable) -> dict[str, TableColumn]:
    """The table's columns by the names that the preview gives them."""
    return {column.name: column for column in table.columns}


def known(name: str, columns: Mapping[str, TableColumn]) -> TableColumn:
    """The column of that name. Raises QueryFailed where there is none."""
    if name in columns:
        return columns[name]
    near = difflib.get_close_matches(name, list(columns), n=1, cutoff=0.6)
    meant = f" Did you mean “{near[0]}”?" if near else ""
    raise QueryFailed(f"This file has no column “{name}”.{meant}", suggestion=near[0] if near else None)


def where(con: Connection, conditions: Sequence[Condition], columns: Mapping[str, TableColumn]) -> Where:
    """All of the conditions at once. Raises QueryFailed for a column that is not there, or a value it cannot have."""
    parts = [_condition(con, condition, columns) for condition in conditions]
    if not parts:
        return Where()
    return Where(
        " AND ".join(f"({part.sql})" for part in parts), tuple(value for part in parts for value in part.values)
    )


def matching(
    con: Connection,
    table: OpenTable,
    conditions: Sequence[Condition],
    *,
    columns: Sequence[str] | None,
    rows: int,
    offset: int,
    limits: Limits,
) -> tuple[dict[str, JsonValue], bytes]:
    """The matching rows of the view `data` in the file's order, and how many there are in all, as a worker's facts and
    JSON.
    """
    there = by_name(table)
    offset, rows = max(offset, 0), max(0, min(rows, limits.rows))
    chosen = [known(name, there) for name in columns] if columns is not None else list(table.columns)
    chosen = chosen[: limits.for_rows(rows).columns]
    only = where(con, conditions, there)
    shown = ", ".join(quoted(column.sql) for column in chosen) or "NULL"
    with complaining(""):
        ((count,),) = con.execute(f"SELECT count(*) FROM data WHERE {only.sql}", list(only.values)).fetchall()
        found = Rows(con, f"SELECT {shown} FROM data WHERE {only.sql} LIMIT {rows} OFFSET {offset}", only.values)
        batches, _ = first_rows(found, rows, limits)
    answer = table_of(found, _in_their_zones(batches, chosen, table), rows, limits=limits)
    for cells, column in zip(answer.cells, chosen, strict=False):
        cells.name, cells.type = column.name, column.type
    answer.total_rows, answer.format, answer.read_as, answer.detected = (
        int(count),
        table.format,
        table.read_as,
        table.detected,
    )
    answer.column_count = table.column_count
    if columns is not None:
        answer.all_columns = tuple(list(there)[: limits.columns])
    return payload(answer, offset=offset, limits=limits)


def _in_their_zones(batches: list[Any], chosen: Sequence[TableColumn], table: OpenTable) -> list[Any]:
    """The batches with moments in the zone that a Parquet file keeps of them: DuckDB knows the session's only."""
    zoned = [place for place, column in enumerate(chosen) if is_zoned(column.kind)]
    if table.is_copy or not zoned or not batches:
        return batches
    schema = pyarrow.parquet.read_schema(RangeFile(open_transport(table.parquet), table.parquet.size))
    kinds = {column.name: field.type for column, field in zip(table.columns, schema, strict=False)}
    for place in zoned:
        zone = getattr(kinds[chosen[place].name], "tz", None)
        if zone:
            for number, batch in enumerate(batches):
                moments = batch.column(place)
                there = moments.cast(pa.timestamp(moments.type.unit, zone))
                batches[number] = batch.set_column(place, batch.schema.names[place], there)
    return batches


def rows(desk: Desk, task: dict[str, Any]) -> Answer:
    """Answer `Analyst.rows`."""
    with connect(memory=desk.memory) as engine:
        table = desk.open(engine, "data", task["data"])
        engine.con.execute("SET TimeZone = 'UTC'")
        return matching(
            engine.con,
            table,
            [Condition(**each) for each in task["conditions"]],
            columns=task["columns"],
            rows=task["rows"],
            offset=task["offset"],
            limits=desk.limits,
        )


def _condition(con: Connection, condition: Condition, columns: Mapping[str, TableColumn]) -> Where:
    found = known(condition.column, columns)
    name, column, kind, value = found.name, quoted(found.sql), found.kind, condition.value
    if condition.op in ("null", "not_null") or value is None:
        negated = condition.op in ("not_null", "is_not")
        return Where(f"{column} IS {'NOT ' if negated else ''}NULL")
    if condition.op == "contains":
        return Where(f"contains(lower(CAST({column} AS VARCHAR)), lower(?))", (_text(value),))
    if condition.op in ("is", "is_not"):
        if kind in WHOLE and (wanted := _decimal(_text(value), name)) != wanted.to_integral_value():
            return Where("FALSE" if condition.op == "is" else "TRUE")
        left, right, bound = _same(column, name, kind, value)
        _must_be(con, name, kind, right, bound)
        # A row without a value is not the value either.
        return Where(f"{left} IS {'NOT DISTINCT' if condition.op == 'is' else 'DISTINCT'} FROM {right}", (bound,))
    left, right, bound = _ordered(column, name, kind, value, condition.op)
    _must_be(con, name, kind, right, bound)
    # DuckDB orders NaN above all numbers; it is not more than any of them.
    number = f" AND NOT isnan({column})" if kind in REAL else ""
    return Where(f"{left} {_COMPARE[condition.op]} {right}{number}", (bound,))


def _must_be(con: Connection, name: str, kind: str, right: str, bound: Any) -> None:
    """Refuse a value that the column's type does not have, before any row is read."""
    if right.startswith("CAST(") and con.execute(f"SELECT TRY_{right}", [bound]).fetchall()[0][0] is None:
        held = next((words for start, words in _WORDS.items() if kind.startswith(start)), None)
        held = held or ("whole numbers" if kind in WHOLE else "numbers" if number_like(kind) else "other values")
        raise QueryFailed(f"“{name}” holds {held}, and “{_text(bound)[:80]}” is none.")


def number_like(kind: str) -> bool:
    """Whether a column of that DuckDB type holds numbers."""
    return kind in WHOLE or kind in REAL or kind.startswith("DECIMAL")


def moment_like(kind: str) -> bool:
    """Whether a column of that DuckDB type holds dates or moments."""
    return kind.startswith(MOMENTS) and not kind.endswith("]")


def is_zoned(kind: str) -> bool:
    """Whether a column of that DuckDB type holds moments that have a zone."""
    return kind.startswith("TIMESTAMP") and ("TZ" in kind or "ZONE" in kind) and not kind.endswith("]")


def _same(column: str, name: str, kind: str, value: JsonValue) -> tuple[str, str, Any]:
    """The two sides of an equation, and the value to bind on the right one."""
    if kind in REAL:
        # The preview shows a FLOAT with all the digits it has as a DOUBLE.
        return f"CAST({column} AS DOUBLE)", "CAST(? AS DOUBLE)", value
    if kind == "BLOB":
        try:
            return column, "?", b64decode(_text(value), validate=True)
        except ValueError:
            raise QueryFailed(f"“{name}” holds bytes, and “{_text(value)[:80]}” are none in base64.") from None
    if number_like(kind) or moment_like(kind) or kind.startswith("TIME") or kind == "BOOLEAN":
        return column, f"CAST(? AS {kind})", value if isinstance(value, bool) else _text(value)
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({column}) AS VARCHAR)", "?", json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"CAST({column} AS VARCHAR)", "?", _text(value)


def _ordered(column: str, name: str, kind: str, value: JsonValue, op: str) -> tuple[str, str, Any]:
    """The two sides of an inequation. Bounds of whole numbers and decimals may lie between two values of the type."""
    if isinstance(value, list | dict | bool) and kind != "BOOLEAN":
        raise QueryFailed(f"Rows of “{name}” cannot be found by a range of {_text(value)[:80]}.")
    text = _text(value)
    if kind in WHOLE:
        bound = _decimal(text, name)
        if bound.is_finite():
            whole = math.floor(bound) if op == "upto" else math.ceil(bound)
            if abs(whole) < 2**126:
                return column, "CAST(? AS HUGEINT)", str(whole)
        return f"CAST({column} AS DOUBLE)", "CAST(? AS DOUBLE)", text
    if kind.startswith("DECIMAL"):
        scale = int(re.sub(r".*,|\)", "", kind))
        exponent = _decimal(text, name).as_tuple().exponent
        if isinstance(exponent, int) and -exponent <= scale:
            return column, f"CAST(? AS {kind})", text
        return f"CAST({column} AS DOUBLE)", "CAST(? AS DOUBLE)", text
    if kind in REAL:
        return f"CAST({column} AS DOUBLE)", "CAST(? AS DOUBLE)", text
    if moment_like(kind):
        return column, f"CAST(? AS {'TIMESTAMP' if kind == 'DATE' and 'T' in text else kind})", text
    if kind.startswith("TIME") or kind == "BOOLEAN":
        return column, f"CAST(? AS {kind})", text
    return f"CAST({column} AS VARCHAR)", "?", text


def _decimal(text: str, name: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise QueryFailed(f"“{name}” holds numbers, and “{text[:80]}” is none.") from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
