"""Whether an Arrow array out of a file stays within its own buffers: pyarrow trusts the offsets it is given, and one
that lies reads (or crashes on) memory that is not the file's.

`validate(full=True)` would look at all of a batch, of which only the rows shown are otherwise touched, and refuses text
that is no UTF-8, which is shown with replacements.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

# pyarrow ships no types: an array or a data type is Any to mypy.
Array = Any

_WIDE: Final = (pt.is_large_string, pt.is_large_binary, pt.is_large_list)


def check(array: Array) -> None:
    """Raises pa.ArrowInvalid for an array, maybe a slice, that reaches outside its buffers or its dictionary."""
    array.validate()
    _check(array)


def _check(array: Array) -> None:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        _check(array.storage)
    elif pt.is_string(kind) or pt.is_binary(kind) or pt.is_large_string(kind) or pt.is_large_binary(kind):
        data = array.buffers()[2]
        _bounds(array, 0 if data is None else data.size)
    elif pt.is_map(kind):
        first, last = _bounds(array, min(len(array.keys), len(array.items)))
        _check(array.keys.slice(first, last - first))
        _check(array.items.slice(first, last - first))
    elif pt.is_list(kind) or pt.is_large_list(kind):
        first, last = _bounds(array, len(array.values))
        _check(array.values.slice(first, last - first))
    elif pt.is_fixed_size_list(kind):
        _check(array.values.slice(array.offset * kind.list_size, len(array) * kind.list_size))
    elif pt.is_struct(kind):
        for place in range(kind.num_fields):
            _check(array.field(place))
    elif pt.is_dictionary(kind):
        span = pc.min_max(array.indices)
        low, high = span["min"].as_py(), span["max"].as_py()
        if low is not None and not 0 <= low <= high < len(array.dictionary):
            raise pa.ArrowInvalid("an index lies outside its dictionary")
        check(array.dictionary)
    elif not (pt.is_primitive(kind) or pt.is_null(kind) or pt.is_decimal(kind) or pt.is_fixed_size_binary(kind)):
        _check_all(array)


def _bounds(array: Array, size: int) -> tuple[int, int]:
    """The first and the last offset of an array, none of whose offsets go backwards or past `size`."""
    width = np.dtype(np.int64 if any(holds(array.type) for holds in _WIDE) else np.int32)
    buffer, start = array.buffers()[1], array.offset * width.itemsize
    if not len(array) and (buffer is None or buffer.size < start + width.itemsize):
        return 0, 0
    offsets = np.frombuffer(buffer, width, len(array) + 1, start)
    if offsets[0] < 0 or offsets[-1] > size or bool((offsets[1:] < offsets[:-1]).any()):
        raise pa.ArrowInvalid("an offset lies outside its values")
    return int(offsets[0]), int(offsets[-1])


def _check_all(array: Array) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        if "utf8" not in str(error).lower():
            raise
