"""The fence around a user's SQL: one SELECT over the tables given, and nothing else.

It is three fences, one behind another. The statement must be a single SELECT whose parsed tree names no function or
view that reaches outside (`checked`); the connection has no way to a file but those it was given, no extension, no
network, and a configuration that nobody can change any more (`lock`); and the process may hold a bounded amount of
memory, has none of the app's settings in its environment, and is killed when its time is over (`preview.worker`,
`preview.pool`). The third is for what DuckDB does not stop by itself: scalar functions honour neither its memory limit
nor an interrupt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import duckdb

from preview.engine import allowed
from preview.engine.complaints import complaint, place_of
from preview.errors import QueryFailed, QueryRefused
from preview.table import clean

LONGEST: Final = 200_000
"""Characters of a query: the parsed tree of a longer one takes more than a moment to walk."""

_STATEMENTS: Final = {
    "ATTACH": "ATTACH opens another database",
    "DETACH": "DETACH closes a database",
    "CALL": "CALL runs a procedure",
    "COPY": "COPY reads or writes a file",
    "EXPORT": "EXPORT writes files",
    "LOAD": "INSTALL and LOAD bring in an extension",
    "PRAGMA": "PRAGMA changes or tells a setting",
    "SET": "SET changes a setting",
    "TRANSACTION": "a transaction",
    "EXPLAIN": "EXPLAIN tells how a query would run",
    "PREPARE": "PREPARE keeps a statement",
    "EXECUTE": "EXECUTE runs a kept statement",
    "OTHER": "this statement does something else",
}
_WRITES: Final = frozenset({"insert", "update", "delete", "merge", "truncate", "copy", "create", "into"})
_FIRST: Final = frozenset({"select", "with", "from", "pivot", "pivot_wider", "("})


Connection = Any
"""A `duckdb.DuckDBPyConnection`; the package has no types that a checker knows."""


def lock(con: Connection, *, files: Sequence[str] = ()) -> None:
    """Close the connection to all but the tables it has and the `files` they read, for good.

    `files` are paths or addresses as the views name them. Whatever needs a setting is set before.
    """
    for setting in (
        "errors_as_json = true",
        "enable_progress_bar = false",
        "python_enable_replacements = false",
        "autoload_known_extensions = false",
        "autoinstall_known_extensions = false",
        "allow_community_extensions = false",
        "temp_directory = ''",
        "TimeZone = 'UTC'",
    ):
        con.execute(f"SET {setting}")
    if files:
        names = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
        con.execute(f"SET allowed_paths = [{names}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def checked(con: Connection, sql: str, tables: Iterable[str]) -> str:
    """`sql`, where it is one SELECT over the tables.

    Raises QueryRefused where it is anything else, or names what is outside `tables`; QueryFailed where it cannot be
    parsed.
    """
    names = sorted(tables)
    if len(sql) > LONGEST:
        raise QueryRefused(f"A query may have up to {LONGEST:,} characters; this one has {len(sql):,}.")
    if not sql.isascii() and clean(sql) != sql:
        raise QueryFailed("The query holds half a character, which no text can. Write it anew.")
    try:
        statements = con.extract_statements(sql)
    except duckdb.Error as error:
        raise complaint(error, sql) from None
    if not statements:
        raise QueryFailed("There is no query yet: write a SELECT, or click one of the examples.")
    if len(statements) > 1:
        raise QueryRefused(f"One query at a time: here are {len(statements)} statements. Run them one by one.")
    statement = statements[0]
    if statement.named_parameters:
        raise QueryRefused("A query has no parameters: write the value itself in place of ? or $1.")
    try:
        kind = str(statement.type.name)
    except Exception:  # noqa: BLE001  # a kind that the Python client has no name for
        kind = "OTHER"
    if kind == "MULTI":
        _check_words(con, sql, names)
    elif kind == "SELECT":
        _check_tree(con, sql, names)
    else:
        raise _no_select(_STATEMENTS.get(kind, f"{kind.replace('_', ' ')} changes something"), names)
    return sql


def _no_select(what: str, names: Sequence[str]) -> QueryRefused:
    return QueryRefused(f"Only a SELECT can be run here: {what}. It can read {_listed(names)}.")


def _listed(names: Sequence[str]) -> str:
    return f"the table{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else "no table"


def _check_tree(con: Connection, sql: str, names: Sequence[str]) -> None:
    """Refuse by the parsed tree (`json_serialize_sql`), which knows functions from columns of the same name."""
    ((text,),) = con.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    try:
        tree = json.loads(text)
    except RecursionError:
        raise QueryFailed("The query is nested too deeply to be looked through: write it with fewer joins.") from None
    if tree.get("error"):
        raise _no_select("this statement could not be looked through", names)
    internal = internal_views(con)
    for node in _nodes(tree["statements"]):
        kind = node.get("type")
        if not isinstance(kind, str):
            continue
        if kind.endswith("_NODE") and kind not in allowed.QUERY_NODES:
            raise _no_select(f"{kind.split('_')[0]} changes something", names)
        if kind == "TABLE_FUNCTION":
            _check_function(node["function"]["function_name"], sql, node, names, table=True)
        elif node.get("class") == "FUNCTION":
            _check_function(node["function_name"], sql, node, names, table=False)
        elif kind == "BASE_TABLE":
            _check_table(node, sql, names, internal)
        elif kind == "SHOW_REF" and not _may_show(node, names):
            raise _no_show(names)


def _may_show(node: dict[str, Any], names: Sequence[str]) -> bool:
    if node["show_type"] == "SHOW_SPECIAL":
        return node["table_name"] in allowed.SHOWN
    # SHOW with one name tells of a setting where no table is called so; some of them are paths of this machine.
    return node["show_type"] != "SHOW" or node["table_name"].lower() in names


def _no_show(names: Sequence[str]) -> QueryRefused:
    return QueryRefused(f"SHOW can show the tables and their columns here. It can read {_listed(names)}.")


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    # With a list of what is left, because a tree may be deeper than Python's stack.
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


def _check_function(name: str, sql: str, node: dict[str, Any], names: Sequence[str], *, table: bool) -> None:
    name = name.lower()
    if table and name in allowed.TABLE_FUNCTIONS:
        return
    if not table and name not in allowed.NOT_SCALAR_FUNCTIONS:
        return
    place = place_of(sql, node.get("query_location"), node.get("query_location_length"))
    raise QueryRefused(f"{name}() is not available in a query. It can read {_listed(names)}, and nothing else.", place)


def _check_table(node: dict[str, Any], sql: str, names: Sequence[str], internal: frozenset[str]) -> None:
    path = [str(part) for part in node.get("qualified_name", {}).get("path") or [node["table_name"]]]
    name = path[-1].lower()
    if name in names:
        return
    place = place_of(sql, node.get("query_location"), node.get("query_location_length"))
    if re.search(r"[/\\:*?]|\.\w+$", name):
        raise QueryRefused(f"A query opens no file and no address. It can read {_listed(names)}.", place)
    if name in internal and not (path[:-1] == ["information_schema"] and name in allowed.INFORMATION):
        raise QueryRefused(f"{name} is not available in a query. It can read {_listed(names)}.", place)


def _check_words(con: Connection, sql: str, names: Sequence[str]) -> None:
    """Refuse by the words of a statement that DuckDB takes apart only while it runs it: a PIVOT without IN.

    COPY (PIVOT …) and CREATE TABLE … AS PIVOT … are of that kind as well. Stricter than the tree can be.
    """
    words = list(_words(sql))
    if not words or words[0] not in _FIRST:
        raise _no_select(f"{words[0].upper() if words else 'this'} does something else", names)
    listed = con.execute(
        "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type LIKE 'table%'"
    ).fetchall()
    functions = ({name for (name,) in listed} - allowed.TABLE_FUNCTIONS) | allowed.NOT_SCALAR_FUNCTIONS
    internal = internal_views(con)
    for word, after in zip(words, [*words[1:], ""], strict=True):
        name = word.strip("\"'").replace('""', '"')
        if word in _WRITES:
            raise _no_select(f"{word.upper()} changes something", names)
        if word == "show" and after.strip('"') not in names:
            raise _no_show(names)
        if name in functions and after == "(":
            raise QueryRefused(f"{name}() is not available in a query. It can read {_listed(names)}, and nothing else.")
        if name in internal:
            raise QueryRefused(f"{name} is not available in a query. It can read {_listed(names)}.")


def _words(sql: str) -> Iterator[str]:
    """The words, quoted names, texts and signs of a statement, in lower case, without comments."""
    return (text.lower() for _, text in _tokens(sql))


def bare(sql: str) -> str:
    """A statement without the semicolon and the comments after it, so that it can stand in parentheses."""
    end = 0
    for start, text in _tokens(sql):
        if text != ";":
            end = start + len(text.encode())
    return sql.encode()[:end].decode()


def _tokens(sql: str) -> Iterator[tuple[int, str]]:
    """Where each token begins, in bytes, and its text; no comments."""
    encoded = sql.encode()
    tokens = duckdb.tokenize(sql)
    ends = [start for start, _ in tokens[1:]] + [len(encoded)]
    for (start, kind), end in zip(tokens, ends, strict=True):
        if kind != duckdb.token_type.comment:
            yield start, encoded[start:end].decode(errors="replace").strip()


def internal_views(con: Connection) -> frozenset[str]:
    """The views that DuckDB brings: they tell of settings, files and the definitions of other views."""
    found = con.execute("SELECT DISTINCT lower(view_name) FROM duckdb_views() WHERE internal").fetchall()
    return frozenset(name for (name,) in found)
