"""Some rows of one Parquet column by the pages that hold them: put into a little file of their own for pyarrow to read.

A chunk's pages are copied as they are, behind a footer that names only them; the column's schema is the file's own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from preview.parquet_pages import (
    CannotSlice,
    Fetch,
    Footer,
    Span,
    Walk,
    index_of,
    span_by_index,
    values_in,
    walk,
)
from preview.thrift import BINARY, I32, I64, LIST, STRUCT, binary, fields, integer, items

MAGIC: Final = b"PAR1"
MOST_BYTES: Final = 128 << 20
"""Bytes of pages held for one preview; more are read by pyarrow, which goes through them bit by bit."""
SKIPPED_BATCH: Final = 4096
SHOWN_BATCH: Final = 128
REPEATED: Final = 2
DICTIONARIES: Final = frozenset({2, 8})
DELTAS: Final = frozenset({5, 6, 7})
"""FieldRepetitionType and Encoding of parquet.thrift."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column of one chunk: the elements of its schema, and its chunk in the row group."""

    place: int
    elements: list[bytes]
    chunk: dict[int, Any]
    flat: bool


def leaves_of(footer: Footer) -> dict[int, Leaf]:
    """The columns that have one chunk, by their place in the schema. Raises CannotSlice."""
    found, position, chunk = {}, 1, 0
    for place in range(footer.schema[0].children if footer.schema else 0):
        begin, leaves, open_children = position, 0, 1
        while open_children:
            if position >= len(footer.schema):
                raise CannotSlice
            element = footer.schema[position]
            open_children += element.children - 1
            leaves += not element.children
            position += 1
        elements = footer.schema[begin:position]
        if leaves == 1 and chunk < len(footer.chunks):
            flat = all(element.repetition != REPEATED for element in elements)
            found[place] = Leaf(place, [element.data for element in elements], footer.chunks[chunk], flat)
        chunk += leaves
    return found


class Slicer:
    """Rows `[first, last)` of one row group, column by column, of the fewest pages."""

    def __init__(self, opened: Any, fetch: Fetch, *, group_rows: int, first: int, last: int) -> None:
        self._metadata, self._schema, self._fetch = opened.metadata, opened.schema_arrow, fetch
        self._group_rows, self._first, self._last = group_rows, first, last

    def read(self, leaves: Sequence[Leaf]) -> dict[int, list[Any]]:
        """The rows of each column that could be sliced, by its place. Raises what pyarrow does where pages are
        damaged.
        """
        spans = self._spans(leaves)
        chosen = [leaf for leaf in leaves if leaf.place in spans]
        ranges: list[tuple[int, int]] = []
        for leaf in chosen:
            span = spans[leaf.place]
            ranges += [span.dictionary or (span.begin, span.begin), (span.begin, span.end)]
        if sum(end - begin for begin, end in ranges) > MOST_BYTES:
            raise CannotSlice
        blocks = self._fetch(ranges)
        return {
            leaf.place: self._rows(leaf, spans[leaf.place], dictionary, pages)
            for leaf, dictionary, pages in zip(chosen, blocks[::2], blocks[1::2], strict=True)
        }

    def _spans(self, leaves: Sequence[Leaf]) -> dict[int, Span]:
        indexed = [(leaf, index) for leaf in leaves if (index := index_of(leaf.chunk))]
        spans: dict[int, Span] = {}
        for (leaf, _), data in zip(indexed, self._fetch([index for _, index in indexed]), strict=True):
            spans[leaf.place] = span_by_index(
                leaf.chunk, data, first=self._first, last=self._last, rows=self._group_rows
            )
        walks = {
            leaf.place: Walk(leaf.chunk, first=self._first, last=self._last, flat=leaf.flat)
            for leaf in leaves
            if leaf.place not in spans and leaf.flat
        }
        walk(list(walks.values()), self._fetch)
        return {**spans, **{place: one.span for place, one in walks.items()}}

    def _rows(self, leaf: Leaf, span: Span, dictionary: bytes, pages: bytes) -> list[Any]:
        data = self._file(leaf, span, dictionary, pages)
        meta = leaf.chunk[3]
        # A short dictionary of huge values stays one; see `parquet`.
        looked_up = DICTIONARIES & set(meta[2]) and not DELTAS & set(meta[2])
        texts = [meta[3][0].decode("utf-8", "replace")] if looked_up and len(leaf.elements) == 1 else []
        reader = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts, coerce_int96_timestamp_unit="us")
        skip, left = self._first - span.row, self._last - self._first
        pieces = list(taken(reader, skip=skip, rows=left))
        if sum(len(piece) for piece in pieces) != left:
            raise ValueError("a column has fewer rows than its row group")
        return [piece.column(0) for piece in pieces]

    def _file(self, leaf: Leaf, span: Span, dictionary: bytes, pages: bytes) -> bytes:
        meta = leaf.chunk[3]
        begin = len(MAGIC)
        size = len(dictionary) + len(pages)
        values = values_in(pages)
        chunk = [
            (1, I32, integer(meta[1])),
            (2, LIST, items(I32, [integer(encoding) for encoding in meta[2]])),
            (3, LIST, items(BINARY, [binary(part) for part in meta[3]])),
            (4, I32, integer(meta[4])),
            (5, I64, integer(values)),
            (6, I64, integer(size)),
            (7, I64, integer(size)),
            (9, I64, integer(begin + len(dictionary))),
        ]
        if dictionary:
            chunk.append((11, I64, integer(begin)))
        column = fields((2, I64, integer(begin)), (3, STRUCT, fields(*chunk)))
        group = fields((1, LIST, items(STRUCT, [column])), (2, I64, integer(size)), (3, I64, integer(span.rows)))
        root = fields((4, BINARY, binary(b"schema")), (5, I32, integer(1)))
        footer = [
            (1, I32, integer(1)),
            (2, LIST, items(STRUCT, [root, *leaf.elements])),
            (3, I64, integer(span.rows)),
            (4, LIST, items(STRUCT, [group])),
        ]
        if b"ARROW:schema" in (self._metadata.metadata or {}):
            # What Parquet's own types do not say, as a zone or a category, stands there.
            field = pa.schema([self._schema.field(leaf.place)]).serialize().to_pybytes()
            pair = fields((1, BINARY, binary(b"ARROW:schema")), (2, BINARY, binary(base64.b64encode(field))))
            footer.append((5, LIST, items(STRUCT, [pair])))
        footer.append((6, BINARY, binary((self._metadata.created_by or "").encode())))
        end = fields(*footer)
        return b"".join((MAGIC, dictionary, pages, end, len(end).to_bytes(4, "little"), MAGIC))


def taken(reader: Any, *, skip: int, rows: int, **options: Any) -> Iterator[Any]:
    """Batches of `rows` rows behind the first `skip`."""
    size = SHOWN_BATCH if skip < SKIPPED_BATCH else SKIPPED_BATCH
    for batch in reader.iter_batches(size, use_threads=False, **options):
        if skip >= len(batch):
            skip -= len(batch)
            continue
        piece = batch.slice(skip, rows)
        skip = 0
        rows -= len(piece)
        yield piece
        if rows <= 0:
            return
