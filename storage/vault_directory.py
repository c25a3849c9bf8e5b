"""A vault in a directory: written beside its place, flushed to the disk, and renamed there."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from storage.checked import Reads
from storage.disk import flush_folder, make_folders, write_all
from storage.protocol import FileNotInStorage, StorageDenied, StorageError, StorageFull, StorageUnavailable
from storage.vault import Kept, Vault

BLOCK = 1024**2
INCOMING = ".incoming"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True)
class DirectoryVault:
    """Keeps files under `root`, readable for the account that makes the backup only."""

    root: Path

    @property
    def place(self) -> str:
        return str(self.root)

    def prepare(self, is_own: Callable[[str], bool]) -> None:
        # What is half-written lies apart, under names that tell nothing.
        del is_own
        with _place_errors():
            make_folders(self.root)
            shutil.rmtree(self.root / INCOMING, ignore_errors=True)
            (self.root / INCOMING).mkdir(mode=0o700, exist_ok=True)

    def put(self, name: str, data: Reads, size: int | None) -> int:
        path, temporary = self.root / name, self.root / INCOMING / uuid4().hex
        written = 0
        with _place_errors():
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            while block := data.read(BLOCK):
                with _place_errors():
                    write_all(descriptor, block, offset=written)
                written += len(block)
            with _place_errors():
                os.fsync(descriptor)
                make_folders(path.parent)
                temporary.replace(path)
                flush_folder(path.parent)
        finally:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
        return written

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        with _place_errors(name):
            file = (self.root / name).open("rb")
        with file:
            yield file

    def entries(self, prefix: str) -> Iterator[Kept]:
        folder = self.root / prefix
        if folder.is_dir():
            yield from self._walk(folder, prefix)

    def folders(self, prefix: str) -> list[str]:
        folder = self.root / prefix
        if not folder.is_dir():
            return []
        with _place_errors(), os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())

    def remove(self, name: str) -> None:
        path = self.root / name
        with _place_errors():
            path.unlink(missing_ok=True)
            # A folder that still holds something stays.
            for folder in path.parents:
                if folder == self.root or any(folder.iterdir()):
                    break
                folder.rmdir()

    def _walk(self, folder: Path, above: str) -> Iterator[Kept]:
        with _place_errors(), os.scandir(folder) as entries:
            # A folder sorts as its name with a slash: that is where its files stand among their neighbours.
            found = sorted((f"{above}{entry.name}{'/' if entry.is_dir() else ''}", entry) for entry in entries)
        for name, entry in found:
            if name.endswith("/"):
                yield from self._walk(Path(entry.path), name)
            else:
                with _place_errors(name):
                    size = entry.stat().st_size
                yield Kept(name, size)


@contextmanager
def _place_errors(name: str = "") -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise FileNotInStorage(f"the backup has no {name or error.filename}") from error
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("the disk that holds the backup has no room left") from error
        if error.errno in _DENIED:
            raise StorageDenied(f"the backup's directory refuses: {error.strerror} ({error.filename})") from error
        raise StorageUnavailable(f"the backup's directory cannot be used: {error}") from error


_: type[Vault] = DirectoryVault
