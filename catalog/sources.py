"""Where a worker reads a stored file, and how: its bytes, a name for its content, and what its dataset's user said."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlmodel import Session, select

from catalog.access import find_ready_file
from catalog.caller import Caller
from catalog.removal import ref_of
from db.tables import Dataset, File
from preview.asking import Data
from preview.errors import SourceGone, SourceUnavailable
from preview.read_as import ReadAs
from preview.source import Source
from storage import Storages
from storage.protocol import Backend, FileNotInStorage, StorageUnavailable

LINK_LIFE = timedelta(minutes=15)
"""How long a worker may go on opening ranges for a page of rows; far longer than a read may take."""
LONG_LIFE = timedelta(days=1)
"""The same for what reads a whole file."""


def source_of(storages: Storages, file: File, *, life: timedelta) -> Source:
    """Where a worker reads the file. Raises the store's errors."""
    url = storages.of(Backend(file.backend)).get_internal_url(ref_of(file), life)
    return Source(url, file.size, file.file_name)


def data_of(storages: Storages, file: File, read_as: ReadAs) -> Data:
    """The file as a table; its content is known by the file's id, because a file never changes."""
    return Data(source_of(storages, file, life=LONG_LIFE), str(file.id), read_as)


def read_as_of(session: Session, dataset_id: uuid.UUID | None) -> ReadAs:
    """How a dataset's files are read: as detected, where nobody said otherwise."""
    return ReadAs.from_plain(session.exec(select(Dataset.read_as).where(Dataset.id == dataset_id)).first())


def find_readable(session: Session, caller: Caller, file_id: uuid.UUID) -> tuple[File, ReadAs]:
    """A ready file and how it is read. Raises FileNotFound, FileNotReady."""
    file = find_ready_file(session, caller, file_id)
    return file, read_as_of(session, file.dataset_id)


@contextmanager
def stores_words(file: File, operation: str) -> Iterator[None]:
    """What a worker says of the store, in the store's own errors: StorageUnavailable, FileNotInStorage."""
    try:
        yield
    except SourceUnavailable as error:
        raise StorageUnavailable(str(error), operation=operation, ref=ref_of(file)) from error
    except SourceGone as error:
        raise FileNotInStorage(str(error), operation=operation, ref=ref_of(file)) from error
