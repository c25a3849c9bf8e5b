"""The way in over HTTP (DESIGN 5, "Uploads" and "Complete"), on both backends."""

from __future__ import annotations

import hashlib
import os
import re
import uuid

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import complete, problem, put_part, put_parts, start, store, unique

CSV = b"id,name\n1,Ada\n2,Grace\n"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def test_begun_upload_names_its_ids_its_parts_and_when_their_urls_expire(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    assert all(UUID.match(started[key]) for key in ("upload_id", "file_id", "dataset_id"))
    assert [part["number"] for part in started["parts"]] == [1]
    assert started["parts"][0]["url"].startswith("http")
    assert started["part_size"] >= 5 * 1024**2
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", started["expires_at"])


def test_completed_upload_answers_with_the_dataset_and_its_ready_file(shelf: RunningApp) -> None:
    name = unique()
    dataset = store(shelf, CSV, "people.csv", name=name)
    assert dataset["name"] == name
    assert dataset["owner"] == "local"
    (file,) = dataset["files"]
    assert file["status"] == "ready"
    assert file["version"] == 1
    assert file["size"] == dataset["size"] == len(CSV)
    assert file["format"] == dataset["format"] == "csv"
    with shelf.client() as client:
        assert client.get(f"/datasets/{dataset['id']}").json()["files"][0]["id"] == dataset["file_id"]


def test_two_parts_arrive_out_of_order_and_are_put_together(shelf: RunningApp) -> None:
    data = os.urandom(17 * 1024**2)
    started = start(shelf, data, "noise.bin", name=unique())
    assert len(started["parts"]) == 2
    etags = {
        part["number"]: put_part(
            part["url"], data[(part["number"] - 1) * started["part_size"] :][: started["part_size"]]
        )
        for part in reversed(started["parts"])
    }
    answer = complete(shelf, started, [{"number": number, "etag": etag} for number, etag in etags.items()])
    assert answer.status_code == 200
    body = httpx.get(answer.json()["download_url"], timeout=60).content
    assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()


def test_empty_file_is_one_empty_part(shelf: RunningApp) -> None:
    started = start(shelf, b"", "nothing.csv", name=unique())
    assert len(started["parts"]) == 1
    answer = complete(shelf, started, put_parts(started, b""))
    assert answer.status_code == 200
    assert answer.json()["size"] == 0
    assert httpx.get(answer.json()["download_url"]).content == b""


def test_part_url_takes_nothing_after_complete(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    dataset = complete(shelf, started, put_parts(started, CSV)).json()
    assert httpx.put(started["parts"][0]["url"], content=b"other").status_code in (403, 404)
    assert httpx.get(dataset["download_url"]).content == CSV


@pytest.mark.parametrize("size", [-1, 5 * 1024**4 + 1, 6 * 1024**4])
def test_impossible_size_is_refused(shelf: RunningApp, size: int) -> None:
    with shelf.client() as client:
        problem(client.post("/uploads", json={"filename": "a.csv", "size": size}), 422, "invalid-size")


def test_largest_size_gets_at_most_10_000_parts_and_the_first_of_them(shelf: RunningApp) -> None:
    size = 5 * 1024**4
    started = start(shelf, size, "huge.parquet", name=unique())
    assert -(-size // started["part_size"]) <= 10_000
    assert started["parts"][0]["number"] == 1
    with shelf.client() as client:
        last = -(-size // started["part_size"])
        signed = client.post(f"/uploads/{started['upload_id']}/parts", json={"numbers": [last]})
        assert [part["number"] for part in signed.json()["parts"]] == [last]
        problem(client.post(f"/uploads/{started['upload_id']}/parts", json={"numbers": [last + 1]}), 422)
        problem(client.post(f"/uploads/{started['upload_id']}/parts", json={"numbers": [0]}), 422)
        assert client.delete(f"/uploads/{started['upload_id']}").status_code == 204


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\data.csv", "data.csv"),
        ('with "quotes".csv', 'with "quotes".csv'),
        ("größe 📊.csv", "größe 📊.csv"),
        ("a" * 251 + ".csv", "a" * 251 + ".csv"),
    ],
)
def test_file_name_loses_its_path_and_nothing_else(shelf: RunningApp, given: str, kept: str) -> None:
    dataset = store(shelf, CSV, given, name=unique())
    assert dataset["file_name"] == kept
    disposition = httpx.get(dataset["download_url"]).headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "\n" not in disposition
    assert "filename*=UTF-8''" in disposition or kept in disposition


@pytest.mark.parametrize("given", ["", "folder/", "a\nb.csv", "a\x00b.csv", "a\x7f.csv", "x" * 300 + ".csv", "\\"])
def test_impossible_file_name_is_refused(shelf: RunningApp, given: str) -> None:
    with shelf.client() as client:
        problem(client.post("/uploads", json={"filename": given, "size": 1}), 422, "invalid-file-name")


@pytest.mark.parametrize(
    "change",
    [{"bucket": "secrets"}, {"sha256": "xyz"}, {"size": "many"}, {"size": 1.5}, {"filename": 7}, {"colour": "red"}],
)
def test_unknown_or_ill_typed_member_is_refused(shelf: RunningApp, change: dict[str, object]) -> None:
    with shelf.client() as client:
        problem(client.post("/uploads", json={"filename": "a.csv", "size": 1, **change}), 422)


def test_body_that_is_not_json_is_refused(shelf: RunningApp) -> None:
    with shelf.client() as client:
        problem(client.post("/uploads", content=b"{", headers={"Content-Type": "application/json"}), 422)
        problem(client.post("/uploads", content=b" " * (5 * 1024**2)), 413, "body-too-large")


@pytest.mark.parametrize("role", ["datasets", "models", "temp"])
def test_every_bucket_role_takes_files(shelf: RunningApp, role: str) -> None:
    dataset = store(shelf, CSV, "people.csv", name=unique(), bucket=role)
    assert httpx.get(dataset["download_url"]).content == CSV


def test_default_name_in_use_is_counted_up(shelf: RunningApp) -> None:
    stem = unique("sales")
    names = [store(shelf, CSV, f"{stem}.csv")["name"] for _ in range(3)]
    assert names == [stem, f"{stem} (2)", f"{stem} (3)"]


def test_explicit_name_in_use_is_409_with_its_dataset(shelf: RunningApp) -> None:
    first = store(shelf, CSV, "people.csv", name=unique())
    with shelf.client() as client:
        answer = client.post("/uploads", json={"filename": "b.csv", "size": 1, "name": first["name"]})
    assert problem(answer, 409, "dataset-name-taken")["dataset_id"] == first["id"]


def test_second_file_for_a_dataset_is_its_next_version(shelf: RunningApp) -> None:
    first = store(shelf, CSV, "people.csv", name=unique())
    second = store(shelf, CSV + b"3,Joan\n", "people-2.csv", dataset_id=first["id"])
    assert second["id"] == first["id"]
    assert [file["version"] for file in second["files"]] == [2, 1]
    assert second["file_id"] == second["files"][0]["id"]
    assert second["file_name"] == "people-2.csv"


def test_version_for_an_unknown_dataset_is_404(shelf: RunningApp) -> None:
    with shelf.client() as client:
        for unknown in (str(uuid.uuid4()), "nonsense"):
            answer = client.post("/uploads", json={"filename": "b.csv", "size": 1, "dataset_id": unknown})
            problem(answer, 404, "dataset-not-found")


def test_complete_takes_etags_quoted_or_bare(shelf: RunningApp) -> None:
    for dress in (lambda etag: etag.strip('"'), lambda etag: f'"{etag.strip(chr(34))}"'):
        started = start(shelf, CSV, "people.csv", name=unique())
        parts = [{**part, "etag": dress(part["etag"])} for part in put_parts(started, CSV)]
        assert complete(shelf, started, parts).status_code == 200


def test_missing_part_is_409_and_named_and_the_upload_stays_open(shelf: RunningApp) -> None:
    data = os.urandom(17 * 1024**2)
    started = start(shelf, data, "noise.bin", name=unique())
    etag = put_part(started["parts"][0]["url"], data[: started["part_size"]])
    answer = complete(shelf, started, [{"number": 1, "etag": etag}])
    assert problem(answer, 409, "parts-missing")["missing"] == [2]
    with shelf.client() as client:
        detail = client.get(f"/uploads/{started['upload_id']}").json()
        assert [(part["number"], part["size"]) for part in detail["received"]] == [(1, started["part_size"])]
        assert started["upload_id"] in [item["upload_id"] for item in client.get("/uploads").json()["items"]]
    assert complete(shelf, started, put_parts(started, data)).status_code == 200


def test_wrong_etag_is_422_and_the_upload_stays_open(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    parts = put_parts(started, CSV)
    problem(complete(shelf, started, [{"number": 1, "etag": "0" * 32}]), 422, "part-mismatch")
    assert complete(shelf, started, parts).status_code == 200


@pytest.mark.parametrize("sent", [CSV[:-3], CSV + b"more"])
def test_size_other_than_announced_is_422_and_the_upload_stays_open(shelf: RunningApp, sent: bytes) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    put = httpx.put(started["parts"][0]["url"], content=sent, timeout=60)
    if len(sent) > len(CSV) and "/objects/" in started["parts"][0]["url"]:
        problem(put, 413, "part-too-large")  # our own link says how much it takes
    else:
        problem(complete(shelf, started, [{"number": 1, "etag": put.headers["etag"]}]), 422)
    with shelf.client() as client:
        assert client.get(f"/datasets/{started['dataset_id']}").json()["files"] == []
    assert complete(shelf, started, put_parts(started, CSV)).status_code == 200


def test_complete_twice_gives_the_same_answer_with_any_parts(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    first = complete(shelf, started, put_parts(started, CSV))
    again = complete(shelf, started, [{"number": 9, "etag": "whatever"}])
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["files"] == again.json()["files"] or [f["id"] for f in first.json()["files"]] == [
        f["id"] for f in again.json()["files"]
    ]


def test_undone_upload_is_gone_with_its_row_and_its_name(shelf: RunningApp) -> None:
    name = unique()
    started = start(shelf, CSV, "people.csv", name=name)
    put_parts(started, CSV)
    with shelf.client() as client:
        assert client.delete(f"/uploads/{started['upload_id']}").status_code == 204
        problem(client.delete(f"/uploads/{started['upload_id']}"), 404, "upload-not-found")
        problem(client.get(f"/uploads/{started['upload_id']}"), 404, "upload-not-found")
        problem(client.get(f"/datasets/{started['dataset_id']}"), 404, "dataset-not-found")
    problem(complete(shelf, started, [{"number": 1, "etag": "x"}]), 404, "upload-not-found")
    assert store(shelf, CSV, "people.csv", name=name)["name"] == name


def test_right_sha256_is_kept_and_a_wrong_one_is_never_served_as_good(shelf: RunningApp) -> None:
    right = hashlib.sha256(CSV).hexdigest()
    assert store(shelf, CSV, "people.csv", name=unique(), sha256=right)["files"][0]["sha256"] == right
    started = start(shelf, CSV, "people.csv", name=unique(), sha256="0" * 64)
    answer = complete(shelf, started, put_parts(started, CSV))
    if answer.status_code == 200:
        assert answer.json()["files"][0]["sha256_verified"] is False
    else:
        problem(answer, 422, "checksum-mismatch")


def test_pending_file_is_neither_listed_nor_handed_out(shelf: RunningApp) -> None:
    name = unique()
    started = start(shelf, CSV, "people.csv", name=name)
    with shelf.client() as client:
        assert client.get("/datasets", params={"q": name}).json()["total"] == 0
        for call in ("download-url", "download", "preview"):
            problem(client.get(f"/files/{started['file_id']}/{call}"), 409, "file-not-ready")
