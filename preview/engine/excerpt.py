"""Some columns of a file, and the rows that meet a condition, written to a file of their own.

The condition is a user's SQL inside a SELECT of ours. It passes the fence like any query; besides, the statement that
comes of it must be the one that was meant, with the condition as its WHERE and nothing else: no `1=1) UNION SELECT …`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from preview.engine.conditions import by_name, known
from preview.engine.connect import connect, quoted
from preview.engine.export import written
from preview.engine.fence import Connection, checked, lock
from preview.engine.query import complaining
from preview.engine.tables import OpenTable
from preview.engine.tasks import Answer, Desk
from preview.errors import AboutQuery, PlaceInQuery, QueryRefused

NAME = "data"
"""What a condition may call the file."""


def excerpt(desk: Desk, task: dict[str, Any]) -> Answer:
    """Answer `Analyst.excerpt`: write the file `to`; there is none where anything goes wrong.

    Raises QueryRefused, QueryFailed, ResultTooBig, and OSError where the disk is full.
    """
    where = None if task["where"] is None else str(task["where"])
    with connect(memory=desk.memory) as engine:
        table = desk.open(engine, NAME, task["data"])
        lock(engine.con, files=[table.path])
        begun = f"SELECT {_chosen(table, task['columns'])} FROM {NAME} WHERE (\n"
        sql = f"{begun}{where or 'TRUE'}\n)"
        with _about(where or "", begun):
            checked(engine.con, sql, [NAME])
            _check_shape(engine.con, sql, f"{begun}TRUE\n)")
            with complaining(sql):
                facts = written(engine.con, sql, Path(task["to"]), form=str(task["format"]), most=int(task["most"]))
    return facts, b""


def _chosen(table: OpenTable, names: Sequence[str] | None) -> str:
    if names is None:
        return "*"
    columns = by_name(table)
    return ", ".join(quoted(known(name, columns).sql) for name in names)


def _check_shape(con: Connection, sql: str, meant: str) -> None:
    """Raises QueryRefused where the statement is not `meant` with another condition."""
    if _but_for_condition(con, sql) != _but_for_condition(con, meant):
        raise QueryRefused(
            "This is more than a condition. Write what each row has to meet, such as price > 10 AND country = 'DE'."
        )


def _but_for_condition(con: Connection, sql: str) -> Any:
    ((text,),) = con.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    try:
        tree = json.loads(text)
    except RecursionError:
        return None
    if tree.get("error") or len(tree["statements"]) != 1:
        return None
    node = tree["statements"][0]["node"]
    if node.get("type") != "SELECT_NODE" or node.pop("where_clause", None) is None:
        return None
    return _without_places(tree["statements"][0])


def _without_places(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _without_places(value) for key, value in tree.items() if not key.startswith("query_location")}
    return [_without_places(one) for one in tree] if isinstance(tree, list) else tree


@contextmanager
def _about(where: str, begun: str) -> Iterator[None]:
    """Let errors name the place in the condition, which is all that the user wrote."""
    try:
        yield
    except AboutQuery as error:
        raise type(error)(str(error), _inside(error.place, where, begun), error.suggestion) from None


def _inside(place: PlaceInQuery | None, where: str, begun: str) -> PlaceInQuery | None:
    line = 0 if place is None else place.line - begun.count("\n")
    if place is None or not 1 <= line <= where.count("\n") + 1:
        return None
    return replace(place, line=line)
