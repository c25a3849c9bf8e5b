"""Share links over HTTP, on both backends: made, followed by people without an account, counted, ended, attacked."""

from __future__ import annotations

import io
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import httpx
import pandas as pd
import pytest

from catalog.snippets import link_snippets
from tests.app_server import RunningApp
from tests.contract.catalog.test_snippets_run import run
from tests.shelf_client import problem, store, unique
from tests.unit.catalog.test_snippets import version

CSV = b"name,country,price\n" + b"".join(b"n%d,%s,%d\n" % (row, (b"DE", b"FR")[row % 2], row) for row in range(200))
PARQUET = pd.read_csv(io.BytesIO(CSV)).to_parquet()
GERMAN = b"name\n" + b"".join(b"n%d\n" % row for row in range(0, 200, 2))
MEMBERS = {
    *("id", "url", "raw_url", "token", "file_id", "file_name", "dataset_id", "dataset_name", "note", "state"),
    *("expires_at", "max_downloads", "downloads", "has_password", "latest", "columns", "where", "rows", "notes"),
    *("created_at", "last_used_at", "owner"),
}
HTML = {"Accept": "text/html"}


@pytest.fixture
def dataset(shelf: RunningApp) -> dict[str, Any]:
    return store(shelf, CSV, "sales.csv", name=unique())


@pytest.fixture
def outside() -> Iterator[httpx.Client]:
    """Somebody without an account, who follows nothing by themselves."""
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture
def other() -> Iterator[httpx.Client]:
    """Somebody else, without the first one's cookies."""
    with httpx.Client(timeout=60) as client:
        yield client


def share(app: RunningApp, file_id: object, **asked: Any) -> dict[str, Any]:
    with app.client() as client:
        answer = client.post(f"/files/{file_id}/shares", json=asked)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    made: dict[str, Any] = answer.json()
    return made


def shown(app: RunningApp, made: dict[str, Any]) -> dict[str, Any]:
    """The link as its owner's list has it now."""
    with app.client() as client:
        items = client.get("/shares", params={"dataset_id": made["dataset_id"]}).json()["items"]
    return next(item for item in items if item["id"] == made["id"])


def private(answer: httpx.Response) -> httpx.Response:
    """Nothing of a link is kept by a cache, or told to whoever is not this shelf."""
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    return answer


def test_a_link_has_its_members_and_leads_a_person_to_its_page_and_a_program_to_the_bytes(
    shelf: RunningApp, dataset: dict[str, Any], outside: httpx.Client
) -> None:
    made = share(shelf, dataset["file_id"], note="Hafen GmbH", max_downloads=9)
    assert set(made) == MEMBERS
    token = made["token"]
    assert (made["url"], made["raw_url"]) == (f"{shelf.url}/s/{token}", f"{shelf.url}/s/{token}/raw/sales.csv")
    assert (made["state"], made["downloads"], made["file_id"]) == ("active", 0, dataset["file_id"])
    page = private(outside.get(made["url"]))
    assert (page.status_code, page.headers["location"]) == (303, f"/shared?token={token}")
    head = private(outside.head(made["raw_url"]))
    assert head.status_code == 200
    assert (head.headers["content-length"], head.headers["accept-ranges"]) == (str(len(CSV)), "bytes")
    assert head.headers["content-type"] == "text/csv"
    assert shown(shelf, made)["downloads"] == 0
    for address in (f"{made['url']}/download", made["raw_url"], f"{made['url']}/raw/anything%20else.bin"):
        redirect = private(outside.get(address))
        assert redirect.status_code == 307
        bytes_ = outside.get(redirect.headers["location"])
        assert bytes_.content == CSV
        assert bytes_.headers["content-disposition"].startswith("attachment")
    part = outside.get(made["raw_url"], headers={"Range": "bytes=5-11"}, follow_redirects=True)
    assert (part.status_code, part.content) == (206, CSV[5:12])
    assert list(pd.read_csv(made["raw_url"]).columns) == ["name", "country", "price"]
    assert shown(shelf, made)["downloads"] == 5
    life = parse_qs(urlsplit(redirect.headers["location"]).query).get("X-Amz-Expires")
    assert life in (None, ["60"])
    with shelf.client() as client:
        assert client.get("/shares", params={"q": "hafen", "dataset_id": made["dataset_id"]}).json()["items"]
        assert not client.get("/shares", params={"q": "nobody"}).json()["items"]
        problem(client.get("/shares", params={"state": "broken"}), 422)
        another = client.post(f"/files/{dataset['file_id']}/shares", json={}).json()
        of_it = {"dataset_id": made["dataset_id"], "limit": 1}
        newest = client.get("/shares", params=of_it).json()
        older = client.get("/shares", params=of_it | {"cursor": newest["next_cursor"]}).json()
        assert [page["items"][0]["id"] for page in (newest, older)] == [another["id"], made["id"]]
        assert older["next_cursor"] is None
        problem(client.get("/shares", params={"cursor": newest["next_cursor"]}), 422)
        for limit in (0, 1001):
            problem(client.get("/shares", params={"limit": limit}), 422)
        problem(client.get("/shares", params={"dataset_id": "x"}), 404, "dataset-not-found")
    assert token not in shelf.log


