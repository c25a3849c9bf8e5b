"""What somebody with a share link and no account gets: a look at what it serves, and the bytes, counted.

A link is asked about anew at every step: it may have been taken back, have ended or been used up in between, and
whoever made it may not hand the dataset out any more. What is counted are redirects to the store, by one UPDATE that
holds the limits itself: of many that come at once for the last one, one gets it. Looking counts nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, or_, update
from sqlmodel import Session, col, select

from catalog.downloads import DownloadHead, Downloads
from catalog.errors import LinkEnded, PasswordNeeded, ShareNotFound
from catalog.events import EventKind, record
from catalog.link_passwords import LinkPasswords, come_by
from catalog.link_rows import LinkRow, link_rows, why_ended
from catalog.metrics import DOWNLOADS
from catalog.previews import Previews
from catalog.profiles import Profiles, ProfileState
from catalog.removal import ref_of
from catalog.secrets import digest, is_derived
from catalog.share_links import PURPOSE, ShareState, raw_path
from db import Database
from db.tables import Column, File, ShareLink
from db.utc import utc_now
from preview.result import Preview
from storage import Storages
from storage.protocol import Backend, FileNotInStorage

REDIRECT_LIFE = timedelta(seconds=60)
"""How long a signed address works that a link redirected to: what is refused now was handed out before."""
FIRST_ROWS = 20
MOST_TOLD_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class VisitColumn:
    """A column of what the link serves, with the preview's type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor is told. While it is `locked` that is who shares, and that there is a password.

    The facts are those of the file the link serves: of a slice, of the copy, never of the whole. `column_count` and
    `rows` are None where not known; `columns` are the first thousand, none while the file has not been looked at.
    """

    token: str
    shared_by: str
    has_password: bool
    locked: bool
    expires_at: datetime | None
    max_downloads: int | None
    downloads_left: int | None
    dataset_name: str = ""
    description: str = ""
    file_id: uuid.UUID | None = None
    file_name: str = ""
    format: str = "other"
    size: int = 0
    rows: int | None = None
    column_count: int | None = None
    columns: tuple[VisitColumn, ...] = ()
    updated_at: datetime | None = None
    sha256: str | None = None
    version: int | None = None
    """Of the dataset, whole or in part."""
    sliced: bool = False
    latest: bool = False
    row: LinkRow | None = field(default=None, repr=False)
    """For the catalogue's own use."""

    @property
    def download_path(self) -> str:
        return f"/s/{self.token}/download"

    @property
    def raw_path(self) -> str:
        return raw_path(self.token, self.file_name)


