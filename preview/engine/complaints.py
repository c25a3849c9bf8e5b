"""What DuckDB says of a query, in one or two lines for the user, with the place in the SQL it is about.

DuckDB is asked for its errors as JSON (`errors_as_json`), which carries the place as bytes from the start of the SQL.
Nothing of where the data lies leaves this module: paths and addresses that the query did not name are taken out.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, Final

import duckdb

from preview import errors
from preview.errors import (
    CorruptFile,
    PlaceInQuery,
    PreviewError,
    QueryFailed,
    QueryRefused,
    ResultTooBig,
    SourceGone,
    SourceUnavailable,
)
from preview.transport import AWAY, GONE

LONGEST: Final = 400
"""Characters of a reason."""
AROUND: Final = 100
"""Characters of a line that an excerpt shows."""
MEMORY: Final = (
    "This query needs more memory than it may use. Ask for fewer rows or columns, aggregate earlier, or sort less."
)

_NO_MEMORY: Final = ("bad_alloc", "Allocation failure", "MemoryError")
_WHERE_DATA_LIES: Final = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]*://[^\s'\"]+|(?<![\w/])/(?:[^\s'\"/:]+/)+[^\s'\":]*)", re.I
)
_ADVICE: Final = re.compile(r"(?s)\n*(?:Possible solutions:|\s*Candidate functions:|\n\s*LINE \d+:|Use SET ).*")


def complaint(error: BaseException, sql: str) -> PreviewError:
    """The error to raise for one of DuckDB's while it parsed, planned or ran `sql`."""
    if isinstance(error, PreviewError):
        return error
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return ResultTooBig(MEMORY)
    if not isinstance(error, duckdb.Error | OSError | ValueError):
        raise error
    if isinstance(error, OSError) and error.errno is not None:
        return SourceUnavailable(f"The result could not be written: {error.strerror}. The file itself is untouched.")
    facts = _facts(str(error))
    kind, text = str(facts.get("exception_type", "")), str(facts.get("exception_message", ""))
    if kind == "Out of Memory" or any(words in text for words in _NO_MEMORY):
        return ResultTooBig(MEMORY)
    unread = unreadable(text)
    if unread is not None:
        return unread
    if kind == "Permission":
        return QueryRefused("A query opens no file and no address: it reads the tables it is given, and nothing else.")
    if kind == "INTERNAL":
        return QueryFailed("DuckDB failed on this query by a fault of its own. Another way to write it may work.")
    place = _place(facts, sql)
    suggestion = _suggestion(facts, text)
    reason = _reason(text, sql)
    if suggestion:
        reason = f"{reason} Did you mean “{suggestion}”?"
    return QueryFailed(reason, place, suggestion)


def unreadable(text: str) -> PreviewError | None:
    """What DuckDB says of a file that it could not read, as the error that our own filesystem raised while it did; None
    where it speaks of something else.
    """
    if "Traceback (most recent call last)" in text:
        # DuckDB passes on what Python printed: the last line is the class, and what it says.
        raised = re.findall(r"(?m)^(?:\w+\.)*(\w+): (.*)$", text)
        name, said = raised[-1] if raised else ("", "")
        family = getattr(errors, name, None)
        if isinstance(family, type) and issubclass(family, PreviewError):
            return family(said)
        return SourceGone(GONE) if name == "FileNotFoundError" else SourceUnavailable(AWAY)
    found = re.match(r"Failed to read file \"[^\"]*\": (.*)", text)
    if found:
        return CorruptFile(f"The file is damaged: {found[1].rstrip('.')}. It is stored as it is and can be downloaded.")
    return None


def _facts(text: str) -> dict[str, Any]:
    _, brace, rest = text.partition("{")
    try:
        facts = json.loads(brace + rest)
    except ValueError:
        kind, _, message = text.partition(" Error: ")
        return {"exception_type": kind, "exception_message": message or text}
    return facts if isinstance(facts, dict) else {}


def _reason(text: str, sql: str) -> str:
    text = _ADVICE.sub("", text)
    text = re.split(r"\n(?:Candidate bindings|Did you mean)", text)[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()][:2]
    reason = without_addresses(" ".join(lines), sql)
    if len(reason) > LONGEST:
        reason = reason[: LONGEST - 1] + "…"
    reason = reason.replace("syntax error", "Syntax error", 1) if reason.startswith("syntax") else reason
    return reason.rstrip("!. ") + ("" if reason.endswith("…") else ".") if reason else "DuckDB gave no reason."


def without_addresses(text: str, sql: str) -> str:
    """The text with every path and address that the query itself does not contain named "the file"."""
    return _WHERE_DATA_LIES.sub(lambda found: found[0] if found[0] in sql else "the file", text)


def _suggestion(facts: dict[str, Any], text: str) -> str | None:
    """The nearest of the names DuckDB proposes, where it is near: it proposes the nearest however far that is."""
    name = str(facts.get("name", "")).rpartition(".")[2]
    proposed = [part for part in str(facts.get("candidates", "")).split(",") if part]
    proposed += re.findall(r'Did you mean "([^"]+)"', text)
    names = [re.sub(r'^.*\."?|"', "", part.strip()) for part in proposed if "(" not in part]
    near = difflib.get_close_matches(name.lower(), [part.lower() for part in names], n=1, cutoff=0.55)
    return next((part for part in names if near and part.lower() == near[0] and part.lower() != name.lower()), None)


def _place(facts: dict[str, Any], sql: str) -> PlaceInQuery | None:
    location = re.match(r"\[(\d+),(\d+)\]", str(facts.get("location", "")))
    if location:
        return place_of(sql, int(location[1]), int(location[2]))
    position = facts.get("position")
    return place_of(sql, int(position), 1) if position is not None and str(position).isdigit() else None


def place_of(sql: str, start: int | None, length: int | None) -> PlaceInQuery | None:
    """The place that begins so many bytes after the start of the SQL; None where DuckDB knows none."""
    encoded = sql.encode()
    if start is None or start > len(encoded):
        return None
    before = encoded[:start].decode(errors="replace")
    line_number = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1)
    line = (sql.split("\n")[line_number - 1]).rstrip("\r")
    marked = len(encoded[start : start + (length or 1)].decode(errors="replace").split("\n")[0]) or 1
    first = max(0, column - AROUND // 2) if len(line) > AROUND else 0
    shown = line[first : first + AROUND].replace("\t", " ")
    head, tail = "…" if first else "", "…" if len(line) > first + AROUND else ""
    indent = len(head) + column - first
    carets = "^" * max(1, min(marked, len(shown) + len(head) - indent))
    return PlaceInQuery(line_number, column + 1, f"{head}{shown}{tail}\n{' ' * indent}{carets}")
