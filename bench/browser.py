"""A real Chromium that does what a person would: opens a page, picks a file, presses Download."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Chromium as root in a container, without its own errands to foreign hosts."""
LONG = 600_000
"""Milliseconds that a transfer may take."""


@contextlib.contextmanager
def page(*, downloads: Path | None = None, program: Path | None = None, options: Sequence[str] = ()) -> Iterator[Page]:
    """A page of a fresh browser; `program` starts it where that is not Chromium itself. Raises RuntimeError where no
    Chromium is installed.
    """
    found = program or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        raise RuntimeError("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *options], downloads_path=downloads)
        try:
            opened = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            opened.set_default_timeout(60_000)
            yield opened
        finally:
            browser.close()


def pick_for_datashelf(page: Page, file: Path) -> None:
    """Give `file` to the picker of the Upload screen, which must be open, and wait until it is on the shelf.

    Its first bytes are made others: of content that is on the shelf already, the screen would ask first.
    """
    with file.open("r+b") as content:
        content.write(secrets.token_bytes(min(16, file.stat().st_size)))
    with page.expect_response(lambda answer: answer.url.endswith("/complete"), timeout=LONG) as completed:
        page.locator("input[type=file]").first.set_input_files(file)
    if not completed.value.ok:
        raise RuntimeError(f"the upload was answered {completed.value.status}: {completed.value.text()}")


def pick_for_streamlit(page: Page, file: Path) -> None:
    """Give `file` to st.file_uploader and wait until the script has it."""
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_text("Received").wait_for(timeout=LONG)
