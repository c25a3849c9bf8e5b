"""Uploading in a real browser, on both backends: what was sent is what is stored, and nothing else is left behind."""

from __future__ import annotations

import hashlib
import random
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from minio import Minio
from playwright.sync_api import Page, expect

from tests.app_server import RunningApp, running_app
from tests.browser.looking import address_of, until
from tests.browser.upload_screen import MIB, UploadScreen, datasets, go_to, stored_bytes, write_files
from tests.seaweed import S3Server
from tests.shelf_client import unique


@pytest.fixture
def screen(shelf: RunningApp, page: Page) -> UploadScreen:
    return UploadScreen(shelf, page).open()


@pytest.fixture
def local_screen(local_app: RunningApp, page: Page) -> UploadScreen:
    """Where the store makes no difference."""
    return UploadScreen(local_app, page).open()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of several parts whose last is short."""
    file = tmp_path / f"{unique('big')}.bin"
    file.write_bytes(random.Random(file.name).randbytes(40 * MIB + 12_345))
    return file


def test_one_file_opens_with_its_rows_and_downloads_identical_bytes(screen: UploadScreen, tmp_path: Path) -> None:
    file = tmp_path / f"{unique('penguins')}.csv"
    file.write_text("species,island,bill\n" + "".join(f"{file.stem},Biscoe,{n}\n" for n in range(344)))
    screen.choose(file)
    screen.wait_until_open()
    expect(screen.page.get_by_text("Rows 1–100")).to_be_visible()
    with screen.page.expect_download() as download:
        screen.page.get_by_role("link", name=f"Download: {file.name}").click()
    assert download.value.suggested_filename == file.name
    assert download.value.path().read_bytes() == file.read_bytes()


def test_the_bytes_go_to_the_signed_urls_and_arrive_whole(screen: UploadScreen, big: Path) -> None:
    screen.choose(big)
    dataset_id = screen.wait_until_open()
    with screen.app.client() as client:
        dataset = client.get(f"/datasets/{dataset_id}").json()
    stored = stored_bytes(screen.app, dataset["file_id"])
    assert hashlib.sha256(stored).digest() == hashlib.sha256(big.read_bytes()).digest()
    assert len(screen.puts) >= 3
    assert all("ignature=" in url for url in screen.puts)


@pytest.mark.s3
def test_on_a_store_no_byte_of_a_file_passes_through_the_app(s3_app: RunningApp, page: Page, big: Path) -> None:
    screen = UploadScreen(s3_app, page).open()
    screen.choose(big)
    screen.wait_until_open()
    assert {urlsplit(url).netloc for url in screen.puts} == {urlsplit(s3_app.env["MINIO__PUBLIC_ENDPOINT"]).netloc}
    assert "/api/ml/v1/objects/" not in s3_app.log


def test_ten_files_at_once_are_all_on_the_shelf(screen: UploadScreen, tmp_path: Path) -> None:
    mark = unique("ten")
    files = write_files(tmp_path, [f"{mark}-{number}.csv" for number in range(10)])
    screen.choose(*files)
    for file in files:
        screen.wait_for(file.name, "done")
    expect(screen.page.get_by_role("heading", name="10 files")).to_be_visible()
    stored = {item["file_name"]: item["file_id"] for item in datasets(screen.app, mark)}
    assert {name: stored_bytes(screen.app, file_id) for name, file_id in stored.items()} == {
        file.name: file.read_bytes() for file in files
    }


def test_a_dropped_folder_is_walked_to_its_last_file(local_screen: UploadScreen, tmp_path: Path) -> None:
    mark = unique("drop")
    names = [f"{mark}-{number}.csv" for number in range(105)]
    write_files(tmp_path / "export" / "2026", names)
    (tmp_path / "export" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "export" / "nothing-in-here").mkdir()
    local_screen.drop(tmp_path / "export")
    # More than the hundred entries that a browser gives of a folder at a time.
    expect(local_screen.page.get_by_role("heading", name="105 files")).to_be_visible()
    expect(local_screen.page.get_by_text("1 system file left out")).to_be_visible()
    expect(local_screen.page.get_by_text("105 done")).to_be_visible(timeout=240_000)
    assert sorted(str(item["file_name"]) for item in datasets(local_screen.app, mark)) == sorted(names)


def test_a_chosen_folder_names_the_place_of_each_file(local_screen: UploadScreen, tmp_path: Path) -> None:
    mark = unique("tree")
    write_files(tmp_path / "export" / "2026", [f"{mark}-a.csv", f"{mark}-b.csv"])
    local_screen.choose_folder(tmp_path / "export")
    local_screen.wait_for(f"{mark}-a.csv", "done")
    local_screen.wait_for(f"{mark}-b.csv", "done")
    expect(local_screen.row(f"{mark}-a.csv")).to_contain_text("export/2026")


def test_a_cancelled_upload_leaves_no_row_and_no_object(screen: UploadScreen, big: Path, s3_server: S3Server) -> None:
    before = traces(screen.app, s3_server)
    screen.slow(8 * MIB)
    screen.choose(big)
    screen.wait_for_share(big.name, 30)
    with screen.page.expect_response(lambda answer: answer.request.method == "DELETE") as undone:
        screen.row(big.name).get_by_role("button", name=f"Cancel {big.name}").click()
    assert undone.value.status == 204
    expect(screen.row(big.name)).to_have_count(0)
    with screen.app.client() as client:
        assert big.name not in client.get("/uploads").text
    assert datasets(screen.app, big.stem) == []
    assert traces(screen.app, s3_server) == before


def traces(app: RunningApp, server: S3Server) -> set[str]:
    """Every object and every begun upload that the app's store holds."""
    if app.env.get("STORAGE_BACKEND") != "minio":
        return {str(path) for path in (app.data_dir / "objects").rglob("*") if path.is_file()}
    client = Minio(server.endpoint, server.access_key, server.secret_key, secure=server.secure, region=server.region)
    bucket = app.env["MINIO__BUCKET"]
    begun = client._list_multipart_uploads(bucket).uploads  # what the fixture's store itself says
    return {str(item.object_name) for item in client.list_objects(bucket, recursive=True)} | {
        str(upload.upload_id) for upload in begun
    }


