"""The rows of a new file: checked facts, the dataset it goes to, and a name for a dataset that is made for it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog.access import Need, check_writes, find_dataset
from catalog.caller import Caller
from catalog.errors import DatasetNameTaken, InvalidChecksum, InvalidRole, InvalidSize
from catalog.names import (
    clean_description,
    clean_file_name,
    clean_folder,
    clean_name,
    default_name,
    free_names,
    sort_key,
)
from catalog.parts import part_size_for
from catalog.request_places import take_place
from db.tables import Dataset, File, FileStatus, Upload
from db.utc import utc_now
from preview.formats import format_of, media_type_of
from storage.protocol import MAX_OBJECT_SIZE, BucketRole, FileStorage

SHA256 = re.compile(r"[0-9a-fA-F]{64}")
MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
"""RFC 6838, section 4.2, without parameters."""
OCTETS = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A file that is to come, as the client announces it. `size` in bytes; `role` names a bucket.

    With `dataset_id` it is a new version of that dataset; without, a new dataset is made, called `name` where given.
    """

    file_name: str
    size: int
    content_type: str | None = None
    dataset_id: uuid.UUID | None = None
    name: str | None = None
    role: str = BucketRole.DATASETS
    sha256: str | None = None
    description: str = ""
    """Of the new dataset."""
    modified_at: datetime | None = None
    """The file's own date on the client's disk, with its time zone."""
    folder: str = ""
    """The folder it was dropped with, where there was one."""
    head_sha256: str | None = None
    tail_sha256: str | None = None
    """Of bytes [0, min(size, 1 MiB)) and [max(0, size − 1 MiB), size): by them a client knows its file again."""
    request_id: uuid.UUID | None = None
    """The upload request it comes by, one of whose places it takes."""
    upload_id: uuid.UUID | None = None
    """Where whoever begins it knows its id beforehand."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The same, checked and brought into form."""

    file_name: str
    size: int
    media_type: str
    dataset_id: uuid.UUID | None
    name: str | None
    role: BucketRole
    sha256: str | None
    description: str
    modified_at: datetime | None
    folder: str
    head_sha256: str | None
    tail_sha256: str | None
    request_id: uuid.UUID | None
    upload_id: uuid.UUID | None


def is_sha256(text: str | None) -> bool:
    """Whether it is a SHA-256 in hexadecimal."""
    return text is not None and SHA256.fullmatch(text) is not None


def clean_sha256(text: str | None) -> str | None:
    """In lower case. Raises InvalidChecksum."""
    if text is None:
        return None
    if not is_sha256(text):
        raise InvalidChecksum("A SHA-256 must be 64 hexadecimal digits.")
    return text.lower()


def check_size(size: int) -> None:
    """Raises InvalidSize."""
    if not 0 <= size <= MAX_OBJECT_SIZE:
        raise InvalidSize("The size must be from 0 bytes to 5 TiB, the most an object store holds in one object.")


def check(new: NewUpload) -> Announced:
    """Raises the Invalid… errors: InvalidFileName, InvalidSize, InvalidChecksum, InvalidName, InvalidRole,
    InvalidDescription, InvalidFolder.
    """
    file_name = clean_file_name(new.file_name)
    check_size(new.size)
    if new.role not in tuple(BucketRole):
        raise InvalidRole(f"There is no bucket “{new.role[:40]}”; there are {', '.join(BucketRole)}.")
    return Announced(
        file_name=file_name,
        size=new.size,
        media_type=_media_type(file_name, new.content_type),
        dataset_id=new.dataset_id,
        name=None if new.name is None else clean_name(new.name),
        role=BucketRole(new.role),
        sha256=clean_sha256(new.sha256),
        description=clean_description(new.description),
        modified_at=new.modified_at,
        folder=clean_folder(new.folder),
        head_sha256=clean_sha256(new.head_sha256),
        tail_sha256=clean_sha256(new.tail_sha256),
        request_id=new.request_id,
        upload_id=new.upload_id,
    )


