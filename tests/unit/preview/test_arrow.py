"""Arrow IPC files and streams (Feather v2)."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pytest

from preview.arrow_cells import Arrow
from preview.errors import CorruptFile, NoTable
from preview.limits import Limits
from preview.reader import read
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import look, types_of

TABLE = pa.table({"n": range(10_000), "s": [f"s{n}" for n in range(10_000)]})


def ipc(table: pa.Table, *, stream: bool = False, batch: int = 1000, **options: Any) -> bytes:
    out = io.BytesIO()
    make = pa.ipc.new_stream if stream else pa.ipc.new_file
    with make(out, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=batch)
    return out.getvalue()


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("offset", [0, 999, 4_500, 9_950, 10_000])
def test_rows_of_a_file_at_any_offset(compression: str | None, offset: int) -> None:
    preview = look(ipc(TABLE, compression=compression), "x.arrow", offset=offset)
    expected = [[row["n"], row["s"]] for row in TABLE.slice(offset, 100).to_pylist()]
    assert (preview.json_rows(), preview.total_rows, preview.partial) == (expected, 10_000, False)


def test_only_the_batches_asked_for_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "x.arrow").write_bytes(ipc(pa.table({"n": range(1_000_000)}), batch=50_000))
    with serving(tmp_path) as server:
        source = server.source("x.arrow")
        assert read(source, rows=2, offset=500_000, limits=Limits()).cells[0].values == [500_000, 500_001]
        assert server.sent < source.size * 0.2


def test_a_stream_is_entered_at_the_batch_and_counted() -> None:
    data = ipc(TABLE, stream=True)
    first = look(data, "x.arrows")
    assert (first.json_rows()[0], first.total_rows, first.partial) == ([0, "s0"], 10_000, False)
    last = look(data, "x.arrows", offset=9_990)
    assert (last.json_rows()[0], len(last.json_rows()), last.total_rows) == ([9_990, "s9990"], 10, 10_000)
    chosen = look(gzip.compress(data), "x.arrows.gz", offset=9_990)
    assert (chosen.json_rows(), chosen.total_rows) == (last.json_rows(), 10_000)
    assert look(data, "x.arrows", offset=20_000).json_rows() == []


def test_a_stream_of_many_batches_is_counted_where_its_end_is_near() -> None:
    data = ipc(TABLE, stream=True, batch=50)
    first = look(data, "x.arrows")
    assert (first.json_rows()[0], first.total_rows, first.partial) == ([0, "s0"], None, True)
    last = look(data, "x.arrows", offset=9_930)
    assert (last.json_rows()[0], len(last.json_rows()), last.total_rows) == ([9_930, "s9930"], 70, 10_000)


def test_a_stream_that_ends_early_shows_what_is_whole() -> None:
    data = ipc(TABLE, stream=True, batch=1000)
    first = look(data[: len(data) // 2], "x.arrows")
    assert (first.json_rows()[99], first.total_rows) == ([99, "s99"], None)
    with pytest.raises(CorruptFile):
        look(data[: len(data) // 2], "x.arrows", offset=9_000)


def test_dictionaries_of_a_stream_come_along() -> None:
    text = pa.array([f"kind {n % 7}" for n in range(10_000)]).dictionary_encode()
    data = ipc(pa.table({"id": range(10_000), "kind": text}), stream=True, batch=1000)
    assert look(data, "x.arrows", offset=8_500, rows=1).json_rows() == [[8_500, "kind 2"]]


def test_of_a_stream_only_the_batches_asked_for_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "x.arrows").write_bytes(ipc(pa.table({"n": range(1_000_000)}), stream=True, batch=50_000))
    with serving(tmp_path) as server:
        source = server.source("x.arrows")
        table = read(source, rows=2, offset=500_000, limits=Limits())
        assert (table.cells[0].values, table.total_rows) == ([500_000, 500_001], 1_000_000)
        assert server.sent < source.size * 0.2


def test_feather_v2_is_arrow() -> None:
    out = io.BytesIO()
    pyarrow.feather.write_feather(TABLE, out)
    preview = look(out.getvalue(), "x.feather")
    assert (preview.format, preview.read_as[:2], preview.total_rows) == ("arrow", ("Arrow", "IPC file"), 10_000)


def test_types_parquet_does_not_have() -> None:
    dense = pa.UnionArray.from_dense(
        pa.array([0, 1], pa.int8()), pa.array([0, 0], pa.int32()), [pa.array([5]), pa.array(["x"])]
    )
    columns = {
        "view": pa.array(["long enough not to be inlined", None], pa.string_view()),
        "bview": pa.array([b"ab", None], pa.binary_view()),
        "large": pa.array([["a"], None], pa.large_list(pa.large_string())),
        "lview": pa.array([[1], [2, 3]], pa.list_view(pa.int64())),
        "ree": pa.RunEndEncodedArray.from_arrays([2], ["r"]),
        "union": dense,
        "interval": pa.array([(1, 2, 3_000_000_000), None], pa.month_day_nano_interval()),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"\x01" * 16, None], pa.binary(16))),
    }
    table = pa.table(columns)
    arrow = Arrow(cell=100)
    shown = {name: arrow.cells(name, table[name]) for name in columns}
    assert {name: cells.values for name, cells in shown.items()} == {
        "view": ["long enough not to be inlined", None],
        "bview": ["YWI=", None],
        "large": [["a"], None],
        "lview": [[1], [2, 3]],
        "ree": ["r", "r"],
        "union": [5, "x"],
        "interval": ["P1M2DT3S", None],
        "uuid": ["01010101-0101-0101-0101-010101010101", None],
    }
    assert {name: cells.type for name, cells in shown.items()}["ree"] == "string"


def test_bytes_that_are_no_utf8_show_a_replacement() -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")])
    assert Arrow(cell=100).values(broken) == ["a\ufffd"]


def test_long_values_and_lists_are_cut() -> None:
    arrow = Arrow(cell=100)
    assert arrow.values(pa.array(["x" * 200])) == ["x" * 99 + "…"]
    assert len(str(arrow.values(pa.array([b"x" * 200]))[0])) == 100
    assert len(arrow.values(pa.array([list(range(20_000))]))[0]) == 10_000  # type: ignore[arg-type]
    assert arrow.cut == 3


def test_slices_of_nested_arrays_keep_their_place() -> None:
    array = pa.array([[{"a": n}] for n in range(10)]).slice(4, 2)
    assert Arrow(cell=100).values(array) == [[{"a": 4}], [{"a": 5}]]
    pairs = pa.array([[(f"k{n}", n)] for n in range(10)], pa.map_(pa.string(), pa.int64())).slice(4, 2)
    assert Arrow(cell=100).values(pairs) == [{"k4": 4}, {"k5": 5}]


def test_the_first_feather_is_called_by_its_name() -> None:
    with pytest.raises(NoTable, match="Feather of the first version"):
        look(b"FEA1" + bytes(100) + b"FEA1", "x.feather")


@pytest.mark.parametrize("cut", [20, 1000, -20])
def test_a_damaged_file_says_so(cut: int) -> None:
    with pytest.raises(CorruptFile, match="Arrow file is damaged"):
        look(ipc(TABLE)[:cut], "x.arrow")


def test_the_columns_of_a_wide_file_are_bounded() -> None:
    table = pa.table({f"c{n}": [n] for n in range(1200)})
    preview = look(ipc(table), "x.arrow", rows=1000)
    assert (preview.column_count, len(types_of(preview))) == (1200, 1000)
