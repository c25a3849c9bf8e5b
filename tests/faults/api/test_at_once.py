"""The same thing from two sides at once: one name, one upload, one check of the books."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import httpx
from sqlmodel import select

from catalog.errors import ReconcileUnderWay
from catalog.reconcile import Reconcile
from db import Database
from db.tables import File
from tests.app_server import RunningApp
from tests.contract.catalog.conftest import local_storages, make_shelf
from tests.shelf_client import complete, problem, put_parts, start, store, unique

Found = TypeVar("Found")
TIMES = 4


def together(act: Callable[[int], Found]) -> list[Found]:
    """What `act` gives to each of several threads that begin at once."""
    ready = threading.Barrier(TIMES)

    def one(number: int) -> Found:
        ready.wait()
        return act(number)

    with ThreadPoolExecutor(TIMES) as pool:
        return list(pool.map(one, range(TIMES)))


def test_one_upload_completed_many_times_at_once_is_one_version(shelf: RunningApp) -> None:
    data = b"a\n1\n"
    for _ in range(3):
        begun = start(shelf, data, "once.csv", name=unique())
        parts = put_parts(begun, data)
        answers = together(lambda _: complete(shelf, begun, parts))  # noqa: B023  ended before the next round
        assert [answer.status_code for answer in answers] == [200] * TIMES, [answer.text for answer in answers]
        assert {answer.json()["file_id"] for answer in answers} == {begun["file_id"]}
        assert [file["version"] for file in answers[0].json()["files"]] == [1]
        assert httpx.get(answers[-1].json()["download_url"]).content == data


def test_files_of_one_name_from_several_tabs_are_as_many_datasets(shelf: RunningApp) -> None:
    stem = unique()
    made = together(lambda number: store(shelf, b"a\n%d\n" % number, f"{stem}.csv"))
    assert sorted(one["name"] for one in made) == [stem, *(f"{stem} ({number})" for number in range(2, TIMES + 1))]
    assert sorted(httpx.get(one["download_url"]).content for one in made) == [b"a\n%d\n" % n for n in range(TIMES)]


def test_a_name_that_was_asked_for_is_given_once(shelf: RunningApp) -> None:
    name = unique()

    def ask(_: int) -> httpx.Response:
        with shelf.client() as client:
            return client.post("/uploads", json={"filename": "x.csv", "size": 0, "name": name})

    answers = together(ask)
    (given,) = [answer for answer in answers if answer.status_code == 201]
    for answer in answers:
        if answer is not given:
            assert problem(answer, 409, "dataset-name-taken")["dataset_id"] == given.json()["dataset_id"]


def test_versions_that_arrive_at_once_are_numbered_one_by_one(shelf: RunningApp) -> None:
    first = store(shelf, b"a\n0\n", "v.csv", name=unique())
    together(lambda number: store(shelf, b"a\n%d\n" % (number + 1), "v.csv", dataset_id=first["id"]))
    with shelf.client() as client:
        files = client.get(f"/datasets/{first['id']}").json()["files"]
    assert [file["version"] for file in files] == list(range(TIMES + 1, 0, -1))


def test_replicas_that_reconcile_at_once_leave_one_truth(database: Database, tmp_path: Path) -> None:
    with closing(local_storages(tmp_path)) as storages:
        made = make_shelf(database, storages)
        kept = made.upload(b"a\n1\n")
        check = Reconcile(database, storages)

        def repair(_: int) -> bool | None:
            try:
                return check.run(apply=True).clean
            except ReconcileUnderWay:
                return None

        found = together(repair)
        assert True in found
        assert False not in found
        assert check.run(apply=False).clean
        with database.session() as session:
            assert [file.id for file in session.exec(select(File))] == [kept.files[0].id]
