"""Who may call what: a rule for every route there is. A call that is answered with success is made on things of its
own where it changes something; one that is refused is made on what stands, which must be as it was in the end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.api.matrix_world import DATA, PASSWORD, WHO, World

API = "/api/ml/v1"
OUT = {"anonymous": 401, "expired": 401, "revoked": 401}
Expected = Mapping[str, int]


@dataclass
class Ask:
    """What is sent: names in the path, and the options of the HTTP client."""

    path: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


Make = Callable[[World, str, bool], Ask]
"""What somebody asks; the last says whether it is to succeed, so that it needs things of its own."""


@dataclass(frozen=True)
class Rule:
    method: str
    path: str
    expected: Expected
    make: Make
    says: str = ""

    @property
    def route(self) -> tuple[str, str]:
        return self.method, self.path


def reads(ok: int = 200) -> Expected:
    """What whoever sees a dataset may do."""
    return {**dict.fromkeys(WHO, ok), **OUT, "stranger": 404, "admin": 404}


def edits(ok: int = 200) -> Expected:
    return {**reads(ok), "reader": 403, "team": 403, "read_only": 403, "viewer": 403}


def owns(ok: int = 200) -> Expected:
    return {**edits(ok), "editor": 403}


def alone(ok: int = 200, *, viewer: int = 404, read_only: int = 403) -> Expected:
    """What is the owner's own and nobody else's: to others it is not there."""
    return {**dict.fromkeys(WHO, 404), **OUT, "owner": ok, "read_only": read_only, "viewer": viewer}


def signed_in(ok: int = 200, **others: int) -> Expected:
    return {**dict.fromkeys(WHO, ok), **OUT, **others}


def writes(ok: int = 200) -> Expected:
    return signed_in(ok, read_only=403, viewer=403)


def admins(ok: int = 200) -> Expected:
    return {**dict.fromkeys(WHO, 403), **OUT, "admin": ok}


def everyone(status: int) -> Expected:
    return dict.fromkeys(WHO, status)


def plain(**options: Any) -> Make:
    """The standing things, and the same body for everybody."""
    return lambda _world, _who, _ok: Ask(options=dict(options))


def on_fresh(**options: Any) -> Make:
    """A dataset of its own where it is to succeed."""

    def make(world: World, who: str, ok: bool) -> Ask:
        if not ok:
            return Ask(options=dict(options))
        subject = world.fresh(who)
        return Ask({"dataset_id": subject.dataset_id, "file_id": subject.file_id}, dict(options))

    return make


def renaming(world: World, who: str, ok: bool) -> Ask:
    """A name of its own each time: no two datasets of an owner have the same one."""
    return on_fresh(json={"name": uuid.uuid4().hex})(world, who, ok)


def named(name: str, made: Callable[[World], str], **options: Any) -> Make:
    """A thing of its own under that name in the path, for everybody who is let in at all."""
    return lambda world, who, _ok: Ask({} if who in OUT else {name: made(world)}, dict(options))


def in_trash(world: World, who: str, ok: bool) -> Ask:
    return Ask({} if who in OUT else {"item_id": world.trashed(who)})


def own_upload(world: World, who: str, ok: bool) -> Ask:
    return Ask({"upload_id": world.begin(world.subject(who))["upload_id"]} if ok else {})


def completing(world: World, who: str, ok: bool) -> Ask:
    if not ok:
        return Ask(options={"json": {"parts": [{"number": 1, "etag": "x"}]}})
    started = world.begin(world.fresh(who))
    return Ask({"upload_id": started["upload_id"]}, {"json": {"parts": world.sent(started)}})


def new_version(world: World, who: str, ok: bool) -> Ask:
    return Ask(options={"json": {"filename": "v.csv", "size": 3, "dataset_id": world.subject(who).dataset_id}})


def looked_into(*, version: bool) -> Make:
    def make(world: World, who: str, ok: bool) -> Ask:
        form = {"filename": "i.csv", "size": str(len(DATA))}
        form |= {"dataset_id": world.subject(who).dataset_id} if version else {}
        return Ask(options={"data": form, "files": {"head": DATA, "tail": DATA}})

    return make


def own_link(world: World, who: str, ok: bool) -> Ask:
    return Ask({"share_id": world.share(world.shared)["id"]} if ok else {}, {})


def renewing(world: World, who: str, ok: bool) -> Ask:
    return Ask(own_link(world, who, ok).path, {"json": {"expires_in_sec": 3600}})


def own_request(world: World, who: str, ok: bool) -> Ask:
    made = world.made(world.owner.post("/requests", json={"note": "another"})) if ok else world.request
    return Ask({"request_id": made["id"]})


def by_request(*, own: bool = False, **options: Any) -> Make:
    """By the upload request's link, for an upload of its own."""

    def make(world: World, _who: str, _ok: bool) -> Ask:
        path = {"token": world.request["token"]}
        return Ask(path | ({"upload_id": world.offered()["upload_id"]} if own else {}), dict(options))

    return make


