"""What hostile and unlucky clients send: each gets the answer of DESIGN 5, and never a 500."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem, put_parts, start, store, unique

CSV = b"id,name\n1,Ada\n2,Grace\n"
HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("member", ["bucket", "dataset_id", "filename", "name"])
def test_half_a_surrogate_pair_is_refused_in_words(shelf: RunningApp, member: str) -> None:
    body = {"filename": "x.csv", "size": 1, member: "\ud800"}
    with shelf.client() as client:
        answer = client.post(
            "/uploads", content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
    problem(answer, 404 if member == "dataset_id" else 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"filename":"\xff","size":1}',
        b"[" * 100_000,
        b'{"filename":"x.csv","size":1' + b"0" * 5000 + b"}",
        b"{",
        b"",
        b"null",
    ],
    ids=["not UTF-8", "deep", "a number of 5000 digits", "cut off", "empty", "null"],
)
def test_body_that_is_no_json_object_is_422(shelf: RunningApp, body: bytes) -> None:
    with shelf.client() as client:
        problem(
            client.post("/uploads", content=body, headers={"Content-Type": "application/json"}), 422, "invalid-input"
        )


def test_too_large_a_body_is_413_of_one_type_announced_or_not(shelf: RunningApp) -> None:
    body = b'{"filename":"' + b"x" * 4 * 1024 * 1024 + b'","size":1}'
    for content in (body, iter([body])):
        answer = httpx.post(f"{shelf.api}/uploads", content=content, headers={"Content-Type": "application/json"})
        problem(answer, 413, "body-too-large")


def test_origin_that_is_no_address_is_foreign(shelf: RunningApp) -> None:
    for origin in ("http://[", "null", "", f"http://localhost:{shelf.port}.example.org"):
        problem(httpx.post(f"{shelf.api}/uploads", json={}, headers={"Origin": origin}), 403, "foreign-origin")


def test_more_tags_than_a_dataset_can_have_is_422(shelf: RunningApp) -> None:
    with shelf.client() as client:
        problem(client.get("/datasets", params={"tag": [f"t{n}" for n in range(1500)]}), 422)


def test_wrong_method_is_405_and_names_every_right_one(shelf: RunningApp) -> None:
    for path, methods in (("/uploads", {"GET", "POST"}), ("/datasets/x", {"GET", "PATCH", "DELETE"})):
        answer = httpx.put(shelf.api + path)
        problem(answer, 405, "method-not-allowed")
        assert set(answer.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/ml/v1", "/s", "/s/x/nothing", "/metrics/x", "/api/ml/v1/tokens/x/y"]
)
def test_address_of_the_api_that_is_not_there_is_404_and_no_page(shelf: RunningApp, path: str) -> None:
    problem(httpx.get(shelf.url + path), 404, "not-found")


def test_link_is_left_out_where_there_is_nothing_to_sign(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "x.csv", name=unique())
    with shelf.client() as client:
        pending = client.get(f"/datasets/{started['dataset_id']}").json()
        assert "download_url" not in pending
        assert {pending["file_id"], pending["rows"], pending["columns"]} == {None}
        client.delete(f"/uploads/{started['upload_id']}")


def test_every_failed_download_asked_for_as_html_lands_on_a_page(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "x.csv", name=unique())
    with shelf.client() as client:
        pending = client.get(f"/files/{started['file_id']}/download", headers=HTML)
        assert pending.status_code == 303
        assert pending.headers["location"] == f"/dataset?id={started['dataset_id']}&error=file-not-ready"
        mistyped = client.get("/files/nonsense/download", headers={"Accept": "TEXT/HTML"})
        assert (mistyped.status_code, mistyped.headers["location"]) == (303, "/?error=file-not-found")
        client.delete(f"/uploads/{started['upload_id']}")


def test_stored_type_is_served_as_it_is_without_a_charset_nobody_knows(shelf: RunningApp) -> None:
    dataset = store(shelf, "näme\nä\n".encode("cp1252"), "latin.csv", name=unique())
    assert httpx.get(dataset["download_url"]).headers["content-type"] == "text/csv"
    head = httpx.head(f"{shelf.api}/files/{dataset['file_id']}/download")
    assert head.headers["content-type"] == "text/csv"


@pytest.mark.parametrize(
    "header", ["bytes=23-", "bytes=abc", "bytes=5-2", "bytes=-0", "items=0-5", "bytes=" + "9" * 5000]
)
def test_bad_range_of_a_local_file_is_416_as_a_problem(local_app: RunningApp, header: str) -> None:
    dataset = store(local_app, CSV, "x.csv", name=unique())
    answer = httpx.get(dataset["download_url"], headers={"Range": header})
    problem(answer, 416, "range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{len(CSV)}"


def test_part_of_an_upload_that_ended_is_404_of_its_own_type(local_app: RunningApp) -> None:
    started = start(local_app, CSV, "x.csv", name=unique())
    put_parts(started, CSV)
    with local_app.client() as client:
        client.delete(f"/uploads/{started['upload_id']}")
    body = problem(httpx.put(started["parts"][0]["url"], content=CSV), 404, "upload-not-found")
    assert body["detail"][0].isupper()
    assert body["detail"].endswith(".")


def test_description_of_the_api_names_every_error_as_a_problem(local_app: RunningApp) -> None:
    schema = httpx.get(f"{local_app.api}/openapi.json").json()
    for path, item in schema["paths"].items():
        for operation in item.values():
            for status, described in operation["responses"].items():
                if int(status) >= 400 and path.startswith("/api/ml"):
                    assert list(described["content"]) == ["application/problem+json"], (path, status)
            if path.startswith("/api/ml"):
                assert {"403", "422", "503"} <= set(operation["responses"])


def test_path_in_the_log_cannot_forge_a_line(local_app: RunningApp) -> None:
    httpx.get(f"{local_app.api}/x%0Aforged-line")
    deadline = time.monotonic() + 10
    while "x%0Aforged-line" not in local_app.log:
        assert time.monotonic() < deadline, "the request was not logged"
        time.sleep(0.05)
    assert "x\\nforged-line" not in local_app.log
