"""Sharing in a real browser: a link made, opened without an account and taken back; who of the team sees a dataset."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from catalog.identity import COOKIE
from tests.browser.conftest import PATIENCE_MS
from tests.browser.looking import Trouble, choose_more, dialog, settle
from tests.shelf_client import unique
from tests.team import ADMIN, Team, running_team

ROWS = b"iata,city,salary\n" + b"".join(b"A%03d,Town %d,9%03d\n" % (n, n % 3, n) for n in range(250))
PASSWORD = "tulip and rose"  # of a link in this test
OWN = frozenset({"localhost", "127.0.0.1"})


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("sharing") / "data") as running:
        yield running


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Page]:
    """Another browser, in which nobody signed in."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def signed_in(team: Team, context: BrowserContext, page: Page) -> Callable[[str], Page]:
    """The page of somebody who is signed in."""

    def sign_in(name: str) -> Page:
        context.add_cookies([{"name": COOKIE, "value": team.sessions[name], "url": team.app.url}])
        return page

    return sign_in


def shelve(team: Team, data: bytes = ROWS, ending: str = ".csv", **change: object) -> dict[str, str]:
    """A dataset of the admin's: its `id`, `name` and `file_id`."""
    with team.client(ADMIN) as client:
        begun = client.post("/uploads", json={"filename": unique() + ending, "size": len(data)}).json()
        etag = client.put(begun["parts"][0]["url"], content=data).headers["etag"]
        done = client.post(f"/uploads/{begun['upload_id']}/complete", json={"parts": [{"number": 1, "etag": etag}]})
        if change:
            done = client.patch(f"/datasets/{begun['dataset_id']}", json=change)
    assert done.status_code == 200, done.text
    dataset: dict[str, str] = done.json()
    return dataset


def share(team: Team, dataset: dict[str, str], **terms: object) -> str:
    """The address of a link made over the API."""
    with team.client(ADMIN) as client:
        made = client.post(f"/files/{dataset['file_id']}/shares", json=terms)
    assert made.status_code == 201, made.text
    return str(made.json()["url"])


def open_share(page: Page, team: Team, dataset: dict[str, str]) -> None:
    page.goto(f"{team.app.url}/dataset?id={dataset['id']}")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("heading", name="New link")).to_be_visible()


def link_called(page: Page, name: str) -> str:
    """The address that the row's copy button copies."""
    title = page.get_by_role("button", name=f"Copy the link {name}").get_attribute("title")
    assert title is not None
    return title.removeprefix("Copy ")


def download(page: Page) -> bytes:
    with page.expect_download() as begun:
        page.get_by_role("link", name=re.compile("^Download")).click()
    return begun.value.path().read_bytes()


