"""A store that answers, but not as it should: overloaded, refusing, emptied, wrong, slow.

Each has its sentence with what to do next, and what was stored or sent before is there once the store behaves again.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from minio import Minio

from tests.app_server import ROOT, RunningApp, running_app, s3_env
from tests.line import Line, line_to
from tests.relay_http import relayed
from tests.seaweed import S3Server, SeaweedServer
from tests.shelf_client import complete, problem, put_parts, start, store, unique

pytestmark = [pytest.mark.s3, pytest.mark.long]

CSV = b"id,name\n1,Ada\n2,Grace\n"
LARGE = b"id,name\n" + b"".join(b"%d,%06x\n" % (n, n * 7919) for n in range(40_000))
BUCKET = "mlops-files"
NEXT_STEP = re.compile(r"try again|make room|whoever runs the shelf|another version", re.IGNORECASE)


def eventually(look: Callable[[], object], wanted: object = True, *, within: float = 90) -> None:
    deadline = time.monotonic() + within
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def sentence(answer: httpx.Response, status: int, slug: str) -> str:
    """What a refusal says, which begins as a sentence does and names the next step."""
    said: str = problem(answer, status, slug)["detail"]
    assert said[0].isupper(), said
    assert said.endswith((".", "!", "?")), said
    assert NEXT_STEP.search(said), said
    assert "Traceback" not in said
    return said


def ready(app: RunningApp) -> dict[str, str]:
    found: dict[str, str] = httpx.get(f"{app.url}/api/health/ready", timeout=15).json()
    return found


def landing(app: RunningApp, file_id: object) -> str:
    """Where a browser is sent whose download failed."""
    with app.client() as client:
        answer = client.get(f"/files/{file_id}/download", headers={"Accept": "text/html"})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def rows(app: RunningApp, file_id: object, offset: int = 0) -> httpx.Response:
    with app.client() as client:
        return client.get(f"/files/{file_id}/preview", params={"rows": 2, "offset": offset}, timeout=90)


def alive_and_well(app: RunningApp, kept: dict[str, Any], data: bytes) -> None:
    """After a fault: the file from before is there, byte for byte, nothing failed, and a new one can be stored."""
    assert app.process.poll() is None
    assert httpx.get(kept["download_url"], timeout=60).content == data
    with app.client() as client:
        found = client.get(f"/datasets/{kept['id']}").json()
    assert [file["status"] for file in found["files"]] == ["ready"]
    later = store(app, CSV, "later.csv", name=unique())
    assert httpx.get(later["download_url"]).content == CSV
    assert "Traceback" not in app.log


@dataclass
class Place:
    """The app, and the line to its store; clients reach the store itself."""

    app: RunningApp
    line: Line


@pytest.fixture
def place(tmp_path: Path, s3_server: S3Server) -> Iterator[Place]:
    with line_to(s3_server.endpoint) as line:
        env = {
            **s3_env(s3_server, bucket=unique("behind-a-line")),
            "MINIO__ENDPOINT": f"localhost:{line.port}",
            "MINIO__RETRY_ATTEMPTS": "2",
            "PREVIEW__TIMEOUT": "4",
        }
        with running_app(tmp_path / "data", env) as app:
            yield Place(app, line)


def test_store_that_is_overloaded_for_a_while(place: Place) -> None:
    app = place.app
    kept = store(app, LARGE, "kept.csv", name=unique())
    begun = start(app, CSV * 2, "during.csv", name=unique())
    parts = put_parts(begun, CSV * 2)
    place.line.answer(503, "SlowDown")
    with app.client() as client:
        sentence(complete(app, begun, parts), 503, "storage-unavailable")
        sentence(client.get(f"/uploads/{begun['upload_id']}"), 503, "storage-unavailable")
        sentence(client.post("/uploads", json={"filename": "x.csv", "size": 1}), 503, "storage-unavailable")
        sentence(rows(app, kept["file_id"], 30_000), 503, "storage-unavailable")
        query = client.post(f"/files/{kept['file_id']}/query", json={"sql": "SELECT count(*) FROM data"}, timeout=60)
        if query.status_code != 200:
            sentence(query, 503, "storage-unavailable")
        assert "error=storage-unavailable" in landing(app, kept["file_id"])
        eventually(lambda: ready(app)["storage"], "unavailable")
        assert client.get("/datasets").json()["total"] == 1
        assert [item["upload_id"] for item in client.get("/uploads").json()["items"]] == [begun["upload_id"]]
        place.line.answer(None)
        done = complete(app, begun, parts)
        assert done.status_code == 200, done.text
        eventually(lambda: ready(app)["storage"], "ok")
        assert client.get("/uploads").json()["items"] == []
        assert rows(app, kept["file_id"], 30_000).json()["rows"][0][0] == 30_000
    assert httpx.get(done.json()["download_url"]).content == CSV * 2
    alive_and_well(app, kept, LARGE)


def test_credentials_that_are_revoked_in_mid_upload_and_given_back(
    tmp_path: Path, own_s3_server: SeaweedServer
) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app, app.client() as client:
        kept = store(app, LARGE, "kept.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        parts = put_parts(begun, CSV)
        own_s3_server.stop()
        own_s3_server.revoked.add(own_s3_server.access_key)
        own_s3_server.start()
        assert httpx.put(begun["parts"][0]["url"], content=CSV).status_code == 403
        assert httpx.get(kept["download_url"]).status_code == 403
        assert "MINIO__ACCESS_KEY" in sentence(complete(app, begun, parts), 503, "storage-denied")
        sentence(client.post("/uploads", json={"filename": "x.csv", "size": 1}), 503, "storage-denied")
        sentence(rows(app, kept["file_id"], 30_000), 503, "storage-unavailable")
        assert "error=storage-denied" in landing(app, kept["file_id"])
        eventually(lambda: ready(app)["storage"], "unavailable")
        own_s3_server.stop()
        own_s3_server.revoked.clear()
        own_s3_server.start()
        eventually(lambda: ready(app)["storage"], "ok")
        done = complete(app, begun, parts)
        assert done.status_code == 200, done.text
        assert httpx.get(done.json()["download_url"]).content == CSV
        alive_and_well(app, kept, LARGE)


def remove_bucket(server: S3Server, bucket: str) -> Minio:
    """The bucket and all that lies in it, as somebody with another tool would."""
    client = Minio(server.endpoint, server.access_key, server.secret_key, secure=server.secure, region=server.region)
    for found in list(client.list_objects(bucket, recursive=True)):
        client.remove_object(bucket, str(found.object_name))
    client.remove_bucket(bucket)
    return client


def test_bucket_that_is_deleted_under_us_is_named_and_nothing_is_marked_lost(
    tmp_path: Path, own_s3_server: SeaweedServer
) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app, app.client() as client:
        whole = [store(app, LARGE + b"%d,x\n" % n, f"{n}.csv", name=unique()) for n in range(4)]
        begun = start(app, CSV, "during.csv", name=unique())
        parts = put_parts(begun, CSV)
        by_hand = remove_bucket(own_s3_server, BUCKET)
        assert BUCKET in sentence(complete(app, begun, parts), 503, "bucket-missing")
        sentence(client.get(f"/uploads/{begun['upload_id']}"), 503, "bucket-missing")
        assert "bucket" in sentence(rows(app, whole[0]["file_id"], 30_000), 503, "storage-unavailable")
        assert "error=bucket-missing" in landing(app, whole[0]["file_id"])
        eventually(lambda: ready(app)["storage"], "unavailable")
        assert httpx.get(f"{app.url}/api/health/live").status_code == 200

        # The deepest look there is still blames the bucket, not the files.
        command = [sys.executable, "-m", "ops", "reconcile", "--apply", "--deep"]
        looked = subprocess.run(command, cwd=ROOT, env=app.env, capture_output=True, text=True, check=False)
        assert looked.returncode == 1, looked.stdout + looked.stderr
        assert "bucket" in looked.stdout.lower()
        found = client.get("/datasets").json()
        assert found["total"] == len(whole)
        for one in whole:
            files = client.get(f"/datasets/{one['id']}").json()["files"]
            assert [file["status"] for file in files] == ["ready"]

        new = client.post("/uploads", json={"filename": "x.csv", "size": 1})
        if new.status_code == 201:
            # Some servers make a bucket that is written to, where the credentials may.
            assert client.delete(f"/uploads/{new.json()['upload_id']}").status_code == 204
        else:
            sentence(new, 503, "bucket-missing")
            by_hand.make_bucket(BUCKET)
        eventually(lambda: ready(app)["storage"], "ok")
        again = store(app, CSV, "again.csv", name=unique())
        assert httpx.get(again["download_url"]).content == CSV
        # What the bucket held is gone: each file says so by itself, and the parts are to be sent anew.
        sentence(rows(app, whole[1]["file_id"], 30_000), 404, "object-missing")
        assert "error=object-missing" in landing(app, whole[1]["file_id"])
        problem(complete(app, begun, parts), 404, "upload-not-found")
        assert app.process.poll() is None
        assert "Traceback" not in app.log


@dataclass
class Altered:
    """What the app is given of each object it reads; clients read the store itself."""

    app: RunningApp
    alter: list[Callable[[bytes], bytes]]


@pytest.fixture
def altered(tmp_path: Path, s3_server: S3Server) -> Iterator[Altered]:
    way: list[Callable[[bytes], bytes]] = [bytes]
    with relayed(s3_server.endpoint, alter=lambda data: way[0](data)) as relay:
        env = {**s3_env(s3_server, bucket=unique("altered")), "MINIO__ENDPOINT": relay}
        with running_app(tmp_path / "data", env) as app:
            yield Altered(app, way)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] if len(data) > place else data


def other_each_time() -> Callable[[bytes], bytes]:
    places = itertools.count(1000)
    return lambda data: flipped(data, next(places))


def stored_with_digest(app: RunningApp, data: bytes, file_name: str) -> dict[str, Any]:
    """A whole upload whose digest the client tells."""
    begun = start(app, data, file_name, name=unique())
    parts = [{**part, "sha256": hashlib.sha256(data).hexdigest()} for part in put_parts(begun, data)]
    done = complete(app, begun, parts)
    assert done.status_code == 200, done.text
    dataset: dict[str, Any] = done.json()
    return dataset


def test_bytes_that_are_wrong_in_another_way_each_time_are_doubted_and_not_the_file(altered: Altered) -> None:
    app = altered.app
    altered.alter[0] = other_each_time()
    stored = stored_with_digest(app, LARGE, "large.csv")
    eventually(lambda: "the store sent other bytes each time" in app.log)
    with app.client() as client:
        found = client.get(f"/files/{stored['file_id']}").json()
        assert (found["status"], found["sha256_verified"]) == ("ready", False)
        # A download is the store's own.
        assert httpx.get(stored["download_url"]).content == LARGE
        altered.alter[0] = bytes
        eventually(lambda: client.get(f"/files/{stored['file_id']}").json()["sha256_verified"])
    alive_and_well(app, stored, LARGE)


def test_bytes_that_are_wrong_twice_in_the_same_way_are_never_served_as_good(altered: Altered) -> None:
    app = altered.app
    altered.alter[0] = lambda data: flipped(data, 1000)
    stored = stored_with_digest(app, LARGE, "large.csv")
    with app.client() as client:
        eventually(lambda: client.get(f"/files/{stored['file_id']}").status_code, 409)
        for answer in (
            client.get(f"/files/{stored['file_id']}"),
            client.get(f"/files/{stored['file_id']}/download"),
            rows(app, stored["file_id"]),
        ):
            said = problem(answer, 409, "file-not-ready")["detail"]
            assert "differ from what was sent" in said or "another SHA-256" in said
            assert "upload the file again" in said
        assert client.get("/datasets").json()["total"] == 0
        altered.alter[0] = bytes
        again = store(app, LARGE, "large.csv", dataset_id=stored["id"])
        eventually(lambda: client.get(f"/files/{again['file_id']}").json()["sha256_verified"])
    alive_and_well(app, again, LARGE)


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_wrong_bytes_never_end_a_preview_or_a_query_without_an_answer(altered: Altered, kind: str) -> None:
    app, buffer = altered.app, io.BytesIO()
    frame = pd.DataFrame({"id": range(20_000), "name": [f"{n * 7919:06x}" for n in range(20_000)]})
    if kind == "csv":
        frame.to_csv(buffer, index=False)
    elif kind == "parquet":
        frame.to_parquet(buffer, row_group_size=2_000)
    else:
        frame.head(500).to_excel(buffer, index=False)
    data = buffer.getvalue()
    stored = store(app, data, f"table.{kind}", name=unique())
    places = itertools.count(3)

    def scattered(answer: bytes) -> bytes:
        place = next(places) * 7919 % max(len(answer), 1)
        return flipped(answer, place)

    altered.alter[0] = scattered
    with app.client() as client:
        for turn in range(6):
            for answer in (
                rows(app, stored["file_id"], turn * 50),
                client.post(
                    f"/files/{stored['file_id']}/query",
                    json={"sql": f"SELECT count(*), min(name) FROM data WHERE id > {turn}"},
                    timeout=60,
                ),
            ):
                if answer.status_code != 200:
                    said = problem(answer, answer.status_code)
                    assert answer.status_code in (404, 422, 503), said
                    assert said["detail"].endswith((".", "?", "!")), said
        altered.alter[0] = bytes
        assert httpx.get(stored["download_url"]).content == data
    assert app.process.poll() is None
    assert "Traceback" not in app.log


def test_a_store_that_falls_silent_takes_no_page_with_it(tmp_path: Path, own_s3_server: SeaweedServer) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server, bucket=unique("silent"))) as app, ExitStack() as stack:
        begun = start(app, CSV, "people.csv", name=unique())
        os.kill(own_s3_server.pid, signal.SIGSTOP)
        stack.callback(os.kill, own_s3_server.pid, signal.SIGCONT)
        address = f"{app.api}/uploads/{begun['upload_id']}"
        for _ in range(45):
            stack.enter_context(answered(lambda: httpx.get(address, timeout=90)))
        time.sleep(2)
        for path in ("/api/ml/v1/datasets", "/api/health/ready", "/metrics", "/"):
            assert httpx.get(f"{app.url}{path}", timeout=20).status_code < 600
        os.kill(own_s3_server.pid, signal.SIGCONT)
        eventually(lambda: httpx.get(address, timeout=90).status_code, 200)


def test_store_at_a_kilobyte_a_second_holds_nobody_else_up(place: Place) -> None:
    app = place.app
    quick = store(app, CSV, "small.csv", name=unique())
    eventually(lambda: rows(app, quick["file_id"]).status_code, 200)
    with ExitStack() as stack:
        begun = start(app, LARGE, "large.csv", name=unique())
        parts = put_parts(begun, LARGE)
        place.line.rate = 1000
        stack.callback(setattr, place.line, "rate", None)
        done = complete(app, begun, parts)
        assert done.status_code == 200, done.text
        large, slow = done.json(), stack.enter_context(answered(lambda: rows(app, done.json()["file_id"])))
        others = 0
        while not slow.ended.is_set():
            with app.client() as client:
                assert client.get("/datasets").json()["total"] == 2
            assert rows(app, quick["file_id"]).status_code == 200
            assert httpx.get(quick["download_url"]).content == CSV
            others += 1
        assert others >= 3
        assert slow.answer is not None
        said = problem(slow.answer, 422, "preview-timed-out")["detail"]
        assert "too long" in said or "longer than" in said
        assert "download" in said.lower()
    eventually(lambda: rows(app, large["file_id"]).status_code, 200)
    alive_and_well(app, large, LARGE)


@dataclass
class Asked:
    """A request that is under way in a thread of its own."""

    ended: threading.Event
    answer: httpx.Response | None = None


@contextmanager
def answered(ask: Callable[[], httpx.Response]) -> Iterator[Asked]:
    asked = Asked(threading.Event())

    def run() -> None:
        try:
            asked.answer = ask()
        finally:
            asked.ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield asked
    finally:
        thread.join()
