"""Some rows of one large record batch that is not compressed: only the bytes that hold them are fetched.

They are put where they belong into a file of the same size that is otherwise a hole, and pyarrow reads that one as it
would the whole. What its buffers mean is laid down in Columnar.rst of the Arrow format.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.types as pt

from preview.ipc_footer import Block, Buffers, buffers_of
from preview.streams import RangeFile

PLAIN: Final = (pt.is_primitive, pt.is_fixed_size_binary, pt.is_decimal)
SHORT_TEXT: Final = (pt.is_string, pt.is_binary)
LONG_TEXT: Final = (pt.is_large_string, pt.is_large_binary)
SHORT_LIST: Final = (pt.is_list, pt.is_map)


Rows = tuple[int, int] | None
"""The first and the one behind the last that are needed of an array; None: none of it."""


class CannotSlice(Exception):
    """The batch is compressed, or has a column whose buffers do not follow from its rows alone."""


class HoledFile:
    """A copy of a file that has only the bytes asked for; removed when it is closed, or its process ends."""

    def __init__(self, file: RangeFile, *, most: int) -> None:
        self._file, self._left = file, most
        self._copy = tempfile.TemporaryFile(prefix="datashelf-")  # noqa: SIM115  # open as long as it is mapped
        self._copy.truncate(file.size)

    @property
    def path(self) -> str:
        return f"/dev/fd/{self._copy.fileno()}"

    def close(self) -> None:
        """What is mapped of it stays."""
        self._copy.close()

    def fill(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Fetch the bytes of each range, and give them back. Raises CannotSlice where they are more than `most`."""
        self._left -= sum(end - begin for begin, end in ranges)
        if self._left < 0:
            raise CannotSlice
        blocks = self._file.read_many(ranges)
        for (begin, _), block in zip(ranges, blocks, strict=True):
            os.pwrite(self._copy.fileno(), block, begin)
        return blocks


class BatchSlice:
    """Fetches rows of one batch of a file."""

    def __init__(self, copy: HoledFile, block: Block) -> None:
        self._copy = copy
        (header,) = copy.fill([(block.offset, block.offset + block.header)])
        found = buffers_of(header)
        if found.compressed:
            raise CannotSlice
        self._found: Buffers = found
        self._body = block.offset + block.header
        self._end = self._body + block.body
        self._next = 0
        self._ranges: list[tuple[int, int]] = []

    def fetch(self, schema: Any, places: Sequence[int], *, first: int, last: int) -> None:
        """Fill the copy with rows `[first, last)` of the columns at `places`. Raises CannotSlice, ValueError."""
        wanted = set(places)
        for place, field in enumerate(schema):
            self._take((first, last) if place in wanted else None, field.type)
        self._copy.fill(self._ranges)

    def _take(self, rows: Rows, kind: Any) -> None:
        """Go through the buffers of an array; the bytes that hold these rows of it are noted."""
        if isinstance(kind, pa.BaseExtensionType):
            self._take(rows, kind.storage_type)
        elif pt.is_null(kind):
            return
        elif pt.is_dictionary(kind):
            self._take(rows, kind.index_type)
        elif any(holds(kind) for holds in PLAIN):
            self._bits(rows, 1)
            self._bits(rows, kind.bit_width)
        elif any(holds(kind) for holds in SHORT_TEXT + LONG_TEXT):
            inner = self._offsets(rows, 8 if any(holds(kind) for holds in LONG_TEXT) else 4)
            self._bits(inner, 8)
        elif any(holds(kind) for holds in SHORT_LIST) or pt.is_large_list(kind):
            inner = self._offsets(rows, 8 if pt.is_large_list(kind) else 4)
            child = pa.struct([kind.key_field, kind.item_field]) if pt.is_map(kind) else kind.value_type
            self._take(inner, child)
        elif pt.is_fixed_size_list(kind):
            self._bits(rows, 1)
            width = kind.list_size
            self._take((rows[0] * width, rows[1] * width) if rows else None, kind.value_type)
        elif pt.is_struct(kind):
            self._bits(rows, 1)
            for field in kind:
                self._take(rows, field.type)
        else:
            raise CannotSlice

    def _bits(self, rows: Rows, width: int) -> None:
        begin, length = self._buffer()
        if rows is None or not length:
            return
        low, high = rows[0] * width // 8, -(-rows[1] * width // 8)
        self._ranges.append((begin + low, begin + self._within(high, length)))

    def _offsets(self, rows: Rows, size: int) -> Rows:
        """The validity and the offsets of an array; what of its values they lead to."""
        self._bits(rows, 1)
        begin, length = self._buffer()
        if rows is None or rows[0] == rows[1]:
            return None
        low, high = rows[0] * size, (rows[1] + 1) * size
        (block,) = self._copy.fill([(begin + low, begin + self._within(high, length))])
        code = "<q" if size == 8 else "<i"
        first, last = struct.unpack_from(code, block)[0], struct.unpack_from(code, block, len(block) - size)[0]
        if not 0 <= first <= last:
            raise ValueError("the offsets of a column do not rise")
        return first, last

    def _buffer(self) -> tuple[int, int]:
        offset, length = self._found.buffers[self._next]
        self._next += 1
        if offset < 0 or length < 0 or self._body + offset + length > self._end:
            raise ValueError("a buffer lies outside its batch")
        return self._body + offset, length

    @staticmethod
    def _within(high: int, length: int) -> int:
        if high > length:
            raise ValueError("a buffer is shorter than its rows")
        return high
