"""Signing and verifying links to local files, without a server."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Grant, LinkExpired, LinkInvalid
from storage.signed_links import LINK_PATH, sign_link, verify_link

SECRET = b"s" * 32
HOUR = timedelta(hours=1)


def signed(method: str = "GET", *, key: str = "datasets/2026/11/x", **more: object) -> str:
    chosen: dict[str, object] = {"expires_in": HOUR, "secret": SECRET, "base": "http://shelf:8501", **more}
    return sign_link(method, bucket="datasets", key=key, **chosen)  # type: ignore[arg-type]  # each test's own choice


def verified(url: str, method: str = "GET", *, secret: bytes = SECRET) -> Grant:
    parts = urlsplit(url)
    bucket, _, key = unquote(parts.path).removeprefix(f"{LINK_PATH}/").partition("/")
    return verify_link(method, bucket=bucket, key=key, query=parts.query, secret=secret)


def test_link_says_what_it_allows() -> None:
    grant = verified(signed(filename="Übersicht & more.csv", inline=True))
    assert (grant.method, grant.bucket, grant.key) == ("GET", "datasets", "datasets/2026/11/x")
    assert (grant.filename, grant.inline, grant.upload_id, grant.part_number) == (
        *("Übersicht & more.csv", True),
        *(None, None),
    )
    assert HOUR - timedelta(seconds=5) < grant.expires_at - datetime.now(UTC) <= HOUR


def test_part_link_says_which_part() -> None:
    grant = verified(signed("PUT", upload_id="abc", part_number=7), "PUT")
    assert (grant.upload_id, grant.part_number) == ("abc", 7)


@pytest.mark.parametrize(("made", "used"), [("GET", "HEAD"), ("GET", "PUT"), ("PUT", "GET"), ("PUT", "DELETE")])
def test_link_is_for_its_own_method(made: str, used: str) -> None:
    with pytest.raises(LinkInvalid):
        verified(signed(made), used)


def test_link_of_another_secret_is_invalid() -> None:
    with pytest.raises(LinkInvalid) as caught:
        verified(signed(), secret=b"t" * 32)
    assert isinstance(caught.value, PermissionError)


def test_link_lasts_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    url, now = signed(expires_in=timedelta(seconds=1)), time.time()
    verified(url)
    monkeypatch.setattr("storage.signed_links.time.time", lambda: now + 1.01)
    with pytest.raises(LinkExpired):
        verified(url)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("x?", "y?"),
        lambda url: url.replace("/datasets/datasets", "/models/datasets"),
        lambda url: url.replace("a.csv", "b.csv"),
        lambda url: re.sub(r"expires=\d", "expires=9", url),
        lambda url: f"{url}&inline=1",
        lambda url: f"{url}&uploadId=x&partNumber=1",
        lambda url: f"{url}&filename=b.csv",
        lambda url: f"{url}&signature=0",
        lambda url: f"{url}&other=1",
        lambda url: re.sub("signature=.*", "signature=", url),
        lambda url: re.sub("signature=.*", "signature=%C3%BC", url),
        lambda url: re.sub("&signature=.*", "", url),
        lambda url: re.sub("&expires=[^&]*", "", url),
        lambda url: url.split("?")[0],
        lambda url: url.replace("datasets/2026", "datasets/../2026"),
    ],
)
def test_changed_link_is_invalid(change) -> None:  # type: ignore[no-untyped-def]
    url = signed(filename="a.csv")
    assert change(url) != url
    with pytest.raises(LinkInvalid):
        verified(change(url))


@given(st.text(min_size=1), st.text(min_size=1))
def test_border_between_fields_cannot_be_moved(one: str, two: str) -> None:
    url = signed("PUT", upload_id=f"{one}/{two}", filename=one)
    moved = signed("PUT", upload_id=one, filename=f"{two}/{one}")
    assert url.rpartition("signature=")[2] != moved.rpartition("signature=")[2]


@given(st.text())
def test_any_file_name_comes_back(name: str) -> None:
    grant = verified(signed(filename=name))
    assert grant.filename == name.encode("utf-8", "replace").decode()
