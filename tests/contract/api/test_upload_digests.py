"""Checksums and what a client knows its file by, over HTTP; on both backends."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import complete, problem, put_parts, start, store, unique

CSV = b"id,name\n1,Ada\n2,Grace\n"
KNOWN = {
    "modified_at": "2026-11-20T08:15:00+02:00",
    "folder": "survey/2026",
    "head_sha256": hashlib.sha256(CSV).hexdigest(),
    "tail_sha256": hashlib.sha256(CSV).hexdigest(),
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_digests(parts: list[dict[str, Any]], data: bytes) -> list[dict[str, Any]]:
    return [{**part, "sha256": sha256(data)} for part in parts]


def test_unfinished_upload_tells_by_what_its_file_is_known(shelf: RunningApp) -> None:
    name = unique()
    started = start(shelf, CSV, "people.csv", name=name, **KNOWN)
    with shelf.client() as client:
        one = client.get(f"/uploads/{started['upload_id']}").json()
        listed = [item for item in client.get("/uploads").json()["items"] if item["upload_id"] == one["upload_id"]]
    assert listed == [{key: value for key, value in one.items() if key != "received"}]
    assert {key: one[key] for key in KNOWN} == {**KNOWN, "modified_at": "2026-11-20T06:15:00Z"}
    assert (one["dataset_name"], one["part_count"]) == (name, 1)
    assert one["via_app"] is ("/objects/" not in started["parts"][0]["url"])
    plain = start(shelf, CSV, "people.csv", name=unique())
    with shelf.client() as client:
        one = client.get(f"/uploads/{plain['upload_id']}").json()
    assert [one[key] for key in KNOWN] == [None] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"modified_at": "yesterday"},
        {"modified_at": "2026-11-20T08:15:00"},
        {"modified_at": 1_700_000_000},
        {"modified_at": "1700000000"},
        {"modified_at": "0001-01-01T00:00:00+14:00"},
        {"modified_at": "9999-12-31T23:59:59-14:00"},
        {"bucket": ""},
        {"folder": "x" * 1001},
        {"folder": "a\x00b"},
        {"head_sha256": "abc"},
        {"tail_sha256": "g" * 64},
    ],
)
def test_what_is_ill_formed_is_refused(shelf: RunningApp, change: dict[str, object]) -> None:
    with shelf.client() as client:
        problem(client.post("/uploads", json={"filename": "a.csv", "size": 1, **change}), 422)


def test_ill_formed_digest_at_complete_is_refused_and_the_upload_stays_open(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    parts = put_parts(started, CSV)
    address = f"/uploads/{started['upload_id']}/complete"
    with shelf.client() as client:
        problem(client.post(address, json={"parts": [{**parts[0], "sha256": "abc"}]}), 422)
        problem(client.post(address, json={"parts": parts, "sha256": "z" * 64}), 422)
        wrong = client.post(address, json={"parts": with_digests(parts, CSV), "sha256": "0" * 64})
        problem(wrong, 422, "invalid-checksum")
        done = client.post(address, json={"parts": with_digests(parts, CSV), "sha256": sha256(CSV)})
    assert done.status_code == 200, done.text
    assert done.json()["files"][0]["sha256"] == sha256(CSV)


def test_digests_come_back_for_a_client_that_fetches_in_pieces(shelf: RunningApp) -> None:
    started = start(shelf, CSV, "people.csv", name=unique())
    done = complete(shelf, started, with_digests(put_parts(started, CSV), CSV)).json()
    with shelf.client() as client:
        parts = client.get(f"/files/{done['file_id']}/parts").json()
        problem(client.get("/files/nonsense/parts"), 404, "file-not-found")
        pending = start(shelf, CSV, "people.csv", name=unique())
        problem(client.get(f"/files/{pending['file_id']}/parts"), 409, "file-not-ready")
    assert parts == {
        "part_size": started["part_size"],
        "parts": [{"number": 1, "size": len(CSV), "sha256": sha256(CSV)}],
        "sha256": sha256(CSV),
    }


def test_same_content_is_named_before_it_is_sent(shelf: RunningApp) -> None:
    data = unique().encode() * 100
    ends = {"head_sha256": sha256(data), "tail_sha256": sha256(data)}
    ask = {"size": len(data), **ends}
    with shelf.client() as client:
        assert client.post("/uploads/same", json=ask).json() == {"items": []}
        name = unique()
        dataset = store(shelf, data, "twin.bin", name=name, **ends)
        (same,) = client.post("/uploads/same", json=ask).json()["items"]
        problem(client.post("/uploads/same", json={**ask, "sha256": "x"}), 422)
        problem(client.post("/uploads/same", json={"size": 3}), 422)
    assert same == {
        "dataset_id": dataset["id"],
        "dataset_name": name,
        "file_id": dataset["file_id"],
        "version": 1,
        "file_name": "twin.bin",
        "certain": False,
    }


def test_wrong_digest_is_refused_at_once_where_the_bytes_are_at_hand(local_app: RunningApp) -> None:
    data = bytes(17 * 1024**2)
    started = start(local_app, data, "noise.bin", name=unique())
    parts = [{**part, "sha256": "1" * 64} for part in put_parts(started, data)]
    problem(complete(local_app, started, parts), 422, "checksum-mismatch")
    with local_app.client() as client:
        problem(client.get(f"/files/{started['file_id']}"), 404)


def test_wrong_digest_fails_the_file_in_the_background_and_everything_says_why(s3_app: RunningApp) -> None:
    shelf = s3_app
    good = store(shelf, CSV, "people.csv", name=unique())
    data = bytes(17 * 1024**2)
    started = start(shelf, data, "noise.bin", dataset_id=good["id"])
    parts = put_parts(started, data)
    answer = complete(shelf, started, [{**part, "sha256": "1" * 64} for part in parts])
    assert answer.status_code == 200, answer.text
    deadline = time.monotonic() + 120
    with shelf.client() as client:
        while client.get(f"/files/{started['file_id']}").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for call in ("", "/download-url", "/download", "/preview", "/profile", "/parts"):
            body = problem(client.get(f"/files/{started['file_id']}{call}"), 409, "file-not-ready")
            assert body["detail"].startswith(
                "Part 1 of the stored file (bytes 0–16,777,215) differs from what was sent"
            )
        refused = client.post(f"/files/{started['file_id']}/query", json={"sql": "select 1"})
        problem(refused, 409, "file-not-ready")
        back = client.get(f"/datasets/{good['id']}").json()
    assert (back["file_id"], [file["version"] for file in back["files"]]) == (good["file_id"], [1])
    assert httpx.get(back["download_url"]).content == CSV
