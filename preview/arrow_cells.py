"""Arrow arrays as JSON values: exact, without going through types that overflow, and without unfolding what nobody
sees.

A dictionary is decoded value by value and its values are shared; a list is cut to `LONGEST_LIST` elements before it is
converted, so that a small file cannot become a large answer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from preview.moments import clock_writer, date_writer, duration_writer, interval_text, moment_writer
from preview.result import JsonValue
from preview.table import Cells, clean, number, real

LONGEST_LIST: Final = 10_000

# pyarrow ships no types: an array or a data type is Any to mypy.
Array = Any
DataType = Any


class Arrow:
    """Converts columns for one preview; `cell` is the longest text or byte string kept, `cut` counts what was
    shortened.
    """

    def __init__(self, *, cell: int) -> None:
        self.cut = 0
        self._cell = cell
        # Where one cell may be as long as all the text of a preview, so may its list.
        self._elements = max(LONGEST_LIST, cell // 10)

    def cells(self, name: str, column: Array) -> Cells:
        """A column of a table or record batch."""
        chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        values: list[JsonValue] = []
        for chunk in chunks:
            values.extend(self.values(chunk))
        return Cells(name, type_name(column.type), values)

    def values(self, array: Array) -> list[JsonValue]:
        """One JSON value per element."""
        kind = array.type
        if isinstance(kind, pa.BaseExtensionType):
            if kind.extension_name == "arrow.uuid":
                return [None if value is None else str(value) for value in array.to_pylist()]
            return self.values(array.storage)
        for holds, convert in self._converters():
            if holds(kind):
                return convert(array)
        return [None if value is None else clean(str(value)) for value in array.to_pylist()]

    def _converters(self) -> tuple[tuple[Callable[[DataType], bool], Callable[[Array], list[JsonValue]]], ...]:
        return (
            (pt.is_null, lambda array: [None] * len(array)),
            (pt.is_boolean, lambda array: array.to_pylist()),
            (pt.is_integer, lambda array: _each(number, array.to_pylist())),
            (pt.is_floating, lambda array: _each(real, _floats(array))),
            (pt.is_decimal, lambda array: _each(lambda value: format(value, "f"), array.to_pylist())),
            (_is_text, self._texts),
            (_is_bytes, self._bytes),
            (pt.is_date, lambda array: _each(date_writer(_per_day(array.type)), _integers(array))),
            (pt.is_time, lambda array: _each(clock_writer(array.type.unit), _integers(array))),
            (pt.is_timestamp, lambda array: _each(moment_writer(array.type.unit, array.type.tz), _integers(array))),
            (pt.is_duration, lambda array: _each(duration_writer(array.type.unit), _integers(array))),
            (pt.is_interval, lambda array: _each(interval_text, array.to_pylist())),
            (pt.is_dictionary, self._dictionary),
            (pt.is_run_end_encoded, lambda array: self.values(pc.run_end_decode(array))),
            (pt.is_map, self._map),
            (_is_list, self._list),
            (pt.is_struct, self._struct),
            (pt.is_union, self._union),
        )

    def _texts(self, array: Array) -> list[JsonValue]:
        if pt.is_string_view(array.type):
            array = array.cast(pa.large_string())
        try:
            texts = array.to_pylist()
        except UnicodeDecodeError:
            raw = array.cast(pa.large_binary() if pt.is_large_string(array.type) else pa.binary()).to_pylist()
            texts = [None if value is None else value.decode("utf-8", "replace") for value in raw]
        return [self._short(text) for text in texts]

    def _short(self, text: str | None) -> JsonValue:
        if text is None or len(text) <= self._cell:
            return text
        self.cut += 1
        return text[: self._cell - 1] + "…"

    def _bytes(self, array: Array) -> list[JsonValue]:
        if pt.is_binary_view(array.type):
            array = array.cast(pa.large_binary())
        longest = self._cell // 4 * 3
        result: list[JsonValue] = []
        for place in range(len(array)):
            buffer = array[place].as_buffer() if array[place].is_valid else None
            if buffer is not None and buffer.size > longest:
                self.cut += 1
                buffer = buffer.slice(0, longest)
            result.append(None if buffer is None else base64.b64encode(buffer).decode("ascii"))
        return result

    def _dictionary(self, array: Array) -> list[JsonValue]:
        indices = array.indices.to_pylist()
        used = sorted({index for index in indices if index is not None})
        values = dict(zip(used, self.values(array.dictionary.take(pa.array(used, pa.int64()))), strict=True))
        return [None if index is None else values[index] for index in indices]

    def _list(self, array: Array) -> list[JsonValue]:
        lengths = [length or 0 for length in pc.list_value_length(array).to_pylist()]
        if lengths and max(lengths) > self._elements:
            self.cut += sum(length > self._elements for length in lengths)
            array = pc.list_slice(array, 0, self._elements, return_fixed_size_list=False)
            lengths = [min(length, self._elements) for length in lengths]
        valid = array.is_valid().to_pylist()
        items = self.values(array.flatten())
        result: list[JsonValue] = []
        position = 0
        for length, present in zip(lengths, valid, strict=True):
            if not present:
                result.append(None)
                continue
            result.append(items[position : position + length])
            position += length
        return result

    def _map(self, array: Array) -> list[JsonValue]:
        # As an object where the keys allow it, else as pairs; a repeated key would lose a value.
        plain = array.cast(pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)])))
        result: list[JsonValue] = []
        for entries in self._list(plain):
            if not isinstance(entries, list):
                result.append(None)
                continue
            pairs = [(entry["key"], entry["value"]) for entry in entries if isinstance(entry, dict)]
            keys = [key for key, _ in pairs if isinstance(key, str)]
            if len(set(keys)) == len(pairs):
                result.append({str(key): value for key, value in pairs})
            else:
                result.append([[key, value] for key, value in pairs])
        return result

    def _struct(self, array: Array) -> list[JsonValue]:
        names = [array.type.field(place).name for place in range(array.type.num_fields)]
        apart = names if len(set(names)) == len(names) else [f"{name}_{place}" for place, name in enumerate(names, 1)]
        columns = [self.values(part) for part in array.flatten()]
        valid = array.is_valid().to_pylist()
        rows = zip(*columns, strict=True) if columns else [()] * len(array)
        return [
            dict(zip(apart, row, strict=True)) if present else None for row, present in zip(rows, valid, strict=True)
        ]

    def _union(self, array: Array) -> list[JsonValue]:
        result: list[JsonValue] = []
        for scalar in array:
            value = scalar.value if scalar.is_valid else None
            result.append(None if value is None else self.values(pa.repeat(value, 1))[0])
        return result


def type_name(kind: DataType) -> str:
    """One of `result.TYPES` for an Arrow type."""
    if isinstance(kind, pa.BaseExtensionType):
        return "string" if kind.extension_name == "arrow.uuid" else type_name(kind.storage_type)
    if pt.is_dictionary(kind) or pt.is_run_end_encoded(kind):
        return type_name(kind.value_type)
    for name, holds in TYPE_NAMES:
        if holds(kind):
            return name
    return "string"


def _is_text(kind: DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _is_bytes(kind: DataType) -> bool:
    return bool(
        pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind) or pt.is_binary_view(kind)
    )


def _is_list(kind: DataType) -> bool:
    return bool(
        pt.is_list(kind)
        or pt.is_large_list(kind)
        or pt.is_fixed_size_list(kind)
        or pt.is_list_view(kind)
        or pt.is_large_list_view(kind)
    )


def _is_span(kind: DataType) -> bool:
    return bool(pt.is_duration(kind) or pt.is_interval(kind))


TYPE_NAMES: Final[tuple[tuple[str, Callable[[DataType], bool]], ...]] = (
    ("null", pt.is_null),
    ("boolean", pt.is_boolean),
    ("integer", pt.is_integer),
    ("float", pt.is_floating),
    ("decimal", pt.is_decimal),
    ("string", _is_text),
    ("binary", _is_bytes),
    ("date", pt.is_date),
    ("time", pt.is_time),
    ("timestamp", pt.is_timestamp),
    ("duration", _is_span),
    ("map", pt.is_map),
    ("list", _is_list),
    ("struct", pt.is_struct),
    ("struct", pt.is_union),
)


def _each(convert: Callable[[Any], JsonValue], values: list[Any]) -> list[JsonValue]:
    return [None if value is None else convert(value) for value in values]


def _floats(array: Array) -> list[float | None]:
    if pt.is_float16(array.type):
        array = array.cast(pa.float32())
    values: list[float | None] = array.to_pylist()
    return values


def _integers(array: Array) -> list[int | None]:
    wide = pa.int32() if array.type.bit_width == 32 else pa.int64()
    values: list[int | None] = array.view(wide).to_pylist()
    return values


def _per_day(kind: DataType) -> int:
    return 1 if pt.is_date32(kind) else 86_400_000
