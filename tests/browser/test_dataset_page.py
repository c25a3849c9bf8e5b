"""A dataset's page in a real browser: its rows, its versions, changing it, and taking it along."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import ROWS, address_of, back, choose_more, dialog, open_dataset, row_of, settle, shelve
from tests.shelf_client import store, unique


def test_its_rows_are_shown_with_what_they_cover(shelf: RunningApp, page: Page) -> None:
    dataset = shelve(shelf)
    open_dataset(page, shelf, dataset)
    expect(page.get_by_text("Rows 1–100 of 250 · all 3 columns")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("CSV · UTF-8 · comma · header row")).to_be_visible()
    expect(page.get_by_text("250 rows × 3 columns")).to_be_visible()
    page.get_by_test_id("stPaginationPage").filter(has_text="3").click()
    expect(page.get_by_text("Rows 201–250 of 250")).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query)["rows"] == ["3"]
    page.reload()
    expect(page.get_by_text("Rows 201–250 of 250")).to_be_visible()


def test_rows_still_being_counted_are_said_and_then_counted_without_a_reload(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, ROWS * 4000, f"{unique('long')}.csv")
    open_dataset(page, local_app, dataset)
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Rows 1–100 of 1,00\d,\d{3}"))).to_be_visible(timeout=60_000)


def test_download_returns_identical_bytes_under_the_files_name(shelf: RunningApp, page: Page) -> None:
    name = unique("Größe “1” 数据") + ".csv"
    dataset = shelve(shelf, file_name=name)
    open_dataset(page, shelf, dataset)
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download: {name}").click()
    assert download.value.suggested_filename == name
    assert download.value.path().read_bytes() == ROWS
    assert len(page.context.pages) == 1
    with shelf.client() as client:
        assert client.get(f"/datasets/{dataset['id']}").status_code == 200
    page.reload()
    expect(page.get_by_text("1 download", exact=False)).to_be_visible()


def test_copy_link_gives_a_working_link_and_says_how_long(
    shelf: RunningApp, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_dataset(page, shelf, shelve(shelf))
    page.get_by_role("button", name="Copy link").click()
    expect(
        page.get_by_text(re.compile(r"^Link copied · works for 1 hour, until (tomorrow )?\d\d:\d\d$"))
    ).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert httpx.get(link).content == ROWS


def test_without_a_clipboard_the_link_is_shown_to_be_copied(local_app: RunningApp, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    open_dataset(page, local_app, shelve(local_app))
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_role("textbox", name="Link")
    expect(field).to_be_focused()
    assert httpx.get(field.input_value()).content == ROWS


def test_the_checksum_is_copied_whole(local_app: RunningApp, page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    dataset = shelve(local_app)
    open_dataset(page, local_app, dataset)
    page.get_by_role("button", name="Copy the SHA-256 checksum").click(timeout=60_000)
    expect(page.get_by_text("copied", exact=True)).to_be_visible()
    with local_app.client() as client:
        known = client.get(f"/files/{dataset['file_id']}").json()["sha256"]
    assert page.evaluate("navigator.clipboard.readText()") == known


def test_every_version_has_its_own_address_rows_and_bytes(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app)
    store(local_app, b"x\n1\n2\n", f"{dataset['name']}.csv", dataset_id=dataset["id"])
    open_dataset(page, local_app, dataset)
    chooser = page.get_by_role("combobox", name="Version")
    expect(chooser).to_have_value(re.compile(r"^v2 · .* · latest$"))
    expect(page.get_by_text("Rows 1–2")).to_be_visible()
    chooser.click()
    page.get_by_role("option", name=re.compile("^v1 ·")).click()
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query)["v"] == ["1"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download:").click()
    assert download.value.path().read_bytes() == ROWS
    open_dataset(page, local_app, dataset, v="17")
    expect(page.get_by_text("Rows 1–2")).to_be_visible()


def test_rename_and_a_name_that_is_taken(local_app: RunningApp, page: Page) -> None:
    dataset, other = shelve(local_app), shelve(local_app)
    open_dataset(page, local_app, dataset)
    choose_more(page, "Rename")
    field = dialog(page).get_by_label("Name", exact=True).and_(page.locator("input"))
    field.fill(other["name"])
    dialog(page).get_by_role("button", name="Rename").click()
    expect(dialog(page).get_by_text("You already have a dataset named")).to_be_visible()
    fresh = unique("*new* name")
    field.fill(fresh)
    dialog(page).get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name=fresh, exact=True)).to_be_visible()
    with local_app.client() as client:
        assert client.get(f"/datasets/{dataset['id']}").json()["name"] == fresh


def test_description_and_tags(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, tags=["old"])
    open_dataset(page, local_app, dataset)
    choose_more(page, "Edit description")
    dialog(page).locator("textarea").fill("First line\nsecond <b>line</b>")
    dialog(page).get_by_role("button", name="Save").click()
    expect(page.get_by_text("second <b>line</b>")).to_be_visible()
    choose_more(page, "Edit tags")
    box = dialog(page).get_by_role("combobox", name="Tags")
    box.fill("brand new")
    box.press("Enter")
    box.press("Tab")
    dialog(page).get_by_role("button", name="Save").click()
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_text("brand new")).to_be_visible()
    with local_app.client() as client:
        now = client.get(f"/datasets/{dataset['id']}").json()
    assert now["description"] == "First line\nsecond <b>line</b>"
    assert now["tags"] == ["old", "brand new"]


def test_news_of_the_file_does_not_close_a_dialog(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, ROWS * 8000, f"{unique('fresh')}.csv")
    open_dataset(page, local_app, dataset)
    choose_more(page, "Edit description")
    dialog(page).locator("textarea").fill("half a sent")
    with local_app.client() as client:
        for _ in range(200):
            if client.get(f"/files/{dataset['file_id']}").json()["sha256"]:
                break
            page.wait_for_timeout(100)
    page.wait_for_timeout(2500)  # longer than the page waits between two looks
    expect(dialog(page).locator("textarea")).to_have_value("half a sent")
    dialog(page).get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Copy the SHA-256 checksum")).to_be_visible()


def test_delete_asks_once_naming_it_and_goes_back_to_the_list(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app)
    open_dataset(page, local_app, dataset)
    choose_more(page, "Delete")
    expect(dialog(page).get_by_role("heading", name=f"Delete {dataset['name']}?")).to_be_visible()
    dialog(page).get_by_role("button", name="Keep it").click()
    expect(dialog(page)).to_have_count(0)
    choose_more(page, "Delete")
    dialog(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(row_of(page, dataset["name"])).to_have_count(0)
    with local_app.client() as client:
        assert client.get(f"/datasets/{dataset['id']}").status_code == 404
    back(page)
    expect(page.get_by_text(f"“{dataset['name']}” is in the Trash")).to_be_visible()
    page.get_by_role("button", name="Show all datasets").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_a_new_version_is_uploaded_from_its_page(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    dataset = shelve(local_app)
    open_dataset(page, local_app, dataset)
    choose_more(page, "Upload a new version")
    expect(page.get_by_role("heading", name=f"New version of {dataset['name']}")).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query) == {"dataset": [dataset["id"]]}
    file = tmp_path / "again.csv"
    file.write_text(f"only\n{dataset['id']}\n")
    page.set_input_files("input[data-part=files]", file)
    expect(page.get_by_role("combobox", name="Version")).to_have_value(re.compile("^v2 ·"))
    expect(page.get_by_text("Rows 1–1")).to_be_visible()


def test_no_table_says_why_and_the_file_is_still_given(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, b"\x00\x01\x02" * 100, f"{unique()}.bin")
    open_dataset(page, local_app, dataset)
    expect(page.get_by_text("No table", exact=True)).to_be_visible()
    expect(page.get_by_text("The file is stored whole")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download:").click()
    assert download.value.path().stat().st_size == 300


@pytest.mark.parametrize("language", ["pandas", "Polars", "DuckDB", "curl"])
def test_use_it_shows_code_for_this_server_with_its_copy_button_in_sight(
    local_app: RunningApp, page: Page, language: str
) -> None:
    dataset = shelve(local_app)
    open_dataset(page, local_app, dataset, tab="Use+it")
    page.get_by_role("radio", name=language).or_(page.get_by_role("button", name=language, exact=True)).first.click()
    code = page.get_by_test_id("stCode")
    expect(code).to_contain_text(f"{local_app.url}/api/ml/v1/files/{dataset['file_id']}/download")
    page.mouse.move(0, 0)
    expect(code.get_by_role("button", name="Copy to clipboard")).to_be_visible()
    settle(page)


def test_a_failed_download_lands_on_the_page_with_a_second_way(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app)
    with local_app.client() as client:
        url = client.get(f"/files/{dataset['file_id']}/download-url").json()["url"]
    key = urlsplit(url).path.split("/objects/", 1)[1]
    (local_app.data_dir / "objects" / key).unlink()
    page.goto(local_app.url + f"/?q={dataset['name']}")
    page.get_by_role("link", name=f"Download {dataset['name']}").click()
    expect(page.get_by_role("heading", name=dataset["name"])).to_be_visible()
    expect(page.get_by_text("was not downloaded")).to_be_visible()
    expect(page.get_by_text("The store no longer has this file.")).to_be_visible()
    expect(page.get_by_role("button", name="Copy a direct link")).to_be_visible()
    # The second failure looks like the first: its hidden frame is gone once it is known.
    with page.expect_event("framedetached"):
        page.get_by_role("link", name="Try again:").click()
    settle(page)
    expect(page.get_by_text("The store no longer has this file.")).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("was not downloaded")).to_have_count(0)
    assert "error" not in address_of(page)


def test_the_download_address_opened_by_hand_lands_on_the_page_too(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app)
    with local_app.client() as client:
        url = client.get(f"/files/{dataset['file_id']}/download-url").json()["url"]
    (local_app.data_dir / "objects" / urlsplit(url).path.split("/objects/", 1)[1]).unlink()
    page.goto(f"{local_app.api}/files/{dataset['file_id']}/download")
    expect(page.get_by_text("was not downloaded")).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query)["id"] == [dataset["id"]]
