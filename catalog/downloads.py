"""A file's way out: links signed for the store, which sends the bytes itself."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import update
from sqlmodel import col, select

from catalog.access import find_ready_file
from catalog.caller import Caller
from catalog.errors import InvalidExpiry
from catalog.events import EventKind, record
from catalog.metrics import DOWNLOADS
from catalog.removal import ref_of
from catalog.views import DatasetSummary
from db import Database, DatabaseUnavailable
from db.tables import File
from db.utc import utc_now
from storage import Storages
from storage.protocol import Backend, FileNotInStorage

SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=1)
USE_NOTED_EVERY = timedelta(days=1)

_log = structlog.get_logger("catalog")


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link that anyone who has it may use until it expires."""

    file_id: uuid.UUID
    url: str
    expires_in: timedelta
    backend: Backend


class DownloadHead(NamedTuple):
    """What a download will be, without a link."""

    size: int
    media_type: str
    file_name: str


@dataclass(frozen=True)
class Downloads:
    """Links to ready files. `link_life` is how long a link lives where nobody says otherwise.

    `via_app`: the bytes come through the app, because whoever downloads cannot reach the store.
    """

    database: Database
    storages: Storages
    link_life: timedelta
    via_app: bool = False

    def link(self, caller: Caller, file_id: uuid.UUID, *, expires_in: timedelta | None = None) -> SignedLink:
        """A link to hand on; not counted as a download, but for a file that is in use, and written down. What becomes
        of the link the store alone knows. Raises FileNotFound, FileNotReady, InvalidExpiry.
        """
        life = self.link_life if expires_in is None else expires_in
        if not SHORTEST <= life <= LONGEST:
            raise InvalidExpiry("A link lives from 1 second to 86,400 seconds (one day).")
        file = self._ready(caller, file_id)
        url = self.sign(file, life)
        self._note_link(caller, file, life)
        return SignedLink(file.id, url, life, Backend(file.backend))

    def redirect(self, caller: Caller, file_id: uuid.UUID, *, look_first: bool = False) -> str:
        """A link to send a browser to, counted as a download. It lives long enough to resume a download cut off.

        Raises FileNotFound, FileNotReady, and FileNotInStorage where local disk has lost the file. A remote store is
        asked only with `look_first` (then StorageUnavailable and its like, too): otherwise it answers for itself.
        """
        file = self._ready(caller, file_id)
        storage = self.storages.of(Backend(file.backend))
        asked = look_first or storage.backend is Backend.LOCAL
        if asked and not storage.file_exists(ref_of(file)):
            raise FileNotInStorage(
                "The store no longer has the file's bytes. Another version may still be there.",
                operation="download",
                ref=ref_of(file),
            )
        url = self.sign(file, self.link_life)
        with self.database.transaction() as session:
            counted = {"downloads": col(File.downloads) + 1, "downloaded_at": utc_now()}
            session.execute(update(File).where(col(File.id) == file.id).values(counted))
            kind, owner = EventKind.FILE_DOWNLOADED, caller.user_id
            detail = {"size": file.size, "version": file.version}
            record(session, kind, user_id=owner, dataset_id=file.dataset_id, file_id=file.id, detail=detail)
        DOWNLOADS.labels(file.backend).inc()
        return url

    def _note_link(self, caller: Caller, file: File, life: timedelta) -> None:
        """Write down who got a link, and once a day that the file is used, lest it be taken for untouched."""
        now = utc_now()
        noted = file.downloaded_at is not None and file.downloaded_at > now - USE_NOTED_EVERY
        detail = {"size": file.size, "version": file.version, "expires_in": int(life.total_seconds())}
        kind, owner = EventKind.FILE_LINKED, caller.user_id
        try:
            with self.database.transaction() as session:
                record(session, kind, user_id=owner, dataset_id=file.dataset_id, file_id=file.id, detail=detail)
                if not noted:
                    session.execute(update(File).where(col(File.id) == file.id).values(downloaded_at=now))
        except DatabaseUnavailable:
            # A database that takes no writes, as on a full disk, is no reason to refuse a link; the log has it then.
            _log.warning("link not written down", file_id=str(file.id), user=caller.name)

    def head(self, caller: Caller, file_id: uuid.UUID) -> DownloadHead:
        """Raises FileNotFound, FileNotReady."""
        file = self._ready(caller, file_id)
        return DownloadHead(file.size, file.media_type, file.file_name)

    def sign_many(self, datasets: Sequence[DatasetSummary]) -> dict[uuid.UUID, str]:
        """Links to the datasets' newest files, by file id; left out where signing fails. Never raises.

        The summaries come from a list that was made for the caller, so nothing is asked about access here.
        """
        ids = [dataset.file_id for dataset in datasets if dataset.file_id is not None]
        try:
            with self.database.session() as session:
                files = session.exec(select(File).where(col(File.id).in_(ids))).all() if ids else []
        except DatabaseUnavailable:
            return {}
        urls: dict[uuid.UUID, str] = {}
        for file in files:
            try:
                urls[file.id] = self.sign(file, self.link_life)
            except Exception as error:  # noqa: BLE001  # a list without a link is better than no list, whatever the reason
                _log.warning("link left out", file_id=str(file.id), error=str(error))
        return urls

    def sign(self, file: File, life: timedelta) -> str:
        """A link to a file that whoever asks may have. Raises the store's errors."""
        backend = Backend(file.backend)
        if self.via_app and backend is not Backend.LOCAL:
            return self.storages.relay.download_url(ref_of(file), life, file.file_name)
        return self.storages.of(backend).get_presigned_url(ref_of(file), life, file.file_name)

    def _ready(self, caller: Caller, file_id: uuid.UUID) -> File:
        with self.database.session() as session:
            return find_ready_file(session, caller, file_id)
