"""Where the record batches of an Arrow IPC file or stream lie, and how many rows each has.

pyarrow tells a batch's rows only by reading the batch. The numbers stand in its header, a few hundred bytes long, so
they are read from there: FlatBuffers tables as `File.fbs` and `Message.fbs` of the Arrow columnar format lay them out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from preview.streams import RangeFile

TRAILER: Final = 10
"""Bytes behind the footer: its length and the magic ARROW1."""
BLOCK: Final = struct.Struct("<qi4xq")
FOOTER_DICTIONARIES: Final = 2
FOOTER_BATCHES: Final = 3
MESSAGE_KIND: Final = 1
MESSAGE_HEADER: Final = 2
MESSAGE_BODY: Final = 3
RECORD_BATCH: Final = 3
"""Fields and kinds of `Message.fbs`."""
BATCH_LENGTH: Final = 0
BATCH_BUFFERS: Final = 2
BATCH_COMPRESSION: Final = 3
BUFFER: Final = struct.Struct("<qq")
LARGEST_HEADER: Final = 1 << 26
FIRST_HEADER: Final = 1 << 12
CONTINUATION: Final = b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class Block:
    """A record batch in the file: where its header begins, and the bytes of its header and of its body."""

    offset: int
    header: int
    body: int


def footer_start(file: RangeFile) -> int:
    """Where the footer begins. Raises ValueError where its length is wrong."""
    tail = file.read_at(file.size - TRAILER, TRAILER)
    length = int.from_bytes(tail[:4], "little")
    if not 0 < length <= file.size - TRAILER:
        raise ValueError("the footer's length is wrong")
    return file.size - TRAILER - length


def blocks_of(file: RangeFile, *, kind: int = FOOTER_BATCHES) -> list[Block]:
    """The record batches, or the dictionaries, in order. Raises ValueError or struct.error where the footer is
    damaged.
    """
    begin = footer_start(file)
    table = _Table.root(file.read_at(begin, file.size - TRAILER - begin))
    start = table.field(kind)
    if start is None:
        return []
    start += table.unsigned(start)
    count = table.unsigned(start)
    if start + 4 + count * BLOCK.size > len(table.data):
        raise ValueError("the footer names more batches than it holds")
    return [Block(*BLOCK.unpack_from(table.data, start + 4 + place * BLOCK.size)) for place in range(count)]


def rows_of(file: RangeFile, blocks: Sequence[Block]) -> list[int]:
    """The number of rows in each batch. Raises as `blocks_of` does."""
    if any(not 8 <= block.header <= LARGEST_HEADER or not 0 <= block.offset < file.size for block in blocks):
        raise ValueError("a record batch lies outside the file")
    headers = file.read_many([(block.offset, min(block.offset + block.header, file.size)) for block in blocks])
    return [_rows(_Table.root(header[8 if header.startswith(CONTINUATION) else 4 :])) for header in headers]


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a stream: its kind, its block, and the rows of a record batch."""

    kind: int
    block: Block
    rows: int = 0

    @property
    def end(self) -> int:
        return self.block.offset + self.block.header + self.block.body


def messages_of(file: RangeFile) -> Iterator[Message]:
    """The messages of a stream, each found by the one before it, their bodies passed over.

    Ends where the stream does, with or without its mark. Raises ValueError or struct.error where one is damaged.
    """
    position, expected = 0, FIRST_HEADER
    while position + 8 <= file.size:
        head = file.read_exactly_at(position, expected)
        prefix = 8 if head.startswith(CONTINUATION) else 4
        length = int.from_bytes(head[prefix - 4 : prefix], "little")
        if not length:
            return
        if not length <= LARGEST_HEADER or position + prefix + length > file.size:
            raise ValueError("a message is longer than the file")
        if len(head) < prefix + length:
            head = file.read_exactly_at(position, prefix + length)
        table = _Table.root(head[prefix : prefix + length])
        kind, body = table.field(MESSAGE_KIND), table.field(MESSAGE_BODY)
        if kind is None:
            raise ValueError("a message does not say what it is")
        size = 0 if body is None else int(struct.unpack_from("<q", table.data, body)[0])
        if size < 0:
            raise ValueError("a message has a body of negative length")
        block = Block(position, prefix + length, size)
        message = Message(table.data[kind], block)
        if message.kind == RECORD_BATCH:
            message = Message(RECORD_BATCH, block, _rows(table))
        yield message
        position, expected = message.end, prefix + length + 8
    if position > file.size:
        raise ValueError("the stream ends within a message")


@dataclass(frozen=True, slots=True)
class Buffers:
    """Of a record batch: where in its body each buffer lies (offset and length), and whether they are compressed."""

    buffers: list[tuple[int, int]]
    compressed: bool


def buffers_of(header: bytes) -> Buffers:
    """What a batch's header tells of its buffers. Raises ValueError or struct.error where it is damaged."""
    batch = _batch(_Table.root(header[8 if header.startswith(CONTINUATION) else 4 :]))
    compressed = batch.field(BATCH_COMPRESSION) is not None
    start = batch.field(BATCH_BUFFERS)
    if start is None:
        return Buffers([], compressed)
    start += batch.unsigned(start)
    count = batch.unsigned(start)
    if start + 4 + count * BUFFER.size > len(batch.data):
        raise ValueError("a batch names more buffers than its header holds")
    return Buffers([BUFFER.unpack_from(batch.data, start + 4 + n * BUFFER.size) for n in range(count)], compressed)


def _batch(message: _Table) -> _Table:
    place = message.field(MESSAGE_HEADER)
    if place is None:
        raise ValueError("a record batch has no header")
    return _Table(message.data, place + message.unsigned(place))


def _rows(message: _Table) -> int:
    batch = _batch(message)
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
