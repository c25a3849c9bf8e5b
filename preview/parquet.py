"""Parquet: the footer, then only the row groups, columns and pages that the rows asked for lie in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from preview.arrow_cells import Arrow
from preview.errors import CorruptFile, EncryptedFile, NoTable, PreviewError, TooBig
from preview.limits import Limits
from preview.streams import RangeFile
from preview.table import Table, pick

WHOLE_GROUP: Final = 16 << 20
"""Bytes: the columns of a row group up to this size are fetched in few large requests; larger ones page by page."""
TAIL: Final = 1 << 16
SIGNATURE: Final = 28
"""Bytes that follow a plaintext footer whose columns are encrypted (Parquet Modular Encryption, 5.5). pyarrow says
nothing of them, and crashes where such a column's metadata is looked at."""
ENCRYPTED: Final = "This Parquet file is encrypted, and the key is not in it, so its rows cannot be shown."
PAGE_BUFFER: Final = 1 << 18
BATCH: Final = 128


def read_parquet(
    file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None = None
) -> Table:
    """The rows at `offset`, of the first columns or of those named.

    Raises EncryptedFile, CorruptFile, NoTable (a schema without columns).
    """
    try:
        return _read(file, rows=rows, offset=offset, limits=limits, columns=columns)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError, KeyError, IndexError) as error:
        raise _reason(error) from None


def _read(file: Any, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None) -> Table:
    # pyarrow begins with the same last 64 KiB, which the file remembers.
    tail = file.read_at(max(0, file.size - TAIL), TAIL)
    opened = pq.ParquetFile(file, pre_buffer=True)
    metadata, schema = opened.metadata, opened.schema_arrow
    if int.from_bytes(tail[-8:-4], "little") - metadata.serialized_size == SIGNATURE:
        raise EncryptedFile(ENCRYPTED)
    width = len(schema.names)
    if not width:
        raise NoTable("This Parquet file has no columns.")
    picked = pick(schema.names, limits, columns)
    notes = picked.notes
    wanted = list(dict.fromkeys(schema.names[place] for place in picked.places)) if picked.all_names else None
    batches = list(_batches(file, opened, rows=rows, offset=offset, columns=wanted))
    arrow = Arrow(cell=limits.cell)
    cells = []
    # pyarrow gives the columns in the file's order, and all of one name.
    read = [place for place, name in enumerate(schema.names) if wanted is None or name in wanted]
    for place, name in zip(picked.places, picked.names, strict=True):
        kind = schema.field(place).type
        chunks = [batch.column(read.index(place)) for batch in batches]
        column = arrow.cells(
            name, chunks[0] if len(chunks) == 1 else pa.chunked_array(chunks, kind if not chunks else None)
        )
        column.values = column.values[:rows]
        cells.append(column)
    if arrow.cut:
        notes.append(
            f"{arrow.cut:,} long {'value is' if arrow.cut == 1 else 'values are'} cut; download the file for the whole."
        )
    groups = metadata.num_row_groups
    read_as = ("Parquet", f"{groups:,} row group{'' if groups == 1 else 's'}", *_compression(metadata))
    total = metadata.num_rows
    return Table(
        cells,
        sum(len(batch) for batch in batches),
        "parquet",
        read_as,
        total,
        column_count=width,
        notes=notes,
        all_columns=picked.all_names,
    )


def _compression(metadata: Any) -> tuple[str, ...]:
    if not metadata.num_row_groups or not metadata.row_group(0).num_columns:
        return ()
    name = str(metadata.row_group(0).column(0).compression).lower()
    return () if name == "uncompressed" else (name,)


def _batches(file: Any, opened: Any, *, rows: int, offset: int, columns: list[str] | None) -> Iterator[Any]:
    metadata = opened.metadata
    left, skip = rows, offset
    for group in range(metadata.num_row_groups):
        if left <= 0:
            return
        size = metadata.row_group(group).num_rows
        if skip >= size:
            skip -= size
            continue
        for batch in _group(file, opened, group, columns=columns, skip=skip):
            taken = batch.slice(skip, left) if skip < len(batch) else None
            skip = max(0, skip - len(batch))
            if taken is None:
                continue
            left -= len(taken)
            yield taken
            if left <= 0:
                return
        skip = 0


def _group(file: Any, opened: Any, group: int, *, columns: list[str] | None, skip: int) -> Iterator[Any]:
    metadata = opened.metadata
    row_group = metadata.row_group(group)
    chunks = [row_group.column(place) for place in range(row_group.num_columns)]
    kept = set(columns) if columns is not None else None
    chosen = [
        chunk
        for chunk in chunks
        if kept is None or chunk.path_in_schema.split(".")[0] in kept or chunk.path_in_schema in kept
    ]
    in_one = sum(chunk.total_compressed_size for chunk in chosen) <= WHOLE_GROUP
    # Text columns stay dictionaries: a short dictionary of huge values would otherwise be written out once per row.
    texts = sorted(
        {
            chunk.path_in_schema
            for chunk in chosen
            if chunk.physical_type == "BYTE_ARRAY" and "." not in chunk.path_in_schema
        }
    )
    reader = pq.ParquetFile(
        file,
        metadata=metadata,
        read_dictionary=texts,
        coerce_int96_timestamp_unit="us",
        pre_buffer=in_one,
        buffer_size=0 if in_one else PAGE_BUFFER,
    )
    batch = BATCH if skip < 10_000 else 4096
    yield from reader.iter_batches(batch, row_groups=[group], columns=columns, use_threads=False)


def _reason(error: BaseException) -> Exception:
    if isinstance(error, PreviewError):
        return error
    if isinstance(error, MemoryError):
        return TooBig("A page of this Parquet file unpacks to more memory than a preview may use.")
    text = str(error).strip().split("\n")[0][:200]
    lower = text.lower()
    if "encrypt" in lower or "decrypt" in lower or "no decryptor" in lower:
        return EncryptedFile(ENCRYPTED)
    if isinstance(error, pa.ArrowNotImplementedError | NotImplementedError):
        return NoTable(f"This Parquet file uses something that cannot be read yet: {text}.")
    if "footer" in lower or "magic" in lower:
        return CorruptFile(
            "The Parquet footer is damaged or missing, so nothing in the file can be found. Was it sent whole?"
        )
    return CorruptFile(f"This Parquet file is damaged: {text}.")
