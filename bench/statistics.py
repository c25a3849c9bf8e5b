"""The statistics of all columns of a big file, beside DuckDB's `SUMMARIZE` and pandas' `describe(include="all")`.

Each runs in a process of its own: the analyst's worker as the app starts it, the peers with the same number of threads
and with imports not counted. What is read from the store goes through presigned links, as in the app; the peers read
from disk, which flatters them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench import files
from bench.figures import Figure
from bench.scale import Scale
from bench.servers import stored
from bench.usage import watched
from preview.analyst import Analyst
from preview.asking import Data
from preview.limits import Limits
from preview.profile import Profile
from preview.source import Source
from tests.app_server import running_app, s3_env
from tests.seaweed import seaweed_server

MEMORY = 1024 * 1000 * 1000
COPIES = 5_000_000_000
PEER = """
import json, re, sys, time
from pathlib import Path
import duckdb, pandas as pd, pyarrow, pyarrow.parquet
def highest():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)) * 1024 / 1e6
path, peer = sys.argv[1:]
before, begin = highest(), time.perf_counter()
if peer == "duckdb":
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute("set enable_progress_bar = false")
        con.execute(f"summarize from '{path}'").fetchall()
else:
    (pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)).describe(include="all")
print(json.dumps([time.perf_counter() - begin, highest() - before]))
"""
DUCKDB, PANDAS = "DuckDB SUMMARIZE, from disk", 'pandas describe(include="all"), from disk'


def statistics(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds and memory of a full profile and of a first answer, on the disk and on the store."""
    csv, parquet = folder / "rows.csv", folder / "rows.parquet"
    files.tables(csv, parquet, rows=scale.rows)
    few = folder / "few.csv"
    few.write_text("a,b\n1,2\n")
    peers: dict[tuple[Path, str], list[tuple[float, float]]] = {}
    for file in (csv, parquet):
        peers[file, "pandas"] = [_peer(file, "pandas")]
    figures: list[Figure] = []
    with seaweed_server(folder / "statistics-store", memory="1GiB") as store:
        sources = {}
        with running_app(folder / "app", s3_env(store)) as app, app.client() as client:
            ids = {file: stored(app, file) for file in (csv, parquet)}
            for file, file_id in ids.items():
                link = client.get(f"/files/{file_id}/download-url").raise_for_status().json()["url"]
                sources[file, "store"] = Source(link, file.stat().st_size, file.name)
        for file in (csv, parquet):
            sources[file, "disk"] = Source(file.as_uri(), file.stat().st_size, file.name)
        for (file, where), source in sources.items():
            took, grown, first = [], [], []
            for turn in range(scale.rounds):
                # A fresh folder each time: a copy that is there makes the second profile cheaper than the first.
                with _analyst(folder / f"copies-{turn}") as analyst:
                    _check(analyst.quick_profile(Data(source, str(turn))), scale.rows, partial=True)
                    begin = time.perf_counter()
                    analyst.quick_profile(Data(source, str(turn)))
                    first.append(time.perf_counter() - begin)
                # Beside each other, so that both meet the same machine.
                peers.setdefault((file, "duckdb"), []).append(_peer(file, "duckdb"))
                with (
                    _analyst(folder / f"copies-{where}-{file.suffix}-{turn}") as analyst,
                    watched(os.getpid()) as watch,
                ):
                    # The peers' imports are not counted either.
                    analyst.profile(Data(Source(few.as_uri(), few.stat().st_size, few.name), f"few-{turn}"))
                    begin = time.perf_counter()
                    _check(analyst.profile(Data(source, str(turn))), scale.rows, partial=False)
                    took.append(time.perf_counter() - begin)
                grown.append(watch.growth)
            figures += _figures(file, where, (median(took), median(grown), median(first)), peers)
    return figures


def _figures(
    file: Path,
    where: str,
    found: tuple[float, float, float],
    peers: dict[tuple[Path, str], list[tuple[float, float]]],
) -> list[Figure]:
    took, grown, first = found
    what = f"statistics of {file.stat().st_size / 1e6:,.0f} MB {file.suffix[1:].upper()} on the {where}"
    most = 1.3 if file.suffix == ".csv" else 0.8
    summarize, describe = (
        (median(seconds for seconds, _ in peers[file, peer]), median(grown for _, grown in peers[file, peer]))
        for peer in ("duckdb", "pandas")
    )
    return [
        Figure(f"{what}: time", took, "s", summarize[0], DUCKDB, f"≤ {most}", took <= most * summarize[0]),
        Figure(f"{what}: time", took, "s", describe[0], PANDAS),
        Figure(f"{what}: memory", grown, "MB", describe[1], PANDAS, "≤ 1/8", grown * 8 <= describe[1]),
        Figure(f"{what}: memory", grown, "MB", summarize[1], DUCKDB),
        Figure(f"{what}: first answer", first, "s", None, "", "≤ 1 s", first <= 1),
    ]


@contextmanager
def _analyst(copies: Path) -> Iterator[Analyst]:
    analyst = Analyst(
        Limits(), workers=1, memory=MEMORY, timeout=timedelta(minutes=10), copies=copies, copies_limit=COPIES
    )
    try:
        yield analyst
    finally:
        analyst.close()


def _check(profile: Profile, rows: int, *, partial: bool) -> None:
    """A figure is worth nothing where the answer is wrong."""
    if profile.partial != partial or len(profile.columns) != 10 or (not partial and profile.rows != rows):
        raise ValueError(f"the profile covers {profile.how}")
    if not partial and not all(column.histogram or column.top for column in profile.columns):
        raise ValueError("a column has neither bars nor top values")


def _peer(file: Path, peer: str) -> tuple[float, float]:
    """Seconds and MB."""
    command = [sys.executable, "-c", PEER, str(file), peer]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    took, memory = json.loads(answer.stdout)
    return took, memory
