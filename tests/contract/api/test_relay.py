"""Bytes through the app, where a browser cannot reach the store: the links' promises are the store's own."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.app_server import RunningApp, running_app, s3_env
from tests.seaweed import S3Server
from tests.shelf_client import complete, problem, put_part, put_parts, start, store, unique

pytestmark = pytest.mark.s3
CSV = b"id,name\n1,Ada\n2,Grace\n"
MIB = 1024**2


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[RunningApp]:
    """Everything through the app: its public endpoint of the store leads nowhere."""
    way = {"UPLOAD__VIA": "app", "DOWNLOAD__VIA": "app", "MINIO__PUBLIC_ENDPOINT": "http://store.invalid:9000"}
    folder = tmp_path_factory.mktemp("relay-app") / "data"
    with running_app(folder, {**s3_env(s3_server), **way}) as running:
        yield running


def received(app: RunningApp, started: dict[str, Any]) -> list[dict[str, Any]]:
    with app.client() as client:
        parts: list[dict[str, Any]] = client.get(f"/uploads/{started['upload_id']}").json()["received"]
    return parts


def test_file_goes_in_and_comes_back_through_the_app(app: RunningApp) -> None:
    data = os.urandom(17 * MIB)
    started = start(app, data, "größe 📊.bin", name=unique())
    assert all(part["url"].startswith(f"{app.api}/relay/") for part in started["parts"])
    dataset = complete(app, started, put_parts(started, data)).json()
    assert dataset["download_url"].startswith(f"{app.api}/relay/")
    answer = httpx.get(dataset["download_url"], timeout=60)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(data).digest()
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe" in answer.headers["content-disposition"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert "content-encoding" not in answer.headers
    with app.client(follow_redirects=True) as client:
        followed = client.get(f"/files/{dataset['file_id']}/download", headers={"Range": "bytes=0-3"})
    assert (followed.status_code, followed.content) == (206, data[:4])


def test_ranges_and_conditions_are_the_stores(app: RunningApp) -> None:
    url = store(app, CSV, "people.csv", name=unique())["download_url"]
    part = httpx.get(url, headers={"Range": "bytes=3-6"})
    assert (part.status_code, part.content) == (206, CSV[3:7])
    assert part.headers["content-range"] == f"bytes 3-6/{len(CSV)}"
    assert httpx.get(url, headers={"Range": "bytes=-4"}).content == CSV[-4:]
    beyond = httpx.get(url, headers={"Range": "bytes=1000-"})
    problem(beyond, 416, "range-not-satisfiable")
    etag = part.headers["etag"]
    assert etag.startswith('"')
    same = httpx.get(url, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    assert httpx.get(url, headers={"If-Match": '"other"'}).status_code == 412


def test_links_are_good_for_one_act_and_for_their_time(app: RunningApp) -> None:
    started = start(app, CSV, "people.csv", name=unique())
    put = started["parts"][0]["url"]
    problem(httpx.get(put), 403, "link-invalid")
    problem(httpx.put(put.replace("partNumber=1", "partNumber=2"), content=CSV), 403, "link-invalid")
    problem(httpx.put(put.replace("/relay/", "/objects/"), content=CSV), 403, "link-invalid")
    dataset = complete(app, started, put_parts(started, CSV)).json()
    get = dataset["download_url"]
    assert httpx.head(get).status_code == 403
    problem(httpx.put(get, content=CSV), 403, "link-invalid")
    problem(httpx.get(get + "0"), 403, "link-invalid")
    with app.client() as client:
        short = client.get(f"/files/{dataset['file_id']}/download-url", params={"expiry_sec": 1}).json()["url"]
        assert httpx.get(short).status_code == 200
        # Until it has expired: no one knows how long an answer takes.
        while (answer := httpx.get(short)).status_code == 200:
            pass
        problem(answer, 403, "link-expired")


def test_a_part_after_complete_is_refused_and_so_is_one_without_a_length(app: RunningApp) -> None:
    started = start(app, CSV, "people.csv", name=unique())
    problem(httpx.put(started["parts"][0]["url"], content=iter([CSV])), 411, "length-required")
    dataset = complete(app, started, put_parts(started, CSV)).json()
    problem(httpx.put(started["parts"][0]["url"], content=b"other"), 404, "upload-not-found")
    assert httpx.get(dataset["download_url"]).content == CSV


def test_a_part_has_no_more_bytes_than_were_announced(app: RunningApp) -> None:
    started = start(app, CSV, "people.csv", name=unique())
    link = started["parts"][0]["url"]
    problem(httpx.put(link, content=CSV + b"x"), 413, "part-too-large")
    assert received(app, started) == []
    complete(app, started, put_parts(started, CSV))


def test_what_people_stored_is_no_script_of_ours(app: RunningApp) -> None:
    for kind in ("text/javascript", "image/svg+xml"):
        started = start(app, CSV, "evil.js", name=unique(), content_type=kind)
        answer = httpx.get(complete(app, started, put_parts(started, CSV)).json()["download_url"])
        assert (answer.content, answer.headers["content-type"]) == (CSV, "application/octet-stream")
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert httpx.get(store(app, CSV, "a.csv", name=unique())["download_url"]).headers["content-type"] == "text/csv"


def test_an_empty_file_passes(app: RunningApp) -> None:
    started = start(app, b"", "nothing.csv", name=unique())
    dataset = complete(app, started, put_parts(started, b"")).json()
    assert httpx.get(dataset["download_url"]).content == b""


def test_a_part_that_breaks_off_is_no_part(app: RunningApp) -> None:
    data = os.urandom(12 * MIB)
    started = start(app, data, "noise.bin", name=unique())
    parts = urlsplit(started["parts"][0]["url"])
    head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(head.encode() + data[: 9 * MIB])
    for _ in range(3):
        assert received(app, started) == []
    etag = put_part(started["parts"][0]["url"], data)
    assert [(part["number"], part["size"]) for part in received(app, started)] == [(1, len(data))]
    dataset = complete(app, started, [{"number": 1, "etag": etag}]).json()
    assert httpx.get(dataset["download_url"], timeout=60).content == data


def test_a_download_that_breaks_off_leaves_the_app_well(app: RunningApp) -> None:
    data = os.urandom(17 * MIB)
    url = store(app, data, "noise.bin", name=unique())["download_url"]
    for _ in range(30):
        with httpx.stream("GET", url, timeout=30) as answer:
            next(answer.iter_bytes(1000))
    assert httpx.get(url, timeout=60).content == data


def test_the_client_chooses_the_way_where_it_may(s3_app: RunningApp) -> None:
    started = start(s3_app, CSV, "people.csv", name=unique())
    assert "/relay/" not in started["parts"][0]["url"]
    with s3_app.client() as client:
        ask = f"/uploads/{started['upload_id']}/parts"
        direct = client.post(ask, json={"numbers": [1]}).json()["parts"][0]["url"]
        through = client.post(ask, json={"numbers": [1], "via": "app"}).json()["parts"][0]["url"]
        problem(client.post(ask, json={"numbers": [1], "via": "pigeon"}), 422, "invalid-input")
    assert "/relay/" not in direct
    assert through.startswith(f"{s3_app.api}/relay/")
    etag = put_part(through, CSV)
    assert complete(s3_app, started, [{"number": 1, "etag": etag}]).status_code == 200
