"""The previewer: reads in processes of its own, for many threads at once, and gives everything back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preview import Limits, Previewer
from preview.errors import NoTable, SourceGone, WorkerCrashed
from preview.read_as import ReadAs
from tests.unit.preview.range_server import serving
from tests.unit.preview.reading import source_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    (root / "a.csv").write_text("n,s\n" + "".join(f"{n},s{n}\n" for n in range(5000)))
    (root / "b.jsonl").write_text("".join(f'{{"n":{n}}}\n' for n in range(5000)))
    pq.write_table(pa.table({"n": range(5000)}), root / "c.parquet", row_group_size=500)
    (root / "d.txt").write_text("no table here")
    return root


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    reading = Previewer(Limits(), workers=2)
    yield reading
    reading.close()


def test_a_preview_comes_back_whole(previewer: Previewer, folder: Path) -> None:
    preview = previewer.preview(source_of(folder / "a.csv"), rows=2, offset=4998)
    assert (preview.json_rows(), preview.total_rows) == ([[4998, "s4998"], [4999, "s4999"]], 5000)
    assert preview.frame.to_dict("list") == {"n": [4998, 4999], "s": ["s4998", "s4999"]}


def test_errors_come_back_as_what_they_are(previewer: Previewer, folder: Path) -> None:
    with pytest.raises(NoTable, match="text without columns"):
        previewer.preview(source_of(folder / "d.txt"))
    gone = source_of(folder / "a.csv")
    with pytest.raises(SourceGone, match="no longer in the store"):
        previewer.preview(type(gone)(gone.url + ".gone", gone.size, gone.file_name))


def test_a_scan_runs_beside_previews(previewer: Previewer, folder: Path) -> None:
    assert previewer.scan(source_of(folder / "a.csv")).rows == 5000


def test_few_bytes_are_fetched_for_the_first_rows_of_a_large_text(previewer: Previewer, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("n,s\n" + "".join(f"{n},some text {n}\n" for n in range(1_000_000)))
    with serving(tmp_path) as server:
        source = server.source("x.csv")
        preview = previewer.preview(source)
        assert (len(preview.json_rows()), preview.total_rows, preview.partial) == (100, None, True)
        assert server.sent <= 1 << 18


def test_two_hundred_at_once(previewer: Previewer, folder: Path) -> None:
    names = ["a.csv", "b.jsonl", "c.parquet"]

    def first(place: int) -> object:
        return previewer.preview(source_of(folder / names[place % 3]), rows=1, offset=place).json_rows()[0][0]

    with ThreadPoolExecutor(200) as threads:
        assert list(threads.map(first, range(200))) == list(range(200))
    assert len(_preview_workers()) <= 3


def test_descriptors_and_threads_do_not_leak(previewer: Previewer, folder: Path) -> None:
    me = psutil.Process()
    previewer.preview(source_of(folder / "a.csv"))
    before = (me.num_fds(), threading.active_count())
    for _ in range(30):
        previewer.preview(source_of(folder / "c.parquet"))
    assert (me.num_fds(), threading.active_count()) == before


def test_pages_of_content_that_never_changes_are_remembered(previewer: Previewer, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    source = source_of(path)
    first = previewer.preview(source, cache_key="id-1")
    path.unlink()
    assert previewer.preview(source, cache_key="id-1") is first
    with pytest.raises(SourceGone):
        previewer.preview(source, cache_key="id-2")


def test_idle_workers_give_their_memory_back(folder: Path) -> None:
    reading = Previewer(Limits(), workers=1, idle=timedelta(seconds=0.2))
    try:
        reading.preview(source_of(folder / "a.csv"))
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and _workers():
            time.sleep(0.05)
        assert not _workers()
        assert reading.preview(source_of(folder / "a.csv")).total_rows == 5000
    finally:
        reading.close()


def test_closing_ends_the_workers_and_later_reads(folder: Path) -> None:
    before = _workers()
    reading = Previewer(Limits(), workers=1)
    reading.preview(source_of(folder / "a.csv"))
    assert len(_workers()) > len(before)
    reading.close()
    assert len(_workers()) == len(before)
    with pytest.raises(WorkerCrashed, match="stopping"):
        reading.preview(source_of(folder / "a.csv"))


def _workers() -> set[int]:
    """Workers of this process that no other test keeps."""
    return _preview_workers() - KEPT


def _preview_workers() -> set[int]:
    # The servers of other suites are children of this process, too, and have workers of their own.
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "preview.worker" in child.cmdline():
                found.add(child.pid)
    return found


KEPT: set[int] = set()


@pytest.fixture(autouse=True)
def _kept(previewer: Previewer) -> None:
    KEPT.clear()
    KEPT.update(_preview_workers())


def test_one_cell_comes_whole(previewer: Previewer, tmp_path: Path) -> None:
    long, many = "ž" * 1_000_000, list(range(30_000))
    (tmp_path / "x.csv").write_text(f"n,s\n1,short\n2,{long}\n")
    pq.write_table(pa.table({"n": [1, 2], "s": ["short", long], "l": [[1], many]}), tmp_path / "x.parquet")
    for name in ("x.csv", "x.parquet"):
        source = source_of(tmp_path / name)
        assert len(str(previewer.preview(source).json_rows()[1][1])) == 100_000
        assert previewer.cell(source, row=1, column="s") == long
        assert previewer.cell(source, row=0, column="n") == 1
        with pytest.raises(NoTable, match="This file has no row 2"):
            previewer.cell(source, row=2, column="s")
        with pytest.raises(NoTable, match="This file has no column named “gone”"):
            previewer.cell(source, row=0, column="gone")
    assert previewer.cell(source_of(tmp_path / "x.parquet"), row=1, column="l") == many
    said = ReadAs(types=(("n", "string"),))
    assert previewer.cell(source_of(tmp_path / "x.csv"), row=1, column="n", read_as=said) == "2"


def test_a_remembered_page_is_that_of_its_columns_and_its_way_of_reading(previewer: Previewer, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1;2,3\n")
    source = source_of(tmp_path / "x.csv")
    whole = previewer.preview(source, cache_key="k")
    assert previewer.preview(source, cache_key="k") is whole
    assert previewer.preview(source, cache_key="k", columns=["b"]).json_rows() == [[3]]
    assert previewer.preview(source, cache_key="k", columns=["a", "b"]).json_rows() == whole.json_rows()
    said = previewer.preview(source, cache_key="k", read_as=ReadAs(delimiter=";"))
    assert said.json_rows() == [[1, "2,3"]]
    assert previewer.preview(source, cache_key="k", read_as=ReadAs(delimiter=";")) is said


def test_the_ends_of_a_file_are_looked_at_in_a_worker(previewer: Previewer) -> None:
    content = b"n,s\n" + b"".join(b"%d,x\n" % n for n in range(200_000))
    found = previewer.inspect("x.csv", len(content), content[: 1 << 18], content[-(1 << 18) :])
    assert [(column.name, column.type) for column in found.columns] == [("n", "integer"), ("s", "string")]
    assert (found.first_rows[2], found.rows_exact) == ((2, "x"), False)
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    nothing = previewer.inspect("x.png", len(picture), picture, picture)
    assert (nothing.certain, nothing.columns) == (True, ())
    assert "a PNG picture" in str(nothing.reason)
