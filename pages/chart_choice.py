"""Which chart is asked for: what the address says, made whole by what fits the columns.

The address has `kind`, `x`, `y`, `measure` and `color`; what is missing or does not fit is as the suggestion has it, or
the first column that fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast, get_args

from pages.vega import NUMBERS, TIMES
from preview.asking import ChartKind, ChartSpec, Measure
from preview.result import Column

KINDS: dict[ChartKind, str] = {
    "bar": "Bar",
    "line": "Line",
    "scatter": "Scatter",
    "histogram": "Histogram",
    "box": "Box",
}
NESTED = ("list", "struct", "map", "binary")
LABELS: dict[ChartKind, dict[str, str]] = {
    "bar": {"x": "Group by", "measure": "Measure", "y": "Of", "color": "Split by"},
    "line": {"x": "Over", "measure": "Measure", "y": "Of", "color": "Split by"},
    "scatter": {"x": "Across", "y": "Up", "color": "Color by"},
    "histogram": {"x": "Column"},
    "box": {"y": "Spread of", "x": "By"},
}
"""What each kind asks for, in the order of the pickers."""


def fitting(columns: Iterable[Column], kind: ChartKind, part: str, measure: Measure = "count") -> list[str]:
    """The columns that can be a part of a chart, in the file's order."""
    numbers_or_times = (*NUMBERS, *TIMES)
    match kind, part:
        case ("histogram", "x") | ("line", "x") | ("scatter", "x" | "y"):
            wanted: tuple[str, ...] = numbers_or_times
        case ("box", "y"):
            wanted = NUMBERS
        case ("bar" | "line", "y"):
            wanted = NUMBERS if measure in ("sum", "mean", "median") else ()
        case _:
            wanted = ()
    return [column.name for column in columns if (column.type in wanted if wanted else column.type not in NESTED)]


def possible(columns: Sequence[Column]) -> list[ChartKind]:
    """The kinds that these columns can make."""
    needs: dict[ChartKind, str] = {"bar": "x", "line": "x", "scatter": "y", "histogram": "x", "box": "y"}
    found = [kind for kind in KINDS if fitting(columns, kind, needs[kind])]
    return [kind for kind in found if kind != "scatter" or len(fitting(columns, "scatter", "x")) > 1]


def choice(params: Mapping[str, str], columns: Sequence[Column], suggested: ChartSpec) -> ChartSpec | None:
    """The chart the address asks for; None where these columns make none."""
    kinds = possible(columns)
    if not kinds:
        return None
    x = params.get("x")
    if params.get("kind") in kinds:
        kind = cast("ChartKind", params["kind"])
    elif x is not None and x != suggested.x:
        kind = kind_for(x, columns, kinds)
    else:
        kind = suggested.kind if suggested.kind in kinds else kinds[0]
    same = suggested if suggested.kind == kind else None
    if kind == "histogram":
        return ChartSpec(kind, _column(x, fitting(columns, kind, "x"), same.x if same else None))
    color = params.get("color")
    split = color if color in fitting(columns, kind, "color") else same.color if same and "x" not in params else None
    if kind == "box":
        by = x if x in fitting(columns, kind, "x") else same.x if same and "y" not in params else None
        return ChartSpec(kind, by, _column(params.get("y"), fitting(columns, kind, "y"), same.y if same else None))
    over = _column(x, fitting(columns, kind, "x"), same.x if same else None)
    if kind == "scatter":
        others = [name for name in fitting(columns, kind, "y") if name != over]
        return ChartSpec(kind, over, _column(params.get("y"), others, same.y if same else None), color=split)
    wanted = params.get("measure") or (same.measure if same and "x" not in params else "count")
    measure = cast("Measure", wanted) if wanted in get_args(Measure) else "count"
    of = fitting(columns, kind, "y", measure)
    if measure == "count" or not of:
        return ChartSpec(kind, over, color=split)
    return ChartSpec(kind, over, _column(params.get("y"), of, same.y if same else None), measure, split)


def kind_for(name: str, columns: Sequence[Column], kinds: Sequence[ChartKind]) -> ChartKind:
    """The chart that shows one column best: its distribution where it has an order, else its groups."""
    for kind in ("histogram", "bar"):
        if kind in kinds and name in fitting(columns, kind, "x"):
            return kind
    return kinds[0]


def params_of(spec: ChartSpec) -> dict[str, str]:
    """The chart as the address says it, whole, so that a link shows the same one later on."""
    parts = {"kind": spec.kind, "x": spec.x or "", "y": spec.y or "", "color": spec.color or ""}
    parts["measure"] = spec.measure if spec.kind in ("bar", "line") else ""
    return {name: value for name, value in parts.items() if value}


def _column(wanted: str | None, fit: Sequence[str], suggested: str | None) -> str | None:
    for name in (wanted, suggested):
        if name in fit:
            return name
    return fit[0] if fit else None
