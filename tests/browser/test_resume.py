"""Uploads outlive the page: reloaded, crashed, closed or moved to another device, they end in the very same bytes, and
what the store had is not sent again.

The file has 70 MB; 200 MB where DATASHELF_TEST_LONG=1, as in CI; 2 GB where DATASHELF_TEST_FULL=1.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from tests.app_server import RunningApp, running_app, s3_env
from tests.browser.conftest import FLAGS, PATIENCE_MS, chromium_path
from tests.browser.looking import until
from tests.browser.upload_screen import MIB, UploadScreen, datasets, stored_bytes, write_files
from tests.seaweed import SeaweedServer
from tests.shelf_client import unique

FULL = os.environ.get("DATASHELF_TEST_FULL") == "1"
LONG = os.environ.get("DATASHELF_TEST_LONG") == "1"
SIZE = 2_000_000_000 if FULL else 200_000_000 if LONG else 70 * MIB + 321
SPEED = (40 if FULL else 30 if LONG else 12) * MIB
PART = 16 * MIB
MOST_LANES = 5  # four, and a part whose answer is awaited


@dataclass
class Sent:
    """Bytes of parts that have left the browser, whichever page sent them."""

    by_request: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.by_request.values())

    def watch(self, context: BrowserContext) -> None:
        context.expose_function("countSent", self._count)
        context.add_init_script(
            """{
              const page = crypto.getRandomValues(new Uint32Array(2)).join("-");
              let last = 0;
              const send = XMLHttpRequest.prototype.send;
              XMLHttpRequest.prototype.send = function (body) {
                const id = `${page}-${(last += 1)}`;
                this.upload.addEventListener("progress", ({ loaded }) => window.countSent(id, loaded));
                return send.call(this, body);
              };
            }"""
        )

    def _count(self, request: str, loaded: int) -> None:
        self.by_request[request] = max(loaded, self.by_request.get(request, 0))


@pytest.fixture
def sent(context: BrowserContext) -> Sent:
    counter = Sent()
    counter.watch(context)
    return counter


@pytest.fixture
def big(tmp_path: Path) -> Iterator[Path]:
    """A file of several parts whose last is short."""
    file = tmp_path / f"{unique('big')}.bin"
    chunk = random.Random(unique()).randbytes(MIB)
    with file.open("wb") as out:
        for number in range(SIZE // MIB):
            out.write(number.to_bytes(8, "big") + chunk[8:])
        out.write(b"e" * (SIZE % MIB))
    yield file
    file.unlink(missing_ok=True)


def assert_stored(app: RunningApp, file: Path) -> None:
    """The shelf holds one dataset of that name, and it has the file's bytes."""
    (dataset,) = datasets(app, file.stem)
    with file.open("rb") as source:
        wanted = hashlib.file_digest(source, "sha256").hexdigest()
    assert hashlib.sha256(stored_bytes(app, dataset["file_id"])).hexdigest() == wanted


def reload_at(page: Page, name: str, percent: int) -> None:
    """Reload as soon as that much has been sent: by the page itself, which a slow test could not forestall."""
    with page.expect_navigation(timeout=180_000):
        page.evaluate(
            """([name, share]) => {
              const look = setInterval(() => {
                const upload = window.__datashelf.uploads.find((one) => one.name === name);
                if (!(upload?.fraction() >= share)) return;
                clearInterval(look);
                location.reload();
              }, 20);
            }""",
            [name, percent / 100],
        )


def wait_done(page: Page) -> None:
    until(page, "window.__datashelf.completed.length === 1", seconds=180)


@pytest.mark.parametrize("share", [10, 50, 95])
def test_a_reload_costs_no_more_than_the_parts_that_were_under_way(
    shelf: RunningApp, page: Page, sent: Sent, big: Path, share: int
) -> None:
    screen = UploadScreen(shelf, page).open()
    screen.slow(SPEED)
    screen.choose(big)
    reload_at(page, big.name, share)
    screen.wait_for(big.name, "interrupted")
    said = re.compile(r"Nothing stored yet|[\d.]+ of [\d.]+ [MG]B stored")
    expect(screen.row(big.name)).to_contain_text(said)
    screen.choose_again(big.name, big)
    wait_done(page)
    assert_stored(shelf, big)
    assert sent.total <= SIZE + MOST_LANES * PART


def offer_kept_file(page: Page) -> None:
    """What a file dialog gives is from the browser's own store of files: the dialog cannot be driven from here."""
    page.add_init_script(
        """window.showOpenFilePicker = async () => {
          const folder = await navigator.storage.getDirectory();
          return [await folder.getFileHandle("kept.bin")];
        };"""
    )


