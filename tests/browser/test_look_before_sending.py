"""What a file holds stands in the upload queue before it is sent, and never keeps it from being sent."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.app_server import RunningApp
from tests.browser.looking import address_of, shelve
from tests.browser.upload_screen import MIB, UploadScreen, write_files
from tests.shelf_client import unique

INSPECT = "**/api/ml/v1/inspect"
ROWS = "".join(f"{n};2026-11-24 10:00:00;{n}.5;Town {n % 9}\n" for n in range(120_000))


@pytest.fixture
def screen(local_app: RunningApp, page: Page) -> UploadScreen:
    return UploadScreen(local_app, page).open()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A text larger than the ends that are looked at."""
    file = tmp_path / f"{unique('ais')}.csv"
    file.write_text("mmsi;received_at;lat;town\n" + ROWS + f"1;2026-11-23;1.5;{file.stem}\n")
    return file


def test_columns_and_how_it_is_read_stand_there_while_it_is_sent(screen: UploadScreen, table: Path) -> None:
    other = table.with_name(f"{unique('other')}.bin")
    other.write_bytes(bytes(range(256)) * 4096 + other.name.encode())
    screen.slow(2 * MIB)
    screen.choose(table, other)
    row = screen.row(table.name)
    columns = row.get_by_role("group", name=f"Columns of {table.name}").locator(".chip")
    expect(columns).to_have_text(["mmsi integer", "received_at timestamp", "lat number", "town text"])
    expect(row).to_contain_text(re.compile("CSV · UTF-8 · semicolon · header row · about 1[0-4]0,000 rows"))
    expect(screen.row(other.name).locator(".chip")).to_have_count(0)
    screen.slow(-1)
    screen.wait_for(table.name, "done")
    expect(columns).to_have_count(4)
    row.get_by_role("button", name=f"Change how {table.name} is read").click()
    expect(screen.page.get_by_role("combobox", name="Delimiter")).to_be_visible()
    assert "change" not in address_of(screen.page)


def test_a_new_version_is_held_against_the_one_before(local_app: RunningApp, page: Page, tmp_path: Path) -> None:
    dataset = shelve(local_app, b"id,price\n1,2.5\n2,3.5\n")
    screen = UploadScreen(local_app, page).open(f"/upload?dataset={dataset['id']}")
    same, other = tmp_path / "same.csv", tmp_path / "other.csv"
    same.write_text("id,price\n3,4.5\n")
    other.write_text("id,cost\n3,4.5\n")
    screen.choose(other, same)
    expect(screen.row("same.csv")).to_contain_text(re.compile("Same columns as version \\d"))
    expect(screen.row("other.csv").locator(".differs")).to_contain_text("lacks price")


@pytest.mark.parametrize("answer", ["nothing", "404", "503", "nonsense"])
def test_an_upload_goes_on_whatever_the_look_comes_to(screen: UploadScreen, table: Path, answer: str) -> None:
    def reply(route: Route) -> None:
        if answer == "nonsense":
            route.fulfill(status=200, content_type="application/json", body=json.dumps({"columns": 5}))
        elif answer != "nothing":
            route.fulfill(status=int(answer), content_type="application/problem+json", body="{}")

    screen.page.route(INSPECT, reply)
    screen.choose(table)
    screen.wait_until_open()
    expect(screen.page.get_by_text("Rows 1–100")).to_be_visible()


def test_a_large_folder_is_looked_into_a_little_at_a_time(screen: UploadScreen, tmp_path: Path) -> None:
    mark = unique("many")
    files = write_files(tmp_path / "many", [f"{mark}-{number}.csv" for number in range(30)])
    looking, most, looks = 0, 0, 0
    lock = threading.Lock()

    def reply(route: Route) -> None:
        nonlocal looking, most, looks
        with lock:
            looking, looks = looking + 1, looks + 1
            most = max(most, looking)
        screen.page.wait_for_timeout(20)
        looking -= 1
        route.fulfill(status=503, body="")

    screen.page.route(INSPECT, reply)
    screen.choose(*files)
    expect(screen.page.get_by_text("30 done")).to_be_visible(timeout=60_000)
    assert 1 <= looks <= 20
    assert most <= 2
