"""Share links: made, listed, renewed and taken back by people; opened by whoever has one (`Visitors`).

A link may be made by whoever may change the dataset. Its token is made from its id and SECRET_KEY, so that its address
can be shown again although the database does not hold it; changing the key ends every link. It is seen, and can be
taken back, by who made it and by the dataset's owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from catalog.access import Need, check_writes, find_dataset, find_ready_file
from catalog.caller import Caller
from catalog.cursor import Cursor, decode, encode, fingerprint
from catalog.errors import FileNotReady, LinkEnded, ShareNotFound
from catalog.events import EventKind, record
from catalog.link_rows import LinkRow, link_rows
from catalog.names import fold
from catalog.removal import Removal
from catalog.secrets import derived, digest
from catalog.share_links import (
    PURPOSE,
    USUAL_LIFE,
    NewShare,
    ShareLinkView,
    SharePage,
    ShareState,
    ShareTerms,
    check,
    check_downloads,
    check_life,
)
from catalog.slices import Slices
from catalog.sources import read_as_of
from catalog.visitors import Visitors
from db.tables import Dataset, File, FileStatus, ShareLink
from db.utc import utc_now

MOST_LISTED = 1000
"""Links of one page."""


class Keep:
    """That something stays as it is."""


KEEP = Keep()


@dataclass(frozen=True, kw_only=True)
class Shares(Visitors):
    """Links of a caller. `base` says where addresses begin, "" where nobody knows.

    Every method raises DatabaseUnavailable.
    """

    slices: Slices
    base: Callable[[], str]

    def create(self, caller: Caller, file_id: uuid.UUID, new: NewShare) -> ShareLinkView:
        """A link to a version, to the newest one, or to a copy of some columns and rows, which is made before this
        returns and takes as long as a query may.

        Raises FileNotFound, FileNotReady, NotAllowed, ReadOnly, InvalidExpiry, InvalidShare, InvalidPassword,
        TooManyAttempts; for a copy what `Slices.make` raises.
        """
        terms, link_id = check(new), uuid.uuid4()
        with self.database.session() as session:
            file, dataset = _to_share(session, caller, file_id)
            read_as = read_as_of(session, dataset.id)
        password_hash = self.link_passwords.hash(new.password)
        copy_id = None
        if terms.sliced:
            copy_id = self.slices.make(link_id, file, read_as, columns=terms.columns, where=terms.where)
        try:
            with self.database.transaction() as session:
                file, dataset = _to_share(session, caller, file_id, lock=True)
                link = _link(link_id, caller, dataset, None if terms.latest else file, terms)
                link.token_hash = digest(self._token(link_id))
                link.password_hash, link.slice_dataset_id = password_hash, copy_id
                session.add(link)
                session.flush()
                detail = _detail(link) | {"version": file.version}
                kind, user_id = EventKind.LINK_CREATED, caller.user_id
                record(session, kind, user_id=user_id, dataset_id=dataset.id, file_id=file.id, detail=detail)
                return self._view(caller, link_rows(session, col(ShareLink.id) == link_id)[0])
        except BaseException:
            if copy_id is not None:
                self.slices.discard(copy_id)
            raise

    def list(
        self,
        caller: Caller,
        *,
        dataset_id: uuid.UUID | None = None,
        state: ShareState | None = None,
        q: str | None = None,
    ) -> tuple[ShareLinkView, ...]:
        """The newest `MOST_LISTED` of what `page` gives page by page."""
        return self.page(caller, dataset_id=dataset_id, state=state, q=q).items

    def page(
        self,
        caller: Caller,
        *,
        dataset_id: uuid.UUID | None = None,
        state: ShareState | None = None,
        q: str | None = None,
        limit: int = MOST_LISTED,
        cursor: str | None = None,
    ) -> SharePage:
        """The caller's links, and everybody's to datasets of theirs, the newest first; `q` is looked for in notes and
        in the names of datasets, files and people. `limit` is from 1 to `MOST_LISTED`. Raises InvalidCursor for one of
        another list."""
        words = fold(q or "").split()
        mark = fingerprint(["shares", caller.user_id, dataset_id, state, words])
        after = None if cursor is None else decode(cursor, mark, datetime)
        found: list[ShareLinkView] = []
        with self.database.session() as session:
            while len(found) <= limit:
                conditions = [_of(caller), *_after(after)]
                if dataset_id is not None:
                    conditions.append(col(ShareLink.dataset_id) == dataset_id)
                # What a link's state is no query can say: some are read, and the next ones until the page is full.
                views = [self._view(caller, row) for row in link_rows(session, *conditions, limit=limit + 1)]
                found += (
                    view
                    for view in views
                    if (state is None or view.state is state) and all(word in _searched(view) for word in words)
                )
                if len(views) <= limit:
                    break
                after = Cursor(views[-1].created_at, views[-1].id)
        shown = tuple(found[:limit])
        more = len(found) > limit
        return SharePage(shown, encode(Cursor(shown[-1].created_at, shown[-1].id), mark) if more else None)

    def get(self, caller: Caller, link_id: uuid.UUID) -> ShareLinkView:
        """One of those. Raises ShareNotFound."""
        with self.database.session() as session:
            return self._view(caller, _find(session, caller, link_id))

    def renew(
        self,
        caller: Caller,
        link_id: uuid.UUID,
        *,
        expires_in: timedelta | None = USUAL_LIFE,
        max_downloads: int | Keep | None = KEEP,
    ) -> ShareLinkView:
        """Make a link good again, counted from now and from no download; by default for as many as before.

        Raises ShareNotFound, NotAllowed, ReadOnly, InvalidExpiry, InvalidShare; LinkEnded for one that was taken back,
        whose file is not there any more, or that a change of SECRET_KEY ended; what `Slices.make` raises where its copy
        is made anew.
        """
        if expires_in is not None:
            check_life(expires_in)
        if isinstance(max_downloads, int):
            check_downloads(max_downloads)
        check_writes(caller)
        copy_id = self._copy_again(caller, link_id)
        try:
            with self.database.transaction() as session:
                link = _renewable(session, caller, link_id, lock=True).link
                link.expires_at = None if expires_in is None else utc_now() + expires_in
                link.downloads = 0
                if not isinstance(max_downloads, Keep):
                    link.max_downloads = max_downloads
                gone = () if copy_id is None else self.slices.drop(session, link)
                if copy_id is not None:
                    link.slice_dataset_id = copy_id
                session.add(link)
                session.flush()
                kind, user_id, detail = EventKind.LINK_CHANGED, caller.user_id, _detail(link)
                record(session, kind, user_id=user_id, dataset_id=link.dataset_id, file_id=link.file_id, detail=detail)
                session.expire_all()
                view = self._view(caller, link_rows(session, col(ShareLink.id) == link_id)[0])
        except BaseException:
            if copy_id is not None:
                self.slices.discard(copy_id)
            raise
        Removal(self.database, self.storages).remove(gone)
        return view

    def revoke(self, caller: Caller, link_id: uuid.UUID) -> None:
        """Take a link back: it is refused from this moment on, and its copy is removed. An address that it redirected
        to before works for what is left of its minute. Raises ShareNotFound, also for one taken back already; ReadOnly.
        """
        check_writes(caller)
        with self.database.transaction() as session:
            link = _find(session, caller, link_id, lock=True).link
            if link.revoked_at is not None:
                raise ShareNotFound("This link was taken back already.")
            link.revoked_at = utc_now()
            session.add(link)
            gone = self.slices.drop(session, link)
            kind, user_id, detail = EventKind.LINK_REVOKED, caller.user_id, _detail(link)
            record(session, kind, user_id=user_id, dataset_id=link.dataset_id, file_id=link.file_id, detail=detail)
        Removal(self.database, self.storages).remove(gone)

    def _copy_again(self, caller: Caller, link_id: uuid.UUID) -> uuid.UUID | None:
        """A new copy, where the link serves one that was tidied away, or failed its check."""
        with self.database.session() as session:
            row = _renewable(session, caller, link_id)
            if self._key_changed(row.link):
                raise LinkEnded("SECRET_KEY was changed, which ended this link for good. Make a new one.")
            slice_, file = row.link.slice, row.file
            good = row.copy is not None and row.copy.status == FileStatus.READY
            if slice_ is None or file is None or good:
                return None
            read_as = read_as_of(session, row.link.dataset_id)
        return self.slices.make(link_id, file, read_as, columns=slice_["columns"], where=slice_["where"])

    def _token(self, link_id: uuid.UUID) -> str:
        return derived(self.secret, PURPOSE, link_id)

    def _key_changed(self, link: ShareLink) -> bool:
        return digest(self._token(link.id)) != link.token_hash

    def _view(self, caller: Caller, row: LinkRow) -> ShareLinkView:
        link, dataset = row.link, row.dataset
        slice_ = link.slice or {"columns": None, "where": None}
        # Somebody who may not hand out the dataset any more is told what it was called when they made the link, and
        # nothing of the versions that came since.
        seen = dataset is not None and (row.allowed or dataset.owner_id == caller.user_id)
        name = dataset.trashed_name or dataset.name if dataset is not None and seen else link.dataset_name
        file, served = (row.file, row.served) if seen else (None, None)
        # Whoever has the address can do what it is good for: not told to a token that only reads.
        key_changed, state = self._key_changed(link), row.state()
        token = self._token(link.id) if caller.may_write and not key_changed else None
        if key_changed and state is not ShareState.REVOKED:
            state = ShareState.GONE
        return ShareLinkView(
            id=link.id,
            token=token,
            base=self.base(),
            dataset_id=link.dataset_id,
            dataset_name=name,
            file_id=None if file is None else file.id,
            file_version=None if file is None else file.version,
            file_name="" if served is None else served.file_name,
            size=None if served is None else served.size,
            note=link.note,
            state=state,
            expires_at=link.expires_at,
            max_downloads=link.max_downloads,
            downloads=link.downloads,
            has_password=link.password_hash is not None,
            latest=link.file_id is None,
            columns=None if slice_["columns"] is None else tuple(slice_["columns"]),
            where=slice_["where"],
            slice_rows=None if row.copy is None else row.copy.rows,
            created_at=link.created_at,
            last_used_at=link.last_used_at,
            revoked_at=link.revoked_at,
            owner=row.maker.name,
            owner_id=row.maker.id,
            key_changed=key_changed,
        )


def _to_share(session: Session, caller: Caller, file_id: uuid.UUID, *, lock: bool = False) -> tuple[File, Dataset]:
    file = find_ready_file(session, caller, file_id)
    if file.dataset_id is None:
        raise FileNotReady("The file was deleted in this moment.")
    dataset = find_dataset(session, caller, file.dataset_id, need=Need.EDIT, lock=lock)
    # Again behind the lock: it may have gone to the trash meanwhile.
    return (find_ready_file(session, caller, file_id) if lock else file), dataset


def _link(link_id: uuid.UUID, caller: Caller, dataset: Dataset, file: File | None, terms: ShareTerms) -> ShareLink:
    columns = None if terms.columns is None else [*terms.columns]
    return ShareLink(
        id=link_id,
        token_hash="",
        owner_id=caller.user_id,
        dataset_id=dataset.id,
        file_id=None if file is None else file.id,
        dataset_name=dataset.name,
        note=terms.note,
        expires_at=None if terms.expires_in is None else utc_now() + terms.expires_in,
        max_downloads=terms.max_downloads,
        slice={"columns": columns, "where": terms.where} if terms.sliced else None,
    )


def _of(caller: Caller) -> ColumnElement[bool]:
    # Of one table alone, so that its two indices answer it.
    theirs = select(Dataset.id).where(Dataset.owner_id == caller.user_id)
    return or_(col(ShareLink.owner_id) == caller.user_id, col(ShareLink.dataset_id).in_(theirs))


def _after(last: Cursor | None) -> tuple[ColumnElement[bool], ...]:
    if last is None:
        return ()
    at, link_id = col(ShareLink.created_at), col(ShareLink.id)
    return (or_(at < last.value, and_(at == last.value, link_id > last.id)),)


def _find(session: Session, caller: Caller, link_id: uuid.UUID, *, lock: bool = False) -> LinkRow:
    if lock:
        session.exec(select(ShareLink).where(ShareLink.id == link_id).with_for_update()).first()
    found = link_rows(session, col(ShareLink.id) == link_id, _of(caller))
    if not found:
        raise ShareNotFound("There is no such link, or it is somebody else’s.")
    return found[0]


def _renewable(session: Session, caller: Caller, link_id: uuid.UUID, *, lock: bool = False) -> LinkRow:
    row = _find(session, caller, link_id, lock=lock)
    if row.link.revoked_at is not None:
        raise LinkEnded("This link was taken back, which is for good. Make a new one.")
    if not row.leads_somewhere:
        raise LinkEnded("What this link leads to is not on the shelf any more. Share another version.")
    find_dataset(session, caller, row.link.dataset_id, need=Need.EDIT)
    return row


def _detail(link: ShareLink) -> dict[str, object]:
    """What is told of a link in the activity; no part of its address."""
    detail: dict[str, object] = {
        "link": str(link.id),
        "name": link.dataset_name,
        "note": link.note,
        "expires_at": None if link.expires_at is None else f"{link.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "max_downloads": link.max_downloads,
        "password": link.password_hash is not None,
        "latest": link.file_id is None,
    }
    return detail | (link.slice or {})


def _searched(view: ShareLinkView) -> str:
    return fold(f"{view.note} {view.dataset_name} {view.file_name} {view.owner}")
