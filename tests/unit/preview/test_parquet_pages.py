"""Rows out of a large row group: the same values as reading it from its start, for the pages that hold them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.sparse import sparse_parquet
from preview import parquet, parquet_pages
from preview.errors import PreviewError
from preview.limits import Limits
from preview.reader import read
from preview.table import Table
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import source_of

LIMITS = Limits()
ROWS = 3_000


@pytest.fixture
def slicing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every row group for a large one."""
    monkeypatch.setattr(parquet, "WHOLE_GROUP", 0)


def _table() -> pa.Table:
    noise = np.random.default_rng(5)
    numbers = range(ROWS)
    texts = [None if n % 11 == 0 else f"text {n} " + "ä" * (n % 40) for n in numbers]
    moment = dt.datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=dt.UTC)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "share": pa.array(noise.random(ROWS)),
            "maybe": pa.array([None if n % 3 else n for n in numbers], pa.int32()),
            "text": texts,
            "few": pa.array([f"kind {n % 7}" for n in numbers]).dictionary_encode(),
            "large": pa.array(texts, pa.large_string()),
            "bytes": pa.array([bytes([n % 256] * 5) for n in numbers]),
            "fixed": pa.array([n.to_bytes(4, "big") for n in numbers], pa.binary(4)),
            "flag": pa.array([n % 2 == 0 for n in numbers]),
            "at": pa.array([moment + dt.timedelta(hours=n) for n in numbers], pa.timestamp("us", "Europe/Berlin")),
            "day": pa.array([dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in numbers]),
            "price": pa.array([Decimal(n) / 100 for n in numbers], pa.decimal128(12, 2)),
            "list": [None if n % 5 == 0 else list(range(n % 4)) for n in numbers],
            "pair": [{"a": n, "b": None if n % 2 else str(n)} for n in numbers],
            "nothing": pa.nulls(ROWS),
            "dotted.name": pa.array(numbers, pa.uint16()),
            "": pa.array([str(n) for n in numbers]),
        }
    )


WAYS: dict[str, dict[str, Any]] = {
    "plain": {"use_dictionary": False, "compression": "none"},
    "dictionaries": {"compression": "snappy"},
    "page index": {"compression": "zstd", "write_page_index": True},
    "version 2 pages": {"compression": "gzip", "data_page_version": "2.0"},
    "version 2 pages, indexed": {"data_page_version": "2.0", "write_page_index": True},
    "INT96": {"use_deprecated_int96_timestamps": True, "compression": "brotli"},
    "without the Arrow schema": {"store_schema": False, "compression": "lz4"},
    "checksums": {"write_page_checksum": True},
    "delta": {"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY"}},
}


def _values(table: Table) -> dict[str, list[Any]]:
    return {cells.name: cells.values for cells in table.cells}


def _slices_asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    read_slices = parquet.Slicer.read

    def counted(self: parquet.Slicer, leaves: Any) -> dict[int, Any]:
        found = read_slices(self, leaves)
        asked.append(len(found))
        return found

    monkeypatch.setattr(parquet.Slicer, "read", counted)
    return asked


@pytest.mark.parametrize("way", WAYS)
def test_a_page_of_pages_is_a_page_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(_table(), path, row_group_size=2000, data_page_size=700, write_batch_size=64, **WAYS[way])
    asked = _slices_asked(monkeypatch)
    for offset in (0, 63, 64, 1_234, 1_950, 2_000, ROWS - 30):
        monkeypatch.setattr(parquet, "WHOLE_GROUP", 1 << 30)
        whole = read(source_of(path), rows=100, offset=offset, limits=LIMITS)
        assert not asked
        monkeypatch.setattr(parquet, "WHOLE_GROUP", 0)
        sliced = read(source_of(path), rows=100, offset=offset, limits=LIMITS)
        assert _values(sliced) == _values(whole)
        assert [cells.type for cells in sliced.cells] == [cells.type for cells in whole.cells]
        assert sliced.cells[0].values == list(range(offset, min(offset + 100, ROWS)))
        # All but the struct, and the list where nothing tells its rows.
        assert min(asked) >= 15
        asked.clear()


