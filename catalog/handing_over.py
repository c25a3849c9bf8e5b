"""Giving a dataset to another owner, with everything that is kept beside it under an owner's name."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from catalog import shelf
from db.tables import Dataset, DatasetGrant, File, ShareLink, User


def hand_over(session: Session, dataset: Dataset, to: User) -> None:
    """Make `to` the owner of the dataset, inside a transaction that holds the dataset's lock; the caller records it.

    The dataset's name gets ` (2)` where the new owner has one of that name. Every version, in the trash too, the kept
    counts and what can be searched go along; so do the links its former owner made to it, so that there is somebody who
    can revoke them. The former owner keeps nothing: whoever wants them to see it still shares it with them.
    """
    former = dataset.owner_id
    if former == to.id:
        return
    shelf.change_owner(session, dataset, to.id)
    session.exec(update(File).where(col(File.dataset_id) == dataset.id).values(owner_id=to.id))
    session.exec(
        delete(DatasetGrant).where(col(DatasetGrant.dataset_id) == dataset.id, col(DatasetGrant.user_id) == to.id)
    )
    for link in _links(session, dataset.id, former):
        link.owner_id = to.id
        copy = None if link.slice_dataset_id is None else _locked(session, link.slice_dataset_id)
        if copy is not None:
            hand_over(session, copy, to)
    session.flush()


def _links(session: Session, dataset_id: uuid.UUID, owner_id: uuid.UUID) -> list[ShareLink]:
    of_it = select(ShareLink).where(ShareLink.dataset_id == dataset_id, ShareLink.owner_id == owner_id)
    return list(session.exec(of_it.order_by(col(ShareLink.id)).with_for_update()))


def _locked(session: Session, dataset_id: uuid.UUID) -> Dataset | None:
    return session.exec(select(Dataset).where(Dataset.id == dataset_id).with_for_update()).first()
