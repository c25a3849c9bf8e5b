"""Parquet: the footer, then only the row groups, columns and pages that the rows asked for lie in."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from preview.arrow_cells import Arrow
from preview.errors import CorruptFile, EncryptedFile, NoTable, PreviewError, TooBig
from preview.limits import Limits
from preview.parquet_pages import CannotSlice, read_footer
from preview.parquet_slice import Slicer, leaves_of, taken
from preview.streams import RangeFile
from preview.table import Table, pick

WHOLE_GROUP: Final = 8 << 20
"""Bytes: the columns of a row group up to this size are fetched in few large requests; of larger ones only the pages
with the rows."""
WIDE_GROUP: Final = 128 << 20
SLICED_COLUMNS: Final = 500
"""Columns that are looked at page by page; of more, each has only a small part of a row group."""
MAGIC: Final = b"PAR1"
NO_FOOTER: Final = "The Parquet footer is damaged or missing, so nothing in the file can be found. Was it sent whole?"
TAIL: Final = 1 << 16
SIGNATURE: Final = 28
"""Bytes that follow a plaintext footer whose columns are encrypted (Parquet Modular Encryption, 5.5). pyarrow says
nothing of them, and crashes where such a column's metadata is looked at."""
ENCRYPTED: Final = "This Parquet file is encrypted, and the key is not in it, so its rows cannot be shown."
PAGE_BUFFER: Final = 1 << 18


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


def _read(file: RangeFile, *, rows: int, offset: int, limits: Limits, columns: Sequence[str] | None) -> Table:
    footer = _footer(file)
    # Everything that is asked of the metadata is answered from memory.
    opened = pq.ParquetFile(pa.BufferReader(MAGIC + footer + len(footer).to_bytes(4, "little") + MAGIC))
    metadata, schema = opened.metadata, opened.schema_arrow
    if len(footer) - metadata.serialized_size == SIGNATURE:
        raise EncryptedFile(ENCRYPTED)
    width = len(schema.names)
    if not width:
        raise NoTable("This Parquet file has no columns.")
    picked = pick(schema.names, limits, columns)
    notes = picked.notes
    source = _Source(file, footer, opened, picked.places)
    chunks, count = source.rows(rows=rows, offset=offset)
    arrow = Arrow(cell=limits.cell)
    cells = []
    for place, name in zip(picked.places, picked.names, strict=True):
        pieces = chunks[place]
        kind = schema.field(place).type
        column = arrow.cells(
            name, pieces[0] if len(pieces) == 1 else pa.chunked_array(pieces, kind if not pieces else None)
        )
        cells.append(column)
    if arrow.cut:
        notes.append(
            f"{arrow.cut:,} long {'value is' if arrow.cut == 1 else 'values are'} cut; download the file for the whole."
        )
    groups = metadata.num_row_groups
    read_as = ("Parquet", f"{groups:,} row group{'' if groups == 1 else 's'}", *_compression(metadata))
    return Table(
        cells,
        count,
        "parquet",
        read_as,
        metadata.num_rows,
        column_count=width,
        notes=notes,
        all_columns=picked.all_names,
    )


def _footer(file: RangeFile) -> bytes:
    """The metadata as it is written. Raises CorruptFile, EncryptedFile."""
    tail = file.read_at(max(0, file.size - TAIL), TAIL)
    if tail[-4:] == b"PARE":
        raise EncryptedFile(ENCRYPTED)
    length = int.from_bytes(tail[-8:-4], "little")
    if tail[-4:] != MAGIC or not 0 < length <= file.size - 12:
        raise CorruptFile(NO_FOOTER)
    if length + 8 <= len(tail):
        return tail[-8 - length : -8]
    before = file.read_at(file.size - 8 - length, length + 8 - len(tail))
    return before + tail[:-8]


def _compression(metadata: Any) -> tuple[str, ...]:
    if not metadata.num_row_groups or not metadata.row_group(0).num_columns:
        return ()
    name = str(metadata.row_group(0).column(0).compression).lower()
    return () if name == "uncompressed" else (name,)


