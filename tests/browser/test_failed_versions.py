"""A file whose stored bytes went wrong, as its owner meets it: said on the list and on its page, and removable."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.app_server import ROOT, RunningApp, running_app
from tests.browser.looking import dialog, row_of, settle, shelve
from tests.shelf_client import store, unique


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """A shelf of its own: every row of it is read again."""
    with running_app(tmp_path / "data") as started:
        yield started


def damage(app: RunningApp, file_id: str) -> None:
    """Change a byte on the disk once the whole is known, and let the check find it."""
    with app.client() as client:
        while client.get(f"/files/{file_id}").json()["sha256"] is None:
            time.sleep(0.2)
        url = client.get(f"/files/{file_id}/download-url").json()["url"]
    stored = app.data_dir / "objects" / urlsplit(url).path.split("/objects/", 1)[1]
    content = stored.read_bytes()
    stored.write_bytes(b"?" + content[1:])
    check = [sys.executable, "-m", "ops", "reconcile", "--deep", "--apply"]
    env = {**os.environ, "DATA_DIR": str(app.data_dir), "STORAGE_BACKEND": "local"}
    subprocess.run(check, cwd=ROOT, env=env, check=True, capture_output=True)


def test_a_dataset_with_no_good_version_says_so_and_can_be_deleted(app: RunningApp, page: Page) -> None:
    dataset = shelve(app)
    damage(app, dataset["file_id"])
    page.goto(app.url)
    expect(page.get_by_text("1 dataset is not served")).to_be_visible()
    expect(row_of(page, dataset["name"])).to_have_count(0)
    page.get_by_role("link", name=dataset["name"]).click()
    expect(page.get_by_role("heading", name=dataset["name"])).to_be_visible()
    expect(page.get_by_text("Version 1 failed its check")).to_be_visible()
    page.get_by_role("button", name="Delete version 1").click()
    expect(dialog(page).get_by_text("goes to the Trash")).to_be_visible()
    dialog(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Version 1 is in the Trash.")).to_be_visible()
    expect(page.get_by_text("not served")).to_have_count(0)
    settle(page)


def test_a_failed_version_stands_above_the_good_one_until_it_is_sent_again(app: RunningApp, page: Page) -> None:
    dataset = shelve(app)
    bad = store(app, b"x\n1\n2\n", f"{unique('second')}.csv", dataset_id=dataset["id"])
    damage(app, next(file["id"] for file in bad["files"] if file["version"] == 2))
    page.goto(f"{app.url}/dataset?id={dataset['id']}")
    expect(page.get_by_text("Version 2 failed its check")).to_be_visible()
    expect(page.get_by_text("Rows 1–100 of 250")).to_be_visible()
    page.get_by_role("button", name="Upload it again").click()
    expect(page.get_by_text(dataset["name"]).first).to_be_visible()
    expect(page.locator("input[type=file]").first).to_be_attached()
