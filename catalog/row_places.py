"""Where the rows of long text files begin, as the background scan found it: kept, and given to later previews."""

from __future__ import annotations

import sys
import uuid
from array import array

from sqlalchemy import delete
from sqlmodel import Session, col

from db.tables import RowPlaces
from preview.result import RowIndex


def keep(session: Session, file_id: uuid.UUID, index: RowIndex | None) -> None:
    """Replace what is kept of the file's rows by `index`, or by nothing."""
    forget(session, [file_id])
    if index is not None:
        session.add(RowPlaces(file_id=file_id, read_key=index.read_key, step=index.step, offsets=pack(index.offsets)))


def recall(session: Session, file_id: uuid.UUID, read_key: str) -> RowIndex | None:
    """The index that fits this way of reading."""
    kept = session.get(RowPlaces, (file_id, read_key))
    return None if kept is None else RowIndex(kept.step, unpack(kept.offsets), kept.read_key)


def forget(session: Session, file_ids: list[uuid.UUID]) -> None:
    session.exec(delete(RowPlaces).where(col(RowPlaces.file_id).in_(file_ids)))


def pack(offsets: tuple[int, ...]) -> bytes:
    """Eight bytes each, little-endian."""
    return _swapped(array("Q", offsets)).tobytes()


def unpack(packed: bytes) -> tuple[int, ...]:
    """What `pack` gave."""
    offsets = array("Q")
    offsets.frombytes(packed)
    return tuple(_swapped(offsets))


def _swapped(offsets: array[int]) -> array[int]:
    if sys.byteorder == "big":
        offsets.byteswap()
    return offsets
