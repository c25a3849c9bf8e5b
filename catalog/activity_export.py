"""The activity as a file: CSV for a spreadsheet, JSON Lines for a program; written piece by piece."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Literal

from catalog.activity import ActivityEntry

Format = Literal["csv", "jsonl"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
FIELDS = (
    "at",
    "kind",
    "group",
    "by",
    "actor",
    "user_id",
    "dataset_id",
    "dataset_name",
    "file_id",
    "file_name",
    "version",
    "asked",
    "link_id",
    "address",
    "agent",
    "detail",
)
PIECE = 500
"""Entries that are written at a time."""
_FORMULA = re.compile(r"(?:^|(?<=[;\t|]))(?=\s*[=+\-@\t\r\n＝＋－＠])")
"""Before what a spreadsheet takes for a formula (OWASP, "CSV Injection")."""


def written(entries: Iterable[ActivityEntry], form: Format) -> Iterator[bytes]:
    """The file, in pieces. CSV as RFC 4180 has it, with a header; a cell that begins like a formula has an apostrophe
    before it. JSON Lines have the values as they are. `detail` is JSON in both; times are UTC."""
    left = iter(entries)
    # "replace": halves of surrogate pairs have no UTF-8. None is let in, and an export does not end for one that was.
    if form == "csv":
        yield _csv([FIELDS])
    while piece := list(islice(left, PIECE)):
        if form == "csv":
            yield _csv([_cells(entry) for entry in piece])
        else:
            yield "".join(f"{json.dumps(_plain(entry), ensure_ascii=False)}\n" for entry in piece).encode(
                "utf-8", "replace"
            )


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, nor for several cells with one among them: where decimals have a
    comma, a semicolon parts them."""
    return _FORMULA.sub("'", text)


def _plain(entry: ActivityEntry) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(entry, name) for name in FIELDS}
    plain["at"] = entry.at.isoformat().replace("+00:00", "Z")
    for name in ("user_id", "dataset_id", "file_id", "link_id"):
        plain[name] = None if plain[name] is None else str(plain[name])
    return plain | {"detail": dict(entry.detail)}


def _cells(entry: ActivityEntry) -> list[str]:
    plain = _plain(entry)
    plain["detail"] = json.dumps(plain["detail"], ensure_ascii=False) if plain["detail"] else None
    return [inert("" if value is None else str(value)) for value in plain.values()]


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, lineterminator="\r\n").writerows(rows)
    return sink.getvalue().encode("utf-8", "replace")