@pytest.mark.usefixtures("slicing")
def test_chosen_columns_are_those_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(_table(), path, data_page_size=700, write_batch_size=64)
    table = read(source_of(path), rows=2, offset=2_500, limits=LIMITS, columns=["pair", "dotted.name", "id"])
    assert _values(table) == {
        "pair": [{"a": 2500, "b": "2500"}, {"a": 2501, "b": None}],
        "dotted.name": [2500, 2501],
        "id": [2500, 2501],
    }
    assert len(table.all_columns) == 17


@pytest.mark.usefixtures("slicing")
def test_columns_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns = [
        pa.array(range(ROWS)),
        pa.array([str(n) for n in range(ROWS)]),
        pa.array([{"k": n} for n in range(ROWS)]),
    ]
    pq.write_table(pa.Table.from_arrays(columns, names=["a", "a", "a"]), path, data_page_size=700)
    table = read(source_of(path), rows=1, offset=2_500, limits=LIMITS)
    assert _values(table) == {"a": [2500], "a_2": ["2500"], "a_3": [{"k": 2500}]}


@pytest.mark.parametrize("indexed", [True, False], ids=["page index", "headers"])
def test_of_a_large_row_group_only_the_pages_are_fetched(tmp_path: Path, indexed: bool) -> None:
    rows = 2_000_000
    noise = np.random.default_rng(5)
    table = pa.table({"id": np.arange(rows), "a": noise.random(rows), "b": noise.random(rows)})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False, write_page_index=indexed)
    with serving(tmp_path) as store:
        shown = read(store.source("x.parquet"), rows=100, offset=1_000_000, limits=LIMITS)
        assert shown.cells[0].values == list(range(1_000_000, 1_000_100))
        assert shown.cells[1].values == table["a"][1_000_000:1_000_100].to_pylist()
        assert store.sent < path.stat().st_size / 20
        assert len(store.requests) < (12 if indexed else 170)


def test_twenty_gigabytes_cost_what_two_hundred_megabytes_do(tmp_path: Path) -> None:
    model = tmp_path / "model.parquet"
    pq.write_table(
        pa.table({"id": range(40_000), "text": [f"text {n}" for n in range(40_000)]}), model, row_group_size=1000
    )
    cost = []
    with serving(tmp_path) as store:
        for name, size in (("small.parquet", 200_000_000), ("big.parquet", 20_000_000_000)):
            sparse_parquet(tmp_path / name, model, size=size)
            for offset in (0, 20_500):
                store.reset()
                shown = read(store.source(name), rows=100, offset=offset, limits=LIMITS)
                assert shown.cells[0].values == list(range(offset, offset + 100))
                assert (shown.total_rows, store.source(name).size > size * 0.9) == (40_000, True)
                cost.append((len(store.requests), sum(last - first + 1 for first, last in store.requests)))
    assert [requests for requests, _ in cost[:2]] == [requests for requests, _ in cost[2:]]
    assert max(sent for _, sent in cost) < 200_000


@pytest.mark.usefixtures("slicing")
@pytest.mark.parametrize("indexed", [True, False], ids=["page index", "headers"])
def test_damaged_pages_end_in_words_or_in_rows(tmp_path: Path, indexed: bool) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(_table().select(["id", "text"]), path, data_page_size=700, write_page_index=indexed)
    good = path.read_bytes()
    noise = np.random.default_rng(9)
    ends = {"rows": 0, "words": 0}
    for place in noise.integers(4, len(good) - 8, 150):
        damaged = bytearray(good)
        damaged[place] ^= int(noise.integers(1, 256))
        path.write_bytes(damaged)
        try:
            assert read(source_of(path), rows=10, offset=1_500, limits=LIMITS).rows == 10
            ends["rows"] += 1
        except PreviewError:
            ends["words"] += 1
    assert ends["rows"] > 20
    assert ends["words"] > 2


def test_a_walk_gives_up_where_headers_are_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_pages, "MOST_STEPS", 10)
    # Empty pages without end: PageHeader{type 0, sizes 0, DataPageHeader{num_values 0}}.
    header = bytes.fromhex("1500150015002c15000000")
    chunk = {3: {9: 4, 7: 1 << 40}}
    one = parquet_pages.Walk(chunk, first=5, last=6, flat=True)
    with pytest.raises(parquet_pages.CannotSlice):
        parquet_pages.walk([one], lambda ranges: [header * 24 for _ in ranges])
