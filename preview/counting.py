"""One pass over a whole file: the SHA-256 of its stored bytes and, for a text format, its rows.

Counts with the preview's own judgement of encoding, dialect and header, so that the number is that of the rows it
shows.
"""

from __future__ import annotations

import hashlib
from typing import Final

from preview.archive import Member, choose, describe, open_archive
from preview.content import signature_of
from preview.delimited import Text, delimited_dialect, fill
from preview.errors import NoTable, PreviewError, SourceGone, SourceUnavailable
from preview.formats import format_of
from preview.json_document import count_json
from preview.json_lines import LINES
from preview.limits import Limits
from preview.read_as import AS_DETECTED, ReadAs
from preview.reader import PEEK, without_wrapping
from preview.result import Scan
from preview.row_ends import RowEnds
from preview.source import Source
from preview.streams import Chunks, Forward, RangeFile, Rewound, Unpacked
from preview.texts import open_judged
from preview.transport import open_transport

BLOCK: Final = 1 << 20


class Hashed:
    """A forward stream that digests what passes."""

    def __init__(self, stream: Forward) -> None:
        self.size = 0
        self._stream = stream
        self._digest = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        self.size += len(data)
        return data

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def scan(source: Source, *, limits: Limits, read_as: ReadAs = AS_DETECTED) -> Scan:
    """Read all stored bytes once. Raises SourceUnavailable and SourceGone only: what cannot be counted has `rows`
    None.
    """
    transport = open_transport(source)
    stored = Hashed(Chunks(transport.stream(0)))
    head = fill(stored, PEEK)
    kind = signature_of(head)
    rows = None if kind == "zip" else _counted(Rewound(head, stored), head, source.file_name, source.size, limits)
    while stored.read(BLOCK):
        pass
    if kind == "zip":
        # A zip's directory is at its end: its member can only be counted in a second pass.
        rows = _counted_member(RangeFile(transport, source.size), limits)
    return Scan(rows, stored.hexdigest(), stored.size)


def _counted(stream: Forward, head: bytes, name: str, size: int | None, limits: Limits) -> int | None:
    try:
        kind = signature_of(head)
        if kind in ("gzip", "bz2", "xz", "zstd"):
            unpacked = Unpacked(stream, kind)
            first = fill(unpacked, PEEK)
            rows = _count_text(Rewound(first, unpacked), first, without_wrapping(name), None, limits)
            return None if unpacked.truncated else rows
        return _count_text(stream, head, name, size, limits)
    except (SourceUnavailable, SourceGone):
        raise
    except (PreviewError, MemoryError, RecursionError):
        return None


def _counted_member(file: RangeFile, limits: Limits) -> int | None:
    try:
        archive = open_archive(file)
        if describe(archive) != "archive":
            return None
        member = choose(archive).member
        stream = Member(archive, member)
        head = fill(stream, PEEK)
        return _counted(Rewound(head, stream), head, member.filename, None, limits)
    except (SourceUnavailable, SourceGone):
        raise
    except PreviewError:
        return None


def _count_text(stream: Forward, head: bytes, name: str, size: int | None, limits: Limits) -> int | None:
    if not head or signature_of(head):
        raise NoTable("not a text")
    text, kind = open_judged(stream, head, name=name, size=size)
    if kind == "json":
        return count_json(text, limits)
    if kind == "jsonl":
        return _rows(text, RowEnds(LINES))
    dialect = delimited_dialect(text, format_of(name))
    return max(0, _rows(text, RowEnds(dialect)) - dialect.leading_rows)


def _rows(text: Text, ends: RowEnds) -> int:
    return sum(len(ends.feed(chunk)) for chunk in text.chunks()) + len(ends.finish())
