"""Arrow becomes a columnar copy batch by batch: every type with the preview's name and values, nothing trusted."""

from __future__ import annotations

import errno
import gzip
import json
import uuid
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import zstandard

from preview import ipc_batches
from preview.arrow_cells import Arrow
from preview.engine import arrow_copy, row_groups
from preview.engine.connect import connect
from preview.engine.row_groups import RowGroups
from preview.engine.tables import open_table
from preview.errors import CorruptFile, SourceUnavailable, TooBig, WrongReadAs
from preview.ipc_batches import batches_of
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.streams import RangeFile
from tests.unit.preview.engine.at_hand import LIMITS, MEMORY, copies_in, data_at, opened
from tests.unit.preview.reading import look_at, types_of

NOT_UTF8 = pa.Array.from_buffers(pa.string(), 3, pa.array([b"\xff\xfe", None, b"ok"]).buffers())
LABELS = pa.array([0, None, 0], pa.int8())

AS_THEY_ARE = {
    "int8": pa.array([1, None, -128], pa.int8()),
    "uint64": pa.array([2**64 - 1, None, 0], pa.uint64()),
    "float16": pa.array([1.5, None, 2.0], pa.float16()),
    "float32": pa.array([0.1, None, float("nan")], pa.float32()),
    "decimal32": pa.array([Decimal("1.1"), None, Decimal(0)], pa.decimal32(5, 1)),
    "decimal128": pa.array([Decimal("1.10"), None, Decimal("-12345678901234567890.12")], pa.decimal128(38, 2)),
    "decimal256": pa.array([Decimal("1.10"), None, Decimal("-1.20")], pa.decimal256(38, 2)),
    "large decimal": pa.array([Decimal("1.10"), None, Decimal("-" + "1" * 50 + ".12")], pa.decimal256(60, 2)),
    "tiny decimal": pa.array([Decimal("1E-9"), None, Decimal(0)], pa.decimal256(50, 12)),
    "negative scale": pa.array([Decimal(100), None, Decimal(-1200)], pa.decimal128(10, -2)),
    "string": pa.array(["ä", "", None]),
    "large string": pa.array(["ä", "", None], pa.large_string()),
    "string view": pa.array(["ä" * 20, "", None], pa.string_view()),
    "no utf8": NOT_UTF8,
    "binary": pa.array([b"\0\xff", None, b""]),
    "binary view": pa.array([b"\0" * 30, None, b""], pa.binary_view()),
    "fixed binary": pa.array([b"abcd", None, b"\0\0\0\0"], pa.binary(4)),
    "date32": pa.array([date(2024, 2, 29), None, date(1, 1, 1)]),
    "date64": pa.array([date(2024, 2, 29), None, date(1900, 1, 1)], pa.date64()),
    "date64 within a day": pa.Array.from_buffers(pa.date64(), 3, pa.array([86_400_001, -1, 5]).buffers()),
    "time32 s": pa.array([time(1, 2, 3), None, time(23, 59)], pa.time32("s")),
    "time32 ms": pa.array([1, None, 5], pa.time32("ms")),
    "time64 us": pa.array([time(1, 2, 3, 4), None, time(23, 59)], pa.time64("us")),
    "time64 ns": pa.array([1, None, 86_399_999_999_999], pa.time64("ns")),
    **{f"timestamp {unit}": pa.array([1, None, -5], pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    **{f"zoned {unit}": pa.array([1, None, -5], pa.timestamp(unit, "UTC")) for unit in ("s", "ns")},
    "far timestamp": pa.array([2**60, None, -5], pa.timestamp("s")),
    "far duration": pa.array([2**60, None, -5], pa.duration("s")),
    "interval": pa.array([(1, 2, 3), None, (0, 0, 5_000_000_000)], pa.month_day_nano_interval()),
    "dictionary": pa.array(["x", None, "x"]).dictionary_encode(),
    "dictionary of decimals": pa.array([Decimal("1.1"), None, Decimal("1.1")]).dictionary_encode(),
    "dictionary of no utf8": pa.DictionaryArray.from_arrays(LABELS, NOT_UTF8),
    "runs": pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["a", None])),
    "null": pa.nulls(3),
    "boolean": pa.array([True, None, False]),
    "uuid": pa.array([uuid.UUID(int=5).bytes, None, uuid.UUID(int=9).bytes], pa.uuid()),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    "list": pa.array([["a", None], [], None]),
    "large list": pa.array([["a", None], [], None], pa.large_list(pa.string())),
    "fixed list": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
    "list of dates": pa.array([[date(2024, 1, 1)], None, []]),
    "list of floats": pa.array([[float("nan"), 1.0], None, []]),
    "list of nothing": pa.array([[None], None, []], pa.list_(pa.null())),
    "struct": pa.array([{"k": 1, "v": "x"}, None, {"k": None, "v": ""}]),
    "deep": pa.array([[{"a": [[1], []], "b": {"c": "x"}}], None, []]),
    "map": pa.array([[("a", 1), ("b", None)], [], None], pa.map_(pa.string(), pa.int64())),
    "map of numbers": pa.array([[(1, "x"), (2, None)], [], None], pa.map_(pa.int64(), pa.string())),
}
AS_TEXT = {
    "list view": pa.array([[1, 2], None, []], pa.list_view(pa.int32())),
    "list of spans": pa.array([[1], None, []], pa.list_(pa.duration("s"))),
    "list of large decimals": pa.array([[Decimal("1.10")], None, []], pa.list_(pa.decimal256(60, 2))),
    "list of maps": pa.array([[[("a", 1)]], [], None], pa.list_(pa.map_(pa.string(), pa.int64()))),
    "list of no utf8": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), NOT_UTF8),
    "fields alike": pa.array([{"k": 1, "K": "x"}, None, {"k": None, "K": ""}]),
    "no field": pa.array([{}, None, {}], pa.struct([])),
    "no name": pa.array([{"": 1}, None, {"": 2}]),
    "a key twice": pa.array([[("a", 1), ("a", 2)], [], None], pa.map_(pa.string(), pa.int64())),
    "union": pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array([[1], [2], [3]])]
    ),
}


