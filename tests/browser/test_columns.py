"""The Columns tab in a real browser: counted columns, the card of one, the rows behind a bar, and another version."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import address_of, back, open_dataset, settle, shelve
from tests.shelf_client import store

TOWNS = b"code,town,height\n" + b"".join(
    b"C%04d,%s,%d\n" % (n, (b"Oslo", b"Bergen", b"Oslo")[n % 3], n) for n in range(600)
)

COUNTED_MS = 60_000
"""Statistics are computed one file after another: on a busy machine they wait for those of other tests."""


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address_of(page)).query)


def test_columns_are_counted_over_every_row_and_each_has_a_card(shelf: RunningApp, page: Page) -> None:
    dataset = shelve(shelf, TOWNS)
    open_dataset(page, shelf, dataset, tab="Columns")
    expect(page.get_by_text("Counted over all 600 rows.")).to_be_visible(timeout=COUNTED_MS)
    town = page.get_by_role("row").filter(has=page.get_by_role("radio", name="town"))
    expect(town).to_contain_text("Oslo 400, Bergen 200")
    town.click()
    expect(page.get_by_role("heading", name="town")).to_be_visible()
    expect(page.get_by_text("2 distinct · none empty")).to_be_visible()
    assert address(page)["col"] == ["town"]
    # The arrow keys walk through the columns, and the address goes with them.
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="height")).to_be_visible()
    expect(page.get_by_role("radio", name="height")).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="height")).to_be_visible()


def test_a_value_and_a_bar_lead_to_their_rows_and_back_returns(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, TOWNS)
    open_dataset(page, local_app, dataset, tab="Columns", col="town")
    page.get_by_role("link", name="Bergen").click(timeout=COUNTED_MS)
    expect(page.get_by_text(re.compile(r"Rows 1–100 of 200\b"))).to_be_visible()
    assert json.loads(address(page)["where"][0]) == [{"column": "town", "op": "is", "value": "Bergen"}]
    back(page)
    expect(page.get_by_role("heading", name="town")).to_be_visible()
    page.get_by_role("radio", name="height").check()
    bar = page.get_by_role("link", name=re.compile(r"^0 to \d+: \d+ rows")).first
    count = re.search(r": (\d+) rows", bar.get_attribute("aria-label") or "")
    assert count is not None
    bar.click()
    expect(page.get_by_text(re.compile(rf"of {count[1]}\b")).first).to_be_visible()


def test_a_columns_card_opens_its_chart_and_its_query(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, TOWNS)
    open_dataset(page, local_app, dataset, tab="Columns", col="town")
    page.get_by_role("button", name="Chart").click(timeout=COUNTED_MS)
    expect(page.get_by_role("tab", name="Chart")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("combobox", name="Group by")).to_have_value("town")
    back(page)
    page.get_by_role("button", name="Query").click()
    expect(page.get_by_text(re.compile("^2 rows in"))).to_be_visible()


def test_of_many_columns_a_page_is_drawn_and_the_search_finds_the_rest(local_app: RunningApp, page: Page) -> None:
    names = [f"measure_{n}" for n in range(120)]
    wide = ",".join(names) + "\n" + "".join(",".join(str(n + r) for n in range(120)) + "\n" for r in range(3))
    dataset = shelve(local_app, wide.encode())
    open_dataset(page, local_app, dataset, tab="Columns", col="measure_110")
    expect(page.get_by_text("101–120 of 120 columns")).to_be_visible(timeout=COUNTED_MS)
    expect(page.get_by_role("heading", name="measure_110")).to_be_visible()
    assert page.get_by_role("radio").count() == 20
    page.get_by_placeholder("Find one of 120 columns").fill("measure 99")
    expect(page.get_by_role("radio")).to_have_count(1)
    expect(page.get_by_role("radio", name="measure_99")).to_be_visible()


def test_what_changed_since_another_version_is_said_in_a_line(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, TOWNS)
    more = b"code,town,height,cost\n" + b"".join(b"C%04d,Oslo,%d,%d\n" % (n, n + 900, n) for n in range(500))
    store(local_app, more, "towns.csv", dataset_id=dataset["id"])
    open_dataset(page, local_app, dataset, tab="Columns")
    card = page.get_by_test_id("stExpander")
    expect(card).to_contain_text("Compared with v1: +1 column, rows 600 → 500, 2 columns moved", timeout=COUNTED_MS)
    card.get_by_text("Compared with v1").click()
    expect(card.get_by_text("Added cost Integer")).to_be_visible()
    expect(card.get_by_text("height: the mean is")).to_be_visible()


def test_a_file_without_a_table_says_why_there_are_no_columns(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, bytes(range(256)) * 8, "noise.bin")
    for tab in ("Columns", "Chart", "Query"):
        open_dataset(page, local_app, dataset, tab=tab)
        expect(page.locator(".st-key-nothing")).to_contain_text("no table format", timeout=COUNTED_MS)
        expect(page.locator(".st-key-nothing").get_by_role("button")).to_have_count(0)


def test_on_a_phone_a_column_takes_two_lines_and_nothing_scrolls_sideways(
    local_app: RunningApp, chromium: Browser
) -> None:
    dataset = shelve(local_app, TOWNS)
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for tab in ("Columns", "Chart", "Query"):
        open_dataset(page, local_app, dataset, tab=tab)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 392, tab
    open_dataset(page, local_app, dataset, tab="Columns")
    expect(page.get_by_text("Text · Oslo 400, Bergen 200")).to_be_visible(timeout=COUNTED_MS)
    context.close()
