"""Charts by groups: bars of a measure, and boxes of a distribution."""

from __future__ import annotations

from typing import Final

from preview.asking import ChartData
from preview.engine.charting import Chart, Field, left_out
from preview.errors import QueryFailed

GROUPS: Final = 24
EXACT_ROWS: Final = 10_000_000
"""Up to so many rows quartiles are exact; above, estimated (t-digest), for they hold every value in memory."""
FEW: Final = 200
"""Groups that are all aggregated at once; of more, only the rows of the largest are."""


class Measured:
    """What a bar is long, or a line is high: SQL of the aggregate, and the preview's name of its type."""

    def __init__(self, chart: Chart) -> None:
        spec = chart.spec
        self.field: Field | None = None
        self.type = "integer"
        if spec.measure == "count":
            self.sql, self.words = "count(*)", "number of rows"
            return
        of = f"the {spec.measure}"
        if spec.measure == "distinct":
            self.field = chart.field(spec.y, of)
            self.sql = f"count(DISTINCT {self.field.group})"
        elif spec.measure in ("min", "max"):
            self.field = chart.on_axis(spec.y, of)
            self.sql = f"{spec.measure}({self._of}) FILTER (WHERE {self.field.usable})"
            self.type = self.field.type if self.field.is_moment else "float"
        elif spec.measure in ("sum", "mean", "median"):
            self.field = chart.number(spec.y, of)
            name = {"mean": "avg"}.get(spec.measure, spec.measure)
            self.sql = f"{name}({self._of}) FILTER (WHERE {self.field.usable})"
            self.type = "float"
        else:
            raise QueryFailed(f"There is no measure called “{spec.measure}”.")
        self.words = f"{spec.measure} of “{self.field.name}”"

    @property
    def _of(self) -> str:
        assert self.field is not None
        return self.field.sql if self.field.is_moment else self.field.value

    @property
    def is_moment(self) -> bool:
        return self.field is not None and self.field.is_moment and self.type != "integer"


def bar(chart: Chart) -> ChartData:
    """A measure of the rows of each group of `x`: the 24 with most of it, and how many groups there are in all."""
    x = chart.field(chart.spec.x, "its groups")
    measured = Measured(chart)
    color = chart.color()
    series, said = chart.colored(color)
    usable = "isfinite(measured)" if measured.type == "float" else "measured IS NOT NULL"
    group, part, key = chart.free("group"), chart.free("part"), chart.free("key")
    # The conditions stand in the statement once, for their parameters do; DuckDB reads only the columns it needs of it.
    found = chart.records(
        f"WITH meant AS NOT MATERIALIZED (SELECT *, {x.group} AS {group}, {series} AS {part} FROM data "
        f"WHERE {chart.only.sql}), "
        f"groups AS (SELECT {group} AS {key}, {measured.sql} AS measured FROM meant GROUP BY 1), "
        "kept AS (SELECT *, count(*) OVER () AS all_groups FROM groups), "
        f"top AS (SELECT {key}, {{'m': measured, 'n': all_groups}} AS {chart.free('facts')} FROM kept WHERE {usable} "
        f"ORDER BY measured DESC, {key} LIMIT {GROUPS}) "
        + _bars_of(key, chart.free("facts"), group, part, measured.sql, colored=color is not None),
        ("x", "y", "color", "groups"),
    )
    records = [record for record in found if record["y"] not in (None, "NaN", "Infinity", "-Infinity")]
    groups = int(str(found[0]["groups"])) if found else 0
    shown = len({str(record["x"]) for record in records})
    if groups <= GROUPS and (x.is_number or x.is_moment):
        records.sort(key=lambda record: _in_order(record["x"]))
    how: list[str | None]
    if not records:
        how = [f"no group has a {measured.words}" if chart.rows else "there are no rows", chart.over()]
    elif groups > shown:
        how = [f"top {shown} of {groups:,} groups", said, chart.over()]
    else:
        how = [f"all {groups:,} groups" if groups > 1 else "one group", said, chart.over()]
    keys = ("x", "y") if color is None else ("x", "y", "color")
    return chart.data(
        [{key: record[key] for key in keys} for record in records],
        x_type=x.type,
        y_type=measured.type,
        how=how,
    )


