"""The Chart tab in a real browser: a first chart, picking another, the address, and the pictures to take along."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from playwright.sync_api import Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import address_of, open_dataset, shelve
from tests.shelf_client import unique

TOWNS = b"town,height\n" + b"".join(b"%s,%d\n" % ((b"Oslo", b"Bergen", b"Oslo")[n % 3], n) for n in range(600))
PNG = b"\x89PNG\r\n\x1a\n"


def test_the_chart_picked_is_in_the_address_and_drawn_again_from_it(shelf: RunningApp, page: Page) -> None:
    dataset = shelve(shelf, TOWNS)
    open_dataset(page, shelf, dataset, tab="Chart")
    drawn = page.get_by_test_id("stVegaLiteChart").locator("svg.marks")
    expect(drawn).to_be_visible()
    expect(page.get_by_text("over all 600 rows").or_(page.get_by_text("Over all 600 rows"))).to_be_visible()
    page.get_by_role("radio", name="Box").or_(page.get_by_role("button", name="Box", exact=True)).first.click()
    expect(page.get_by_role("combobox", name="Spread of")).to_have_value("height")
    expect(drawn).to_be_visible()
    asked = parse_qs(urlsplit(address_of(page)).query)
    assert asked["kind"] == ["box"]
    page.goto(f"{shelf.url}/dataset?id={dataset['id']}&tab=Chart&kind=bar&x=town&y=height&measure=mean")
    expect(page.get_by_role("combobox", name="Group by")).to_have_value("town")
    expect(page.get_by_role("combobox", name="Of", exact=True)).to_have_value("height")
    expect(drawn).to_contain_text("Mean of height")


def test_the_picture_is_saved_under_the_datasets_name_and_says_what_it_covers(
    local_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    name = unique("Größe & co")
    dataset = shelve(local_app, TOWNS, name=name)
    open_dataset(page, local_app, dataset, tab="Chart", kind="bar", x="town")
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg.marks")).to_be_visible()
    with page.expect_download() as svg:
        page.get_by_role("button", name="Download the chart as SVG").click()
    assert svg.value.suggested_filename == f"{name} Number of rows by town.svg"
    text = svg.value.path().read_text(encoding="utf-8")
    words = " ".join(
        "".join(node.itertext()) for node in ElementTree.fromstring(text).iter() if node.tag.endswith("text")
    )
    assert f"{name} v1 · Number of rows by town" in words
    assert "all 600 rows" in words
    assert "http" not in text.replace("http://www.w3.org/", "")
    with page.expect_download() as png:
        page.get_by_role("button", name="Download the chart as PNG").click()
    assert png.value.suggested_filename.endswith(".png")
    data = png.value.path().read_bytes()
    assert data.startswith(PNG)
    assert int.from_bytes(data[16:20], "big") > 800


def test_columns_of_lists_make_no_chart_and_the_tab_says_so(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app, b'[{"a": [1, 2]}, {"a": [3]}]', f"{unique()}.json")
    open_dataset(page, local_app, dataset, tab="Chart")
    expect(page.get_by_text("Nothing to draw")).to_be_visible()