@dataclass(frozen=True, kw_only=True)
class Visitors:
    """Every method that takes a token raises ShareNotFound for one that names no link, LinkEnded for a link that is
    not good any more, and DatabaseUnavailable. `unlocked` is the pass that `unlock` gave, as the browser's cookie has
    it; `password` what a script sends. `secret` is SECRET_KEY's: under another one a link is none.
    """

    database: Database
    storages: Storages
    downloads: Downloads
    previews: Previews
    profiles: Profiles
    link_passwords: LinkPasswords
    secret: bytes

    def visit(self, token: str, *, unlocked: str | None = None) -> Visit:
        """What the page of a link shows; counts nothing."""
        with self.database.session() as session:
            row = self._open(session, token)
            link = row.link
            locked = link.password_hash is not None and not self.link_passwords.accepts(link, unlocked)
            most = link.max_downloads
            visit = Visit(
                token=token,
                shared_by=row.maker.name,
                has_password=link.password_hash is not None,
                locked=locked,
                expires_at=link.expires_at,
                max_downloads=most,
                downloads_left=None if most is None else max(0, most - link.downloads),
            )
            return visit if locked else _told(session, visit, row)

    def unlock(self, token: str, password: str) -> str:
        """A pass for the browser that gave the right password. Raises PasswordNeeded, TooManyAttempts."""
        with self.database.session() as session:
            link = self._open(session, token).link
        return self.link_passwords.unlock(link, password)

    def has_password(self, token: str) -> bool:
        """Whether the link asks for one."""
        with self.database.session() as session:
            return self._open(session, token).link.password_hash is not None

    def rows(self, visit: Visit, rows: int = FIRST_ROWS) -> Preview:
        """The first rows of what the link serves. Raises PasswordNeeded; what `Previews.preview` does."""
        row = _unlocked(visit)
        assert visit.file_id is not None
        return self.previews.preview(row.reader(), visit.file_id, rows=rows)

    def statistics(self, visit: Visit) -> ProfileState:
        """How far the statistics of what the link serves are. Raises PasswordNeeded; what `Profiles.state` does."""
        row = _unlocked(visit)
        assert visit.file_id is not None
        return self.profiles.state(row.reader(), visit.file_id)

    def head(self, token: str, *, password: str | None = None, unlocked: str | None = None) -> DownloadHead:
        """What a download will be; counts nothing. Raises PasswordNeeded, TooManyAttempts."""
        file = self._served(token, password, unlocked)[1]
        return DownloadHead(file.size, file.media_type, file.file_name)

    def redirect(
        self,
        token: str,
        *,
        password: str | None = None,
        unlocked: str | None = None,
        look_first: bool = False,
    ) -> str:
        """An address that sends the bytes, good for a minute; counted as a download.

        Raises PasswordNeeded, TooManyAttempts, FileNotInStorage where local disk has lost the file, and the store's
        errors; none of these counts. A remote store is asked only with `look_first`: else it answers for itself.
        """
        row, file = self._served(token, password, unlocked)
        storage = self.storages.of(Backend(file.backend))
        if (look_first or storage.backend is Backend.LOCAL) and not storage.file_exists(ref_of(file)):
            raise FileNotInStorage(
                "The store no longer has the file's bytes. Tell whoever sent you the link.",
                operation="download",
                ref=ref_of(file),
            )
        # Before it is counted: what could not be signed was not handed out.
        url = self.downloads.sign(file, REDIRECT_LIFE)
        with come_by(row.link), self.database.transaction() as session:
            if not _count(session, row.link.id):
                raise self._ended(session, row.link.id)
            now = utc_now()
            counted = {"downloads": col(File.downloads) + 1, "downloaded_at": now}
            session.execute(update(File).where(col(File.id) == file.id).values(counted))
            if row.file is not None and row.file.id != file.id:
                # What a copy is made from is in use as well.
                session.execute(update(File).where(col(File.id) == row.file.id).values(downloaded_at=now))
            source = row.file or file
            detail: dict[str, object] = {"size": file.size, "file_name": file.file_name}
            if row.link.slice is not None:
                detail["slice"] = True
            dataset_id, kind = row.link.dataset_id, EventKind.FILE_DOWNLOADED
            record(session, kind, dataset_id=dataset_id, file_id=source.id, detail=detail)
        DOWNLOADS.labels(file.backend).inc()
        return url

    def _served(self, token: str, password: str | None, unlocked: str | None) -> tuple[LinkRow, File]:
        with self.database.session() as session:
            row = self._open(session, token)
        self.link_passwords.open(row.link, password=password, unlocked=unlocked)
        assert row.served is not None
        return row, row.served

    def _open(self, session: Session, token: str) -> LinkRow:
        """The link, which is good at this moment, whatever its password. Raises ShareNotFound, LinkEnded."""
        found = link_rows(session, col(ShareLink.token_hash) == digest(token))
        if not found or not is_derived(token, self.secret, PURPOSE, found[0].link.id):
            raise ShareNotFound("There is no such link. Look whether the whole address was copied.")
        state = found[0].state()
        if state is not ShareState.ACTIVE:
            raise LinkEnded(why_ended(state))
        return found[0]

    @staticmethod
    def _ended(session: Session, link_id: uuid.UUID) -> LinkEnded:
        found = link_rows(session, col(ShareLink.id) == link_id)
        state = found[0].state() if found else ShareState.GONE
        # Given a moment, one that was counted by others could be renewed: what was refused was used up.
        return LinkEnded(why_ended(ShareState.USED_UP if state is ShareState.ACTIVE else state))


def _count(session: Session, link_id: uuid.UUID) -> bool:
    now = utc_now()
    good = (
        col(ShareLink.id) == link_id,
        col(ShareLink.revoked_at).is_(None),
        or_(col(ShareLink.expires_at).is_(None), col(ShareLink.expires_at) > now),
        or_(col(ShareLink.max_downloads).is_(None), col(ShareLink.downloads) < col(ShareLink.max_downloads)),
    )
    counted = update(ShareLink).where(*good).values(downloads=ShareLink.downloads + 1, last_used_at=now)
    done: CursorResult[tuple[()]] = session.execute(counted)  # type: ignore[assignment]  # an UPDATE gives a CursorResult
    return bool(done.rowcount)


def _told(session: Session, visit: Visit, row: LinkRow) -> Visit:
    file, dataset = row.served, row.dataset
    assert file is not None
    assert dataset is not None
    columns = select(Column.name, Column.type).where(Column.file_id == file.id).order_by(col(Column.position))
    return replace(
        visit,
        dataset_name=dataset.name,
        description=dataset.description,
        file_id=file.id,
        file_name=file.file_name,
        format=file.format,
        size=file.size,
        rows=file.rows,
        column_count=file.columns,
        columns=tuple(VisitColumn(name, kind) for name, kind in session.exec(columns.limit(MOST_TOLD_COLUMNS))),
        updated_at=file.created_at,
        sha256=file.sha256 if file.sha256_verified else None,
        version=None if row.file is None else row.file.version,
        sliced=row.link.slice is not None,
        latest=row.link.file_id is None,
        row=row,
    )


def _unlocked(visit: Visit) -> LinkRow:
    if visit.row is None:
        raise PasswordNeeded("This link has a password. Ask whoever sent it to you for it.")
    return visit.row
