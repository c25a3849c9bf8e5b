"""The Query tab in a real browser: asking, stopping, what is wrong, and what becomes of an answer."""

from __future__ import annotations

import io
import re
from urllib.parse import parse_qs, urlsplit

import pandas as pd
from playwright.sync_api import BrowserContext, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import dialog, open_dataset, settle, shelve, until
from tests.shelf_client import unique

TOWNS = b"town,height\n" + b"".join(
    b"%s,%d\n" % ((b"Oslo", b"Bergen", b"Oslo", b"Oslo", b"Hamar")[n % 5], n) for n in range(600)
)
COUNT = "SELECT town, count(*) AS n FROM data GROUP BY town ORDER BY n DESC"


def ask(page: Page, sql: str) -> None:
    """Type it and press the keys that run it."""
    editor = page.get_by_role("textbox", name="SQL")
    editor.fill(sql)
    editor.press("Control+Enter")


def test_a_query_is_asked_by_keyboard_and_its_link_shows_the_same_answer(
    shelf: RunningApp, page: Page, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    dataset = shelve(shelf, TOWNS)
    open_dataset(page, shelf, dataset, tab="Query")
    expect(page.get_by_text(re.compile("is v1: town, height"))).to_be_visible()
    ask(page, COUNT)
    expect(page.get_by_text(re.compile(r"^3 rows in .* read-only, stops after \d+ s"))).to_be_visible()
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.get_by_label("Copied")).to_be_attached()
    assert page.evaluate("navigator.clipboard.readText()") == "town,n\nOslo,360\nBergen,120\nHamar,120\n"
    page.get_by_role("button", name="Copy link to this query").click()
    until(page, "navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    link = str(page.evaluate("navigator.clipboard.readText()"))
    assert parse_qs(urlsplit(link).query)["sql"] == [COUNT]
    page.goto(link)
    expect(page.get_by_text(re.compile("^3 rows in"))).to_be_visible()
    expect(page.get_by_role("textbox", name="SQL")).to_have_value(COUNT)


def test_an_example_runs_at_a_click(local_app: RunningApp, page: Page) -> None:
    open_dataset(page, local_app, shelve(local_app, TOWNS), tab="Query")
    page.get_by_role("radio").or_(page.get_by_test_id("stBaseButton-pills")).filter(has_text="The first rows").click()
    expect(page.get_by_text(re.compile("^100 rows in"))).to_be_visible()
    expect(page.get_by_role("textbox", name="SQL")).to_have_value(re.compile("SELECT"))


def test_what_is_wrong_is_shown_at_its_place(local_app: RunningApp, page: Page) -> None:
    open_dataset(page, local_app, shelve(local_app, TOWNS), tab="Query")
    ask(page, "SELECT town,\n  hight FROM data")
    expect(page.get_by_text("The query does not run")).to_be_visible()
    expect(page.get_by_text("Line 2, character 3")).to_be_visible()
    assert page.get_by_test_id("stCode").inner_text().splitlines()[:2] == ["  hight FROM data", "  ^^^^^"]
    ask(page, "SELECT * FROM read_csv('/etc/passwd')")
    expect(page.get_by_text("Not allowed in a query")).to_be_visible()
    expect(page.get_by_text("root:")).to_have_count(0)


def test_a_long_query_is_stopped_and_the_next_one_runs(local_app: RunningApp, page: Page) -> None:
    open_dataset(page, local_app, shelve(local_app, TOWNS), tab="Query")
    ask(page, "SELECT count(*) FROM data a, data b, data c, data d, data e")
    expect(page.get_by_text(re.compile(r"Running… \d+ s"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped. Nothing was changed")).to_be_visible()
    ask(page, "SELECT 7 AS seven")
    expect(page.get_by_text(re.compile("^1 row in"))).to_be_visible()


def test_a_result_is_downloaded_whole_and_drawn(local_app: RunningApp, page: Page) -> None:
    open_dataset(page, local_app, shelve(local_app, TOWNS), tab="Query")
    ask(page, "SELECT a.height * 600 + b.height AS n FROM data a, data b WHERE b.height < 3 ORDER BY n")
    expect(page.get_by_text(re.compile("^The first 1,000 rows in"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_test_id("stMenuButton").filter(has_text="Download").get_by_role("button").click()
        page.get_by_role("menuitem", name="CSV").click()
    frame = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    assert (len(frame), frame["n"].iloc[-1]) == (1800, 599 * 600 + 2)
    expect(page.get_by_text("as CSV is ready")).to_be_visible()
    ask(page, COUNT)
    page.locator(".st-key-result-view").get_by_text("Chart").click()
    expect(page.get_by_text("All 3 rows of the result")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg.marks")).to_be_visible()


def test_a_result_is_kept_as_a_dataset_of_its_own(local_app: RunningApp, page: Page) -> None:
    taken = shelve(local_app, TOWNS)
    open_dataset(page, local_app, shelve(local_app, TOWNS), tab="Query")
    ask(page, COUNT)
    for name, sign in ((taken["name"], "was not saved"), (unique("towns"), "Saved as")):
        page.get_by_role("button", name="Save as dataset").click()
        dialog(page).get_by_role("textbox", name="Name").fill(name)
        dialog(page).get_by_role("button", name="Save").click()
        expect(page.get_by_text(sign)).to_be_visible()
        settle(page)
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(page.get_by_text("3 rows × 2 columns")).to_be_visible()
