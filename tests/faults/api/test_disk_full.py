"""A disk that an upload has filled: the shelf goes on, and cancelling the upload gives the room back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app_server import running_app
from tests.real_parts import missing
from tests.shelf_client import problem, start, store, unique

pytestmark = pytest.mark.long

CSV = b"id,name\n1,Ada\n"
DISK = 24 * 1024**2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "small"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(mounted)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        missing("the right to mount a small file system")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_upload_that_fills_the_disk_is_507_and_can_be_cancelled(small_disk: Path) -> None:
    data = b"x" * (DISK + 1)
    with running_app(small_disk / "data") as app, app.client() as client:
        kept = store(app, CSV, "kept.csv", name=unique())
        started = start(app, data, "too-large.bin", name=unique())
        size = started["part_size"]
        parts = [
            httpx.put(part["url"], content=data[(part["number"] - 1) * size : part["number"] * size], timeout=60)
            for part in started["parts"]
        ]
        problem(parts[-1], 507, "storage-full")
        assert httpx.get(kept["download_url"]).content == CSV
        with_full_disk = client.patch(f"/datasets/{kept['id']}", json={"description": "still writable"})
        assert with_full_disk.status_code == 200
        assert client.delete(f"/uploads/{started['upload_id']}").status_code == 204
        store(app, data[: DISK // 4], "fits.bin", name=unique())
