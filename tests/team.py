"""A running app where people sign in with passwords, and a few people in it: an admin, two editors, a viewer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from catalog.identity import COOKIE
from tests.app_server import RunningApp, start_app

ADMIN = "ada"
PEOPLE = {"ben": "editor", "eve": "editor", "vic": "viewer"}
"""By name; the admin beside them is `ADMIN`. Everybody's address is name@example.org."""
NOBODY = {"RATES__SIGN_IN": "0", "RATES__API": "0", "RATES__LINK": "0"}
"""No limits by address: everybody comes from one."""


def email_of(name: str) -> str:
    return f"{name}@example.org"


def password_of(name: str) -> str:
    return f"{name} likes long walks"


@dataclass
class Team:
    """The app, and every person's session."""

    app: RunningApp
    sessions: dict[str, str] = field(default_factory=dict)
    """Name → the secret in the cookie."""
    ids: dict[str, str] = field(default_factory=dict)
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def client(self, name: str) -> httpx.Client:
        """Signed in with the person's session; relative addresses are the API's."""
        return self.with_session(self.sessions[name])

    def with_session(self, secret: str) -> httpx.Client:
        client = self.app.client()
        client.cookies.set(COOKIE, secret)
        return client

    def anonymous(self) -> httpx.Client:
        return self.app.client()

    def bearer(self, token: str) -> httpx.Client:
        return self.app.client(headers={"Authorization": f"Bearer {token}"})

    def token(self, name: str, scope: str = "write") -> str:
        """An API token of the person's; the same one each time."""
        if (name, scope) not in self._tokens:
            with self.client(name) as client:
                answer = client.post("/tokens", json={"name": f"{name}-{scope}", "scope": scope})
            assert answer.status_code == 201, answer.text
            self._tokens[name, scope] = answer.json()["token"]
        return self._tokens[name, scope]

    def sign_in(self, name: str, password: str | None = None, **cookies: str) -> httpx.Response:
        """The answer to the form, not followed; `cookies` are what the browser had before."""
        form = {"login": email_of(name), "password": password or password_of(name)}
        return httpx.post(f"{self.app.url}/sign-in", data=form, cookies=cookies, timeout=60)

    def new_session(self, name: str) -> str:
        """Another session of the person's."""
        answer = self.sign_in(name)
        assert answer.status_code == 303, answer.text
        return answer.cookies[COOKIE]

    def add(self, name: str, role: str = "editor") -> None:
        """One more person, signed in."""
        body = {"name": name, "email": email_of(name), "role": role}
        with self.client(ADMIN) as client:
            answer = client.post("/users", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        self.ids[name] = made["id"]
        chosen = httpx.post(made["password_link"], data={"password": password_of(name)}, timeout=60)
        assert chosen.status_code == 303, chosen.text
        self.sessions[name] = chosen.cookies[COOKIE]


def start_team(data_dir: Path, env: Mapping[str, str] | None = None) -> Team:
    """Start the app, and let everybody in. End it with `team.app.stop()`."""
    settings = {
        "AUTH__MODE": "password",
        "AUTH__ADMIN_EMAIL": email_of(ADMIN),
        "AUTH__ADMIN_PASSWORD": password_of(ADMIN),
        **NOBODY,
        **(env or {}),
    }
    team = Team(start_app(data_dir, settings))
    try:
        team.sessions[ADMIN] = team.new_session(ADMIN)
        with team.client(ADMIN) as client:
            team.ids[ADMIN] = client.get("/me").json()["id"]
        for name, role in PEOPLE.items():
            team.add(name, role)
    except BaseException:
        team.app.stop()
        raise
    return team


@contextlib.contextmanager
def running_team(data_dir: Path, env: Mapping[str, str] | None = None) -> Iterator[Team]:
    """For the length of the block."""
    team = start_team(data_dir, env)
    try:
        yield team
    finally:
        team.app.stop()
