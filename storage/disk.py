"""Writing to a local disk so that a crash at any moment leaves the old state or the new, and errors that are ours."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from storage.protocol import FileNotInStorage, ObjectRef, StorageDenied, StorageError, StorageFull, StorageUnavailable

MOST_SPARED = 64 * 1024**2
"""Bytes of a disk that stay free of object data, or a twentieth of a small disk: writers look before every MiB."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


@contextmanager
def disk_errors(ref: ObjectRef | None = None) -> Iterator[None]:
    """Turn what the operating system says inside the block into a StorageError."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise _ours(error, ref) from error


def _ours(error: OSError, ref: ObjectRef | None) -> StorageError:
    if error.errno in _FULL:
        return StorageFull("the disk that holds DATA_DIR has no room left", ref=ref)
    if error.errno in _DENIED:
        return StorageDenied(f"the data folder refuses: {error.strerror} ({error.filename})", ref=ref)
    if error.errno in _ABSENT:
        return FileNotInStorage("there is no such object on the local disk", ref=ref)
    return StorageUnavailable(f"the data folder cannot be used: {error}", ref=ref)


@contextmanager
def locked(descriptor: int, *, exclusive: bool, wait: bool = True) -> Iterator[None]:
    """Hold flock(2) on an open file: it counts between threads and processes, and a killed holder lets go.

    Raises BlockingIOError where `wait` is false and somebody else holds it.
    """
    fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB))
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def spare_room(descriptor: int, wanted: int) -> None:
    """Refuse `wanted` more bytes of object data where they would take the disk's last room. Raises StorageFull.

    By default the database lies on the same disk: on one that is full to the brim it could record nothing any more, not
    even that the upload which filled it is given up.
    """
    found = os.fstatvfs(descriptor)
    spared = min(MOST_SPARED, found.f_blocks * found.f_frsize // 20)
    # A file system that counts no blocks does not say how full it is.
    if found.f_blocks and found.f_bavail * found.f_frsize - wanted < spared:
        raise StorageFull("the disk that holds DATA_DIR has no room left")


def write_all(descriptor: int, data: bytes | bytearray | memoryview, *, offset: int) -> None:
    """`pwrite` until everything is written; it may take less than it is given where the disk fills up."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def make_folders(folder: Path) -> None:
    """Make the folder and its missing parents, each entry flushed to the disk."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


def flush_folder(folder: Path) -> None:
    """fsync a folder, so that a rename inside it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_text(path: Path, text: str) -> None:
    """Write a small file at once: a reader sees the old text or the new."""
    temporary = path.with_name(f".{uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def older_than(path: Path, age: timedelta) -> bool:
    """Whether nobody has touched the path for that long; False for one that is gone."""
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > age.total_seconds()
    return False