def offering(world: World, _who: str, _ok: bool) -> Ask:
    body = {"filename": "o.csv", "size": 3, "key": uuid.uuid4().hex}
    return Ask({"token": world.request["token"]}, {"json": body})


def completing_offered(world: World, _who: str, _ok: bool) -> Ask:
    started = world.offered()
    path = {"token": world.request["token"], "upload_id": started["upload_id"]}
    return Ask(path, {"json": {"parts": world.sent(started)}})


def unlocking(world: World, _who: str, _ok: bool) -> Ask:
    return Ask({"token": world.locked_link["token"]}, {"data": {"password": PASSWORD}})


def another_group(world: World, _who: str, ok: bool) -> Ask:
    return Ask({"group_id": world.group()} if ok else {})


def another_user(**options: Any) -> Make:
    def make(world: World, _who: str, ok: bool) -> Ask:
        return Ask({"user_id": world.user_id()} if ok else {}, dict(options))

    return make


def emptied(world: World, _who: str, ok: bool) -> Ask:
    if ok:
        world.trashed("owner")
    return Ask()


def handing_all_over(world: World, _who: str, ok: bool) -> Ask:
    return Ask({"user_id": world.user_id()} if ok else {}, {"json": {"to": world.team.ids["ben"]}})


def somebody(_world: World, _who: str, _ok: bool) -> Ask:
    """Another one each time: wrong passwords of one name are slowed."""
    return Ask(options={"data": {"login": uuid.uuid4().hex, "password": "no"}})


def new_person(_world: World, _who: str, _ok: bool) -> Ask:
    name = f"n{uuid.uuid4().hex[:8]}"
    return Ask(options={"json": {"name": name, "email": f"{name}@example.org", "role": "viewer"}})


def new_name(*, group: bool = False) -> Make:
    more: dict[str, Any] = {"members": []} if group else {"scope": "read"}
    return lambda _world, _who, _ok: Ask(options={"json": {"name": uuid.uuid4().hex[:8], **more}})


SQL = {"json": {"sql": "SELECT count(*) FROM data", "limit": 10}}
DIGESTS = {"size": 3, "head_sha256": "0" * 64, "tail_sha256": "0" * 64}
SEEN = {"link": "http://localhost/x", "reached": True, "clock_ahead": 0, "sizes": [0, 0, 0]}
NO_SUCH = {"params": {"token": "none"}}

