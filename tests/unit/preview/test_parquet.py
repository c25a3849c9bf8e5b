"""Parquet: every type as pyarrow reads it, and rows anywhere without what lies before them."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from preview.errors import CorruptFile, EncryptedFile, NoTable
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import look, look_at, types_of


def parquet(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


BERLIN = dt.datetime(2024, 7, 1, 12, 30, 15, 250, tzinfo=ZoneInfo("Europe/Berlin"))
COLUMNS: list[tuple[str, pa.Array, str, list[Any]]] = [
    ("bool", pa.array([True, None]), "boolean", [True, None]),
    ("i8", pa.array([-128, None], pa.int8()), "integer", [-128, None]),
    ("u64", pa.array([2**64 - 1, 1], pa.uint64()), "integer", [str(2**64 - 1), 1]),
    ("i64", pa.array([2**53 - 1, 2**53], pa.int64()), "integer", [2**53 - 1, str(2**53)]),
    ("f16", pa.array([1.5, None], pa.float16()), "float", [1.5, None]),
    ("f32", pa.array([0.5, float("nan")], pa.float32()), "float", [0.5, "NaN"]),
    ("f64", pa.array([float("inf"), float("-inf")]), "float", ["Infinity", "-Infinity"]),
    ("dec", pa.array([Decimal("1.10"), None], pa.decimal128(20, 2)), "decimal", ["1.10", None]),
    (
        "dec256",
        pa.array([Decimal("-1E+40"), Decimal(0)], pa.decimal256(60, 2)),
        "decimal",
        ["-1" + "0" * 40 + ".00", "0.00"],
    ),
    ("str", pa.array(["a\x00é😀", ""]), "string", ["a\x00é😀", ""]),
    ("dict", pa.array(["x", "x"]).dictionary_encode(), "string", ["x", "x"]),
    ("bin", pa.array([b"\x00\xff", None]), "binary", ["AP8=", None]),
    ("fixed", pa.array([b"ab", b"cd"], pa.binary(2)), "binary", ["YWI=", "Y2Q="]),
    ("date", pa.array([dt.date(2024, 2, 29), dt.date(1, 1, 1)]), "date", ["2024-02-29", "0001-01-01"]),
    ("time", pa.array([dt.time(1, 2, 3, 4), None]), "time", ["01:02:03.000004", None]),
    ("time32", pa.array([1000, 86_399_999], pa.time32("ms")), "time", ["00:00:01", "23:59:59.999000"]),
    (
        "naive",
        pa.array([0, 1_500_000], pa.timestamp("us")),
        "timestamp",
        ["1970-01-01T00:00:00", "1970-01-01T00:00:01.500000"],
    ),
    (
        "ns",
        pa.array([1, -1], pa.timestamp("ns")),
        "timestamp",
        ["1970-01-01T00:00:00.000000001", "1969-12-31T23:59:59.999999999"],
    ),
    ("utc", pa.array([0, None], pa.timestamp("ms", "UTC")), "timestamp", ["1970-01-01T00:00:00Z", None]),
    (
        "zone",
        pa.array([BERLIN, None], pa.timestamp("us", "Europe/Berlin")),
        "timestamp",
        ["2024-07-01T12:30:15.000250+02:00", None],
    ),
    ("far", pa.array([253_402_300_800_000, None], pa.timestamp("ms")), "timestamp", ["10000-01-01T00:00:00", None]),
    ("span", pa.array([90_061_500, -1], pa.duration("ms")), "duration", ["P1DT1H1M1.5S", "-P0DT0H0M0.001S"]),
    ("list", pa.array([[1, None], None]), "list", [[1, None], None]),
    ("nested", pa.array([[[b"a"], []], []], pa.list_(pa.list_(pa.binary()))), "list", [[["YQ=="], []], []]),
    ("fixedlist", pa.array([[1, 2], None], pa.list_(pa.int32(), 2)), "list", [[1, 2], None]),
    ("struct", pa.array([{"a": 2**60, "b": None}, None]), "struct", [{"a": str(2**60), "b": None}, None]),
    ("map", pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), "map", [{"k": 1}, None]),
    ("intmap", pa.array([[(1, "a")], []], pa.map_(pa.int64(), pa.string())), "map", [[[1, "a"]], {}]),
    ("null", pa.nulls(2), "null", [None, None]),
]


@pytest.mark.parametrize(("name", "array", "kind", "values"), COLUMNS, ids=[column[0] for column in COLUMNS])
def test_every_type_is_shown_exactly(name: str, array: pa.Array, kind: str, values: list[Any]) -> None:
    preview = look(parquet(pa.table({name: array})), "x.parquet")
    assert types_of(preview) == {name: kind}
    assert [row[0] for row in preview.json_rows()] == values
    assert preview.frame.shape == (2, 1)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_every_usual_compression(compression: str) -> None:
    preview = look(parquet(pa.table({"n": range(1000)}), compression=compression), "x.parquet", offset=500, rows=2)
    assert (preview.json_rows(), preview.total_rows, preview.partial) == ([[500], [501]], 1000, False)


def test_int96_far_from_today_does_not_wrap() -> None:
    table = pa.table(
        {"t": pa.array([dt.datetime.fromisoformat(day) for day in ("9999-12-31", "1500-01-01")], pa.timestamp("us"))}
    )
    data = parquet(table, use_deprecated_int96_timestamps=True)
    assert look(data, "x.parquet").json_rows()[0] == ["9999-12-31T00:00:00"]


@pytest.mark.parametrize("offset", [0, 999, 1000, 2500, 9_990, 10_000, 50_000])
def test_rows_anywhere_are_those_pyarrow_reads(offset: int) -> None:
    table = pa.table({"n": range(10_000), "s": [f"s{n % 7}" for n in range(10_000)]})
    preview = look(parquet(table, row_group_size=1000), "x.parquet", offset=offset, rows=100)
    expected = [[row["n"], row["s"]] for row in table.slice(offset, 100).to_pylist()]
    assert (preview.json_rows(), preview.total_rows) == (expected, 10_000)


def test_only_the_row_groups_asked_for_are_fetched(tmp_path: Path) -> None:
    # Values that do not compress, so that bytes tell what was read.
    table = pa.table({"n": range(400_000), "x": [(n * 2_654_435_761) % 2**32 for n in range(400_000)]})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=20_000, use_dictionary=False)
    with serving(tmp_path) as server:
        source = server.source("x.parquet")
        from preview.limits import Limits
        from preview.reader import read

        result = read(source, rows=10, offset=200_000, limits=Limits())
        assert result.cells[0].values == list(range(200_000, 200_010))
        assert server.sent < source.size * 0.1


def test_repeated_dotted_and_empty_names() -> None:
    table = pa.Table.from_arrays([pa.array([n]) for n in range(4)], names=["a.b", "", "a", "a"])
    preview = look(parquet(table), "x.parquet")
    assert [column.name for column in preview.columns] == ["a.b", "column_2", "a", "a_2"]
    assert preview.json_rows() == [[0, 1, 2, 3]]


def test_a_wide_file_reads_the_first_columns() -> None:
    table = pa.table({f"c.{n}": [n, n] for n in range(1200)})
    preview = look(parquet(table), "x.parquet", rows=1000)
    assert (preview.column_count, preview.json_rows()[0]) == (1200, list(range(1000)))


def test_no_rows_and_no_columns() -> None:
    assert look(parquet(pa.table({"a": pa.array([], pa.int64())})), "x.parquet").json_rows() == []
    with pytest.raises(NoTable, match="no columns"):
        look(parquet(pa.table({})), "x.parquet")


class _Keys(pe.KmsClient):  # type: ignore[misc]  # pyarrow ships no types
    def __init__(self, config: Any) -> None:
        super().__init__()

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return key_bytes.hex().encode()

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        return bytes.fromhex(wrapped_key.decode())


@pytest.mark.parametrize("plain_footer", [True, False])
def test_an_encrypted_file_says_so(tmp_path: Path, plain_footer: bool) -> None:
    config = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["a"]}, plaintext_footer=plain_footer)
    factory = pe.CryptoFactory(_Keys)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    table = pa.table({"a": [1], "b": [2]})
    with pq.ParquetWriter(tmp_path / "x.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(EncryptedFile, match="encrypted"):
        look_at(tmp_path / "x.parquet")


def test_damaged_and_mistaken_files() -> None:
    data = parquet(pa.table({"a": range(1000)}))
    with pytest.raises(CorruptFile, match="footer is damaged"):
        look(data[:-8] + b"\xff\xff\xff\x7fPAR1", "x.parquet")
    with pytest.raises(CorruptFile, match="footer is damaged"):
        look(data[: len(data) // 2], "x.parquet")
    with pytest.raises(CorruptFile, match=r"named \.parquet, but"):
        look(bytes(range(256)) * 10, "x.parquet")
    mistaken = look(data, "x.csv")
    assert (mistaken.format, mistaken.total_rows) == ("parquet", 1000)
    assert mistaken.notes[0] == "The name says CSV, but the content is Parquet; it is read as that."
