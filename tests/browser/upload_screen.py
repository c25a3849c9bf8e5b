"""The upload screens as a user meets them: what to press, and what is said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import address_of, until
from tests.shelf_client import unique

MIB = 1024 * 1024


@dataclass
class UploadScreen:
    """The Upload page of an app, open in a page. `puts` collects the address of every PUT the page makes."""

    app: RunningApp
    page: Page
    puts: list[str] = field(default_factory=list)

    def open(self, path: str = "/upload", *, tidy: bool = True) -> UploadScreen:
        """Open the page; what others have left unfinished on a shared shelf is undone first, unless `tidy` is off."""
        if tidy:
            discard_unfinished(self.app)
        self.page.on("request", lambda request: self.puts.append(request.url) if request.method == "PUT" else None)
        self.page.goto(self.app.url + path)
        expect(self.page.get_by_role("button", name="Choose files")).to_be_visible()
        return self

    def choose_again(self, name: str, file: Path) -> None:
        """Show an interrupted upload its file."""
        self.page.evaluate("window.showOpenFilePicker = undefined")
        with self.page.expect_file_chooser() as chooser:
            self.row(name).get_by_role("button", name=f"Choose the file: {name}").click()
        chooser.value.set_files(file)

    def choose(self, *files: Path) -> None:
        self.page.set_input_files("input[data-part=files]", files)

    def choose_folder(self, folder: Path) -> None:
        self.page.set_input_files("input[data-part=tree]", folder)

    def drop(self, *paths: Path) -> None:
        """A drop as the operating system makes it: Chromium itself opens the files and walks the folders."""
        zone = self.page.locator(".zone").bounding_box()
        assert zone is not None
        session = self.page.context.new_cdp_session(self.page)
        data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        where = {"x": zone["x"] + 20, "y": zone["y"] + 20, "data": data}
        for kind in ("dragEnter", "dragOver", "drop"):
            session.send("Input.dispatchDragEvent", {"type": kind, **where})

    def slow(self, bytes_per_second: int) -> None:
        """From now on the page sends no faster than this."""
        session = self.page.context.new_cdp_session(self.page)
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", limits)

    def send_until(self, file: Path, percent: int, *, speed: int) -> None:
        """Choose a file, and wait until that much of it has been sent, no faster than `speed` bytes a second."""
        self.slow(speed)
        self.choose(file)
        self.wait_for_share(file.name, percent)

    def row(self, name: str) -> Locator:
        return self.page.locator("li.row").filter(has=self.page.get_by_text(name, exact=True))

    def wait_for(self, name: str, state: str) -> None:
        """Until the file's row is `waiting`, `sending`, `paused`, `interrupted`, `same`, `failed`, `done`, …"""
        expect(self.row(name)).to_have_attribute("data-state", state, timeout=90_000)

    def sentence(self, name: str) -> str:
        return self.row(name).locator(".sentence").inner_text()

    def wait_for_share(self, name: str, percent: int) -> None:
        """Until that much of the file has been sent."""
        until(
            self.page,
            "([name, share]) => window.__datashelf.uploads.find((one) => one.name === name)?.fraction() >= share",
            [name, percent / 100],
            seconds=90,
        )

    def wait_until_open(self) -> str:
        """Until a dataset's page is open; its id."""
        self.page.wait_for_url(re.compile(r"/dataset\?id="), timeout=60_000)
        return address_of(self.page).split("id=")[1].split("&")[0]


def go_to(page: Page, name: str) -> None:
    """Press an entry of the sidebar: another page in the same session."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def discard_unfinished(app: RunningApp) -> None:
    """Undo every upload that the app has under way."""
    with app.client() as client:
        for item in client.get("/uploads").json()["items"]:
            client.delete(f"/uploads/{item['upload_id']}")


def datasets(app: RunningApp, q: str = "") -> list[dict[str, object]]:
    with app.client() as client:
        answer = client.get("/datasets", params={"q": q, "limit": 200})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def stored_bytes(app: RunningApp, file_id: object) -> bytes:
    """A file as its download link gives it."""
    with app.client(follow_redirects=True) as client:
        answer = client.get(f"/files/{file_id}/download")
    assert answer.status_code == 200, answer.text
    return answer.content


def write_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """Small CSV files, each with content that no other file on the shelf has: the same again would be asked about."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, name in enumerate(names):
        file = folder / name
        file.write_text(f"id,name\n{number},{unique()}\n")
        files.append(file)
    return files
