"""Arrow IPC (Feather v2) files and streams: only the record batches and columns that are shown are fetched."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc

from preview.arrow_cells import Arrow
from preview.errors import CorruptFile, NoTable, TooBig
from preview.limits import Limits
from preview.streams import RangeFile
from preview.table import Table, unique_names

COUNTED_BATCHES: Final = 2_000
"""An IPC file says how many rows a batch has only in the batch's own header: up to this many of them are asked."""


def read_ipc_file(file: RangeFile, *, rows: int, offset: int, limits: Limits) -> Table:
    """The rows of an IPC file (Feather v2). Raises CorruptFile, NoTable, TooBig."""
    try:
        opened = pa.ipc.open_file(pa.PythonFile(file, mode="r"))
        schema, count = opened.schema, opened.num_record_batches
        total = opened.count_rows() if count <= COUNTED_BATCHES else None
        options, shown = _projection(schema, limits)
        # One small column of a batch tells its length without fetching the others.
        probe = (
            pa.ipc.open_file(pa.PythonFile(file, mode="r"), options=_probe(schema)) if count > 1 and offset else None
        )
        wanted = pa.ipc.open_file(pa.PythonFile(file, mode="r"), options=options)
        batches, skip, left = [], offset, rows
        for place in range(count):
            if left <= 0 or (total is not None and offset >= total):
                break
            if probe is not None and skip:
                length = probe.get_batch(place).num_rows
                if skip >= length:
                    skip -= length
                    continue
            batch = _bounded(wanted, place)
            piece = batch.slice(skip, left)
            skip = max(0, skip - batch.num_rows)
            left -= piece.num_rows
            batches.append(piece)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, IndexError) as error:
        raise _reason(error) from None
    return _table(
        schema,
        batches,
        shown,
        ("Arrow", "IPC file", f"{count:,} record batch{'' if count == 1 else 'es'}"),
        total,
        limits,
    )


def read_ipc_stream(stream: Any, *, rows: int, offset: int, limits: Limits) -> Table:
    """The rows of an IPC stream, which has no index: what lies before is read. Raises CorruptFile, NoTable, TooBig."""
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
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, IndexError) as error:
        raise _reason(error) from None
    shown = min(len(schema.names), limits.columns)
    table = _table(schema, batches, shown, ("Arrow", "IPC stream"), total, limits)
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


def _projection(schema: Any, limits: Limits) -> tuple[Any, int]:
    width = len(schema.names)
    if not width:
        raise NoTable("This Arrow file has no columns.")
    shown = min(width, limits.columns)
    included = list(range(shown)) if shown < width else None
    return pa.ipc.IpcReadOptions(included_fields=included, use_threads=False), shown


def _probe(schema: Any) -> Any:
    sizes = [
        (field.type.bit_width if pa.types.is_primitive(field.type) else 1 << 20, place)
        for place, field in enumerate(schema)
    ]
    return pa.ipc.IpcReadOptions(included_fields=[min(sizes)[1]], use_threads=False)


def _bounded(opened: Any, place: int) -> Any:
    try:
        return opened.get_batch(place)
    except pa.ArrowMemoryError:
        raise TooBig("A record batch of this file needs more memory than a preview may use.") from None


def _table(
    schema: Any, batches: list[Any], shown: int, read_as: tuple[str, ...], total: int | None, limits: Limits
) -> Table:
    width = len(schema.names)
    if not width:
        raise NoTable("This Arrow file has no columns.")
    names, notes = unique_names(schema.names[:shown])
    if width > shown:
        notes.append(f"The first {shown:,} of {width:,} columns are shown.")
    arrow = Arrow(cell=limits.cell)
    try:
        cells = [
            arrow.cells(name, pa.chunked_array([batch.column(place) for batch in batches], schema.field(place).type))
            for place, name in enumerate(names)
        ]
    except (pa.ArrowException, OSError, ValueError, IndexError) as error:
        raise _reason(error) from None
    if arrow.cut:
        notes.append(
            f"{arrow.cut:,} long {'value is' if arrow.cut == 1 else 'values are'} cut; download the file for the whole."
        )
    rows = sum(batch.num_rows for batch in batches)
    return Table(cells, rows, "arrow", read_as, total, partial=total is None, column_count=width, notes=notes)


def _reason(error: BaseException) -> Exception:
    if isinstance(error, TooBig | NoTable | ConnectionError | FileNotFoundError):
        return error
    text = str(error).strip().split("\n")[0][:200]
    if isinstance(error, pa.ArrowMemoryError):
        return TooBig("A record batch of this file needs more memory than a preview may use.")
    if isinstance(error, pa.ArrowNotImplementedError | NotImplementedError):
        return NoTable(f"This Arrow file uses something that cannot be read yet: {text}.")
    return CorruptFile(f"This Arrow file is damaged: {text}.")
