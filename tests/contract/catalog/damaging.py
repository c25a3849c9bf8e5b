"""What the tests of checks and rules do to a shelf behind its back."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import datetime, timedelta

from sqlmodel import select

from catalog.damage import Damage, ReconcileReport
from catalog.events import EventKind, record
from catalog.intake import NewUpload
from catalog.reconcile import Reconcile
from catalog.removal import ref_of
from catalog.uploads import StartedUpload
from db.tables import File, Upload
from db.utc import utc_now
from storage import BucketRole, ObjectRef
from tests.contract.catalog.conftest import Shelf

DATA = b"a,b\n1,2\n"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def the_day_after_tomorrow() -> datetime:
    """When everything a test makes is old enough."""
    return utc_now() + timedelta(days=2)


def later(shelf: Shelf) -> Reconcile:
    """A check that finds everything old."""
    return Reconcile(shelf.database, shelf.storages, now=the_day_after_tomorrow)


def now(shelf: Shelf) -> Reconcile:
    """A check that finds everything young."""
    return Reconcile(shelf.database, shelf.storages)


def found(report: ReconcileReport) -> dict[Damage, int]:
    return {kind: group.found for kind, group in report.groups.items()}


def new_key(role: BucketRole = BucketRole.DATASETS) -> str:
    return f"{role}/2026/11/{uuid.uuid4()}"


def lost_key(shelf: Shelf, role: BucketRole = BucketRole.DATASETS) -> str:
    """The key of a file that this catalogue once began and has no row of any more."""
    key = new_key(role)
    with shelf.database.transaction() as session:
        record(session, EventKind.UPLOAD_STARTED, file_id=uuid.UUID(key.rpartition("/")[2]))
    return key


def plant(shelf: Shelf, key: str, data: bytes = DATA) -> ObjectRef:
    """An object that nobody knows of."""
    ref = ObjectRef(BucketRole(key.partition("/")[0]), key)
    shelf.storage.upload_file(ref, io.BytesIO(data), len(data), "text/csv")
    return ref


def row(shelf: Shelf, file_id: uuid.UUID) -> File:
    with shelf.database.session() as session:
        return session.exec(select(File).where(File.id == file_id)).one()


def has_row(shelf: Shelf, file_id: uuid.UUID) -> bool:
    with shelf.database.session() as session:
        return session.exec(select(File.id).where(File.id == file_id)).first() is not None


def overwrite(shelf: Shelf, file_id: uuid.UUID, data: bytes) -> None:
    file = row(shelf, file_id)
    shelf.storage.upload_file(ref_of(file), io.BytesIO(data), len(data), file.media_type)


def sent(shelf: Shelf, data: bytes = DATA, *, sha256: str | None = None) -> StartedUpload:
    """An upload whose every part has arrived."""
    started = shelf.uploads.start(shelf.caller, NewUpload("x.csv", len(data), sha256=sha256))
    shelf.send(started.parts, data, started.part_size)
    return started


def cut_off(shelf: Shelf, data: bytes = DATA, *, sha256: str | None = None) -> StartedUpload:
    """The app died after the store had joined the parts, and before the row said so."""
    started = sent(shelf, data, sha256=sha256)
    join(shelf, started)
    return started


def join(shelf: Shelf, started: StartedUpload) -> None:
    ref, store_id = ref_of(row(shelf, started.file_id)), store_upload_id(shelf, started)
    shelf.storage.complete_multipart(ref, store_id, shelf.storage.list_parts(ref, store_id))


def store_upload_id(shelf: Shelf, started: StartedUpload) -> str:
    with shelf.database.session() as session:
        return str(session.exec(select(Upload.store_upload_id).where(Upload.id == started.upload_id)).one())