def written(path: Path, table: pa.Table, how: str, *, rows: int = 2, compression: str | None = None) -> str:
    """Write a table as Arrow; gives the name of such a file."""
    new = pa.ipc.new_stream if how.startswith("stream") else pa.ipc.new_file
    sink = pa.BufferOutputStream()
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table, max_chunksize=rows)
    data = sink.getvalue().to_pybytes()
    packers: dict[str, Any] = {"gz": gzip.compress, "zst": zstandard.compress}
    ending = how.partition(".")[2]
    path.write_bytes(packers[ending](data) if ending else data)
    return f"x.arrow.{ending}" if ending else "x.arrow"


def values_in(engine: Any) -> list[list[Any]]:
    return [Arrow(cell=10**9).cells("", column).values for column in engine.con.sql("FROM data").to_arrow_table()]


def plain(values: list[Any]) -> list[Any]:
    """Numbers of any size alike: JSON writes large ones as text."""
    return [str(value) if isinstance(value, int) and not isinstance(value, bool) else value for value in values]


@pytest.mark.parametrize("how", ["file", "stream", "file.gz", "stream.gz", "file.zst", "stream.zst"])
def test_every_type_has_the_values_of_the_preview(tmp_path: Path, how: str) -> None:
    path = tmp_path / "stored"
    name = written(path, pa.table(AS_THEY_ARE), how)
    shown = look_at(path, name=name)
    with opened(tmp_path, data_at(path, name=name)) as (engine, table):
        assert {column.name: column.type for column in table.columns} == types_of(shown)
        assert (table.rows, table.format, table.read_as) == (3, shown.format, shown.read_as)
        found = values_in(engine)
    for place, column in enumerate(shown.columns):
        assert plain(found[place]) == plain([row[place] for row in shown.json_rows()]), column.name


@pytest.mark.parametrize("how", ["file", "stream.gz"])
def test_what_duckdb_has_no_type_for_is_text(tmp_path: Path, how: str) -> None:
    path = tmp_path / "stored"
    name = written(path, pa.table(AS_TEXT), how)
    shown = look_at(path, name=name)
    with opened(tmp_path, data_at(path, name=name)) as (engine, table):
        assert {column.name: column.type for column in table.columns} == types_of(shown)
        assert {column.kind for column in table.columns} == {"VARCHAR"}
        found = [[None if value is None else json.loads(value) for value in column] for column in values_in(engine)]
    for place, column in enumerate(shown.columns):
        assert found[place] == [row[place] for row in shown.json_rows()], column.name


