"""Looking at the shelf's screens: what several test files open, press and wait for."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.app_server import RunningApp
from tests.browser.conftest import PATIENCE_MS
from tests.shelf_client import store, unique

# A slow machine is no failure; what must appear may take as long as a click may.
expect.set_options(timeout=PATIENCE_MS)

ROWS = b"iata,city,lat\n" + b"".join(b"A%03d,Town %d,%d.25\n" % (n, n, n) for n in range(250))


def shelve(app: RunningApp, data: bytes = ROWS, file_name: str = "", **change: Any) -> dict[str, Any]:
    """Put a dataset on the shelf over the API; `change` sets its name, description or tags."""
    dataset = store(app, data, file_name or f"{unique()}.csv")
    if change:
        with app.client() as client:
            answer = client.patch(f"/datasets/{dataset['id']}", json=change)
            assert answer.status_code == 200, answer.text
            dataset = answer.json()
    return dataset


def until(page: Page, holds: str, argument: object = None, *, seconds: float = PATIENCE_MS / 1000) -> None:
    """Until a JavaScript expression, or a function of `argument`, is true of the page.

    Not Playwright's `wait_for_function`, which evaluates text inside the page: the app's content policy forbids that.
    """
    deadline = time.monotonic() + seconds
    while not page.evaluate(holds, argument):
        assert time.monotonic() < deadline, holds
        page.wait_for_timeout(50)


def settle(page: Page) -> None:
    """Until Streamlit has drawn something and runs no more."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


PROBE = re.compile(r"/[^/]+/_stcore/(health|host-config)$|/temp/doctor/")
"""Streamlit's browser half finds its base path by asking under the page's own path first; that 404 is its answer. The
Doctor asks for what must be refused."""


@dataclass
class Trouble:
    """What a visitor's browser would complain of: collected from the moment it is made."""

    page: Page
    own_hosts: frozenset[str]
    found: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self._note(f"console: {m.text}", m.location["url"], m.type == "error"))
        self.page.on("response", lambda r: self._note(str(r.status), r.url, r.status >= 400))
        self.page.on("request", lambda r: self._check_host(r.url))

    def _note(self, what: str, url: str, wrong: bool) -> None:
        if wrong and not PROBE.search(url):
            self.found.append(f"{what} {url}")

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in self.own_hosts:
            self.found.append(f"foreign host: {url}")


def row_of(page: Page, name: str) -> Locator:
    """A dataset's row in the list."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def open_dataset(page: Page, app: RunningApp, dataset: dict[str, Any], **params: str) -> None:
    """The dataset's page, by its address."""
    query = "".join(f"&{key}={value}" for key, value in params.items())
    page.goto(f"{app.url}/dataset?id={dataset['id']}{query}")
    expect(page.get_by_role("heading", name=dataset["name"], exact=True)).to_be_visible()


def address_of(page: Page) -> str:
    """The address as the page has it; `page.url` follows once the browser has told of it."""
    address: str = page.evaluate("location.href")
    return address


def back(page: Page) -> None:
    """The browser's Back, once the browser has heard what the page made of the address: it goes by its own list."""
    settle(page)
    wanted = address_of(page)
    page.wait_for_url(lambda url: url == wanted, wait_until="commit")
    page.go_back()


def choose_more(page: Page, item: str) -> None:
    """An item of the menu More."""
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem").filter(has_text=re.compile(f"{item}$")).click()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")
