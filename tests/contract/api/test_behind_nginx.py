"""deploy/nginx-oauth2-proxy.conf as it stands, in a real nginx, before the real app; oauth2-proxy is ours."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.app_server import ROOT, RunningApp, running_app
from tests.nginx import nginx_with
from tests.real_parts import free_port
from tests.shelf_client import problem

FORGED = {"X-Forwarded-User": "root", "X-Forwarded-Groups": "shelf-admins", "X_Forwarded_User": "root"}


class OAuth2Proxy(BaseHTTPRequestHandler):
    """What oauth2-proxy answers with --set-xauthrequest: 202 and who it is, or 401."""

    def do_GET(self) -> None:
        known = "_oauth2_proxy=ada" in self.headers.get("Cookie", "")
        self.send_response(202 if known else 401)
        if known:
            self.send_header("X-Auth-Request-User", "0b7e-ada")
            self.send_header("X-Auth-Request-Email", "ada@example.org")
            self.send_header("X-Auth-Request-Preferred-Username", "Ada Løvelace".encode().decode("latin-1"))
            self.send_header("X-Auth-Request-Groups", "team,board")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx."""
    folder = tmp_path_factory.mktemp("behind-nginx")
    who = ThreadingHTTPServer(("127.0.0.1", 0), OAuth2Proxy)
    threading.Thread(target=who.serve_forever, daemon=True).start()
    env = {
        "AUTH__MODE": "header",
        "AUTH__TRUSTED_PROXIES": "127.0.0.1",
        "AUTH__EDITOR_GROUPS": "team",
        "AUTH__DEFAULT_ROLE": "refused",
    }
    with running_app(folder / "data", env) as app:
        port = free_port()
        with nginx_with(folder / "nginx", configuration(app, port, who.server_port, folder), port):
            yield f"http://127.0.0.1:{port}"
    who.shutdown()
    who.server_close()


def configuration(app: RunningApp, port: int, who: int, folder: Path) -> str:
    """The file that is shipped, without TLS and on the test's own ports."""
    lines = (ROOT / "deploy" / "nginx-oauth2-proxy.conf").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if "ssl_certificate" not in line)
    for shipped, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8501", f"127.0.0.1:{app.port}"),
        ("127.0.0.1:4180", f"127.0.0.1:{who}"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    return text


def test_whom_oauth2_proxy_names_is_in_under_their_own_name(front: str) -> None:
    with httpx.Client(base_url=front, cookies={"_oauth2_proxy": "ada"}, timeout=60) as ada:
        me = ada.get("/api/ml/v1/me", headers=FORGED).json()
        assert (me["name"], me["role"]) == ("Ada Løvelace", "editor")
        assert ada.get("/trash", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/ml/v1/me", "/api/ml/v1/datasets", "/api/ml/v1/objects/x/y"])
def test_what_a_client_says_of_itself_is_dropped(front: str, path: str) -> None:
    answer = httpx.get(f"{front}{path}", headers=FORGED, timeout=60)
    assert answer.status_code in (401, 403)
    assert "root" not in answer.text
    problem(httpx.get(f"{front}/api/ml/v1/me", headers={"Authorization": "Bearer nothing"}), 401)


def test_who_is_not_signed_in_goes_to_the_provider_and_then_where_they_wanted(front: str) -> None:
    with httpx.Client(base_url=front, headers={"Accept": "text/html"}, timeout=60) as nobody:
        away = nobody.get("/dataset?id=5")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Fdataset%3Fid%3D5")
        there = nobody.get(away.headers["location"])
        assert (there.status_code, there.headers["location"]) == (302, f"{front}/oauth2/start?rd=%2Fdataset%3Fid%3D5")


def test_a_link_needs_no_account(front: str) -> None:
    # Of nothing: what counts is that the app answers, and neither nginx nor oauth2-proxy.
    with httpx.Client(base_url=front, headers={"Accept": "text/html"}, timeout=60) as visitor:
        assert visitor.get("/shared?token=none").status_code == 200
        assert visitor.get("/api/health/live").status_code == 200


def test_the_figures_are_for_nginxs_own_machine(front: str) -> None:
    assert httpx.get(f"{front}/metrics", timeout=60).status_code == 200
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere, base_url=front, timeout=60) as client:
        assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
        assert client.get("/api/health/live").status_code == 200


def test_the_screens_websocket_passes(front: str) -> None:
    url = front.replace("http://", "ws://") + "/_stcore/stream"
    with connect(url, additional_headers={"Cookie": "_oauth2_proxy=ada"}, subprotocols=["streamlit"]) as socket:  # type: ignore[list-item]  # a NewType of str
        assert socket.protocol.state.name == "OPEN"
