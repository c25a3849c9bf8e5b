"""Account and Activity as people use them: a token made, used and revoked; other browsers signed out; who did what."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from catalog.identity import COOKIE
from tests.browser.looking import address_of, choose_more, dialog
from tests.team import ADMIN, Team, running_team

CSV = b"city,people\nBern,137995\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("account") / "data") as team:
        yield team


@pytest.fixture(scope="module")
def dataset(team: Team) -> str:
    """Ben's, which the team sees; its id."""
    with team.client("ben") as client:
        started = client.post("/uploads", json={"filename": "cities.csv", "size": len(CSV), "name": "Cities"}).json()
        etag = httpx.put(started["parts"][0]["url"], content=CSV).headers["etag"]
        parts = {"parts": [{"number": 1, "etag": etag}]}
        made: str = client.post(f"/uploads/{started['upload_id']}/complete", json=parts).json()["id"]
        assert client.put(f"/datasets/{made}/access", json={"visibility": "team"}).status_code == 200
        for _ in range(60):
            assert client.get(f"/files/{started['file_id']}/download-url").status_code == 200
    return made


def as_(name: str, team: Team, context: BrowserContext) -> None:
    context.add_cookies([{"name": COOKIE, "value": team.sessions[name], "url": team.app.url}])


def test_a_token_is_made_by_keyboard_shown_once_works_and_is_revoked(
    team: Team, context: BrowserContext, page: Page
) -> None:
    as_("eve", team, context)
    page.goto(f"{team.app.url}/account")
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    page.get_by_role("button", name="Make a token").press("Enter")
    dialog(page).get_by_label("Name").fill("night *import*")
    dialog(page).get_by_label("Name").press("Tab")
    dialog(page).get_by_role("button", name="Make it").press("Enter")
    expect(dialog(page).get_by_text("Copy it now")).to_be_visible()
    secret = dialog(page).get_by_test_id("stCode").first.inner_text().strip()
    dialog(page).get_by_role("button", name="Done").press("Enter")
    expect(page.get_by_text("night *import*", exact=True)).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)
    with team.bearer(secret) as client:
        assert client.get("/me").json()["name"] == "eve"
        page.reload()
        expect(page.get_by_text("last used just now")).to_be_visible()
        page.get_by_role("button", name="Revoke").press("Enter")
        dialog(page).get_by_role("button", name="Revoke").press("Enter")
        expect(page.get_by_text("“night *import*” was revoked.")).to_be_visible()
        assert client.get("/me").status_code == 401


def test_another_browser_is_signed_out(team: Team, context: BrowserContext, page: Page) -> None:
    other = team.new_session("vic")
    as_("vic", team, context)
    page.goto(f"{team.app.url}/account")
    expect(page.get_by_text("this browser")).to_have_count(1)
    page.get_by_role("button", name="Sign out everywhere else").click()
    dialog(page).get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("1 browser signed out.")).to_be_visible()
    with team.with_session(other) as client:
        assert client.get("/me").status_code == 401
    with team.client("vic") as client:
        assert client.get("/me").status_code == 200


def test_the_admin_searches_pages_and_takes_the_activity_along(
    team: Team, dataset: str, context: BrowserContext, page: Page
) -> None:
    as_(ADMIN, team, context)
    page.goto(f"{team.app.url}/activity?dataset={dataset}")
    rows = page.get_by_role("row")
    expect(page.get_by_text("Only “Cities”")).to_be_visible()
    expect(rows).to_have_count(51)
    page.get_by_role("button", name="Older").click()
    expect(rows.filter(has_text="began to upload Cities")).to_have_count(1)
    assert f"dataset={dataset}" in address_of(page)
    page.get_by_role("button", name="Show all activity").click()
    page.get_by_placeholder("Search datasets").fill("cities")
    page.get_by_role("button", name="Uploads").click()
    expect(rows.filter(has_text="ben uploaded Cities")).to_have_count(1)
    expect(rows).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    told = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [one["kind"] for one in told] == ["upload_completed", "upload_started"]
    page.get_by_placeholder("Search datasets").fill("turbine")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Show all activity").click()
    rows.filter(has_text="ben uploaded Cities").or_(rows.filter(has_text="got a direct link")).first.wait_for()
    page.get_by_role("link", name="Cities").first.click()
    expect(page.get_by_role("heading", name="Cities")).to_be_visible()


def test_a_reader_sees_what_changed_and_no_activity_of_the_shelf(
    team: Team, dataset: str, context: BrowserContext, page: Page
) -> None:
    as_("vic", team, context)
    page.goto(f"{team.app.url}/dataset?id={dataset}")
    choose_more(page, "Activity")
    expect(dialog(page).get_by_text("ben uploaded Cities")).to_be_visible()
    expect(dialog(page).get_by_text("direct link")).to_have_count(0)
    expect(dialog(page).get_by_text("127.0.0.1")).to_have_count(0)
    page.goto(f"{team.app.url}/activity")
    expect(page.get_by_text("This page is for admins")).to_be_visible()
