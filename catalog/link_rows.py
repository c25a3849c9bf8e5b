"""Share links with all that decides whether they are good, read in one query; and why one is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy import select as sql_select
from sqlalchemy.orm import aliased, defer
from sqlmodel import Session, col

from catalog.access import user_changes_dataset
from catalog.caller import Caller
from catalog.share_links import ShareState
from db.tables import Dataset, File, FileStatus, ShareLink, User
from db.utc import utc_now


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link, who made it, and where it leads.

    `file` is the version it names, or the newest one; `copy` the sliced copy it serves instead, made for it alone.
    `allowed`: whoever made it may still hand out the dataset.
    """

    link: ShareLink
    maker: User
    dataset: Dataset | None
    file: File | None
    copy: File | None
    copy_owner: User | None
    owner: User | None
    allowed: bool

    @property
    def served(self) -> File | None:
        """The file whose bytes the link serves, and no other."""
        return self.file if self.link.slice is None else self.copy

    def reader(self) -> Caller:
        """On whose behalf what the link serves is read: of a slice's it sees the copy alone."""
        if self.link.slice is not None:
            assert self.copy_owner is not None
            return Caller(self.copy_owner.id, self.copy_owner.name, may_write=False, link_id=self.link.id)
        assert self.owner is not None
        return Caller(self.owner.id, self.owner.name, may_write=False)

    def state(self, now: datetime | None = None) -> ShareState:
        link, now = self.link, now or utc_now()
        if link.revoked_at is not None:
            return ShareState.REVOKED
        if not self.leads_somewhere:
            return ShareState.GONE
        if link.expires_at is not None and link.expires_at <= now:
            return ShareState.EXPIRED
        if link.max_downloads is not None and link.downloads >= link.max_downloads:
            return ShareState.USED_UP
        # Of a link that ended before, the copy may have been tidied away: it is made again where it is renewed.
        if self.served is None or self.served.status != FileStatus.READY:
            return ShareState.GONE
        return ShareState.ACTIVE

    @property
    def leads_somewhere(self) -> bool:
        """Whether the version it is of can be had, and is its maker's to hand out."""
        there = self.dataset is not None and self.dataset.trashed_at is None
        return there and self.allowed and self.file is not None and self.file.status == FileStatus.READY


def link_rows(session: Session, *conditions: ColumnElement[bool], limit: int | None = None) -> list[LinkRow]:
    """The links that meet the conditions (on ShareLink and Dataset), the newest first; the first `limit` of them."""
    copied, copy, copy_owner, owner = aliased(Dataset), aliased(File), aliased(User), aliased(User)
    leads_to = func.coalesce(col(ShareLink.file_id), col(Dataset.current_file_id))
    query = (
        sql_select(ShareLink, User, Dataset, File, copy, copy_owner, owner, user_changes_dataset())
        .join(User, col(User.id) == col(ShareLink.owner_id))
        .outerjoin(Dataset, col(Dataset.id) == col(ShareLink.dataset_id))
        .outerjoin(owner, col(owner.id) == col(Dataset.owner_id))
        .outerjoin(File, and_(col(File.id) == leads_to, col(File.dataset_id) == col(Dataset.id)))
        .outerjoin(copied, and_(col(copied.id) == ShareLink.slice_dataset_id, col(copied.hidden_for) == ShareLink.id))
        .outerjoin(copy, col(copy.dataset_id) == col(copied.id))
        .outerjoin(copy_owner, col(copy_owner.id) == col(copied.owner_id))
        .where(*conditions)
        .order_by(col(ShareLink.created_at).desc(), col(ShareLink.id))
        .limit(limit)
        .options(defer(Dataset.search_text))  # type: ignore[arg-type]  # SQLModel's column is one
    )
    return [LinkRow(*row) for row in session.execute(query)]


WHY = {
    ShareState.REVOKED: "This link was taken back.",
    ShareState.EXPIRED: "This link has expired.",
    ShareState.USED_UP: "This link was good for a number of downloads, and all of them were made.",
    ShareState.GONE: "What this link leads to is not on the shelf any more.",
}


def why_ended(state: ShareState) -> str:
    """For whoever has the link."""
    return f"{WHY[state]} Ask whoever sent it to you for a new one."
