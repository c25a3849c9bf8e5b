"""Share links: made, listed, renewed and taken back by people; opened by whoever has one (`Visitors`).

A link may be made by whoever may change the dataset. Its token is made from its id and SECRET_KEY, so that its address
can be shown again although the database does not hold it. It is seen, and can be taken back, by who made it and by the
dataset's owner.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import Session, col, select

from catalog.access import Need, check_writes, find_dataset, find_ready_file
from catalog.caller import Caller
from catalog.errors import FileNotReady, LinkEnded, ShareNotFound
from catalog.events import EventKind, record
from catalog.link_rows import LinkRow, link_rows
from catalog.names import fold
from catalog.removal import Removal
from catalog.secrets import derived, digest
from catalog.share_links import (
    USUAL_LIFE,
    NewShare,
    ShareLinkView,
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


class Keep:
    """That something stays as it is."""


KEEP = Keep()


@dataclass(frozen=True, kw_only=True)
class Shares(Visitors):
    """Links of a caller. `secret` is SECRET_KEY's, `base` says where addresses begin, "" where nobody knows.

    Every method raises DatabaseUnavailable.
    """

    slices: Slices
    secret: bytes
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
                return self._view(link_rows(session, col(ShareLink.id) == link_id)[0])
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
        """The caller's links, and everybody's to datasets of theirs, the newest first; `q` is looked for in notes and
        in the names of datasets, files and people."""
        with self.database.session() as session:
            conditions = [_of(caller)]
            if dataset_id is not None:
                conditions.append(col(ShareLink.dataset_id) == dataset_id)
            views = [self._view(row) for row in link_rows(session, *conditions)]
        words = fold(q or "").split()
        return tuple(
            view
            for view in views
            if (state is None or view.state is state) and all(word in _searched(view) for word in words)
        )

    def get(self, caller: Caller, link_id: uuid.UUID) -> ShareLinkView:
        """One of those. Raises ShareNotFound."""
        with self.database.session() as session:
            return self._view(_find(session, caller, link_id))

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
        or whose file is not there any more; what `Slices.make` raises where its copy is made anew.
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
                view = self._view(link_rows(session, col(ShareLink.id) == link_id)[0])
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
            slice_, file = row.link.slice, row.file
            good = row.copy is not None and row.copy.status == FileStatus.READY
            if slice_ is None or file is None or good:
                return None
            read_as = read_as_of(session, row.link.dataset_id)
        return self.slices.make(link_id, file, read_as, columns=slice_["columns"], where=slice_["where"])

    def _token(self, link_id: uuid.UUID) -> str:
        return derived(self.secret, "share", link_id)

    def _view(self, row: LinkRow) -> ShareLinkView:
        link, dataset, file = row.link, row.dataset, row.file
        token = self._token(link.id)
        slice_ = link.slice or {"columns": None, "where": None}
        served = row.served
        # Somebody who may not see the dataset any more is told what it was called when they made the link.
        name = dataset.trashed_name or dataset.name if dataset is not None and row.allowed else link.dataset_name
        return ShareLinkView(
            id=link.id,
            token=token if digest(token) == link.token_hash else None,
            base=self.base(),
            dataset_id=link.dataset_id,
            dataset_name=name,
            file_id=None if file is None else file.id,
            file_version=None if file is None else file.version,
            file_name="" if served is None else served.file_name,
            size=None if served is None else served.size,
            note=link.note,
            state=row.state(),
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
    theirs = and_(col(Dataset.owner_id) == caller.user_id, col(Dataset.id).is_not(None))
    return or_(col(ShareLink.owner_id) == caller.user_id, theirs)


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
