"""Deleting in a real browser: Undo at once, the Trash screen later, and gone for good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.app_server import RunningApp, running_app
from tests.browser.looking import (
    ROWS,
    Trouble,
    address_of,
    back,
    choose_more,
    dialog,
    open_dataset,
    row_of,
    settle,
    shelve,
)
from tests.shelf_client import store, unique


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """A shelf of its own, so that its trash can be counted and emptied."""
    with running_app(tmp_path_factory.mktemp("trash") / "data") as started:
        yield started


@pytest.fixture
def emptied(app: RunningApp) -> RunningApp:
    """The same, with nothing in the trash."""
    with app.client() as client:
        assert client.delete("/trash").status_code == 204
    return app


def delete(app: RunningApp, dataset: dict[str, str]) -> None:
    with app.client() as client:
        assert client.delete(f"/datasets/{dataset['id']}").status_code == 204


def test_undo_brings_a_deleted_dataset_back_with_its_rows(emptied: RunningApp, page: Page) -> None:
    dataset = shelve(emptied, tags=["kept"])
    open_dataset(page, emptied, dataset)
    choose_more(page, "Delete")
    expect(
        dialog(page).get_by_text(
            re.compile(r"^Its only version, 5\.0 kB, goes to the Trash and can be put back until \d+ \w+")
        )
    ).to_be_visible()
    dialog(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(f"“{dataset['name']}” is in the Trash.")).to_be_visible()
    expect(row_of(page, dataset["name"])).to_have_count(0)
    expect(page.get_by_role("link", name="Trash · 1")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"“{dataset['name']}” is back on the shelf.")).to_be_visible()
    expect(row_of(page, dataset["name"])).to_contain_text("kept")
    expect(page.get_by_role("link", name=re.compile("^Trash"))).to_have_count(0)
    page.get_by_test_id("stMain").get_by_role("link", name="Open", exact=True).click()
    expect(page.get_by_text("Rows 1–100 of 250")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("is back on the shelf")).to_have_count(0)


def test_undo_brings_a_deleted_version_back(emptied: RunningApp, page: Page) -> None:
    dataset = shelve(emptied)
    store(emptied, b"x\n1\n2\n", f"{dataset['name']}-two.csv", dataset_id=dataset["id"])
    open_dataset(page, emptied, dataset, v="2")
    expect(page.get_by_text("Rows 1–2")).to_be_visible()
    choose_more(page, "Delete version 2")
    expect(dialog(page).get_by_role("heading", name=f"Delete version 2 of {dataset['name']}?")).to_be_visible()
    dialog(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Version 2 is in the Trash.")).to_be_visible()
    expect(page.get_by_text("Rows 1–100")).to_be_visible()
    assert "v" not in parse_qs(urlsplit(address_of(page)).query)
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("menuitem").filter(has_text="Delete version")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text(f"Version 2 of “{dataset['name']}” is back on the shelf.")).to_be_visible()
    expect(page.get_by_text("Rows 1–2")).to_be_visible()


def test_the_trash_lists_restores_and_removes(emptied: RunningApp, page: Page) -> None:
    trouble = Trouble(page, frozenset({"localhost", "127.0.0.1"}))
    one, two = shelve(emptied), shelve(emptied)
    store(emptied, ROWS, "more.csv", dataset_id=one["id"])
    for dataset in (one, two):
        delete(emptied, dataset)
    page.goto(emptied.url)
    page.get_by_role("link", name="Trash · 2").click()
    expect(page.get_by_role("heading", name="Trash")).to_be_visible()
    expect(page.get_by_text("What is deleted rests here for 7 days")).to_be_visible()
    row = page.get_by_role("row").filter(has_text=one["name"])
    expect(row).to_contain_text("Dataset with 2 versions · more.csv")
    expect(row).to_contain_text("10.1 kB")
    page.get_by_role("button", name=f"Restore {one['name']}").click()
    expect(page.get_by_text(f"“{one['name']}” is back on the shelf.")).to_be_visible()
    expect(row).to_have_count(0)
    page.get_by_role("button", name=f"Delete {two['name']} now").click()
    expect(dialog(page).get_by_role("heading", name=f"Delete “{two['name']}” for good?")).to_be_visible()
    dialog(page).get_by_role("button", name="Keep").click()
    expect(dialog(page)).to_have_count(0)
    page.get_by_role("button", name=f"Delete {two['name']} now").click()
    dialog(page).get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text(f"“{two['name']}” was deleted for good.")).to_be_visible()
    expect(page.get_by_text("Nothing in the Trash")).to_be_visible()
    with emptied.client() as client:
        assert len(client.get(f"/datasets/{one['id']}").json()["files"]) == 2
        assert client.post(f"/trash/{two['id']}/restore").status_code == 404
    settle(page)
    assert trouble.found == []


def test_a_name_taken_meanwhile_is_said(emptied: RunningApp, page: Page) -> None:
    dataset = shelve(emptied)
    delete(emptied, dataset)
    store(emptied, ROWS, "x.csv", name=dataset["name"])
    page.goto(f"{emptied.url}/trash")
    page.get_by_role("button", name=f"Restore {dataset['name']}").click()
    name = dataset["name"]
    expect(page.get_by_text(f"“{name}” is back as “{name} (2)”: another dataset has its name by now.")).to_be_visible()


def test_emptying_asks_once_with_count_and_size(emptied: RunningApp, page: Page) -> None:
    for _ in range(2):
        delete(emptied, shelve(emptied))
    page.goto(f"{emptied.url}/trash")
    page.get_by_role("button", name="Empty Trash").click()
    expect(dialog(page).get_by_text("2 items, 10.1 kB in all, are removed from the store.")).to_be_visible()
    dialog(page).get_by_role("button", name="Empty Trash").click()
    expect(page.get_by_text("2 items were deleted for good.")).to_be_visible()
    expect(page.get_by_text("Nothing in the Trash")).to_be_visible()


def test_a_version_of_a_deleted_dataset_waits_for_it(emptied: RunningApp, page: Page) -> None:
    dataset = shelve(emptied)
    second = store(emptied, ROWS, "two.csv", dataset_id=dataset["id"])
    with emptied.client() as client:
        client.delete(f"/files/{second['file_id']}")
    delete(emptied, dataset)
    page.goto(f"{emptied.url}/trash")
    button = page.get_by_role("button", name=f"Restore version 2 of {dataset['name']}")
    expect(button).to_be_disabled()
    expect(page.get_by_text("Version 2 · two.csv · restore its dataset first")).to_be_visible()
    page.get_by_role("button", name=f"Restore {dataset['name']}", exact=True).click()
    expect(button).to_be_enabled()


def test_the_address_of_a_deleted_dataset_says_where_it_is(emptied: RunningApp, page: Page) -> None:
    dataset = shelve(emptied)
    open_dataset(page, emptied, dataset)
    settle(page)
    choose_more(page, "Delete")
    dialog(page).get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("is in the Trash.")).to_be_visible()
    back(page)
    expect(page.get_by_text(f"“{dataset['name']}” is in the Trash")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^It can be put back until \d+ \w+"))).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name=dataset["name"])).to_be_visible()
    expect(page.get_by_text("Rows 1–100")).to_be_visible()


def test_the_last_dataset_of_a_shelf_can_be_undone_too(tmp_path: Path, page: Page) -> None:
    with running_app(tmp_path / "data", {"TRASH_DAYS": "3"}) as app:
        dataset = shelve(app, file_name=f"{unique('only')}.csv")
        open_dataset(page, app, dataset)
        choose_more(page, "Delete")
        dialog(page).get_by_role("button", name="Delete", exact=True).click()
        expect(page.get_by_text("Nothing on the shelf yet.")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(row_of(page, dataset["name"])).to_be_visible()
        page.goto(f"{app.url}/trash")
        expect(page.get_by_text("What is deleted rests here for 3 days")).to_be_visible()
