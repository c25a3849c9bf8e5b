"""What the Query screen says of a result, and the forms it takes: a sentence, CSV, a table's columns, a chart."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages import wording
from pages.vega import NUMBERS, TIMES
from preview.asking import ChartData, ChartKind, ChartSpec, QueryResult
from preview.result import JsonValue, Preview

NAMED = 12
"""Columns named beside the editor."""
BARS = 50
"""Rows of a result that become bars."""
BAR = "#7486df"
LARGEST_CSV = 2_000_000
"""Characters that are handed to the clipboard."""
PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)


def took(seconds: float) -> str:
    """`12 ms`, `1.4 s`, `25 s`."""
    if seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"


def told(result: QueryResult, *, stops_after: float) -> str:
    """`56 rows in 12 ms · read-only, stops after 30 s`."""
    count = len(result.preview.frame)
    rows = f"The first {wording.counted(count, 'row')}" if result.more else wording.counted(count, "row")
    return f"{rows} in {took(result.seconds)} · read-only, stops after {stops_after:.0f} s"


def tables(columns: Sequence[str], count: int, version: int, versions: Sequence[int]) -> str:
    """The tables there are, as Markdown: `data` with its columns, and the other versions."""
    names = ", ".join(wording.plain(quoted(name)) for name in columns[:NAMED])
    more = f" and {count - NAMED:,} more" if count > NAMED else ""
    others = [f"`v{number}`" for number in sorted(versions, reverse=True) if number != version]
    words = f":gray[Table] `data` :gray[is v{version}: {names}{more}]"
    if others:
        shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        words += f" :gray[·] {shown} :gray[{'are the other versions' if len(others) > 1 else 'is the other version'}]"
    return words


def quoted(name: str) -> str:
    """A column's name as SQL takes it."""
    return name if PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def as_csv(preview: Preview) -> str | None:
    """The rows shown, with a header, as RFC 4180 has them; None where they are too many for a clipboard."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in preview.columns])
    for row in preview.json_rows():
        writer.writerow([_cell(value) for value in row])
        if out.tell() > LARGEST_CSV:
            return None
    return out.getvalue()


def _cell(value: JsonValue) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def bars_of_counts(preview: Preview, frame: pd.DataFrame) -> dict[str, Any]:
    """Bars for the first column of a ranking: whole numbers from nought on, behind a name, that only fall."""
    for place, column in enumerate(preview.columns[1:], start=1):
        if column.type != "integer" or preview.columns[0].type in NUMBERS:
            continue
        values = frame.iloc[:, place]
        if len(values) < 3 or not pd.api.types.is_numeric_dtype(values) or values.isna().any():
            continue
        if values.min() >= 0 and values.max() > values.min() and values.is_monotonic_decreasing:
            return {
                column.name: st.column_config.ProgressColumn(
                    format="%d", min_value=0, max_value=int(values.max()), color=BAR
                )
            }
    return {}


def result_chart(result: QueryResult) -> ChartData | None:
    """The first column that can be an axis, and the first number beside it, drawn; None where there are none."""
    columns = result.preview.columns
    if len(columns) < 2:
        return None
    over = columns[0]
    value = next((column for column in columns[1:] if column.type in NUMBERS), None)
    if value is None or over.type in ("list", "struct", "map", "binary"):
        return None
    place = columns.index(value)
    rows = result.preview.json_rows()
    kind: ChartKind = "bar" if over.type not in (*NUMBERS, *TIMES) else "line"
    if over.type in NUMBERS and len({json.dumps(row[0]) for row in rows}) < len(rows):
        kind = "scatter"  # a line through several values at one place would zigzag
    drawn = rows[:BARS] if kind == "bar" else rows
    shown = f"the first {len(rows):,} rows of the result" if result.more else f"all {len(rows):,} rows of the result"
    how = f"The first {len(drawn):,} of {shown}" if len(drawn) < len(rows) else shown.capitalize()
    return ChartData(
        spec=ChartSpec(kind, over.name, value.name),
        records=tuple({"x": row[0], "y": row[place]} for row in drawn),
        x_type=over.type,
        y_type=value.type,
        how=how,
        partial=result.more or len(drawn) < len(rows),
    )
