"""What the first and the last bytes of a file tell of it, by the same readers as the preview.

They see a file of its full size of which only these bytes are there; what lies between cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from preview.errors import PreviewError, TooBig
from preview.formats import format_of
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.reader import Job, read_file
from preview.source import Source
from preview.streams import RangeFile
from preview.table import Table, payload

ROWS: Final = 5
"""First rows that are told."""


class OutsideEnds(PreviewError):
    """What is asked for lies between the first and the last bytes."""


class Ends:
    """A transport that has the first and the last bytes only."""

    def __init__(self, size: int, head: bytes, tail: bytes) -> None:
        self._size, self._head, self._tail = size, head, tail

    def fetch(self, start: int, length: int) -> bytes:
        if start + length <= len(self._head):
            return self._head[start : start + length]
        behind = start - (self._size - len(self._tail))
        if behind >= 0:
            return self._tail[behind : behind + length]
        raise OutsideEnds("This cannot be told from the file's first and last bytes; it is shown once it is here.")

    def stream(self, start: int) -> Iterator[bytes]:
        yield self._head[start:]
        raise OutsideEnds("This cannot be told from the file's first and last bytes; it is shown once it is here.")


def inspect(
    source: Source, head: bytes, tail: bytes, *, limits: Limits, read_as: ReadAs
) -> tuple[dict[str, Any], bytes]:
    """The facts of an `Inspection`, and its first rows as JSON."""
    job = Job(source.file_name, ROWS, 0, limits.for_rows(ROWS), None, read_as, None)
    try:
        table = read_file(RangeFile(Ends(source.size, head, tail), source.size), job)
    except OutsideEnds as error:
        return _nothing(source, str(error), certain=False)
    except PreviewError as error:
        return _nothing(source, str(error), certain=not isinstance(error, TooBig))
    return _told(table, limits)


def _told(table: Table, limits: Limits) -> tuple[dict[str, Any], bytes]:
    facts, rows = payload(table, offset=0, limits=limits)
    return {**facts, "rows": table.total_rows, "rows_exact": True, "reason": None, "certain": True}, rows


def _nothing(source: Source, reason: str, *, certain: bool) -> tuple[dict[str, Any], bytes]:
    facts: dict[str, Any] = {
        "format": format_of(source.file_name),
        "columns": [],
        "column_count": 0,
        "rows": None,
        "rows_exact": False,
        "read_as": [],
        "detected": {},
        "notes": [],
        "reason": reason,
        "certain": certain,
    }
    return facts, b"[]"
