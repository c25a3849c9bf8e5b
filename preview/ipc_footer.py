"""The footer of an Arrow IPC file: where its record batches lie and how many rows each has.

pyarrow tells a batch's rows only by reading the batch. The numbers stand in its header, a few hundred bytes long, so
they are read from there: FlatBuffers tables as `File.fbs` and `Message.fbs` of the Arrow columnar format lay them out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from preview.streams import RangeFile

TRAILER: Final = 10
"""Bytes behind the footer: its length and the magic ARROW1."""
BLOCK: Final = struct.Struct("<qi4xq")
FOOTER_BATCHES: Final = 3
MESSAGE_HEADER: Final = 2
BATCH_LENGTH: Final = 0
CONTINUATION: Final = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Block:
    """A record batch in the file: where its header begins, and the bytes of its header and of its body."""

    offset: int
    header: int
    body: int


def blocks_of(file: RangeFile) -> list[Block]:
    """The record batches, in order. Raises ValueError or struct.error where the footer is damaged."""
    tail = file.read_at(file.size - TRAILER, TRAILER)
    length = int.from_bytes(tail[:4], "little")
    if not 0 < length <= file.size - TRAILER:
        raise ValueError("the footer's length is wrong")
    table = _Table.root(file.read_at(file.size - TRAILER - length, length))
    start = table.field(FOOTER_BATCHES)
    if start is None:
        return []
    start += table.unsigned(start)
    count = table.unsigned(start)
    if start + 4 + count * BLOCK.size > len(table.data):
        raise ValueError("the footer names more batches than it holds")
    return [Block(*BLOCK.unpack_from(table.data, start + 4 + place * BLOCK.size)) for place in range(count)]


def rows_of(file: RangeFile, block: Block) -> int:
    """The number of rows in a batch. Raises as `blocks_of` does."""
    if not 8 <= block.header <= 1 << 26 or not 0 <= block.offset < file.size:
        raise ValueError("a record batch lies outside the file")
    header = file.read_exactly_at(block.offset, block.header)
    message = _Table.root(header[8 if header.startswith(CONTINUATION) else 4 :])
    place = message.field(MESSAGE_HEADER)
    if place is None:
        raise ValueError("a record batch has no header")
    batch = _Table(message.data, place + message.unsigned(place))
    length = batch.field(BATCH_LENGTH)
    rows = 0 if length is None else int(struct.unpack_from("<q", batch.data, length)[0])
    if rows < 0:
        raise ValueError("a record batch has a negative number of rows")
    return rows


@dataclass(frozen=True, slots=True)
class _Table:
    data: bytes
    position: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def unsigned(self, place: int) -> int:
        return int(struct.unpack_from("<I", self.data, place)[0])

    def field(self, number: int) -> int | None:
        """Where a field's value lies, None where the table leaves it out."""
        layout = self.position - struct.unpack_from("<i", self.data, self.position)[0]
        size = struct.unpack_from("<H", self.data, layout)[0]
        entry = 4 + 2 * number
        if layout < 0 or entry + 2 > size:
            return None
        offset = struct.unpack_from("<H", self.data, layout + entry)[0]
        return self.position + offset if offset else None