def _bars_of(key: str, facts: str, group: str, part: str, measured: str, *, colored: bool) -> str:
    if not colored:
        return f"SELECT {key}, {facts}.m, NULL, {facts}.n FROM top ORDER BY {facts}.m DESC, {key}"
    return (
        f"SELECT {key}, {measured}, {part}, {facts}.n FROM top JOIN meant ON {group} IS NOT DISTINCT FROM {key} "
        f"GROUP BY {key}, {part}, {facts} ORDER BY {facts}.m DESC, {key}, {part}"
    )


def _in_order(value: object) -> tuple[int, float, str]:
    # What has no number comes last; ISO dates are in order as texts.
    try:
        return (0, float(str(value)), "")
    except ValueError:
        return (1, 0.0, str(value))


def box(chart: Chart) -> ChartData:
    """Quartiles of `y` for the most frequent groups of `x`, whiskers to the last value within 1.5 times their range."""
    y = chart.number(chart.spec.y, "a box")
    x = chart.field(chart.spec.x, "its groups") if chart.spec.x else None
    group = x.group if x else "NULL"
    exact = chart.rows <= EXACT_ROWS
    cut = "quantile_cont" if exact else "approx_quantile"
    count, distinct = chart.one(
        f"SELECT count(*), approx_count_distinct({group}) FROM data WHERE {chart.only.sql} AND {y.usable}"
    )
    mine = (
        "SELECT x, y FROM meant"
        if distinct <= FEW
        else "SELECT top.x, y FROM top JOIN meant ON top.x IS NOT DISTINCT FROM meant.x"
    )
    found = chart.records(
        f"WITH meant AS NOT MATERIALIZED (SELECT {group} AS x, {y.value} AS y FROM data "
        f"WHERE {chart.only.sql} AND {y.usable}), "
        "sizes AS (SELECT x, count(*) AS n FROM meant GROUP BY x), "
        f"top AS (SELECT x, n, count(*) OVER () AS groups FROM sizes ORDER BY n DESC, x LIMIT {GROUPS}), "
        f"mine AS NOT MATERIALIZED ({mine}), "
        f"cuts AS (SELECT x, avg(y) AS mean, {cut}(y, [0.25, 0.5, 0.75]) AS q FROM mine GROUP BY x), "
        "quartiles AS (SELECT top.x, n, groups, mean, CAST(q[1] AS DOUBLE) AS q1, CAST(q[2] AS DOUBLE) AS q2, "
        "CAST(q[3] AS DOUBLE) AS q3 FROM top JOIN cuts ON top.x IS NOT DISTINCT FROM cuts.x) "
        "SELECT q.x, min(y) FILTER (WHERE y >= q1 - 1.5 * (q3 - q1)), any_value(q1), any_value(q2), any_value(q3), "
        "max(y) FILTER (WHERE y <= q3 + 1.5 * (q3 - q1)), any_value(mean), any_value(n), "
        "count(*) FILTER (WHERE y < q1 - 1.5 * (q3 - q1) OR y > q3 + 1.5 * (q3 - q1)), any_value(groups) "
        "FROM meant JOIN quartiles q ON q.x IS NOT DISTINCT FROM meant.x GROUP BY q.x ORDER BY any_value(n) DESC, q.x",
        ("x", "min", "q1", "median", "q3", "max", "mean", "count", "outliers", "groups"),
    )
    groups = int(str(found[0]["groups"])) if found else 0
    records = [{key: value for key, value in record.items() if key != "groups"} for record in found]
    how = [
        None if count else f"“{y.name}” has no values",
        f"top {len(records)} of {groups:,} groups" if groups > len(records) else None,
        None if exact else "quartiles estimated",
        chart.over(),
        left_out(chart.rows - count, y) if count else None,
    ]
    x_type = x.type if x else "null"
    return chart.data(records, x_type=x_type, y_type="float", how=how)
