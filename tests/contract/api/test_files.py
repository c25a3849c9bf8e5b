"""The way out over HTTP: links, counted downloads, rows (DESIGN 5), on both backends."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pytest

from tests.app_server import RunningApp
from tests.shelf_client import problem, store, unique

FILE = {"id", "version", "file_name", "format", "media_type", "size", "rows", "columns", "status", "created_at"} | {
    "sha256",
    "sha256_verified",
}
CSV = b"id,name\n" + b"".join(b"%d,n%d\n" % (row, row) for row in range(250))


@pytest.fixture
def dataset(shelf: RunningApp) -> dict[str, object]:
    return store(shelf, CSV, "пример данных.csv", name=unique())


def test_link_has_the_contracts_members_and_saves_under_the_files_name(
    shelf: RunningApp, dataset: dict[str, object]
) -> None:
    with shelf.client() as client:
        link = client.get(f"/files/{dataset['file_id']}/download-url").json()
    assert set(link) == {"file_id", "url", "expiry_sec", "backend"}
    assert link["expiry_sec"] == 3600
    assert link["backend"] in ("local", "minio")
    answer = httpx.get(link["url"])
    assert answer.content == CSV
    assert "filename*=UTF-8''%D0%BF" in answer.headers["content-disposition"]
    assert answer.headers["content-length"] == str(len(CSV))


@pytest.mark.parametrize("expiry", ["0", "86401", "abc", "-1", "1.5", ""])
def test_impossible_expiry_is_422(shelf: RunningApp, dataset: dict[str, object], expiry: str) -> None:
    with shelf.client() as client:
        problem(client.get(f"/files/{dataset['file_id']}/download-url", params={"expiry_sec": expiry}), 422)


def test_link_is_refused_after_its_expiry_and_when_tampered_with(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        short = client.get(f"/files/{dataset['file_id']}/download-url", params={"expiry_sec": 1}).json()["url"]
        good = client.get(f"/files/{dataset['file_id']}/download-url", params={"expiry_sec": 86_400}).json()["url"]
    parts = urlsplit(good)
    for name in parse_qs(parts.query):
        pairs = [(key, value[0] + ("0" if key == name else "")) for key, value in parse_qs(parts.query).items()]
        forged = urlunsplit(parts._replace(query=str(httpx.QueryParams(pairs))))
        assert httpx.get(forged).status_code in (400, 403), name
    assert httpx.get(urlunsplit(parts._replace(path=parts.path + "x"))).status_code in (403, 404)
    assert httpx.head(good).status_code == 403
    assert httpx.put(good, content=b"x").status_code == 403
    time.sleep(2.1)
    assert httpx.get(short).status_code == 403
    assert httpx.get(good).status_code == 200


def test_range_gives_the_bytes_asked_for(shelf: RunningApp, dataset: dict[str, object]) -> None:
    url = str(dataset["download_url"])
    for header, wanted in (
        ("bytes=3-9", CSV[3:10]),
        ("bytes=-5", CSV[-5:]),
        ("bytes=10-", CSV[10:]),
        ("bytes=0-0", CSV[:1]),
    ):
        answer = httpx.get(url, headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, wanted), header
        assert answer.headers["content-range"].endswith(f"/{len(CSV)}")
    assert httpx.get(url, headers={"Range": f"bytes={len(CSV)}-"}).status_code == 416


def test_links_are_absolute_and_carry_the_public_host(shelf: RunningApp, dataset: dict[str, object]) -> None:
    parts = urlsplit(str(dataset["download_url"]))
    public = shelf.env.get("MINIO__PUBLIC_ENDPOINT", shelf.url)
    assert f"{parts.scheme}://{parts.netloc}" == public


def test_download_redirects_to_a_fresh_link_and_is_counted(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        answer = client.get(f"/files/{dataset['file_id']}/download")
        assert answer.status_code == 307
        assert httpx.get(answer.headers["location"]).content == CSV
        again = client.get(f"/files/{dataset['file_id']}/download", headers={"Accept": "text/html"})
        assert again.status_code == 307


def test_head_of_download_answers_from_the_app(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        answer = client.head(f"/files/{dataset['file_id']}/download")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(CSV))
    assert answer.headers["accept-ranges"] == "bytes"


def test_failed_download_asked_for_as_html_lands_on_a_page(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        client.delete(f"/files/{dataset['file_id']}")
        path = f"/files/{dataset['file_id']}/download"
        answer = client.get(path, headers={"Accept": "text/html,application/xhtml+xml"})
        assert answer.status_code == 303
        assert "error=file-not-found" in answer.headers["location"]
        problem(client.get(path), 404, "file-not-found")


def test_file_tells_its_facts_and_is_deleted_once(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        path = f"/files/{dataset['file_id']}"
        file = client.get(path).json()
        assert set(file) == FILE
        assert file["media_type"] == "text/csv"
        assert client.delete(path).status_code == 204
        problem(client.delete(path), 404)
        problem(client.get(path), 404)


def test_preview_gives_rows_from_an_offset(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        path = f"/files/{dataset['file_id']}/preview"
        first = client.get(path).json()
        assert set(first) == {"columns", "rows", "offset", "total_rows", "partial", "notes"}
        assert first["columns"] == [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]
        assert len(first["rows"]) == 100
        assert first["rows"][0] == [0, "n0"]
        later = client.get(path, params={"rows": 7, "offset": 200}).json()
        assert later["rows"] == [[row, f"n{row}"] for row in range(200, 207)]
        past = client.get(path, params={"offset": 10_000})
        assert (past.status_code, past.json()["rows"]) == (200, [])
        for bad in ({"rows": 0}, {"rows": 1001}, {"offset": -1}, {"rows": "x"}):
            problem(client.get(path, params=bad), 422)


def test_rows_are_counted_in_the_background_once(shelf: RunningApp, dataset: dict[str, object]) -> None:
    with shelf.client() as client:
        deadline = time.monotonic() + 30
        while (found := client.get(f"/datasets/{dataset['id']}").json())["rows"] is None:
            assert time.monotonic() < deadline, "the rows were not counted"
            time.sleep(0.1)
    assert (found["rows"], found["columns"]) == (250, 2)


def test_values_travel_as_the_contract_says(shelf: RunningApp) -> None:
    lines = [
        {
            "big": 2**53,
            "ok": 2**53 - 1,
            "half": 0.5,
            "day": "2026-11-24",
            "nested": {"a": [1, None]},
            "none": None,
            "yes": True,
        },
        {"big": -(2**60), "ok": 0, "half": 2.0, "day": "2026-11-25", "nested": {"a": []}, "none": None, "yes": False},
    ]
    dataset = store(shelf, b"".join(json.dumps(line).encode() + b"\n" for line in lines), "values.jsonl", name=unique())
    with shelf.client() as client:
        preview = client.get(f"/files/{dataset['file_id']}/preview").json()
    types = {column["name"]: column["type"] for column in preview["columns"]}
    row = dict(zip(types, preview["rows"][0], strict=True))
    assert row["big"] == str(2**53)
    assert row["ok"] == 2**53 - 1
    assert row["nested"] == {"a": [1, None]}
    assert row["none"] is None
    assert row["yes"] is True
    assert (types["big"], types["half"], types["yes"]) == ("integer", "float", "boolean")


@pytest.mark.parametrize(
    ("data", "file_name", "slug"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture.png", "no-table"),
        (b"", "empty.csv", "no-table"),
        (b"PAR1 broken PAR1", "broken.parquet", "corrupt-file"),
    ],
)
def test_file_without_a_table_says_why(shelf: RunningApp, data: bytes, file_name: str, slug: str) -> None:
    dataset = store(shelf, data, file_name, name=unique())
    with shelf.client() as client:
        problem(client.get(f"/files/{dataset['file_id']}/preview"), 422, slug)
    assert httpx.get(dataset["download_url"]).content == data
