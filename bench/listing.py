"""A long list: the first page of many datasets against the first page of few, for one user and in a team."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import pytest

from bench import shelf
from bench.figures import Figure
from bench.scale import Scale
from db import Database, migrate, open_database
from tests.app_server import running_app
from tests.postgres import start_postgres

FEW = 1_000
TIMES = 30
BUDGET = 1.5
CALLS = {
    "first page": "",
    "first page by name": "?sort=name",
    "first page of a tag": "?tag=weather",
    "search for a rare word": f"?q={shelf.RARE_WORD}",
}
"""Only the first has a budget; the others are shown for what they are."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How an app on a filled database is started and asked."""

    env: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def _alone(database: Database, datasets: int) -> Asking:
    shelf.fill(database, datasets=datasets)
    return Asking()


def _in_team(database: Database, datasets: int) -> Asking:
    token = shelf.fill_for_team(database, datasets=datasets)
    return Asking({"AUTH__MODE": "password", "RATES__API": "0"}, {"Authorization": f"Bearer {token}"})


def pages(scale: Scale, folder: Path) -> list[Figure]:
    """Milliseconds of `GET /datasets` with few and with many datasets, on each database the machine has."""
    return _figures(scale, folder, "", _alone)


def pages_of_team(scale: Scale, folder: Path) -> list[Figure]:
    """The same for somebody who sees their own, the team's and some that are shared with them by name."""
    return _figures(scale, folder, ", in a team", _in_team)


def _figures(scale: Scale, folder: Path, who: str, shelf_of: Callable[[Database, int], Asking]) -> list[Figure]:
    figures = []
    with contextlib.ExitStack() as stack:
        for name, address in _databases(folder, stack).items():
            few, many = _measure(folder / name, address(FEW), address(scale.datasets), scale.datasets, shelf_of)
            for what, took in many.items():
                gated = what == "first page"
                figures.append(
                    Figure(
                        f"{what}{who}, {scale.datasets:,} datasets, {name}",
                        took,
                        "ms",
                        few[what],
                        f"{FEW:,} datasets",
                        f"≤ {BUDGET} ×" if gated else "",
                        took / few[what] <= BUDGET if gated else None,
                    )
                )
    return figures


def _databases(folder: Path, stack: contextlib.ExitStack) -> dict[str, Callable[[int], str]]:
    """How to get the URL of an empty database for so many datasets, for each kind of database."""
    found: dict[str, Callable[[int], str]] = {"SQLite": lambda count: f"sqlite:///{folder / f'{count}.db'}"}
    try:
        server = start_postgres(stack)
    except pytest.skip.Exception:
        return found  # no PostgreSQL on this machine

    def fresh(count: int) -> str:
        server.run_sql(f"create database shelf_{count}")
        return server.url(f"shelf_{count}")

    return {**found, "PostgreSQL": fresh}


def _measure(
    folder: Path, few: str, many: str, count: int, shelf_of: Callable[[Database, int], Asking]
) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds of each call, of the app on the database `few` and of the one on `many`.

    Both run at once and are asked in turns, so that what else the machine does hits both alike.
    """
    asking = []
    for url, datasets in ((few, FEW), (many, count)):
        with open_database(url) as database:
            migrate(database)
            asking.append(shelf_of(database, datasets))
    small_way, big_way = asking
    with (
        running_app(folder / "few", {"DATABASE_URL": few, **small_way.env}) as small,
        running_app(folder / "many", {"DATABASE_URL": many, **big_way.env}) as big,
        small.client(headers=small_way.headers) as ask_small,
        big.client(headers=big_way.headers) as ask_big,
    ):
        answers = {
            what: [(_milliseconds(ask_small, query), _milliseconds(ask_big, query)) for _ in range(TIMES + 1)][1:]
            for what, query in CALLS.items()
        }
    return (
        {what: median(pair[0] for pair in pairs) for what, pairs in answers.items()},
        {what: median(pair[1] for pair in pairs) for what, pairs in answers.items()},
    )


def _milliseconds(client: httpx.Client, query: str) -> float:
    begin = time.perf_counter()
    client.get(f"/datasets{query}").raise_for_status()
    return (time.perf_counter() - begin) * 1000
