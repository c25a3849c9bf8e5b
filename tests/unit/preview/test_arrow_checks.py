"""Arrays whose offsets or indices reach outside their values are refused before anything looks there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest

from preview.arrow_checks import check

GOOD: Final[dict[str, Callable[[], pa.Array]]] = {
    "text": lambda: pa.array(["a", None, "bb"]),
    "large text": lambda: pa.array(["a", None, "bb"], pa.large_string()),
    "text view": lambda: pa.array(["a", None, "b" * 30], pa.string_view()),
    "no UTF-8": lambda: pa.array([b"\xff", None, b"a"]).view(pa.string()),
    "list": lambda: pa.array([["a"], None, ["b", "c"]]),
    "fixed list": lambda: pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)),
    "list view": lambda: pa.array([[1, 2], None, [3, 4]], pa.list_view(pa.int8())),
    "map": lambda: pa.array([[("a", 1)], None, [("b", None)]], pa.map_(pa.string(), pa.int64())),
    "struct": lambda: pa.array([{"a": ["x"]}, None, {"a": None}]),
    "dictionary": lambda: pa.array(["x", None, "y"]).dictionary_encode(),
    "empty": lambda: pa.array([], pa.list_(pa.string())),
    "nulls": lambda: pa.nulls(3),
    "uuid": lambda: pa.array([b"0" * 16, None], pa.uuid()),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_sound_passes_whole_and_in_slices(name: str) -> None:
    array = GOOD[name]()
    for start in range(len(array) + 1):
        check(array.slice(start))


def broken(kind: Any, offsets: list[int], *values: pa.Buffer) -> pa.Array:
    return pa.Array.from_buffers(kind, len(offsets) - 1, [None, pa.py_buffer(np.array(offsets, np.int32)), *values])


def broken_list(offsets: list[int], values: pa.Array) -> pa.Array:
    buffers = [None, pa.py_buffer(np.array(offsets, np.int32))]
    return pa.Array.from_buffers(pa.list_(values.type), len(offsets) - 1, buffers, children=[values])


BAD: Final[dict[str, Callable[[], pa.Array]]] = {
    "back and forth": lambda: broken(pa.string(), [0, 900, 3], pa.py_buffer(b"abc")),
    "negative": lambda: broken(pa.binary(), [0, -5, 3], pa.py_buffer(b"abc")),
    "too far": lambda: broken(pa.string(), [0, 1, 400], pa.py_buffer(b"abc")),
    "list": lambda: broken_list([0, 70, 2], pa.array(["a", "b"])),
    "inside a list": lambda: broken_list([0, 1, 2], broken(pa.string(), [0, 900, 3], pa.py_buffer(b"abc"))),
    "inside a struct": lambda: pa.StructArray.from_arrays(
        [broken(pa.string(), [0, 900, 3], pa.py_buffer(b"abc"))], ["a"]
    ),
    "dictionary index": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 7], pa.int8()), pa.array(["a"]), safe=False
    ),
    "dictionary value": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 1], pa.int8()), broken(pa.string(), [0, 900, 3], pa.py_buffer(b"abc")), safe=False
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_reaches_outside_is_refused(name: str) -> None:
    with pytest.raises(pa.ArrowInvalid):
        check(BAD[name]())
