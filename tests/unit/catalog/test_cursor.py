"""A page's token is checked like any other input."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from catalog.cursor import Cursor, decode, encode
from catalog.errors import InvalidCursor

LAST = uuid.uuid4()


def made(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(["mark", value, LAST.hex]).encode()).decode().rstrip("=")


def test_what_was_encoded_comes_back_in_utc() -> None:
    at = datetime(2026, 11, 29, 12, tzinfo=timezone(timedelta(hours=14)))
    back = decode(encode(Cursor(at, LAST), "mark"), "mark", datetime)
    assert (back.value, back.id) == (at, LAST)
    assert isinstance(back.value, datetime)
    assert back.value.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2026-11-29T12:00:00", datetime),
        ("0001-01-01T00:00:00+14:00", datetime),
        ("9999-12-31T23:59:59-14:00", datetime),
        ("yesterday", datetime),
        (7, datetime),
        ("7", int),
        (True, int),
        (-1, int),
        (2**63, int),
        ("a\x00", str),
        (7, str),
    ],
)
def test_an_altered_one_is_refused(value: object, kind: type[datetime] | type[str] | type[int]) -> None:
    with pytest.raises(InvalidCursor):
        decode(made(value), "mark", kind)
    with pytest.raises(InvalidCursor):
        decode(made("a"), "another mark", str)
