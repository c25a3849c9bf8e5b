"""The Datasets screen in a real browser: find, filter, sort, page, open, take along."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.app_server import RunningApp, running_app
from tests.browser.looking import ROWS, back, row_of, settle, shelve
from tests.browser.upload_screen import UploadScreen
from tests.shelf_client import unique


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A shelf of its own with 30 datasets, so that counts and pages are known."""
    with running_app(tmp_path_factory.mktemp("full") / "data") as app:
        for number in range(28):
            shelve(app, b"a,b\n1,2\n" * (number + 1), f"number-{number:02}.csv")
        shelve(app, name="Airports", description="Where planes land", tags=["aviation", "geo"])
        shelve(app, b'[{"turbine_speed": 3}]', "wind.json", tags=["geo"])
        yield app


@pytest.fixture
def listed(full: RunningApp, page: Page) -> Page:
    page.goto(full.url)
    expect(page.get_by_text("30 datasets")).to_be_visible()
    return page


def test_a_row_says_what_it_is(listed: Page) -> None:
    row = row_of(listed, "Airports")
    expect(row).to_contain_text("Where planes land · local")
    expect(row).to_contain_text("250 × 3", timeout=30_000)
    for text in ("CSV", "aviation", "geo", "just now"):
        expect(row).to_contain_text(text if text != "just now" else re.compile("just now|min ago"))


@pytest.mark.parametrize("words", ["airp", "planes LAND", "aviation", "lat iata"])
def test_names_descriptions_tags_and_columns_are_searched_while_typing(listed: Page, words: str) -> None:
    listed.get_by_role("searchbox").press_sequentially(words)
    expect(listed.get_by_text(re.compile("^1 dataset ·"))).to_be_visible()
    expect(row_of(listed, "Airports")).to_be_visible()


def test_the_view_is_in_the_address_and_comes_back_from_it(full: RunningApp, listed: Page) -> None:
    listed.get_by_role("searchbox").fill("number")
    expect(listed.get_by_text("28 datasets")).to_be_visible()
    listed.get_by_test_id("stPaginationNext").click()
    expect(listed.get_by_text("25–28 of 28")).to_be_visible()
    address = listed.url
    assert "q=number" in address
    assert "page=2" in address
    again = listed.context.new_page()
    again.goto(address)
    expect(again.get_by_text("25–28 of 28")).to_be_visible()
    expect(again.get_by_role("searchbox")).to_have_value("number")


def test_another_question_begins_at_its_first_page(listed: Page) -> None:
    listed.get_by_test_id("stPaginationNext").click()
    expect(listed.get_by_text("25–30 of 30")).to_be_visible()
    listed.get_by_role("searchbox").fill("number")
    expect(listed.get_by_text("1–24 of 28")).to_be_visible()


def test_a_page_past_the_end_shows_the_first(full: RunningApp, page: Page) -> None:
    page.goto(f"{full.url}/?page=99")
    expect(page.get_by_text("1–24 of 30")).to_be_visible()


def test_format_and_tag_narrow_the_list(listed: Page) -> None:
    listed.get_by_role("radio", name="JSON", exact=True).or_(
        listed.get_by_role("button", name="JSON", exact=True)
    ).first.click()
    expect(listed.get_by_text(re.compile("^1 dataset ·"))).to_be_visible()
    expect(row_of(listed, "wind")).to_be_visible()
    listed.goto(listed.url.split("?")[0] + "?tag=geo")
    expect(listed.get_by_text("2 datasets")).to_be_visible()
    listed.get_by_role("button", name="Filter · 1").click()
    listed.get_by_role("combobox", name="Tags").click()
    listed.get_by_role("option", name="aviation").click()
    expect(listed.get_by_text(re.compile("^1 dataset ·"))).to_be_visible()


def test_sorting_puts_the_largest_first(full: RunningApp, page: Page) -> None:
    page.goto(f"{full.url}/?sort=Name+A–Z")
    expect(page.get_by_text("30 datasets")).to_be_visible()
    names = page.locator("a.name").all_inner_texts()
    assert names[0] == "Airports"
    assert names[1:] == sorted(names[1:])


def test_one_click_downloads_without_a_tab_or_a_navigation(full: RunningApp, listed: Page) -> None:
    before = listed.url
    with listed.expect_download() as download:
        listed.get_by_role("link", name="Download Airports").click()
    assert download.value.path().read_bytes() == ROWS
    assert listed.url == before
    assert len(listed.context.pages) == 1


def test_the_download_link_itself_is_the_counted_one_and_never_signed(listed: Page) -> None:
    links = listed.get_by_role("link", name=re.compile("^Download ")).evaluate_all("all => all.map(a => a.href)")
    assert len(links) == 24
    assert all(re.search(r"/api/ml/v1/files/[0-9a-f-]{36}/download$", link) for link in links)
    assert "ignature" not in listed.content()


