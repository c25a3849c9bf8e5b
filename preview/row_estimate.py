"""How many rows a text has of which only the beginning is there: by the mean length of the rows in it."""

from __future__ import annotations

from itertools import islice
from typing import Final

from preview.content import signature_of
from preview.delimited import delimited_dialect
from preview.errors import PreviewError
from preview.formats import TEXT_FORMATS, format_of
from preview.json_lines import LINES
from preview.json_text import JsonText, elements
from preview.opened_text import Text, fill
from preview.reader import PEEK, Job, without_wrapping
from preview.row_ends import RowEnds
from preview.streams import Forward, ForwardFile, RangeFile, Rewound, Unpacked
from preview.table import Table
from preview.texts import open_judged

UNPACKED: Final = 8 << 20
"""Bytes of a compressed text that its rows are measured by."""
COUNTED: Final = 100_000
"""Elements of a JSON array that are measured."""


class _Metered:
    """A forward stream that counts what passes."""

    def __init__(self, stream: Forward) -> None:
        self.passed = 0
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        self.passed += len(data)
        return data


def estimated_rows(file: RangeFile, job: Job, table: Table) -> int | None:
    """About how many rows the file has; None where its beginning does not tell."""
    if table.format not in TEXT_FORMATS:
        return None
    packed = _Metered(ForwardFile(file, first=PEEK))
    head = fill(packed, PEEK)
    kind = signature_of(head)
    try:
        if kind in ("gzip", "bz2", "xz", "zstd"):
            unpacked = Unpacked(Rewound(head, packed), kind)
            first = unpacked.read(PEEK)
            inner = without_wrapping(job.name)
            rows, _ = _measured(Rewound(first, unpacked), first, job, name=inner, size=None)
            # As many packed bytes as were taken gave as many rows.
            return round(rows * file.size / packed.passed) if rows and packed.passed else None
        if kind is not None:
            return None
        rows, length = _measured(Rewound(head, packed), head, job, name=job.name, size=file.size)
        return round(rows * file.size / length) if rows and length else None
    except PreviewError:
        return None


def _measured(stream: Forward, head: bytes, job: Job, *, name: str, size: int | None) -> tuple[int, int]:
    """Whole rows of values at the beginning, and their length in the file's bytes."""
    text, kind = open_judged(stream, head, name=name, size=size, said=job.read_as)
    sample = text.sample()[:10_000]
    size_in_file = len(sample.encode(text.codec, "replace"))
    if kind == "json":
        rows, characters = _elements(text)
        return rows, round(characters * size_in_file / max(1, len(sample)))
    dialect = LINES if kind == "jsonl" else delimited_dialect(text, format_of(name), job.read_as)
    ends = RowEnds(dialect)
    rows = length = 0
    passed = 0
    for chunk in text.chunks():
        found = ends.feed(chunk)
        rows += len(found)
        length = int(found[-1]) if len(found) else length
        passed += len(chunk)
        if passed > UNPACKED:
            break
    # A Latin letter in UTF-16 is two bytes of the file and one of what is read.
    scale = size_in_file / max(1, len(sample.encode(text.encoding.codec, "replace")))
    return max(0, rows - dialect.leading_rows), round(length * scale)


def _elements(text: Text) -> tuple[int, int]:
    cursor = JsonText(text, limit=UNPACKED)
    rows = length = 0
    if cursor.peek() != "[":
        return 0, 0
    try:
        for _ in islice(elements(cursor), COUNTED):
            rows, length = rows + 1, cursor.position
    except PreviewError:
        pass
    return rows, length
