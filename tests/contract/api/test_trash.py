"""Deleting over HTTP: into the trash, back, and for good; on each backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.app_server import RunningApp, running_app, s3_env
from tests.seaweed import S3Server
from tests.shelf_client import complete, problem, put_parts, start, store, unique

CSV = b"a,b\n1,2\n"
UNKNOWN = "9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11"


def stored(app: RunningApp) -> list[bytes]:
    """What lies on local disk."""
    return [path.read_bytes() for path in (app.data_dir / "objects").rglob("*") if path.is_file()]


def lying(app: RunningApp, item_id: str) -> dict[str, Any] | None:
    with app.client() as client:
        page = client.get("/trash", params={"limit": 1000}).json()
    assert page["total"] == len(page["items"])
    assert page["total_size"] == sum(item["size"] for item in page["items"])
    return next((item for item in page["items"] if item["id"] == item_id), None)


def test_a_deleted_dataset_answers_nothing_and_comes_back_whole(shelf: RunningApp) -> None:
    name = unique()
    first = store(shelf, CSV, "one.csv", name=name)
    dataset = store(shelf, CSV * 2, "two.csv", dataset_id=first["id"])
    with shelf.client() as client:
        client.patch(f"/datasets/{first['id']}", json={"description": "What it is", "tags": [name]})
        before = client.get(f"/datasets/{first['id']}").json()
        assert client.delete(f"/datasets/{first['id']}").status_code == 204
        problem(client.delete(f"/datasets/{first['id']}"), 404, "dataset-not-found")
        for path in (f"/datasets/{first['id']}", f"/datasets/{first['id']}/similar"):
            problem(client.get(path), 404, "dataset-not-found")
        file = f"/files/{dataset['file_id']}"
        for path in (file, f"{file}/download-url", f"{file}/download", f"{file}/preview", f"{file}/profile"):
            problem(client.get(path), 404, "file-not-found")
        problem(client.post(f"{file}/query", json={"sql": "SELECT * FROM data"}), 404, "file-not-found")
        assert client.head(f"{file}/download").status_code == 404
        assert client.get("/datasets", params={"tag": name}).json()["total"] == 0
        item = lying(shelf, first["id"])
        assert item is not None
        assert (item["kind"], item["name"], item["version"], item["versions"]) == ("dataset", name, None, 2)
        assert (item["dataset_id"], item["file_name"], item["size"]) == (first["id"], "two.csv", 3 * len(CSV))
        assert item["deleted_at"] < item["purge_at"]
        assert item["purge_at"].endswith("Z")
        answer = client.post(f"/trash/{first['id']}/restore")
        assert answer.status_code == 200
        without_links = {key: value for key, value in answer.json().items() if key != "download_url"}
        assert without_links == {key: value for key, value in before.items() if key != "download_url"}
        assert httpx.get(answer.json()["download_url"]).content == CSV * 2
        problem(client.post(f"/trash/{first['id']}/restore"), 404, "not-in-trash")


def test_a_version_comes_back_and_its_dataset_goes_first(shelf: RunningApp) -> None:
    first = store(shelf, CSV, "one.csv", name=unique())
    second = store(shelf, CSV * 2, "two.csv", dataset_id=first["id"])
    with shelf.client() as client:
        assert client.delete(f"/files/{second['file_id']}").status_code == 204
        problem(client.delete(f"/files/{second['file_id']}"), 404, "file-not-found")
        item = lying(shelf, second["file_id"])
        assert item is not None
        assert (item["kind"], item["dataset_id"], item["version"], item["size"]) == (
            "version",
            first["id"],
            2,
            2 * len(CSV),
        )
        assert client.delete(f"/datasets/{first['id']}").status_code == 204
        refused = problem(client.post(f"/trash/{second['file_id']}/restore"), 409, "dataset-in-trash")
        assert refused["dataset_id"] == first["id"]
        assert [file["version"] for file in client.post(f"/trash/{first['id']}/restore").json()["files"]] == [1]
        back = client.post(f"/trash/{second['file_id']}/restore").json()
        assert ([file["version"] for file in back["files"]], back["file_id"]) == ([2, 1], second["file_id"])


def test_a_name_taken_meanwhile_is_numbered(shelf: RunningApp) -> None:
    name = unique()
    dataset = store(shelf, CSV, "x.csv", name=name)
    with shelf.client() as client:
        client.delete(f"/datasets/{dataset['id']}")
        store(shelf, CSV, "x.csv", name=name)
        assert client.post(f"/trash/{dataset['id']}/restore").json()["name"] == f"{name} (2)"


def test_a_deletion_for_good_takes_the_bytes(shelf: RunningApp) -> None:
    dataset = store(shelf, CSV, "x.csv", name=unique())
    link = dataset["download_url"]
    with shelf.client() as client:
        client.delete(f"/datasets/{dataset['id']}")
        assert client.delete(f"/trash/{dataset['id']}").status_code == 204
        problem(client.delete(f"/trash/{dataset['id']}"), 404, "not-in-trash")
        problem(client.post(f"/trash/{dataset['id']}/restore"), 404, "not-in-trash")
    assert lying(shelf, dataset["id"]) is None
    assert httpx.get(link).status_code == 404


def test_an_upload_into_a_deleted_dataset_is_given_up(shelf: RunningApp) -> None:
    dataset = store(shelf, CSV, "x.csv", name=unique())
    started = start(shelf, CSV, "y.csv", dataset_id=dataset["id"])
    parts = put_parts(started, CSV)
    with shelf.client() as client:
        client.delete(f"/datasets/{dataset['id']}")
        problem(complete(shelf, started, parts), 404, "upload-not-found")
        assert len(client.post(f"/trash/{dataset['id']}/restore").json()["files"]) == 1


def test_a_link_to_local_disk_ends_with_the_deletion_and_works_again_after_it(local_app: RunningApp) -> None:
    dataset = store(local_app, CSV, "x.csv", name=unique())
    link = dataset["download_url"]
    with local_app.client() as client:
        client.delete(f"/datasets/{dataset['id']}")
        problem(httpx.get(link), 404, "file-not-found")
        client.post(f"/trash/{dataset['id']}/restore")
    assert httpx.get(link).content == CSV


@pytest.mark.s3
def test_a_link_through_the_app_ends_with_the_deletion(tmp_path: Path, s3_server: S3Server) -> None:
    with running_app(tmp_path / "data", {**s3_env(s3_server), "DOWNLOAD__VIA": "app"}) as app:
        dataset = store(app, CSV, "x.csv", name=unique())
        link = dataset["download_url"]
        assert urlsplit(link).path.startswith("/api/ml/v1/relay/")
        assert httpx.get(link).content == CSV
        with app.client() as client:
            client.delete(f"/datasets/{dataset['id']}")
        problem(httpx.get(link), 404, "file-not-found")


@pytest.mark.parametrize("bad", ["nonsense", UNKNOWN.upper(), UNKNOWN])
def test_what_is_not_there_is_404(local_app: RunningApp, bad: str) -> None:
    with local_app.client() as client:
        problem(client.post(f"/trash/{bad}/restore"), 404, "not-in-trash")
        problem(client.delete(f"/trash/{bad}"), 404, "not-in-trash")
        problem(client.get("/trash", params={"limit": 0}), 422)


def test_the_documentation_has_examples_for_every_call(local_app: RunningApp) -> None:
    spec = httpx.get(f"{local_app.api}/openapi.json").json()
    for path, methods in {"": {"get", "delete"}, "/{item_id}": {"delete"}, "/{item_id}/restore": {"post"}}.items():
        assert set(spec["paths"][f"/api/ml/v1/trash{path}"]) == methods
    for name in ("TrashItemOut", "TrashOut"):
        for member, described in spec["components"]["schemas"][name]["properties"].items():
            assert "examples" in described or member == "items", (name, member)


def test_emptied_at_once_and_without_a_trash_nothing_rests(tmp_path: Path) -> None:
    with running_app(tmp_path / "data") as app:
        datasets = [store(app, CSV, f"{number}.csv") for number in range(3)]
        with app.client() as client:
            for dataset in datasets:
                client.delete(f"/datasets/{dataset['id']}")
            assert client.get("/trash", params={"limit": 2, "offset": 2}).json()["items"][0]["name"] == "0"
            assert client.delete("/trash").status_code == 204
            assert client.get("/trash").json() == {"items": [], "total": 0, "total_size": 0}
            assert client.delete("/trash").status_code == 204
        assert CSV not in stored(app)
    with running_app(tmp_path / "data", {"TRASH_DAYS": "0"}) as app:
        dataset = store(app, CSV, "x.csv")
        with app.client() as client:
            assert client.delete(f"/datasets/{dataset['id']}").status_code == 204
            assert client.get("/trash").json()["items"] == []
