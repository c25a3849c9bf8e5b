"""How a column of Arrow is kept in a columnar copy: as a type that Parquet and DuckDB share, its values those that the
preview shows, else as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from preview.arrow_cells import Arrow
from preview.table import nested_text

ALL: Final = 1 << 60
MOST_LEAVES: Final = 500
"""Fields within one nested column; of more it is text."""
MOST_LEVELS: Final = 30
"""Levels of a nested column: DuckDB takes some memory for each, for every reader."""
DIGITS: Final = 38
"""Digits of the longest decimal that DuckDB has a type for."""

# pyarrow ships no types: an array or a data type is Any to mypy.
Array = Any
DataType = Any


@dataclass(frozen=True, slots=True)
class Stored:
    """The Arrow type of the stored column, what it stands for (a key of `tables.VALUES`, or ""), and how an array
    becomes one; `convert` raises pa.ArrowException where a value has no place in the type."""

    kind: DataType
    store: str
    convert: Callable[[Array], Array]


def stored_as(kind: DataType) -> Stored:
    """How a column of this type is kept."""
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            return TEXT
        return _after(stored_as(kind.storage_type), lambda array: array.storage)
    if pt.is_dictionary(kind):
        return _looked_up(stored_as(kind.value_type))
    if pt.is_run_end_encoded(kind):
        return _after(stored_as(kind.value_type), pc.run_end_decode)
    if pt.is_duration(kind):
        # Parquet has no spans of time; DuckDB's are of microseconds.
        unit = "ns" if kind.unit == "ns" else "us"
        return Stored(pa.int64(), f"duration_{unit}", lambda array: array.cast(pa.duration(unit)).view(pa.int64()))
    if _is_text(kind):
        return Stored(pa.large_string(), "", _texts)
    if pt.is_map(kind):
        return _map(kind)
    target = _shared(kind)
    if target is None or not is_storable(target) or not _takes(kind, target):
        return TEXT
    if pt.is_nested(target):
        return Stored(target, "", lambda array: _valid(array.cast(target)))
    return Stored(target, "", lambda array: array if array.type == target else array.cast(target))


def is_storable(kind: DataType) -> bool:
    """Whether Parquet and DuckDB have the nested type, of a bearable size, with its fields' own names."""
    return _depth(kind) <= MOST_LEVELS and _leaves(kind) <= MOST_LEAVES and _has_own_names(kind)


def _has_own_names(kind: DataType) -> bool:
    if pt.is_struct(kind):
        names = [kind.field(place).name for place in range(kind.num_fields)]
        # DuckDB tells no two names apart by case, and gives one that is empty another.
        return (
            0 < len({name.lower() for name in names}) == len(names)
            and all(name and "\0" not in name for name in names)
            and all(_has_own_names(kind.field(place).type) for place in range(kind.num_fields))
        )
    return _has_own_names(kind.value_type) if pt.is_list(kind) or pt.is_large_list(kind) else True


def text_of(array: Array) -> Array:
    """What the preview shows of each value, as text."""
    values = Arrow(cell=ALL).values(array)
    texts = [value if value is None or isinstance(value, str) else nested_text(value) for value in values]
    return pa.array(texts, pa.large_string())


TEXT: Final = Stored(pa.large_string(), "", text_of)


def _after(inner: Stored, first: Callable[[Array], Array]) -> Stored:
    return Stored(inner.kind, inner.store, lambda array: inner.convert(first(array)))


def _looked_up(inner: Stored) -> Stored:
    def convert(array: Array) -> Array:
        if len(array.dictionary) <= len(array):
            return inner.convert(array.dictionary).take(array.indices)
        return inner.convert(array.dictionary.take(array.indices))

    return Stored(inner.kind, inner.store, convert)


def _texts(array: Array) -> Array:
    try:
        return _valid(array.cast(pa.large_string()))
    except pa.ArrowInvalid:
        # Bytes that are no UTF-8, which the preview shows replaced.
        return text_of(array)


def _valid(array: Array) -> Array:
    """The array, whose texts DuckDB reads only where they are UTF-8. Raises pa.ArrowInvalid."""
    array.validate(full=True)
    return array


def _map(kind: DataType) -> Stored:
    key, item = _shared(kind.key_type), _shared(kind.item_type)
    if key is None or item is None or pt.is_nested(key) or not is_storable(item):
        return TEXT
    target = pa.map_(key, item)

    def convert(array: Array) -> Array:
        pairs = _valid(array.cast(target))
        first, last = (pairs.offsets[0].as_py(), pairs.offsets[-1].as_py()) if len(pairs) else (0, 0)
        keys = pairs.keys.slice(first, last - first)
        rows = np.repeat(np.arange(len(pairs)), np.diff(pairs.offsets.to_numpy()))
        together = pa.table([pa.array(rows), keys], names=["row", "key"])
        if keys.null_count or together.group_by(["row", "key"]).aggregate([]).num_rows < len(keys):
            raise pa.ArrowInvalid("DuckDB's maps have each key once")
        return pairs

    return Stored(target, "", convert) if _takes(kind, target) else TEXT


def _takes(kind: DataType, target: DataType) -> bool:
    """Whether pyarrow knows how to make one of the other."""
    try:
        pa.nulls(1, kind).cast(target)
    except (pa.ArrowException, NotImplementedError):
        return False
    return True


def _shared(kind: DataType) -> DataType | None:
    """The type of Parquet and DuckDB that holds exactly the values of `kind`, None where there is none."""
    if pt.is_null(kind):
        return pa.int32()
    if pt.is_float16(kind):
        return pa.float32()
    if pt.is_boolean(kind) or pt.is_integer(kind) or pt.is_floating(kind) or pt.is_date32(kind):
        return kind
    if pt.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale) if 0 <= kind.scale <= kind.precision <= DIGITS else None
    if _is_text(kind):
        return pa.large_string()
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind) or pt.is_fixed_size_binary(kind):
        return pa.large_binary()
    if pt.is_date64(kind):
        return pa.date32()
    if pt.is_time(kind):
        return pa.time32("ms") if pt.is_time32(kind) else kind
    if pt.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us", kind.tz)
    if pt.is_dictionary(kind):
        return _shared(kind.value_type)
    return _shared_nested(kind)


def _shared_nested(kind: DataType) -> DataType | None:
    if pt.is_struct(kind):
        parts = [(kind.field(place).name, _shared(kind.field(place).type)) for place in range(kind.num_fields)]
        if any(part is None for _, part in parts):
            return None
        return pa.struct(parts)
    if pt.is_list(kind) or pt.is_fixed_size_list(kind) or pt.is_list_view(kind):
        inner = _shared(kind.value_type)
        return None if inner is None else pa.list_(inner)
    if pt.is_large_list(kind) or pt.is_large_list_view(kind):
        inner = _shared(kind.value_type)
        return None if inner is None else pa.large_list(inner)
    return None


def _leaves(kind: DataType) -> int:
    if pt.is_struct(kind):
        return sum(_leaves(kind.field(place).type) for place in range(kind.num_fields))
    return _leaves(kind.value_type) if pt.is_list(kind) or pt.is_large_list(kind) else 1


def _depth(kind: DataType) -> int:
    if pt.is_struct(kind):
        return 1 + max((_depth(kind.field(place).type) for place in range(kind.num_fields)), default=0)
    return 1 + _depth(kind.value_type) if pt.is_list(kind) or pt.is_large_list(kind) else 0


def _is_text(kind: DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))
