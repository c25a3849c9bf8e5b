"""Asking an outsider for files, in two browsers: the owner's, signed in, and one that has the link and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from catalog.identity import COOKIE
from tests.browser.conftest import PATIENCE_MS
from tests.browser.upload_screen import MIB
from tests.shelf_client import unique
from tests.team import ADMIN, Team, running_team

PASSWORD = "between us"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running_team(tmp_path_factory.mktemp("requests") / "data") as started:
        yield started


@pytest.fixture
def owner(team: Team, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": COOKIE, "value": team.sessions[ADMIN], "url": team.app.url}])
    yield context.new_page()
    context.close()


def ask_for_files(owner: Page, team: Team, note: str) -> str:
    """By the dialog; the link."""
    owner.goto(f"{team.app.url}/links")
    owner.get_by_role("button", name="Ask for files").click()
    dialog = owner.get_by_role("dialog")
    dialog.get_by_role("textbox", name="What for").fill(note)
    dialog.get_by_label("Most files").fill("2")
    dialog.get_by_label("Largest file, in MB").fill("20")
    dialog.get_by_role("textbox", name="Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Create link").click()
    expect(owner.get_by_text(f"The link “{note}” is made.")).to_be_visible()
    with team.client(ADMIN) as client:
        (made,) = [one for one in client.get("/requests").json()["items"] if one["note"] == note]
    url: str = made["url"]
    return url


def wait_for(outsider: Page, name: str, state: str) -> None:
    row = outsider.locator("li.row").filter(has=outsider.get_by_text(name, exact=True))
    expect(row).to_have_attribute("data-state", state, timeout=90_000)


def test_an_outsider_sends_what_is_asked_for_and_no_more(team: Team, owner: Page, page: Page, tmp_path: Path) -> None:
    stem = unique("asked")
    link = ask_for_files(owner, team, stem)

    page.goto(link)
    expect(page.get_by_text("This link has a password")).to_be_visible()
    expect(page.get_by_text(stem)).to_have_count(0)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name=f"{ADMIN} asks you for files")).to_be_visible()
    expect(page.get_by_text("Up to 2 files of 20 MB each")).to_be_visible()
    assert page.get_by_role("link", name="Datasets").count() == 0

    broken: list[str] = []

    def break_once(route: Route) -> None:
        if route.request.method == "PUT" and not broken:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route("**/objects/**", break_once)
    big, empty, large = (tmp_path / f"{stem}-{name}" for name in ("big.csv", "empty.csv", "large.csv"))
    big.write_bytes(b"a,b\n" + b"1,2\n" * (17 * MIB // 4))  # two parts
    empty.touch()
    large.write_bytes(bytes(20_000_001))
    files = page.locator("input[data-part=files]")
    files.set_input_files([large])
    wait_for(page, large.name, "failed")
    expect(page.locator("li.row[data-state=failed]")).to_contain_text("takes files of up to 20,000,000 bytes")
    files.set_input_files([big, empty])
    for file in (big, empty):
        wait_for(page, file.name, "done")
    assert broken
    expect(page.get_by_text("2 files were sent, or are on their way.")).to_be_visible()
    expect(page.get_by_role("button", name="Choose files")).to_have_count(0)
    assert page.evaluate("indexedDB.databases().then((all) => all.map(({ name }) => name))") == []

    with team.client(ADMIN) as client:
        found = client.get("/datasets", params={"q": stem}).json()["items"]
        assert {item["file_name"]: item["size"] for item in found} == {big.name: big.stat().st_size, empty.name: 0}
        whole = client.get(next(item["download_url"] for item in found if item["file_name"] == big.name)).content
    assert whole == big.read_bytes()

    owner.reload()
    row = owner.get_by_role("row").filter(has_text=stem)
    expect(row).to_contain_text("2 of 2")
    row.get_by_role("button", name=f"Revoke {stem}").click()
    expect(owner.get_by_text("takes no more files")).to_be_visible()
    page.reload()
    expect(page.get_by_text("This link was taken back.")).to_be_visible()
    expect(page.get_by_text(stem)).to_have_count(0)


def test_a_reload_pauses_and_only_what_is_missing_is_sent_again(team: Team, page: Page, tmp_path: Path) -> None:
    stem = unique("reload")
    with team.client(ADMIN) as client:
        token = client.post("/requests", json={"note": stem, "max_files": 1}).json()["token"]
    file = tmp_path / f"{stem}.csv"
    file.write_bytes(b"a,b\n" + b"1,2\n" * (33 * MIB // 4))  # three parts
    sent: list[str] = []

    def only_one(route: Route) -> None:
        if route.request.method == "PUT" and sent:
            return  # left without an answer
        sent.append(route.request.url)
        route.continue_()

    page.route("**/objects/**", only_one)
    page.goto(f"{team.app.url}/s/{token}")
    page.locator("input[data-part=files]").set_input_files(file)
    row = page.locator("li.row")
    expect(row.locator(".sentence")).to_contain_text("48 %", timeout=60_000)
    # Not before the reload, which ends the parts that wait: Chromium would let them go.
    page.reload()
    page.unroute("**/objects/**")
    wait_for(page, file.name, "interrupted")
    expect(row).to_contain_text("16.8 of 34.6 MB stored")
    puts: list[str] = []
    page.on("request", lambda request: puts.append(request.url) if request.method == "PUT" else None)
    page.locator("input[data-part=files]").set_input_files(file)
    wait_for(page, file.name, "done")
    assert len(puts) == 2
    with team.client(ADMIN) as client:
        (item,) = client.get("/datasets", params={"q": stem}).json()["items"]
        assert client.get(item["download_url"]).content == file.read_bytes()
    page.reload()
    expect(page.get_by_text("This link takes no more.")).to_be_visible()
    expect(row).to_have_count(0)


def test_a_full_link_says_so_to_whoever_comes_next(team: Team, page: Page, tmp_path: Path) -> None:
    stem = unique("full")
    with team.client(ADMIN) as client:
        token = client.post("/requests", json={"note": stem, "max_files": 1}).json()["token"]
    page.goto(f"{team.app.url}/s/{token}")
    files = [tmp_path / f"{stem}-{number}.csv" for number in range(2)]
    for file in files:
        file.write_text("a,b\n1,2\n")
    page.locator("input[data-part=files]").set_input_files(files)
    # Which of the two is first is the browser's affair.
    expect(page.locator("li.row[data-state=done]")).to_have_count(1, timeout=60_000)
    expect(page.locator("li.row[data-state=failed]")).to_contain_text("This link takes 1 file")
    page.reload()
    expect(page.get_by_text("This link takes no more.")).to_be_visible()
    expect(page.locator("li.row")).to_have_count(0)
