"""The matrix: every route and every page, by everybody there is. A route without a rule fails, and so does a rule
without a route."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api import application
from settings import load
from tests.contract.api.matrix_rules import RULES, Rule
from tests.contract.api.matrix_world import WHO, World, let_in, paths
from tests.team import running_team

pytestmark = pytest.mark.long

MAIN = Path(__file__).resolve().parents[3] / "pages" / "main.py"
FILES = {"/api/ml/v1/docs/assets"}
"""Mounts, which serve files that come with the app."""
PUBLIC_PAGES = {"shared"}
PAGES = {"", "upload", "shared", "people", "links", "storage", "dataset", "trash", "activity", "account"}
SHOWN = ("text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "*/*")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_team(tmp_path_factory.mktemp("matrix") / "data") as team, ExitStack() as stack:
        yield let_in(team, stack)


def every_route(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Method and path of each, those of included routers too."""
    for route in routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from every_route(router.routes)
        else:
            yield from ((method, route.path) for method in getattr(route, "methods", None) or ("MOUNT",))


def test_every_route_has_a_rule(world: World) -> None:
    async def no_screens(*_: object) -> None:
        raise AssertionError

    app = FastAPI(openapi_url=application.OPENAPI_URL, docs_url=None, redoc_url=None)
    application.install(app, load(data_dir=world.team.app.data_dir), screens=no_screens, page="")
    routes = set(every_route(app.routes))
    mounts = {path for method, path in routes if method == "MOUNT"}
    assert mounts == FILES
    routes -= {("MOUNT", path) for path in mounts}
    told = world.clients["anonymous"].get("/openapi.json").json()["paths"]
    documented = {(how.upper(), path) for path, ways in told.items() for how in ways}
    assert documented <= {(how, path.replace(":path", "")) for how, path in routes}, "the walk has missed some"
    assert routes == {rule.route for rule in RULES}
    for rule in RULES:
        assert set(rule.expected) == set(WHO), rule.route


def test_every_call_is_answered_as_the_rules_say(world: World) -> None:
    wrong = [said for rule in RULES for who in WHO if (said := _tried(world, rule, who)) is not None]
    assert wrong == []
    for subject in (world.shared, world.shown):
        detail = world.made(world.owner.get(f"/datasets/{subject.dataset_id}"))
        assert [file["id"] for file in detail["files"]] == [subject.file_id]
        assert (detail["owner"], detail["description"], detail["access"]) == ("ben", "", "owner")
        assert world.made(world.owner.get(f"/datasets/{subject.dataset_id}/read-as"))["delimiter"] is None
    people = world.made(world.owner.get(f"/datasets/{world.shared.dataset_id}/access"))["people"]
    assert sorted((one["name"], one["level"]) for one in people) == [
        ("eve", "editor"),
        ("rea", "reader"),
        ("vic", "editor"),
    ]
    assert world.made(world.owner.get(f"/shares?dataset_id={world.shared.dataset_id}&state=active"))["items"]


def _tried(world: World, rule: Rule, who: str) -> str | None:
    expected = rule.expected[who]
    ask = rule.make(world, who, expected < 400)
    names = dict(paths(world, who)) | ask.path
    url = world.root(rule.path.replace(":path", "").format(**names))
    with ExitStack() as stack:
        client = world.clients[who]
        if rule.path.startswith(("/s/", "/sign", "/set")):
            # It may take a cookie, or hand one out, and signing out ends the session.
            client = stack.enter_context(world.another(who, session=rule.path == "/sign-out"))
        answer = client.request(rule.method, url, **ask.options)
    if answer.status_code == expected or (expected, answer.status_code) == (200, 202):
        return _badly_refused(rule, who, answer)
    return f"{rule.method} {rule.path} {rule.says} by {who}: {answer.status_code}, not {expected}: {answer.text[:200]}"


def _badly_refused(rule: Rule, who: str, answer: httpx.Response) -> str | None:
    """A refusal is a problem with a sentence; only a page for people, and what has no body, is otherwise."""
    if answer.status_code < 400 or rule.method == "HEAD" or not rule.path.startswith("/api/ml"):
        return None
    if answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]:
        return None
    return f"{rule.method} {rule.path} by {who}: {answer.status_code} is no problem+json: {answer.text[:200]}"


def test_every_page_has_a_rule() -> None:
    calls = [node for node in ast.walk(ast.parse(MAIN.read_text())) if isinstance(node, ast.Call)]
    pages = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "Page"]
    told = {
        next((str(ast.literal_eval(word.value)) for word in page.keywords if word.arg == "url_path"), "")
        for page in pages
    }
    assert told == PAGES


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_deep_link_opens_for_who_is_signed_in_and_for_nobody_else(world: World, page: str) -> None:
    for who in WHO:
        for accept in SHOWN:
            answer = world.clients[who].get(world.root(f"/{page}?id=1"), headers={"Accept": accept})
            if page in PUBLIC_PAGES or who not in ("anonymous", "expired", "revoked"):
                assert answer.status_code == 200, (page, who)
            else:
                assert answer.status_code == 303, (page, who)
                assert answer.headers["location"] == f"/sign-in?next=%2F{page}%3Fid%3D1"