def test_a_link_with_password_and_cap_is_made_used_and_used_up(
    team: Team, signed_in: Callable[[str], Page], visitor: Page
) -> None:
    page, dataset = signed_in(ADMIN), shelve(team, description="Towns <b>and</b> *fees*")
    trouble = Trouble(visitor, OWN)
    open_share(page, team, dataset)
    page.get_by_label("For", exact=True).fill("Partner audit")
    page.get_by_label("Downloads allowed").fill("1")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create link").click()
    expect(page.get_by_text("0 of 1 download")).to_be_visible()
    expect(page.get_by_text("it is shown nowhere again")).to_be_visible()
    expect(page.get_by_text("This address works on this computer only.")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    # The next thing to press is the new link's copy button.
    expect(page.get_by_role("button", name="Copy the link Partner audit")).to_be_focused()

    visitor.goto(link_called(page, "Partner audit"))
    expect(visitor.get_by_text("ada shared a dataset with you")).to_be_visible()
    assert dataset["name"] not in visitor.locator("body").inner_text()
    visitor.get_by_label("Password", exact=True).fill("tulip")
    visitor.get_by_role("button", name="Open").click()
    expect(visitor.get_by_text("That is not the password. Try again.")).to_be_visible()
    visitor.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_role("heading", name=dataset["name"])).to_be_visible()
    expect(visitor.get_by_text("Towns <b>and</b> *fees*")).to_be_visible()
    expect(visitor.get_by_text("250 rows × 3 columns · CSV · version 1")).to_be_visible()
    expect(visitor.get_by_text("First 20 of 250 rows")).to_be_visible()
    expect(visitor.get_by_text(re.compile(r"^Works until .* UTC · 1 download left$"))).to_be_visible()
    expect(visitor.get_by_label("Columns", exact=True).get_by_text("salary")).to_be_visible()
    expect(visitor.get_by_test_id("stSidebar")).to_have_count(0)
    assert PASSWORD not in visitor.url
    assert download(visitor) == ROWS
    assert trouble.found == []

    # Looking counted nothing, the download did; the next one is refused, and the page says so.
    visitor.get_by_role("link", name=re.compile("^Download")).click()
    expect(visitor.get_by_role("heading", name="This link does not work any more")).to_be_visible()
    page.reload()
    expect(page.get_by_text("1 of 1 download")).to_be_visible()
    expect(page.get_by_text("Used up", exact=True)).to_be_visible()
    page.get_by_role("button", name="Renew Partner audit").click()
    expect(page.get_by_text("“Partner audit” works again.")).to_be_visible()
    expect(page.get_by_text("0 of 1 download")).to_be_visible()


def test_a_part_is_shared_once_its_condition_is_right_and_nothing_else_is_seen(
    team: Team, signed_in: Callable[[str], Page], visitor: Page
) -> None:
    page, dataset = signed_in(ADMIN), shelve(team)
    open_share(page, team, dataset)
    expect(page.get_by_text("× 3 columns")).to_be_visible()  # nobody chooses columns before they are known
    page.get_by_label("For", exact=True).fill("Town 1")
    page.get_by_text("Share only a part").click()
    page.get_by_role("combobox", name="Columns").click()
    for name in ("iata", "city"):
        page.get_by_role("option", name=name, exact=True).click()
    page.keyboard.press("Escape")
    where = page.get_by_role("textbox", name="Only rows where")
    where.fill("town = 'Town 1'")
    where.press("Enter")
    expect(page.get_by_test_id("stExpander").get_by_text(re.compile('"town" not found'))).to_be_visible(timeout=60_000)
    where.fill("city = 'Town 1'")
    where.press("Enter")
    expect(page.get_by_text("only iata, city, where city = 'Town 1' (83 rows)")).to_be_visible(timeout=60_000)

    visitor.goto(link_called(page, "Town 1"))
    expect(visitor.get_by_text("83 rows × 2 columns · CSV · part of version 1")).to_be_visible()
    lines = download(visitor).decode().splitlines()
    assert lines[0].replace('"', "") == "iata,city"
    assert len(lines) == 84
    expect(visitor.get_by_label("Columns", exact=True).get_by_text("city", exact=True)).to_be_visible()
    assert "salary" not in visitor.locator("body").inner_text()


def test_shared_links_lists_finds_and_revokes(team: Team, signed_in: Callable[[str], Page], visitor: Page) -> None:
    page, dataset, name = signed_in(ADMIN), shelve(team), unique("Press <i>kit</i> ")
    url = share(team, dataset, note=name, expires_in_sec=7200)
    visitor.goto(url)
    expect(visitor.get_by_role("link", name=re.compile("^Download"))).to_be_visible()
    page.goto(team.app.url)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Shared links").click()
    page.get_by_label("Search links").fill("nothing is called so")
    expect(page.get_by_text("No active link matches “nothing is called so”")).to_be_visible()
    page.get_by_label("Search links").fill(name)
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text(dataset["name"])
    expect(row).to_contain_text("in 1 h")
    expect(row).to_contain_text("not yet")
    page.get_by_role("button", name=f"Revoke {name}").press("Enter")
    expect(page.get_by_text(f"“{name}” is refused from now on.")).to_be_visible()
    page.get_by_role("radio", name=re.compile("^Ended 1")).click()
    expect(row.get_by_text("Revoked")).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    assert visitor.request.get(f"{url}/download", max_redirects=0).status == 410
    visitor.reload()
    expect(visitor.get_by_text("This link was taken back.")).to_be_visible()
    expect(visitor.get_by_text(dataset["name"])).to_have_count(0)
    row.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=dataset["name"])).to_be_visible()


