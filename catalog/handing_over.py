"""Giving a dataset to another owner, with everything that is kept beside it under an owner's name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from catalog import shelf
from db.tables import Dataset, DatasetGrant, File, ShareLink, User
from db.utc import utc_now


def hand_over(session: Session, dataset: Dataset, to: User) -> int:
    """Make `to` the owner of the dataset, inside a transaction that holds the dataset's lock; the caller records it,
    with how many links ended, which is what this gives.

    The dataset's name gets ` (2)` where the new owner has one of that name. Every version, in the trash too, the kept
    counts and what can be searched go along. The former owner keeps nothing: whoever wants them to see it still shares
    it with them. The links they made to it are taken back, for they know the addresses; an editor's stay the editor's.
    """
    former = dataset.owner_id
    if former == to.id:
        return 0
    shelf.change_owner(session, dataset, to.id)
    session.exec(update(File).where(col(File.dataset_id) == dataset.id).values(owner_id=to.id))
    session.exec(
        delete(DatasetGrant).where(col(DatasetGrant.dataset_id) == dataset.id, col(DatasetGrant.user_id) == to.id)
    )
    of_it = select(ShareLink).where(ShareLink.dataset_id == dataset.id, col(ShareLink.revoked_at).is_(None))
    links = session.exec(of_it.order_by(col(ShareLink.id)).with_for_update()).all()
    ended = [link for link in links if link.owner_id == former]
    for link in ended:
        link.revoked_at = utc_now()
    session.flush()
    # The copies they served go at once, their objects by the hourly sweep.
    shelf.remove_copies(session, col(Dataset.hidden_for).in_([link.id for link in ended]))
    for copy in _copies(session, links):
        hand_over(session, copy, to)
    session.flush()
    return len(ended)


def _copies(session: Session, links: Sequence[ShareLink]) -> Sequence[Dataset]:
    """What is left of them: those of links that others made, which count as the dataset owner's."""
    of_links = select(Dataset).where(col(Dataset.hidden_for).in_([link.id for link in links]))
    return session.exec(of_links.order_by(col(Dataset.id)).with_for_update()).all()
