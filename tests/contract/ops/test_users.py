"""`python -m ops users`: an operator who locked themselves out comes in again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from db import open_database
from db.tables import Event
from ops.users import app
from tests.contract.catalog.door import GOOD, Door


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {"DATA_DIR": str(tmp_path), "AUTH__MODE": "password", "PUBLIC_URL": "https://s.example"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"AUTH__MODE": "oidc", "AUTH__OIDC_ISSUER": "https://id.example", "AUTH__OIDC_CLIENT_ID": "shelf"},
            "provider",
        ),
        ({"AUTH__MODE": "header", "AUTH__TRUSTED_PROXIES": "127.0.0.1"}, "proxy first names them"),
    ],
)
def test_an_empty_list_says_how_the_first_person_comes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    told = run("list")[0]
    assert said in told
    assert "link" not in told


def run(*arguments: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_people_are_let_in_changed_and_shut_out_from_a_shell(folder: Path) -> None:
    assert run("list")[0].startswith("Nobody yet. Start the app: it prints a link")
    line, link = run("add", "Ada", "Ada@Example.org", "--role", "admin")[0].splitlines()
    assert line == "Ada · ada@example.org · admin · never signed in · 0 datasets, 0 bytes"
    found = re.fullmatch(r"https://s\.example/set-password\?token=([\w-]{43})", link)
    assert found is not None
    with open_database(f"sqlite:///{folder / 'datashelf.db'}") as database:
        door = Door.of(database)
        door.sign_in.set_password(found[1], GOOD)
        run("add", "Ben", "ben@example.org")
        assert "· viewer ·" in run("role", "ben@example.org", "viewer")[0]
        assert "· disabled ·" in run("disable", "Ben")[0]
        assert "· disabled ·" not in run("enable", "Ben")[0]
        assert run("hand-over", "Ben", "Ada")[0] == "0 datasets of Ben belong to Ada now.\n"
        assert "last admin" in run("disable", "Ada", code=1)[1]
        assert run("role", "Nobody", "admin", code=1)[1] == "There is nobody called “Nobody”.\n"
        secret = run("password-link", "ADA@example.org")[0].strip().partition("token=")[2]
        assert door.sign_in.password_offer(secret).name == "Ada"
        listed = json.loads(run("list", "--json")[0])
        assert [(one["name"], one["role"], one["disabled_at"]) for one in listed] == [
            ("Ada", "admin", None),
            ("Ben", "viewer", None),
        ]
        with database.session() as session:
            acts = session.exec(select(Event.kind, Event.actor).where(col(Event.actor) == "ops users")).all()
    assert {kind for kind, _ in acts} == {"user_created", "user_changed", "user_reset"}
