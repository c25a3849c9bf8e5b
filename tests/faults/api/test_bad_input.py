"""Files that are not what they should be, through the real app: each is stored whole, and answered in words.

After all of them the app still answers, its memory is what it was, and every object in the store has its row.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.app_server import RunningApp, running_app
from tests.shelf_client import problem, store, unique

MORE_MEMORY = 150 * 1024**2
"""What the app itself may hold beyond its beginning; its workers have limits of their own."""


def zipped(name: str, data: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return held.getvalue()


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


WITHOUT_TABLE = {
    "empty.csv": (lambda: b"", {"no-table"}),
    "no columns.csv": (lambda: b"\n\n\n", {"no-table"}),
    "noise.xlsx": (lambda: noise(200_000), {"corrupt-file", "no-table"}),
    "noise.csv": (lambda: noise(200_000), {"no-table", "corrupt-file"}),
    "picture.csv": (lambda: b"\x89PNG\r\n\x1a\n" + noise(5000), {"no-table", "corrupt-file"}),
    "footer.parquet": (lambda: b"PAR1" + noise(1000) + b"\xff\xff\xff\x7fPAR1", {"corrupt-file"}),
    "cut.parquet": (lambda: b"PAR1" + noise(1000), {"corrupt-file"}),
    "deep.json": (lambda: b"[" * 10_000 + b"]" * 10_000, {"too-big-to-preview", "no-table", "corrupt-file"}),
    "bomb.csv.gz": (lambda: gzip.compress(b"a" * 300_000_000, 9), {"too-big-to-preview", "no-table"}),
    "bomb.zip": (lambda: zipped("bomb.csv", b"a" * 300_000_000), {"too-big-to-preview", "no-table"}),
    "pickle.pkl": (lambda: b"\x80\x04cos\nsystem\n(S'touch /tmp/pwned'\ntR.", {"no-table"}),
}
WITH_TABLE = {
    "wide.csv": (lambda: (",".join(f"c{n}" for n in range(5000)) + "\n" + ",".join(["1"] * 5000) + "\n").encode(), 1),
    "fat cell.csv": (lambda: b"a,b\n1," + b"x" * 50_000_000 + b"\n2,y\n", 2),
    "really parquet.csv": (lambda: (SAMPLES / "flights-3m.parquet").read_bytes(), 100),
    "header only.csv": (lambda: b"a,b,c\n", 0),
    "ragged.csv": (lambda: b"a,b\n1\n1,2,3\n4,5\n", 3),
    "latin.csv": (lambda: "näme;größe\nä;1\n".encode("cp1252"), 1),
}
SAMPLES = Path(__file__).parents[3] / "catalog" / "sample_data"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    with running_app(tmp_path_factory.mktemp("bad-input") / "data") as started:
        yield started


def own_memory(app: RunningApp) -> int:
    return psutil.Process(app.process.pid).memory_full_info().uss


@pytest.mark.parametrize("file_name", WITHOUT_TABLE)
def test_file_without_a_table_is_kept_whole_and_says_why(app: RunningApp, file_name: str) -> None:
    make, slugs = WITHOUT_TABLE[file_name]
    data = make()
    before = own_memory(app)
    dataset = store(app, data, file_name, name=unique())
    with app.client() as client:
        body = problem(client.get(f"/files/{dataset['file_id']}/preview", timeout=60), 422)
    assert body["type"].rpartition(":")[2] in slugs, body
    assert body["detail"][0].isupper()
    assert body["detail"].endswith((".", "?"))
    assert "Traceback" not in body["detail"]
    assert httpx.get(dataset["download_url"], timeout=60).content == data
    assert own_memory(app) < before + MORE_MEMORY


@pytest.mark.parametrize("file_name", WITH_TABLE)
def test_odd_file_still_shows_its_rows(app: RunningApp, file_name: str) -> None:
    make, rows = WITH_TABLE[file_name]
    before = own_memory(app)
    dataset = store(app, make(), file_name, name=unique())
    with app.client() as client:
        answer = client.get(f"/files/{dataset['file_id']}/preview", timeout=60)
    assert answer.status_code == 200, answer.text[:500]
    assert len(answer.json()["rows"]) == rows
    assert len(answer.content) < 20_000_000
    assert own_memory(app) < before + MORE_MEMORY


def test_wide_file_shows_every_one_of_its_5000_columns(app: RunningApp) -> None:
    dataset = store(app, WITH_TABLE["wide.csv"][0](), "wide.csv", name=unique())
    with app.client() as client:
        preview = client.get(f"/files/{dataset['file_id']}/preview").json()
    assert len(preview["columns"]) == 5000
    assert preview["columns"][4999] == {"name": "c4999", "type": "integer"}


def test_afterwards_the_app_answers_and_catalogue_and_store_agree(app: RunningApp) -> None:
    assert httpx.get(f"{app.url}/api/health/ready").json()["status"] == "ok"
    with app.client() as client:
        page = client.get("/datasets", params={"limit": 200}).json()
    objects = [path for path in (app.data_dir / "objects" / "datasets").rglob("*") if path.is_file()]
    assert page["total"] == len(page["items"]) > 0
    assert len([path for path in objects if not path.name.endswith(".meta")]) == page["total"]
    assert sorted(item["size"] for item in page["items"]) == sorted(
        path.stat().st_size for path in objects if not path.name.endswith(".meta")
    )


def test_no_worker_outlives_the_app(app: RunningApp) -> None:
    children = psutil.Process(app.process.pid).children(recursive=True)
    app.stop()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert not os.path.exists("/tmp/pwned")  # noqa: PTH110  what the pickle would have left
