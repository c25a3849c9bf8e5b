"""The analyst in its workers: progress, cancel, limits, and what becomes of a worker that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from preview.analyst import Analyst
from preview.asking import Cancel
from preview.errors import Cancelled, NoTable, TimedOut, WorkerCrashed
from preview.limits import Limits
from preview.profile import Profile
from tests.unit.preview.engine.at_hand import data_at, data_of

Make = Callable[..., Analyst]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Analyst] = []

    def new(*, timeout: float = 120, memory: int = 900_000_000, workers: int = 1) -> Analyst:
        made.append(
            Analyst(
                Limits(),
                workers=workers,
                memory=memory,
                timeout=timedelta(seconds=timeout),
                copies=tmp_path / "copies",
                copies_limit=1_000_000_000,
            )
        )
        return made[-1]

    yield new
    for analyst in made:
        analyst.close()


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "preview.engine.worker" in " ".join(child.cmdline())]


@pytest.fixture
def long_csv(tmp_path: Path) -> Path:
    """Takes some seconds."""
    path = tmp_path / "long.csv"
    block = "".join(f"{n},{n * 7919 % 10007},word {n % 977}\n" for n in range(100_000))
    with path.open("w") as out:
        out.write("a,b,c\n")
        for _ in range(25):
            out.write(block)
    return path


def test_a_profile_travels_whole(make: Make, tmp_path: Path) -> None:
    analyst = make()
    told: list[float] = []
    data = data_of(tmp_path / "files", "n,word\n1,x\n2,x\n,y\n", "x.csv")
    profile = analyst.profile(data, on_progress=told.append)
    assert (profile.rows, profile.total_rows, profile.partial, profile.how) == (3, 3, False, "all 3 rows")
    assert profile.columns[0].mean == 1.5
    assert profile.columns[1].top[0].count == 2
    assert Profile.from_plain(profile.to_plain()) == profile
    assert all(0 < share <= 1 for share in told)
    assert analyst.quick_profile(data).columns == profile.columns


def test_a_first_answer_says_what_it_covers(make: Make, tmp_path: Path, long_csv: Path) -> None:
    analyst = make()
    quick = analyst.quick_profile(data_at(long_csv))
    assert quick.partial
    assert quick.total_rows is None
    assert quick.how == f"a sample of {quick.rows:,} rows from all over the file"
    assert (quick.columns[0].min, quick.duplicates) == (0, None)
    assert int(str(quick.columns[0].max)) > 90_000
    assert not (tmp_path / "copies").exists()


def test_a_footer_tells_at_once(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stored"
    pq.write_table(pa.table({"n": pa.array([3, None, 1]), "t": ["b", "a", None]}), path)
    quick = make().quick_profile(data_at(path, name="x.parquet"))
    assert (quick.rows, quick.total_rows, quick.partial) == (3, 3, True)
    assert quick.how.startswith("the footer")
    assert [(column.nulls, column.min, column.max) for column in quick.columns] == [(1, 1, 3), (1, None, None)]


def test_a_cancelled_profile_ends_its_worker_soon(make: Make, long_csv: Path) -> None:
    analyst, cancel = make(), Cancel()
    started = threading.Event()
    ended: list[float] = []

    def ask() -> None:
        with pytest.raises(Cancelled):
            analyst.profile(data_at(long_csv), on_progress=lambda _: started.set(), cancel=cancel)
        ended.append(time.monotonic())

    thread = threading.Thread(target=ask)
    thread.start()
    assert started.wait(60)
    cancel.set()
    thread.join(30)
    assert ended
    assert not workers()


def test_who_waits_for_a_worker_can_be_cancelled(make: Make, long_csv: Path) -> None:
    analyst, first, second = make(), Cancel(), Cancel()
    started = threading.Event()

    def ask() -> None:
        with pytest.raises(Cancelled):
            analyst.profile(data_at(long_csv), on_progress=lambda _: started.set(), cancel=first)

    thread = threading.Thread(target=ask)
    thread.start()
    assert started.wait(60)
    threading.Timer(0.2, second.set).start()
    with pytest.raises(Cancelled):
        analyst.profile(data_at(long_csv), cancel=second)
    assert len(workers()) == 1
    first.set()
    thread.join(30)


@pytest.mark.long
def test_a_worker_that_dies_costs_one_retry(make: Make, long_csv: Path) -> None:
    analyst = make()
    killed = threading.Event()

    def kill(_: float) -> None:
        if not killed.is_set():
            killed.set()
            os.kill(workers()[0].pid, signal.SIGKILL)

    profile = analyst.profile(data_at(long_csv), on_progress=kill)
    assert killed.is_set()
    assert profile.rows == 2_500_000


def test_a_profile_that_takes_too_long_is_stopped(make: Make, long_csv: Path) -> None:
    with pytest.raises(TimedOut):
        make(timeout=0.3).profile(data_at(long_csv))
    assert not workers()


def test_what_is_no_table_says_so(make: Make, tmp_path: Path) -> None:
    with pytest.raises(NoTable):
        make().profile(data_of(tmp_path / "files", "", "x.csv"))


def test_a_closed_analyst_answers_nobody(make: Make, tmp_path: Path) -> None:
    analyst = make()
    analyst.close()
    with pytest.raises(WorkerCrashed):
        analyst.profile(data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv"))


def test_neither_the_app_nor_a_preview_imports_duckdb() -> None:
    for module in ("preview.analyst", "preview.previewer", "preview.worker"):
        code = f"import sys, {module}; sys.exit('duckdb' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0, module
