"""How fast the app is there, and what it takes while nobody asks it anything."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from bench import browser, files
from bench.figures import Figure
from bench.scale import Scale
from bench.servers import datashelf, stored
from bench.usage import memory
from tests.app_server import running_app

START_BUDGET = 2.5
IDLE_BUDGET = 220


def start_and_idle(scale: Scale, folder: Path) -> list[Figure]:
    """Seconds to the first healthy answer at the second start, and MB of PSS, children included, at rest."""
    data = folder / "starting"
    with running_app(data):
        pass
    starts, sizes = [], []
    for _ in range(scale.rounds):
        begin = time.perf_counter()
        with running_app(data) as app:
            starts.append(time.perf_counter() - begin)
            sizes.append(memory(app.process.pid))
    took, fresh = median(starts), median(sizes)
    csv, parquet = folder / "small.csv", folder / "small.parquet"
    files.tables(csv, parquet, rows=1000)
    with datashelf(folder / "idle", "local") as (app, _), browser.page() as page:
        stored(app, csv)
        page.goto(app.url)
        page.get_by_text("small").first.wait_for()
        with app.client() as client:
            newest = client.get("/datasets").json()["items"][0]
        page.goto(f"{app.url}/dataset?id={newest['id']}")
        page.get_by_test_id("stDataFrame").wait_for()
        used = memory(app.process.pid)
        page.close()
        time.sleep(scale.idle_wait)
        idle = memory(app.process.pid)
    return [
        Figure(
            "second start to the first healthy answer",
            took,
            "s",
            budget=f"≤ {START_BUDGET} s",
            kept=took <= START_BUDGET,
        ),
        Figure("memory right after the start", fresh, "MB", budget=f"≤ {IDLE_BUDGET} MB", kept=fresh <= IDLE_BUDGET),
        Figure("memory with two screens and a preview just used", used, "MB"),
        Figure(
            f"memory {scale.idle_wait:.0f} s later",
            idle,
            "MB",
            budget=f"≤ {IDLE_BUDGET} MB" if scale.idle_wait > 60 else "",
            kept=idle <= IDLE_BUDGET if scale.idle_wait > 60 else None,
        ),
    ]
