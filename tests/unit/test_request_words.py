"""What an upload request's page and its row say of the limits."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog.request_state import Asked, RequestState, UploadRequestView
from pages.link_words import ENDED_BY_KEY
from pages.request_links import row
from pages.requested import full, limits, title

NOW = datetime(2026, 11, 29, 14, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "Any number of files"),
        ({"max_size": 2_000_000_000}, "Files of up to 2 GB each"),
        ({"max_files": 1, "files_left": 1}, "Up to 1 file"),
        ({"max_files": 1, "files_left": 1, "max_size": 1_500_000}, "Up to 1 file of 1.5 MB"),
        ({"max_files": 3, "files_left": 3, "max_size": 2_000_000_000}, "Up to 3 files of 2 GB each"),
        ({"max_files": 3, "files_left": 1, "expires_at": NOW}, "Up to 3 files, until 29 Nov, 14:02 UTC · 1 left"),
        ({"expires_at": NOW + timedelta(days=60)}, "Any number of files, until 28 Jan 2027, 14:02 UTC"),
        ({"max_files": 3, "files_left": 0}, "Up to 3 files"),
    ],
)
def test_limits_are_said_in_one_line(known: dict[str, Any], said: str) -> None:
    assert limits(Asked(RequestState.ACTIVE, "ada", **known), now=NOW) == said


def test_who_asks_is_named_where_there_is_a_name() -> None:
    assert title(Asked(RequestState.ACTIVE, "Ada *L*")) == r"Ada \*L\* asks you for files"
    assert title(Asked(RequestState.ACTIVE, "local")) == "You are asked for files"
    assert title(Asked(RequestState.REVOKED)) == "No more files are taken"
    assert full(Asked(RequestState.FULL, max_files=1)).startswith("The file was sent")
    assert full(Asked(RequestState.FULL, max_files=3)).startswith("3 files were sent")


def view(**known: Any) -> UploadRequestView:
    fields: dict[str, Any] = {
        "id": uuid.UUID(int=1),
        "token": "secret",
        "note": "Sales",
        "state": RequestState.ACTIVE,
        "expires_at": NOW + timedelta(hours=2),
        "max_files": 3,
        "max_size": 2_000_000_000,
        "files": 2,
        "created_at": NOW,
        "last_used_at": None,
        "has_password": True,
    }
    return UploadRequestView(**{**fields, **known})


def test_a_row_offers_what_can_be_done() -> None:
    there = row(view(), now=NOW, zone=UTC, base="https://shelf.example.org")
    assert (there.url, there.shown) == ("https://shelf.example.org/s/secret", "shelf.example.org/s/secret")
    assert (there.name, there.about, there.used) == ("Sales", "up to 2 GB each · password", "2 of 3")
    assert (there.act, there.ended, there.urgent) == ("revoke", "", True)
    full_one = row(view(state=RequestState.FULL), now=NOW, zone=UTC, base="")
    assert (full_one.act, full_one.ended) == ("revoke", "Full")
    over = row(view(state=RequestState.REVOKED), now=NOW, zone=UTC, base="")
    assert (over.act, over.ended, over.url) == ("", "Revoked", "")
    assert row(view(), now=NOW, zone=UTC, base="", may_change=False).act == ""
    lost = row(view(token=None, state=RequestState.REVOKED, key_changed=True), now=NOW, zone=UTC, base="")
    assert (lost.url, lost.act) == ("", "")
    assert ENDED_BY_KEY in lost.about
