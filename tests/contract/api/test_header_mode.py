"""AUTH__MODE=header: a proxy's word counts by the address it comes from, and no header changes that address."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.app_server import RunningApp, running_app
from tests.shelf_client import problem, put_part

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"
ADA = {"X-Forwarded-User": "ada", "X-Forwarded-Email": "ada@example.org"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    env = {
        "AUTH__MODE": "header",
        "AUTH__TRUSTED_PROXIES": PROXY,
        "AUTH__ADMIN_GROUPS": "shelf-admins",
        "AUTH__EDITOR_GROUPS": "team",
        "AUTH__DEFAULT_ROLE": "refused",
    }
    with running_app(tmp_path_factory.mktemp("header-mode") / "data", env) as running:
        yield running


def client(app: RunningApp, headers: dict[str, str] | list[tuple[str, str]], *, peer: str = PROXY) -> httpx.Client:
    """One that calls from an address of this machine."""
    url = f"http://127.0.0.1:{app.port}/api/ml/v1"
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=peer), timeout=60, headers=headers)


def call(app: RunningApp, headers: dict[str, str] | list[tuple[str, str]], *, peer: str = PROXY) -> httpx.Response:
    with client(app, headers, peer=peer) as calling:
        return calling.get("/datasets")


def test_whom_the_proxy_names_is_in(app: RunningApp) -> None:
    assert call(app, {**ADA, "X-Forwarded-Groups": "team,other"}).status_code == 200


@pytest.mark.parametrize("peer", ["127.0.0.1", STRANGER])
@pytest.mark.parametrize("forged", [{}, {"X-Forwarded-For": PROXY}, {"X-Forwarded-For": f"6.6.6.6, {PROXY}"}])
def test_from_any_other_address_the_same_word_is_nobodys(app: RunningApp, peer: str, forged: dict[str, str]) -> None:
    # Loopback is where uvicorn and TRUSTED_PROXIES believe X-Forwarded-For: it names the client, and never the peer.
    answer = call(app, {**ADA, "X-Forwarded-Groups": "shelf-admins", **forged}, peer=peer)
    problem(answer, 401)


def test_a_forged_address_makes_the_proxy_no_stranger(app: RunningApp) -> None:
    # A client behind the proxy writes X-Forwarded-For as it likes, and the proxy appends to it.
    answer = call(app, {**ADA, "X-Forwarded-Groups": "team", "X-Forwarded-For": f"{STRANGER}, 198.51.100.7"})
    assert answer.status_code == 200


def test_nobody_named_is_nobody_signed_in(app: RunningApp) -> None:
    problem(call(app, {**ADA, "X-Forwarded-User": "", "X-Forwarded-Groups": "team"}), 401)
    problem(call(app, {**ADA, "X-Forwarded-User": "x" * 9000, "X-Forwarded-Groups": "team"}), 401)
    problem(call(app, {"X-Forwarded-Email": "ada@example.org", "X-Forwarded-Groups": "team"}), 401)
    problem(call(app, {}), 401)


@pytest.mark.parametrize("name", ["X-Forwarded-User", "X-Forwarded-Groups"])
def test_two_words_are_none(app: RunningApp, name: str) -> None:
    said = [*ADA.items(), ("X-Forwarded-Groups", "team"), (name, "shelf-admins")]
    problem(call(app, said), 401)


def test_case_does_not_count_and_underscores_are_no_way_round(app: RunningApp) -> None:
    lower = {name.lower(): value for name, value in {**ADA, "X-Forwarded-Groups": "team"}.items()}
    assert call(app, lower).status_code == 200
    problem(call(app, {"X_Forwarded_User": "ada", "X_Forwarded_Groups": "team"}), 401)
    answer = call(app, {"X-Forwarded-User": "nora", "X_Forwarded_Groups": "team"})
    assert "nobody has let you in" in problem(answer, 401)["detail"]


def test_groups_decide_each_time(app: RunningApp) -> None:
    # Whom no group lets in is refused at the next call, not when a cache has run out.
    bo = {"X-Forwarded-User": "bo"}
    assert call(app, {**bo, "X-Forwarded-Groups": "team"}).status_code == 200
    problem(call(app, {**bo, "X-Forwarded-Groups": "others"}), 401)
    assert call(app, {**bo, "X-Forwarded-Groups": "team"}).status_code == 200


def test_the_screens_see_only_what_the_proxy_said(app: RunningApp) -> None:
    """Streamlit hands the headers of its websocket to the pages: from a stranger there are none, so nobody is in."""
    headers = {**ADA, "X-Forwarded-Groups": "team"}
    with client(app, headers) as calling:
        started = calling.post("/uploads", json={"filename": "adas-harvest.csv", "size": 4}).json()
        etag = put_part(started["parts"][0]["url"], b"a\n1\n")
        done = calling.post(f"/uploads/{started['upload_id']}/complete", json={"parts": [{"number": 1, "etag": etag}]})
        assert done.status_code == 200, done.text
    assert b"adas-harvest" in _first_screen(app, PROXY, headers)
    assert b"adas-harvest" not in _first_screen(app, STRANGER, {**headers, "X-Forwarded-For": PROXY})


def test_a_screens_old_word_gives_no_role_back(app: RunningApp) -> None:
    cleo = {"X-Forwarded-User": "cleo"}
    admin, editor = ({**cleo, "X-Forwarded-Groups": groups} for groups in ("shelf-admins", "team"))
    with client(app, admin) as calling:
        assert calling.get("/users").status_code == 200
    assert b":gray[Admin]" in _first_screen(app, PROXY, admin)
    with client(app, editor) as calling:
        assert calling.get("/users").status_code == 403
        old_tab = _first_screen(app, PROXY, admin)
        assert (b":gray[Admin]" in old_tab, b":gray[Editor]" in old_tab) == (False, True)
        assert calling.get("/users").status_code == 403
        assert calling.get("/me").json()["role"] == "editor"


def _first_screen(app: RunningApp, peer: str, headers: dict[str, str]) -> bytes:
    """What the first run of the frame sends over the websocket, until it has ended."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    url = f"ws://127.0.0.1:{app.port}/_stcore/stream"
    got = b""
    try:
        with connect(
            url,
            source_address=(peer, 0),
            additional_headers=headers,
            subprotocols=["streamlit"],  # type: ignore[list-item]  # a NewType of str
            max_size=None,
        ) as socket:
            socket.send(BackMsg(rerun_script={}).SerializeToString())
            while True:
                message = socket.recv(timeout=60)
                assert isinstance(message, bytes)
                got += message
                if ForwardMsg.FromString(message).WhichOneof("type") == "script_finished":
                    return got
    except InvalidStatus as refused:
        return str(refused).encode()


