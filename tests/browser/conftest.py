"""A real Chromium: one for the worker, a fresh context and page for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.real_parts import missing

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 20_000
ALWAYS = {
    "test_one_file_opens_with_its_rows_and_downloads_identical_bytes",
    "test_its_rows_are_shown_with_what_they_cover",
    "test_delete_asks_once_naming_it_and_goes_back_to_the_list",
}
"""What `make test` has time for; CI runs the others, too."""


def chromium_path() -> str | None:
    """DATASHELF_TEST_CHROMIUM, Debian's Chromium, or the one on PATH."""
    for candidate in (os.environ.get("DATASHELF_TEST_CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium")):
        if candidate and Path(candidate).exists():
            return candidate
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them, and lets each try once more: a browser, an app and a store that share two processors with other
    tests now and then miss a moment that the test waits for. What fails twice fails, and pytest's last line says how
    many were run again.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=1))
            if getattr(item, "originalname", item.name) not in ALWAYS:
                item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def playwright_of_session() -> Iterator[Playwright]:
    """For tests that start a browser of their own."""
    if chromium_path() is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright_of_session: Playwright) -> Iterator[Browser]:
    browser = playwright_of_session.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; an uncaught error of its scripts fails the test."""
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []
