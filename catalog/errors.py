"""What the catalogue refuses, and what it cannot find. The message is a sentence for the user.

Errors of the store and of the preview pass through the catalogue unchanged; so does DatabaseUnavailable, which is named
here because what stands before the catalogue knows no database.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from db.errors import DatabaseUnavailable as DatabaseUnavailable


class CatalogError(Exception):
    """Something the catalogue refuses."""


class NotFound(CatalogError, LookupError):
    """It does not exist, or it is someone else's: the caller cannot tell which."""


class DatasetNotFound(NotFound):
    """No such dataset."""


class FileNotFound(NotFound):
    """No such file."""


class VersionNotFound(NotFound):
    """The dataset has no ready version of this number."""


class UploadNotFound(NotFound):
    """No such upload, or it was cancelled."""


class NotInTrash(NotFound):
    """The trash holds no such thing: it was put back, or removed for good."""


class ShareNotFound(NotFound):
    """No such share link, or it is someone else's."""


class RequestNotFound(NotFound):
    """No such upload request, or it is someone else's."""


class TokenNotFound(NotFound):
    """No such API token, or it is someone else's."""


class SessionNotFound(NotFound):
    """No such session, or it is someone else's."""


class UserNotFound(NotFound):
    """No such person."""


class GroupNotFound(NotFound):
    """No such group."""


class NotSignedIn(CatalogError):
    """No credentials, or none that are good: signed out, expired, revoked, or somebody who may not come in any more."""


class NotAdmitted(NotSignedIn):
    """Known by name, and not let in: the account is disabled, or neither a group nor the default gives them a role."""


class NotAllowed(CatalogError):
    """The caller sees the thing and may not do this with it."""


class AdminsOnly(NotAllowed):
    """Only an admin may."""


class ReadOnly(NotAllowed):
    """The caller changes nothing at all: a viewer, or a token that only reads."""


class ProviderUnavailable(CatalogError):
    """The sign-in provider does not answer, or not as one does."""


class LinkEnded(CatalogError):
    """A link that was revoked, expired or used up, or whose dataset is gone."""


class PasswordNeeded(CatalogError):
    """The link has a password, and none or a wrong one was given."""


class TooManyAttempts(CatalogError):
    """Too often in too short a time; `retry_after` in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(CatalogError):
    """It cannot be done in the state things are in."""


class RequestFull(Conflict):
    """The upload request takes `most` files, and so many were sent or are on their way."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"This link takes {most:,} file{'' if most == 1 else 's'}, and so many were sent or are on their way. "
            "Ask whoever sent it to you for a new one."
        )
        self.most = most


class NameTaken(Conflict):
    """A person or a group has this name or e-mail address already."""


class LastAdmin(Conflict):
    """Nobody would be left who can run the shelf."""


class FileNotReady(Conflict):
    """The file is still being uploaded, or it failed its check and is never served."""


class DatasetInTrash(Conflict):
    """A version cannot be put back into a dataset that lies in the trash itself."""

    def __init__(self, name: str, dataset_id: uuid.UUID) -> None:
        super().__init__(f"“{name}” lies in the Trash itself. Restore the dataset first, then this version.")
        self.dataset_id = dataset_id


class DatasetNameTaken(Conflict):
    """The caller has a dataset of this name already: `dataset_id`."""

    def __init__(self, name: str, dataset_id: uuid.UUID) -> None:
        super().__init__(
            f"You already have a dataset named “{name}”. Choose another name, or add a version to that one."
        )
        self.name = name
        self.dataset_id = dataset_id


class PartsMissing(Conflict):
    """Parts are not in the store yet, or were not named; the upload stays open. `missing` are their numbers."""

    def __init__(self, missing: Sequence[int]) -> None:
        shown = ", ".join(str(number) for number in missing[:10]) + (" and more" if len(missing) > 10 else "")
        super().__init__(f"Not everything has arrived yet. Send part {shown}, then complete the upload again.")
        self.missing = list(missing)


class CorsRuleRefused(Conflict):
    """The store did not take the bucket's CORS rule, or takes it and ignores it."""


class ReconcileUnderWay(Conflict):
    """Another check of catalogue against stores is repairing at this moment."""


class TooManyTokens(Conflict):
    """A person has as many API tokens as one may have."""


class Busy(CatalogError):
    """As many queries run as may at once, and none ended in time; trying again later will help."""


class Invalid(CatalogError, ValueError):
    """What was sent breaks a rule; nothing was changed."""


class PartMismatch(Invalid):
    """A part is unknown, named twice, or its ETag is not the store's; the upload stays open."""


class SizeMismatch(Invalid):
    """The bytes in the store are more or fewer than announced."""


class ChecksumMismatch(Invalid):
    """The bytes in the store have another SHA-256 than announced; the upload was undone."""


class InvalidFileName(Invalid):
    """The file name is empty, too long, or has control characters."""


class InvalidSize(Invalid):
    """The size is negative or more than the store can hold."""


class InvalidChecksum(Invalid):
    """The SHA-256 is not 64 hexadecimal digits, or another one was told before."""


class InvalidFolder(Invalid):
    """The folder's name is too long or has control characters."""


class NotThroughApp(Invalid):
    """Part links through the app were asked for, which UPLOAD__VIA=direct does not allow."""


class InvalidRole(Invalid):
    """There is no such bucket role."""


class InvalidName(Invalid):
    """The dataset's name is empty, too long, or has control characters."""


class InvalidDescription(Invalid):
    """The description is too long or has control characters."""


class InvalidTags(Invalid):
    """A tag is empty, too long or has control characters, or there are too many."""


class InvalidShare(Invalid):
    """A share link as there can be none."""


class InvalidPassword(Invalid):
    """A password that is too short or too long, or not the one there is."""


class InvalidQuery(Invalid):
    """A filter, a sort order, a limit or a page that the list does not know."""


class InvalidCursor(InvalidQuery):
    """The cursor was not made by this list with this order and these filters."""


class InvalidExpiry(Invalid):
    """A link lives from one second to one day, one for people without an account up to ten years."""


class InvalidRange(Invalid):
    """More rows, or an earlier offset, than a preview gives."""


class InvalidReadAs(Invalid):
    """A way of reading that no file could be read in."""


class InvalidSharing(Invalid):
    """A dataset cannot be shared so: with its owner, with too many, with somebody twice."""


class InvalidInspection(Invalid):
    """What was sent of a file are not its first and its last bytes, or too many of them."""


class InvalidAge(Invalid):
    """Things that young are never removed."""
