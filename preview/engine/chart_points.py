"""Charts by position: a line over time or numbers, and a scatter of single rows."""

from __future__ import annotations

from typing import Final

from preview.asking import ChartData
from preview.engine.bins import moment_bin, nice_step
from preview.engine.chart_groups import Measured
from preview.engine.charting import Chart, Field, left_out

POINTS: Final = 450
"""Points of one series at most: ten of them stay below 5,000 records."""
SAMPLE: Final = 2_000


def line(chart: Chart) -> ChartData:
    """A measure over `x`: by the finest bin of time, or of numbers, that gives at most so many points."""
    x = chart.on_axis(chart.spec.x, "the axis of a line")
    measured = Measured(chart)
    color = chart.color()
    series, said = chart.colored(color)
    count, low, high, distinct = chart.one(
        f"SELECT count(*), min({x.value}), max({x.value}), approx_count_distinct({x.sql}) FROM data "
        f"WHERE {chart.only.sql} AND {x.usable}"
    )
    if not count:
        gone = [f"“{x.name}” has no values", chart.over()]
        return chart.data((), x_type=x.type, y_type=measured.type, how=gone)
    step: str | None = None
    if x.is_moment:
        unit = moment_bin((high - low).total_seconds(), days=x.kind == "DATE", most=POINTS, plain=True)
        kind = "DATE" if x.kind == "DATE" else "TIMESTAMPTZ" if x.is_zoned else "TIMESTAMP"
        place = f"CAST({unit.of(x.value)} AS {kind})"
        step = unit.unit if unit.times == 1 else f"{unit.times} {unit.unit}s"
        words = f"by {step}"
    else:
        place, words = _number_place(x, float(low), float(high), int(distinct))
    usable = "isfinite(y)" if measured.type == "float" else "y IS NOT NULL"
    records = chart.records(
        f"SELECT * FROM (SELECT {place} AS x, {measured.sql} AS y, {series} AS color FROM data "
        f"WHERE {chart.only.sql} AND {x.usable} GROUP BY 1, 3) WHERE {usable} ORDER BY x, color",
        ("x", "y", "color"),
    )
    if color is None:
        records = tuple({"x": record["x"], "y": record["y"]} for record in records)
    how = [f"{measured.words} {words}", said, chart.over(), left_out(chart.rows - count, x)]
    return chart.data(records, x_type=x.type, y_type=measured.type, how=how, moment_bin=step)


def _number_place(x: Field, low: float, high: float, distinct: int) -> tuple[str, str]:
    """SQL of the point a row belongs to, and what it is in words."""
    # The number of distinct values is estimated, within some 5 %.
    if distinct <= POINTS * 0.8:
        return x.value, f"for each “{x.name}”"
    step = nice_step(max((high / 2 - low / 2) / POINTS * 2.1, abs(low) * 1e-12, abs(high) * 1e-12, 1e-290))
    numerator, divisor = f"{step.numerator!r}::DOUBLE", f"{step.divisor!r}::DOUBLE"
    return f"{step.place(x.value)} * {numerator} / {divisor}", f"by steps of {step.width:g}"


def scatter(chart: Chart) -> ChartData:
    """Single rows by two of their values: all of them, or a sample from all over the file that is always the same."""
    x = chart.on_axis(chart.spec.x, "the horizontal axis")
    y = chart.on_axis(chart.spec.y, "the vertical axis")
    color = chart.color()
    series, said = chart.colored(color)
    usable = f"{x.usable} AND {y.usable}"
    count = int(chart.one(f"SELECT count(*) FROM data WHERE {chart.only.sql} AND {usable}")[0])
    shown = f"SELECT {x.axis} AS x, {y.axis} AS y, {series} AS color FROM data WHERE {chart.only.sql} AND {usable}"
    if count > SAMPLE:
        # DuckDB's own reservoir gives other rows with each order of its threads; the hash of a row's place does not.
        shown = (
            f"SELECT x, y, color FROM (SELECT *, row_number() OVER () AS place FROM ({shown})) "
            f"ORDER BY hash(place) LIMIT {SAMPLE}"
        )
    records = chart.records(shown, ("x", "y", "color"))
    if color is None:
        records = tuple({"x": record["x"], "y": record["y"]} for record in records)
    sampled = count > SAMPLE
    how = [
        f"a sample of {SAMPLE:,} of {count:,} rows" if sampled else None if count else "no row has both values",
        said,
        None if sampled and not chart.spec.conditions else chart.over(),
        f"{chart.rows - count:,} without both values left out" if count and chart.rows > count else None,
    ]
    return chart.data(records, x_type=x.type, y_type=y.type, how=how, partial=sampled)
