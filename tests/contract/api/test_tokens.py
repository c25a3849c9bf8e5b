"""API tokens over HTTP: in curl, in the snippets, from the terminal, and refused on every replica once revoked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.snippets import snippets
from tests.app_server import ROOT, RunningApp, start_app
from tests.shelf_client import problem
from tests.team import ADMIN, Team, running_team
from tests.unit.catalog.test_snippets import version

CSV = b"city,people\nBern,137995\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("tokens") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def replica(team: Team) -> Iterator[RunningApp]:
    """Another process on the same database."""
    names = ("AUTH__MODE", "AUTH__ADMIN_EMAIL", "AUTH__ADMIN_PASSWORD")
    app = start_app(team.app.data_dir, {name: team.app.env[name] for name in names})
    yield app
    app.stop()


@pytest.fixture(scope="module")
def file(team: Team) -> dict[str, Any]:
    """A file of ben's, whom `team.token("ben")` signs in."""
    with team.bearer(team.token("ben")) as client:
        started = client.post("/uploads", json={"filename": "cities.csv", "size": len(CSV)}).json()
        etag = httpx.put(started["parts"][0]["url"], content=CSV).headers["etag"]
        answer = client.post(f"/uploads/{started['upload_id']}/complete", json={"parts": [{"number": 1, "etag": etag}]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["files"][0]
    return found


def make(client: httpx.Client, **fields: Any) -> httpx.Response:
    return client.post("/tokens", json={"name": "notebook", "scope": "read", **fields})


def curl(*arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    header = ["-H", f"Authorization: Bearer {token}"] if token else []
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *header, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


def test_a_token_works_in_curl_and_once_revoked_it_does_not_on_any_replica(team: Team, replica: RunningApp) -> None:
    with team.client("ben") as client:
        answer = make(client)
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        made = answer.json()
        places = [f"{app.api}/datasets" for app in (team.app, replica)]
        assert [curl(place, token=made["token"]).stdout for place in places] == ["200", "200"]
        assert [curl(place).stdout for place in places] == ["401", "401"]
        listed = client.get("/tokens")
        assert listed.headers["cache-control"] == "no-store"
        (shown,) = [one for one in listed.json()["items"] if one["id"] == made["id"]]
        assert shown["last_used_at"] is not None
        assert (shown["hint"], "token" in shown) == (made["token"][-4:], False)
        assert client.delete(f"/tokens/{made['id']}").status_code == 204
        assert [curl(place, token=made["token"]).stdout for place in places] == ["401", "401"]
        problem(client.delete(f"/tokens/{made['id']}"), 404, "token-not-found")
    # Whatever else comes along with it: a token that is refused is not made good by a session.
    with team.client("ben") as client:
        refused = client.get("/datasets", headers={"Authorization": f"Bearer {made['token']}"})
    problem(refused, 401, "not-signed-in")
    assert made["token"] not in team.app.log + replica.log


def test_what_a_token_may(team: Team, file: dict[str, Any]) -> None:
    with team.client("ben") as client:
        read = make(client, expires_in_sec=3600).json()
    with team.bearer(read["token"]) as client:
        assert client.get(f"/files/{file['id']}").status_code == 200
        problem(client.delete(f"/files/{file['id']}"), 403, "read-only")
        problem(client.post("/uploads", json={"filename": "x.csv", "size": 1}), 403, "read-only")
        problem(client.delete(f"/tokens/{read['id']}"), 403, "read-only")
        problem(make(client), 403, "not-allowed")
    with team.bearer(team.token("ben")) as client:
        problem(make(client), 403, "not-allowed")
    with team.bearer(team.token("eve")) as client:
        problem(client.delete(f"/tokens/{read['id']}"), 404, "token-not-found")
    with team.client("vic") as client:
        problem(make(client, scope="write"), 403, "read-only")
        assert make(client).status_code == 201
        # A program that asks for nothing in particular is given what does least.
        assert client.post("/tokens", json={"name": "notebook"}).json()["scope"] == "read"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": " "},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"scope": "admin"},
        {"expires_in_sec": 0},
        {"expires_in_sec": 3650 * 86_400 + 1},
        {"expires_in_sec": "3600"},
        {"more": 1},
    ],
)
def test_what_no_token_is_made_of(team: Team, wrong: dict[str, Any]) -> None:
    with team.client("ben") as client:
        problem(make(client, **wrong), 422)


def test_in_mode_none_a_token_is_the_one_user_and_a_wrong_one_is_nobody(local_app: RunningApp) -> None:
    with local_app.client() as client:
        made = make(client, scope="write").json()
    with local_app.client(headers={"Authorization": f"Bearer {made['token']}"}) as client:
        assert client.get("/tokens").status_code == 200
        problem(make(client), 403, "not-allowed")
        assert client.delete(f"/tokens/{made['id']}").status_code == 204
        problem(client.get("/tokens"), 401, "not-signed-in")


def ops(*arguments: str, token: str | None) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **({"DATASHELF_TOKEN": token} if token else {})}
    command = [sys.executable, "-m", "ops", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_push_and_pull_sign_in_with_it(team: Team, file: dict[str, Any], tmp_path: Path) -> None:
    source, target = tmp_path / "pushed.csv", tmp_path / "pulled.csv"
    source.write_bytes(CSV)
    pushed = ops("push", str(source), "--url", team.app.url, "--again", token=team.token("ben"))
    assert pushed.returncode == 0, pushed.stderr
    pulled = ops("pull", file["id"], "--url", team.app.url, "-o", str(target), token=team.token("ben", "read"))
    assert pulled.returncode == 0, pulled.stderr
    assert target.read_bytes() == CSV
    refused = ops("push", str(source), "--url", team.app.url, token=None)
    assert refused.returncode == 1
    assert "Put an API token into DATASHELF_TOKEN." in refused.stderr
    reads = ops("push", str(source), "--url", team.app.url, "--again", token=team.token("ben", "read"))
    assert reads.returncode == 1
    assert "This token only reads." in reads.stderr


def run(text: str, name: str, folder: Path, token: str | None) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", text] if name == "curl" else [sys.executable, "-c", text]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "PYTHONUTF8": "1"}
    if token is not None:
        env["DATASHELF_TOKEN"] = token
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", ["pandas", "Polars", "DuckDB", "curl"])
def test_every_snippet_runs_as_pasted_with_a_token_and_not_without(
    team: Team, file: dict[str, Any], name: str, tmp_path: Path
) -> None:
    one = version("cities.csv")
    text = snippets(team.app.url, one, with_token=True)[name].replace(str(one.id), file["id"])
    done = run(text, name, tmp_path, team.token("ben", "read"))
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "cities.csv").read_text() if name == "curl" else done.stdout
    assert "137995" in shown
    assert run(text, name, tmp_path, None).returncode != 0


