"""Uploads from a real browser: what they cost the server in memory."""

from __future__ import annotations

import time
from pathlib import Path

from bench import browser, files
from bench.figures import Figure
from bench.scale import MB, MIB, Scale
from bench.servers import datashelf, peer, until_read
from bench.usage import watched
from tests.app_server import RunningApp

MEMORY_BUDGET = {"minio": 8, "local": 24}
"""MB."""


def memory(scale: Scale, folder: Path) -> list[Figure]:
    """Memory of the server's processes while a file comes in, above what they held before."""
    small = files.random_file(folder / "upload.bin", scale.upload)
    big = files.random_file(folder / "big.bin", scale.sent)
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


def _until_newest_is_read(app: RunningApp) -> None:
    with app.client() as client:
        until_read(app, client.get("/datasets?limit=1").json()["items"][0]["file_id"])


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _name(backend: str) -> str:
    return "S3 store" if backend == "minio" else "local disk"