def test_spans_and_moments_are_such(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    spans = [timedelta(days=1, seconds=2), None, timedelta(seconds=-5)]
    table = pa.table(
        {
            **{unit: pa.array(spans, pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
            "there": pa.array([0, None, 1], pa.timestamp("s", "Europe/Berlin")),
        }
    )
    with opened(tmp_path, data_at(path, name=written(path, table, "file"))) as (engine, opened_table):
        assert [column.kind for column in opened_table.columns] == ["INTERVAL"] * 4 + ["TIMESTAMP WITH TIME ZONE"]
        assert engine.con.execute("SELECT s, ms, us, ns FROM data").fetchall() == [(span,) * 4 for span in spans]
        assert engine.con.execute("SELECT epoch(there) FROM data").fetchall() == [(0,), (None,), (1,)]


def test_a_value_without_a_place_further_on_makes_the_column_text(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    table = pa.table(
        {
            "at": pa.array([1, 2, 2**60, 3], pa.timestamp("s")),
            "map": pa.array([[("a", 1)], [], [("a", 1), ("a", 2)], None], pa.map_(pa.string(), pa.int64())),
            "n": [1, 2, 3, 4],
        }
    )
    with opened(tmp_path, data_at(path, name=written(path, table, "file", rows=1))) as (engine, opened_table):
        assert [column.kind for column in opened_table.columns] == ["VARCHAR", "VARCHAR", "BIGINT"]
        assert [column.type for column in opened_table.columns] == ["timestamp", "map", "integer"]
        assert engine.con.execute("FROM data LIMIT 1").fetchall() == [("1970-01-01T00:00:01", '{"a": 1}', 1)]
        assert engine.con.execute("SELECT map FROM data OFFSET 2 LIMIT 1").fetchall() == [('[["a", 1], ["a", 2]]',)]


def test_row_groups_are_of_many_batches_and_of_parts_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_groups, "GROUP_CELLS", 100)
    path = tmp_path / "stored"
    table = pa.table({"n": range(1000)})
    for rows in (7, 1000):
        name = written(path, table, "file", rows=rows)
        with opened(tmp_path / str(rows), data_at(path, name=name)) as (engine, _):
            assert engine.con.execute("FROM data").fetchall() == [(n,) for n in range(1000)]
        (copy,) = (tmp_path / str(rows) / "copies").glob("*.parquet")
        sizes = [pq.ParquetFile(copy).metadata.row_group(group).num_rows for group in range(3)]
        assert sizes == ([105] * 3 if rows == 7 else [100] * 3)


def test_rows_that_take_much_make_small_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (row_groups, arrow_copy):
        monkeypatch.setattr(module, "GROUP_BYTES", 10_000)
    path = tmp_path / "stored"
    table = pa.table({"text": [str(n) * 500 for n in range(100)]})
    with opened(tmp_path, data_at(path, name=written(path, table, "file", rows=100))) as (engine, _):
        assert engine.con.execute("SELECT count(DISTINCT text) FROM data").fetchall() == [(100,)]
    (copy,) = (tmp_path / "copies").glob("*.parquet")
    assert pq.ParquetFile(copy).num_row_groups > 5


def test_no_row_and_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    for how in ("file", "stream"):
        name = written(path, pa.table(AS_THEY_ARE).slice(0, 0), how)
        with opened(tmp_path / how, data_at(path, name=name)) as (engine, table):
            assert (table.rows, len(table.columns)) == (0, len(AS_THEY_ARE))
            assert engine.con.execute("FROM data").fetchall() == []


class Elsewhere:
    """Bytes that do not lie on this machine's disk."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def fetch(self, start: int, length: int) -> bytes:
        return self._data[start : start + length]

    def stream(self, start: int) -> Iterator[bytes]:
        return iter([self._data[start:]])


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("held", [0, 1 << 20])
def test_batches_of_any_size_come_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str | None, held: int
) -> None:
    monkeypatch.setattr(ipc_batches, "HELD", held)
    monkeypatch.setattr(ipc_batches, "PIECE", 1000)
    table = pa.table({name: AS_THEY_ARE[name] for name in ("string", "dictionary", "list", "decimal128", "map")})
    table = pa.concat_tables([table] * 50).unify_dictionaries().combine_chunks()
    path = tmp_path / "stored"
    written(path, table, "file", rows=70, compression=compression)
    for source in (path, path.read_bytes()):
        transport = Elsewhere(path.read_bytes())
        file = RangeFile(transport, path.stat().st_size)
        file.path = path if source is path else None
        found = pa.Table.from_batches(batches_of(file, "file", shown=4))
        assert found.equals(table.select(range(4)))


def test_types_that_a_user_says(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    table = pa.table(
        {"zip": [501, 2, None], "when": ["2024-01-01", "", "soon"], "n": ["1", "2", "30000000000000000000"]}
    )
    said = ReadAs(types=(("zip", "string"), ("when", "date"), ("n", "integer")))
    with opened(tmp_path, data_at(path, name=written(path, table, "file", rows=1), read_as=said)) as (engine, found):
        assert [column.type for column in found.columns] == ["string", "date", "integer"]
        assert engine.con.execute("FROM data").fetchall() == [
            ("501", date(2024, 1, 1), 1),
            ("2", None, 2),
            (None, None, 30000000000000000000),
        ]
        assert found.notes == ("Of “when”, 1 value is no date and taken as empty.",)
    with pytest.raises(WrongReadAs), opened(tmp_path, data_at(path, name="x", read_as=ReadAs(types=(("n", "list"),)))):
        pass


def test_a_stream_that_ends_within_its_rows_gives_those_before(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    table = pa.table({"n": range(10_000)})
    written(path, table, "stream", rows=1000)
    path.write_bytes(path.read_bytes()[:-20_000])
    with opened(tmp_path, data_at(path, name="x.arrows")) as (_, found):
        assert (found.rows, found.notes) == (
            7000,
            ("The stream ends in the middle of its rows; these are the ones before.",),
        )
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(CorruptFile), opened(tmp_path, data_at(path, name="y.arrows")):
        pass


@pytest.mark.parametrize("how", ["file.gz", "stream.gz"])
def test_a_packed_file_that_ends_early_gives_what_came_out(tmp_path: Path, how: str) -> None:
    path = tmp_path / "stored"
    name = written(path, pa.table({"n": range(100_000)}), how, rows=1000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with opened(tmp_path, data_at(path, name=name)) as (_, found):
        assert 0 < found.rows < 100_000
        assert found.notes[-1].startswith("The compressed file ends in the middle")


def test_offsets_that_lie_are_refused_in_any_batch(tmp_path: Path) -> None:
    offsets = pa.array([0, 1 << 30, 2, 3], pa.int32()).buffers()[1]
    lying = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"abc")])
    good = pa.array(["a", "b", "c"])
    path = tmp_path / "stored"
    for how in ("file", "stream"):
        new = pa.ipc.new_stream if how == "stream" else pa.ipc.new_file
        with new(str(path), pa.schema({"t": pa.string()})) as writer:
            for array in (good, good, lying):
                writer.write_batch(pa.record_batch([array], names=["t"]))
        with pytest.raises(CorruptFile), opened(tmp_path / how, data_at(path, name="x.arrow")):
            pass
        assert [one.name for one in (tmp_path / how / "copies").iterdir() if one.suffix != ".lock"] == []


def test_what_stops_it_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stored"
    name = written(path, pa.table({"n": range(1000)}), "file", rows=10)
    add, calls = RowGroups.add, []

    def failing(self: RowGroups, batch: Any) -> None:
        calls.append(batch)
        if len(calls) > 50:
            raise SourceUnavailable("The store did not answer.")
        add(self, batch)

    monkeypatch.setattr(RowGroups, "add", failing)
    with pytest.raises(SourceUnavailable), opened(tmp_path, data_at(path, name=name)):
        pass
    assert [one.name for one in (tmp_path / "copies").iterdir() if one.suffix != ".lock"] == []


def test_digits_of_packed_parquet_are_kept(tmp_path: Path) -> None:
    number = Decimal("12345678901234567890123456789012345678901.12")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"n": pa.array([number, None], pa.decimal256(60, 2))}), sink)
    path = tmp_path / "stored"
    path.write_bytes(gzip.compress(sink.getvalue()))
    with opened(tmp_path, data_at(path, name="x.parquet.gz")) as (engine, found):
        assert [column.type for column in found.columns] == ["decimal"]
        assert engine.con.execute("FROM data").fetchall() == [(str(number),), (None,)]


def test_progress_is_told_and_a_copy_larger_than_all_may_be_is_not_made(tmp_path: Path) -> None:
    table = pa.table({"text": [f"{n * 7919 % 100_003:x}" * 4 for n in range(200_000)]})
    for how in ("file", "stream"):
        path = tmp_path / f"{how}.arrow"
        written(path, table, how, rows=1000)
        data = data_at(path)
        told: list[float] = []
        with connect(memory=MEMORY) as engine:
            open_table(engine, "data", data, copies=copies_in(tmp_path / how), limits=LIMITS, on_progress=told.append)
        assert told == sorted(told)
        assert (told[-1] > 0.9, len(told) > 2) == (True, True)
        tight = copies_in(tmp_path / "tight", limit=20_000)
        with connect(memory=MEMORY) as engine, pytest.raises(TooBig, match="copy of this file in columns"):
            open_table(engine, "data", data, copies=tight, limits=LIMITS)
        assert [one.name for one in tight.folder.iterdir() if one.suffix != ".lock"] == []


def test_a_full_disk_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "stored"
    data = data_at(path, name=written(path, pa.table({"n": [1]}), "file"))
    for owner, name in ((RowGroups, "add"), (ipc_batches, "_large")):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, full)
            patched.setattr(ipc_batches, "HELD", 0)
            with pytest.raises(OSError, match="No space left"), opened(tmp_path, data):
                pass


def test_more_columns_than_are_shown_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    table = pa.table({f"c{n}": [n] for n in range(5)})
    for how in ("file", "stream"):
        data = data_at(path, name=written(path, table, how))
        with opened(tmp_path / how, data, limits=Limits(columns=2)) as (engine, found):
            assert ([column.name for column in found.columns], found.column_count) == (["c0", "c1"], 5)
            assert engine.con.execute("FROM data").fetchall() == [(0, 1)]
            assert found.notes == ("The first 2 of 5 columns are shown.",)
