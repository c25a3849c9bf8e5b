"""What people write, in a real Chromium: text on every screen, and never a script. The Content-Security-Policy is
switched off here, which would stop most of it a second time (test_content_policy.py)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server import RunningApp
from tests.browser.conftest import PATIENCE_MS
from tests.browser.looking import open_dataset, settle, shelve
from tests.browser.test_query import ask
from tests.browser.upload_screen import UploadScreen
from tests.shelf_client import unique

MARKUP = "<img src=x onerror=\"window.pwned='img'\"><svg onload=\"window.pwned='svg'\"></svg>"
LINK = "[press](javascript:window.pwned=1)"
MATH = r"$\href{javascript:window.pwned=1}{press}$"
ATTRIBUTE = "\"' autofocus onfocus=window.pwned=1 x='"
HOSTILE = f"{MARKUP} {LINK} {ATTRIBUTE}"

LOOK = """() => {
  const inside = (one) => (one.shadowRoot ? all(one.shadowRoot) : []);
  const all = (root) => [...root.querySelectorAll("*")].flatMap((one) => [one, ...inside(one)]);
  const made = all(document);
  return {
    ran: window.pwned ?? null,
    pictures: made.filter((one) => one.matches("img[src=x], svg[onload]")).length,
    handlers: made.filter((one) => [...one.attributes].some((each) => each.name.startsWith("on"))).length,
    links: made.filter((one) => /^\\s*javascript:/i.test(one.getAttribute("href") ?? "")).length,
  };
}"""
"""What would be there if some of it had been taken for markup, inside of components, too."""
NOTHING = {"ran": None, "pictures": 0, "handlers": 0, "links": 0}


@pytest.fixture
def bare(chromium: Browser) -> Iterator[Page]:
    """A page without the policy; a box that a script opens fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1400}, bypass_csp=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    boxes: list[str] = []
    page.on("dialog", lambda dialog: (boxes.append(dialog.message), dialog.dismiss()))
    yield page
    context.close()
    assert boxes == []


def test_what_people_write_is_text_on_every_screen(local_app: RunningApp, bare: Page, tmp_path: Path) -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow([MARKUP, f"b {LINK}", f"c {ATTRIBUTE}", "height"])
    writer.writerows([MARKUP, LINK, MATH, number] for number in range(60))
    name = f"{unique()} {HOSTILE}"[:200]
    dataset = shelve(
        local_app,
        table.getvalue().encode(),
        f"{unique()} {MARKUP} .csv",
        name=name,
        description=f"{HOSTILE}\n\n{MATH}\n\n<script>window.pwned=1</script>",
        tags=["<b onclick=window.pwned=1>", "javascript:window.pwned=1"],
    )
    with local_app.client() as client:
        shared = client.post(f"/files/{dataset['file_id']}/shares", json={"note": HOSTILE[:100]})
        assert shared.status_code == 201, shared.text
        wanted = client.post("/requests", json={"note": HOSTILE[:100]})
        assert wanted.status_code == 201, wanted.text
        gone = shelve(local_app, name=f"{unique()} gone {HOSTILE}"[:200])
        assert client.delete(f"/datasets/{gone['id']}").status_code == 204

    for tab in ("Preview", "Columns", "Chart", "Query", "Share", "Use it"):
        open_dataset(bare, local_app, dataset, tab=tab)
        settle(bare)
        if tab == "Chart":
            expect(bare.get_by_test_id("stVegaLiteChart").locator("svg.marks")).to_be_visible()
        if tab == "Query":
            ask(bare, f"SELECT '{MARKUP.replace(chr(39), chr(39) * 2)}' AS x, * FROM data")
            expect(bare.get_by_text("60 rows in").first).to_be_visible()
            ask(bare, f'SELECT "{MARKUP.replace(chr(34), "")}" FROM data')
            expect(bare.get_by_text("The query does not run")).to_be_visible()
        assert bare.evaluate(LOOK) == NOTHING, tab
    tokens = [answer.json()["url"].rsplit("/", 1)[1] for answer in (shared, wanted)]
    addresses = ["/", f"/?q={unique()}<img src=x onerror=window.pwned=1>", "/trash", "/links", "/storage", "/activity"]
    for address in [*addresses, *(f"/shared?token={token}" for token in tokens), f"/shared?token={HOSTILE}"]:
        bare.goto(local_app.url + address)
        settle(bare)
        assert bare.evaluate(LOOK) == NOTHING, address

    screen = UploadScreen(local_app, bare).open()
    file = tmp_path / f"{unique()} <img src=x onerror=window.pwned=1>.csv"
    writer.writerow([unique(), LINK, MATH, 1])  # what is on the shelf already is not sent by itself
    file.write_bytes(table.getvalue().encode())
    screen.choose(file)
    screen.wait_until_open()
    settle(bare)
    assert bare.evaluate(LOOK) == NOTHING


def test_a_stored_page_or_drawing_is_saved_and_not_shown(local_app: RunningApp, bare: Page) -> None:
    page = b"<!doctype html><title>ours</title><script>window.pwned = 1; parent.pwned = 1</script>"
    for file_name in ("page.html", "drawing.svg", "page.csv"):
        dataset = shelve(local_app, page, f"{unique()}-{file_name}")
        bare.goto(f"{local_app.url}/api/health/live")
        with bare.expect_download() as download:
            bare.evaluate("(url) => { location.href = url }", f"{local_app.api}/files/{dataset['file_id']}/download")
        assert download.value.path().read_bytes() == page
        assert bare.evaluate("window.pwned ?? null") is None
