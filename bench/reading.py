"""The first hundred rows of a big file on the store and a page from its middle, against pandas reading it whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import pyarrow.parquet

from bench import files
from bench.figures import Figure
from bench.relay import Relay, relay
from bench.scale import Scale
from bench.servers import stored
from bench.usage import watched
from tests.app_server import RunningApp, running_app, s3_env
from tests.seaweed import seaweed_server

ROWS = 100
QUIET = 2.0
"""Seconds without a byte from the store."""
PANDAS = """
import json, re, sys, time
from pathlib import Path
import pandas as pd, pyarrow, pyarrow.parquet
def highest():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)) * 1024 / 1e6
before = highest()
begin = time.perf_counter()
frame = pd.read_csv(sys.argv[1]) if sys.argv[1].endswith(".csv") else pd.read_parquet(sys.argv[1])
frame.head(100)
took = time.perf_counter() - begin
print(json.dumps([took, highest() - before]))
"""
"""The peer reads from disk, which flatters it; its imports are not counted, and neither is a worker's start."""


@dataclass
class Seen:
    """Of one file: seconds and MB of each read, Datashelf's and pandas'."""

    took: list[float] = field(default_factory=list)
    grown: list[float] = field(default_factory=list)
    pandas: list[tuple[float, float]] = field(default_factory=list)


def preview(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds, memory and bytes of pages that nothing has cached, in a running app that has read another file."""
    csv, parquet, large_groups = folder / "rows.csv", folder / "rows.parquet", folder / "large-groups.parquet"
    files.tables(csv, parquet, rows=scale.rows)
    table = pyarrow.parquet.read_table(parquet)
    pyarrow.parquet.write_table(table, large_groups)  # row groups of 1,048,576 rows, as pandas writes them
    del table
    small = folder / "small.csv", folder / "small.parquet"
    files.tables(*small, rows=1000)
    big, middle = (csv, parquet, large_groups), scale.rows // 2
    with ExitStack() as stack:
        store = stack.enter_context(seaweed_server(folder / "reading-store", memory="1GiB"))
        with running_app(folder / "reading", s3_env(store)) as app:
            ids = {file: stored(app, file) for file in (*big, *small)}
        with running_app(folder / "reading", s3_env(store)) as app, app.client() as client:
            _warm(client, [ids[file] for file in small])
            seen = _times(app, client, ids, big, middle, rounds=scale.rounds + 2)
        counted = stack.enter_context(relay(store.endpoint))
        env = {**s3_env(store), "MINIO__ENDPOINT": counted.endpoint}
        fetched: dict[tuple[Path, int], int] = {}
        with running_app(folder / "reading", env) as app, app.client() as client:
            _warm(client, [ids[file] for file in small])
            for file in big:
                for offset in (0, middle):
                    had = _settled(counted)
                    _page(client, ids[file], offset=offset)
                    fetched[file, offset] = counted.received - had
    figures = [figure for file in (csv, parquet) for figure in _first_rows(file, seen, fetched[file, 0])]
    for file in big:
        figures += _middle(file, middle, seen[file, middle], fetched[file, middle])
    return figures


def _warm(client: httpx.Client, ids: Iterable[str]) -> None:
    """Start the workers and let them read their first file: what follows is a running app's."""
    for file_id in ids:
        for rows in range(4):
            client.get(f"/files/{file_id}/preview?rows={ROWS + rows}").raise_for_status()


def _settled(counted: Relay) -> int:
    """Bytes received so far, once nothing more comes: what the app reads in the background is not the page's."""
    before = -1
    while before != counted.received:
        before = counted.received
        time.sleep(QUIET)
    return before


def _times(
    app: RunningApp, client: httpx.Client, ids: dict[Path, str], big: Sequence[Path], middle: int, *, rounds: int
) -> dict[tuple[Path, int], Seen]:
    seen: dict[tuple[Path, int], Seen] = {}
    for number in range(rounds):
        for file in big:
            for offset in (0, middle):
                entry = seen.setdefault((file, offset), Seen())
                with watched(app.process.pid) as watch:
                    begin = time.perf_counter()
                    # Another number of rows each time: what has been read once is kept.
                    _page(client, ids[file], offset=offset, rows=ROWS - number)
                    entry.took.append(time.perf_counter() - begin)
                entry.grown.append(watch.growth)
        for file in big[:2]:
            if number < 3:
                seen[file, 0].pandas.append(_pandas(file))
    return seen


def _page(client: httpx.Client, file_id: str, *, offset: int, rows: int = ROWS) -> None:
    answer = client.get(f"/files/{file_id}/preview?rows={rows}&offset={offset}").raise_for_status().json()
    if [row[0] for row in answer["rows"]] != list(range(offset, offset + rows)):
        raise RuntimeError(f"these are not the rows from {offset} on")


def _first_rows(file: Path, all_seen: dict[tuple[Path, int], Seen], fetched: int) -> list[Figure]:
    seen, size = all_seen[file, 0], file.stat().st_size
    what = f"first {ROWS} rows of {size / 1e6:,.0f} MB {file.suffix[1:].upper()} on the store"
    seconds, memory = median(seen.took), median(seen.grown)
    pandas_seconds = median(took for took, _ in seen.pandas)
    pandas_memory = median(memory for _, memory in seen.pandas)
    is_csv = file.suffix == ".csv"
    return [
        Figure(
            f"{what}: time",
            seconds * 1000,
            "ms",
            pandas_seconds * 1000,
            "pandas reading it whole, from disk",
            "≤ 1/20",
            seconds * 20 <= pandas_seconds,
        ),
        Figure(
            f"{what}: memory",
            memory,
            "MB",
            pandas_memory,
            "pandas reading it whole",
            "≤ 1/20",
            memory * 20 <= pandas_memory,
        ),
        Figure(
            f"{what}: bytes fetched",
            fetched / 1e6,
            "MB",
            size / 1e6,
            "the whole file",
            "≤ 1 %" if is_csv else "",
            fetched <= 0.01 * size if is_csv else None,
        ),
    ]


def _middle(file: Path, offset: int, seen: Seen, fetched: int) -> list[Figure]:
    size = file.stat().st_size
    kind = {"rows.csv": "CSV", "rows.parquet": "Parquet", "large-groups.parquet": "Parquet of 1,048,576-row groups"}
    what = f"{ROWS} rows from row {offset:,} of {size / 1e6:,.0f} MB {kind[file.name]} on the store"
    return [
        Figure(f"{what}: time", median(seen.took) * 1000, "ms"),
        Figure(
            f"{what}: bytes fetched",
            fetched / 1e6,
            "MB",
            size / 1e6,
            "the whole file",
            "≤ 5 %",
            fetched <= 0.05 * size,
        ),
    ]


def _pandas(file: Path) -> tuple[float, float]:
    """Seconds and MB."""
    answer = subprocess.run([sys.executable, "-c", PANDAS, str(file)], capture_output=True, text=True, check=True)
    took, memory = json.loads(answer.stdout)
    return took, memory
