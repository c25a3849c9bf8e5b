"""A page entered by the row index is the page that reading from the start gives, for far fewer bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from preview.counting import scan
from preview.errors import TooBig
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.reader import read
from preview.result import RowIndex
from preview.row_index import IndexBuilder, entry_for
from preview.source import Source
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import source_of

LIMITS = Limits()
ROWS = 35_000


LONG = "x" * 40
"""Makes the files larger than those that are read whole."""


def _csv(n: int) -> str:
    quoted = f'"line {n}\nof ""two"" {LONG}"' if n % 7 == 0 else f"word {n} {LONG}"
    return f"{n},{quoted},{n / 8}\n"


TEXTS: dict[str, Callable[[], bytes]] = {
    "header.csv": lambda: b"id,text,share\n" + "".join(map(_csv, range(ROWS))).encode(),
    "no-header.csv": lambda: "".join(f"{n},{n / 4},{'x' * (20 + n % 50)}\n" for n in range(ROWS)).encode(),
    "mark.csv": lambda: "\ufeffid;näme\r\n".encode() + "".join(f"{n};Ö{LONG}\r\n" for n in range(ROWS)).encode(),
    "titles.csv": lambda: b"Weather\nof 2026\n\nid,a,b\n" + "".join(f"{n},{LONG},2\n" for n in range(ROWS)).encode(),
    "blank-lines.tsv": lambda: b"id\tb\n" + "".join(f"{n}\t{LONG}\n\n\n" for n in range(ROWS)).encode(),
    "lone-cr.csv": lambda: b"id,b\r" + "".join(f"{n},{LONG}\r" for n in range(ROWS)).encode(),
    "windows.csv": lambda: b"id,b\n" + "".join(f"{n},Größe {LONG}\n" for n in range(ROWS)).encode("cp1252"),
    "unended.csv": lambda: b"id,b" + "".join(f"\n{n},{LONG}" for n in range(ROWS)).encode(),
    "records.jsonl": lambda: "".join(
        json.dumps({"id": n, "t": "é" * (n % 9) + LONG}) + "\n" for n in range(ROWS)
    ).encode(),
}


def _page(source: Source, index: RowIndex | None, offset: int, *, limits: Limits = LIMITS) -> list[tuple[object, ...]]:
    table = read(source, rows=50, offset=offset, limits=limits, index=index)
    return [tuple(cells.values[place] for cells in table.cells) for place in range(table.rows)]


@pytest.mark.parametrize("name", TEXTS)
def test_every_page_is_the_same_with_and_without(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(TEXTS[name]())
    source = source_of(path)
    found = scan(source, limits=LIMITS)
    assert found.rows == ROWS
    index = found.row_index
    assert index is not None
    assert len(index.offsets) == 4
    for offset in (10_000, 29_999, ROWS - 20, ROWS + 10_000):
        page = _page(source, index, offset)
        assert page == _page(source, None, offset)
        assert len(page) == max(0, min(50, ROWS - offset))
        assert all(int(str(row[0])) == offset + place for place, row in enumerate(page))


SAID: dict[str, tuple[Callable[[int], str], ReadAs]] = {
    "skip and header": (lambda n: f"{n}~{LONG}\n", ReadAs(delimiter="~", skip=104, header=False)),
    "no header": (lambda n: f"{n};{LONG}\n", ReadAs(delimiter=";", header=False)),
    "no quotes": (lambda n: f'{n},"{LONG}\n', ReadAs(delimiter=",", quote="", header=False)),
    "other quotes": (lambda n: f"{n},'{LONG}\n{LONG}'\n", ReadAs(quote="'", header=False)),
    "encoding": (lambda n: f"{n},Größe {LONG}\n", ReadAs(encoding="cp1252", header=False)),
}


@pytest.mark.parametrize("name", SAID)
def test_an_index_is_of_the_way_of_reading_it_was_made_for(tmp_path: Path, name: str) -> None:
    line, said = SAID[name]
    path = tmp_path / "x.csv"
    path.write_bytes("".join(map(line, range(ROWS))).encode(said.encoding or "utf-8"))
    found = scan(source_of(path), limits=LIMITS, read_as=said)
    skipped = said.skip or 0
    assert found.rows == ROWS - skipped
    assert found.row_index is not None
    assert found.row_index.read_key == said.key
    for index in (found.row_index, None):
        table = read(source_of(path), rows=5, offset=12_345, limits=LIMITS, read_as=said, index=index)
        assert [int(str(value).split("~")[0]) for value in table.cells[0].values] == [
            12_345 + skipped + place for place in range(5)
        ]


def test_the_end_tells_the_count(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(TEXTS["no-header.csv"]())
    index = scan(source_of(path), limits=LIMITS).row_index
    assert read(source_of(path), rows=50, offset=ROWS - 10, limits=LIMITS, index=index).total_rows == ROWS
    assert read(source_of(path), rows=50, offset=15_000, limits=LIMITS, index=index).total_rows is None


def test_a_later_page_costs_its_own_rows_and_the_head(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 100) for n in range(100_000)))
    index = scan(source_of(path), limits=LIMITS).row_index
    with serving(tmp_path) as store:
        assert _page(store.source("x.csv"), index, 85_000)[0][0] == 85_000
        assert store.sent < 1_100_000
        assert len(store.requests) <= 3


def test_an_index_reaches_behind_what_may_be_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 100) for n in range(30_000)))
    small = replace(LIMITS, skip=1_000_000)
    index = scan(source_of(path), limits=LIMITS).row_index
    with pytest.raises(TooBig, match="until its rows have been counted"):
        _page(source_of(path), None, 25_000, limits=small)
    with pytest.raises(TooBig, match="until its rows have been counted"):
        # Made for another way of reading, it would lead to other rows.
        _page(source_of(path), replace(index, read_key="other"), 25_000, limits=small)  # type: ignore[type-var]
    assert _page(source_of(path), index, 25_000, limits=small)[0][0] == 25_000


@pytest.mark.parametrize("pack", ["gzip", "utf-16"])
def test_what_cannot_be_entered_has_no_index_and_says_why(tmp_path: Path, pack: str) -> None:
    import gzip

    text = "id,text\n" + "".join(f"{n},some words {LONG}\n" for n in range(40_000))
    path = tmp_path / ("x.csv.gz" if pack == "gzip" else "x.csv")
    path.write_bytes(gzip.compress(text.encode()) if pack == "gzip" else text.encode("utf-16"))
    found = scan(source_of(path), limits=LIMITS)
    assert (found.rows, found.row_index) == (40_000, None)
    with pytest.raises(TooBig, match="compressed" if pack == "gzip" else "UTF-16"):
        _page(source_of(path), None, 39_000, limits=replace(LIMITS, skip=100_000))


@pytest.mark.parametrize("leading", [0, 1, 3])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_a_long_text_has_entries_further_apart(leading: int, block: int) -> None:
    ends = np.cumsum(np.random.default_rng(3).integers(1, 50, 1000 + leading))
    builder = IndexBuilder(leading=leading, start=3, step=2, most=10)
    for begin in range(0, len(ends), block):
        builder.add(ends[begin : begin + block])
    index = builder.index(read_key="k")
    assert index is not None
    assert index.read_key == "k"
    assert index.step == 128
    begins = [3, *(ends + 3).tolist()]
    assert list(index.offsets) == [begins[leading + row] for row in range(0, 1000, index.step)]


def test_few_rows_need_no_index() -> None:
    builder = IndexBuilder(leading=1)
    builder.add(np.arange(1, 10_002))
    assert builder.index(read_key="") is None


def test_an_entry_is_at_or_before_the_row() -> None:
    index = RowIndex(10, (5, 105, 205))
    assert (entry_for(index, row=0, rows=5).row, entry_for(index, row=0, rows=5).byte) == (0, 5)
    assert (entry_for(index, row=19, rows=5).row, entry_for(index, row=19, rows=5).byte) == (10, 105)
    assert (entry_for(index, row=500, rows=5).row, entry_for(index, row=500, rows=5).byte) == (20, 205)


def test_the_first_page_is_one_request(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 100) for n in range(20_000)))
    with serving(tmp_path) as store:
        assert len(_page(store.source("x.csv"), None, 0)) == 50
        assert store.requests == [(0, (1 << 18) - 1)]
