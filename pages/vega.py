"""A chart's data as a Vega-Lite specification; colours, fonts and lines come from Streamlit's theme.

Records keep the keys of `ChartData` (`x`, `y`, `color`, …), so no column's name is ever read as an expression.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from pages import column_words
from preview.asking import ChartData, ChartSpec
from preview.result import JsonValue

HEIGHT = 380
ROW = 26
"""Pixels of a bar that lies, with its gap."""
LONG = 11
"""Characters of a label from which bars lie."""
LABEL = 40
"""Characters of a label that are shown."""
POINTS = 60
"""Points up to which a line shows where its values are."""
GREY = "#7f8794"
EMPTY = "(empty)"
NUMBERS = ("integer", "float", "decimal")
TIMES = ("date", "timestamp")
MEASURES = {
    "count": "Number of rows",
    "sum": "Sum",
    "mean": "Mean",
    "median": "Median",
    "min": "Smallest",
    "max": "Largest",
    "distinct": "Distinct values",
}

Encoding = dict[str, Any]


def measure_title(spec: ChartSpec) -> str:
    """What the height of a bar or line says: `Number of rows`, `Mean of price`."""
    if spec.measure == "count" or spec.y is None:
        return MEASURES["count"]
    return f"{MEASURES[spec.measure]} of {spec.y}"


def title(spec: ChartSpec) -> str:
    """The chart in a phrase: `Number of rows by state`, `price against area`."""
    match spec.kind:
        case "histogram":
            words = f"Distribution of {spec.x}"
        case "scatter":
            words = f"{spec.y} against {spec.x}"
        case "box":
            words = f"Spread of {spec.y}" + (f" by {spec.x}" if spec.x else "")
        case "bar":
            words = f"{measure_title(spec)} by {spec.x}"
        case "line":
            words = f"{measure_title(spec)} over {spec.x}"
    return words + (f", by {spec.color}" if spec.color else "")


def specification(data: ChartData, *, y_title: str | None = None) -> dict[str, Any]:
    """The whole drawing, its records inside. `y_title` says what bars and lines are of, where it is no measure."""
    up = y_title or measure_title(data.spec)
    match data.spec.kind:
        case "bar":
            drawn = _bar(data, up)
        case "line":
            drawn = _line(data, up)
        case "histogram":
            drawn = _histogram(data)
        case "scatter":
            drawn = _scatter(data)
        case "box":
            drawn = _box(data)
    return {
        "height": HEIGHT,
        # Drawn as SVG whatever the number of points: that is what is exported.
        "usermeta": {"embedOptions": {"renderer": "svg"}},
        "config": {
            "view": {"stroke": None},
            "axis": {"titleColor": GREY, "labelColor": GREY, "titleFontWeight": "normal", "titlePadding": 10},
            "legend": {"orient": "top", "title": None, "labelLimit": 220},
            "bar": {"cornerRadiusEnd": 2},
        },
        **drawn,
    }


def _bar(data: ChartData, up: str) -> dict[str, Any]:
    labels = _labels(data)
    lying = any(len(label) > LONG for label in labels) or len(labels) > ROW
    group: Encoding = {
        "field": "x",
        "type": "nominal",
        "sort": labels,
        "axis": {"labelLimit": 260, "labelAngle": 0, "labelOverlap": False if lying else "parity", "grid": False}
        | {"title": data.spec.x, "ticks": False},
    }
    value: Encoding = {"field": "y", "type": "quantitative", "title": up, "axis": _whole(data)}
    drawn: dict[str, Any] = {
        "data": {"values": _records(data, texts=("x", "color"), numbers=("y",))},
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {("y" if lying else "x"): group, ("x" if lying else "y"): value, **_color(data)},
    }
    drawn["encoding"]["tooltip"] = _tooltip(data, {"x": data.spec.x or "", "y": up})
    return drawn | ({"height": max(120, ROW * len(labels))} if lying else {})


def _line(data: ChartData, up: str) -> dict[str, Any]:
    over = _axis(data.x_type, data.spec.x)
    values = _records(data, texts=("color",), numbers=("y",), axes={"x": data.x_type})
    return {
        "data": {"values": values},
        "mark": {"type": "line", "tooltip": True, "point": {"size": 18} if len(values) <= POINTS else False},
        "encoding": {
            "x": {"field": "x", **over},
            "y": {"field": "y", "type": "quantitative", "title": up, "axis": _whole(data)},
            **_color(data),
            "tooltip": _tooltip(data, {"x_shown": data.spec.x or "", "y": up}),
        },
    }


def _histogram(data: ChartData) -> dict[str, Any]:
    over = _axis(data.x_type, data.spec.x)
    return {
        "data": {
            "values": _records(
                data, texts=("color",), numbers=("count",), axes={"from": data.x_type, "to": data.x_type}
            )
        },
        # Rectangles from edge to edge, a pixel apart: a bar that ends at x2 would lie.
        "mark": {"type": "rect", "tooltip": True, "x2Offset": -1, "cornerRadiusTopLeft": 2, "cornerRadiusTopRight": 2},
        "encoding": {
            "x": {"field": "from", **over}
            | {
                "scale": {**over["scale"], "zero": False, "nice": False},
                "axis": {**over["axis"], **({"tickMinStep": 1} if data.x_type == "integer" else {})},
            },
            "x2": {"field": "to"},
            "y": {"field": "count", "type": "quantitative", "title": MEASURES["count"], "axis": {"tickMinStep": 1}},
            "y2": {"datum": 0},
            **_color(data),
            "tooltip": _tooltip(data, {"from_shown": "from", "to_shown": "to", "count": "rows"}),
        },
    }


def _scatter(data: ChartData) -> dict[str, Any]:
    across, up = _axis(data.x_type, data.spec.x), _axis(data.y_type, data.spec.y)
    return {
        "data": {"values": _records(data, texts=("color",), numbers=(), axes={"x": data.x_type, "y": data.y_type})},
        "mark": {"type": "circle", "size": 26, "opacity": 0.55, "tooltip": True},
        "encoding": {
            # A scatter shows how values lie to one another; from nought on they would often be a speck in a corner.
            "x": {"field": "x", **across} | {"scale": {**across["scale"], "zero": False}},
            "y": {"field": "y", **up} | {"scale": {**up["scale"], "zero": False}, "axis": {"tickCount": 6}},
            **_color(data),
            "tooltip": _tooltip(data, {"x_shown": data.spec.x or "", "y_shown": data.spec.y or ""}),
        },
    }


def _box(data: ChartData) -> dict[str, Any]:
    labels = _labels(data)
    lying = any(len(label) > LONG for label in labels)
    parts = ("min", "q1", "median", "q3", "max", "mean", "count")
    group = {
        "field": "x",
        "type": "nominal",
        "sort": labels,
        "axis": {"title": data.spec.x, "labelAngle": 0, "labelLimit": 260, "labels": data.spec.x is not None}
        | {"ticks": False, "labelOverlap": False if lying else "parity"},
    }
    along, second, across = ("x", "x2", "y") if lying else ("y", "y2", "x")
    axis = {"type": "quantitative", "title": data.spec.y, "scale": {"zero": False}}
    band = {"type": "bar", "size": 18, "cornerRadiusEnd": 0}
    drawn: dict[str, Any] = {
        "data": {"values": _records(data, texts=("x",), numbers=parts)},
        "encoding": {across: group, "tooltip": _tooltip(data, {"x": data.spec.x or "", **{p: p for p in parts}})},
        "layer": [
            {
                "mark": {"type": "rule", "color": GREY},
                "encoding": {along: {"field": "min", **axis}, second: {"field": "max"}},
            },
            {"mark": band, "encoding": {along: {"field": "q1", **axis}, second: {"field": "q3"}}},
            {
                "mark": {"type": "tick", "size": 18, "thickness": 2, "color": "white"},
                "encoding": {along: {"field": "median", **axis}},
            },
        ],
    }
    return drawn | ({"height": max(120, ROW * len(labels))} if lying else {})


def _axis(column_type: str, name: str | None) -> Encoding:
    kind = "temporal" if column_type in TIMES else "quantitative" if column_type in NUMBERS else "nominal"
    # The file's own clock: a browser's time zone would move a day into the one before.
    scale = {"type": "utc"} if kind == "temporal" else {}
    return {"type": kind, "title": name, "axis": {"grid": False, "tickCount": 10}, "scale": scale}


def _whole(data: ChartData) -> dict[str, Any]:
    """Of what is counted, no half is named."""
    return {"tickMinStep": 1} if data.y_type == "integer" else {}


def _color(data: ChartData) -> Encoding:
    return {"color": {"field": "color", "type": "nominal"}} if data.spec.color else {}


def _tooltip(data: ChartData, fields: dict[str, str]) -> list[Encoding]:
    shown = [{"field": field, "title": name} for field, name in fields.items() if name]
    return shown + ([{"field": "color", "title": data.spec.color}] if data.spec.color else [])


def _labels(data: ChartData) -> list[str]:
    """The groups in the order of their records, each once."""
    return list(dict.fromkeys(_label(record.get("x"), data.x_type) for record in data.records))


def _label(of: JsonValue, column_type: str = "") -> str:
    text = EMPTY if of is None else column_words.value(of, column_type=column_type)
    return text if len(text) <= LABEL else text[: LABEL - 1] + "…"


def _records(
    data: ChartData, *, texts: tuple[str, ...], numbers: tuple[str, ...], axes: dict[str, str] | None = None
) -> list[dict[str, JsonValue]]:
    """The records with groups as text and numbers as numbers; a record without one of its numbers is left out.

    `axes` are keys with their types: what lies on an axis is a number, a time one of milliseconds, and beside it, under
    `…_shown`, stands what a person reads.
    """
    found = []
    for record in data.records:
        made = dict(record)
        for key in texts:
            if key in made or (key == "x" and data.spec.kind == "box"):
                made[key] = _label(made.get(key), data.x_type if key == "x" else "")
        for key in numbers:
            made[key] = _number(made.get(key))
        for key, column_type in (axes or {}).items():
            made[f"{key}_shown"] = _label(made.get(key), column_type)
            if column_type in TIMES:
                made[key] = _milliseconds(made.get(key))
            elif column_type in NUMBERS:
                made[key] = _number(made.get(key))
        if all(made.get(key) is not None for key in (*numbers, *(axes or {}))):
            found.append(made)
    return found


def _milliseconds(of: JsonValue) -> float | None:
    """Since 1970; a time without a zone is taken as it stands."""
    try:
        moment = datetime.fromisoformat(str(of))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _number(of: JsonValue) -> float | int | None:
    """A number that can be drawn; decimals and big integers come as text, and not a number is no point."""
    if isinstance(of, bool) or of is None or isinstance(of, list | dict):
        return int(of) if isinstance(of, bool) else None
    try:
        number = float(of)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return of if isinstance(of, int) else number
