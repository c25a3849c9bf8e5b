"""What the screens say where the store is overloaded, has lost its bucket, or a disk is full; and that all goes on."""

from __future__ import annotations

import os
import random
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from minio import Minio
from playwright.sync_api import Page, expect

from tests.app_server import running_app, s3_env
from tests.browser.looking import open_dataset, shelve
from tests.browser.upload_screen import MIB, UploadScreen, datasets, stored_bytes, write_files
from tests.line import line_to
from tests.real_parts import missing
from tests.seaweed import S3Server, SeaweedServer
from tests.shelf_client import unique

BUCKET = "mlops-files"
LONG_MS = 60_000
"""The app looks after its store every ten seconds; the Doctor tries it in several ways."""
DISK = 24 * MIB


def no_traceback(page: Page) -> None:
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert "Traceback" not in page.inner_text("body")


@pytest.mark.s3
@pytest.mark.long
def test_an_overloaded_store_is_said_on_every_screen_and_the_upload_goes_on_by_itself(
    tmp_path: Path, s3_server: S3Server, page: Page
) -> None:
    with line_to(s3_server.endpoint) as line:
        env = {
            **s3_env(s3_server, bucket=unique("overloaded")),
            "MINIO__ENDPOINT": f"localhost:{line.port}",
            "MINIO__RETRY_ATTEMPTS": "2",
        }
        with running_app(tmp_path / "data", env) as app:
            dataset = shelve(app)
            screen = UploadScreen(app, page).open()
            (file,) = write_files(tmp_path, [f"{unique('during')}.csv"])
            line.answer(503, "SlowDown")
            screen.choose(file)
            waits = "The store does not answer. Nothing was sent yet; it starts by itself"
            expect(screen.row(file.name)).to_contain_text(waits, timeout=LONG_MS)
            no_traceback(page)

            other = page.context.new_page()
            open_dataset(other, app, dataset, rows="3")
            expect(other.get_by_text("The rows cannot be read now")).to_be_visible(timeout=LONG_MS)
            expect(other.get_by_text("It is safe; try again in a moment.")).to_be_visible()
            expect(other.get_by_role("alert").filter(has_text="Uploads wait and go on when it is back")).to_be_visible(
                timeout=LONG_MS
            )
            no_traceback(other)

            line.answer(None)
            other.get_by_role("button", name="Try again").click()
            expect(other.get_by_text("Rows 201–250")).to_be_visible(timeout=LONG_MS)
            other.close()
            screen.wait_until_open()
            (sent,) = datasets(app, file.stem)
            assert stored_bytes(app, sent["file_id"]) == file.read_bytes()


@pytest.mark.s3
@pytest.mark.long
def test_a_bucket_that_is_deleted_is_named_and_no_file_is_called_lost(
    tmp_path: Path, own_s3_server: SeaweedServer, page: Page
) -> None:
    server = own_s3_server
    with running_app(tmp_path / "data", s3_env(server)) as app:
        dataset = shelve(app)
        by_hand = Minio(server.endpoint, server.access_key, server.secret_key, secure=False, region=server.region)
        for found in list(by_hand.list_objects(BUCKET, recursive=True)):
            by_hand.remove_object(BUCKET, str(found.object_name))
        by_hand.remove_bucket(BUCKET)

        open_dataset(page, app, dataset, rows="3")
        expect(page.get_by_text("The rows cannot be read now")).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_text(re.compile("bucket is not there.*Whoever runs the shelf"))).to_be_visible()
        banner = page.get_by_role("alert").filter(has_text=f"The store at {server.endpoint} cannot be used")
        page.reload()
        expect(page.get_by_text("The rows cannot be read now")).to_be_visible(timeout=LONG_MS)
        wait_until_known(app.url, "unavailable")
        page.reload()
        expect(banner).to_be_visible(timeout=LONG_MS)
        expect(banner).to_contain_text(f"the bucket {BUCKET} is missing")
        expect(banner).not_to_contain_text("none is lost")
        page.get_by_role("link", name="Download:").click()
        expect(page.get_by_text("its bucket is not there")).to_be_visible(timeout=LONG_MS)
        no_traceback(page)

        page.goto(f"{app.url}/storage")
        expect(page.get_by_text(f"There is no bucket {BUCKET} in the store.")).to_be_visible(timeout=LONG_MS)
        no_traceback(page)

        # The server makes a bucket that is written to, and the Doctor has just tried to; others wait for a hand.
        if not by_hand.bucket_exists(BUCKET):
            by_hand.make_bucket(BUCKET)
        wait_until_known(app.url, "ok")
        screen = UploadScreen(app, page).open()
        (file,) = write_files(tmp_path, [f"{unique('after')}.csv"])
        screen.choose(file)
        screen.wait_until_open()
        (sent,) = datasets(app, file.stem)
        assert stored_bytes(app, sent["file_id"]) == file.read_bytes()
        assert len(datasets(app)) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        missing("the right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_with_what_to_do_and_retry_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path, page: Page
) -> None:
    with running_app(small_disk / "data") as app:
        dataset = shelve(app)
        filler = small_disk / "filler"
        filler.write_bytes(os.urandom(14 * MIB))
        screen = UploadScreen(app, page).open()
        file = tmp_path / f"{unique('large')}.bin"
        file.write_bytes(random.Random(7).randbytes(12 * MIB))
        screen.choose(file)
        screen.wait_for(file.name, "failed")
        said = screen.sentence(file.name)
        assert "has no room left" in said
        assert "make room, then try again" in said
        no_traceback(page)

        other = page.context.new_page()
        open_dataset(other, app, dataset)
        expect(other.get_by_text("Rows 1–100")).to_be_visible(timeout=LONG_MS)
        no_traceback(other)
        other.close()

        filler.unlink()
        screen.row(file.name).get_by_role("button", name=f"Retry: {file.name}").click()
        screen.wait_for(file.name, "done")
        (sent,) = datasets(app, file.stem)
        assert stored_bytes(app, sent["file_id"]) == file.read_bytes()


def wait_until_known(url: str, storage: str) -> None:
    """Until the app has looked after its store and found it so."""
    with httpx.Client(timeout=15) as client:
        for _ in range(600):
            if client.get(f"{url}/api/health/ready").json()["storage"] == storage:
                return
            threading.Event().wait(0.1)
    pytest.fail(f"the app never found the store {storage}")