def serve(answer: Any) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the standard library's own name
            answer(self)

        def log_message(self, *_: object) -> None:
            """Not to standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize("name", ["pandas", "Polars", "DuckDB", "curl"])
def test_no_snippet_tells_the_store_the_token(name: str, tmp_path: Path) -> None:
    told: dict[str, list[str | None]] = {"api": [], "store": []}

    def as_store(request: BaseHTTPRequestHandler) -> None:
        told["store"].append(request.headers.get("Authorization"))
        request.send_response(200)
        request.send_header("Content-Length", str(len(CSV)))
        request.end_headers()
        request.wfile.write(CSV)

    def as_api(request: BaseHTTPRequestHandler) -> None:
        told["api"].append(request.headers.get("Authorization"))
        # Whatever it asks for: even a redirect where none is expected does not take the token along.
        request.send_response(307)
        request.send_header("Location", f"http://127.0.0.1:{store.server_port}/object")
        request.send_header("Content-Length", "0")
        request.end_headers()

    store, api = serve(as_store), serve(as_api)
    text = snippets(f"http://127.0.0.1:{api.server_port}", version("cities.csv"), with_token=True)[name]
    run(text, name, tmp_path, "ds_secret")
    store.shutdown()
    api.shutdown()
    assert told == {"api": ["Bearer ds_secret"], "store": [None]}


def test_the_admin_sees_who_made_which_token(team: Team) -> None:
    with team.client("eve") as client:
        made = make(client, name="Eve’s laptop").json()
    with team.client(ADMIN) as client:
        (entry,) = client.get("/activity", params={"q": "eve’s laptop"}).json()["items"]
    assert (entry["kind"], entry["actor"], entry["address"]) == ("token_created", "eve", "127.0.0.1")
    assert made["token"] not in str(entry)
