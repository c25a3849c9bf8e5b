"""A Parquet file of any size that takes little room on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from preview.thrift import I32, LIST, STRUCT, Reader, fields, integer, items

GROUPS: Final = 4
COLUMNS: Final = 1
META: Final = 3
GROUP_OFFSETS: Final = frozenset({5})
CHUNK_OFFSETS: Final = frozenset({2, 4, 6})
META_OFFSETS: Final = frozenset({9, 10, 11, 14})
"""Fields of parquet.thrift's FileMetaData, RowGroup, ColumnChunk and ColumnMetaData that tell places in the file."""

Change = Callable[[int, Reader, int], bytes | None]
"""Number of a field, a reader at its value, and its kind → the value to write, None for the same."""


def sparse_parquet(path: Path, model: Path, *, size: int) -> None:
    """The row groups of `model` spread evenly over a file of `size` bytes, with holes between them."""
    whole = model.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    footer, data = whole[-8 - length : -8], whole[: -8 - length]
    starts = _group_starts(footer)
    hole = (size - len(whole)) // len(starts)
    with path.open("wb") as file:
        for number, (begin, end) in enumerate(zip(starts, [*starts[1:], len(data)], strict=True)):
            file.seek(begin + number * hole)
            file.write(data[begin:end])
        file.seek(0)
        file.write(data[: starts[0]])
        shifted = _shifted(footer, hole)
        file.seek(size - len(shifted) - 8)
        file.write(shifted + len(shifted).to_bytes(4, "little") + whole[-4:])


def _group_starts(footer: bytes) -> list[int]:
    starts = []
    for group in Reader(footer).value(STRUCT)[GROUPS]:
        metas = [chunk[META] for chunk in group[COLUMNS]]
        starts.append(min(offset for meta in metas for offset in (meta.get(11), meta[9]) if offset))
    return starts


def _shifted(footer: bytes, hole: int) -> bytes:
    """The footer with the places of each row group `hole` bytes further on than those of the one before it."""

    def place(by: int, reader: Reader, kind: int) -> bytes:
        # 0 stands for a place that is not used.
        value = reader.value(kind)
        return integer(value + by if value else 0)

    def meta(by: int) -> Change:
        return lambda number, reader, kind: place(by, reader, kind) if number in META_OFFSETS else None

    def chunk(by: int) -> Change:
        def change(number: int, reader: Reader, kind: int) -> bytes | None:
            if number == META:
                return _copy(reader, meta(by))
            return place(by, reader, kind) if number in CHUNK_OFFSETS and kind > I32 else None

        return change

    def group(by: int) -> Change:
        def change(number: int, reader: Reader, kind: int) -> bytes | None:
            if number == COLUMNS:
                count, inner = reader.items()
                return items(inner, [_copy(reader, chunk(by)) for _ in range(count)])
            return place(by, reader, kind) if number in GROUP_OFFSETS else None

        return change

    def file(number: int, reader: Reader, kind: int) -> bytes | None:
        if number != GROUPS or kind != LIST:
            return None
        count, inner = reader.items()
        return items(inner, [_copy(reader, group(position * hole)) for position in range(count)])

    return _copy(Reader(footer), file)


def _copy(reader: Reader, change: Change) -> bytes:
    """A struct, with some of its fields changed."""
    copied = []
    for number, kind in reader.fields():
        begin = reader.position
        value = change(number, reader, kind)
        if value is None:
            reader.position = begin
            reader.skip(kind)
            value = reader.data[begin : reader.position]
        copied.append((number, kind, value))
    return fields(*copied)
