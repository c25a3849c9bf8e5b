"""The doors of a running app: forms, cookies, where one ends, and oneself over the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from catalog.identity import COOKIE
from tests.app_server import ROOT, running_app
from tests.shelf_client import problem
from tests.team import ADMIN, Team, email_of, password_of, running_team

HTML = {"Accept": "text/html,application/xhtml+xml"}
PAGES = sorted(set(re.findall(r'url_path="([a-z-]+)"', (ROOT / "pages" / "main.py").read_text())) | {""})
GOOD = "a long walk by the river"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("signing-in") / "data") as started:
        yield started


def get(team: Team, path: str, **options: object) -> httpx.Response:
    return httpx.get(f"{team.app.url}{path}", timeout=30, **options)  # type: ignore[arg-type]


def post(team: Team, path: str, **options: object) -> httpx.Response:
    return httpx.post(f"{team.app.url}{path}", timeout=60, **options)  # type: ignore[arg-type]


def test_the_pages_are_known() -> None:
    assert {"", "upload", "dataset", "storage", "trash", "links", "shared", "account", "activity", "people"} <= set(
        PAGES
    )


@pytest.mark.parametrize("page", [page for page in PAGES if page != "shared"])
def test_a_deep_link_without_a_session_ends_at_the_sign_in_page(team: Team, page: str) -> None:
    answer = get(team, f"/{page}?id=1", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["next"] == [f"/{page}?id=1"]
    cookies = {COOKIE: "no session of ours"}
    assert get(team, f"/{page}", headers=HTML, cookies=cookies).status_code == 303
    assert get(team, f"/{page}", headers=HTML, cookies={COOKIE: team.sessions["vic"]}).status_code == 200


@pytest.mark.parametrize("path", ["/shared?token=x", "/app/static/logo.svg", "/sign-in/form_page.css", "/sign-in"])
def test_what_stands_before_the_door_needs_no_session(team: Team, path: str) -> None:
    assert get(team, path, headers=HTML).status_code == 200


def test_signing_in_sets_a_cookie_no_script_reads_and_goes_on(team: Team) -> None:
    form = {"login": email_of("ben"), "password": password_of("ben"), "next": "/dataset?id=1&v=2"}
    answer = post(team, "/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dataset?id=1&v=2")
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} < set(attributes)
    assert "Secure" not in attributes
    assert not any(attribute.startswith("Domain") for attribute in attributes)
    assert password_of("ben") not in answer.text
    with team.with_session(answer.cookies[COOKIE]) as client:
        assert client.get("/me").json()["name"] == "ben"
        assert client.get(f"{team.app.url}/sign-in", params={"next": "/upload"}).headers["location"] == "/upload"


def test_behind_tls_the_cookie_goes_nowhere_without_it(team: Team) -> None:
    form = {"login": email_of("ben"), "password": password_of("ben")}
    answer = post(team, "/sign-in", data=form, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"].split("; ")


@pytest.mark.parametrize(
    "next_", ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "/\t/x.y"]
)
def test_signing_in_leads_to_nobody_else(team: Team, next_: str) -> None:
    page = get(team, "/sign-in", params={"next": next_})
    assert "elsewhere" not in page.text
    form = {"login": email_of("ben"), "password": password_of("ben"), "next": next_}
    assert post(team, "/sign-in", data=form).headers["location"] == "/"


def test_a_session_presented_at_sign_in_is_ended(team: Team) -> None:
    planted = team.new_session("eve")
    answer = team.sign_in("ben", **{COOKIE: planted})
    assert answer.cookies[COOKIE] != planted
    with team.with_session(planted) as client:
        problem(client.get("/me"), 401, "not-signed-in")


def test_unknown_and_wrong_are_one_answer(team: Team) -> None:
    def answer(login: str) -> tuple[int, str, float]:
        start = perf_counter()
        said = post(team, "/sign-in", data={"login": login, "password": "not the password"})
        return said.status_code, said.text.replace(login, "…"), perf_counter() - start

    known, unknown = answer(email_of("vic")), answer("nobody@example.org")
    assert known[:2] == unknown[:2]
    assert known[0] == 401
    assert "not the password" not in known[1]
    assert "nobody@example.org" not in team.app.log
    with team.client(ADMIN) as client:
        client.patch(f"/users/{team.ids['vic']}", json={"disabled": False})


def test_after_five_wrong_passwords_everybody_waits(team: Team) -> None:
    team.add("lou")
    for login in (email_of("lou"), "nobody.at.all@example.org"):
        tries = [post(team, "/sign-in", data={"login": login, "password": "not the password"}) for _ in range(6)]
        assert [one.status_code for one in tries] == [401] * 5 + [429]
        assert 0 < int(tries[-1].headers["retry-after"]) <= 30
        assert "Too many wrong passwords in a row. Try again in" in tries[-1].text
    assert team.sign_in("lou").status_code == 429, "the right one, too"


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/set-up?token=x", "/set-password?token=x"])
def test_a_form_of_another_origin_is_refused(team: Team, path: str) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = post(team, path, data={"login": "x"}, headers=headers, cookies={COOKIE: team.sessions["ben"]})
        problem(answer, 403, "foreign-origin")
    with team.client("ben") as client:
        assert client.get("/me").status_code == 200


def test_what_was_typed_is_inert_in_the_page(team: Team) -> None:
    nasty = '"><script>alert(1)</script>'
    answer = post(team, "/sign-in", data={"login": nasty, "password": "x", "next": f"/{nasty}"})
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    for path in ("/set-up", "/set-password"):
        assert "<script" not in get(team, path, params={"token": nasty}).text


def test_pages_with_secrets_are_kept_by_nobody_and_named_to_nobody(team: Team) -> None:
    for path in ("/sign-in", "/set-up?token=x", "/set-password?token=x"):
        headers = get(team, path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"


def test_signing_out_ends_the_session_everywhere(team: Team) -> None:
    secret = team.new_session("ben")
    answer = post(team, "/sign-out", cookies={COOKIE: secret})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?out=1")
    assert re.search(rf'{COOKIE}="";.* Max-Age=0', answer.headers["set-cookie"])
    assert "You are signed out." in get(team, "/sign-in?out=1").text
    assert get(team, "/", headers=HTML, cookies={COOKIE: secret}).status_code == 303
    with team.with_session(secret) as client:
        problem(client.get("/datasets"), 401, "not-signed-in")
    assert post(team, "/sign-out").status_code == 303
    assert get(team, "/sign-out").status_code in (404, 405)


def test_an_admin_lets_somebody_in_who_chooses_a_password(team: Team) -> None:
    with team.client(ADMIN) as admin:
        made = admin.post("/users", json={"name": "Nina", "email": "Nina@Example.org", "role": "viewer"})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    link = made.json()["password_link"]
    assert link.startswith(f"{team.app.url}/set-password?token=")
    page = httpx.get(link)
    assert "For <strong>Nina</strong>" in page.text
    short = httpx.post(link, data={"password": "short"}, timeout=60)
    assert short.status_code == 422
    assert "it needs at least 10" in short.text
    chosen = httpx.post(link, data={"password": GOOD}, timeout=60)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")
    with team.with_session(chosen.cookies[COOKIE]) as nina:
        assert nina.get("/me").json() | {"id": ""} == {
            "id": "",
            "name": "Nina",
            "email": "nina@example.org",
            "role": "viewer",
            "groups": [],
            "has_password": True,
            "may_write": False,
            "alone": False,
        }
    assert httpx.get(link).status_code == 410
    assert httpx.post(link, data={"password": GOOD}).status_code == 410


def test_one_changes_name_and_password_and_ends_ones_sessions(team: Team) -> None:
    team.add("max")
    here, there, third = (team.new_session("max") for _ in range(3))
    with team.with_session(here) as client:
        renamed = client.patch("/me", json={"name": "Maxine"})
        assert (renamed.status_code, renamed.json()["name"]) == (200, "Maxine")
        problem(client.patch("/me", json={"name": "ben"}), 409, "name-taken")
        sessions = client.get("/me/sessions").json()["items"]
        assert [one["is_this"] for one in sessions].count(True) == 1
        assert len(sessions) == 4
        assert all(one["address"] == "127.0.0.1" for one in sessions)
        other = next(one for one in sessions if not one["is_this"])
        assert client.delete(f"/me/sessions/{other['id']}").status_code == 204
        problem(client.delete(f"/me/sessions/{other['id']}"), 404, "session-not-found")
        with team.client("eve") as eve:
            problem(eve.delete(f"/me/sessions/{sessions[0]['id']}"), 404, "session-not-found")
        problem(client.post("/me/password", json={"old": "wrong one", "new": GOOD}), 422, "invalid-password")
        changed = client.post("/me/password", json={"old": password_of("max"), "new": GOOD})
        assert changed.status_code == 204, changed.text
        assert [one["is_this"] for one in client.get("/me/sessions").json()["items"]] == [True]
    for gone in (there, third):
        with team.with_session(gone) as client:
            problem(client.get("/me"), 401, "not-signed-in")
    assert team.sign_in("max", GOOD).status_code == 303


def test_an_admin_runs_people_and_groups_and_nobody_else_does(team: Team) -> None:
    team.add("pia")
    pia = team.ids["pia"]
    with team.client("ben") as ben, team.client(ADMIN) as admin:
        for answer in (
            ben.get("/users"),
            ben.post("/users", json={"name": "X", "email": "x@example.org"}),
            ben.patch(f"/users/{pia}", json={"role": "admin"}),
            ben.post(f"/users/{pia}/password-link"),
            ben.post(f"/users/{pia}/hand-over", json={"to": team.ids["ben"]}),
            ben.get("/groups"),
            ben.post("/groups", json={"name": "G"}),
        ):
            problem(answer, 403, "admins-only")
        assert [one["kind"] for one in ben.get("/people", params={"q": "PIA"}).json()["items"]] == ["user"]
        group = admin.post("/groups", json={"name": "Walkers", "members": [pia]})
        assert group.status_code == 201, group.text
        assert ben.get("/people", params={"q": "walk"}).json()["items"] == [
            {"id": group.json()["id"], "name": "Walkers", "kind": "group"}
        ]
        address = f"/groups/{group.json()['id']}"
        assert admin.patch(address, json={"members": []}).json()["members"] == []
        assert admin.delete(address).status_code == 204
        problem(admin.delete(address), 404, "group-not-found")
        problem(admin.patch(f"/users/{team.ids[ADMIN]}", json={"role": "viewer"}), 409, "last-admin")
        problem(admin.patch("/users/not-an-id", json={}), 404, "user-not-found")
        assert admin.patch(f"/users/{pia}", json={"disabled": True}).json()["disabled_at"]
        with team.client("pia") as out:
            problem(out.get("/me"), 401, "not-signed-in")
        assert team.sign_in("pia").status_code == 401
        assert admin.post(f"/users/{pia}/hand-over", json={"to": team.ids["eve"]}).json() == {"datasets": 0}


def test_the_first_start_prints_a_link_that_makes_one_admin(tmp_path: Path) -> None:
    with running_app(tmp_path / "data", {"AUTH__MODE": "password", "RATES__SIGN_IN": "0"}) as app:
        link = re.search(r"^Set up the first admin: (\S+)$", app.log, re.MULTILINE)
        assert link is not None, app.log
        assert link[1].startswith(f"{app.url}/set-up?token=")
        assert "Set up the first admin" in httpx.get(link[1]).text
        form = {"name": "Ada", "email": "ada@example.org", "password": "short"}
        assert httpx.post(link[1], data=form).status_code == 422
        made = httpx.post(link[1], data={**form, "password": GOOD}, timeout=60)
        assert (made.status_code, made.headers["location"]) == (303, "/")
        with app.client(cookies={COOKIE: made.cookies[COOKIE]}) as client:
            assert client.get("/me").json()["role"] == "admin"
        assert httpx.get(link[1]).status_code == 410
        assert GOOD not in app.log
