"""Text that could be something else: the shares of its values that are numbers or dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from preview.engine.connect import quoted
from preview.engine.measures import family_of, select
from preview.engine.tables import TableColumn

TOGETHER: Final = 100
"""Columns of one statement over the sample, of tables that are not very wide."""
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
    con: Any, columns: Sequence[TableColumn], raw: Sequence[Mapping[str, Any]], relation: str, *, rows: int
) -> list[dict[str, float]]:
    """For each column the shares of its texts that look like a `number`, a `date` and a `moment`; all rows count."""
    looks: list[dict[str, float]] = [{} for _ in columns]
    texts = [
        place
        for place, (column, found) in enumerate(zip(columns, raw, strict=True))
        if family_of(column.kind) == "text" and column.type == "string" and found["present"]
    ]
    # Each statement plans the whole view; of very many columns more are asked at once.
    together = max(1, len(columns) // 100)
    size = max(TOGETHER, len(columns) // 20)
    for begin in range(0, len(texts), size):
        chunk = texts[begin : begin + size]
        few_rows = min(SAMPLE, max(raw[place]["present"] for place in chunk))
        counts = _sampled(con, columns, chunk, relation)
        wanted = {
            place: suspicious
            for place, found in counts.items()
            if (
                suspicious := [one for one, count in found.items() if count and count >= few_rows * SUSPICIOUS / SAMPLE]
            )
        }
        if rows > SAMPLE:
            suspects = list(wanted)
            for first in range(0, len(suspects), together):
                some = {place: wanted[place] for place in suspects[first : first + together]}
                counts |= _counted(con, columns, some, relation)
        for place, measures in wanted.items():
            looks[place] = {one: counts[place][one] / raw[place]["present"] for one in measures}
    return looks


def _sampled(
    con: Any, columns: Sequence[TableColumn], places: Sequence[int], relation: str
) -> dict[int, dict[str, int]]:
    """What the columns look like in the first rows. Each pattern stands there once: of as many as there are columns,
    most of the time would go into making them."""
    names = ", ".join(quoted(columns[place].sql) for place in places)
    counts = ", ".join(f"count(*) FILTER ({pattern.replace('{c}', 'cell')})" for pattern in MEASURES.values())
    found = con.execute(
        f"SELECT place, {counts} FROM (SELECT unnest([{', '.join(map(str, places))}]) AS place, "  # names are quoted
        f"unnest([{names}]) AS cell FROM (SELECT {names} FROM {relation} LIMIT {SAMPLE})) GROUP BY place"
    ).fetchall()
    return {place: dict(zip(MEASURES, found_of_one, strict=True)) for place, *found_of_one in found}


def _counted(
    con: Any, columns: Sequence[TableColumn], wanted: Mapping[int, Sequence[str]], relation: str
) -> dict[int, dict[str, int]]:
    asked = [
        (
            place,
            {
                measure: f"count(*) FILTER ({MEASURES[measure].replace('{c}', quoted(columns[place].sql))})"
                for measure in measures
            },
        )
        for place, measures in wanted.items()
    ]
    found = con.sql(select(asked, relation)).to_arrow_table()
    result: dict[int, dict[str, int]] = {place: {} for place in wanted}
    for name, column in zip(found.column_names, found.columns, strict=True):
        place, _, measure = name.partition(".")
        result[int(place)][measure] = column.to_pylist()[0]
    return result
