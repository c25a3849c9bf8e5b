"""How many files an upload request still takes: a count on its row, changed in the transaction that begins or gives up
an upload.

Both change the request's row last, after the dataset's, so that two transactions never wait for each other.
"""

from __future__ import annotations

import uuid

from sqlalchemy import CursorResult, or_, update
from sqlmodel import Session, col, select

from catalog.errors import LinkEnded, RequestFull
from db.tables import Upload, UploadRequest
from db.utc import utc_now


def take_place(session: Session, request_id: uuid.UUID) -> None:
    """One file more by this request. The condition stands in the UPDATE itself: of many that come at once for the last
    place one gets it. Raises RequestFull, LinkEnded where it was revoked in this moment."""
    row = (col(UploadRequest.id) == request_id, col(UploadRequest.revoked_at).is_(None))
    free = or_(col(UploadRequest.max_files).is_(None), col(UploadRequest.files) < col(UploadRequest.max_files))
    taken = update(UploadRequest).where(*row, free).values(files=UploadRequest.files + 1, last_used_at=utc_now())
    done: CursorResult[tuple[()]] = session.execute(taken)  # type: ignore[assignment]  # an UPDATE gives a CursorResult
    if done.rowcount:
        return
    most = session.exec(select(UploadRequest.max_files).where(*row)).first()
    if most is None:
        raise LinkEnded("This link was taken back. Ask whoever sent it to you for a new one.")
    raise RequestFull(most)


def give_place_back(session: Session, file_id: uuid.UUID) -> None:
    """The upload of this file was given up before it was complete: where it came by a request, another may come."""
    came_by = select(Upload.request_id).where(Upload.file_id == file_id, col(Upload.completed_at).is_(None))
    request_id = session.exec(came_by).first()
    if request_id is not None:
        row = (col(UploadRequest.id) == request_id, col(UploadRequest.files) > 0)
        session.execute(update(UploadRequest).where(*row).values(files=UploadRequest.files - 1))
