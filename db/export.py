"""Rows as lines of text that mean the same on every database, and back.

A line is a JSON array, a value for each column: UUIDs and times as text (UTC, microseconds), bytes in base64, JSON as
it is. The columns with their kinds stand beside the lines, so that rows of an older schema can be read, too.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    column,
    insert,
    select,
    table,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from db.tables import CONTENT, METADATA
from db.utc import UtcDateTime

FETCHED = 1000
"""Rows read, or written, at a time."""
LEFT_OUT = ("lease", "report", "user_session", "one_time", "api_token")
"""Tables about the installation itself, which mean nothing in another; and by what people come in without a password,
lest a restore lets back in whoever was thrown out since, or brings back a token that was revoked."""
KINDS: dict[str, TypeEngine[Any]] = {
    "uuid": Uuid(),
    "time": UtcDateTime(),
    "bytes": LargeBinary(),
    "json": CONTENT,
    "document": JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql"),
    "boolean": Boolean(),
    "integer": BigInteger(),
    "float": Float(),
    "text": Text(),
}
"""What a column's values are. A `document` is JSON that PostgreSQL takes apart (JSONB), a `json` one that it keeps."""

_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]

Columns = tuple[tuple[str, str], ...]
"""Names and kinds."""


class LineDamaged(ValueError):
    """A line is not what `lines` writes."""


def exported_tables() -> list[Table]:
    """Every table whose rows are kept, a table that others point at before them."""
    return [each for each in METADATA.sorted_tables if each.name not in LEFT_OUT]


def columns_of(source: Table) -> Columns:
    return tuple((each.name, _kind(each.type)) for each in source.columns)


def lines(connection: Connection, source: Table) -> Iterator[bytes]:
    """Every row in the order of the primary key, a line each; a thousand of them are in memory at a time."""
    kinds = [kind for _, kind in columns_of(source)]
    query = select(source).order_by(*source.primary_key.columns)
    result = connection.execution_options(stream_results=True, yield_per=FETCHED).execute(query)
    with result:
        for row in result:
            values = [_to_plain(kind, value) for kind, value in zip(kinds, row, strict=True)]
            yield json.dumps(values, separators=(",", ":")).encode() + b"\n"


def values_of(line: bytes, columns: Columns) -> dict[str, Any]:
    """A line's values by column. Raises LineDamaged."""
    try:
        plain = json.loads(line)
        return {name: _from_plain(kind, each) for (name, kind), each in zip(columns, plain, strict=True)}
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise LineDamaged(f"a line is damaged: {error}") from error


@dataclass
class Loader:
    """Puts lines into tables of a database whose schema has their columns."""

    connection: Connection
    replaced: int = 0
    """Rows in which a NUL, which PostgreSQL's text cannot hold, became “�”."""

    def load(self, name: str, columns: Columns, source: Iterable[bytes]) -> int:
        """Insert every line; the number of rows. Raises LineDamaged."""
        target = table(name, *(column(each, KINDS[kind]) for each, kind in columns))
        statement, count = insert(target), 0
        rows = (values_of(line, columns) for line in source)
        while batch := list(islice(rows, FETCHED)):
            if self.connection.dialect.name == "postgresql":
                batch = [self._storable(row, columns) for row in batch]
            self.connection.execute(statement, batch)
            count += len(batch)
        return count

    def _storable(self, row: dict[str, Any], columns: Columns) -> dict[str, Any]:
        clean = {name: _without_nul(row[name]) if kind in ("text", "document") else row[name] for name, kind in columns}
        self.replaced += clean != row
        return clean


def _kind(of: TypeEngine[Any]) -> str:
    for name, types in (
        ("uuid", Uuid),
        ("time", UtcDateTime),
        ("bytes", LargeBinary),
        ("boolean", Boolean),
        ("integer", Integer),
        ("float", Float),
    ):
        if isinstance(of, types):
            return name
    if isinstance(of, JSON):
        return "document" if isinstance(of.dialect_impl(_POSTGRES), JSONB) else "json"
    if isinstance(of, Text) or of.python_type is str:
        return "text"
    raise TypeError(f"no kind for a column of type {of!r}")


def _to_plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "uuid":
        return str(value)
    if kind == "time":
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if kind == "bytes":
        return base64.b64encode(value).decode()
    return value


def _from_plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "uuid":
        return uuid.UUID(value)
    if kind == "time":
        return datetime.fromisoformat(value)
    if kind == "bytes":
        return base64.b64decode(value, validate=True)
    if kind == "text" and not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    if kind not in KINDS:
        raise ValueError(f"no values are of the kind {kind!r}")
    return value


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "�")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_without_nul(each) for each in value]
    return value
