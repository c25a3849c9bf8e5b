"""Who did what over HTTP: what the API's own calls leave behind, in the activity and in the access log."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from catalog.secrets import digest
from tests.app_server import ROOT
from tests.shelf_client import problem
from tests.team import ADMIN, Team, email_of, running_team

CSV = b"city,people\nBern,137995\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("activity") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def done(team: Team) -> dict[str, Any]:
    """A dataset of ben's and everything that is done with one."""
    with team.client("ben") as client:
        started = client.post("/uploads", json={"filename": "cities.csv", "size": len(CSV), "name": "=Cities"}).json()
        etag = httpx.put(started["parts"][0]["url"], content=CSV).headers["etag"]
        parts = {"parts": [{"number": 1, "etag": etag}]}
        dataset: dict[str, Any] = client.post(f"/uploads/{started['upload_id']}/complete", json=parts).json()
        file = f"/files/{dataset['files'][0]['id']}"
        assert client.get(f"{file}/download", headers={"Range": "bytes=0-3"}).status_code == 307
        assert client.get(f"{file}/download-url").status_code == 200
        link = client.post(f"{file}/shares", json={"expires_in_sec": 3600, "note": "ACME"}).json()
        assert client.put(f"/datasets/{dataset['id']}/access", json={"visibility": "team"}).status_code == 200
        assert client.patch(f"/datasets/{dataset['id']}", json={"tags": ["a"]}).status_code == 200
    assert httpx.get(f"{link['url']}/download", headers={"User-Agent": "wget"}).status_code == 307
    assert httpx.post(f"{team.app.url}/sign-in", data={"login": email_of("eve"), "password": "wrong"}).is_error
    with team.client(ADMIN) as client:
        client.patch(f"/users/{team.ids['vic']}", json={"name": "vicky"})
    return dataset | {"link": link}


def test_everything_is_written_down_with_who_and_from_where(team: Team, done: dict[str, Any]) -> None:
    with team.client(ADMIN) as client:
        answer = client.get("/activity", params={"limit": 200})
        of_dataset = client.get("/activity", params={"dataset_id": done["id"]}).json()["items"]
        of_link = client.get("/activity", params={"group": ["downloads"], "q": "acme"}).json()["items"]
    assert answer.headers["cache-control"] == "no-store"
    entries = answer.json()["items"]
    assert [one["kind"] for one in of_dataset] == [
        "file_downloaded",
        "dataset_changed",
        "access_changed",
        "link_created",
        "file_linked",
        "file_downloaded",
        "upload_completed",
        "upload_started",
    ]
    assert {one["dataset_name"] for one in of_dataset} == {"=Cities"}
    assert (of_dataset[5]["actor"], of_dataset[5]["asked"]) == ("ben", 4)
    assert [(one["by"], one["agent"], one["asked"], one["link_id"]) for one in of_link] == [
        ("link", "wget", len(CSV), done["link"]["id"])
    ]
    kinds = {one["kind"]: one for one in entries}
    assert {"signed_in", "sign_in_failed", "user_created", "user_changed"} <= set(kinds)
    assert kinds["sign_in_failed"]["actor"] == "eve"
    assert (kinds["user_changed"]["actor"], kinds["user_changed"]["detail"]["user"]) == (ADMIN, team.ids["vic"])
    assert {one["address"] for one in entries if one["by"] in ("person", "link")} <= {"127.0.0.1", None}
    assert all(one["address"] for one in of_dataset)


def test_a_reader_learns_what_changed_and_no_addresses(team: Team, done: dict[str, Any]) -> None:
    path = f"/datasets/{done['id']}/activity"
    with team.client("eve") as client:
        answer = client.get(path).json()
        problem(client.get("/activity"), 403, "admins-only")
        problem(client.get("/activity/export"), 403, "admins-only")
    assert ([one["kind"] for one in answer["items"]], answer["whole"]) == (
        ["dataset_changed", "upload_completed"],
        False,
    )
    assert {one["address"] for one in answer["items"]} == {None}
    with team.client("ben") as client:
        assert len(client.get(path).json()["items"]) == 8


