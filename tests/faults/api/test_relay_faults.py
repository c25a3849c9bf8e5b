"""The store is killed while bytes pass through the app: what is not whole does not count, and both ways go on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app_server import running_app, s3_env
from tests.seaweed import SeaweedServer
from tests.shelf_client import complete, problem, put_part, start, unique

pytestmark = [pytest.mark.s3, pytest.mark.long]
MIB = 1024**2
DATA = os.urandom(12 * MIB)


def test_store_killed_in_mid_part_and_in_mid_download(tmp_path: Path, own_s3_server: SeaweedServer) -> None:
    way = {"UPLOAD__VIA": "app", "DOWNLOAD__VIA": "app"}
    with running_app(tmp_path / "data", {**s3_env(own_s3_server), **way}) as app:
        started = start(app, DATA, "noise.bin", name=unique())
        url = started["parts"][0]["url"]

        def halves() -> Iterator[bytes]:
            yield DATA[: 6 * MIB]
            own_s3_server.stop()
            yield DATA[6 * MIB :]

        broken = httpx.put(url, content=halves(), headers={"Content-Length": str(len(DATA))}, timeout=60)
        problem(broken, 503, "storage-unavailable")
        problem(httpx.put(url, content=DATA, timeout=60), 503, "storage-unavailable")

        own_s3_server.start()
        with app.client() as client:
            assert client.get(f"/uploads/{started['upload_id']}").json()["received"] == []
        dataset = complete(app, started, [{"number": 1, "etag": put_part(url, DATA)}]).json()

        got = bytearray()

        def take() -> None:
            with httpx.stream("GET", dataset["download_url"], timeout=60) as answer:
                for block in answer.iter_raw(64 * 1024):
                    got.extend(block)
                    if len(got) >= MIB:
                        own_s3_server.stop()

        with pytest.raises(httpx.HTTPError):
            take()
        assert DATA.startswith(bytes(got))
        assert len(got) < len(DATA)
        problem(httpx.get(dataset["download_url"], timeout=60), 503, "storage-unavailable")

        own_s3_server.start()
        from_there = {"Range": f"bytes={len(got)}-"}
        deadline = time.monotonic() + 30  # until the app has seen that it is back
        while (rest := httpx.get(dataset["download_url"], headers=from_there, timeout=60)).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert rest.status_code == 206
        assert got + rest.content == DATA
