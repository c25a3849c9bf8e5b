"""Upload requests: a link by which somebody without an account puts files onto its owner's shelf.

Who has the link learns what is asked for and what became of the files sent by it, and nothing else of the shelf. What
is sent becomes new datasets of the owner, never a version of one that is there; the names they get are not told.
What the owner does and what a visitor does stand together: both go by one row, one token and one state of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from catalog.access import check_writes, no_such_upload
from catalog.caller import Caller
from catalog.errors import (
    Invalid,
    InvalidExpiry,
    InvalidSize,
    PasswordNeeded,
    RequestNotFound,
    UploadNotFound,
)
from catalog.events import EventKind, record
from catalog.intake import NewUpload
from catalog.link_passwords import LinkPasswords, come_by
from catalog.moving_report import plain_size
from catalog.names import composed, has_control
from catalog.origin import origin
from catalog.parts import ClientPart, part_count
from catalog.request_state import (
    Asked,
    Offered,
    Received,
    RequestState,
    UploadRequestView,
    check_going_on,
    state_of,
)
from catalog.secrets import derived, digest, is_derived
from catalog.uploads import FIRST_PARTS, PartUrl, StartedUpload, UploadDetail, Uploads, Way
from db import Database
from db.tables import File, FileStatus, Upload, UploadRequest, User
from db.utc import utc_now
from storage.protocol import MAX_OBJECT_SIZE

PURPOSE = "request"
"""What a token is derived for (`catalog.secrets.derived`)."""
LIFE = timedelta(days=7)
"""Of a request whose maker says nothing of it."""
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=3650)
MOST_FILES = 10_000
LONGEST_NOTE = 200


@dataclass(frozen=True)
class UploadRequests:
    """Requests of their owners, and what visitors do by them. `key` is what tokens are derived from.

    What visitors call takes the link's token, and to begin an upload the pass their browser got for the password. It
    raises RequestNotFound, LinkEnded; and what `Uploads` raises.
    """

    database: Database
    uploads: Uploads
    passwords: LinkPasswords
    key: bytes

    def create(
        self,
        caller: Caller,
        note: str = "",
        *,
        expires_in: timedelta | None = LIFE,
        max_files: int | None = None,
        max_size: int | None = None,
        password: str | None = None,
    ) -> UploadRequestView:
        """A new request; with `expires_in` None it works until it is revoked. `max_size` in bytes, of one file.

        Raises ReadOnly, InvalidExpiry, InvalidSize, InvalidPassword, Invalid.
        """
        check_writes(caller)
        if expires_in is not None and not SHORTEST <= expires_in <= LONGEST:
            raise InvalidExpiry("A link lives from 1 second to 10 years, or until it is revoked.")
        if max_files is not None and not 1 <= max_files <= MOST_FILES:
            raise Invalid(f"A link takes from 1 to {MOST_FILES:,} files, or any number.")
        if max_size is not None and not 1 <= max_size <= MAX_OBJECT_SIZE:
            raise InvalidSize("The largest file a link takes is from 1 byte to 5 TiB.")
        now, request_id = utc_now(), uuid.uuid4()
        row = UploadRequest(
            id=request_id,
            token_hash=digest(derived(self.key, PURPOSE, request_id)),
            owner_id=caller.user_id,
            note=_clean(note),
            password_hash=self.passwords.hash(password),
            expires_at=None if expires_in is None else now + expires_in,
            max_files=max_files,
            max_size=max_size,
            created_at=now,
        )
        with self.database.transaction() as session:
            session.add(row)
            self._record(session, EventKind.REQUEST_CREATED, row)
        return self._view(caller, row)

    def list(self, caller: Caller) -> tuple[UploadRequestView, ...]:
        """The caller's requests, the newest first; those that have ended, too."""
        query = select(UploadRequest).where(UploadRequest.owner_id == caller.user_id)
        with self.database.session() as session:
            found = session.exec(query.order_by(col(UploadRequest.created_at).desc(), col(UploadRequest.id))).all()
        return tuple(self._view(caller, row) for row in found)

    def revoke(self, caller: Caller, request_id: uuid.UUID) -> UploadRequestView:
        """End it at once: nothing more is taken, and what is on its way is given up. What has arrived stays.

        Raises RequestNotFound, for one that is revoked already too; ReadOnly.
        """
        query = select(UploadRequest).where(UploadRequest.id == request_id, UploadRequest.owner_id == caller.user_id)
        with self.database.transaction() as session:
            row = session.exec(query.with_for_update()).first()
            if row is None:
                raise RequestNotFound("There is no such upload request.")
            check_writes(caller)
            if row.revoked_at is not None:
                raise RequestNotFound("This upload request was revoked before.")
            row.revoked_at = utc_now()
            session.add(row)
            self._record(session, EventKind.REQUEST_REVOKED, row)
            under_way = session.exec(_under_way(request_id)).all()
        for upload_id in under_way:
            # Completed or cancelled in this moment, or else the sweep gives it up.
            with suppress(UploadNotFound):
                self.uploads.abort(caller, upload_id)
        with self.database.session() as session:
            return self._view(caller, session.exec(query).one())

    def is_known(self, token: str) -> bool:
        """Whether the token is an upload request's, in whatever state."""
        with self.database.session() as session:
            return self._find(session, token) is not None

    def has_password(self, token: str) -> bool:
        """Whether the link asks for one. Raises RequestNotFound."""
        return self._row(token)[0].password_hash is not None

    def check_going_on(self, token: str) -> None:
        """Raises RequestNotFound, LinkEnded."""
        row, owner = self._row(token)
        check_going_on(row, owner, begun_at=None)

    def unlock(self, token: str, password: str) -> str:
        """Check the password; what the browser is to show from now on.

        Raises RequestNotFound, LinkEnded, PasswordNeeded where it is wrong, TooManyAttempts.
        """
        row, owner = self._row(token)
        check_going_on(row, owner, begun_at=None)
        return self.passwords.unlock(row, password)

    def visit(self, token: str, unlocked: str | None = None) -> Asked:
        """What is asked for, and what is left of it. Counts nothing. Raises RequestNotFound."""
        row, owner = self._row(token)
        state = state_of(row, owner, utc_now())
        if state in (RequestState.REVOKED, RequestState.EXPIRED):
            return Asked(state)
        if not self._is_open(row, unlocked):
            return Asked(RequestState.LOCKED, owner.name)
        left = None if row.max_files is None else max(0, row.max_files - row.files)
        return Asked(state, owner.name, row.note, row.expires_at, row.max_files, left, row.max_size)

    def begin(self, token: str, unlocked: str | None, offered: Offered) -> StartedUpload:
        """Announce a file. Raises PasswordNeeded, RequestFull; InvalidSize for one that is larger than is taken."""
        row, owner = self._row(token)
        check_going_on(row, owner, begun_at=None)
        if not self._is_open(row, unlocked):
            raise PasswordNeeded("This link has a password. Open the link again and type it.")
        upload_id = None if offered.key is None else uuid.uuid5(row.id, offered.key)
        known = None if upload_id is None else self._begun(row, owner, upload_id, offered)
        if known is not None:
            return known
        if row.max_size is not None and offered.size > row.max_size:
            raise _too_large(offered.size, row.max_size)
        new = NewUpload(
            file_name=offered.file_name,
            size=offered.size,
            content_type=offered.content_type,
            description=f"Sent by link “{row.note}”" if row.note else "Sent by link",
            modified_at=offered.modified_at,
            head_sha256=offered.head_sha256,
            tail_sha256=offered.tail_sha256,
            request_id=row.id,
            upload_id=upload_id,
        )
        with come_by(row):
            try:
                return self.uploads.start(_acting(owner), new)
            except IntegrityError:
                # The attempt whose answer was lost is only now there.
                known = None if upload_id is None else self._begun(row, owner, upload_id, offered)
                if known is None:
                    raise Invalid(
                        "This key stands for another file already. Announce each file under its own."
                    ) from None
                return known

    def get(self, token: str, upload_id: uuid.UUID) -> UploadDetail:
        """An upload under way and what the store has of it."""
        _, owner, upload = self._enter(token, upload_id)
        return self.uploads.get(_acting(owner), upload.id)

    def sign_parts(
        self,
        token: str,
        upload_id: uuid.UUID,
        numbers: Sequence[int],
        *,
        via: Way | None = None,
    ) -> tuple[tuple[PartUrl, ...], datetime]:
        """Fresh links for parts, and when they expire."""
        _, owner, upload = self._enter(token, upload_id)
        return self.uploads.sign_parts(_acting(owner), upload.id, numbers, via=via)

    def complete(
        self,
        token: str,
        upload_id: uuid.UUID,
        parts: Sequence[ClientPart],
        *,
        sha256: str | None = None,
    ) -> Received:
        """Put the file on the owner's shelf; completing again gives the same answer."""
        row, owner, upload = self._enter(token, upload_id)
        received = self._received(upload)
        if upload.completed_at is None:
            with come_by(row):
                self.uploads.complete(_acting(owner), upload.id, parts, sha256=sha256)
        return received

    def cancel(self, token: str, upload_id: uuid.UUID) -> None:
        """Undo an upload under way; its place is free again."""
        row, owner, upload = self._enter(token, upload_id)
        with come_by(row):
            self.uploads.abort(_acting(owner), upload.id)

    def _begun(self, row: UploadRequest, owner: User, upload_id: uuid.UUID, offered: Offered) -> StartedUpload | None:
        """The upload that an attempt before has begun for this file, signed afresh."""
        with self.database.session() as session:
            found = session.exec(
                select(Upload, File)
                .join(File, col(File.id) == col(Upload.file_id))
                .where(Upload.id == upload_id, Upload.request_id == row.id, File.size == offered.size)
                .where(col(Upload.store_upload_id).is_not(None), File.status == FileStatus.PENDING)
            ).first()
        if found is None:
            return None
        upload, file = found
        assert file.dataset_id is not None
        count = part_count(file.size, upload.part_size)
        first = range(1, min(count, FIRST_PARTS) + 1)
        parts, expires_at = self.uploads.sign_parts(_acting(owner), upload.id, first)
        return StartedUpload(upload.id, file.id, file.dataset_id, upload.part_size, count, parts, expires_at)

    def _enter(self, token: str, upload_id: uuid.UUID) -> tuple[UploadRequest, User, Upload]:
        """With one of the request's own uploads. Raises UploadNotFound for every other one.

        Its id is a secret of whoever gave the password to begin it. The pass is not asked for once more: it is good for
        an hour, and a large file takes longer.
        """
        row, owner = self._row(token)
        with self.database.session() as session:
            upload = session.get(Upload, upload_id)
        mine = upload if upload is not None and upload.request_id == row.id else None
        check_going_on(row, owner, begun_at=None if mine is None else mine.created_at)
        if mine is None:
            raise no_such_upload()
        return row, owner, mine

    def _is_open(self, row: UploadRequest, unlocked: str | None) -> bool:
        return row.password_hash is None or self.passwords.accepts(row, unlocked)

    def _row(self, token: str) -> tuple[UploadRequest, User]:
        with self.database.session() as session:
            found = self._find(session, token)
        if found is None:
            raise RequestNotFound("There is no such link. Check that you have all of it.")
        return found

    def _find(self, session: Session, token: str) -> tuple[UploadRequest, User] | None:
        query = select(UploadRequest, User).join(User, col(User.id) == col(UploadRequest.owner_id))
        found = session.exec(query.where(UploadRequest.token_hash == digest(token))).first()
        # Under another SECRET_KEY it is no link any more.
        if found is None or not is_derived(token, self.key, PURPOSE, found[0].id):
            return None
        return found[0], found[1]

    def _received(self, upload: Upload) -> Received:
        with self.database.session() as session:
            file = session.get(File, upload.file_id)
        if file is None:
            raise no_such_upload()
        return Received(file.file_name, file.size)

    def _view(self, caller: Caller, row: UploadRequest) -> UploadRequestView:
        token = derived(self.key, PURPOSE, row.id)
        key_changed = digest(token) != row.token_hash
        return UploadRequestView(
            id=row.id,
            # Whoever has the link puts files there by it: not told to a token that only reads.
            token=token if caller.may_write and not key_changed else None,
            note=row.note,
            state=RequestState.REVOKED if key_changed else state_of(row, None, utc_now()),
            expires_at=row.expires_at,
            max_files=row.max_files,
            max_size=row.max_size,
            files=row.files,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            has_password=row.password_hash is not None,
            key_changed=key_changed,
        )

    def _record(self, session: Session, kind: EventKind, row: UploadRequest) -> None:
        detail = {
            "request_id": str(row.id),
            "note": row.note,
            "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
            "max_files": row.max_files,
            "max_size": row.max_size,
            "password": row.password_hash is not None,
        }
        before = origin.set(replace(origin.get(), link_id=row.id))
        try:
            record(session, kind, user_id=row.owner_id, detail=detail)
        finally:
            origin.reset(before)


def _clean(raw: str) -> str:
    note = " ".join(composed(raw).split())
    if has_control(note):
        raise Invalid("The note contains a control character.")
    if len(note) > LONGEST_NOTE:
        raise Invalid(f"The note has {len(note)} characters; {LONGEST_NOTE} is the most.")
    return note


def _under_way(request_id: uuid.UUID) -> SelectOfScalar[uuid.UUID]:
    return (
        select(Upload.id)
        .join(File, col(File.id) == col(Upload.file_id))
        .where(Upload.request_id == request_id, col(Upload.completed_at).is_(None), File.status == FileStatus.PENDING)
    )


def _too_large(size: int, most: int) -> InvalidSize:
    has, takes = plain_size(size), plain_size(most)
    if has == takes:
        has, takes = f"{size:,} bytes", f"{most:,} bytes"
    return InvalidSize(f"The file has {has}; this link takes files of up to {takes}.")


def _acting(owner: User) -> Caller:
    return Caller(owner.id, owner.name)
