"""Which values of a JSON document are its rows: the shapes that pandas, GeoJSON and web services write tables in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from preview.errors import NoTable


@dataclass(slots=True)
class Shape:
    """Which values of a document are its rows, what to call that, and the columns' names where rows are missing."""

    records: list[Any]
    name: str
    notes: list[str] = field(default_factory=list)
    names: Sequence[str] = ()


def flat(record: Any) -> Any:
    """A GeoJSON feature as a record of its properties and its geometry (RFC 7946, 3.2); anything else as it is.

    Where the properties have an `id` or a `geometry` of their own, the feature's is called `feature_id` or
    `feature_geometry`.
    """
    if not (isinstance(record, dict) and record.get("type") == "Feature" and "geometry" in record):
        return record
    inner = record.get("properties")
    properties = inner if isinstance(inner, dict) else {}
    own = {_apart("id", properties): record["id"]} if "id" in record else {}
    return {**own, **properties, _apart("geometry", properties): record["geometry"]}


def _apart(name: str, properties: dict[str, Any]) -> str:
    return f"feature_{name}" if name in properties else name


def shape_of(document: dict[str, Any]) -> Shape:
    """Which of the usual shapes an object has. Raises NoTable for one that holds nothing."""
    if not document:
        raise NoTable("The JSON object is empty, so there is nothing to show.")
    if document.get("type") == "FeatureCollection" and document.get("features") == []:
        raise NoTable("This GeoJSON holds no features, so there is nothing to show.")
    feature = flat(document)
    if feature is not document:
        return Shape([feature], "one feature")
    return _split(document) or _list_of_records(document) or _by_columns_or_keys(document) or _inside(document)


def _split(document: dict[str, Any]) -> Shape | None:
    """Titles and rows apart, as pandas' `orient="split"` and many services write them."""
    titles, data = document.get("columns"), document.get("data")
    if not (isinstance(titles, list) and titles and isinstance(data, list)):
        return None
    # Of lists that are not rows of these titles nothing may get lost.
    if not all(isinstance(row, list) and len(row) == len(titles) for row in data):
        return None
    names = [_title(title) for title in titles]
    labels = document.get("index")
    shown = {"columns", "data"}
    if isinstance(labels, list) and len(labels) == len(data):
        shown.add("index")
        if not _is_range(labels):
            names, data = ["index", *names], [[label, *row] for label, row in zip(labels, data, strict=True)]
    return Shape(data, "columns and data", _beside(document, shown), names)


def _is_range(labels: list[Any]) -> bool:
    return all(type(label) is int and label == place for place, label in enumerate(labels))


def _title(title: Any) -> str:
    if isinstance(title, dict):
        return str(next((title[key] for key in ("name", "field", "id", "key") if key in title), title))
    return " / ".join(map(str, title)) if isinstance(title, list) else str(title)


def _list_of_records(document: dict[str, Any]) -> Shape | None:
    tables = [
        key
        for key, value in document.items()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    ]
    if not tables:
        return None
    key = max(tables, key=lambda name: len(document[name]))
    notes = [f"The rows are those of “{key}”.", *_beside(document, {key})]
    return Shape([flat(record) for record in document[key]], "object", notes)


def _by_columns_or_keys(document: dict[str, Any]) -> Shape | None:
    values = list(document.values())
    if all(isinstance(value, list) for value in values):
        if not values[0] or len({len(value) for value in values}) != 1:
            return None
        return Shape([dict(zip(document, row, strict=True)) for row in zip(*values, strict=True)], "object of arrays")
    if not all(isinstance(value, dict) and value for value in values):
        return None
    keys = [list(value) for value in values]
    if all(found == keys[0] for found in keys) and all(key.isdecimal() for key in keys[0]):
        plain = keys[0] == [str(place) for place in range(len(keys[0]))]
        return Shape(
            [
                {**({} if plain else {"key": place}), **{name: column[place] for name, column in document.items()}}
                for place in keys[0]
            ],
            "object of columns",
        )
    common = set(keys[0]).intersection(*keys[1:])
    alike = len(common) * 2 >= max(map(len, keys))
    if alike and (len(values) > 1 or next(iter(document)).isdecimal()):
        title = "key" if all("key" not in value for value in values) else "key_of_row"
        return Shape([{title: key, **value} for key, value in document.items()], "object of objects")
    return None


def _inside(document: dict[str, Any]) -> Shape:
    """One object; where all it holds is another one with a list of records, those."""
    if len(document) == 1:
        key, inner = next(iter(document.items()))
        found = _split(inner) or _list_of_records(inner) if isinstance(inner, dict) else None
        if found is not None:
            return Shape(found.records, found.name, [f"The rows lie in “{key}”.", *found.notes], found.names)
    return Shape([document], "one object")


def _beside(document: dict[str, Any], shown: set[str]) -> list[str]:
    rest = ", ".join(name for name in document if name not in shown)
    return [f"Beside them the file has: {rest[:200]}."] if rest else []