def test_the_team_sees_what_it_is_given_and_readers_are_offered_no_more(
    team: Team, signed_in: Callable[[str], Page], visitor: Page
) -> None:
    page, dataset = signed_in(ADMIN), shelve(team)
    address = f"{team.app.url}/dataset?id={dataset['id']}&tab=Share"
    visitor.context.add_cookies([{"name": COOKIE, "value": team.sessions["ben"], "url": team.app.url}])
    visitor.goto(address)
    expect(visitor.get_by_text("This dataset is not on the shelf")).to_be_visible()
    page.goto(address)
    page.get_by_label("Add people or groups").fill("be")
    page.get_by_role("button", name="ben").click()
    expect(page.get_by_label("What ben may do")).to_have_value("reader")
    visitor.reload()
    expect(visitor.get_by_text("ada owns it and says who does.")).to_be_visible()
    settle(visitor)
    for offered in ("Create link", "Share", "Remove ben"):
        expect(visitor.get_by_role("button", name=offered, exact=True)).to_have_count(0)
    page.get_by_label("What ben may do").select_option("editor")
    expect(page.get_by_label("What ben may do")).to_have_value("editor")
    settle(page)
    visitor.reload()
    expect(visitor.get_by_role("button", name="Create link")).to_be_visible()
    page.get_by_role("button", name="Remove ben").click()
    expect(page.get_by_label("What ben may do")).to_have_count(0)
    page.get_by_role("radio", name="Team").click()
    expect(page.get_by_text("Everybody who signs in", exact=True)).to_be_visible()
    visitor.reload()
    expect(visitor.get_by_text("ada owns it and says who does.")).to_be_visible()
    choose_more(page, "Hand over")
    dialog(page).get_by_label("New owner").fill("eve")
    dialog(page).get_by_text("eve", exact=True).click()
    dialog(page).get_by_role("button", name="Hand over", exact=True).click()
    expect(page.get_by_text(f"“{dataset['name']}” belongs to eve now.")).to_be_visible()
    with team.client("eve") as client:
        assert client.get(f"/datasets/{dataset['id']}").json()["access"] == "owner"


def test_a_recipients_page_holds_whatever_is_shared_on_a_desktop_and_a_phone(team: Team, visitor: Page) -> None:
    name = unique("<script>alert(1)</script> **a** [b](https://e.org) " + "long" * 20)
    wide = ",".join(f"column_{n}" for n in range(2000)).encode() + b"\n" + b",".join([b"1"] * 2000) + b"\n"
    described = "![x](https://e.org/x.png) " + "y" * 3000
    trouble = Trouble(visitor, OWN)
    visitor.goto(f"{team.app.url}/shared?token=none")
    expect(visitor.get_by_role("heading", name="There is no such link")).to_be_visible()
    for dataset, sign in (
        (shelve(team, name=name, description=described), "Read all of it"),
        (shelve(team, wide, "wide.csv"), "the first 1,000 of 2,000 columns"),
        (shelve(team, bytes(range(256)), "note.bin"), "No table."),
    ):
        visitor.set_viewport_size({"width": 1280, "height": 900})
        visitor.goto(share(team, dataset))
        expect(visitor.get_by_text(sign)).to_be_visible()
        expect(visitor.get_by_role("heading", name=dataset["name"], exact=True)).to_be_visible()
        expect(visitor.get_by_role("link", name=re.compile("^Download"))).to_be_visible()
        settle(visitor)
        assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth + 2")
        visitor.set_viewport_size({"width": 390, "height": 844})
        assert visitor.evaluate("document.documentElement.scrollWidth <= innerWidth + 2")
    assert trouble.found == []
