"""What happened, written down in the transaction that made it so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from sqlmodel import Session

from catalog.byte_ranges import bytes_asked
from catalog.names import fold
from catalog.origin import current_origin
from db.tables import Dataset, Event, File, User


class EventKind(StrEnum):
    """The kinds of events there are."""

    UPLOAD_STARTED = "upload_started"
    UPLOAD_COMPLETED = "upload_completed"
    UPLOAD_ABORTED = "upload_aborted"
    UPLOAD_EXPIRED = "upload_expired"
    FILE_DOWNLOADED = "file_downloaded"
    FILE_DELETED = "file_deleted"
    FILE_FAILED = "file_failed"
    FILE_VERIFIED = "file_verified"
    """Every stored byte was read again after the file had failed, and was right."""
    FILE_MOVED = "file_moved"
    """Its bytes lie on another backend now."""
    FILE_TRASHED = "file_trashed"
    FILE_RESTORED = "file_restored"
    DATASET_TRASHED = "dataset_trashed"
    DATASET_RESTORED = "dataset_restored"
    TRASH_PURGED = "trash_purged"
    RECONCILED = "reconciled"
    """A check of catalogue against store changed something."""
    LIFECYCLE_APPLIED = "lifecycle_applied"
    CORS_SET = "cors_set"
    """The store's buckets let pages of an origin in from now on."""
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    """The whole shelf, out of a backup."""
    DATASET_CHANGED = "dataset_changed"
    DATASET_DELETED = "dataset_deleted"
    RESULT_SAVED = "result_saved"
    """The result of a query became this dataset."""
    RESULT_EXPORTED = "result_exported"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSION_REVOKED = "session_revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    TOKEN_CREATED = "token_created"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    USER_CREATED = "user_created"
    USER_CHANGED = "user_changed"
    """Role, name, e-mail address, or whether they may come in."""
    USER_RESET = "user_reset"
    """A password link was made for them."""
    GROUP_CHANGED = "group_changed"
    ACCESS_CHANGED = "access_changed"
    """Who sees a dataset, or may change it."""
    OWNER_CHANGED = "owner_changed"
    LINK_CREATED = "link_created"
    LINK_CHANGED = "link_changed"
    LINK_REVOKED = "link_revoked"
    LINK_REFUSED = "link_refused"
    """A wrong password, or one too often."""
    REQUEST_CREATED = "request_created"
    REQUEST_REVOKED = "request_revoked"
    FILE_LINKED = "file_linked"
    """A presigned link was handed out; what becomes of it the store alone knows."""
    ACTIVITY_PRUNED = "activity_pruned"


NO_NAMES = frozenset({"sql"})
"""Parts of a detail in which nobody looks for a name."""
LONGEST_TERM = 200
"""Characters of one part that are searched."""

Named = TypeVar("Named", User, Dataset, File)


def record(
    session: Session,
    kind: EventKind,
    *,
    user_id: uuid.UUID | None = None,
    dataset_id: uuid.UUID | None = None,
    file_id: uuid.UUID | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add an event; `detail` holds what a reader needs when the things themselves are gone. `user_id` None: the app.

    Who did it and from where stands in `catalog.origin`; so does the Range header, which makes the bytes `asked` for of
    a download's `size`. Nothing ever changes an event; the oldest go as the setting
    ACTIVITY_DAYS says (`catalog.activity_retention`).
    """
    by, told = current_origin(), dict(detail or {})
    actor = by.actor
    if kind is EventKind.FILE_DOWNLOADED and isinstance(size := told.get("size"), int):
        told.setdefault("asked", bytes_asked(by.byte_range, size))
    if actor is None and (user := _find(session, User, user_id)) is not None:
        actor = user.name
    dataset_name, file_name = _dataset_name(session, dataset_id, told), _file_name(session, file_id, told)
    session.add(
        Event(
            kind=kind,
            # By a link, on whose behalf ever: no user did it.
            user_id=None if by.link_id is not None and by.actor is not None else user_id,
            dataset_id=dataset_id,
            file_id=file_id,
            detail=told,
            actor=actor,
            link_id=by.link_id,
            address=by.address,
            agent=by.agent,
            dataset_name=dataset_name,
            file_name=file_name,
            search_text=_search_text(actor, dataset_name, file_name, by.address, *_terms(told)),
        )
    )


def _dataset_name(session: Session, dataset_id: uuid.UUID | None, detail: Mapping[str, object]) -> str | None:
    if dataset_id is None:
        return None
    if isinstance(told := detail.get("name"), str):
        return told
    dataset = _find(session, Dataset, dataset_id)
    return None if dataset is None else dataset.trashed_name or dataset.name


def _file_name(session: Session, file_id: uuid.UUID | None, detail: Mapping[str, object]) -> str | None:
    if isinstance(told := detail.get("file_name"), str):
        return told
    file = _find(session, File, file_id)
    return None if file is None else file.file_name


def _find(session: Session, kind: type[Named], id_: uuid.UUID | None) -> Named | None:
    """The row, also one that was made in this transaction and is not written yet."""
    if id_ is None:
        return None
    for new in session.new:
        if isinstance(new, kind) and new.id == id_:
            return new
    with session.no_autoflush:
        return session.get(kind, id_)


def _terms(detail: Mapping[str, object]) -> Iterator[str]:
    for key, value in detail.items():
        if key not in NO_NAMES:
            values = value if isinstance(value, (list, tuple)) else (value,)
            yield from (one[:LONGEST_TERM] for one in values if isinstance(one, str))


def _search_text(*parts: str | None) -> str:
    return "\n".join(dict.fromkeys(fold(part) for part in parts if part))
