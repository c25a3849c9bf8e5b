"""Arrow IPC (Feather v2) files and streams: only the record batches and columns that are shown are fetched."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc

from preview.arrow_cells import Arrow
from preview.arrow_checks import check
from preview.errors import CorruptFile, NoTable, PreviewError, TooBig
from preview.ipc_footer import (
    FOOTER_DICTIONARIES,
    RECORD_BATCH,
    Block,
    blocks_of,
    footer_start,
    messages_of,
    rows_of,
)
from preview.ipc_slice import BatchSlice, CannotSlice, HoledFile
from preview.limits import MB, Limits
from preview.streams import RangeFile
from preview.table import Picked, Table, pick

FAILURES: Final = (pa.ArrowException, OSError, ValueError, NotImplementedError, IndexError, struct.error)
COUNTED_BATCHES: Final = 500
"""A batch tells its rows in its own header: up to this many of them are asked for the number of all rows."""
STREAM_COUNTED: Final = 64
"""Messages of a stream that are passed for its number of rows: each is found only by the one before it."""
SLICED_BATCH: Final = 8 << 20
"""Bytes of a batch of which only the rows shown are fetched, where it is not compressed."""
IN_ONE: Final = 64 << 20
"""Bytes of a batch that is fetched in one request where most of its columns are shown."""


def read_ipc_file(
    file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None
) -> Table:
    """The rows of an IPC file (Feather v2), of the first columns or of those named.

    Raises CorruptFile, NoTable, TooBig.
    """
    try:
        return _read_file(file, rows=rows, offset=offset, limits=limits, columns=columns)
    except FAILURES as error:
        raise reason(error) from None


def _read_file(file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None) -> Table:
    # A mapped file is not copied: of a batch that is not compressed only the rows shown are ever touched.
    mapped = file.path is not None
    opened = pa.ipc.open_file(pa.memory_map(str(file.path)) if mapped else pa.PythonFile(file, mode="r"))
    schema = opened.schema
    picked = _picked(schema, limits, columns)
    # Arrow gives the columns in the file's order.
    included = sorted(picked.places)
    options = pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)
    blocks = blocks_of(file)
    batches, skip, left, seen = [], offset, rows, 0
    wanted = pa.ipc.open_file(
        pa.memory_map(str(file.path)) if mapped else pa.PythonFile(file, mode="r"), options=options
    )
    counted = len(blocks) <= COUNTED_BATCHES
    for place, (block, length) in enumerate(_lengths(file, blocks)):
        if left <= 0 and not counted:
            break
        seen += length
        if left <= 0 or skip >= length:
            skip -= length
            continue
        opened_at = wanted
        if not mapped and block.body > SLICED_BATCH:
            opened_at = (
                _holed(file, block, schema, included, (skip, min(skip + left, length)), options, limits) or wanted
            )
        if not mapped and opened_at is wanted:
            _check_size(block, limits)
            if 2 * len(included) >= len(schema.names) and block.header + block.body <= IN_ONE:
                file.keep(block.offset, block.header + block.body)
        piece = opened_at.get_batch(place).slice(skip, left)
        skip = 0
        left -= piece.num_rows
        batches.append(piece)
    total = seen if counted or left > 0 else None
    read_as = ("Arrow", "IPC file", f"{len(blocks):,} record batch{'' if len(blocks) == 1 else 'es'}")
    order = {place: rank for rank, place in enumerate(included)}
    return _table(schema, batches, picked, order, read_as, total, limits)


def _holed(
    file: RangeFile,
    block: Block,
    schema: Any,
    places: Sequence[int],
    rows: tuple[int, int],
    options: Any,
    limits: Limits,
) -> Any:
    """A reader of a copy that holds only these rows of the batch; None where they cannot be told apart."""
    copy = HoledFile(file, most=limits.spool)
    try:
        dictionaries = blocks_of(file, kind=FOOTER_DICTIONARIES)
        copy.fill(
            [(0, 8), (footer_start(file), file.size)]
            + [(one.offset, one.offset + one.header + one.body) for one in dictionaries]
        )
        BatchSlice(copy, block).fetch(schema, places, first=rows[0], last=rows[1])
        return pa.ipc.open_file(pa.memory_map(copy.path), options=options)
    except CannotSlice:
        return None
    finally:
        copy.close()


def _lengths(file: RangeFile, blocks: list[Block]) -> Iterator[tuple[Block, int]]:
    """Each batch with its rows; the headers are asked for many at a time."""
    for begin in range(0, len(blocks), COUNTED_BATCHES):
        some = blocks[begin : begin + COUNTED_BATCHES]
        yield from zip(some, rows_of(file, some), strict=True)


def _check_size(block: Block, limits: Limits) -> None:
    if block.body > limits.spool:
        raise TooBig(
            f"This file keeps its rows in batches of {block.body // MB:,} MB; a preview fetches up to "
            f"{limits.spool // MB} MB. Parquet, or smaller batches, can be shown."
        )


def read_ipc_stream_file(
    file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None
) -> Table:
    """The rows of an IPC stream that can be entered anywhere: only the batches that hold them are fetched.

    Raises CorruptFile, NoTable, TooBig.
    """
    try:
        return _read_stream_file(file, rows=rows, offset=offset, limits=limits, columns=columns)
    except FAILURES as error:
        raise reason(error) from None


def _read_stream_file(
    file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None
) -> Table:
    needed: list[Block] = []
    skip, seen, size, total = 0, 0, 0, None
    messages, number = messages_of(file), 0
    while number < STREAM_COUNTED or seen < offset + rows:
        try:
            message = next(messages, None)
        except (ValueError, IndexError, struct.error):
            if seen >= offset + rows:
                break  # what is damaged lies behind what is shown
            raise
        if message is None:
            total = seen
            break
        number += 1
        begin, seen = seen, seen + message.rows
        if begin >= offset + rows:
            continue
        if message.kind != RECORD_BATCH or seen > offset:
            # The schema, and the dictionaries that the batches look their values up in, in the stream's order.
            needed.append(message.block)
            size += message.block.header + message.block.body
        if message.kind == RECORD_BATCH and begin <= offset < seen:
            skip = offset - begin
        if size > limits.spool:
            raise TooBig(
                f"This stream keeps its rows in batches so large that these take more than the {limits.spool // MB} MB "
                "a preview fetches. Parquet, or smaller batches, can be shown."
            )
    parts = file.read_many([(b.offset, min(b.offset + b.header + b.body, file.size)) for b in needed])
    opened = pa.ipc.open_stream(pa.BufferReader(b"".join(parts)))
    schema = opened.schema
    picked = _picked(schema, limits, columns)
    batches, left = [], rows
    for batch in opened:
        piece = batch.slice(skip, left)
        skip = 0
        left -= piece.num_rows
        batches.append(piece)
    order = {place: place for place in picked.places}
    table = _table(schema, batches, picked, order, ("Arrow", "IPC stream"), total, limits)
    table.partial = total is None
    return table


def read_ipc_stream(
    stream: Any, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None
) -> Table:
    """The rows of a compressed IPC stream: what lies before is read. Raises CorruptFile, NoTable, TooBig."""
    try:
        # `stream` is a forward stream; pyarrow reads it as a file that cannot seek.
        schema_reader = pa.ipc.open_stream(pa.PythonFile(_Readable(stream, limits.skip), mode="r"))
        schema = schema_reader.schema
        batches, skip, left, seen, total = [], offset, rows, 0, None
        while left > 0:
            try:
                batch = schema_reader.read_next_batch()
            except StopIteration:
                total = seen
                break
            seen += batch.num_rows
            piece = batch.slice(skip, left) if skip < batch.num_rows else None
            skip = max(0, skip - batch.num_rows)
            if piece is not None:
                left -= piece.num_rows
                batches.append(piece)
    except FAILURES as error:
        raise reason(error) from None
    picked = _picked(schema, limits, columns)
    order = {place: place for place in picked.places}
    table = _table(schema, batches, picked, order, ("Arrow", "IPC stream"), total, limits)
    table.partial = total is None
    return table


class _Readable:
    closed = False

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        blocks: list[bytes] = []
        wanted = size if size >= 0 else self._left
        while wanted > 0 and (block := self._stream.read(wanted)):
            blocks.append(block)
            wanted -= len(block)
            self._left -= len(block)
            if self._left < 0:
                raise TooBig(
                    "Rows this far into an Arrow stream cannot be shown: it has no index, so all before them would "
                    "have to be read."
                )
        return b"".join(blocks)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        return None


def _picked(schema: Any, limits: Limits, columns: Sequence[str] | None) -> Picked:
    if not schema.names:
        raise NoTable("This Arrow file has no columns.")
    return pick(schema.names, limits, columns)


def _table(
    schema: Any,
    batches: list[Any],
    picked: Picked,
    order: dict[int, int],
    read_as: tuple[str, ...],
    total: int | None,
    limits: Limits,
) -> Table:
    """`order` says where in a batch the column of a place in the schema is."""
    notes = picked.notes
    arrow = Arrow(cell=limits.cell)
    try:
        cells = []
        for place, name in zip(picked.places, picked.names, strict=True):
            pieces = [batch.column(order[place]) for batch in batches]
            for piece in pieces:
                check(piece)
            cells.append(arrow.cells(name, pa.chunked_array(pieces, schema.field(place).type)))
    except FAILURES as error:
        raise reason(error) from None
    if arrow.cut:
        notes.append(
            f"{arrow.cut:,} long {'value is' if arrow.cut == 1 else 'values are'} cut; download the file for the whole."
        )
    rows = sum(batch.num_rows for batch in batches)
    return Table(
        cells,
        rows,
        "arrow",
        read_as,
        total,
        partial=total is None,
        column_count=len(schema.names),
        notes=notes,
        all_columns=picked.all_names,
    )


def reason(error: BaseException) -> Exception:
    """What pyarrow says of a file as an error for the user."""
    if isinstance(error, PreviewError):
        return error
    text = str(error).strip().split("\n")[0][:200].rstrip(".")
    if isinstance(error, pa.ArrowMemoryError):
        return TooBig("A record batch of this file needs more memory than a preview may use.")
    if isinstance(error, pa.ArrowNotImplementedError | NotImplementedError):
        return NoTable(f"This Arrow file uses something that cannot be read yet: {text}.")
    return CorruptFile(f"This Arrow file is damaged: {text}.")
