"""The frame in a real browser: every address on a fresh process, no trouble in the console, both themes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.app_server import RunningApp, running_app
from tests.browser.looking import Trouble, open_dataset, settle, shelve
from tests.shelf_client import unique

OWN = frozenset({"localhost", "127.0.0.1"})


@pytest.fixture
def trouble(page: Page) -> Trouble:
    return Trouble(page, OWN)


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(color_scheme=request.param, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("address", "sign"),
    [
        ("/", "Nothing on the shelf yet"),
        ("/upload", "Drop files or a folder here"),
        ("/links", "No links yet"),
        ("/storage", "All is well"),
        ("/trash", "Nothing in the Trash"),
        ("/dataset?id=00000000-0000-4000-8000-000000000000", "This dataset is not on the shelf"),
        ("/dataset?id=zzz", "This dataset is not on the shelf"),
        ("/dataset", "This dataset is not on the shelf"),
        ("/shared?token=mistyped", "There is no such link"),
    ],
)
def test_the_first_visitor_of_a_fresh_process_gets_the_page_in_its_frame(
    tmp_path: Path, page: Page, trouble: Trouble, address: str, sign: str
) -> None:
    with running_app(tmp_path / "data") as app:
        page.goto(app.url + address)
        expect(page.get_by_text(sign)).to_be_visible()
        entries = page.get_by_test_id("stSidebarNavLink")
        if address.startswith("/shared"):
            expect(entries).to_have_count(0)  # a recipient sees nothing of the shelf
        else:
            for entry in ("Datasets", "Upload", "Shared links", "Storage"):
                expect(entries.filter(has_text=entry)).to_be_visible()
        settle(page)
        assert trouble.found == []


def test_every_screen_of_a_full_shelf_is_free_of_trouble(shelf: RunningApp, page: Page, trouble: Trouble) -> None:
    dataset = shelve(shelf)
    with shelf.client() as client:
        client.delete(f"/datasets/{shelve(shelf)['id']}")
    for address in ("/", "/upload", "/links", "/storage", "/trash", f"/upload?dataset={dataset['id']}"):
        page.goto(shelf.url + address)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    open_dataset(page, shelf, dataset)
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    for tab, sign in (("Columns", "Counted over"), ("Chart", "Over all"), ("Query", "Read-only")):
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_text(sign).first).to_be_visible(timeout=60_000)
    page.get_by_role("tab", name="Use it").click()
    expect(page.get_by_test_id("stCode")).to_be_visible()
    settle(page)
    assert trouble.found == []


def test_no_screen_promises_what_is_not_there(local_app: RunningApp, page: Page) -> None:
    dataset = shelve(local_app)
    for address in ("/", "/upload", "/storage", "/links", f"/dataset?id={dataset['id']}&tab=Share"):
        page.goto(local_app.url + address)
        settle(page)
        text = page.locator("body").inner_text()
        assert not re.search(r"\b(Pause|Sign in|Log in|Sign out|Account|Team|Who sees it)\b", text), address


def test_the_fonts_are_our_own(local_app: RunningApp, page: Page) -> None:
    page.goto(local_app.url + "/storage")
    settle(page)
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Geist'))")
    families = page.evaluate("[...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)")
    assert "Geist" in {family.strip("\"'") for family in families}


def test_popovers_and_dialogs_follow_the_theme(local_app: RunningApp, themed: Page) -> None:
    dataset = shelve(local_app)
    open_dataset(themed, local_app, dataset)
    dark = themed.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    expect(themed.locator("html")).to_have_css("color-scheme", "dark" if dark else "light")
    themed.get_by_role("button", name="More").click()
    themed.get_by_role("menuitem").filter(has_text="Rename").click()
    button = themed.get_by_role("dialog").get_by_role("button", name="Rename")
    expect(button).to_have_css("color", "rgb(12, 14, 17)" if dark else "rgb(255, 255, 255)")


def test_on_a_phone_nothing_scrolls_sideways(local_app: RunningApp, chromium: Browser) -> None:
    long = shelve(local_app, name=unique("a-very-long-name-without-a-place-to-break-" * 3))
    with local_app.client() as client:
        deleted = shelve(local_app, name=unique("another-very-long-name-without-a-place-to-break-" * 3))
        client.delete(f"/datasets/{deleted['id']}")
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for address in (
        "/",
        "/upload",
        "/links",
        "/storage",
        "/trash",
        f"/dataset?id={long['id']}",
        *(f"/dataset?id={long['id']}&tab={tab}" for tab in ("Columns", "Chart", "Query", "Share", "Use+it")),
    ):
        page.goto(local_app.url + address)
        expect(page.get_by_role("heading").first).to_be_visible()
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 392, address
    context.close()
