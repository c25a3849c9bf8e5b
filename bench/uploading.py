"""Uploads from a real browser: what they cost the server in memory, and how fast they are."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

from minio import Minio

from bench import browser, files
from bench.figures import Figure
from bench.scale import MB, MIB, Scale
from bench.servers import datashelf, peer, until_read
from bench.usage import watched
from tests.app_server import RunningApp
from tests.seaweed import SeaweedServer

MEMORY_BUDGET = {"minio": 8, "local": 24}
"""MB."""


def memory(scale: Scale, folder: Path) -> list[Figure]:
    """Memory of the server's processes while a file comes in, above what they held before."""
    small = files.random_file(folder / "upload.bin", scale.upload)
    big = files.random_file(folder / "big.bin", scale.big_upload)
    # What Streamlit loads with the first upload is not the file's: both sides have received a small one before.
    first = files.random_file(folder / "first.bin", MIB)
    with (
        peer("uploader.py", f"--server.maxUploadSize={scale.upload // MB + 1}") as streamlit,
        browser.page() as page,
    ):
        page.goto(streamlit.url)
        browser.pick_for_streamlit(page, first)
        page.reload()
        with watched(streamlit.pid) as through_streamlit:
            browser.pick_for_streamlit(page, small)
            time.sleep(2)
    figures = [
        Figure(
            f"st.file_uploader, {_mb(scale.upload)}: memory kept afterwards", through_streamlit.kept, "MB", kept=None
        )
    ]
    for backend, budget in MEMORY_BUDGET.items():
        with datashelf(folder / f"memory-{backend}", backend) as (app, _), browser.page() as page:
            for file in (first, small, big):
                page.goto(f"{app.url}/upload")
                with watched(app.process.pid, alone=True) as watch:
                    browser.pick_for_datashelf(page, file)
                if file is first:
                    _until_newest_is_read(app)
                    continue
                figures.append(
                    Figure(
                        f"upload {_mb(file.stat().st_size)}, {_name(backend)}: memory at its highest, above before",
                        watch.growth,
                        "MB",
                        through_streamlit.growth,
                        f"st.file_uploader, {_mb(scale.upload)}",
                        f"≤ +{budget} MB",
                        watch.growth <= budget,
                    )
                )
                _until_newest_is_read(app)
    return figures


def throughput(scale: Scale, folder: Path) -> list[Figure]:
    """Chromium on the Upload screen against `curl -T` to the same kind of signed URL, in turns."""
    file = files.random_file(folder / "throughput.bin", scale.big_upload)
    ours: list[float] = []
    curls: list[float] = []
    with datashelf(folder / "throughput", "minio") as (app, store), browser.page() as page:
        assert store is not None
        for _ in range(scale.rounds):
            curls.append(_seconds(lambda: _curl_upload(store, file)))
            page.goto(f"{app.url}/upload")
            page.locator("input[type=file]").first.wait_for(state="attached")
            page.wait_for_timeout(1500)  # the page is drawn; nobody picks a file faster
            ours.append(_seconds(lambda: browser.pick_for_datashelf(page, file)))
            _until_newest_is_read(app)
    size = scale.big_upload / 1e6
    value, best = size / median(ours), size / median(curls)
    return [
        Figure(
            f"upload {_mb(scale.big_upload)} from Chromium to the store, with begin and complete",
            value,
            "MB/s",
            best,
            "curl -T to a presigned URL of the same store",
            "≥ 0.8 ×",
            value / best >= 0.8,
        )
    ]


def _curl_upload(store: SeaweedServer, file: Path) -> None:
    """One `curl -T` to a presigned PUT of the whole object."""
    client = Minio(store.endpoint, store.access_key, store.secret_key, secure=store.secure, region=store.region)
    url = client.presigned_put_object("mlops-files", f"temp/{uuid.uuid4()}")
    subprocess.run(["curl", "-sS", "-f", "-o", "/dev/null", "-T", str(file), url], check=True)


def _until_newest_is_read(app: RunningApp) -> None:
    with app.client() as client:
        until_read(app, client.get("/datasets?limit=1").json()["items"][0]["file_id"])


def _seconds(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _name(backend: str) -> str:
    return "S3 store" if backend == "minio" else "local disk"
