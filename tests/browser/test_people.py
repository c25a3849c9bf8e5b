"""The People screen, as an admin uses it: somebody is invited, thrown out, put into a group."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from catalog.identity import COOKIE
from tests.team import ADMIN, Team, password_of, running_team


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("people") / "data") as team:
        yield team


@pytest.fixture
def admin(team: Team, context: BrowserContext, page: Page) -> Page:
    context.add_cookies([{"name": COOKIE, "value": team.sessions[ADMIN], "url": team.app.url}])
    page.goto(f"{team.app.url}/people")
    expect(page.get_by_text("ben@example.org")).to_be_visible()
    return page


def test_an_invited_person_chooses_a_password_and_is_in(team: Team, admin: Page) -> None:
    admin.get_by_role("button", name="Add a person").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Grace <b>Hopper</b>")
    dialog.get_by_label("E-mail", exact=True).fill("ben@example.org")
    dialog.get_by_label("E-mail", exact=True).press("Tab")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("There is somebody with the name or address")).to_be_visible()
    dialog.get_by_label("E-mail", exact=True).fill("grace@example.org")
    dialog.get_by_label("E-mail", exact=True).press("Tab")
    dialog.get_by_role("button", name="Add", exact=True).click()
    link = dialog.get_by_test_id("stCode").get_by_text("/set-password?token=").inner_text()
    dialog.get_by_role("button", name="Done").click()
    row = admin.get_by_role("row").filter(has_text="grace@example.org")
    expect(row).to_contain_text("Grace <b>Hopper</b>")
    expect(row).to_contain_text("invited")

    address = "".join(link.split())
    chosen = httpx.post(address, data={"password": password_of("grace")}, timeout=60)
    assert chosen.status_code == 303
    assert httpx.post(address, data={"password": password_of("other")}, timeout=60).status_code == 410
    with team.with_session(chosen.cookies[COOKIE]) as client:
        assert client.get("/me").json()["name"] == "Grace <b>Hopper</b>"


def test_whoever_may_not_come_in_any_more_is_out_at_once(team: Team, admin: Page) -> None:
    team.add("leo")
    admin.reload()
    admin.get_by_role("button", name="Edit leo").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_text("May come in").click()
    expect(dialog.get_by_text("They are signed out everywhere at once")).to_be_visible()
    dialog.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("row").filter(has_text="leo@example.org")).to_contain_text("disabled")
    with team.client("leo") as client:
        assert client.get("/me").status_code == 401


def test_a_group_is_made_with_its_people_and_deleted(team: Team, admin: Page) -> None:
    admin.get_by_role("button", name="Add a group").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Geo")
    dialog.get_by_role("combobox", name="People").click()
    admin.get_by_role("option", name="eve").click()
    admin.keyboard.press("Escape")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(admin.get_by_text("Group Geo was added.")).to_be_visible()
    admin.goto(f"{team.app.url}/people?part=Groups")
    expect(admin.get_by_role("row").filter(has_text="Geo")).to_contain_text("eve")
    with team.client("eve") as client:
        assert client.get("/me").json()["groups"] == ["Geo"]
    admin.get_by_role("button", name="Delete Geo").click()
    admin.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(admin.get_by_text("No groups yet")).to_be_visible()
    with team.client("eve") as client:
        assert client.get("/me").json()["groups"] == []


def test_the_page_is_for_admins(team: Team, context: BrowserContext, page: Page) -> None:
    context.add_cookies([{"name": COOKIE, "value": team.sessions["ben"], "url": team.app.url}])
    page.goto(f"{team.app.url}/people")
    expect(page.get_by_text("This page is for admins.")).to_be_visible()
    expect(page.get_by_text("eve@example.org")).to_have_count(0)