def test_leaving_the_page_in_mid_upload_loses_nothing(screen: UploadScreen, big: Path) -> None:
    screen.slow(10 * MIB)
    screen.choose(big)
    screen.wait_for_share(big.name, 20)
    go_to(screen.page, "Datasets")
    go_to(screen.page, "Storage")
    expect(screen.page.get_by_role("region", name="Uploads").get_by_text("1 file uploaded")).to_be_visible(
        timeout=60_000
    )
    assert urlsplit(address_of(screen.page)).path == "/storage"
    (dataset,) = datasets(screen.app, big.stem)
    assert stored_bytes(screen.app, dataset["file_id"]) == big.read_bytes()


def test_the_same_file_twice_gives_two_datasets(local_screen: UploadScreen, tmp_path: Path) -> None:
    mark = unique("twice")
    (file,) = write_files(tmp_path, [f"{mark}.csv"])
    (other,) = write_files(tmp_path, [f"{mark}-other.csv"])
    local_screen.choose(file, other)
    local_screen.wait_for(file.name, "done")
    local_screen.choose(file, other)
    # What is on the shelf already is said, and sent again only where that is meant.
    expect(local_screen.page.get_by_text("2 on the shelf already, 2 done")).to_be_visible()
    local_screen.page.get_by_role("button", name="Upload all anyway").click()
    expect(local_screen.page.get_by_role("heading", name="4 files")).to_be_visible()
    expect(local_screen.page.get_by_text("4 done")).to_be_visible()
    names = {item["name"] for item in datasets(local_screen.app, mark)}
    assert len(names) == 4
    assert sum(name.endswith(" (2)") for name in map(str, names)) == 2


def test_an_empty_file_is_stored_as_one(screen: UploadScreen, tmp_path: Path) -> None:
    file = tmp_path / f"{unique('empty')}.csv"
    file.write_bytes(b"")
    screen.choose(file)
    screen.wait_until_open()
    (dataset,) = datasets(screen.app, file.stem)
    assert dataset["size"] == 0
    assert stored_bytes(screen.app, dataset["file_id"]) == b""


HOSTILE = (
    "<img src=x onerror=window.pwned=1>.csv",
    "a\"b'c`d&amp;{{7*7}}.csv",
    "\u202egpj.exe 🐧 naïve.csv",
    "[link](javascript:window.pwned=1) **b**.csv",
    "..%2f..%2fetc%2fpasswd",
    "x" * 200 + ".csv",
)


def test_a_hostile_file_name_is_text_and_nothing_else(local_screen: UploadScreen, tmp_path: Path) -> None:
    files = write_files(tmp_path, HOSTILE)
    local_screen.choose(*files)
    for name in HOSTILE:
        local_screen.wait_for(name, "done")
    assert local_screen.page.locator("li.row .name").all_text_contents() == list(HOSTILE)
    go_to(local_screen.page, "Datasets")
    assert local_screen.page.evaluate("window.pwned") is None
    stored = {str(item["file_name"]) for item in datasets(local_screen.app)}
    assert stored >= set(HOSTILE)


def test_a_refused_file_name_says_why(local_screen: UploadScreen, tmp_path: Path) -> None:
    (bad, good) = write_files(tmp_path, ["new\nline.csv", f"{unique('good')}.csv"])
    local_screen.choose(bad, good)
    local_screen.wait_for(good.name, "done")
    failed = local_screen.page.locator("li.row[data-state=failed]")
    expect(failed.locator(".sentence")).to_contain_text(re.compile("control character", re.IGNORECASE))