class _Source:
    """The row groups of a file, and of its columns those to be shown, by their `places`."""

    def __init__(self, file: RangeFile, footer: bytes, opened: Any, places: list[int]) -> None:
        self._file, self._footer, self._opened, self._places = file, footer, opened, places
        self._metadata, self._names = opened.metadata, opened.schema_arrow.names

    def rows(self, *, rows: int, offset: int) -> tuple[dict[int, list[Any]], int]:
        """The arrays of each column, one after the other, and the number of rows in them."""
        found: dict[int, list[Any]] = {place: [] for place in self._places}
        begin = count = 0
        for group in range(self._metadata.num_row_groups):
            size = self._metadata.row_group(group).num_rows
            first, last = max(offset - begin, 0), min(offset + rows - begin, size)
            begin += size
            if first < last:
                count += last - first
                for place, pieces in self._group(group, first, last).items():
                    found[place] += pieces
            if begin >= offset + rows:
                break
        return found, count

    def _group(self, group: int, first: int, last: int) -> dict[int, list[Any]]:
        found = {}
        if len(self._places) <= SLICED_COLUMNS and self._size(group, self._places) > WHOLE_GROUP:
            # What cannot be sliced is read from its start.
            with contextlib.suppress(CannotSlice):
                found = self._sliced(group, first, last)
        rest = [place for place in self._places if place not in found]
        return {**found, **self._streamed(group, rest, first, last)} if rest else found

    def _sliced(self, group: int, first: int, last: int) -> dict[int, list[Any]]:
        leaves = leaves_of(read_footer(self._footer, group))
        slicer = Slicer(
            self._opened,
            self._file.read_many,
            group_rows=self._metadata.row_group(group).num_rows,
            first=first,
            last=last,
        )
        return slicer.read([leaves[place] for place in self._places if place in leaves])

    def _streamed(self, group: int, places: list[int], first: int, last: int) -> dict[int, list[Any]]:
        names = {self._names[place] for place in places}
        # pyarrow gives the columns in the file's order, and all of one name.
        given = [place for place, name in enumerate(self._names) if name in names]
        # Many columns of little each: they are everything between the first and the last.
        in_one = self._size(group, places) <= (WHOLE_GROUP if len(places) <= SLICED_COLUMNS else WIDE_GROUP)
        # Text columns stay dictionaries: a short dictionary of huge values would otherwise be written out once per row.
        texts = {
            chunk.path_in_schema
            for chunk in self._chunks(group, places)
            if chunk.physical_type == "BYTE_ARRAY" and "." not in chunk.path_in_schema and _is_looked_up(chunk)
        }
        reader = pq.ParquetFile(
            self._file,
            metadata=self._metadata,
            read_dictionary=sorted(texts),
            coerce_int96_timestamp_unit="us",
            pre_buffer=in_one,
            buffer_size=0 if in_one else PAGE_BUFFER,
        )
        columns = None if len(given) == len(self._names) else [self._names[place] for place in given]
        found: dict[int, list[Any]] = {place: [] for place in places}
        for batch in taken(reader, skip=first, rows=last - first, row_groups=[group], columns=columns):
            for place in places:
                found[place].append(batch.column(given.index(place)))
        return found

    def _size(self, group: int, places: list[int]) -> int:
        return sum(chunk.total_compressed_size for chunk in self._chunks(group, places))

    def _chunks(self, group: int, places: list[int]) -> list[Any]:
        row_group = self._metadata.row_group(group)
        chunks = [row_group.column(place) for place in range(row_group.num_columns)]
        if len(places) == len(self._names):
            return chunks
        names = {self._names[place] for place in places}
        return [
            chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] in names or chunk.path_in_schema in names
        ]


def _is_looked_up(chunk: Any) -> bool:
    """Whether the values stand in a dictionary; pyarrow makes none of those that a delta encoding follows."""
    encodings = chunk.encodings
    return any("DICTIONARY" in name for name in encodings) and not any("DELTA" in name for name in encodings)


def _reason(error: BaseException) -> Exception:
    if isinstance(error, PreviewError):
        return error
    if isinstance(error, MemoryError):
        return TooBig("A page of this Parquet file unpacks to more memory than a preview may use.")
    text = str(error).strip().split("\n")[0][:200].rstrip(".")
    lower = text.lower()
    if "encrypt" in lower or "decrypt" in lower or "no decryptor" in lower:
        return EncryptedFile(ENCRYPTED)
    if isinstance(error, pa.ArrowNotImplementedError | NotImplementedError):
        return NoTable(f"This Parquet file uses something that cannot be read yet: {text}.")
    if "footer" in lower or "magic" in lower:
        return CorruptFile(NO_FOOTER)
    return CorruptFile(f"This Parquet file is damaged: {text}.")
