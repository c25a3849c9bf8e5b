"""A place for backups: named files in a directory or under an S3 prefix, each put there whole or not at all.

It is no `FileStorage`: a vault signs no links and takes no uploads from clients, and it lists everything it holds.
"""

from __future__ import annotations

import io
import ipaddress
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import urlsplit

from settings import Minio as MinioSettings
from storage.checked import Reads

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in a vault; `size` in bytes."""

    name: str
    size: int


class Vault(Protocol):
    """Names are relative, with slashes, and ours. Every method may raise the StorageErrors."""

    @property
    def place(self) -> str:
        """Where it is, as the operator named it."""
        ...

    def prepare(self, is_own: Callable[[str], bool]) -> None:
        """Make the place where it is missing, and drop what an earlier writer that was killed left half-written, as far
        as it bears a name that `is_own`: others may keep things in the same place.

        Only the one writer of a vault may call this.
        """
        ...

    def put(self, name: str, data: Reads, size: int | None) -> int:
        """Keep a stream under the name, on the disk before this returns; the bytes it had. `size` None: to its end.

        An error of the stream itself passes through, and nothing is kept. Raises StorageFull, StorageDenied.
        """
        ...

    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Raises FileNotInStorage."""
        ...

    def entries(self, prefix: str) -> Iterator[Kept]:
        """Every file whose name begins with the prefix (which ends with a slash), in the order of the names."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """The names of the folders right under the prefix, in order."""
        ...

    def remove(self, name: str) -> None:
        """Absent already: no error."""
        ...


class Chunks(io.RawIOBase):
    """Chunks as they are made, read as a stream."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


class PlaceRefused(ValueError):
    """The place cannot be used for backups; the message is a sentence that says why."""


def open_vault(place: str, *, s3: MinioSettings) -> Vault:
    """The vault a command line names: a directory, or `s3://bucket/prefix` reached as `s3` says. No I/O yet.

    Raises PlaceRefused.
    """
    from storage.vault_directory import DirectoryVault
    from storage.vault_s3 import S3Vault

    if not place.strip():
        raise PlaceRefused("The place is empty. Name a directory, or s3://bucket/prefix.")
    if place.lower().startswith("s3:") and not place.startswith("s3://"):
        raise PlaceRefused(f"{place} is not s3://bucket/prefix. A directory of that name is ./{place}.")
    if "://" not in place:
        return DirectoryVault(Path(place).absolute())
    if not place.startswith("s3://"):
        raise PlaceRefused(f"{place} is neither a directory nor s3://bucket/prefix.")
    return S3Vault.at(place, s3)


def refuse_own_ground(vault: Vault, *, data_dir: Path, store: MinioSettings) -> None:
    """Raises PlaceRefused for a place where the files themselves lie: what takes them would take their backup."""
    from storage.vault_directory import DirectoryVault
    from storage.vault_s3 import S3Vault

    if isinstance(vault, DirectoryVault) and vault.root.resolve().is_relative_to(data_dir.resolve()):
        raise PlaceRefused(
            f"{vault.place} lies inside DATA_DIR ({data_dir.resolve()}): what takes the data would take its "
            "backup. Name a directory on another disk."
        )
    if isinstance(vault, S3Vault):
        own = {store.bucket, store.bucket_datasets, store.bucket_models, store.bucket_temp}
        if vault.bucket in own and _is_one_store(vault.store.settings, store):
            raise PlaceRefused(
                f"The bucket {vault.bucket} holds Datashelf's own files: what takes it would take its backup. Name "
                "another bucket, better still on another store."
            )


def _is_one_store(one: MinioSettings, other: MinioSettings) -> bool:
    """Whether two addresses lead to one store, however they are spelled; by the spelling where a name is not known."""
    return one.endpoint == other.endpoint or not _addresses(one).isdisjoint(_addresses(other))


def _addresses(store: MinioSettings) -> set[tuple[str, int]]:
    parts = urlsplit(f"//{store.endpoint}")
    port = parts.port or (443 if store.secure else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    addresses = (str(where[0]).partition("%")[0] for *_, where in found)
    # All loopback addresses are this machine.
    return {("loopback" if ipaddress.ip_address(each).is_loopback else each, port) for each in addresses}
