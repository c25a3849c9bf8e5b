"""The store stops and comes back: at the start, and later on. The server is really killed and started again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from settings import EXIT_CONFIG
from tests.app_server import AppDidNotStart, RunningApp, running_app, s3_env, start_app, wait_healthy
from tests.seaweed import SeaweedServer
from tests.shelf_client import complete, problem, put_parts, start, store, unique

pytestmark = [pytest.mark.s3, pytest.mark.long]

CSV = b"id,name\n1,Ada\n2,Grace\n"


def ready(app: RunningApp) -> tuple[int, dict[str, str]]:
    answer = httpx.get(f"{app.url}/api/health/ready", timeout=15)
    return answer.status_code, answer.json()


def eventually(look: Callable[[], object], wanted: object, *, within: float = 40) -> None:
    deadline = time.monotonic() + within
    while (found := look()) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_started_without_its_store_the_app_falls_back_says_so_and_returns(
    tmp_path: Path, own_s3_server: SeaweedServer
) -> None:
    own_s3_server.stop()
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app:
        assert ready(app) == (200, {"status": "degraded", "database": "ok", "storage": "degraded"})
        kept = store(app, CSV, "meanwhile.csv", name="meanwhile")
        with app.client() as client:
            assert client.get(f"/files/{kept['file_id']}/download-url").json()["backend"] == "local"
        own_s3_server.start()
        eventually(lambda: ready(app), (200, {"status": "ok", "database": "ok", "storage": "ok"}))
        later = store(app, CSV * 2, "later.csv", name="later")
        with app.client() as client:
            assert client.get(f"/files/{later['file_id']}/download-url").json()["backend"] == "minio"
            links = {item["name"]: item["download_url"] for item in client.get("/datasets").json()["items"]}
        assert httpx.get(links["meanwhile"]).content == CSV
        assert httpx.get(links["later"]).content == CSV * 2


def test_with_fallback_fail_the_start_is_refused_in_one_sentence(tmp_path: Path, own_s3_server: SeaweedServer) -> None:
    own_s3_server.stop()
    with pytest.raises(AppDidNotStart) as caught:
        running_app(tmp_path / "data", {**s3_env(own_s3_server), "STORAGE_FALLBACK": "fail"}).__enter__()
    assert caught.value.code == EXIT_CONFIG
    assert "Datashelf cannot start" in str(caught.value)
    assert own_s3_server.endpoint in str(caught.value)


def test_outage_later_on_changes_no_backend_and_loses_nothing(tmp_path: Path, own_s3_server: SeaweedServer) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app:
        whole = store(app, CSV, "before.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        own_s3_server.stop()
        eventually(lambda: ready(app)[1]["storage"], "unavailable")
        assert ready(app)[0] == 503
        with app.client() as client:
            problem(client.post("/uploads", json={"filename": "x.csv", "size": 1}), 503, "storage-unavailable")
            problem(
                client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": []}), 503, "storage-unavailable"
            )
            assert client.get("/datasets").json()["total"] == 1
            landing = client.get(f"/files/{whole['file_id']}/download", headers={"Accept": "text/html"})
            assert landing.status_code == 303
            assert "error=storage-unavailable" in landing.headers["location"]
            assert whole["id"] in landing.headers["location"]
        own_s3_server.start()
        eventually(lambda: ready(app), (200, {"status": "ok", "database": "ok", "storage": "ok"}))
        assert complete(app, begun, put_parts(begun, CSV)).status_code == 200
        assert httpx.get(whole["download_url"]).content == CSV


def test_killed_app_comes_back_with_every_acknowledged_file(tmp_path: Path) -> None:
    app = start_app(tmp_path / "data")
    try:
        whole = store(app, CSV, "before.csv", name=unique())
        begun = start(app, CSV, "during.csv", name=unique())
        parts = put_parts(begun, CSV)
        app.kill()
        again = start_app(tmp_path / "data", port=app.port)
        try:
            assert complete(again, begun, parts).status_code == 200
            with again.client() as client:
                assert client.get("/datasets").json()["total"] == 2
            assert httpx.get(whole["download_url"]).content == CSV
        finally:
            again.stop()
    finally:
        app.stop()


def test_two_processes_start_on_one_data_folder_at_once(tmp_path: Path) -> None:
    apps = [start_app(tmp_path / "data", wait=False) for _ in range(2)]
    try:
        for app in apps:
            wait_healthy(app)
        one, two = apps
        dataset = store(one, CSV, "shared.csv", name=unique())
        link = dataset["download_url"].replace(f":{one.port}/", f":{two.port}/")
        assert httpx.get(link).content == CSV
    finally:
        for app in apps:
            app.stop()


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"STORAGE_BACKEND": "floppy"}, "STORAGE_BACKEND"),
        ({"MINIO__PRESIGN_EXPIRY": "0"}, "MINIO__PRESIGN_EXPIRY"),
        ({"MINIO__COLOUR": "red"}, "MINIO__COLOUR"),
        ({"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}, "AUTH__ALLOW_OPEN"),
        ({"DATA_DIR": "/proc/nothing"}, "DATA_DIR"),
        ({"DATABASE_URL": "postgresql://someone:hush@127.0.0.1:1/shelf"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://someone:hush@localhost:abc/shelf"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:////proc/nothing/shelf.db"}, "DATABASE_URL"),
        ({"MINIO__PUBLIC_ENDPOINT": "http://someone:hush@store"}, "MINIO__PUBLIC_ENDPOINT"),
    ],
)
def test_bad_setting_ends_the_start_with_exit_78_and_one_sentence(
    tmp_path: Path, env: dict[str, str], named: str
) -> None:
    with pytest.raises(AppDidNotStart) as caught:
        running_app(tmp_path / "data", env).__enter__()
    assert caught.value.code == EXIT_CONFIG
    assert named in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_signing_key_that_was_cut_short_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret_key").write_bytes(b"")
    with pytest.raises(AppDidNotStart) as caught:
        running_app(tmp_path / "data").__enter__()
    assert caught.value.code == EXIT_CONFIG
    assert "secret_key" in str(caught.value)


def test_database_file_that_is_none_ends_the_start_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "datashelf.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(AppDidNotStart) as caught:
        running_app(tmp_path / "data").__enter__()
    assert caught.value.code == EXIT_CONFIG
    assert "file is not a database" in str(caught.value)
    assert "Traceback" not in str(caught.value)