def test_a_new_version_goes_to_its_dataset(screen: UploadScreen, tmp_path: Path) -> None:
    file = tmp_path / f"{unique('versions')}.csv"
    file.write_text(f"a\n{file.stem}\n")
    first = file.stat().st_size
    screen.choose(file)
    dataset_id = screen.wait_until_open()
    file.write_text(f"a\n{file.stem}\n2\n")
    screen.page.goto(f"{screen.app.url}/upload?dataset={dataset_id}")
    expect(screen.page.get_by_text(f"Drop a new version of {file.stem} here")).to_be_visible()
    screen.choose(file)
    assert screen.wait_until_open() == dataset_id
    with screen.app.client() as client:
        versions = client.get(f"/datasets/{dataset_id}").json()["files"]
    assert [(one["version"], one["size"]) for one in versions] == [(2, first + 2), (1, first)]


def test_rows_and_a_download_link_stand_beside_a_finished_file(local_screen: UploadScreen, tmp_path: Path) -> None:
    local_screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    (file, other) = write_files(tmp_path, [f"{unique('done')}.csv", f"{unique('done')}.csv"])
    local_screen.choose(file, other)
    expect(local_screen.row(file.name)).to_contain_text("1 row × 2 columns · complete")
    local_screen.row(file.name).get_by_role("button", name=f"Copy a download link to {file.name}").click()
    expect(local_screen.row(file.name)).to_contain_text("Link copied, good for 1 hour")
    link = local_screen.page.evaluate("navigator.clipboard.readText()")
    answer = local_screen.page.context.request.get(link)
    assert answer.body() == file.read_bytes()
    local_screen.row(other.name).get_by_role("button", name=f"Open dataset: {other.name}").click()
    (dataset,) = datasets(local_screen.app, other.stem)
    assert local_screen.wait_until_open() == dataset["id"]


def test_the_keyboard_reaches_every_choice(local_screen: UploadScreen, tmp_path: Path) -> None:
    (file, other) = write_files(tmp_path, [f"{unique('keys')}.csv", f"{unique('keys')}.csv"])
    # The dialog of an <input>, as other browsers show it; the one that gives handles cannot be driven from here.
    local_screen.page.evaluate("window.showOpenFilePicker = undefined")
    with local_screen.page.expect_file_chooser() as chooser:
        local_screen.page.get_by_role("button", name="Choose files").press("Enter")
    chooser.value.set_files([str(file), str(other)])
    local_screen.wait_for(file.name, "done")
    local_screen.wait_for(other.name, "done")
    expect(local_screen.page.get_by_role("list", name="Uploads").get_by_role("listitem")).to_have_count(2)
    expect(local_screen.page.locator(".picker [role=status]")).to_contain_text("uploaded")
    local_screen.page.get_by_role("button", name="Clear finished").press("Enter")
    expect(local_screen.page.get_by_text("Drop files or a folder here")).to_be_visible()


def test_cancel_all_asks_once_and_leaves_what_is_finished(
    local_screen: UploadScreen, tmp_path: Path, big: Path
) -> None:
    (small,) = write_files(tmp_path, [f"{unique('small')}.csv"])
    other = tmp_path / f"{unique('other')}.bin"
    other.write_bytes(big.read_bytes()[::-1])
    local_screen.slow(8 * MIB)
    local_screen.choose(small, big, other)
    local_screen.wait_for(small.name, "done")
    local_screen.page.get_by_role("button", name="Cancel all").click()
    local_screen.page.get_by_role("button", name="Cancel 2 uploads?").click()
    expect(local_screen.page.get_by_role("heading", name="1 file")).to_be_visible()
    expect(local_screen.row(small.name)).to_be_visible()
    assert datasets(local_screen.app, other.stem) == []


def test_a_change_of_theme_draws_the_list_once(local_screen: UploadScreen, tmp_path: Path) -> None:
    files = write_files(tmp_path, [f"{unique('theme')}.csv" for _ in range(4)])
    local_screen.choose(*files[:2])
    local_screen.wait_for(files[1].name, "done")
    local_screen.page.emulate_media(color_scheme="dark")
    until(local_screen.page, "getComputedStyle(document.querySelector('.stApp')).colorScheme.includes('dark')")
    expect(local_screen.page.locator("li.row")).to_have_count(2)
    local_screen.choose(*files[2:])
    local_screen.wait_for(files[3].name, "done")
    expect(local_screen.page.locator("li.row")).to_have_count(4)


def test_a_file_dropped_beside_everything_does_not_replace_the_page(local_app: RunningApp, page: Page) -> None:
    page.goto(local_app.url + "/upload")
    expect(page.get_by_text("Drop files or a folder here")).to_be_visible()
    go_to(page, "Storage")
    prevented = page.evaluate(
        """() => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["a"], "a.csv"));
          const options = { dataTransfer, bubbles: true, cancelable: true };
          return !document.body.dispatchEvent(new DragEvent("drop", options));
        }"""
    )
    assert prevented
    assert page.evaluate("window.__datashelf.uploads.length") == 0


def test_the_first_file_on_an_empty_shelf_opens_too(tmp_path: Path, page: Page) -> None:
    with running_app(tmp_path / "data") as app:
        screen = UploadScreen(app, page).open("/")
        file = tmp_path / "first.csv"
        file.write_text("a,b\n1,2\n")
        screen.drop(file)
        screen.wait_until_open()
        expect(page.get_by_text("Rows 1–1 of 1")).to_be_visible()