@pytest.mark.parametrize("file_name", ["sales.csv", "sales.parquet"])
def test_the_code_on_the_recipients_page_runs_as_pasted(shelf: RunningApp, file_name: str, tmp_path: Path) -> None:
    data = CSV if file_name.endswith("csv") else PARQUET
    file_id = store(shelf, data, file_name, name=unique())["file_id"]
    opened, locked = share(shelf, file_id), share(shelf, file_id, password="Grüße aus Köln")
    if data is PARQUET:
        assert pd.read_parquet(opened["raw_url"])["price"].sum() == sum(range(200))
    code = link_snippets(opened["raw_url"], version(file_name), with_password=False)
    assert list(code) == ["pandas", "Polars", "DuckDB", "curl"]
    for name, text in code.items():
        printed = run(text, name, tmp_path)
        assert name == "curl" or "n0" in printed, f"{text}\n{printed}"
    assert (tmp_path / file_name).read_bytes() == data
    # No library looks at it twice, which would cost the recipient two of the downloads allowed.
    assert shown(shelf, opened)["downloads"] == len(code) + (data is PARQUET)
    (tmp_path / file_name).unlink()
    asks = link_snippets(locked["raw_url"], version(file_name), with_password=True)
    assert list(asks) == ["curl"]
    run(asks["curl"], "curl", tmp_path, typed="Grüße aus Köln\n")
    assert (tmp_path / file_name).read_bytes() == data
    with pytest.raises(AssertionError, match="401"):
        run(asks["curl"], "curl", tmp_path, typed="geraten\n")
    assert shown(shelf, locked)["downloads"] == 1