def add_rows(
    session: Session, caller: Caller, announced: Announced, storage: FileStorage
) -> tuple[Dataset, File, Upload]:
    """A pending file and its upload, in the dataset named or a new one of the caller's. Raises DatasetNotFound,
    NotAllowed, ReadOnly, DatasetNameTaken, and where it comes by an upload request RequestFull, LinkEnded."""
    if announced.dataset_id is not None:
        dataset = find_dataset(session, caller, announced.dataset_id, need=Need.EDIT, lock=True)
    else:
        dataset = _add_dataset(session, caller, announced)
    file_id, now = uuid.uuid4(), utc_now()
    file = File(
        id=file_id,
        dataset_id=dataset.id,
        owner_id=dataset.owner_id,
        status=FileStatus.PENDING,
        file_name=announced.file_name,
        format=format_of(announced.file_name),
        media_type=announced.media_type,
        size=announced.size,
        sha256=announced.sha256,
        backend=storage.backend,
        bucket=storage.bucket_for(announced.role),
        role=announced.role,
        key=f"{announced.role}/{now:%Y}/{now:%m}/{file_id}",
        created_at=now,
        head_sha256=announced.head_sha256,
        tail_sha256=announced.tail_sha256,
    )
    session.add(file)
    session.flush()
    upload = Upload(
        id=announced.upload_id or uuid.uuid4(),
        file_id=file_id,
        owner_id=caller.user_id,
        part_size=part_size_for(announced.size),
        modified_at=announced.modified_at,
        folder=announced.folder,
        created_at=now,
        request_id=announced.request_id,
    )
    session.add(upload)
    session.flush()
    if announced.request_id is not None:
        take_place(session, announced.request_id)
    return dataset, file, upload


def rename(session: Session, dataset: Dataset, name: str) -> None:
    """Give the dataset another name, as its owner. Raises DatasetNameTaken."""
    while True:
        try:
            with session.begin_nested():
                dataset.name, dataset.name_key = name, sort_key(name)
                session.flush()
                return
        except IntegrityError:
            session.refresh(dataset)
            holder = _holder(session, dataset.owner_id, name)
            if holder is not None:
                raise DatasetNameTaken(name, holder) from None
            # Whoever held the name let it go in this moment.


def _add_dataset(session: Session, caller: Caller, announced: Announced) -> Dataset:
    check_writes(caller)
    if announced.name is not None:
        dataset = _try_name(session, caller, announced.name, announced.description)
        while dataset is None:
            holder = _holder(session, caller.user_id, announced.name)
            if holder is not None:
                raise DatasetNameTaken(announced.name, holder)
            # Whoever held the name let it go in this moment.
            dataset = _try_name(session, caller, announced.name, announced.description)
        return dataset
    name = default_name(announced.file_name)
    alike = select(Dataset.name).where(
        Dataset.owner_id == caller.user_id, col(Dataset.name).startswith(name[:150], autoescape=True)
    )
    for candidate in free_names(name, set(session.exec(alike))):
        dataset = _try_name(session, caller, candidate, announced.description)
        if dataset is not None:
            return dataset
    raise AssertionError("free_names never ends")


def _try_name(session: Session, caller: Caller, name: str, description: str) -> Dataset | None:
    """A new dataset, or None where the unique constraint says that the name is taken."""
    dataset = Dataset(owner_id=caller.user_id, name=name, name_key=sort_key(name), description=description)
    try:
        with session.begin_nested():
            session.add(dataset)
            session.flush()
    except IntegrityError:
        return None
    return dataset


def _holder(session: Session, owner_id: uuid.UUID, name: str) -> uuid.UUID | None:
    return session.exec(select(Dataset.id).where(Dataset.owner_id == owner_id, Dataset.name == name)).first()


def _media_type(file_name: str, announced: str | None) -> str:
    # A browser guesses from the name, and on Windows from the registry (a CSV is "application/vnd.ms-excel"): where we
    # know the format we know better.
    known = media_type_of(file_name)
    if known == OCTETS and announced and MEDIA_TYPE.fullmatch(announced):
        return announced.lower()
    return known
