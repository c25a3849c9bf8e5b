"""Downloads: what handing out a file costs the server, and whether the store's full speed arrives."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import browser, files
from bench.figures import Figure
from bench.scale import Scale
from bench.servers import datashelf, peer, proxy, stored
from bench.usage import Watch, watched
from tests.app_server import RunningApp

PARALLEL = 8
CPU_BUDGET = {"minio": 0.05, "local": 1.5}
"""CPU seconds of the app for each GB handed out."""
STORE, LOCAL = "S3 store", "local disk"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds a GB, MB at the highest above before, MB/s of all clients together."""

    cpu: float
    memory: float
    speed: float


def downloads(scale: Scale, folder: Path) -> list[Figure]:
    """Server CPU and throughput of downloads, beside st.download_button and an app that passes the bytes on."""
    single = files.random_file(folder / "download.bin", scale.download)
    shared = files.random_file(folder / "parallel.bin", scale.parallel_download)
    button, button_seconds = _download_button(single, folder)
    button_cpu = button.cpu / (scale.download / 1e9)
    button_speed = scale.download / 1e6 / button_seconds
    name = f"st.download_button, one of {_mb(scale.download)}"
    figures = [Figure(f"{name}: memory at its highest, above before", button.growth, "MB")]

    with datashelf(folder / "out-minio", "minio") as (app, store):
        assert store is not None
        file_id = stored(app, shared)
        links = _signed(app, file_id)
        with proxy(store) as passing:
            parts = urllib.parse.urlsplit(links[0])
            bucket, _, key = parts.path.lstrip("/").partition("/")
            through = _cost([f"{passing.url}/download?bucket={bucket}&key={key}"] * PARALLEL, passing.pid, shared, 1)
        # In turns, so that what else the machine does hits both alike.
        ours, direct = [], []
        for _ in range(scale.rounds):
            ours.append(_cost(_counted(app, file_id), app.process.pid, shared, 1))
            direct.append(_cost(links, app.process.pid, shared, 1).speed)
    cpu = sum(cost.cpu for cost in ours) / scale.rounds
    speed = median(cost.speed for cost in ours)
    what = f"{PARALLEL} downloads at once of {_mb(scale.parallel_download)}, {STORE}"
    figures += [
        _cpu(what, cpu, button_cpu, name, CPU_BUDGET["minio"]),
        Figure(f"{what}: server CPU a GB", cpu, "s", through.cpu, "an app that passes the store's bytes on"),
        Figure(f"{what}: memory at its highest, above before", max(cost.memory for cost in ours), "MB"),
        _speed(what, speed, median(direct), "the same clients reading the store directly", 0.95),
        _speed(what, speed, button_speed, f"{name}, from opening the page to the last byte", 4),
        # Store, app and clients share the processors here; on a machine of its own the app would be the bottleneck.
        Figure(f"{what}: throughput", speed, "MB/s", through.speed, "an app that passes the store's bytes on"),
    ]

    with datashelf(folder / "out-local", "local") as (app, _store):
        file_id = stored(app, shared)
        local = _cost(_counted(app, file_id), app.process.pid, shared, scale.rounds)
    what = f"{PARALLEL} downloads at once of {_mb(scale.parallel_download)}, {LOCAL}"
    return [
        *figures,
        _cpu(what, local.cpu, button_cpu, name, CPU_BUDGET["local"]),
        Figure(f"{what}: memory at its highest, above before", local.memory, "MB"),
        Figure(f"{what}: throughput", local.speed, "MB/s", through.speed, "an app that passes the store's bytes on"),
    ]


def _cpu(what: str, value: float, peer_value: float, peer_name: str, budget: float) -> Figure:
    return Figure(f"{what}: server CPU a GB", value, "s", peer_value, peer_name, f"≤ {budget} s", value <= budget)


def _speed(what: str, value: float, peer_value: float, peer_name: str, least: float) -> Figure:
    kept = value / peer_value >= least
    return Figure(f"{what}: throughput", value, "MB/s", peer_value, peer_name, f"≥ {least} ×", kept)


def _download_button(file: Path, folder: Path) -> tuple[Watch, float]:
    """One visit of the page and one press of its button in Chromium, and the seconds until the file is there."""
    with (
        peer("downloader.py", env={"BENCH_FILE": str(file)}) as streamlit,
        browser.page(downloads=folder) as page,
        watched(streamlit.pid) as watch,
    ):
        begin = time.perf_counter()
        page.goto(streamlit.url)
        with page.expect_download(timeout=browser.LONG) as download:
            page.get_by_role("button", name="Download").click(timeout=browser.LONG)
        download.value.path()
        took = time.perf_counter() - begin
    return watch, took


def _counted(app: RunningApp, file_id: str) -> list[str]:
    return [f"{app.api}/files/{file_id}/download"] * PARALLEL


def _signed(app: RunningApp, file_id: str) -> list[str]:
    with app.client() as client:
        return [client.get(f"/files/{file_id}/download-url").json()["url"] for _ in range(PARALLEL)]


def _cost(urls: list[str], pid: int, file: Path, rounds: int) -> Cost:
    """What the process and its children spend while one curl a URL, all at once, fetches everything."""
    gigabytes = file.stat().st_size * len(urls) / 1e9
    with watched(pid) as watch:
        took = [_together(urls) for _ in range(rounds)]
    return Cost(watch.cpu / gigabytes / rounds, watch.growth, gigabytes * 1000 / median(took))


def _together(urls: list[str]) -> float:
    begin = time.perf_counter()
    clients = [
        subprocess.Popen(["curl", "-sS", "-f", "-L", "-o", os.devnull, url], stdout=subprocess.DEVNULL) for url in urls
    ]
    codes = [client.wait() for client in clients]
    if any(codes):
        raise RuntimeError(f"curl ended with {codes}")
    return time.perf_counter() - begin


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
