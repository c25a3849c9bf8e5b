"""The first hundred rows of a big file on the store, against pandas reading it whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench import files
from bench.figures import Figure
from bench.relay import relay
from bench.scale import Scale
from bench.servers import stored
from bench.usage import watched
from tests.app_server import running_app, s3_env
from tests.seaweed import seaweed_server

ROWS = 100
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


def preview(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds, memory and bytes of a preview that nothing has cached."""
    csv, parquet = folder / "rows.csv", folder / "rows.parquet"
    files.tables(csv, parquet, rows=scale.rows)
    small = folder / "small.csv", folder / "small.parquet"
    files.tables(*small, rows=1000)
    figures: list[Figure] = []
    with seaweed_server(folder / "reading-store", memory="1GiB") as store:
        data, ids = folder / "reading", {}
        with running_app(data, s3_env(store)) as app:
            for file in (csv, parquet, *small):
                ids[file] = stored(app, file)
        for file in (csv, parquet):
            pandas_seconds, pandas_memory = _pandas(file)
            with relay(store.endpoint) as counted:
                env = {**s3_env(store), "MINIO__ENDPOINT": counted.endpoint}
                took, fetched, grown = [], [], []
                for _ in range(scale.rounds):
                    # A fresh process each time: what a preview has read once is kept.
                    with running_app(data, env) as app, app.client() as client:
                        for other in small:  # starts a worker and lets it import its readers
                            client.get(f"/files/{ids[other]}/preview?rows={ROWS}").raise_for_status()
                        had = counted.received
                        with watched(app.process.pid) as watch:
                            begin = time.perf_counter()
                            client.get(f"/files/{ids[file]}/preview?rows={ROWS}").raise_for_status()
                            took.append(time.perf_counter() - begin)
                        fetched.append(counted.received - had)
                        grown.append(watch.growth)
            size = file.stat().st_size
            what = f"first {ROWS} rows of {size / 1e6:,.0f} MB {file.suffix[1:].upper()} on the store"
            seconds, memory = median(took), median(grown)
            share = median(fetched) / size
            is_csv = file is csv
            figures += [
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
                    median(fetched) / 1e6,
                    "MB",
                    size / 1e6,
                    "the whole file",
                    "≤ 1 %" if is_csv else "",
                    share <= 0.01 if is_csv else None,
                ),
            ]
    return figures


def _pandas(file: Path) -> tuple[float, float]:
    """Seconds and MB."""
    answer = subprocess.run([sys.executable, "-c", PANDAS, str(file)], capture_output=True, text=True, check=True)
    took, memory = json.loads(answer.stdout)
    return took, memory
