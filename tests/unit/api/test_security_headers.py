"""The headers of every answer: which policy is whose, and what settings put into it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import settings
from api.security_headers import SecurityHeaders, inline_scripts
from storage import Storages
from tests.loops import run

PAGE = "<html><script>\n window.here = 1\n</script><script src='x.js'></script></html>"


def answered(path: str, **values: Any) -> httpx.Headers:
    """The headers of a plain answer at `path` under these settings."""
    config = settings.load(_env_file=None, **values)
    storages = Storages(config, secret=b"s" * 32, link_base=lambda: "http://localhost")

    async def page(_request: Request) -> Response:
        return PlainTextResponse("x")

    async def own(_request: Request) -> Response:
        return PlainTextResponse("x", headers={"Content-Security-Policy": "sandbox", "Referrer-Policy": "origin"})

    app = Starlette(routes=[Route("/own", own), Route("/{rest:path}", page)])
    app.state.services = SimpleNamespace(storages=storages)
    app.add_middleware(SecurityHeaders, settings=config, page=PAGE)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.get(path)

    return run(ask).headers


def directives(headers: httpx.Headers) -> dict[str, set[str]]:
    parts = (part.split() for part in headers["content-security-policy"].split("; "))
    return {name: set(values) for name, *values in parts}


def test_the_screens_run_their_own_scripts_and_no_others() -> None:
    found = directives(answered("/dataset"))
    assert found["default-src"] == {"'none'"}
    assert found["script-src"] == {"'self'", "blob:", *inline_scripts(PAGE)}
    assert found["object-src"] == {"'none'"}
    assert found["connect-src"] == found["frame-src"] == {"'self'"}
    assert found["form-action"] == found["base-uri"] == found["frame-ancestors"] == {"'self'"}


def test_a_script_is_named_by_the_hash_a_browser_takes_of_it() -> None:
    # The example of CSP Level 3, 8.3: "alert('Hello, world.');".
    assert inline_scripts("<script>alert('Hello, world.');</script>") == (
        "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='",
    )


def test_the_stores_public_origin_may_be_reached_and_no_other() -> None:
    minio = {"public_endpoint": "https://files.example.org/store", "endpoint": "minio:9000"}
    found = directives(answered("/", storage_backend="minio", minio=minio))
    assert found["connect-src"] == found["frame-src"] == {"'self'", "https://files.example.org"}


def test_on_aws_every_bucket_is_a_host() -> None:
    minio = {
        "public_endpoint": "https://s3.eu-central-1.amazonaws.com",
        "region": "eu-central-1",
        "bucket": "team",
        "bucket_models": "team-models",
    }
    found = directives(answered("/", storage_backend="minio", minio=minio))
    assert {
        "https://team.s3.eu-central-1.amazonaws.com",
        "https://team-models.s3.eu-central-1.amazonaws.com",
    } < found["connect-src"]


def test_under_another_name_links_still_begin_with_the_public_url() -> None:
    found = directives(answered("/", public_url="https://shelf.example.org/"))
    assert "https://shelf.example.org" in found["connect-src"]


@pytest.mark.parametrize("path", ["/sign-in", "/set-up", "/set-password"])
def test_pages_with_a_password_run_no_script(path: str) -> None:
    found = directives(answered(path))
    assert "script-src" not in found
    assert found["default-src"] == found["frame-ancestors"] == {"'none'"}


@pytest.mark.parametrize("path", ["/api/ml/v1/datasets", "/metrics", "/s/token/download"])
def test_what_is_no_page_may_do_nothing_and_is_kept_by_no_cache(path: str) -> None:
    headers = answered(path)
    assert set.union(*directives(headers).values()) == {"'none'"}
    assert headers["cache-control"] == "no-store"


def test_a_form_may_lead_to_the_provider() -> None:
    auth = {"mode": "oidc", "oidc_issuer": "https://login.example.org/realms/team", "oidc_client_id": "shelf"}
    assert directives(answered("/sign-in", auth=auth))["form-action"] == {"'self'", "https://login.example.org"}


def test_tls_is_kept_to_only_where_there_is_tls() -> None:
    assert "strict-transport-security" not in answered("/")
    assert "strict-transport-security" not in answered("/", public_url="http://shelf.example.org")
    assert answered("/", public_url="https://shelf.example.org")["strict-transport-security"] == "max-age=31536000"


def test_the_address_of_a_link_is_told_to_no_other_site() -> None:
    assert answered("/shared?token=x")["referrer-policy"] == "same-origin"
    assert answered("/s/x")["referrer-policy"] == "same-origin"
    assert answered("/")["referrer-policy"] == "strict-origin-when-cross-origin"


def test_an_answer_keeps_a_header_of_its_own() -> None:
    headers = answered("/own")
    assert headers["content-security-policy"] == "sandbox"
    assert headers["referrer-policy"] == "origin"
    assert headers["x-content-type-options"] == "nosniff"
