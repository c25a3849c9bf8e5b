"""Downloads: what handing out a file costs the server, and whether the store's full speed arrives."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.parse
from pathlib import Path
from statistics import median

from bench import browser, files
from bench.figures import Figure
from bench.scale import Scale
from bench.servers import datashelf, peer, stored
from bench.usage import Watch, watched
from tests.app_server import RunningApp

PARALLEL = 8
CPU_BUDGET = {"minio": 0.05, "local": 1.5}
"""CPU seconds of the app for each GB handed out."""


def downloads(scale: Scale, folder: Path) -> list[Figure]:
    """Server CPU and throughput of downloads, beside st.download_button."""
    file = files.random_file(folder / "download.bin", scale.download)
    shared = files.random_file(folder / "parallel.bin", scale.parallel_download)
    button, through_app = _download_button(file, shared, folder)
    gigabytes = scale.parallel_download * PARALLEL / 1e9
    peer_cpu = button.cpu / (scale.download / 1e9)
    figures = [
        Figure(
            f"st.download_button, {scale.download / 1e6:,.0f} MB: memory at its highest, above before",
            button.growth,
            "MB",
        )
    ]
    for backend, budget in CPU_BUDGET.items():
        with datashelf(folder / f"out-{backend}", backend) as (app, _):
            file_id = stored(app, shared)
            with watched(app.process.pid) as watch:
                ours = [_together([f"{app.api}/files/{file_id}/download"] * PARALLEL) for _ in range(scale.rounds)]
            direct = [_together(_signed(app, file_id)) for _ in range(scale.rounds)]
        name = "S3 store" if backend == "minio" else "local disk"
        cost = watch.cpu / (gigabytes * scale.rounds)
        speed = gigabytes * 1000 / median(ours)
        what = f"{PARALLEL} downloads at once of {scale.parallel_download / 1e6:,.0f} MB, {name}"
        figures.append(
            Figure(
                f"{what}: server CPU a GB",
                cost,
                "s",
                peer_cpu,
                f"st.download_button, one of {scale.download / 1e6:,.0f} MB",
                f"≤ {budget} s",
                cost <= budget,
            )
        )
        figures.append(Figure(f"{what}: memory at its highest, above before", watch.growth, "MB"))
        if backend == "minio":
            straight = gigabytes * 1000 / median(direct)
            figures += [
                Figure(
                    f"{what}: throughput",
                    speed,
                    "MB/s",
                    straight,
                    "the same client reading the store directly",
                    "≥ 0.95 ×",
                    speed / straight >= 0.95,
                ),
                Figure(
                    f"{what}: throughput",
                    speed,
                    "MB/s",
                    through_app,
                    "Streamlit's /media",
                    "≥ 4 ×",
                    speed / through_app >= 4,
                ),
            ]
        else:
            figures.append(Figure(f"{what}: throughput", speed, "MB/s", through_app, "Streamlit's /media"))
    return figures


def _download_button(file: Path, shared: Path, folder: Path) -> tuple[Watch, float]:
    """One press of the button in Chromium, watched; then MB/s of as many clients at once on the address behind it."""
    with (
        peer("downloader.py", env={"BENCH_FILE": str(file)}) as streamlit,
        browser.page(downloads=folder) as page,
        watched(streamlit.pid) as watch,
    ):
        page.goto(streamlit.url)
        with page.expect_download(timeout=browser.LONG) as download:
            page.get_by_role("button", name="Download").click(timeout=browser.LONG)
        download.value.path()
    with peer("downloader.py", env={"BENCH_FILE": str(shared)}) as streamlit, browser.page(downloads=folder) as page:
        page.goto(streamlit.url)
        with page.expect_download(timeout=browser.LONG) as download:
            page.get_by_role("button", name="Download").click(timeout=browser.LONG)
        address = urllib.parse.urljoin(streamlit.url, download.value.url)
        download.value.path()
        # The tab stays open: Streamlit drops the file with the session.
        took = _together([address] * PARALLEL)
    return watch, shared.stat().st_size * PARALLEL / 1e6 / took


def _signed(app: RunningApp, file_id: str) -> list[str]:
    with app.client() as client:
        return [client.get(f"/files/{file_id}/download-url").json()["url"] for _ in range(PARALLEL)]


def _together(urls: list[str]) -> float:
    """Seconds until one curl a URL, all at once, have everything."""
    begin = time.perf_counter()
    clients = [
        subprocess.Popen(["curl", "-sS", "-f", "-L", "-o", os.devnull, url], stdout=subprocess.DEVNULL) for url in urls
    ]
    codes = [client.wait() for client in clients]
    if any(codes):
        raise RuntimeError(f"curl ended with {codes}")
    return time.perf_counter() - begin