def write_kept_file(page: Page) -> str:
    """Write the file that the dialog gives; its digest."""
    digest: str = page.evaluate(
        """async (size) => {
          const folder = await navigator.storage.getDirectory();
          const writable = await (await folder.getFileHandle("kept.bin", { create: true })).createWritable();
          const bytes = new Uint8Array(size);
          for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
          await writable.write(bytes);
          await writable.close();
          const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
          return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
        }""",
        40 * MIB,
    )
    return digest


def press_resume_twice(screen: UploadScreen, name: str) -> None:
    """Faster than the row is drawn anew."""
    screen.page.evaluate(
        """(name) => {
          const upload = window.__datashelf.uploads.find((one) => one.name === name);
          const { run } = upload;
          window.runs = 0;
          upload.run = function () {
            window.runs += 1;
            return run.call(this);
          };
        }""",
        name,
    )
    resume = screen.row(name).get_by_role("button", name=f"Resume: {name}")
    resume.evaluate("(button) => { button.click(); button.click(); }")


@pytest.mark.parametrize("press", ["once", "twice"])
def test_a_file_that_the_browser_has_kept_hold_of_goes_on_with_one_press(
    local_app: RunningApp, page: Page, press: str
) -> None:
    offer_kept_file(page)
    screen = UploadScreen(local_app, page).open()
    digest = write_kept_file(page)
    screen.slow(SPEED)
    page.get_by_role("button", name="Choose files").click()
    screen.wait_for_share("kept.bin", 50)
    page.reload()
    screen.wait_for("kept.bin", "interrupted")
    if press == "twice":
        press_resume_twice(screen, "kept.bin")
    else:
        screen.row("kept.bin").get_by_role("button", name="Resume: kept.bin").click()
    wait_done(page)
    stored = stored_bytes(local_app, page.evaluate("window.__datashelf.completed[0].file_id"))
    assert hashlib.sha256(stored).hexdigest() == digest
    assert press == "once" or page.evaluate("window.runs") == 1


def test_a_double_click_resumes_a_paused_upload_once(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 30, speed=SPEED)
    screen.row(big.name).get_by_role("button", name=f"Pause {big.name}").click()
    screen.wait_for(big.name, "paused")
    press_resume_twice(screen, big.name)
    wait_done(page)
    assert page.evaluate("window.runs") == 1
    assert_stored(local_app, big)


def test_the_wrong_file_is_refused_in_words_and_the_right_one_goes_on(
    local_app: RunningApp, page: Page, big: Path, tmp_path: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 50, speed=SPEED)
    page.reload()
    screen.wait_for(big.name, "interrupted")
    shorter = tmp_path / "other" / big.name
    shorter.parent.mkdir()
    shorter.write_bytes(b"short")
    screen.choose_again(big.name, shorter)
    expect(screen.row(big.name)).to_contain_text(f"“{big.name}” is not the file this began with: it has 5 B, not")
    with big.open("rb") as source, shorter.open("wb") as out:
        out.write(b"!" + source.read()[1:])
    screen.choose_again(big.name, shorter)
    expect(screen.row(big.name)).to_contain_text("its beginning differs")
    # The same bytes of another day are the same file.
    os.utime(big, (1_600_000_000, 1_600_000_000))
    screen.choose_again(big.name, big)
    wait_done(page)
    assert_stored(local_app, big)


def change_middle(file: Path) -> None:
    with file.open("r+b") as out:
        out.seek(3 * MIB)
        out.write(b"changed in the first part")
    os.utime(file, (1_600_000_000, 1_600_000_000))


def test_a_file_whose_middle_was_changed_meanwhile_is_sent_as_it_is_now(
    local_app: RunningApp, page: Page, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SPEED)
    page.reload()
    screen.wait_for(big.name, "interrupted")
    change_middle(big)
    screen.puts.clear()
    screen.choose_again(big.name, big)
    wait_done(page)
    assert_stored(local_app, big)
    # Of what was stored, the changed part alone travels again.
    assert len(screen.puts) <= SIZE // PART


