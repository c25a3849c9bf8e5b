"""The Preview tab in a real browser: reading a file otherwise, choosing columns and rows, opening a cell whole."""

from __future__ import annotations

import io
import json
import re
import zipfile
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import address_of, dialog, open_dataset, row_of, settle, shelve, until
from tests.shelf_client import unique

SEMICOLONS = b"iata;city;lat\n" + b"".join(b"A%03d;Town %d;%d.25\n" % (n, n % 7, n) for n in range(1234))


def test_another_delimiter_is_kept_for_the_dataset_until_it_is_taken_back(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, SEMICOLONS)
    open_dataset(page, local_app, dataset)
    expect(page.get_by_text("CSV · UTF-8 · semicolon · header row")).to_be_visible()
    page.get_by_role("button", name="Change").click()
    page.get_by_role("combobox", name="Delimiter").click()
    page.get_by_role("option", name="Comma", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("CSV · UTF-8 · comma · header row · as set here")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("Rows 1–100 of 1,234 · 1 column"))).to_be_visible()
    page.get_by_role("button", name="Change").click()
    page.get_by_role("button", name="As detected", exact=True).click()
    expect(page.get_by_text(re.compile("of 1,234 · all 3 columns"))).to_be_visible()
    expect(page.get_by_text("as set here")).to_have_count(0)


def test_what_no_file_can_be_read_with_is_said_in_the_form(local_app: RunningApp, page: Page) -> None:
    open_dataset(page, local_app, shelve(local_app, SEMICOLONS[:130]), change="1")
    field = page.get_by_role("combobox", name="Delimiter")
    field.fill("=>")
    field.press("Enter")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("The delimiter is one character")).to_be_visible()
    field.click()
    page.get_by_role("option", name="Semicolon (detected)").click()
    page.get_by_role("spinbutton", name="Rows before the table").fill("900")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text(re.compile("so 900 cannot be skipped before the table"))).to_be_visible()
    expect(page.get_by_role("button", name="Apply")).to_be_visible()
    expect(page.get_by_text("CSV · UTF-8 · semicolon · header row")).to_be_visible()


def test_chosen_columns_are_in_the_address(local_app: RunningApp, page: Page) -> None:
    names = [f"measure_{n}" for n in range(300)]
    wide = ",".join(names) + "\n" + ",".join(map(str, range(300))) + "\n"
    open_dataset(page, local_app, shelve(local_app, wide.encode()))
    expect(page.get_by_text("all 300 columns")).to_be_visible()
    page.get_by_role("button", name="Columns", exact=True).click()
    field = page.get_by_role("combobox", name="Columns to show")
    for name in ("measure_250", "measure_7"):
        field.fill(name)
        page.get_by_role("option", name=name, exact=True).click()
    expect(page.get_by_text("2 of 300 columns")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 of 300 columns")).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query)["cols"] == ["measure_250", "measure_7"]


def test_a_row_far_down_is_one_step_away(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, SEMICOLONS)
    open_dataset(page, local_app, dataset)
    page.get_by_role("textbox", name="Go to row").fill("1,150")
    page.get_by_role("textbox", name="Go to row").press("Enter")
    expect(page.get_by_text("Rows 1,150–1,234 of 1,234")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Rows 1,150–1,234 of 1,234")).to_be_visible()
    page.get_by_test_id("stPaginationPage").filter(has_text="11").click()
    expect(page.get_by_text("Rows 1,001–1,100 of 1,234")).to_be_visible()
    assert "row" not in parse_qs(urlsplit(address_of(page)).query)


def test_a_long_cell_opens_whole_and_is_copied(local_app: RunningApp, page: Page, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = "word " * 30_000 + "end"
    rows = [{"note": text, "place": {"at": [1, 2], "by": None}}, {"note": "short", "place": None}]
    open_dataset(page, local_app, shelve(local_app, "\n".join(map(json.dumps, rows)).encode(), f"{unique()}.jsonl"))
    expect(page.get_by_text("Rows 1–2 of 2")).to_be_visible()
    press_cell(page, row=0, x=120)
    expect(dialog(page).get_by_role("heading", name="note · row 1")).to_be_visible()
    expect(dialog(page).get_by_text("150,003 characters")).to_be_visible()
    dialog(page).get_by_role("button", name="Copy to clipboard").click()
    until(page, "navigator.clipboard.readText().then((text) => text.length === 150003)")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.reload()
    press_cell(page, row=0, x=-40)
    expect(dialog(page).get_by_role("heading", name="place · row 1")).to_be_visible()
    expect(dialog(page).get_by_test_id("stCode")).to_contain_text('"at": [')


def press_cell(page: Page, *, row: int, x: int) -> None:
    """Press a cell of the grid, which is a canvas: by its place in pixels, from the right where `x` is negative."""
    settle(page)
    box = page.get_by_test_id("stDataFrame").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x % box["width"], box["y"] + 32 * (row + 1) + 16)


def test_another_file_of_a_zip_is_one_choice_away(local_app: RunningApp, page: Page) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("orders.csv", "id,total\n1,9.5\n2,3.25\n")
        archive.writestr("customers.csv", "customer;name\n7;Ann\n")
    open_dataset(page, local_app, shelve(local_app, packed.getvalue(), f"{unique()}.zip"))
    expect(page.get_by_text("Rows 1–2 of 2")).to_be_visible()
    page.get_by_role("combobox", name="File").click()
    page.get_by_role("option", name="customers.csv").click()
    expect(page.get_by_text("Rows 1–1 of 1")).to_be_visible()
    expect(page.get_by_text(re.compile("semicolon · header row"))).to_be_visible()


def test_only_rows_that_meet_a_condition_until_it_is_taken_away(local_app: RunningApp, page: Page) -> None:
    condition = json.dumps([{"column": "city", "op": "is", "value": "Town 3"}])
    open_dataset(page, local_app, shelve(local_app, SEMICOLONS), where=condition)
    expect(page.get_by_text("Rows 1–100 of 176 where city is Town 3")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="city is Town 3").click()
    expect(page.get_by_text("Rows 1–100 of 1,234")).to_be_visible()
    assert "where" not in parse_qs(urlsplit(address_of(page)).query)


def test_a_column_leads_to_its_datasets_and_these_to_one_another(local_app: RunningApp, page: Page) -> None:
    key = f"k{unique()}".replace("-", "_")
    first = shelve(local_app, f"{key}_id,{key}_total\n1,2\n".encode())
    second = shelve(local_app, f"{key}_id,{key}_name\n1,Ann\n".encode())
    page.goto(f"{local_app.url}/?q={key}_id")
    for dataset in (first, second):
        expect(row_of(page, dataset["name"])).to_contain_text(f"column {key}_id")
    open_dataset(page, local_app, first)
    expect(page.get_by_text(f"Shares 1 of 2 columns: {key}_id")).to_be_visible()
    link = page.get_by_role("region", name="Similar datasets").get_by_role("link", name=second["name"])
    assert link.get_attribute("href") == f"/dataset?id={second['id']}"
    link.click()
    expect(page.get_by_role("heading", name=second["name"], exact=True)).to_be_visible()
    assert parse_qs(urlsplit(address_of(page)).query)["id"] == [second["id"]]
