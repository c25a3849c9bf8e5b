"""Where the next page of a list begins: an opaque token, good only for the list that made it.

The token is not secret and not signed: it holds the last row's own sort value and id, and its content is checked like
any other input. Tied to the order and the filters, because under another order it would skip rows in silence.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.errors import InvalidCursor
from catalog.names import has_control

LONGEST = 8_192
BIGGEST = 2**63 - 1
"""What a 64-bit integer column holds."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the value it is sorted by, and its id."""

    value: datetime | str | int
    id: uuid.UUID


def fingerprint(parts: Sequence[object]) -> str:
    """A short digest of an order and its filters."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def encode(cursor: Cursor, mark: str) -> str:
    value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
    content = json.dumps([mark, value, cursor.id.hex], ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(token: str, mark: str, kind: type[datetime] | type[str] | type[int]) -> Cursor:
    """Raises InvalidCursor where the token is not one of this list's."""
    try:
        return _read(token, mark, kind)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidCursor("This page of the list is not known any more. Start again from the first page.") from None


def _read(token: str, mark: str, kind: type[datetime] | type[str] | type[int]) -> Cursor:
    if len(token) > LONGEST:
        raise ValueError(token)
    content: Any = json.loads(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True))
    its_mark, value, hexadecimal = content
    if its_mark != mark:
        raise ValueError(its_mark)
    return Cursor(_checked(value, kind), uuid.UUID(hex=hexadecimal))


def _checked(value: Any, kind: type[datetime] | type[str] | type[int]) -> datetime | str | int:
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError(value)
        return at.astimezone(UTC)
    if type(value) is not kind:
        raise TypeError(value)
    if isinstance(value, int) and not 0 <= value <= BIGGEST:
        raise ValueError(value)
    if isinstance(value, str) and has_control(value):
        raise ValueError(value)
    return value
