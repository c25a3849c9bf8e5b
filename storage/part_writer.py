"""Taking the body of a PUT to a signed link, piece by piece."""

from __future__ import annotations

import hashlib
import os
from types import TracebackType
from typing import Protocol, Self

from storage.disk import disk_errors, spare_room, write_all
from storage.local_objects import Facts, ObjectTree, missing_folder
from storage.protocol import LengthRequired, ObjectRef, PartTooLarge, StoredObject, WrongLength

FLUSH_BYTES = 1024 * 1024
"""A server hands over 64 KiB at a time; gathering them makes locks and hashing cheap."""


class PartWriter(Protocol):
    """A context manager: `write` what comes, then `commit`; leaving without `commit` drops it all.

    Writing may raise StorageFull, WrongLength, PartSuperseded, UploadNotFound, StorageUnavailable (ask again).
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def write(self, data: bytes) -> None:
        """Take the next bytes. Holds at most 1 MiB in memory."""
        ...

    def commit(self) -> str:
        """Everything came: flush it to the disk and make it count. Returns the bare ETag. Raises WrongLength."""
        ...


def check_length(length: int | None, *, limit: int) -> int:
    """The announced length of a PUT. Raises LengthRequired, PartTooLarge."""
    if length is None or length < 0:
        raise LengthRequired("a PUT to this link must announce its Content-Length")
    if length > limit:
        raise PartTooLarge(f"this link takes at most {limit} bytes, not {length}")
    return length


class Gathered:
    """Bytes on their way to the disk: counts, hashes and gathers them, and knows how many may come."""

    def __init__(self, *, length: int | None) -> None:
        self._length = length
        self._pending = bytearray()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.taken = 0

    def add(self, data: bytes) -> bytearray | None:
        """Take the next bytes; returns what is due to be written, if anything is. Raises WrongLength."""
        self._pending += data
        if self._length is not None and self.taken + len(self._pending) > self._length:
            raise WrongLength(f"more bytes came than the {self._length} announced")
        return self.rest() if len(self._pending) >= FLUSH_BYTES else None

    def rest(self) -> bytearray:
        """What has not been handed out yet."""
        due, self._pending = self._pending, bytearray()
        self._md5.update(due)
        self.taken += len(due)
        return due

    def etag(self) -> str:
        """The MD5 of it all, in hex. Raises WrongLength where less came than was announced."""
        if self._length is not None and self.taken != self._length:
            raise WrongLength(f"{self.taken} bytes came of the {self._length} announced")
        return self._md5.hexdigest()


class ObjectWriter:
    """Writes a whole object beside the tree and publishes it on commit. `length` None: whatever comes."""

    def __init__(self, tree: ObjectTree, ref: ObjectRef, *, length: int | None, content_type: str | None) -> None:
        self._tree = tree
        self._ref = ref
        self._content_type = content_type
        self._gathered = Gathered(length=length)
        self._path = tree.incoming()
        self._descriptor = -1

    def __enter__(self) -> Self:
        with disk_errors(self._ref):
            if not self._path.parent.is_dir():
                raise missing_folder(self._path.parent, self._ref)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        if (due := self._gathered.add(data)) is not None:
            self._put(due)

    def commit(self) -> str:
        return self.publish().etag

    def publish(self) -> StoredObject:
        """`commit`, for who wants to know all about the object."""
        self._put(self._gathered.rest())
        etag = self._gathered.etag()
        with disk_errors(self._ref):
            os.fsync(self._descriptor)
        return self._tree.publish(self._path, self._ref, Facts(etag, self._content_type))

    def _put(self, due: bytearray) -> None:
        with disk_errors(self._ref):
            spare_room(self._descriptor, len(due))
            write_all(self._descriptor, due, offset=self._gathered.taken - len(due))