def test_the_sign_in_page_says_what_the_proxy_said(app: RunningApp) -> None:
    root = f"http://127.0.0.1:{app.port}"
    with client(app, {**ADA, "X-Forwarded-Groups": "team", "Accept": "text/html"}) as named:
        page = named.get(f"{root}/sign-in", params={"next": "/trash"})
        assert (page.status_code, "says that you are ada" in page.text) == (200, True)
        assert 'href="/trash"' in page.text
        assert named.get(f"{root}/trash").status_code == 200
    with client(app, {**ADA, "Accept": "text/html"}) as refused:
        away = refused.get(f"{root}/dataset?id=5")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Fdataset%3Fid%3D5")
        assert "nobody has let you in here" in refused.get(f"{root}/sign-in").text
    with client(app, ADA, peer=STRANGER) as stranger:
        assert "No trusted proxy says who you are" in stranger.get(f"{root}/sign-in").text
        for way in ("/sign-in/oidc", "/sign-in/callback?state=x&code=y"):
            assert "nobody signs in here by a provider" in stranger.get(f"{root}{way}").text


def test_the_log_says_that_a_word_came_twice(app: RunningApp) -> None:
    call(app, [*ADA.items(), ("X-Forwarded-User", "root")])
    assert "identity_header_twice" in app.log