@pytest.fixture
def other_device(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_another_device_sees_an_unfinished_upload_and_takes_it_over(
    local_app: RunningApp, page: Page, other_device: Page, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SPEED)
    page.close()
    other = UploadScreen(local_app, other_device).open(tidy=False)
    other.wait_for(big.name, "interrupted")
    expect(other.row(big.name)).to_contain_text(re.compile(r"stored · begun on another device"))
    # Dropped like any other file, it is known by its content.
    other.drop(big)
    wait_done(other_device)
    assert_stored(local_app, big)
    assert len(other.puts) < SIZE // PART


def test_a_changed_file_that_another_device_goes_on_with_is_sent_whole(
    local_app: RunningApp, page: Page, other_device: Page, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SPEED)
    page.close()
    change_middle(big)
    other = UploadScreen(local_app, other_device).open(tidy=False)
    other.wait_for(big.name, "interrupted")
    other.slow(SPEED)
    other.choose_again(big.name, big)
    # Nor does it trust what it has not sent itself after a reload in between.
    other.wait_for_share(big.name, 50)
    other_device.reload()
    other.wait_for(big.name, "interrupted")
    other.choose_again(big.name, big)
    wait_done(other_device)
    assert_stored(local_app, big)


def test_a_folder_goes_on_where_it_was(local_app: RunningApp, page: Page, tmp_path: Path, big: Path) -> None:
    folder = tmp_path / "export"
    small = write_files(folder / "2026", [f"{unique('a')}.csv", f"{unique('b')}.csv"])
    inside = folder / "2026" / big.name
    os.link(big, inside)
    screen = UploadScreen(local_app, page).open()
    screen.slow(SPEED)
    screen.choose_folder(folder)
    for file in small:
        screen.wait_for(file.name, "done")
    screen.wait_for_share(big.name, 50)
    page.reload()
    screen.wait_for(big.name, "interrupted")
    screen.choose_folder(folder)
    wait_done(page)
    # The others are on the shelf already, and that is said.
    for file in small:
        screen.wait_for(file.name, "same")
    assert_stored(local_app, big)


def test_a_paused_upload_says_what_is_safe_and_goes_on(
    local_app: RunningApp, page: Page, sent: Sent, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SPEED)
    screen.row(big.name).get_by_role("button", name=f"Pause {big.name}").click()
    screen.wait_for(big.name, "paused")
    expect(screen.row(big.name)).to_contain_text(re.compile(r"Paused at \d\d % · [\d.]+ [MG]B are safely stored"))
    page.get_by_role("button", name="Resume all").click()
    screen.wait_for(big.name, "sending")
    page.get_by_role("button", name="Pause all").click()
    screen.wait_for(big.name, "paused")
    screen.row(big.name).get_by_role("button", name=f"Resume: {big.name}").click()
    wait_done(page)
    assert_stored(local_app, big)
    assert sent.total <= SIZE + 2 * MOST_LANES * PART


def test_a_second_tab_does_not_offer_what_the_first_one_sends(
    local_app: RunningApp, context: BrowserContext, page: Page, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 5, speed=SPEED // 4)
    second = UploadScreen(local_app, context.new_page()).open(tidy=False)
    second.wait_for(big.name, "elsewhere")
    expect(second.row(big.name)).to_contain_text("being sent in another tab of this browser")
    screen.slow(-1)
    wait_done(page)
    second.wait_for(big.name, "done")
    expect(second.row(big.name)).to_contain_text("ompleted in another tab or on another device")
    assert_stored(local_app, big)


def test_an_upload_completed_elsewhere_meanwhile_says_so_and_opens(
    local_app: RunningApp, page: Page, other_device: Page, big: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.send_until(big, 60, speed=SPEED)
    screen.row(big.name).get_by_role("button", name=f"Pause {big.name}").click()
    screen.wait_for(big.name, "paused")
    other = UploadScreen(local_app, other_device).open(tidy=False)
    other.wait_for(big.name, "interrupted")
    other.choose_again(big.name, big)
    wait_done(other_device)
    screen.row(big.name).get_by_role("button", name=f"Resume: {big.name}").click()
    wait_done(page)
    assert_stored(local_app, big)


def test_the_same_content_is_said_and_left_to_the_user(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    (first, other) = write_files(tmp_path, [f"{unique('first')}.csv", f"{unique('other')}.csv"])
    screen = UploadScreen(local_app, page).open()
    screen.choose(first)
    dataset_id = screen.wait_until_open()
    copy = tmp_path / f"{unique('copy')}.csv"
    copy.write_bytes(first.read_bytes())
    screen.page.goto(local_app.url + "/upload")
    screen.choose(copy, other)
    # It holds the others up in nothing.
    screen.wait_for(other.name, "done")
    screen.wait_for(copy.name, "same")
    expect(screen.row(copy.name)).to_contain_text(f"Same content as {first.stem}, version 1")
    screen.row(copy.name).get_by_role("button", name=f"Upload anyway: {copy.name}").click()
    screen.wait_for(copy.name, "done")
    screen.choose(copy)
    screen.page.locator("li.row[data-state=same]").get_by_role("button", name="Open it").click()
    assert screen.wait_until_open() in {dataset_id, *(str(one["id"]) for one in datasets(local_app, copy.stem))}


@pytest.mark.s3
def test_links_of_five_seconds_and_a_clock_ten_minutes_off_do_no_harm(
    own_s3_server: SeaweedServer, tmp_path: Path, page: Page, big: Path
) -> None:
    page.add_init_script(
        """{
          const Real = Date;
          const off = -600_000;
          window.Date = class extends Real {
            constructor(...given) { given.length ? super(...given) : super(Real.now() + off); }
            static now() { return Real.now() + off; }
          };
        }"""
    )
    with running_app(tmp_path / "data", {**s3_env(own_s3_server), "MINIO__PRESIGN_EXPIRY": "5"}) as app:
        screen = UploadScreen(app, page).open()
        screen.send_until(big, 40, speed=SPEED // 2)
        page.reload()
        screen.wait_for(big.name, "interrupted")
        screen.choose_again(big.name, big)
        wait_done(page)
        assert_stored(app, big)


@pytest.mark.long
def test_a_line_that_is_dead_for_a_minute_is_waited_for(tmp_path: Path, page: Page, sent: Sent, big: Path) -> None:
    with running_app(tmp_path / "data") as app:
        screen = UploadScreen(app, page).open()
        screen.send_until(big, 40, speed=SPEED)
        # Nothing answers and nothing is refused, as when the network is gone between here and there.
        os.killpg(app.process.pid, signal.SIGSTOP)
        try:
            page.wait_for_timeout(60_000)
            assert page.evaluate("window.__datashelf.uploads[0].state") == "sending"
        finally:
            os.killpg(app.process.pid, signal.SIGCONT)
        wait_done(page)
        assert_stored(app, big)
        assert sent.total <= SIZE + 3 * MOST_LANES * PART  # the line was tried two times more


def test_a_killed_browser_finds_its_uploads_when_it_is_started_again(
    local_app: RunningApp, playwright_of_session: Playwright, tmp_path: Path, big: Path
) -> None:
    profile = tmp_path / "profile"
    start = partial(
        playwright_of_session.chromium.launch_persistent_context,
        profile,
        executable_path=chromium_path(),
        args=list(FLAGS),
    )
    first = start()
    screen = UploadScreen(local_app, first.pages[0]).open()
    screen.send_until(big, 60, speed=SPEED)
    os.kill(browser_of(profile), signal.SIGKILL)
    again = start()
    try:
        screen = UploadScreen(local_app, again.pages[0]).open(tidy=False)
        screen.wait_for(big.name, "interrupted")
        expect(screen.row(big.name)).not_to_contain_text("another device")
        screen.choose_again(big.name, big)
        wait_done(screen.page)
        assert_stored(local_app, big)
        assert len(screen.puts) < SIZE // PART
    finally:
        again.close()


def browser_of(profile: Path) -> int:
    """The process of the browser that uses a profile: the one that is nobody's child of it."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        ours = f"--user-data-dir={profile}".encode() in words
        if ours and not any(word.startswith(b"--type=") for word in words):
            return int(process.name)
    raise AssertionError(f"no browser uses {profile}")


INSECURE = "shelf.test"


@pytest.fixture
def plain_http(playwright_of_session: Playwright) -> Iterator[Callable[[], Page]]:
    """A browser for which a name that is not this machine's leads here: its pages are no secure context."""
    flags = [*FLAGS, f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1"]
    browser = playwright_of_session.chromium.launch(executable_path=chromium_path(), args=flags)
    yield browser.new_page
    browser.close()


INSECURE_ENV = {"ALLOWED_HOSTS": f"localhost,{INSECURE}", "AUTH__ALLOW_OPEN": "true"}


def test_without_https_a_second_tab_leaves_alone_what_the_first_one_sends(
    plain_http: Callable[[], Page], tmp_path: Path, big: Path
) -> None:
    with running_app(tmp_path / "data", INSECURE_ENV) as app:
        page = plain_http()
        page.goto(f"http://{INSECURE}:{app.port}/upload")
        screen = UploadScreen(app, page)
        screen.send_until(big, 5, speed=SPEED // 8)
        with page.expect_popup() as popup:
            page.evaluate("void window.open('/upload')")
        second = UploadScreen(app, popup.value)
        second.wait_for(big.name, "elsewhere")
        # As long as the first one sends.
        popup.value.wait_for_timeout(12_000)
        second.wait_for(big.name, "elsewhere")
        page.goto("about:blank")
        second.wait_for(big.name, "interrupted")
        second.choose_again(big.name, big)
        wait_done(second.page)
        assert_stored(app, big)


def test_without_https_it_goes_without_checksums_and_says_so(
    plain_http: Callable[[], Page], tmp_path: Path, big: Path
) -> None:
    with running_app(tmp_path / "data", INSECURE_ENV) as app:
        page = plain_http()
        page.goto(f"http://{INSECURE}:{app.port}/upload")
        screen = UploadScreen(app, page)
        screen.slow(SPEED)
        screen.choose(big)
        expect(page.get_by_text("Without https this browser cannot compute checksums")).to_be_visible()
        screen.wait_for_share(big.name, 50)
        page.reload()
        screen.wait_for(big.name, "interrupted")
        screen.choose_again(big.name, big)
        wait_done(page)
        assert_stored(app, big)