def test_a_click_anywhere_on_the_row_opens_it_and_back_returns_to_the_search(full: RunningApp, page: Page) -> None:
    page.goto(f"{full.url}/?q=planes")
    row_of(page, "Airports").click(position={"x": 400, "y": 40})
    expect(page.get_by_role("heading", name="Airports")).to_be_visible()
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    back(page)
    expect(page.get_by_text(re.compile("^1 dataset ·"))).to_be_visible()
    expect(page.get_by_role("searchbox")).to_have_value("planes")
    row_of(page, "Airports").click()
    page.get_by_test_id("stMain").get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("searchbox")).to_have_value("planes")


def test_a_click_with_control_opens_a_tab(listed: Page) -> None:
    with listed.context.expect_page() as opened:
        listed.get_by_role("link", name="Airports", exact=True).click(modifiers=["ControlOrMeta"])
    expect(opened.value.get_by_role("heading", name="Airports")).to_be_visible()
    expect(row_of(listed, "Airports")).to_be_visible()


def test_the_list_is_usable_by_keyboard(listed: Page) -> None:
    listed.get_by_role("link", name="Airports", exact=True).focus()
    listed.keyboard.press("Tab")
    expect(listed.get_by_role("link", name="Download Airports")).to_be_focused()
    listed.get_by_role("link", name="Airports", exact=True).press("Enter")
    expect(listed.get_by_role("heading", name="Airports")).to_be_visible()


def test_nothing_found_says_what_was_searched_and_clears(listed: Page) -> None:
    listed.get_by_role("searchbox").fill("no <b>such</b> *thing*")
    expect(listed.get_by_text("No dataset matches “no <b>such</b> *thing*”")).to_be_visible()
    listed.get_by_role("button", name="Clear search").click()
    expect(listed.get_by_text("30 datasets")).to_be_visible()
    expect(listed.get_by_role("searchbox")).to_have_value("")


def test_user_text_is_shown_as_text(local_app: RunningApp, page: Page) -> None:
    name = unique("<img src=x onerror=alert(1)> *b* :red[r]")
    shelve(local_app, name=name, description="<script>alert(2)</script>", tags=["<i>t</i>"])
    asked: list[str] = []

    def note(alert: Dialog) -> None:
        asked.append(alert.message)
        alert.dismiss()

    page.on("dialog", note)
    page.goto(local_app.url)
    expect(row_of(page, name)).to_contain_text("<script>alert(2)</script>")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_text("<script>alert(2)</script>")).to_be_visible()
    settle(page)
    assert asked == []


def test_an_empty_shelf_is_one_click_from_sample_datasets(tmp_path: Path, page: Page) -> None:
    with running_app(tmp_path / "data") as app:
        page.goto(app.url)
        expect(page.get_by_role("button", name="Choose files")).to_be_visible()
        page.get_by_role("button", name="Load 5 sample datasets").click()
        expect(page.get_by_text("5 datasets")).to_be_visible()
        # Rows are counted in the background; the list shows them without a reload.
        expect(row_of(page, "Airports")).to_contain_text("3,376 × 7", timeout=60_000)


def test_a_file_that_arrives_meanwhile_appears_by_itself(local_app: RunningApp, page: Page) -> None:
    shelve(local_app)
    page.goto(local_app.url)
    settle(page)
    name = unique("arrives")
    with local_app.client() as client:
        started = client.post("/uploads", json={"filename": f"{name}.csv", "size": len(ROWS)}).json()
        page.goto(local_app.url)
        settle(page)
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
        etag = client.put(started["parts"][0]["url"], content=ROWS).headers["etag"]
        parts = [{"number": 1, "etag": etag}]
        assert client.post(f"/uploads/{started['upload_id']}/complete", json={"parts": parts}).status_code == 200
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_a_download_while_files_are_on_their_way_neither_asks_nor_stops_them(
    local_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    dataset = shelve(local_app)
    file = tmp_path / f"{unique('slow')}.bin"
    file.write_bytes(file.name.encode() * 100_000)
    asked: list[str] = []

    def note(alert: Dialog) -> None:
        asked.append(alert.type)
        alert.accept()

    page.on("dialog", note)
    screen = UploadScreen(local_app, page).open()
    screen.slow(500_000)
    screen.choose(file)
    screen.wait_for(file.name, "sending")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Datasets").click()
    with page.expect_download():
        page.get_by_role("link", name=f"Download {dataset['name']}").click()
    assert asked == []
    with local_app.client() as client:
        for _ in range(300):
            if client.get("/datasets", params={"q": file.stem}).json()["total"]:
                break
            page.wait_for_timeout(100)
        assert client.get("/datasets", params={"q": file.stem}).json()["total"] == 1


def test_a_download_of_a_file_that_is_not_there_lands_on_the_list_with_a_sentence(
    local_app: RunningApp, page: Page
) -> None:
    page.goto(f"{local_app.api}/files/9a6f0c52-6c0e-4b6e-9d0a-6f2f3a8e4c11/download")
    expect(page.get_by_text("The file was not downloaded")).to_be_visible()
    expect(page.get_by_text("It was deleted, or the address is mistyped.")).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("The file was not downloaded")).to_have_count(0)