def test_exports_say_the_same(team: Team, done: dict[str, Any]) -> None:
    asked = {"dataset_id": done["id"]}
    with team.client(ADMIN) as client:
        table = client.get("/activity/export", params=asked)
        lines = client.get("/activity/export", params={**asked, "format": "jsonl"})
        problem(client.get("/activity/export", params={"format": "xlsx"}), 422)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"].startswith("attachment; filename=")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    told = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["kind"] for row in rows] == [one["kind"] for one in told]
    assert {row["dataset_name"] for row in rows} == {"'=Cities"}
    assert {one["dataset_name"] for one in told} == {"=Cities"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"group": "x"},
        {"limit": "0"},
        {"cursor": "x"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"q": "x" * 201},
        {"person": "a\x00"},
    ],
)
def test_filters_that_mean_nothing(team: Team, wrong: dict[str, str]) -> None:
    with team.client(ADMIN) as client:
        problem(client.get("/activity", params=wrong), 422)
        problem(client.get("/activity", params={"dataset_id": "x"}), 404, "dataset-not-found")
        if wrong.keys().isdisjoint({"limit", "cursor"}):  # an export has no pages
            problem(client.get("/activity/export", params=wrong), 422)


@pytest.mark.long
def test_an_operator_exports_it_and_is_named_for_what_they_do(team: Team, done: dict[str, Any]) -> None:
    def ops(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ops", *arguments]
        return subprocess.run(command, cwd=ROOT, env=team.app.env, capture_output=True, text=True, check=False)

    assert ops("users", "disable", "vic@example.org").returncode == 0
    found = ops(
        "activity", "export", "--format", "jsonl", "--group", "operation", "-q", "ops users", "--since", "2026-01-01"
    )
    assert found.returncode == 0, found.stderr
    (told,) = [json.loads(line) for line in found.stdout.splitlines()]
    assert (told["kind"], told["by"], told["actor"]) == ("user_changed", "operator", "ops users")
    assert " at " in told["agent"]
    assert ops("users", "enable", "vic@example.org").returncode == 0
    assert ops("activity", "export", "--since", "yesterday").returncode == 2


def logged(team: Team, **wanted: object) -> dict[str, Any]:
    """The last line of the access log with these values; it is written a moment after the answer."""
    deadline = time.monotonic() + 10
    while True:
        lines = (json.loads(line) for line in team.app.log.splitlines() if line.startswith("{"))
        found: list[dict[str, Any]] = [one for one in lines if wanted.items() <= one.items()]
        if found:
            return found[-1]
        assert time.monotonic() < deadline, wanted
        time.sleep(0.05)


def test_the_access_log_says_who_and_by_what_and_never_a_secret(team: Team, done: dict[str, Any]) -> None:
    token = team.token("ben", "read")
    with team.bearer(token) as client:
        token_id = next(one["id"] for one in client.get("/tokens").json()["items"] if one["hint"] == token[-4:])
        client.get("/uploads", headers={"X-Request-Id": "from-the-proxy.1", "User-Agent": "notebook"})
    line = logged(team, request_id="from-the-proxy.1", message="request")
    assert (line["user"], line["by"], line["address"], line["agent"]) == (
        "ben",
        f"token:{token_id}",
        "127.0.0.1",
        "notebook",
    )
    with team.client("eve") as client:
        answer = client.get("/uploads", headers={"X-Request-Id": "forged\tid" + "x" * 80})
    given = answer.headers["x-request-id"]
    assert given.isalnum()
    line = logged(team, request_id=given, message="request")
    assert line["by"].startswith("session:")
    secret = done["link"]["token"]
    line = logged(team, path="/s/{token}/download")
    assert line["by"] == f"link:{digest(secret)[:12]}"
    httpx.get(f"{team.app.url}/s/{secret}/nothing")
    httpx.get(f"{team.app.url}/s/{secret}")
    logged(team, path="/s/{token}")
    logged(team, path="/s/…")
    written = team.app.log
    for one in (secret, token, *team.sessions.values(), "likes long walks", "signature=", "wrong"):
        assert one not in written
