"""One pass over a whole file: the SHA-256 of its stored bytes, of the whole and of each part as it was sent, and, for a
text format, its rows and where they begin.

Counts with the preview's own judgement of encoding, dialect and header, so that the number is that of the rows it
shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from preview.archive import Member, choose, describe, open_archive
from preview.content import signature_of
from preview.delimited import delimited_dialect
from preview.errors import NoTable, PreviewError, SourceGone, SourceUnavailable
from preview.formats import format_of
from preview.hashing import Hashed
from preview.json_document import count_json
from preview.json_lines import LINES
from preview.limits import Limits
from preview.opened_text import Text, fill
from preview.read_as import AS_DETECTED, ReadAs
from preview.reader import PEEK, without_wrapping
from preview.result import RowIndex, Scan
from preview.row_ends import RowEnds
from preview.row_index import IndexBuilder
from preview.source import Source
from preview.streams import Chunks, Forward, RangeFile, Rewound, Unpacked
from preview.texts import open_judged
from preview.transport import open_transport

BLOCK: Final = 1 << 20


def scan(source: Source, *, limits: Limits, read_as: ReadAs = AS_DETECTED, part_size: int | None = None) -> Scan:
    """Read all stored bytes once. Raises SourceUnavailable and SourceGone only: what cannot be counted has `rows`
    None.
    """
    transport = open_transport(source)
    stored = Hashed(Chunks(transport.stream(0)), part_size)
    head = fill(stored, PEEK)
    kind = signature_of(head)
    counting = _Counting(source.file_name, limits, read_as)
    found = Counted() if kind == "zip" else counting.count(Rewound(head, stored), head, size=source.size)
    while stored.read(BLOCK):
        pass
    if kind == "zip":
        # A zip's directory is at its end: its member can only be counted in a second pass.
        found = counting.count_member(RangeFile(transport, source.size))
    return Scan(found.rows, stored.hexdigest(), stored.size, found.index, stored.parts())


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows a text has, None where they cannot be counted, and where they begin."""

    rows: int | None = None
    index: RowIndex | None = None


@dataclass(frozen=True, slots=True)
class _Counting:
    name: str
    limits: Limits
    read_as: ReadAs

    def count(self, stream: Forward, head: bytes, *, size: int | None) -> Counted:
        """`size` is None where the stream's bytes are not the stored ones."""
        try:
            kind = signature_of(head)
            if kind in ("gzip", "bz2", "xz", "zstd"):
                unpacked = Unpacked(stream, kind)
                first = fill(unpacked, PEEK)
                inner = replace(self, name=without_wrapping(self.name))
                found = inner._count_text(Rewound(first, unpacked), first, size=None)
                return Counted() if unpacked.truncated else found
            return self._count_text(stream, head, size=size)
        except (SourceUnavailable, SourceGone):
            raise
        except (PreviewError, MemoryError, RecursionError):
            return Counted()

    def count_member(self, file: RangeFile) -> Counted:
        try:
            archive = open_archive(file)
            if describe(archive) != "archive":
                return Counted()
            member = choose(archive, self.read_as.member).member
            stream = Member(archive, member)
            head = fill(stream, PEEK)
            return replace(self, name=member.filename).count(Rewound(head, stream), head, size=None)
        except (SourceUnavailable, SourceGone):
            raise
        except PreviewError:
            return Counted()

    def _count_text(self, stream: Forward, head: bytes, *, size: int | None) -> Counted:
        if not head or signature_of(head):
            raise NoTable("not a text")
        text, kind = open_judged(stream, head, name=self.name, size=size, said=self.read_as)
        if kind == "json":
            return Counted(count_json(text, self.limits))
        dialect = LINES if kind == "jsonl" else delimited_dialect(text, format_of(self.name), self.read_as)
        can_be_entered = size is not None and text.start is not None
        return self._rows(text, RowEnds(dialect), dialect.leading_rows, start=text.start if can_be_entered else None)

    def _rows(self, text: Text, ends: RowEnds, leading: int, *, start: int | None) -> Counted:
        builder = IndexBuilder(leading=leading, start=start or 0)
        rows = 0
        for chunk in text.chunks():
            found = ends.feed(chunk)
            rows += len(found)
            builder.add(found)
        found = ends.finish()
        builder.add(found)
        rows = max(0, rows + len(found) - leading)
        return Counted(rows, builder.index(read_key=self.read_as.key) if start is not None else None)
