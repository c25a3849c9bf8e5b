"""Columnar copies: whole or not at all, made once, kept over restarts, the least used deleted first."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from preview.asking import Data
from preview.engine import convert as convert_module
from preview.engine import copies as module
from preview.engine.connect import connect
from preview.engine.copies import Copies, key_of
from preview.engine.tables import open_table
from preview.errors import SourceUnavailable, TooBig
from preview.limits import Limits
from tests.unit.preview.engine.at_hand import LIMITS, MEMORY, copies_in, data_at, data_of


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cache keys that were converted, in order."""
    made: list[str] = []
    convert = convert_module.convert

    def counted(engine: Any, data: Data, *arguments: Any, **options: Any) -> Any:
        made.append(data.cache_key)
        return convert(engine, data, *arguments, **options)

    monkeypatch.setattr(module, "convert", counted)
    return made


def rows_in(copies: Copies, data: Data) -> int:
    with connect(memory=MEMORY) as engine:
        return open_table(engine, "data", data, copies=copies, limits=LIMITS).rows


def kept(copies: Copies) -> set[str]:
    return {path.stem for path in copies.folder.glob("*.parquet")}


def test_a_copy_is_made_once_and_kept(tmp_path: Path, conversions: list[str]) -> None:
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    assert [rows_in(copies_in(tmp_path), data) for _ in range(3)] == [1, 1, 1]
    assert conversions == [data.cache_key]
    assert not list((tmp_path / "copies").glob("*.tmp"))


