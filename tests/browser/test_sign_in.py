"""Coming in and going out in a real browser, by keyboard; and tabs that are still open when the session has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from catalog.identity import COOKIE
from tests.app_server import running_app
from tests.browser.looking import settle
from tests.team import ADMIN, Team, email_of, password_of, running_team

SIGN_IN = re.compile(r"/sign-in(\?|$)")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("coming-in") / "data") as started:
        yield started


def come_in(context: BrowserContext, team: Team, name: str, path: str = "/") -> Page:
    """A tab of somebody who is signed in, with a session of its own."""
    context.add_cookies([{"name": COOKIE, "value": team.new_session(name), "url": team.app.url, "httpOnly": True}])
    page = context.new_page()
    page.goto(team.app.url + path)
    return page


def test_by_keyboard_from_a_deep_link_in_and_out_again(page: Page, team: Team) -> None:
    page.goto(f"{team.app.url}/storage")
    expect(page).to_have_title("Sign in · Datashelf")
    expect(page.get_by_label("E-mail or name")).to_be_focused()
    page.keyboard.type(email_of(ADMIN))
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(
        "That is not a name and password we know. Check both, and try again."
    )
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(password_of(ADMIN))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Storage")).to_be_visible()
    assert page.url == f"{team.app.url}/storage"
    assert COOKIE not in page.evaluate("document.cookie")
    page.get_by_role("button", name=ADMIN).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You are signed out.")
    page.go_back()
    page.reload()
    expect(page).to_have_url(SIGN_IN)


def test_signed_out_in_one_tab_the_next_click_in_another_is_refused(context: BrowserContext, team: Team) -> None:
    first = come_in(context, team, "ben")
    second = context.new_page()
    second.goto(f"{team.app.url}/upload")
    expect(second.get_by_role("link", name="Datasets")).to_be_visible()
    first.get_by_role("button", name="ben").click()
    first.get_by_role("button", name="Sign out").click()
    expect(first).to_have_url(SIGN_IN)
    second.get_by_role("link", name="Datasets").click()
    expect(second).to_have_url(SIGN_IN)
    expect(second.get_by_label("Password")).to_be_visible()


def test_a_session_that_was_ended_elsewhere_ends_here_and_one_comes_back_to_the_same_place(
    context: BrowserContext, team: Team
) -> None:
    page = come_in(context, team, "eve", "/trash?from=here")
    expect(page.get_by_role("button", name="eve")).to_be_visible()
    with team.client(ADMIN) as admin:
        for disabled in (True, False):
            assert admin.patch(f"/users/{team.ids['eve']}", json={"disabled": disabled}).status_code == 200
    page.get_by_role("link", name="Upload").click()
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fupload"))
    page.get_by_label("E-mail or name").fill("eve")
    page.get_by_label("Password").fill(password_of("eve"))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{team.app.url}/upload")
    expect(page.get_by_role("button", name="eve")).to_be_visible()


def test_a_recipients_page_is_no_way_round_the_gate(page: Page, team: Team) -> None:
    page.goto(f"{team.app.url}/shared?token=none")
    settle(page)
    expect(page.get_by_role("link", name="Storage")).to_have_count(0)
    for path in ("/storage", "/people", "/"):
        page.goto(f"{team.app.url}/shared?token=none")
        settle(page)
        page.evaluate(
            "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path
        )
        expect(page).to_have_url(SIGN_IN)


def test_the_menu_leads_admins_further_than_others(context: BrowserContext, team: Team) -> None:
    page = come_in(context, team, "vic")
    page.get_by_role("button", name="vic").click()
    expect(page.get_by_text("Viewer: looks and downloads")).to_be_visible()
    # In the menu as for everybody, and beside the datasets: navigation of one page would not be shown.
    expect(page.get_by_role("link", name="Account")).to_have_count(2)
    for name in ("People", "Activity", "Storage", "Upload", "Shared links"):
        expect(page.get_by_role("link", name=name)).to_have_count(0)
    page.goto(f"{team.app.url}/storage")
    expect(page.get_by_text("This page is for admins.")).to_be_visible()
    page.context.clear_cookies()
    admins = come_in(context, team, ADMIN)
    admins.get_by_role("button", name=ADMIN).click()
    for name in ("Account", "People", "Activity", "Storage", "Upload", "Shared links"):
        expect(admins.get_by_role("link", name=name)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_doors_are_usable_by_everybody_on_a_phone_too(page: Page, team: Team, scheme: str) -> None:
    with team.client(ADMIN) as admin:
        link = admin.post(f"/users/{team.ids['vic']}/password-link").json()["url"]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its literals
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 700})
        for address in (f"{team.app.url}/sign-in?out=1", link, f"{team.app.url}/set-up?token=none"):
            page.goto(address)
            for field in page.locator("input:not([type=hidden])").all():
                assert field.evaluate("field => field.labels.length || field.tabIndex < 0"), address
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def test_the_page_of_a_set_up_link_makes_the_first_admin(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_app(tmp_path_factory.mktemp("first") / "data", {"AUTH__MODE": "password"}) as app:
        link = re.search(r"^Set up the first admin: (\S+)$", app.log, re.MULTILINE)
        assert link is not None
        page.goto(link[1])
        page.keyboard.type("Ada Lovelace")
        page.keyboard.press("Tab")
        page.keyboard.type("ada@example.org")
        page.keyboard.press("Tab")
        page.keyboard.type("a long walk by the river")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Ada Lovelace")).to_be_visible()
        assert httpx.get(link[1]).status_code == 410
