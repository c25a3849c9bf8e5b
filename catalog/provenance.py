"""Whether an object was ever this catalogue's own.

The catalogue writes down the beginning of every upload together with its row, and a key of ours ends with the file's
id: an object whose id was never written down belongs to another installation that has its files in the same bucket, or
came after the backup that this catalogue was restored from. Nobody here has a right to remove it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlmodel import col, select

from catalog.events import EventKind
from db import Database
from db.tables import Event, File


def strangers(database: Database, file_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the ids that are not known as a file's of this catalogue, now or before. Raises DatabaseUnavailable.

    An upload that was under way in a backup, and that a restore gave up, is one: elsewhere it may have come to its end.
    """
    told = select(Event.file_id, Event.kind, Event.detail).where(
        col(Event.file_id).in_(file_ids), col(Event.kind).in_((EventKind.UPLOAD_STARTED, EventKind.UPLOAD_EXPIRED))
    )
    with database.session() as session:
        there = set(session.exec(select(File.id).where(col(File.id).in_(file_ids))))
        events = session.exec(told).all()
    begun = {file_id for file_id, kind, _ in events if kind == EventKind.UPLOAD_STARTED}
    lost_sight_of = {
        file_id
        for file_id, kind, detail in events
        if kind == EventKind.UPLOAD_EXPIRED and detail.get("reason") == "restore"
    }
    return set(file_ids) - there - (begun - lost_sight_of)
