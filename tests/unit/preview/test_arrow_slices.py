"""Rows out of one large record batch: the values that reading it whole gives, for the bytes that hold them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest

from preview import ipc
from preview.errors import PreviewError, TooBig
from preview.limits import Limits
from preview.reader import read
from preview.source import Source
from tests.unit.preview.range_server import RangeServer, serving

LIMITS = Limits()
ROWS = 2_000


def _table() -> pa.Table:
    numbers = range(ROWS)
    texts = [None if n % 11 == 0 else f"text {n} " + "ä" * (n % 40) for n in numbers]
    moment = dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)
    lists = [None if n % 5 == 0 else [f"item {k}" for k in range(n % 4)] for n in numbers]
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "flag": pa.array([None if n % 7 == 0 else n % 2 == 0 for n in numbers]),
            "maybe": pa.array([None if n % 3 else n for n in numbers], pa.int16()),
            "text": texts,
            "large": pa.array(texts, pa.large_string()),
            "bytes": pa.array([bytes([n % 256] * (n % 5)) for n in numbers]),
            "fixed": pa.array([n.to_bytes(3, "big") for n in numbers], pa.binary(3)),
            "few": pa.array([f"kind {n % 7}" for n in numbers]).dictionary_encode(),
            "at": pa.array([moment + dt.timedelta(hours=n) for n in numbers], pa.timestamp("us", "Europe/Berlin")),
            "price": pa.array([Decimal(n) / 100 for n in numbers], pa.decimal128(12, 2)),
            "list": lists,
            "large list": pa.array(lists, pa.large_list(pa.string())),
            "triple": pa.array([[n, n + 1, n + 2] for n in numbers], pa.list_(pa.int32(), 3)),
            "map": pa.array([[(f"k{n}", n)] * (n % 3) for n in numbers], pa.map_(pa.string(), pa.int64())),
            "pair": [{"a": n, "b": None if n % 2 else [str(n)]} for n in numbers],
            "nothing": pa.nulls(ROWS),
            "uuid": pa.ExtensionArray.from_storage(
                pa.uuid(), pa.array([n.to_bytes(16, "big") for n in numbers], pa.binary(16))
            ),
        }
    )


def _write(path: Path, table: pa.Table, **options: Any) -> None:
    with pa.ipc.new_file(str(path), table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)


def _asked(store: RangeServer) -> int:
    """Bytes asked for."""
    return sum(last - first + 1 for first, last in store.requests)


def _page(source: Source, offset: int, columns: list[str] | None = None) -> list[tuple[str, str, list[Any]]]:
    table = read(source, rows=70, offset=offset, limits=LIMITS, columns=columns)
    return [(cells.name, cells.type, cells.values) for cells in table.cells]


@pytest.mark.parametrize("columns", [None, ["pair", "list", "id"]], ids=["all", "chosen"])
def test_a_slice_is_what_the_whole_batch_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: list[str] | None
) -> None:
    _write(tmp_path / "x.arrow", _table())
    with serving(tmp_path) as store:
        source = store.source("x.arrow")
        for offset in (0, 1, 1_003, ROWS - 70, ROWS - 3):
            monkeypatch.setattr(ipc, "SLICED_BATCH", 1 << 40)
            store.reset()
            whole, fetched = _page(source, offset, columns), _asked(store)
            monkeypatch.setattr(ipc, "SLICED_BATCH", 0)
            store.reset()
            assert _page(source, offset, columns) == whole
            assert _asked(store) < fetched / 2


def test_of_a_batch_too_big_to_fetch_the_rows_are_shown(tmp_path: Path) -> None:
    rows = 1_000_000
    _write(tmp_path / "x.arrow", pa.table({"id": np.arange(rows), "text": pa.repeat("x", rows)}))
    with serving(tmp_path) as store:
        table = read(store.source("x.arrow"), rows=70, offset=900_000, limits=Limits(spool=1_000_000))
        assert [cells.values for cells in table.cells] == [list(range(900_000, 900_070)), ["x"] * 70]
        assert _asked(store) < 100_000


@pytest.mark.parametrize("why", ["compressed", "a union"])
def test_what_cannot_be_sliced_is_fetched_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    table = pa.table({"id": range(ROWS)})
    if why == "a union":
        kinds = pa.array([0] * ROWS, pa.int8())
        table = table.append_column("u", pa.UnionArray.from_sparse(kinds, [pa.array(range(ROWS))]))
    _write(tmp_path / "x.arrow", table, compression="zstd" if why == "compressed" else None)
    monkeypatch.setattr(ipc, "SLICED_BATCH", 0)
    with serving(tmp_path) as store:
        assert _page(store.source("x.arrow"), 1_500)[0][2] == list(range(1_500, 1_570))
        with pytest.raises(TooBig, match="smaller batches"):
            read(store.source("x.arrow"), rows=1, offset=0, limits=Limits(spool=1000))


def test_damage_ends_in_words_or_in_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipc, "SLICED_BATCH", 0)
    path = tmp_path / "x.arrow"
    _write(path, _table().select(["id", "text", "list"]).slice(0, 300))
    good = path.read_bytes()
    noise = np.random.default_rng(2)
    ends = {"rows": 0, "words": 0}
    with serving(tmp_path) as store:
        for place in noise.integers(8, len(good), 200):
            damaged = bytearray(good)
            damaged[place] ^= int(noise.integers(1, 256))
            path.write_bytes(damaged)
            try:
                read(store.source("x.arrow"), rows=10, offset=150, limits=LIMITS)
                ends["rows"] += 1
            except PreviewError:
                ends["words"] += 1
    assert ends["rows"] > 20
    assert ends["words"] > 2