RULES = [
    # Datasets
    Rule("GET", f"{API}/datasets", signed_in(), plain()),
    Rule("GET", f"{API}/datasets/{{dataset_id}}", reads(), plain()),
    Rule("PATCH", f"{API}/datasets/{{dataset_id}}", edits(), on_fresh(json={"description": "changed"})),
    Rule("PATCH", f"{API}/datasets/{{dataset_id}}", owns(), renaming, says="its name"),
    Rule("DELETE", f"{API}/datasets/{{dataset_id}}", owns(204), on_fresh()),
    Rule("GET", f"{API}/datasets/{{dataset_id}}/read-as", reads(), plain()),
    Rule("PUT", f"{API}/datasets/{{dataset_id}}/read-as", edits(), on_fresh(json={"delimiter": ";"})),
    Rule("GET", f"{API}/datasets/{{dataset_id}}/similar", reads(), plain()),
    Rule("GET", f"{API}/datasets/{{dataset_id}}/compare", reads(), plain(params={"old": 1, "new": 1})),
    Rule("GET", f"{API}/datasets/{{dataset_id}}/access", reads(), plain()),
    Rule(
        "PUT", f"{API}/datasets/{{dataset_id}}/access", owns(), on_fresh(json={"people": [], "visibility": "private"})
    ),
    Rule("PUT", f"{API}/datasets/{{dataset_id}}/owner", {**owns(204), "admin": 204}, on_fresh(json={"to": "rea"})),
    Rule("GET", f"{API}/datasets/{{dataset_id}}/activity", reads(), plain()),
    # Uploads
    Rule("POST", f"{API}/uploads", writes(201), plain(json={"filename": "a.csv", "size": 3})),
    Rule("POST", f"{API}/uploads", edits(201), new_version, says="a new version"),
    Rule("POST", f"{API}/uploads/same", signed_in(), plain(json=DIGESTS)),
    Rule("GET", f"{API}/uploads", signed_in(), plain()),
    Rule("GET", f"{API}/uploads/{{upload_id}}", alone(), plain()),
    Rule("POST", f"{API}/uploads/{{upload_id}}/parts", alone(), plain(json={"numbers": [1]})),
    Rule("POST", f"{API}/uploads/{{upload_id}}/complete", alone(), completing),
    Rule("DELETE", f"{API}/uploads/{{upload_id}}", alone(204), own_upload),
    Rule("POST", f"{API}/inspect", signed_in(), looked_into(version=False)),
    Rule("POST", f"{API}/inspect", edits(), looked_into(version=True), says="a new version"),
    # Files
    Rule("GET", f"{API}/files/{{file_id}}", reads(), plain()),
    Rule("DELETE", f"{API}/files/{{file_id}}", edits(204), on_fresh()),
    Rule("DELETE", f"{API}/files/{{file_id}}", owns(204), on_fresh(params={"permanent": "true"}), says="for good"),
    Rule("GET", f"{API}/files/{{file_id}}/download-url", reads(), plain()),
    Rule("GET", f"{API}/files/{{file_id}}/download", reads(307), plain()),
    Rule("HEAD", f"{API}/files/{{file_id}}/download", reads(), plain()),
    Rule("GET", f"{API}/files/{{file_id}}/preview", reads(), plain()),
    Rule("GET", f"{API}/files/{{file_id}}/parts", reads(), plain()),
    Rule("GET", f"{API}/files/{{file_id}}/profile", reads(), plain(params={"partial": "true"})),
    Rule("GET", f"{API}/files/{{file_id}}/cell", reads(), plain(params={"row": 0, "column": "id"})),
    Rule("POST", f"{API}/files/{{file_id}}/query", reads(), plain(**SQL)),
    Rule("POST", f"{API}/files/{{file_id}}/query/export", reads(), plain(json={"sql": "FROM data", "format": "csv"})),
    Rule("POST", f"{API}/files/{{file_id}}/chart", reads(), plain(json={"kind": "bar", "x": "station"})),
    # The trash
    Rule("GET", f"{API}/trash", signed_in(), plain()),
    Rule("POST", f"{API}/trash/{{item_id}}/restore", {**edits(), "reader": 404, "team": 404}, in_trash),
    Rule("DELETE", f"{API}/trash/{{item_id}}", {**owns(204), "reader": 404, "team": 404}, in_trash),
    Rule("DELETE", f"{API}/trash", writes(204), emptied),
    # Whoever runs the shelf
    Rule("GET", f"{API}/doctor", admins(), plain()),
    Rule("POST", f"{API}/doctor/probe", admins(201), plain()),
    Rule("POST", f"{API}/doctor/probe/{{probe_id}}/complete", admins(), plain(json={"parts": []})),
    Rule("POST", f"{API}/doctor/findings", admins(), plain(json=SEEN)),
    Rule("DELETE", f"{API}/doctor/probe/{{probe_id}}", admins(204), plain()),
    Rule("POST", f"{API}/doctor/cors", admins(409), plain()),
    Rule("GET", f"{API}/activity", admins(), plain()),
    Rule("GET", f"{API}/activity/export", admins(), plain()),
    Rule("GET", f"{API}/users", admins(), plain()),
    Rule("POST", f"{API}/users", admins(201), new_person),
    Rule("PATCH", f"{API}/users/{{user_id}}", admins(), another_user(json={"disabled": True})),
    Rule("POST", f"{API}/users/{{user_id}}/password-link", admins(), another_user()),
    Rule("POST", f"{API}/users/{{user_id}}/hand-over", admins(), handing_all_over),
    Rule("GET", f"{API}/groups", admins(), plain()),
    Rule("POST", f"{API}/groups", admins(201), new_name(group=True)),
    Rule("PATCH", f"{API}/groups/{{group_id}}", admins(), plain(json={"members": []})),
    Rule("DELETE", f"{API}/groups/{{group_id}}", admins(204), another_group),
    # Oneself
    Rule("GET", f"{API}/me", signed_in(), plain()),
    Rule(
        "PATCH", f"{API}/me", signed_in(read_only=403), lambda w, who, _ok: Ask(options={"json": {"name": w.name(who)}})
    ),
    Rule("POST", f"{API}/me/password", signed_in(422, read_only=403), plain(json={"old": "", "new": ""})),
    Rule("GET", f"{API}/me/sessions", signed_in(), plain()),
    Rule("DELETE", f"{API}/me/sessions/{{session_id}}", alone(204), named("session_id", World.session_id)),
    Rule("GET", f"{API}/people", signed_in(), plain()),
    Rule("POST", f"{API}/tokens", signed_in(201, read_only=403), new_name()),
    Rule("GET", f"{API}/tokens", signed_in(), plain()),
    Rule("DELETE", f"{API}/tokens/{{token_id}}", alone(204), named("token_id", World.token_id)),
    # Links, and their owners
    Rule("POST", f"{API}/files/{{file_id}}/shares", edits(201), plain(json={"expires_in_sec": 3600})),
    Rule("GET", f"{API}/shares", signed_in(), plain()),
    Rule("POST", f"{API}/shares/{{share_id}}/renew", alone(viewer=403), renewing),
    Rule("DELETE", f"{API}/shares/{{share_id}}", alone(204, viewer=403), own_link),
    Rule("POST", f"{API}/requests", writes(201), plain(json={"note": "send it"})),
    Rule("GET", f"{API}/requests", signed_in(), plain()),
    Rule("DELETE", f"{API}/requests/{{request_id}}", alone(204), own_request),
    # Links, and whoever has one
    Rule("GET", "/s/{token}", everyone(303), plain()),
    Rule("POST", "/s/{token}/unlock", everyone(303), unlocking),
    Rule("GET", "/s/{token}/download", everyone(307), plain()),
    Rule("HEAD", "/s/{token}/download", everyone(200), plain()),
    Rule("GET", "/s/{token}/raw/{file_name}", everyone(307), plain()),
    Rule("HEAD", "/s/{token}/raw/{file_name}", everyone(200), plain()),
    Rule("POST", "/s/{token}/uploads", everyone(201), offering),
    Rule("GET", "/s/{token}/uploads/{upload_id}", everyone(200), by_request(own=True)),
    Rule("POST", "/s/{token}/uploads/{upload_id}/parts", everyone(200), by_request(own=True, json={"numbers": [1]})),
    Rule("POST", "/s/{token}/uploads/{upload_id}/complete", everyone(200), completing_offered),
    Rule("DELETE", "/s/{token}/uploads/{upload_id}", everyone(204), by_request(own=True)),
    # Signed addresses: the signature is the credential, and here is none
    *(Rule(how, f"{API}/objects/{{bucket}}/{{key:path}}", everyone(403), plain()) for how in ("GET", "HEAD", "PUT")),
    *(Rule(how, f"{API}/relay/{{bucket}}/{{key:path}}", everyone(403), plain()) for how in ("GET", "HEAD", "PUT")),
    # The way in
    Rule("GET", "/sign-in", {**everyone(303), "anonymous": 200, "expired": 200, "revoked": 200}, plain()),
    Rule("POST", "/sign-in", everyone(401), somebody),
    Rule("GET", "/sign-in/form_page.css", everyone(200), plain()),
    Rule("POST", "/sign-out", everyone(303), plain()),
    *(
        Rule(how, path, everyone(410), plain(**NO_SUCH))
        for path in ("/set-up", "/set-password")
        for how in ("GET", "POST")
    ),
    Rule("GET", "/sign-in/oidc", everyone(422), plain()),
    Rule("GET", "/sign-in/callback", everyone(422), plain()),
    # What everybody may know. Figures have no names in them; who reads them is the proxy's to say.
    Rule("GET", "/api/health/live", everyone(200), plain()),
    Rule("GET", "/api/health/ready", everyone(200), plain()),
    Rule("GET", "/metrics", everyone(200), plain()),
    Rule("GET", f"{API}/docs", everyone(200), plain()),
    *(Rule(how, f"{API}/openapi.json", everyone(200), plain()) for how in ("GET", "HEAD")),
]
