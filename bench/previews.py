"""Previews of very big files, and of very many files at once."""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pyarrow.feather
import pyarrow.parquet

from bench import files
from bench.figures import Figure
from bench.scale import MB, Scale
from bench.servers import stored
from bench.sparse import sparse_parquet
from preview import Limits, Previewer, Source
from tests.app_server import RunningApp, running_app, s3_env
from tests.seaweed import seaweed_server

ROWS = 100
AT_ONCE = 200
ROUNDS = 15


def sizes(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds to the first rows of a Parquet file of 20 GB beside one of 200 MB on local disk, and of 2 GB beside one
    of 200 MB on the store, opened in turn by a running app's worker; their row groups are the same."""
    model = folder / "model.parquet"
    files.tables(folder / "model.csv", model, rows=scale.rows // 2)
    big, medium, small = folder / "big.parquet", folder / "medium.parquet", folder / "small.parquet"
    for path, size in ((big, 20_000 * MB), (medium, 2_000 * MB), (small, 200 * MB)):
        sparse_parquet(path, model, size=size)
    big_seconds, small_seconds = _on_disk(big, small)
    figures = [_beside("20 GB Parquet on local disk", big_seconds, small_seconds)]
    with seaweed_server(folder / "store", memory="1GiB") as store, running_app(folder / "data", s3_env(store)) as app:
        ids = [stored(app, path) for path in (medium, small)]
        took = [_timed(app, file_id, number) for number in range(ROUNDS) for file_id in ids]
    figures.append(_beside("2 GB Parquet on the store", median(took[2::2]), median(took[3::2])))
    return figures


def _beside(what: str, seconds: float, peer: float) -> Figure:
    # A quarter more is what two runs of the same file differ by.
    return Figure(
        f"first {ROWS} rows of a {what}: time",
        seconds * 1000,
        "ms",
        peer * 1000,
        "the same of 200 MB",
        "≤ 1.25",
        seconds <= 1.25 * peer,
    )


def _on_disk(*paths: Path) -> list[float]:
    previewer = Previewer(Limits(), workers=1)
    took: dict[Path, list[float]] = {path: [] for path in paths}
    try:
        for number in range(ROUNDS):
            for path in paths:
                begin = time.perf_counter()
                shown = previewer.preview(Source(path.as_uri(), path.stat().st_size, path.name), rows=ROWS)
                if number:  # the worker's first file waits for its imports
                    took[path].append(time.perf_counter() - begin)
                if [row[0] for row in shown.json_rows()] != list(range(ROWS)):
                    raise RuntimeError("these are not the first rows")
    finally:
        previewer.close()
    return [median(seconds) for seconds in took.values()]


def _timed(app: RunningApp, file_id: str, number: int) -> float:
    with app.client() as client:
        client.get(f"/files/{file_id}").raise_for_status()
        begin = time.perf_counter()
        # Another number of rows each time: what has been read once is kept.
        client.get(f"/files/{file_id}/preview?rows={ROWS + number}").raise_for_status()
        return time.perf_counter() - begin


def many(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds of each of 200 previews asked for in the same moment, of six kinds of files, none of them cached; and
    how long the app takes meanwhile to say that it is alive."""
    paths = _mixed(folder, rows=scale.rows // 10)
    with seaweed_server(folder / "store", memory="1GiB") as store, running_app(folder / "data", s3_env(store)) as app:
        ids = [stored(app, path) for path in paths]
        begin, done = threading.Barrier(AT_ONCE + 1), threading.Event()

        def look(number: int) -> tuple[float, int]:
            with app.client() as client:
                begin.wait()
                began = time.perf_counter()
                answer = client.get(f"/files/{ids[number % len(ids)]}/preview?rows=50&offset={number}")
                return time.perf_counter() - began, answer.status_code

        def alive() -> float:
            longest = 0.0
            with app.client() as client:
                begin.wait()
                while not done.wait(0.1):
                    began = time.perf_counter()
                    client.get(f"{app.url}/api/health/live").raise_for_status()
                    longest = max(longest, time.perf_counter() - began)
            return longest

        with ThreadPoolExecutor(AT_ONCE + 1) as threads:
            watching = threads.submit(alive)
            answers = list(threads.map(look, range(AT_ONCE)))
            done.set()
            longest = watching.result()
    took = sorted(seconds for seconds, _ in answers)
    failed = sum(status != 200 for _, status in answers)
    what = f"{AT_ONCE} previews of mixed files at once"
    return [
        Figure(f"{what}: failed", failed, "", budget="0", kept=failed == 0),
        Figure(f"{what}: half of them within", took[len(took) // 2], "s"),
        Figure(f"{what}: 95 % of them within", took[len(took) * 95 // 100], "s"),
        Figure(f"{what}: /api/health/live meanwhile, at most", longest, "s"),
    ]


def _mixed(folder: Path, *, rows: int) -> list[Path]:
    csv, parquet = folder / "rows.csv", folder / "rows.parquet"
    files.tables(csv, parquet, rows=rows)
    packed, arrow, large_groups = folder / "rows.csv.gz", folder / "rows.arrow", folder / "large-groups.parquet"
    packed.write_bytes(gzip.compress(csv.read_bytes(), 1))
    table = pyarrow.parquet.read_table(parquet)
    pyarrow.feather.write_feather(table, arrow)
    pyarrow.parquet.write_table(table, large_groups)
    lines = folder / "rows.jsonl"
    with lines.open("w") as out:
        for batch in table.select(["flight_id", "carrier", "fare", "ticket"]).to_batches(10_000):
            out.writelines(json.dumps(row) + "\n" for row in batch.to_pylist())
    return [csv, parquet, packed, arrow, large_groups, lines]
