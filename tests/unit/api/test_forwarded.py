"""What is left of a call's headers, address and scheme after it is known who said them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.forwarded import Forwarded
from settings import load
from tests.loops import run

PROXY = "10.0.0.1"
WORD = ("x-forwarded-user", "ada")
HEADER_MODE = {"mode": "header", "trusted_proxies": PROXY}


def seen(
    *headers: tuple[str, str], peer: str = PROXY, kind: str = "http", auth: Mapping[str, str] = HEADER_MODE
) -> dict[str, Any]:
    """The scope as it reaches what lies behind."""
    found: dict[str, Any] = {}

    async def behind(scope: Scope, _receive: Receive, _send: Send) -> None:
        found.update(scope)

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is sent")

    scope = {
        "type": kind,
        "scheme": "http" if kind == "http" else "ws",
        "client": (peer, 4711),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    run(Forwarded(behind, settings=load(auth=auth, trusted_proxies="10.0.0.2")), scope, receive, send)
    found["named"] = [(name.decode(), value.decode()) for name, value in found["headers"]]
    return found


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_word_of_a_trusted_proxy_passes_and_nobody_elses(kind: str) -> None:
    assert seen(WORD, kind=kind)["named"] == [WORD]
    assert seen(WORD, ("accept", "*/*"), peer="10.0.0.2", kind=kind)["named"] == [("accept", "*/*")]
    assert seen(WORD, peer=f"::ffff:{PROXY}", kind=kind)["named"] == [WORD]


def test_without_header_mode_nobody_is_believed_about_anybody() -> None:
    assert seen(WORD, auth={"mode": "password", "trusted_proxies": PROXY})["named"] == []


@pytest.mark.parametrize("foreign", ["x_forwarded_user", "x-forwarded_user", "x_forwarded-groups"])
def test_an_underscore_in_a_hyphens_place_is_no_way_round(foreign: str) -> None:
    assert seen((foreign, "root"))["named"] == []
    assert seen(WORD, (foreign, "root"))["named"] == [WORD]


@pytest.mark.parametrize("name", ["x-forwarded-user", "x-forwarded-groups"])
def test_a_word_said_twice_is_none(name: str) -> None:
    # One of the two slipped through a proxy that was to replace it; which one, nobody can tell.
    assert seen(WORD, (name, "root"), (name, "root"))["named"] == []


def test_address_and_scheme_are_the_clients_behind_a_trusted_proxy() -> None:
    said = (("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https"))
    for peer in (PROXY, "10.0.0.2"):  # one that vouches for people is believed about addresses, too
        found = seen(*said, peer=peer)
        assert (found["client"], found["scheme"]) == (("198.51.100.7", 0), "https")
    assert seen(*said, kind="websocket")["scheme"] == "wss"
    found = seen(*said, peer="10.0.0.9")
    assert (found["client"], found["scheme"]) == (("10.0.0.9", 4711), "http")


@pytest.mark.parametrize("said", ["", "javascript", "https, http"])
def test_a_scheme_is_what_the_nearest_proxy_wrote(said: str) -> None:
    assert seen(("x-forwarded-proto", said))["scheme"] == "http"


def test_an_address_in_a_header_is_never_the_peer() -> None:
    assert seen(WORD, ("x-forwarded-for", PROXY), peer="10.0.0.9")["named"] == [("x-forwarded-for", PROXY)]
    assert WORD in seen(WORD, ("x-forwarded-for", "10.0.0.9"))["named"]
