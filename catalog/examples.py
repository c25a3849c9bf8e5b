"""Queries to begin with, made from a file's own columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preview.profile import ColumnProfile, Profile

NUMBERS = ("integer", "float", "decimal")
TIMES = ("date", "timestamp")
MOST_GROUPS = 1000
"""Distinct values up to which a column is one to group by."""


@dataclass(frozen=True, slots=True)
class QueryExample:
    """A query that runs as it stands, and what it answers."""

    label: str
    sql: str


def query_examples(
    columns: Sequence[tuple[str, str]], profile: Profile | None, *, before: int | None
) -> list[QueryExample]:
    """For a file with these (name, type); `before` is the number of the version before it, if there is one."""
    if not columns:
        return []
    found = {column.name: column for column in profile.columns} if profile is not None else {}
    group = _first(columns, ("string", "boolean"), found, grouped=True) or _first(columns, ("string", "boolean"), found)
    number = _number(columns, found)
    time = _first(columns, TIMES, found)
    examples = [QueryExample("The first rows", "SELECT *\nFROM data\nLIMIT 100")]
    if group is not None:
        by = quoted(group)
        counted = f"SELECT {by}, count(*) AS rows\nFROM data\nGROUP BY {by}\nORDER BY rows DESC\nLIMIT 50"
        examples.append(QueryExample(f"Rows for each {group}", counted))
    if group is not None and number is not None:
        by, of = quoted(group), quoted(number)
        means = f"SELECT {by}, count(*) AS rows, avg({of}) AS mean, median({of}) AS median\nFROM data"
        examples.append(
            QueryExample(f"Mean {number} for each {group}", f"{means}\nGROUP BY {by}\nORDER BY mean DESC\nLIMIT 50")
        )
    if time is not None:
        of = quoted(time)
        months = f"SELECT date_trunc('month', {of}) AS month, count(*) AS rows\nFROM data\nGROUP BY 1\nORDER BY 1"
        examples.append(QueryExample(f"Rows for each month of {time}", months))
    if number is not None:
        of = quoted(number)
        largest = f"SELECT *\nFROM data\nWHERE {of} IS NOT NULL\nORDER BY {of} DESC\nLIMIT 20"
        examples.append(QueryExample(f"The largest {number}", largest))
    empty = next(
        (column.name for column in found.values() if 0 < column.nulls < (profile.rows if profile else 0)), None
    )
    if empty is not None:
        examples.append(
            QueryExample(f"Rows without {empty}", f"SELECT *\nFROM data\nWHERE {quoted(empty)} IS NULL\nLIMIT 100")
        )
    if before is not None:
        new = f"SELECT * FROM data\nEXCEPT ALL\nSELECT * FROM v{before}\nLIMIT 100"  # noqa: S608  # a number
        examples.append(QueryExample(f"Rows that version {before} had not", new))
    return examples


def quoted(name: str) -> str:
    """A column's name as SQL takes any."""
    return '"' + name.replace('"', '""') + '"'


def _first(
    columns: Iterable[tuple[str, str]], kinds: Sequence[str], found: dict[str, ColumnProfile], *, grouped: bool = False
) -> str | None:
    for name, kind in columns:
        if kind in kinds and (not grouped or _groups(found.get(name))):
            return name
    return None


def _groups(column: ColumnProfile | None) -> bool:
    if column is None or column.distinct is None:
        return False
    return column.kind in ("string_label", "bool") and 1 < column.distinct <= MOST_GROUPS


def _number(columns: Iterable[tuple[str, str]], found: dict[str, ColumnProfile]) -> str | None:
    """A number that measures something: not one that names a row."""
    numbers = [name for name, kind in columns if kind in NUMBERS]
    measures = [name for name in numbers if not is_id(name, found.get(name))]
    return next(iter(measures or numbers), None)


def is_id(name: str, column: ColumnProfile | None) -> bool:
    """Whether a column names a row or another table's row, by its name or by what was counted."""
    if column is not None and any(hint.slug in ("id-like", "constant", "all-null") for hint in column.hints):
        return True
    folded = name.casefold()
    return folded == "id" or folded.endswith(("_id", " id", "index"))