def test_fifty_clients_at_once_get_exactly_the_five_files_a_link_allows(
    shelf: RunningApp, dataset: dict[str, Any], outside: httpx.Client
) -> None:
    made = share(shelf, dataset["file_id"], max_downloads=5)
    answers: list[httpx.Response] = []
    gate = threading.Barrier(50)

    def fetch() -> None:
        gate.wait()
        # A connection each: none of them is free yet.
        answers.append(outside.get(f"{made['url']}/download"))

    threads = [threading.Thread(target=fetch) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    redirects = [answer for answer in answers if answer.status_code == 307]
    assert len(redirects) == 5
    assert [outside.get(answer.headers["location"]).content for answer in redirects] == [CSV] * 5
    for answer in answers:
        if answer not in redirects:
            problem(answer, 410, "link-ended")
    now = shown(shelf, made)
    assert (now["downloads"], now["state"]) == (5, "used_up")
    with shelf.client() as client:
        again = client.post(f"/shares/{made['id']}/renew", json={"expires_in_sec": None, "max_downloads": 1}).json()
    assert (again["state"], again["downloads"], again["expires_at"], again["url"]) == ("active", 0, None, made["url"])
    assert outside.get(f"{made['url']}/download").status_code == 307
    problem(outside.get(f"{made['url']}/download"), 410, "link-ended")


def test_a_link_taken_back_is_refused_at_once(
    shelf: RunningApp, dataset: dict[str, Any], outside: httpx.Client
) -> None:
    made = share(shelf, dataset["file_id"])
    before = outside.get(made["raw_url"]).headers["location"]
    with shelf.client() as client:
        assert client.delete(f"/shares/{made['id']}").status_code == 204
        problem(client.delete(f"/shares/{made['id']}"), 404, "share-not-found")
        problem(client.post(f"/shares/{made['id']}/renew", json={}), 410, "link-ended")
        for unknown in (str(uuid.uuid4()), "x", made["id"].upper()):
            problem(client.delete(f"/shares/{unknown}"), 404, "share-not-found")
    problem(private(outside.get(made["raw_url"])), 410, "link-ended")
    problem(outside.get(f"{made['url']}/download", headers={"Range": "bytes=0-3"}), 410, "link-ended")
    assert outside.head(made["raw_url"]).status_code == 410
    problem(private(outside.get(made["url"])), 410, "link-ended")
    assert outside.get(made["url"], headers=HTML).headers["location"] == f"/shared?token={made['token']}"
    page = private(outside.get(f"{made['url']}/download", headers=HTML))
    assert (page.status_code, page.headers["location"]) == (303, f"/shared?token={made['token']}&error=link-ended")
    # What was signed a moment before is good for what is left of its minute.
    assert outside.get(before).content == CSV
    for wrong in ("nothing", made["token"][:-1] + "é", "..%2F..%2Fetc"):
        for address in (f"{shelf.url}/s/{wrong}/download", f"{shelf.url}/s/{wrong}"):
            problem(private(outside.get(address)), 404)


def test_the_password_is_asked_for_by_form_or_basic_and_guessing_ends_in_429(
    shelf: RunningApp, dataset: dict[str, Any], outside: httpx.Client, other: httpx.Client
) -> None:
    made = share(shelf, dataset["file_id"], password="Grüße aus Köln")
    assert made["has_password"]
    assert "password" not in made
    url = made["url"]
    for address in (f"{url}/download", made["raw_url"]):
        refused = private(outside.get(address))
        problem(refused, 401, "password-needed")
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert outside.head(address).status_code == 401
        assert outside.get(address, params={"password": "Grüße aus Köln"}).status_code == 401
        page = outside.get(address, headers=HTML)
        assert (page.status_code, parse_qs(urlsplit(page.headers["location"]).query)["error"]) == (
            303,
            ["password-needed"],
        )
    basic = httpx.BasicAuth("anybody", "Grüße aus Köln")
    assert outside.head(made["raw_url"], auth=basic).headers["content-length"] == str(len(CSV))
    assert outside.get(made["raw_url"], auth=basic).status_code == 307
    problem(outside.post(f"{url}/unlock", data={"password": "falsch"}), 401, "password-needed")
    wrong = outside.post(f"{url}/unlock", data={"password": "falsch"}, headers=HTML)
    assert (wrong.status_code, wrong.headers["location"]) == (
        303,
        f"/shared?token={made['token']}&error=wrong-password",
    )
    foreign = outside.post(f"{url}/unlock", data={"password": "x"}, headers={"Origin": "https://evil.example"})
    problem(foreign, 403, "foreign-origin")
    right = private(outside.post(f"{url}/unlock", data={"password": "Grüße aus Köln"}, headers=HTML))
    assert (right.status_code, right.headers["location"]) == (303, f"/shared?token={made['token']}")
    kept = right.headers["set-cookie"]
    assert all(part in kept for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=3600"))
    assert "Köln" not in kept
    assert outside.get(f"{url}/download").status_code == 307
    ((name, value),) = outside.cookies.items()
    for forged in (value[:-2] + "AA", value.split(".")[0], "x"):
        problem(other.get(f"{url}/download", headers={"Cookie": f"{name}={forged}"}), 401, "password-needed")
    for _ in range(10):
        problem(other.get(f"{url}/download", auth=("", "geraten")), 401, "password-needed")
    for password in ("geraten", "Grüße aus Köln"):
        slowed = other.get(f"{url}/download", auth=httpx.BasicAuth("", password))
        problem(slowed, 429, "too-many-attempts")
        assert 0 < int(slowed.headers["retry-after"]) <= 60
    told = other.post(f"{url}/unlock", data={"password": "Grüße aus Köln"}, headers=HTML)
    assert parse_qs(urlsplit(told.headers["location"]).query)["error"] == ["too-many-attempts"]
    # Who gave it before goes on.
    assert outside.get(f"{url}/download").status_code == 307
    for secret in ("geraten", "Köln", made["token"]):
        assert secret not in shelf.log


def test_a_sliced_link_cannot_be_made_to_show_another_column_or_row(
    shelf: RunningApp, dataset: dict[str, Any], outside: httpx.Client
) -> None:
    made = share(shelf, dataset["file_id"], columns=["name"], where="country = 'DE'")
    assert (made["columns"], made["where"], made["rows"], made["notes"]) == (["name"], "country = 'DE'", 100, [])
    raw = made["raw_url"]
    whole = outside.get(raw, follow_redirects=True).content.replace(b'"', b"")
    assert whole == GERMAN
    for asked in ("bytes=0-99999", "bytes=-99999", "bytes=3-"):
        got = outside.get(raw, headers={"Range": asked}, follow_redirects=True)
        assert b"FR" not in got.content
        assert b"price" not in got.content
    assert int(outside.head(raw).headers["content-length"]) < len(CSV)
    for extra in ({"columns": "price"}, {"where": "1=1"}, {"file_id": dataset["file_id"]}, {"v": "1"}):
        same = outside.get(raw, params=extra, follow_redirects=True).content.replace(b'"', b"")
        assert same == GERMAN
    # The copy's own id, which its key in the store tells, leads nowhere; and no other key can be put in its place.
    signed = urlsplit(outside.get(raw).headers["location"])
    copy_id = signed.path.rpartition("/")[2]
    own = urlsplit(outside.get(f"{shelf.api}/files/{dataset['file_id']}/download").headers["location"])
    assert outside.get(urlunsplit(signed._replace(path=own.path))).status_code == 403
    with shelf.client() as client:
        for call in ("", "/preview", "/profile", "/download-url"):
            problem(client.get(f"/files/{copy_id}{call}"), 404, "file-not-found")
        problem(client.post(f"/files/{copy_id}/query", json={"sql": "SELECT * FROM data"}), 404, "file-not-found")
        problem(client.post(f"/files/{copy_id}/shares", json={}), 404, "file-not-found")
        problem(client.delete(f"/files/{copy_id}"), 404, "file-not-found")
        # The token is no credential of the API.
        bearer = {"Authorization": f"Bearer {made['token']}"}
        problem(client.get(f"/files/{dataset['file_id']}/preview", headers=bearer), 401, "not-signed-in")
        found = client.get("/datasets", params={"q": dataset["name"]}).json()
        assert [item["id"] for item in found["items"]] == [dataset["id"]]
        for where, slug in (
            ("TRUE) UNION SELECT country FROM data WHERE (TRUE", "query-refused"),
            ("1=1; DROP TABLE data", "query-failed"),
            ("name IN (SELECT content FROM read_text('/etc/passwd'))", "query-refused"),
            ("nme = 'x'", "query-failed"),
        ):
            refused = client.post(f"/files/{dataset['file_id']}/shares", json={"where": where})
            assert "line" in problem(refused, 422, slug)
        impossible: tuple[tuple[dict[str, Any], str], ...] = (
            ({"columns": ["cost"]}, "query-failed"),
            ({"columns": []}, "invalid-input"),
            ({"latest": True, "where": "TRUE"}, "invalid-share"),
            ({"expires_in_sec": 0}, "invalid-input"),
            ({"max_downloads": 0}, "invalid-input"),
            ({"password": "abc"}, "invalid-password"),
            # A script's empty variable does not mean everybody, and everything.
            ({"password": ""}, "invalid-input"),
            ({"where": " "}, "invalid-share"),
            ({"note": "a\nb"}, "invalid-share"),
            ({"unknown": 1}, "invalid-input"),
        )
        for body, slug in impossible:
            problem(client.post(f"/files/{dataset['file_id']}/shares", json=body), 422, slug)
        client.delete(f"/datasets/{dataset['id']}")
    problem(outside.get(raw), 410, "link-ended")
