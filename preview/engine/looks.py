"""Text that could be something else: the shares of its values that are numbers or dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from preview.engine.connect import quoted
from preview.engine.measures import family_of, select
from preview.engine.tables import TableColumn

SAMPLE: Final = 2_000
"""Rows that decide which columns are looked at whole: few texts look like anything but text."""
SUSPICIOUS: Final = 20
"""Of these rows; an id of hexadecimal digits looks like a number now and then."""
_DAY: Final = "(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})"
MEASURES: Final = {
    "number": r"regexp_full_match({c}, '\s*[-+]?[0-9]+(?:[.,][0-9]+)?(?:[eE][-+]?[0-9]+)?\s*%?')",
    "date": rf"regexp_full_match({{c}}, '\s*{_DAY}\s*')",
    "moment": rf"regexp_full_match({{c}}, '\s*{_DAY}[T ]+[0-9]{{1,2}}:[0-9]{{2}}.*')",
}


def looks_of(
    con: Any, columns: Sequence[TableColumn], raw: Sequence[Mapping[str, Any]], relation: str
) -> list[dict[str, float]]:
    """For each column the shares of its texts that look like a `number`, a `date` and a `moment`; all rows count."""
    looks: list[dict[str, float]] = [{} for _ in columns]
    texts = [
        place
        for place, (column, found) in enumerate(zip(columns, raw, strict=True))
        if family_of(column.kind) == "text" and column.type == "string" and found["present"]
    ]
    for begin in range(0, len(texts), 100):
        chunk = texts[begin : begin + 100]
        few = ", ".join(quoted(columns[place].sql) for place in chunk)
        few_rows = min(SAMPLE, max(raw[place]["present"] for place in chunk))
        sampled = _counted(con, columns, chunk, f"(SELECT {few} FROM {relation} LIMIT {SAMPLE})", list(MEASURES))
        for place, counts in sampled.items():
            wanted = [measure for measure, count in counts.items() if count and count >= SUSPICIOUS * few_rows / SAMPLE]
            if wanted:
                whole = _counted(con, columns, [place], relation, wanted)[place]
                looks[place] = {measure: count / raw[place]["present"] for measure, count in whole.items()}
    return looks


def _counted(
    con: Any, columns: Sequence[TableColumn], places: Sequence[int], relation: str, measures: Sequence[str]
) -> dict[int, dict[str, int]]:
    asked = [
        (
            place,
            {
                measure: f"count(*) FILTER ({MEASURES[measure].replace('{c}', quoted(columns[place].sql))})"
                for measure in measures
            },
        )
        for place in places
    ]
    found = con.sql(select(asked, relation)).to_arrow_table()
    result: dict[int, dict[str, int]] = {place: {} for place in places}
    for name, column in zip(found.column_names, found.columns, strict=True):
        place, _, measure = name.partition(".")
        result[int(place)][measure] = column.to_pylist()[0]
    return result
