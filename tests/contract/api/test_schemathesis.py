"""The whole API by its own description, as each role: hypothesis makes up calls, and every answer must be one that the
OpenAPI documents: no fault, no undocumented status, the documented content type and shape."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from catalog.identity import COOKIE
from tests.contract.api.test_attacks import ROWS, stored
from tests.shelf_client import unique
from tests.team import ADMIN, Team, running_team

pytestmark = pytest.mark.long

EXAMPLES = 6
"""Calls of each operation by each role."""
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
ROLES = {"anonymous": None, "viewer": "vic", "editor": "ben", "admin": ADMIN}
LAST = ("/owner", "/hand-over", "/users/{user_id}")
LOADED = {503: "too-many-queries"}
"""A 503 that is no fault: as many queries ran as may."""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    # Nothing is read or computed for longer than a moment, whatever is asked for.
    quick = {"PREVIEW__QUERY_TIMEOUT": "3", "PREVIEW__TIMEOUT": "5"}
    with running_team(tmp_path_factory.mktemp("described") / "data", quick) as team:
        yield team


def operations(team: Team) -> list[APIOperation[Any, Any, Any, Any]]:
    description = httpx.get(f"{team.app.api}/openapi.json", timeout=60).json()
    schema = schemathesis.openapi.from_dict(description)
    found = [each.ok() for each in schema.get_all_operations()]
    # What takes something away comes last, so that the others meet it.
    return sorted(found, key=lambda each: each.method.upper() == "DELETE" or each.path.endswith(LAST))


def real_ids(team: Team, name: str | None) -> dict[str, list[str]]:
    """Of things that are there: the role's own and somebody else's. Made-up ids would only ever be 404."""
    known: dict[str, list[str]] = {}

    def add(parameter: str, value: object) -> None:
        known.setdefault(parameter, []).append(str(value))

    for owner in {name if name in ("ben", ADMIN) else "eve", "eve"}:
        dataset = stored(team, owner, ROWS, f"{unique()}.csv")
        add("dataset_id", dataset["id"])
        add("file_id", dataset["file_id"])
        with team.client(owner) as client:
            begun = client.post("/uploads", json={"filename": "a.csv", "size": 5}).json()
            add("upload_id", begun["upload_id"])
            share = client.post(f"/files/{dataset['file_id']}/shares", json={"note": "a"}).json()
            add("share_id", share["id"])
            add("token", share["url"].rsplit("/", 1)[1])
            wanted = client.post("/requests", json={"note": "b"}).json()
            add("request_id", wanted["id"])
            add("token", wanted["url"].rsplit("/", 1)[1])
            thrown = stored(team, owner, ROWS, f"{unique()}.csv")
            assert client.delete(f"/datasets/{thrown['id']}").status_code == 204
            add("item_id", thrown["id"])
            add("token_id", client.post("/tokens", json={"name": unique(), "scope": "read"}).json()["id"])
    for someone in {name or "eve", "eve"}:
        team.new_session(someone)
        with team.client(someone) as client:
            sessions = client.get("/me/sessions").json()["items"]
            add("session_id", next(each["id"] for each in sessions if not each["is_this"]))
    other = unique("zoe")
    team.add(other)
    add("user_id", team.ids[other])
    with team.client(ADMIN) as client:
        add("group_id", client.post("/groups", json={"name": unique("group"), "members": []}).json()["id"])
    return known


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_one_that_the_description_has(team: Team, role: str) -> None:
    name = ROLES[role]
    known, chance = real_ids(team, name), random.Random(role)
    found: list[str] = []
    tried: set[str] = set()
    # A session made for this, so that what is asked for may end it; everybody else's stays.
    secret = team.new_session(name) if name else None

    def answer(case: Case) -> None:
        for parameter, values in known.items():
            if parameter in (case.path_parameters or {}) and chance.random() < 0.7:
                case.path_parameters[parameter] = chance.choice(values)
        tried.add(case.operation.label)
        case.headers = {header: value for header, value in (case.headers or {}).items() if header != "Authorization"}
        response = case.call(
            base_url=team.app.url, cookies={COOKIE: secret} if secret else {}, allow_redirects=False, timeout=60
        )
        if response.status_code == 503 and LOADED[503] in response.text:
            return
        try:
            case.validate_response(response, checks=list(CHECKS))
        except Exception as failure:  # noqa: BLE001  # whatever is wrong is told with all the rest
            told = f"{case.operation.label} → {response.status_code}: {failure}\n{response.text[:300]}"
            if not any(one.startswith(told[:120]) for one in found):
                found.append(told)

    todo = operations(team)
    for operation in todo:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def run(case: Case) -> None:
            answer(case)

        run()
    assert tried == {operation.label for operation in todo}
    assert found == [], "\n\n".join(found)


def test_what_a_role_may_not_do_is_documented_too(team: Team) -> None:
    """Every call under the API's prefix says that it may answer 401, 403 and 429."""
    description = httpx.get(f"{team.app.api}/openapi.json", timeout=60).json()
    for path, item in description["paths"].items():
        if path.startswith("/api/ml/v1"):
            for method, call in item.items():
                assert {"401", "403", "429"} <= set(call["responses"]), (method, path)
                for status in ("401", "403", "429"):
                    assert list(call["responses"][status]["content"]) == ["application/problem+json"]
    assert uuid.UUID(description["components"]["schemas"]["FileOut"]["properties"]["id"]["examples"][0])
