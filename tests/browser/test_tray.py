"""The frame's view of the uploads: the sidebar's tray on a desktop, the pill on a phone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.app_server import RunningApp
from tests.browser.looking import until
from tests.browser.upload_screen import MIB, UploadScreen, go_to, write_files
from tests.shelf_client import store, unique

SLOW = 2 * MIB
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module", autouse=True)
def shelf_with_something(local_app: RunningApp) -> None:
    """On an empty shelf the Datasets page is an uploader itself, and the tray leaves the list to it."""
    store(local_app, b"a\n1\n", f"{unique('there')}.csv")


@pytest.fixture
def big(tmp_path: Path) -> Path:
    file = tmp_path / f"{unique('big')}.bin"
    file.write_bytes(random.Random(file.name).randbytes(30 * MIB))
    return file


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


def tray(page: Page) -> Locator:
    return page.get_by_role("region", name="Uploads")


def test_nothing_is_shown_while_nothing_was_uploaded(local_app: RunningApp, page: Page) -> None:
    page.goto(local_app.url + "/storage")
    expect(page.get_by_role("heading", name="Storage", exact=True)).to_be_visible()
    expect(tray(page)).to_have_count(0)


def test_the_tray_shows_progress_beside_every_other_page(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 5, speed=SLOW)
    expect(tray(page)).to_have_count(0)
    go_to(page, "Datasets")
    expect(tray(page).get_by_text("1 upload", exact=True)).to_be_visible()
    expect(tray(page).get_by_text(big.name)).to_be_visible()
    bar = tray(page).get_by_role("progressbar", name="All uploads")
    first = int(bar.get_attribute("aria-valuenow") or 0)
    until(page, "before => window.__datashelf.uploads[0].fraction() * 100 > before + 3", first, seconds=60)
    expect(bar).not_to_have_attribute("aria-valuenow", str(first))
    go_to(page, "Storage")
    expect(tray(page).get_by_text(big.name)).to_be_visible()


def test_show_opens_the_list_in_the_same_session(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.slow(SLOW)
    screen.choose(big)
    go_to(page, "Datasets")
    tray(page).get_by_role("button", name="Show").click()
    screen.wait_for(big.name, "sending")
    expect(tray(page)).to_have_count(0)


def test_a_failure_is_told_in_the_tray_and_the_end_can_be_dismissed(
    local_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    (bad, good) = write_files(tmp_path, [f"{unique('bad')}.csv", f"{unique('good')}.csv"])
    answer = {"type": "urn:datashelf:problem:invalid-size", "status": 422, "title": "x", "detail": "Too large."}
    page.route(
        "**/api/ml/v1/uploads",
        lambda route: (
            route.fulfill(status=422, json=answer) if bad.name in (route.request.post_data or "") else route.continue_()
        ),
    )
    screen.choose(bad, good)
    screen.wait_for(good.name, "done")
    screen.wait_for(bad.name, "failed")
    go_to(page, "Datasets")
    expect(tray(page).get_by_text("1 upload failed")).to_be_visible()
    expect(tray(page).get_by_role("button", name="Dismiss")).to_have_count(0)
    go_to(page, "Upload")
    screen.row(bad.name).get_by_role("button", name=f"Remove {bad.name}").click()
    go_to(page, "Datasets")
    expect(tray(page).get_by_text("1 file uploaded")).to_be_visible()
    tray(page).get_by_role("button", name="Dismiss").click()
    expect(tray(page)).to_have_count(0)


def test_a_hostile_name_is_text_in_the_tray(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    names = ["<img src=x onerror=window.pwned=1>.csv", f"{unique('other')}.csv"]
    screen.choose(*write_files(tmp_path, names))
    for name in names:
        screen.wait_for(name, "done")
    go_to(page, "Storage")
    expect(tray(page).get_by_text(names[0], exact=True)).to_be_visible()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "nothing-kept"])
def test_a_closed_tab_is_asked_about_only_where_something_would_be_lost(
    local_app: RunningApp, page: Page, big: Path, keeps: bool
) -> None:
    if not keeps:  # as in a private window
        page.add_init_script("IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };")
    screen = UploadScreen(local_app, page).open()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    screen.slow(SLOW)
    screen.choose(big)
    screen.wait_for(big.name, "sending")
    page.locator("h1").click()  # browsers ask only somebody who has touched the page
    page.on("dialog", stay)
    with page.expect_event("close" if keeps else "dialog"):
        page.close(run_before_unload=True)
    assert asked == ([] if keeps else ["beforeunload"])


def test_after_a_reload_the_tray_says_what_was_under_way(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=8 * MIB)
    # Paused, so that it cannot end before the page is another one.
    screen.row(big.name).get_by_role("button", name=f"Pause {big.name}").click()
    screen.wait_for(big.name, "paused")
    go_to(page, "Storage")
    page.reload()
    expect(tray(page).get_by_text("1 upload interrupted", exact=True)).to_be_visible()
    expect(tray(page).get_by_text("16.8 of 31.5 MB stored", exact=True)).to_be_visible()
    tray(page).get_by_role("button", name="Show").click()
    screen.wait_for(big.name, "interrupted")
    screen.row(big.name).get_by_role("button", name=f"Discard {big.name}").click()
    expect(screen.row(big.name)).to_contain_text(f"Discard {big.name}? The 16.8 MB stored of it are removed.")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as undone:
        screen.row(big.name).get_by_role("button", name=f"Discard: {big.name}").click()
    assert undone.value.status == 204
    page.reload()
    expect(page.get_by_text("Drop files or a folder here")).to_be_visible()


def test_the_tray_tells_of_what_is_paused_and_resumes_all(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SLOW)
    # Paused, so that it cannot end before the page is another one.
    screen.row(big.name).get_by_role("button", name=f"Pause {big.name}").click()
    screen.wait_for(big.name, "paused")
    go_to(page, "Storage")
    expect(tray(page).get_by_text("1 upload paused", exact=True)).to_be_visible()
    tray(page).get_by_role("button", name="Resume all").click()
    expect(tray(page).get_by_text("1 file uploaded")).to_be_visible(timeout=60_000)


def test_a_phone_has_a_pill_that_follows_and_opens_the_list(local_app: RunningApp, phone: Page, big: Path) -> None:
    screen = UploadScreen(local_app, phone).open()
    screen.send_until(big, 5, speed=SLOW)
    expect(phone.locator(".pill")).to_have_count(0)
    phone.get_by_test_id("stExpandSidebarButton").click()
    phone.get_by_test_id("stSidebarNav").get_by_role("link", name="Storage").click()
    expect(phone.get_by_role("heading", name="Storage", exact=True)).to_be_visible()
    phone.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
    pill = phone.locator(".pill")
    expect(pill).to_contain_text("1 upload ·")
    before = pill.inner_text()
    expect(pill).not_to_have_text(before)
    box = pill.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= PHONE["height"]
    # The page's last line can be scrolled clear of it.
    room = phone.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('[data-testid=stMainBlockContainer]')).paddingBottom)"
    )
    assert room > PHONE["height"] - box["y"]
    pill.get_by_role("button").first.click()
    screen.wait_for(big.name, "sending")
    expect(phone.locator(".pill")).to_have_count(0)
