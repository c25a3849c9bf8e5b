"""Photographs every screen, light and dark, on a desktop and a phone: `make screens`.

It starts apps of its own (an empty shelf, one with the sample datasets, a team's, one whose store is away), puts the
pictures into shots/ and prints a line a picture: how long it took to settle, and what a person would trip over (an
error in the console, a failed request, one to a foreign host, a traceback, a page that scrolls sideways). Exit 1 where
there is any.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from catalog.identity import COOKIE
from tests.app_server import ROOT, RunningApp, running_app
from tests.real_parts import free_port
from tests.shelf_client import store
from tests.team import ADMIN, Team, running_team

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
VIEWS = (
    ("desktop", 1440, 900, "light"),
    ("desktop", 1440, 900, "dark"),
    ("phone", 390, 844, "light"),
    ("phone", 390, 844, "dark"),
)
HARMLESS = re.compile(r"/_stcore/(health|host-config)|favicon")
STILL = 4
"""Looks in a row at which the text must be the same."""

QUERY = "SELECT state, count(*) AS airports FROM data GROUP BY state ORDER BY airports DESC"


@dataclass(frozen=True, slots=True)
class Shelf:
    """An app in one state, and the addresses that show it."""

    name: str
    samples: bool
    env: Mapping[str, str]
    paths: tuple[str, ...]
    team: bool = False
    """People sign in; the pictures are what the admin sees."""
    signed_in: bool = True
    """With a team: whether it is the admin who looks, or somebody without a session."""


def shelves() -> tuple[Shelf, ...]:
    away = {
        "STORAGE_BACKEND": "minio",
        "MINIO__ENDPOINT": f"127.0.0.1:{free_port()}",
        "MINIO__RETRY_ATTEMPTS": "1",
    }
    return (
        Shelf("empty", samples=False, env={}, paths=("/", "/upload", "/links", "/storage", "/trash", "/activity")),
        Shelf(
            "filled",
            samples=True,
            env={},
            paths=(
                "/",
                "/?q=turbine",
                "/upload",
                "/dataset?id={first}",
                "/dataset?id={first}&tab=Columns&col=state",
                "/dataset?id={first}&tab=Chart&kind=bar&x=state",
                "/dataset?id={first}&tab=Query&sql=" + quote(QUERY),
                "/dataset?id={first}&tab=Query&sql=" + quote("SELECT stat FROM data"),
                "/dataset?id={first}&tab=Share",
                "/dataset?id={first}&tab=Use+it",
                "/links",
                "/links?show=ended",
                "/links?find=turbine",
                "/shared?token={link}",
                "/shared?token={locked}&error=wrong-password",
                "/shared?token={ended}",
                "/shared?token=mistyped",
                "/storage",
                "/trash",
                "/activity",
                "/activity?find=turbine",
                "/account",
            ),
        ),
        Shelf(
            "team",
            samples=False,
            env={},
            paths=(
                "/people",
                "/people?part=Groups",
                "/activity",
                "/account",
                "/dataset?id={shown}&tab=Share",
                "/shared?token={asked}",
                "/set-password?token={invited}",
            ),
            team=True,
        ),
        Shelf("nobody", samples=False, env={}, paths=("/sign-in",), team=True, signed_in=False),
        Shelf("away", samples=True, env=away, paths=("/", "/upload", "/storage")),
    )


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.browser.screens", description=__doc__)
    arguments.add_argument("--out", type=Path, default=ROOT / "shots")
    arguments.add_argument("--only", choices=[shelf.name for shelf in shelves()])
    arguments.add_argument("--readme", action="store_true", help="take README's pictures instead, into docs/")
    options = arguments.parse_args()
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.stderr.write("make screens needs Chromium (Debian: apt-get install chromium).\n")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="datashelf-screens-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM))
        if options.readme:
            photograph_for_readme(browser, Path(folder))
        for shelf in () if options.readme else shelves():
            if options.only in (None, shelf.name):
                bad += photograph(shelf, browser, Path(folder), options.out)
        browser.close()
    return int(bad > 0)


@contextmanager
def opened(shelf: Shelf, data_dir: Path) -> Iterator[tuple[RunningApp, str | None, dict[str, str]]]:
    """The app in its state, the session to look at it with, where one is needed, and what its addresses name."""
    if shelf.team:
        with running_team(data_dir, shelf.env) as team:
            yield team.app, team.sessions[ADMIN] if shelf.signed_in else None, furnish(team)
    else:
        with running_app(data_dir, shelf.env) as app:
            yield app, None, {}


def photograph(shelf: Shelf, browser: Browser, folder: Path, out: Path) -> int:
    """Every address of the shelf in every view; how many had something to report."""
    bad = 0
    with opened(shelf, folder / shelf.name) as (app, session, places):
        if shelf.samples:
            places |= {"first": load_samples(app)}
        if shelf.name == "filled":
            fill_trash(app)
            places |= make_links(app, places["first"])
        for path in shelf.paths:
            for device, width, height, theme in VIEWS:
                trouble: list[str] = []
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if theme == "dark" else "light",
                )
                if session is not None:
                    context.add_cookies([{"name": COOKIE, "value": session, "url": app.url}])
                page = context.new_page()
                listen(page, trouble, host=urlsplit(app.url).netloc)
                page.goto(app.url + path.format(**places))
                took = settle(page)
                look(page, trouble)
                slug = re.sub(r"\W+", "-", path).strip("-") or "datasets"
                file = out / f"{shelf.name}-{slug}-{device}-{theme}.png"
                page.screenshot(path=str(file))
                sys.stdout.write(f"{file.name}  settled in {took:.1f} s  {'; '.join(trouble) or 'clean'}\n")
                sys.stdout.flush()
                bad += bool(trouble)
                context.close()
    return bad


def photograph_for_readme(browser: Browser, folder: Path) -> None:
    """The two pictures in README, of this build with the sample datasets."""
    with running_app(folder / "readme") as app:
        first = load_samples(app)
        for name, path, height in (("datasets", "/", 520), ("dataset", f"/dataset?id={first}", 640)):
            page = browser.new_page(viewport={"width": 1240, "height": height}, color_scheme="light")
            page.goto(app.url + path)
            settle(page)
            page.screenshot(path=str(ROOT / "docs" / f"screenshot-{name}.png"))
            page.close()


def furnish(team: Team) -> dict[str, str]:
    """Tokens, a group, somebody invited, an upload request, and a dataset that a group and a person see."""
    data = b"city,people\nBern,137995\nBasel,178120\n"
    with team.client(ADMIN) as client:

        def made(path: str, **body: object) -> dict[str, str]:
            answer = client.post(path, json=body)
            answer.raise_for_status()
            found: dict[str, str] = answer.json()
            return found

        for name in ("notebook", "nightly import"):
            made("/tokens", name=name, scope="read")
        group = made("/groups", name="Field crew", members=[team.ids["ben"], team.ids["eve"]])
        asked = made("/requests", note="Readings of the weather stations", max_files=20)
        invited = made("/users", name="grace", email="grace@example.org", role="editor")
        begun: dict[str, Any] = client.post("/uploads", json={"filename": "cities.csv", "size": len(data)}).json()
        etag = client.put(begun["parts"][0]["url"], content=data).headers["etag"]
        shown = made(f"/uploads/{begun['upload_id']}/complete", parts=[{"number": 1, "etag": etag}])
        people = [
            {"kind": "group", "id": group["id"], "level": "reader"},
            {"kind": "user", "id": team.ids["eve"], "level": "editor"},
        ]
        client.put(f"/datasets/{shown['id']}/access", json={"people": people}).raise_for_status()
        made(f"/files/{shown['file_id']}/shares", note="Partner audit", max_downloads=5)
    secret = invited["password_link"].partition("token=")[2]
    return {"shown": shown["id"], "asked": asked["token"], "invited": secret}


def load_samples(app: RunningApp) -> str:
    """Put the samples on the running app's shelf, as an operator would; the newest dataset's id."""
    subprocess.run([sys.executable, "-m", "ops", "demo"], cwd=ROOT, env=app.env, check=True, stdout=subprocess.DEVNULL)
    with app.client() as client:
        items = client.get("/datasets").json()["items"]
        # A picture shows the shelf at rest, with every row counted.
        while any(item["rows"] is None for item in items):
            time.sleep(0.2)
            items = client.get("/datasets").json()["items"]
    return str(items[0]["id"])


def fill_trash(app: RunningApp) -> None:
    """A dataset with two versions, and one version of another, deleted."""
    old = store(app, b"day,rain\n1,0.4\n", "rain-2024.csv", name="Rain, first draft")
    store(app, b"day,rain\n1,0.4\n2,1.1\n", "rain-2025.csv", dataset_id=old["id"])
    with app.client() as client:
        kept = client.get("/datasets", params={"q": "Palmer"}).json()["items"][0]
        version = store(app, b"species\nGentoo\n", "penguins-cut.csv", dataset_id=kept["id"])
        client.delete(f"/files/{version['file_id']}").raise_for_status()
        client.delete(f"/datasets/{old['id']}").raise_for_status()


def make_links(app: RunningApp, dataset_id: str) -> dict[str, str]:
    """Links to a dataset in every state; the tokens of an open one, of one with a password, of one taken back."""
    alaska = {"columns": ["iata", "name", "city"], "where": "state = 'AK'"}
    with app.client() as client:
        file_id = client.get(f"/datasets/{dataset_id}").json()["file_id"]

        def share(**terms: object) -> dict[str, str]:
            made = client.post(f"/files/{file_id}/shares", json=terms)
            made.raise_for_status()
            link: dict[str, str] = made.json()
            return link

        used_up = share(note="Press kit", max_downloads=1)
        client.get(f"{app.url}/s/{used_up['token']}/download").raise_for_status()
        ended = share(note="Audit")
        client.delete(f"/shares/{ended['id']}").raise_for_status()
        share(note="Summer school 2026", expires_in_sec=None, latest=True)
        share(note="Alaska for the pilots", **alaska)
        locked = share(note="Board pack", expires_in_sec=80_000, password="tulip and rose")
        link = share(note="Partner audit", max_downloads=5)
    return {"link": link["token"], "locked": locked["token"], "ended": ended["token"]}


def listen(page: Page, trouble: list[str], *, host: str) -> None:
    """Note what goes wrong in the browser while the page loads."""

    def on_request(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
            trouble.append(f"asks {parts.netloc}")

    page.on("request", lambda request: on_request(request.url))
    page.on("pageerror", lambda error: trouble.append(f"uncaught: {str(error)[:120]}"))
    page.on(
        "console",
        lambda message: (
            trouble.append(f"console: {message.text[:120]}")
            if message.type == "error" and not HARMLESS.search(message.text + str(message.location))
            else None
        ),
    )
    page.on(
        "response",
        lambda answer: (
            trouble.append(f"{answer.status} {answer.url[:90]}")
            if answer.status >= 400 and not HARMLESS.search(answer.url)
            else None
        ),
    )


def settle(page: Page, *, seconds: float = 20) -> float:
    """Wait until Streamlit runs nothing and the text stands still; the seconds that took."""
    begin, last, still = time.monotonic(), "", 0
    while time.monotonic() - begin < seconds and still < STILL:
        text = page.evaluate("document.body.innerText")
        running = page.get_by_test_id("stStatusWidget").count()
        still = still + 1 if text == last and not running and text.strip() else 0
        last = text
        page.wait_for_timeout(150)
    return time.monotonic() - begin - STILL * 0.15


def look(page: Page, trouble: list[str]) -> None:
    if page.get_by_test_id("stException").count():
        trouble.append("a traceback is shown")
    if page.evaluate("document.documentElement.scrollWidth > innerWidth + 2"):
        trouble.append("the page scrolls sideways")


if __name__ == "__main__":
    sys.exit(main())
