"""Copies that hold some columns and rows of a file, each for the one share link that serves it.

A copy is the only file of a dataset of its own, which `Dataset.hidden_for` marks: it is in no list and no count, nobody
finds it by its id, and the link alone reads it. It goes for good when its link is revoked, with the dataset it was made
from, and some days after its link has ended.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from catalog import shelf
from catalog.errors import FileNotReady
from catalog.gate import Gate
from catalog.names import default_name
from catalog.queries import counted
from catalog.removal import Removal, ref_of
from catalog.sources import data_of, stores_words
from db import Database
from db.tables import Dataset, File, FileStatus, ShareLink
from db.utc import utc_now
from preview.analyst import Analyst
from preview.asking import Exported
from preview.formats import media_type_of
from preview.read_as import ReadAs
from storage import Storages
from storage.protocol import BucketRole

ENDED_FOR = timedelta(days=7)
"""How long the copy of a link that has ended is kept: it may be renewed. After that it is made anew."""
UNCLAIMED = timedelta(days=1)
"""After so long a copy without a link is what a crash left."""

_log = structlog.get_logger("catalog")


@dataclass(frozen=True)
class Slices:
    """Makes copies and removes them. `gate` bounds how many are made at once together with the queries, `folder` is
    where they are written on the way; `on_ready` hears of every new file.
    """

    database: Database
    storages: Storages
    analyst: Analyst
    gate: Gate
    folder: Path
    on_ready: Callable[[uuid.UUID], None]

    def make(
        self,
        link_id: uuid.UUID,
        source: File,
        read_as: ReadAs,
        *,
        columns: Sequence[str] | None,
        where: str | None,
    ) -> uuid.UUID:
        """A copy for this link: CSV of a CSV, Parquet of anything else. The id of its dataset.

        Takes as long as a query may. Raises Busy, the PreviewErrors (QueryRefused and QueryFailed about the condition,
        ResultTooBig, TimedOut, NoTable), FileNotReady where the file went away meanwhile, and the store's errors;
        nothing is left then.
        """
        form: Literal["csv", "parquet"] = "csv" if source.format == "csv" else "parquet"
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="slice-", dir=self.folder) as folder:
            path = Path(folder) / f"slice.{form}"
            with counted("slice"), self.gate.turn(), stores_words(source, "slice"):
                data = data_of(self.storages, source, read_as)
                made = self.analyst.excerpt(data, columns=columns, where=where, format=form, to=path)
            return self._keep(link_id, source, path, made, f"{default_name(source.file_name)[:200]}.{form}")

    def drop(self, session: Session, link: ShareLink) -> Sequence[uuid.UUID]:
        """Take the link's copy away, in the transaction that ends it; the files whose objects are to be removed then.

        Of what removing them leaves, because the store is away, the hourly sweep takes care."""
        return shelf.remove_copies(session, col(Dataset.id) == link.slice_dataset_id)

    def sweep(self) -> int:
        """Remove the copies that nobody needs any more; says how many files those were. Raises DatabaseUnavailable."""
        now = utc_now()
        ended_before = now - ENDED_FOR
        used_up = and_(
            col(ShareLink.max_downloads).is_not(None),
            col(ShareLink.downloads) >= col(ShareLink.max_downloads),
            col(ShareLink.last_used_at) < ended_before,
        )
        ended = or_(col(ShareLink.revoked_at).is_not(None), col(ShareLink.expires_at) < ended_before, used_up)
        source_gone = col(ShareLink.file_id).not_in(
            select(File.id).where(col(File.status) != FileStatus.DELETED, col(File.dataset_id).is_not(None))
        )
        over = select(ShareLink.id).where(col(ShareLink.slice_dataset_id).is_not(None), or_(ended, source_gone))
        claimed = select(ShareLink.slice_dataset_id).where(col(ShareLink.slice_dataset_id).is_not(None))
        left = and_(col(Dataset.created_at) < now - UNCLAIMED, col(Dataset.id).not_in(claimed))
        hidden = col(Dataset.hidden_for)
        with self.database.transaction() as session:
            gone = shelf.remove_copies(session, and_(hidden.is_not(None), or_(hidden.in_(over), left)))
        if gone:
            _log.info("copies of share links removed", files=len(gone))
        return Removal(self.database, self.storages).remove(gone)

    def _keep(self, link_id: uuid.UUID, source: File, path: Path, made: Exported, file_name: str) -> uuid.UUID:
        storage, media_type, file_id = self.storages.primary, media_type_of(file_name), uuid.uuid4()
        now = utc_now()
        with self.database.transaction() as session:
            owner_id = session.exec(select(Dataset.owner_id).where(Dataset.id == source.dataset_id)).first()
            if owner_id is None:
                raise FileNotReady("The file was deleted while the copy for the link was being made.")
            copy = Dataset(owner_id=owner_id, name="", name_key="", hidden_for=link_id)
            copy.name = copy.name_key = str(copy.id)
            file = File(
                id=file_id,
                dataset_id=copy.id,
                owner_id=owner_id,
                file_name=file_name,
                format="csv" if file_name.endswith(".csv") else "parquet",
                media_type=media_type,
                size=made.size,
                backend=storage.backend,
                bucket=storage.bucket_for(BucketRole.DATASETS),
                role=BucketRole.DATASETS,
                key=f"{BucketRole.DATASETS}/{now:%Y}/{now:%m}/{file_id}",
                created_at=now,
            )
            session.add(copy)
            session.flush()
            session.add(file)
        try:
            with path.open("rb") as data:
                stored = storage.upload_file(ref_of(file), data, made.size, media_type)
            with self.database.transaction() as session:
                kept = session.get_one(Dataset, copy.id, with_for_update=True)
                ready = session.get_one(File, file.id, with_for_update=True)
                ready.status, ready.version, ready.etag = FileStatus.READY, 1, stored.etag
                ready.rows, ready.columns = made.rows, len(made.columns)
                kept.last_version = 1
                shelf.describe(session, ready, made.columns)
                shelf.refresh(session, kept)
        except BaseException:
            self.discard(copy.id)
            raise
        self.on_ready(file.id)
        return copy.id

    def discard(self, copy_id: uuid.UUID) -> None:
        """Remove a copy whose link did not come to be."""
        with self.database.transaction() as session:
            gone = shelf.remove_copies(session, col(Dataset.id) == copy_id)
        Removal(self.database, self.storages).remove(gone)
