"""What an upload request is to its owner and to whoever has the link, and whether it still goes on."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from catalog.errors import LinkEnded
from db.tables import Role, UploadRequest, User
from db.utc import utc_now

GRACE = timedelta(hours=1)
"""How long after its end what was begun before may be completed: as long as the part links that were handed out."""


class RequestState(StrEnum):
    """`full` may become `active` again, where an upload is cancelled. A visitor is told `locked` before anything else
    of a request that goes on; its owner never."""

    ACTIVE = "active"
    FULL = "full"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class UploadRequestView:
    """A request as its owner sees it. `token` is None where `key_changed`: SECRET_KEY is another one by now, which
    ended it; and for a caller who only reads. `max_size` in bytes, of one file; `files` are those begun and not given
    up."""

    id: uuid.UUID
    token: str | None
    note: str
    state: RequestState
    expires_at: datetime | None
    max_files: int | None
    max_size: int | None
    files: int
    created_at: datetime
    last_used_at: datetime | None
    has_password: bool
    key_changed: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as whoever has the link sees it; where it has ended nothing but that, where it is locked whose it is.

    `files_left` is None where any number is taken.
    """

    state: RequestState
    owner: str = ""
    note: str = ""
    expires_at: datetime | None = None
    max_files: int | None = None
    files_left: int | None = None
    max_size: int | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that a visitor announces; see `NewUpload`. With a `key`, a secret of their own, beginning again after a
    lost answer gives the same upload."""

    file_name: str
    size: int
    content_type: str | None = None
    modified_at: datetime | None = None
    head_sha256: str | None = None
    tail_sha256: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived whole."""

    file_name: str
    size: int


def state_of(row: UploadRequest, owner: User | None, now: datetime) -> RequestState:
    """Where it stands; for a visitor with its `owner`, of whom it depends whether anything is taken."""
    # Nobody takes in files for somebody who may not come in or may not put anything there any more.
    if row.revoked_at is not None or (owner is not None and not _may_receive(owner)):
        return RequestState.REVOKED
    if row.expires_at is not None and row.expires_at <= now:
        return RequestState.EXPIRED
    if row.max_files is not None and row.files >= row.max_files:
        return RequestState.FULL
    return RequestState.ACTIVE


def _may_receive(owner: User) -> bool:
    return owner.disabled_at is None and owner.role != Role.VIEWER


def check_going_on(row: UploadRequest, owner: User, *, begun_at: datetime | None) -> None:
    """Raises LinkEnded. What was begun before the end, at `begun_at`, goes on for a while; not after a revoking."""
    now = utc_now()
    state = state_of(row, owner, now)
    if state is RequestState.REVOKED:
        raise LinkEnded("This link was taken back. Ask whoever sent it to you for a new one.")
    if state is RequestState.EXPIRED:
        ended = row.expires_at
        if begun_at is None or ended is None or begun_at >= ended or now >= ended + GRACE:
            raise LinkEnded("This link has expired. Ask whoever sent it to you for a new one.")
