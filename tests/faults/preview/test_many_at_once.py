"""Two hundred previews of mixed files at once, with two workers: none fails, none overtakes, also where workers die."""

from __future__ import annotations

import gzip
import io
import json
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from preview import Limits, Previewer
from preview.asking import Cancel
from preview.errors import Cancelled, WorkerCrashed
from preview.pool import Pool
from tests.unit.preview.range_server import RangeServer, serving
from tests.worker_processes import workers

AT_ONCE = 200
ROWS = 3_000


def _csv() -> bytes:
    return b"id,word,share\n" + b"".join(b"%d,word %d,%d.5\n" % (n, n, n) for n in range(ROWS))


def _table() -> pa.Table:
    return pa.table({"id": range(ROWS), "word": [f"word {n}" for n in range(ROWS)]})


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(_table(), sink, row_group_size=700)
    return sink.getvalue()


def _arrow() -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(_table(), sink, chunksize=700)
    return sink.getvalue()


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.csv", _csv())
    return sink.getvalue()


def _workbook() -> bytes:
    book, sink = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    sheet.append(["id", "word"])
    for n in range(ROWS):
        sheet.append([n, f"word {n}"])
    book.save(sink)
    return sink.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "a.csv": _csv,
    "b.csv.gz": lambda: gzip.compress(_csv()),
    "c.parquet": _parquet,
    "d.arrow": _arrow,
    "e.jsonl": lambda: b"".join(b'{"id": %d, "word": "x"}\n' % n for n in range(ROWS)),
    "f.json": lambda: json.dumps([{"id": n} for n in range(ROWS)]).encode(),
    "g.zip": _zip,
    "h.xlsx": _workbook,
}


def _all_at_once(previewer: Previewer, store: RangeServer) -> list[float]:
    """Seconds of each preview; every one holds the rows it was asked for."""
    sources = [store.source(name) for name in KINDS]
    begin = threading.Barrier(AT_ONCE)

    def look(number: int) -> float:
        begin.wait(60)
        began = time.perf_counter()
        shown = previewer.preview(sources[number % len(sources)], rows=20, offset=number)
        assert [row[0] for row in shown.json_rows()] == list(range(number, number + 20))
        return time.perf_counter() - began

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(look, range(AT_ONCE)))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, make in KINDS.items():
        (tmp_path / name).write_bytes(make())
    return tmp_path


def test_two_hundred_at_once_all_get_their_rows(files: Path) -> None:
    previewer = Previewer(Limits(), workers=2)
    try:
        with serving(files) as store:
            took = sorted(_all_at_once(previewer, store))
        print(f"p50 {took[AT_ONCE // 2]:.2f} s, p95 {took[AT_ONCE * 95 // 100]:.2f} s, last {took[-1]:.2f} s")
    finally:
        previewer.close()


@pytest.mark.long
def test_workers_killed_among_two_hundred_cost_a_retry_each(files: Path) -> None:
    previewer = Previewer(Limits(), workers=2)
    killed: set[int] = set()
    done = threading.Event()

    def hunter() -> None:
        # The first at once, then one in a second and a half: a read that is begun again does not meet a second one.
        while not done.wait(1.5 if killed else 0.05) and len(killed) < 3:
            for worker in [worker for worker in workers() if worker.pid not in killed][:1]:
                killed.add(worker.pid)
                worker.send_signal(signal.SIGKILL)

    thread = threading.Thread(target=hunter)
    thread.start()
    try:
        with serving(files) as store:
            _all_at_once(previewer, store)
    finally:
        done.set()
        thread.join()
        previewer.close()
    assert killed


def test_who_waits_longest_is_next() -> None:
    pool = Pool("preview", size=1, memory=10**9, nice=0, idle=timedelta(seconds=30))
    order: list[int] = []
    try:
        first = pool._take()

        def wait(number: int) -> None:
            worker = pool._take()
            order.append(number)
            pool._give_back(worker, keep=True)

        threads = []
        for number in range(30):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            while len(pool._queue) <= number:
                time.sleep(0.001)
        pool._give_back(first, keep=True)
        for thread in threads:
            thread.join(30)
    finally:
        pool.close()
    assert order == list(range(30))


def test_who_gives_up_waiting_keeps_nobody_from_a_worker() -> None:
    pool = Pool("preview", size=1, memory=10**9, nice=0, idle=timedelta(seconds=30))
    try:
        worker = pool._take()
        cancel = Cancel()
        cancel.set()
        with pytest.raises(Cancelled):
            pool._take(cancel)
        assert not pool._queue
        pool._give_back(worker, keep=True)
        assert pool._take() is worker
    finally:
        pool.close()


def test_those_who_wait_hear_that_the_app_stops() -> None:
    pool = Pool("preview", size=1, memory=10**9, nice=0, idle=timedelta(seconds=30))
    pool._take()
    heard: list[str] = []

    def wait() -> None:
        try:
            pool._take()
        except WorkerCrashed as error:
            heard.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(pool._queue) < 3:
        time.sleep(0.001)
    pool.close()
    for thread in threads:
        thread.join(10)
    assert heard == ["The app is stopping."] * 3


def test_a_worker_carries_no_pandas(files: Path) -> None:
    previewer = Previewer(Limits(), workers=1)
    try:
        with serving(files) as store:
            for name in KINDS:
                previewer.preview(store.source(name))
        (worker,) = workers()
        loaded = Path(f"/proc/{worker.pid}/maps").read_text()
        assert "libarrow" in loaded
        assert "pandas" not in loaded
    finally:
        previewer.close()
