"""Upload requests over HTTP: their owner makes and revokes them, an outsider sends files and learns no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem, put_parts, start, unique

DATA = b"iata,city\n00M,Bay Springs\n"


@pytest.fixture
def outsider(shelf: RunningApp) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shelf.url, timeout=30) as client:
        yield client


def ask(app: RunningApp, **fields: Any) -> dict[str, Any]:
    with app.client() as client:
        answer = client.post("/requests", json=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert made["url"] == f"{app.url}/s/{made['token']}"
    return made


def begin(outsider: httpx.Client, token: str, file_name: str, **fields: Any) -> httpx.Response:
    return outsider.post(f"/s/{token}/uploads", json={"filename": file_name, "size": len(DATA), **fields})


def test_a_file_sent_by_a_link_lands_on_the_owners_shelf(shelf: RunningApp, outsider: httpx.Client) -> None:
    stem = unique("sent")
    made = ask(shelf, note=stem, max_files=2)
    token = made["token"]
    answer = begin(outsider, token, f"{stem}.csv")
    assert answer.status_code == 201, answer.text
    started = answer.json()
    assert set(started) == {"upload_id", "part_size", "parts", "expires_at"}
    at = f"/s/{token}/uploads/{started['upload_id']}"
    fresh = outsider.post(f"{at}/parts", json={"numbers": [1]}).json()
    parts = put_parts({**started, "parts": fresh["parts"]}, DATA)
    seen = outsider.get(at).json()
    assert [part["size"] for part in seen["received"]] == [len(DATA)]
    assert not {"dataset_id", "dataset_name", "file_id"} & set(seen)
    for _ in range(2):
        done = outsider.post(f"{at}/complete", json={"parts": parts})
        assert done.json() == {"filename": f"{stem}.csv", "size": len(DATA)}, done.text
    with shelf.client() as client:
        (item,) = client.get("/datasets", params={"q": stem}).json()["items"]
        listed = next(one for one in client.get("/requests").json()["items"] if one["id"] == made["id"])
    assert (item["name"], item["description"]) == (stem, f"Sent by link “{stem}”")
    assert (listed["files"], listed["state"], listed["has_password"]) == (1, "active", False)
    assert httpx.get(item["download_url"]).content == DATA


def test_limits_and_ends_are_told_apart(local_app: RunningApp) -> None:
    made = ask(local_app, max_files=1, max_size=len(DATA), expires_in_sec=None)
    token = made["token"]
    with httpx.Client(base_url=local_app.url, timeout=30) as outsider:
        problem(begin(outsider, token, "x.csv", size=len(DATA) + 1), 422, "invalid-size")
        problem(begin(outsider, token, "x.csv", dataset_id="2f0a4a0e-6f7e-4a3b-8c52-0d9d3c1b7e55"), 422)
        problem(begin(outsider, token, "x.csv", name="Mine"), 422)
        first = begin(outsider, token, "x.csv").json()
        problem(begin(outsider, token, "y.csv"), 409, "request-full")
        assert outsider.delete(f"/s/{token}/uploads/{first['upload_id']}").status_code == 204
        second = begin(outsider, token, "y.csv").json()
        own = start(local_app, DATA, "own.csv")
        problem(outsider.get(f"/s/{token}/uploads/{own['upload_id']}"), 404, "upload-not-found")
        problem(outsider.delete(f"/s/{token}/uploads/{own['upload_id']}"), 404, "upload-not-found")
        problem(begin(outsider, "no-such-token", "x.csv"), 404, "request-not-found")
        assert outsider.get(f"/s/{token}").headers["location"] == f"/shared?token={token}"
        problem(begin(outsider, token, "x.csv", size=-1), 422, "invalid-size")
        with local_app.client() as client:
            assert client.delete(f"/requests/{made['id']}").status_code == 204
            problem(client.delete(f"/requests/{made['id']}"), 404, "request-not-found")
            client.delete(f"/uploads/{own['upload_id']}")
        for answer in (
            outsider.get(f"/s/{token}"),
            begin(outsider, token, "z.csv"),
            outsider.post(f"/s/{token}/uploads/{second['upload_id']}/parts", json={"numbers": [1]}),
            outsider.post(f"/s/{token}/uploads/{second['upload_id']}/complete", json={"parts": []}),
        ):
            problem(answer, 410, "link-ended")


def test_what_the_owner_asks_for_is_checked(local_app: RunningApp) -> None:
    with local_app.client() as client:
        for wrong in (
            {"expires_in_sec": 0},
            {"max_files": 0},
            {"max_size": 0},
            {"note": "x" * 201},
            {"password": "abc"},
            {"password": ""},
            {"unknown": 1},
        ):
            problem(client.post("/requests", json=wrong), 422)
        problem(client.delete("/requests/not-an-id"), 404, "request-not-found")


def test_no_browser_opens_its_own_login_box_over_the_page_that_asks_for_the_password(local_app: RunningApp) -> None:
    token = ask(local_app, password="window seat")["token"]
    script = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    # RFC 9110, 11.6.1: a 401 always says what would help; only a scheme it knows makes a browser ask for it.
    for headers, scheme in ({}, "Basic"), (script, "Form"):
        with httpx.Client(base_url=local_app.url, timeout=30, headers=headers) as outsider:
            refused = begin(outsider, token, "x.csv")
        problem(refused, 401, "password-needed")
        assert refused.headers["www-authenticate"].split(" ")[0] == scheme
