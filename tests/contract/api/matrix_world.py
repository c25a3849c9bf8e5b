"""The people and things of the matrix: a small dataset shared with an editor and a reader, one that the team sees, and
whatever a call changes or destroys, made afresh."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import httpx

from catalog.secrets import digest
from tests.team import ADMIN, Team

WHO = (
    *("owner", "reader", "editor", "team", "stranger"),
    *("anonymous", "expired", "revoked", "read_only"),
    *("viewer", "admin"),
)
"""Those who ask. `team` is the stranger before a dataset that the team sees; `viewer` was made its editor, which their
role takes back; `admin` is a stranger to it as well."""
PERSON = {
    "owner": "ben",
    "editor": "eve",
    "reader": "rea",
    "team": "sam",
    "stranger": "sam",
    "viewer": "vic",
    "admin": ADMIN,
}
DATA = b"id,station\n1,x\n2,y\n"
PASSWORD = "a word for the link"


@dataclass(frozen=True)
class Subject:
    """A dataset with one version, and what hangs on it."""

    dataset_id: str
    file_id: str


@dataclass
class World:
    team: Team
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    shared: Subject = field(init=False)
    shown: Subject = field(init=False)
    upload_id: str = field(init=False)
    """Begun by the owner, into the shared dataset."""
    link: dict[str, Any] = field(init=False)
    """A share link of the owner's to the shared dataset."""
    locked_link: dict[str, Any] = field(init=False)
    request: dict[str, Any] = field(init=False)
    """An upload request of the owner's."""
    group_id: str = field(init=False)

    @property
    def owner(self) -> httpx.Client:
        return self.clients["owner"]

    def prepare(self) -> None:
        self.shared, self.shown = self.fresh("owner"), self.fresh("team")
        self.upload_id = self.begin(self.shared)["upload_id"]
        self.link = self.share(self.shared)
        self.locked_link = self.share(self.shared, password=PASSWORD)
        self.request = self.made(self.owner.post("/requests", json={"note": "send it"}))
        self.group_id = self.group()

    def subject(self, who: str) -> Subject:
        """The standing dataset that they ask about."""
        return self.shown if who == "team" else self.shared

    @staticmethod
    def made(answer: httpx.Response) -> dict[str, Any]:
        assert answer.is_success, (answer.request.method, answer.request.url.path, answer.status_code, answer.text)
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body

    def fresh(self, who: str) -> Subject:
        """A dataset to be changed, shared as the standing one is."""
        started = self.made(self.owner.post("/uploads", json={"filename": "m.csv", "size": len(DATA)}))
        detail = self.made(self.complete(started))
        people = [
            {"kind": "user", "id": self.team.ids["eve"], "level": "editor"},
            {"kind": "user", "id": self.team.ids["vic"], "level": "editor"},
            {"kind": "user", "id": self.team.ids["rea"], "level": "reader"},
        ]
        access = {"visibility": "team"} if who == "team" else {"people": people}
        self.made(self.owner.put(f"/datasets/{detail['id']}/access", json=access))
        return Subject(detail["id"], detail["file_id"])

    def begin(self, subject: Subject) -> dict[str, Any]:
        body = {"filename": "n.csv", "size": len(DATA), "dataset_id": subject.dataset_id}
        return self.made(self.owner.post("/uploads", json=body))

    def sent(self, started: dict[str, Any]) -> list[dict[str, Any]]:
        """The parts of an upload, in the store."""
        parts = []
        for part in started["parts"]:
            answer = httpx.put(part["url"], content=DATA, timeout=60)
            parts.append({"number": part["number"], "etag": answer.headers["etag"]})
        return parts

    def complete(self, started: dict[str, Any]) -> httpx.Response:
        return self.owner.post(f"/uploads/{started['upload_id']}/complete", json={"parts": self.sent(started)})

    def trashed(self, who: str) -> str:
        """A dataset in the trash."""
        subject = self.fresh(who)
        self.made(self.owner.delete(f"/datasets/{subject.dataset_id}"))
        return subject.dataset_id

    def share(self, subject: Subject, **more: object) -> dict[str, Any]:
        body = {"expires_in_sec": 3600, **more}
        return self.made(self.owner.post(f"/files/{subject.file_id}/shares", json=body))

    def offered(self) -> dict[str, Any]:
        """An upload begun by the request's link."""
        body = {"filename": "o.csv", "size": len(DATA), "key": uuid.uuid4().hex}
        return self.made(self.clients["anonymous"].post(self.root(f"/s/{self.request['token']}/uploads"), json=body))

    def token_id(self) -> str:
        """A token of the owner's, to be revoked."""
        made = self.made(self.owner.post("/tokens", json={"name": uuid.uuid4().hex[:8], "scope": "read"}))
        return str(made["id"])

    def session_id(self) -> str:
        """Another session of the owner's."""
        with self.team.with_session(self.team.new_session("ben")) as client:
            sessions = self.made(client.get("/me/sessions"))["items"]
        return str(next(one["id"] for one in sessions if one["is_this"]))

    def group(self) -> str:
        made = self.made(self.clients["admin"].post("/groups", json={"name": uuid.uuid4().hex[:8], "members": []}))
        return str(made["id"])

    def user_id(self) -> str:
        """Somebody who may be changed."""
        name = f"u{uuid.uuid4().hex[:8]}"
        body = {"name": name, "email": f"{name}@example.org", "role": "viewer"}
        return str(self.made(self.clients["admin"].post("/users", json=body))["id"])

    def another(self, who: str, *, session: bool = False) -> httpx.Client:
        """The same person in another browser, whose cookies are its own; with `session`, signed in once more."""
        if session and who in PERSON:
            return self.team.with_session(self.team.new_session(PERSON[who]))
        client = self.team.anonymous()
        client.headers = self.clients[who].headers
        client.cookies.update(self.clients[who].cookies)
        return client

    @staticmethod
    def name(who: str) -> str:
        return PERSON.get(who, "ben")

    def root(self, path: str) -> str:
        return f"{self.team.app.url}{path}"


