"""Charts of a table, aggregated in DuckDB: never more than `MOST_RECORDS` records leave, whatever there is of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from preview.asking import ChartData, ChartKind, ChartSpec
from preview.engine.bins import moment_bin, number_bins
from preview.engine.chart_groups import bar, box
from preview.engine.chart_points import line, scatter
from preview.engine.charting import Chart, Field, Record, left_out
from preview.engine.connect import connect
from preview.engine.fence import Connection
from preview.engine.tables import OpenTable
from preview.engine.tasks import Answer, Desk
from preview.errors import QueryFailed
from preview.result import JsonValue

MOST_RECORDS: Final = 5_000
MOMENT_BARS: Final = 60


def draw(con: Connection, table: OpenTable, spec: ChartSpec) -> ChartData:
    """The chart of the view `data`. Raises QueryFailed where a column is gone or does not fit, ResultTooBig."""
    con.execute("SET TimeZone = 'UTC'")
    draw_kind = _KINDS.get(spec.kind)
    if draw_kind is None:
        raise QueryFailed(f"There is no chart called “{spec.kind}”. There are {', '.join(_KINDS)}.")
    return draw_kind(Chart(con, table, spec))


def chart(desk: Desk, task: dict[str, Any]) -> Answer:
    """Answer `Analyst.chart`."""
    # The SQL is ours, so it may go to disk.
    with desk.spill() as spill, connect(memory=desk.memory, spill=Path(spill)) as engine:
        table = desk.open(engine, "data", task["data"])
        return draw(engine.con, table, ChartSpec.from_plain(task["spec"])).to_plain(), b""


def histogram(chart: Chart) -> ChartData:
    """How many rows there are in each bin of `x`; of values that have no order, the most frequent ones."""
    x = chart.field(chart.spec.x, "its bars")
    if not x.is_number and not x.is_moment:
        return bar(Chart(chart.con, chart.table, replace(chart.spec, kind="bar", y=None, measure="count")))
    count, low, high = chart.one(
        f"SELECT count(*), min({x.value}), max({x.value}) FROM data WHERE {chart.only.sql} AND {x.usable}"
    )
    if not count:
        return chart.data((), x_type=x.type, how=[f"“{x.name}” has no values", chart.over()])
    color = chart.color()
    series, said = chart.colored(color)
    if x.is_moment:
        records = _moment_bars(chart, x, series, (high - low).total_seconds())
    else:
        records = _number_bars(chart, x, series, float(low), float(high))
    if color is None:
        records = [{key: value for key, value in record.items() if key != "color"} for record in records]
    how = [said, chart.over(), left_out(chart.rows - count, x)]
    return chart.data(records, x_type=x.type, how=how)


def _number_bars(chart: Chart, x: Field, series: str, low: float, high: float) -> list[Record]:
    bins = number_bins(low, high, whole=x.is_whole)
    edges = bins.edges
    place = bins.place(x.value)
    found = chart.all(
        f"SELECT {place} AS place, {series} AS color, count(*) FROM data "
        f"WHERE {chart.only.sql} AND {x.usable} GROUP BY 1, 2"
    )
    # A bar where there is nothing is part of the picture; of each colour only what there is.
    counts: dict[tuple[int, Any], int] = {(int(place), color): count for place, color, count in found}
    if chart.spec.color is None:
        counts = {(place, None): counts.get((place, None), 0) for place in range(bins.count)}
    whole = x.is_whole and max(abs(edges[0]), abs(edges[-1])) < 2**53
    shown: list[JsonValue] = [int(edge) for edge in edges] if whole else [*edges]
    return [
        {"from": shown[place], "to": shown[place + 1], "count": count, "color": color}
        for (place, color), count in sorted(counts.items(), key=lambda item: (item[0][0], str(item[0][1])))
    ]


def _moment_bars(chart: Chart, x: Field, series: str, seconds: float) -> list[Record]:
    step = moment_bin(seconds, days=x.kind == "DATE", most=MOMENT_BARS)
    start = step.of(x.value)
    kind = "DATE" if x.kind == "DATE" else "TIMESTAMPTZ" if x.is_zoned else "TIMESTAMP"
    return list(
        chart.records(
            f"SELECT CAST({start} AS {kind}) AS start, CAST({start} + {step.interval} AS {kind}), count(*), {series} "
            f"FROM data WHERE {chart.only.sql} AND {x.usable} GROUP BY ALL ORDER BY 1, 4",
            ("from", "to", "count", "color"),
        )
    )


_KINDS: Final[Mapping[ChartKind, Callable[[Chart], ChartData]]] = {
    "histogram": histogram,
    "bar": bar,
    "line": line,
    "scatter": scatter,
    "box": box,
}
