"""The Storage screen and the banner, with a store that is well, that is away at start, and that comes back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.app_server import RunningApp, running_app, s3_env
from tests.browser.looking import open_dataset, settle, shelve
from tests.seaweed import SeaweedServer

WELL = re.compile("All is well|^1 warns of")
"""A store that lets every origin in by its own switch, as the tests' does, hides Content-Range: that alone warns."""
LONG_MS = 60_000
"""Browser and server both try the store before the verdict stands."""


def test_it_says_where_things_are_and_how_much(shelf: RunningApp, page: Page) -> None:
    shelve(shelf)
    page.goto(f"{shelf.url}/storage")
    expect(page.get_by_text(WELL)).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text(re.compile(r"checked at \d\d:\d\d"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"in [\d,]+ objects? · [\d,]+ datasets?, [\d,]+ versions?"))).to_be_visible()
    expect(page.get_by_text("Write, read back, delete")).to_be_visible()
    expect(page.get_by_text("Catalogue and store agree")).to_be_visible()
    with page.expect_response(re.compile("/doctor/findings"), timeout=LONG_MS):
        page.get_by_role("button", name="Check again").click()
    settle(page)
    expect(page.get_by_text(WELL)).to_be_visible(timeout=LONG_MS)


@pytest.mark.s3
def test_a_store_that_is_away_at_start_is_said_everywhere_until_it_is_back(
    tmp_path: Path, own_s3_server: SeaweedServer, page: Page
) -> None:
    own_s3_server.stop()
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app:
        title = f"The store at {own_s3_server.endpoint} does not answer"
        for address in ("/", "/upload", "/storage"):
            page.goto(app.url + address)
            expect(page.get_by_role("alert").filter(has_text=title)).to_be_visible()
        expect(page.get_by_text(re.compile("New files are kept on this server’s disk"))).to_be_visible()
        dataset = shelve(app)
        open_dataset(page, app, dataset)
        expect(page.get_by_text("Rows 1–100")).to_be_visible()
        own_s3_server.start()
        expect(page.get_by_role("alert").filter(has_text=title)).to_have_count(0, timeout=40_000)
        page.goto(f"{app.url}/storage")
        expect(page.get_by_text(WELL)).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_text(re.compile("On this server’s disk, datasets"))).to_be_visible()


@pytest.mark.s3
def test_a_store_lost_later_is_said_where_it_matters(tmp_path: Path, own_s3_server: SeaweedServer, page: Page) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app:
        dataset = shelve(app)
        own_s3_server.stop()
        # Not the first page: counting the rows remembers that one, and it may be done by now.
        open_dataset(page, app, dataset, rows="3")
        expect(page.get_by_text("The rows cannot be read now")).to_be_visible(timeout=40_000)
        page.get_by_role("link", name="Download:").click()
        expect(page.get_by_text("was not downloaded")).to_be_visible(timeout=40_000)
        expect(page.get_by_role("button", name="Copy a direct link")).to_be_visible()
        page.goto(f"{app.url}/storage")
        expect(page.get_by_text("files cannot be stored or read until it is fixed")).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_text(f"{own_s3_server.endpoint} refuses the connection.")).to_be_visible()
        own_s3_server.start()
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_text(WELL)).to_be_visible(timeout=LONG_MS)