def let_in(team: Team, stack: ExitStack) -> World:
    """Everybody's client; the things are made by `prepare`."""
    world = World(team)
    for name in ("rea", "sam"):
        team.add(name)
    clients = {who: team.client(name) for who, name in PERSON.items()}
    revoked = World.made(clients["owner"].post("/tokens", json={"name": "to be revoked", "scope": "write"}))
    clients |= {
        "anonymous": team.anonymous(),
        "expired": team.with_session(_expired(team)),
        "revoked": team.bearer(revoked["token"]),
        "read_only": team.bearer(team.token("ben", "read")),
    }
    for client in clients.values():
        stack.callback(client.close)
    World.made(clients["owner"].delete(f"/tokens/{revoked['id']}"))
    world.clients = clients
    world.prepare()
    return world


def _expired(team: Team) -> str:
    """A session of the owner's whose time is over: told to the database, for it takes a week."""
    secret = team.new_session("ben")
    with closing(sqlite3.connect(team.app.data_dir / "datashelf.db", timeout=30)) as database, database:
        changed = database.execute(
            "UPDATE user_session SET expires_at = '2020-01-01 00:00:00.000000' WHERE token_hash = ?", (digest(secret),)
        )
        assert changed.rowcount == 1
    return secret


def paths(world: World, who: str) -> Iterator[tuple[str, str]]:
    """What stands for each name in a path, unless a rule says otherwise."""
    subject = world.subject(who)
    yield from {
        "dataset_id": subject.dataset_id,
        "file_id": subject.file_id,
        "upload_id": world.upload_id,
        "item_id": str(uuid.uuid4()),
        "probe_id": str(uuid.uuid4()),
        "token_id": str(uuid.uuid4()),
        "session_id": str(uuid.uuid4()),
        "share_id": world.link["id"],
        "request_id": world.request["id"],
        "user_id": world.team.ids["rea"],
        "group_id": world.group_id,
        "token": world.link["token"],
        "file_name": "m.csv",
        "bucket": "mlops-files",
        "key": "datasets/2026/11/none",
    }.items()
