"""Where the pages of a Parquet column chunk lie, so that of a large row group only those with the rows shown are read.

Told by the offset index where the file has one (PageIndex.md of the Parquet format); else each page's header tells
where the next begins. pyarrow knows neither: it reads a chunk from its start.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from preview.thrift import STRUCT, Reader

DATA: Final = 0
DICTIONARY: Final = 2
DATA_V2: Final = 3
"""PageType of parquet.thrift."""
HEADER: Final = 256
"""Bytes fetched for a page's header; with statistics of long texts it takes more, and is asked for again."""
LONGEST_HEADER: Final = 1 << 24
MOST_STEPS: Final = 3_000
"""Headers asked for, all columns together; about a millisecond each on a near store."""
LARGEST_FOOTER: Final = 8 << 20
MOST_CHUNKS: Final = 20_000
"""Column chunks passed over, at about 20 µs each, to reach those of a row group."""


class CannotSlice(Exception):
    """The pages cannot be told apart; the chunk has to be read from its start."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a schema as it is written, how many children it has, and its repetition."""

    data: bytes
    children: int
    repetition: int


@dataclass(frozen=True, slots=True)
class Footer:
    """What is needed of a file's metadata: its schema, and a row group's chunks."""

    schema: list[Element]
    chunks: list[dict[int, Any]]


def read_footer(data: bytes, group: int) -> Footer:
    """Parse so much of a footer. Raises CannotSlice where that would take long, or is not as it should be."""
    if len(data) > LARGEST_FOOTER:
        raise CannotSlice
    schema: list[Element] = []
    reader = Reader(data)
    try:
        for number, kind in reader.fields():
            if number == 2:
                count, _ = reader.items()
                for _ in range(count):
                    begin = reader.position
                    element = reader.value(STRUCT)
                    written = data[begin : reader.position]
                    schema.append(Element(written, int(element.get(5, 0)), int(element.get(3, 0))))
            elif number == 4:
                if group * len(schema) > MOST_CHUNKS:
                    raise CannotSlice
                count, _ = reader.items()
                for _ in range(min(group, count)):
                    reader.skip(STRUCT)
                return Footer(schema, reader.value(STRUCT)[1])
            else:
                reader.skip(kind)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise CannotSlice from error
    raise CannotSlice


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring data pages of one chunk: their bytes `[begin, end)`, and the rows they hold, counted within the row
    group; `dictionary` are the bytes of the page that the values of these are looked up in."""

    begin: int
    end: int
    row: int
    rows: int
    dictionary: tuple[int, int] | None


Fetch = Callable[[list[tuple[int, int]]], list[bytes]]
"""The bytes of many ranges, each a beginning and an end."""


def index_of(chunk: dict[int, Any]) -> tuple[int, int] | None:
    """Where the chunk's offset index lies, beginning and end. Raises CannotSlice."""
    offset, length = chunk.get(4), chunk.get(5)
    if not offset or not length:
        return None
    if not isinstance(offset, int) or not isinstance(length, int) or length < 0:
        raise CannotSlice
    return offset, offset + length


def extent_of(chunk: dict[int, Any]) -> tuple[int, int]:
    """Where all of the chunk lies, beginning and end. Raises CannotSlice."""
    try:
        meta = chunk[3]
        begin = min(offset for offset in (meta.get(11), meta[9]) if offset)
        return begin, begin + int(meta[7])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Without metadata in its plain place the column is encrypted.
        raise CannotSlice from error


def span_by_index(chunk: dict[int, Any], index: bytes, *, first: int, last: int, rows: int) -> Span:
    """The pages with rows `[first, last)` of a row group of `rows`. Raises CannotSlice."""
    try:
        pages = [(int(page[1]), int(page[2]), int(page.get(3, 0))) for page in Reader(index).value(STRUCT)[1]]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise CannotSlice from error
    starts = [row for _, _, row in pages]
    if not pages or starts[0] != 0 or starts != sorted(starts):
        raise CannotSlice
    begin = bisect_right(starts, first) - 1
    end = bisect_left(starts, last)
    whole, _ = extent_of(chunk)
    dictionary = (whole, pages[0][0]) if whole < pages[0][0] else None
    last_row = starts[end] if end < len(starts) else rows
    offset, size, _ = pages[end - 1]
    return Span(pages[begin][0], offset + size, starts[begin], last_row - starts[begin], dictionary)


class Walk:
    """Goes from header to header of a chunk until it has passed the pages with rows `[first, last)`.

    While `wanted` names a range, its bytes are to be given to `feed`; then `span` is known. `flat` says that a value is
    a row. Raises CannotSlice where headers do not tell rows.
    """

    def __init__(self, chunk: dict[int, Any], *, first: int, last: int, flat: bool) -> None:
        self._first, self._last, self._flat = first, last, flat
        self._position, self._end = extent_of(chunk)
        self._row, self._length = 0, HEADER
        self._dictionary: tuple[int, int] | None = None
        self._begin: tuple[int, int] | None = None

    @property
    def wanted(self) -> tuple[int, int] | None:
        if self._row >= self._last or self._position >= self._end:
            return None
        return self._position, min(self._position + self._length, self._end)

    @property
    def span(self) -> Span:
        if self._begin is None or self._position > self._end:
            raise CannotSlice
        begin, row = self._begin
        return Span(begin, self._position, row, self._row - row, self._dictionary)

    def feed(self, block: bytes) -> None:
        begin, length = self._position, self._length
        self._length = HEADER
        while self._row < self._last and self._position < min(self._end, begin + len(block)):
            reader = Reader(block, self._position - begin)
            try:
                header = reader.value(STRUCT)
            except (ValueError, IndexError):
                if self._position == begin:
                    if length >= LONGEST_HEADER or begin + len(block) >= self._end:
                        raise CannotSlice from None
                    self._length = 4 * length
                return
            self._pass(header, reader.position - (self._position - begin))

    def _pass(self, header: dict[int, Any], size: int) -> None:
        try:
            kind, held = header[1], header[3]
            if held < 0:
                raise CannotSlice
            after = self._position + size + held
            if kind == DICTIONARY:
                self._dictionary = (self._position, after)
            elif kind in (DATA, DATA_V2):
                if kind == DATA and not self._flat:
                    raise CannotSlice
                rows = header[5][1] if kind == DATA else header[8][3]
                if rows < 0:
                    raise CannotSlice
                if self._begin is None and self._row + rows > self._first:
                    self._begin = (self._position, self._row)
                self._row += rows
            self._position = after
        except (KeyError, TypeError) as error:
            raise CannotSlice from error


def walk(walks: Sequence[Walk], fetch: Fetch) -> None:
    """Lead all walks to their end, a step of each at a time. Raises CannotSlice after `MOST_STEPS`."""
    steps = 0
    while pending := [(one, wanted) for one in walks if (wanted := one.wanted)]:
        steps += len(pending)
        if steps > MOST_STEPS:
            raise CannotSlice
        for (one, _), block in zip(pending, fetch([wanted for _, wanted in pending]), strict=True):
            one.feed(block)


def values_in(data: bytes) -> int:
    """How many values the data pages in these bytes hold. Raises CannotSlice."""
    position = values = 0
    try:
        while position < len(data):
            reader = Reader(data, position)
            header = reader.value(STRUCT)
            if header[1] in (DATA, DATA_V2):
                values += header[5][1] if header[1] == DATA else header[8][1]
            if header[3] < 0:
                raise CannotSlice
            position = reader.position + header[3]
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise CannotSlice from error
    return values