def test_many_who_ask_at_once_wait_for_one_copy(tmp_path: Path, conversions: list[str]) -> None:
    data = data_of(tmp_path / "files", "a,b\n" + "1,2\n" * 50_000, "x.csv")
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(rows_in(copies_in(tmp_path), data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [50_000] * 4
    assert len(conversions) == 1


def test_the_copy_used_longest_ago_goes_first(tmp_path: Path) -> None:
    files = [data_of(tmp_path / "files", "a,b\n" + f"{n},{n}\n" * 5_000, "x.csv") for n in range(4)]
    roomy = copies_in(tmp_path)
    for age, data in enumerate(files[:3]):
        rows_in(roomy, data)
        os.utime(roomy.folder / f"{key_of(data)}.parquet", (age, age))
    size = max(path.stat().st_size for path in roomy.folder.glob("*.parquet"))
    rows_in(roomy, files[0])
    tight = copies_in(tmp_path, limit=3 * size)
    rows_in(tight, files[3])
    assert kept(tight) == {key_of(files[0]), key_of(files[2]), key_of(files[3])}
    assert {path.stem for path in tight.folder.glob("*.json")} == kept(tight)


def test_a_copy_that_is_read_stays(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    with connect(memory=MEMORY) as engine:
        open_table(engine, "data", data, copies=copies_in(tmp_path), limits=LIMITS)
        copies_in(tmp_path, limit=0).trim()
        assert engine.con.execute("SELECT count(*) FROM data").fetchall() == [(1,)]
    copies_in(tmp_path, limit=0).trim()
    assert kept(copies_in(tmp_path)) == set()


def test_a_copy_larger_than_all_may_be_is_not_made(tmp_path: Path) -> None:
    drawn = random.Random(5)
    text = "a,b\n" + "".join(f"{n},{drawn.randrange(10**12)}\n" for n in range(200_000))
    copies = copies_in(tmp_path, limit=20_000)
    with pytest.raises(TooBig, match="copy of this file in columns"):
        rows_in(copies, data_of(tmp_path / "files", text, "x.csv"))
    assert not kept(copies)
    assert not list(copies.folder.glob("*.tmp"))


@pytest.mark.parametrize("harm", ["cut", "zeros", "no facts"])
def test_what_a_power_cut_left_is_made_anew(tmp_path: Path, conversions: list[str], harm: str) -> None:
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    rows_in(copies_in(tmp_path), data)
    path = tmp_path / "copies" / f"{key_of(data)}.parquet"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    elif harm == "zeros":
        path.write_bytes(bytes(path.stat().st_size))
    else:
        path.with_suffix(".json").unlink()
    assert rows_in(copies_in(tmp_path), data) == 1
    assert len(conversions) == 2


def test_a_failure_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of(tmp_path / "files", "a,b\n" + "1,2\n" * 900_000, "x.csv")
    from preview.engine.convert import WatchedFile

    fetch = WatchedFile._fetch

    def failing(self: WatchedFile, start: int, length: int) -> bytes:
        if start > 1_000_000:
            raise SourceUnavailable("The store did not answer.")
        return fetch(self, start, length)

    monkeypatch.setattr(WatchedFile, "_fetch", failing)
    with pytest.raises(SourceUnavailable):
        rows_in(copies_in(tmp_path), data)
    assert [path.name for path in (tmp_path / "copies").iterdir() if not path.name.endswith(".lock")] == []


SLOW = """
import sys, time
from pathlib import Path
from preview.engine import convert
from tests.unit.preview.engine.at_hand import copies_in, data_at
from tests.unit.preview.engine.test_copies import rows_in
fetch = convert.WatchedFile._fetch
def slow(self, start, length):
    if start > 1_000_000:
        print("in the middle", flush=True)
        time.sleep(60)
    return fetch(self, start, length)
convert.WatchedFile._fetch = slow
rows_in(copies_in(Path(sys.argv[1])), data_at(Path(sys.argv[2]), name="x.csv"))
"""


def test_a_worker_killed_in_the_middle_leaves_no_half_copy(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_text("a,b\n" + "1,2\n" * 900_000)
    command = [sys.executable, "-c", SLOW, str(tmp_path), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"in the middle\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    copies = copies_in(tmp_path)
    assert list(copies.folder.glob("*.tmp"))
    assert not kept(copies)
    assert rows_in(copies, data_at(path, name="x.csv")) == 900_000
    assert not list(copies.folder.glob("*.tmp"))


def test_sweeping_leaves_what_is_being_made(tmp_path: Path) -> None:
    import fcntl

    copies = copies_in(tmp_path)
    copies.folder.mkdir()
    growing, left = copies.folder / "a.1.tmp", copies.folder / "b.2.tmp"
    left.write_bytes(b"half")
    with growing.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        copies.sweep()
        assert growing.exists()
    assert not left.exists()


def test_sweeping_leaves_what_duckdb_puts_in_the_place_of_the_file_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = convert_module.convert
    others = copies_in(tmp_path)

    def swept(engine: Any, data: Data, target: Path, **options: Any) -> Any:
        beside = target.with_name(f"tmp_{target.name}")
        beside.write_bytes(b"half")
        others.sweep()
        assert beside.exists()
        beside.unlink()
        facts = convert(engine, data, target, **options)
        others.sweep()
        return facts

    monkeypatch.setattr(module, "convert", swept)
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    assert rows_in(copies_in(tmp_path), data) == 1
    assert kept(others) == {key_of(data)}


def test_facts_come_back_from_json(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a;b\n1;x\n", "x.csv")
    rows_in(copies_in(tmp_path), data)
    facts = json.loads((tmp_path / "copies" / f"{key_of(data)}.json").read_text())
    assert (facts["names"], facts["types"], facts["rows"]) == (["a", "b"], ["integer", "string"], 1)
    assert facts["detected"]["delimiter"] == ";"


def test_a_limit_on_columns_makes_no_other_copy(tmp_path: Path) -> None:
    # Limits are the app's, the same for every worker; a name for the content and the way of reading is all a key is.
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    with connect(memory=MEMORY) as engine:
        first = open_table(engine, "one", data, copies=copies_in(tmp_path), limits=Limits())
        again = open_table(engine, "two", data, copies=copies_in(tmp_path), limits=Limits(columns=5))
    assert first.parquet == again.parquet


def test_progress_ends_at_one(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a,b\n" + "1,2\n" * 900_000, "x.csv")
    told: list[float] = []
    with connect(memory=MEMORY) as engine:
        open_table(engine, "data", data, copies=copies_in(tmp_path), limits=LIMITS, on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 2


def test_waiting_for_a_copy_ends_with_its_maker(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    copies = copies_in(tmp_path)
    copies.folder.mkdir()
    with contextlib.ExitStack() as holding:
        holding.enter_context(copies._alone(key_of(data)))
        found: list[int] = []
        waiting = threading.Thread(target=lambda: found.append(rows_in(copies, data)))
        waiting.start()
        time.sleep(0.2)
        assert not found
    waiting.join()
    assert found == [1]
