"""What happened, written down in the transaction that made it so."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import StrEnum

from sqlmodel import Session

from db.tables import Event


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
    DATASET_CHANGED = "dataset_changed"
    DATASET_DELETED = "dataset_deleted"
    RESULT_SAVED = "result_saved"
    """The result of a query became this dataset."""
    RESULT_EXPORTED = "result_exported"


def record(
    session: Session,
    kind: EventKind,
    *,
    user_id: uuid.UUID | None = None,
    dataset_id: uuid.UUID | None = None,
    file_id: uuid.UUID | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add an event; `detail` holds what a reader needs when the things themselves are gone. `user_id` None: the app."""
    session.add(Event(kind=kind, user_id=user_id, dataset_id=dataset_id, file_id=file_id, detail=dict(detail or {})))
