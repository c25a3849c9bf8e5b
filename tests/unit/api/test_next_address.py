"""Where a sign-in may lead: on this origin, whatever is tried."""

from __future__ import annotations

import pytest

from api.next_address import safe_next, sign_in_address


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ("/", "/"),
        ("/storage", "/storage"),
        ("/dataset?id=1&tab=preview#x", "/dataset?id=1&tab=preview"),
        ("/?q=a%20b&url=http://elsewhere.example", "/?q=a%20b&url=http://elsewhere.example"),
        ("/?q=größe", "/?q=gr%C3%B6%C3%9Fe"),
        ("/%2F%2Felsewhere.example", "/%2F%2Felsewhere.example"),
        ("/@elsewhere.example", "/@elsewhere.example"),
        ("/sign-internal", "/sign-internal"),
    ],
)
def test_an_address_of_ours_is_gone_on_to(wanted: str, after: str) -> None:
    assert safe_next(wanted) == after


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "storage",
        "//elsewhere.example",
        "///elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "/\\/elsewhere.example",
        "http://elsewhere.example/",
        "https:elsewhere.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        "\t//elsewhere.example",
        " //elsewhere.example",
        "/ /elsewhere.example",
        "/\r\nSet-Cookie: a=b",
        "/\x00",
        "/\u202eelsewhere",
        "/\u2028",
        "/\ud800",
        "/x//elsewhere.example",
        "/..//elsewhere.example",
        "/.//elsewhere.example",
        "//[elsewhere",
        "@elsewhere.example",
        "?next=//elsewhere.example",
        "/sign-in",
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/set-up?token=x",
        "/" + "x" * 5000,
    ],
)
def test_anything_else_leads_to_the_first_page(wanted: str | None) -> None:
    assert safe_next(wanted) == "/"


def test_the_sign_in_page_remembers_where_somebody_wanted_to_go() -> None:
    assert sign_in_address("/dataset?id=1&v=2") == "/sign-in?next=%2Fdataset%3Fid%3D1%26v%3D2"
    assert sign_in_address("/") == sign_in_address("//elsewhere.example") == "/sign-in"
