"""All record batches of an Arrow IPC file or stream, one after the other, for those who read a whole file.

A batch on this machine's disk is mapped, so that only the rows looked at are touched; one that lies elsewhere is copied
to disk where it is large; a large compressed one is unpacked column by column, to disk as well.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.ipc

from preview.ipc import FAILURES, reason
from preview.ipc_footer import FOOTER_DICTIONARIES, Block, blocks_of, buffers_of, footer_start
from preview.ipc_slice import HoledFile
from preview.streams import Forward, ForwardFile, RangeFile

HELD: Final = 32 << 20
"""Bytes of a batch that is fetched, or unpacked, in memory."""
PIECE: Final = 16 << 20
ALL: Final = 1 << 60


@dataclass(slots=True)
class Batches:
    """The batches of one source, of its first `shown` columns; `at` is the share of its bytes that has been read."""

    schema: Any
    kind: str
    """`IPC file` or `IPC stream`."""
    pieces: Iterator[Any]
    streamed: bool
    """Whether they come one after the other, so that those before the end of what is there are good."""
    count: int = 0
    at: float = 0.0
    ends_early: bool = False
    """Whether the source ended within a batch; those before are whole."""

    def __iter__(self) -> Iterator[Any]:
        """Raises CorruptFile, NoTable, TooBig."""
        try:
            for batch in self.pieces:
                self.count += 1
                yield batch
        except FAILURES as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise  # no fault of the file's
            # What a broken connection left of a stream is good until there.
            if self.streamed and self.count and _ends(error):
                self.ends_early = True
                return
            raise reason(error) from None


def _ends(error: BaseException) -> bool:
    return "Expected to be able to read" in str(error)


def file_batches(file: RangeFile, *, shown: int) -> Batches:
    """The batches of an IPC file. Raises CorruptFile, NoTable, TooBig."""
    try:
        blocks = blocks_of(file)
        source = pa.memory_map(str(file.path)) if file.path is not None else pa.PythonFile(file, mode="r")
        opened = pa.ipc.open_file(source)
        schema = opened.schema
        options = _options(list(range(min(shown, len(schema.names)))))
        reader = pa.ipc.open_file(source, options=options)
        batches = Batches(schema, "IPC file", iter(()), streamed=False)
        batches.pieces = _of_file(file, reader, blocks, options, batches)
    except FAILURES as error:
        raise reason(error) from None
    return batches


def _options(places: list[int]) -> Any:
    return pa.ipc.IpcReadOptions(included_fields=places, use_threads=False)


def _of_file(file: RangeFile, reader: Any, blocks: list[Block], options: Any, batches: Batches) -> Iterator[Any]:
    for place, block in enumerate(blocks):
        if block.header + block.body <= HELD:
            if file.path is None:
                file.keep(block.offset, block.header + block.body)
            yield reader.get_batch(place)
        else:
            yield from _large(file, block, place, options)
        batches.at = (place + 1) / len(blocks)


def _large(file: RangeFile, block: Block, place: int, options: Any) -> Iterator[Any]:
    copy = None if file.path is not None else _copied(file, block)
    try:
        source = pa.memory_map(str(file.path) if copy is None else copy.path)
        if buffers_of(file.read_at(block.offset, block.header)).compressed:
            with tempfile.TemporaryFile(prefix="datashelf-") as room:
                yield _unpacked(source, place, options, room)
        else:
            yield pa.ipc.open_file(source, options=options).get_batch(place)
    finally:
        if copy is not None:
            copy.close()


def _copied(file: RangeFile, block: Block) -> HoledFile:
    """The batch and what it needs on disk, where it lies in the file."""
    copy = HoledFile(file, most=ALL)
    parts = [(0, 8), (footer_start(file), file.size)]
    for one in (*blocks_of(file, kind=FOOTER_DICTIONARIES), block):
        end = min(one.offset + one.header + one.body, file.size)
        parts += [(begin, min(begin + PIECE, end)) for begin in range(one.offset, end, PIECE)]
    for part in parts:
        copy.fill([part])
    return copy


def _unpacked(source: Any, place: int, options: Any, room: BinaryIO) -> Any:
    """A batch whose columns have been unpacked into a file, one at a time."""
    path = f"/dev/fd/{room.fileno()}"
    ends = [0]
    for number in options.included_fields:
        batch = pa.ipc.open_file(source, options=_options([number])).get_batch(place)
        with os.fdopen(os.dup(room.fileno()), "wb") as out, pa.ipc.new_stream(out, batch.schema) as writer:
            writer.write_batch(batch)
        ends.append(os.lseek(room.fileno(), 0, os.SEEK_CUR))
        del batch
    mapped = pa.memory_map(path)
    columns, fields = [], []
    for begin, end in pairwise(ends):
        mapped.seek(begin)
        batch = pa.ipc.open_stream(mapped.read_buffer(end - begin)).read_next_batch()
        columns.append(batch.column(0))
        fields.append(batch.schema.field(0))
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def batches_of(source: RangeFile | Forward, kind: str, *, shown: int) -> Batches:
    """The batches of a `file` or a `stream`, stored as it is or coming out of a compressed file.

    Raises CorruptFile, NoTable, TooBig.
    """
    if kind == "stream":
        return stream_batches(source)
    if isinstance(source, RangeFile):
        return file_batches(source, shown=shown)
    source.read(8)
    batches = stream_batches(source)
    batches.kind = "IPC file"
    return batches


def stream_batches(stream: Forward | RangeFile) -> Batches:
    """The batches of an IPC stream. Raises CorruptFile, NoTable, TooBig."""
    try:
        if isinstance(stream, RangeFile) and stream.path is not None:
            source = pa.memory_map(str(stream.path))
        else:
            forward = ForwardFile(stream) if isinstance(stream, RangeFile) else stream
            source = pa.PythonFile(_Blocks(forward), mode="r")
        reader = pa.ipc.open_stream(source)
        batches = Batches(reader.schema, "IPC stream", iter(()), streamed=True)
        batches.pieces = _of_stream(reader, source, getattr(stream, "size", 0), batches)
    except FAILURES as error:
        raise reason(error) from None
    return batches


def _of_stream(reader: Any, source: Any, size: int, batches: Batches) -> Iterator[Any]:
    for batch in reader:
        if size:
            batches.at = min(1.0, source.tell() / size)
        yield batch


class _Blocks:
    """A forward stream as pyarrow reads a file that cannot seek; a large read is held once."""

    closed = False

    def __init__(self, stream: Forward) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes | bytearray:
        held = bytearray()
        while len(held) < size and (block := self._stream.read(min(size - len(held), PIECE))):
            held += block
        return held

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return 0

    def close(self) -> None:
        return None
