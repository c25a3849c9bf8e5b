"""Which kinds of events people look for together, and which of them a reader of a dataset learns of."""

from __future__ import annotations

from enum import StrEnum

from catalog.events import EventKind


class Group(StrEnum):
    """Kinds of events as people look for them."""

    SIGN_INS = "sign-ins"
    UPLOADS = "uploads"
    DOWNLOADS = "downloads"
    SHARES = "shares"
    CHANGES = "changes"
    DELETIONS = "deletions"
    OPERATION = "operation"
    """What whoever runs the shelf did, and what it does by itself."""


GROUPS: dict[Group, frozenset[EventKind]] = {
    Group.SIGN_INS: frozenset(
        {
            EventKind.SIGNED_IN,
            EventKind.SIGN_IN_FAILED,
            EventKind.SIGNED_OUT,
            EventKind.SESSION_REVOKED,
            EventKind.PASSWORD_CHANGED,
            EventKind.TOKEN_CREATED,
            EventKind.TOKEN_REVOKED,
        }
    ),
    Group.UPLOADS: frozenset(
        {
            EventKind.UPLOAD_STARTED,
            EventKind.UPLOAD_COMPLETED,
            EventKind.UPLOAD_ABORTED,
            EventKind.UPLOAD_EXPIRED,
            EventKind.RESULT_SAVED,
        }
    ),
    Group.DOWNLOADS: frozenset({EventKind.FILE_DOWNLOADED, EventKind.FILE_LINKED, EventKind.RESULT_EXPORTED}),
    Group.SHARES: frozenset(
        {
            EventKind.ACCESS_CHANGED,
            EventKind.OWNER_CHANGED,
            EventKind.LINK_CREATED,
            EventKind.LINK_CHANGED,
            EventKind.LINK_REVOKED,
            EventKind.LINK_REFUSED,
            EventKind.REQUEST_CREATED,
            EventKind.REQUEST_REVOKED,
        }
    ),
    Group.CHANGES: frozenset({EventKind.DATASET_CHANGED, EventKind.DATASET_RESTORED, EventKind.FILE_RESTORED}),
    Group.DELETIONS: frozenset(
        {
            EventKind.DATASET_TRASHED,
            EventKind.DATASET_DELETED,
            EventKind.FILE_TRASHED,
            EventKind.FILE_DELETED,
            EventKind.TRASH_PURGED,
        }
    ),
    Group.OPERATION: frozenset(
        {
            EventKind.USER_CREATED,
            EventKind.USER_CHANGED,
            EventKind.USER_RESET,
            EventKind.GROUP_CHANGED,
            EventKind.FILE_FAILED,
            EventKind.FILE_VERIFIED,
            EventKind.FILE_MOVED,
            EventKind.RECONCILED,
            EventKind.LIFECYCLE_APPLIED,
            EventKind.CORS_SET,
            EventKind.BACKED_UP,
            EventKind.RESTORED,
            EventKind.ACTIVITY_PRUNED,
        }
    ),
}
GROUP_OF: dict[str, Group] = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
FOR_READERS = (
    GROUPS[Group.CHANGES]
    | GROUPS[Group.DELETIONS]
    | {
        EventKind.UPLOAD_COMPLETED,
        EventKind.RESULT_SAVED,
        EventKind.OWNER_CHANGED,
        EventKind.FILE_FAILED,
        EventKind.FILE_VERIFIED,
    }
)
"""What whoever may only look learns of a dataset: what became of it, not who takes it or whom it is shared with."""
DETAIL_FOR_READERS = frozenset(
    {"name", "was", "file_name", "version", "size", "files", "tags", "description", "from", "to"}
)
