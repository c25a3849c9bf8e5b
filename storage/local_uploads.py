"""Multipart uploads under way on local disk: one sparse file each, every part written at its offset.

On disk, under `{root}/.uploads/{upload id}/`:
  data         the future object; completing flushes and renames it, so no byte is copied. No `data`: not under way.
  upload.json  which object it will be
  lock         flock: shared while a piece is written, exclusive while the upload is completed or aborted
  parts/NNNNN  flock: exclusive while a piece of the part is written or the part changes hands. First line: the token of
               its newest writer and, once that writer committed, the size and MD5. A part without them is not there.

Several processes may share the folder. A killed writer lets its locks go and leaves a part that is not there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from storage.disk import (
    disk_errors,
    flush_folder,
    locked,
    make_folders,
    older_than,
    replace_text,
    spare_room,
    write_all,
)
from storage.keys import check_part_number, in_order
from storage.leftovers import Leftover, as_leftover
from storage.local_objects import STALE, Facts, missing_folder
from storage.part_writer import Gathered, check_length
from storage.protocol import (
    ObjectRef,
    Part,
    PartRejected,
    PartSuperseded,
    StorageUnavailable,
    StoredObject,
    UploadNotFound,
)

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload under way. Every method raises UploadNotFound once it is completed or aborted."""

    folder: Path
    upload_id: str
    bucket: str
    key: str
    content_type: str
    part_size: int
    started_at: datetime

    def parts(self) -> list[Part]:
        """The parts that are there, by number."""
        with disk_errors(), os.scandir(self.folder / "parts") as entries:
            names = sorted(entry.name for entry in entries)
            return [part for name in names if (part := _read_part(self.folder / "parts" / name))]

    def part_writer(self, number: int, *, length: int | None, limit: int | None = None) -> UploadPartWriter:
        """`limit` in bytes, where this part is shorter than the others. Raises LengthRequired, PartTooLarge, ValueError
        for a number outside 1 to 10,000."""
        check_part_number(number)
        most = self.part_size if limit is None else min(limit, self.part_size)
        return UploadPartWriter(self, number, length=check_length(length, limit=most))

    def complete(
        self, ref: ObjectRef, named: Sequence[Part], publish: Callable[[Path, ObjectRef, Facts], StoredObject]
    ) -> StoredObject:
        """Publish the object made of the named parts. Raises PartRejected; the upload then stays open."""
        with self._held(exclusive=True):
            data = self.folder / "data"
            parts = self._chosen(ref, named)
            digest = hashlib.md5(
                b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False
            ).hexdigest()
            with disk_errors(ref), data.open("r+b") as file:
                for number in {part.number for part in self.parts()} - {part.number for part in parts}:
                    (self.folder / "parts" / f"{number:05}").unlink()
                file.truncate(sum(part.size or 0 for part in parts))
                os.fsync(file.fileno())
            facts = Facts(f"{digest}-{len(parts)}", self.content_type, self.upload_id)
            done = publish(data, ref, facts)
        shutil.rmtree(self.folder, ignore_errors=True)
        return done

    def abort(self) -> None:
        with self._held(exclusive=True), disk_errors():
            (self.folder / "data").unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _chosen(self, ref: ObjectRef, named: Sequence[Part]) -> list[Part]:
        named = in_order(named, ref)
        there = {part.number: part for part in self.parts()}
        for part in named:
            have = there.get(part.number)
            if have is None:
                raise PartRejected(f"part {part.number} has not been received", ref=ref)
            if have.etag != part.etag or part.size not in (None, have.size):
                raise PartRejected(f"part {part.number} is not the one that was received", ref=ref)
            if part.number < len(named) and have.size != self.part_size:
                raise PartRejected(f"part {part.number} has {have.size} bytes, not {self.part_size}", ref=ref)
        return [there[part.number] for part in named]

    @contextmanager
    def _held(self, *, exclusive: bool) -> Iterator[None]:
        with disk_errors():
            try:
                descriptor = os.open(self.folder / "lock", os.O_RDWR)
            except FileNotFoundError:
                raise UploadNotFound("this upload is not under way") from None
        try:
            with locked(descriptor, exclusive=exclusive):
                if not (self.folder / "data").exists():
                    raise UploadNotFound("this upload is not under way")
                yield
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class UploadFolder:
    """Begins, finds and lists uploads."""

    root: Path

    def prepare(self) -> None:
        """Make the folder and drop what a crash left of uploads that were being made or removed."""
        with disk_errors():
            make_folders(self.root)
            for folder in self.root.iterdir():
                unfinished = folder.name.startswith(".")
                if older_than(folder, STALE) if unfinished else not (folder / "data").exists():
                    shutil.rmtree(folder, ignore_errors=True)

    def begin(self, *, bucket: str, key: str, content_type: str, part_size: int) -> str:
        upload_id = uuid4().hex
        making = self.root / f".{upload_id}"
        facts = {"bucket": bucket, "key": key, "content_type": content_type, "part_size": part_size}
        with disk_errors():
            if not self.root.is_dir():
                raise missing_folder(self.root)
            making.mkdir()
            (making / "data").touch()
            (making / "lock").touch()
            (making / "parts").mkdir()
            started = datetime.now(UTC).isoformat()
            replace_text(making / "upload.json", json.dumps({**facts, "started_at": started}))
            making.rename(self.root / upload_id)
            flush_folder(self.root)
        return upload_id

    def find(self, upload_id: str, *, bucket: str, key: str) -> Upload:
        """Raises UploadNotFound, for an upload of another object too."""
        upload = self._load(upload_id) if _UPLOAD_ID.fullmatch(upload_id) else None
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise UploadNotFound("this upload is not under way")
        return upload

    def under_way(self, bucket: str, prefix: str) -> Iterator[Upload]:
        if not self.root.is_dir():
            # Local disk was never used here, or is not mounted: then the bucket's own folder is missing, too.
            return
        with disk_errors():
            names = sorted(entry.name for entry in self.root.iterdir() if _UPLOAD_ID.fullmatch(entry.name))
        for upload in map(self._load, names):
            if upload and upload.bucket == bucket and upload.key.startswith(prefix):
                yield upload

    def leftovers(self, before: datetime) -> Iterator[Leftover]:
        """Uploads that were being made, or removed, when the app ended."""
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            if (folder.is_dir() and not (folder / "data").exists()) or folder.name.startswith("."):
                yield from as_leftover(folder, before)

    def _load(self, upload_id: str) -> Upload | None:
        folder = self.root / upload_id
        with disk_errors():
            try:
                facts = json.loads((folder / "upload.json").read_text(encoding="utf-8"))
            except FileNotFoundError:
                return None
            if not (folder / "data").exists():
                return None
        started = datetime.fromisoformat(facts.pop("started_at"))
        return Upload(folder, upload_id, started_at=started, **facts)


class UploadPartWriter:
    """Writes one part at its offset. The newest writer of a part wins: an older one is refused its next piece."""

    def __init__(self, upload: Upload, number: int, *, length: int) -> None:
        self._upload = upload
        self._number = number
        self._gathered = Gathered(length=length)
        self._offset = (number - 1) * upload.part_size
        self._token = uuid4().hex
        self._open = ExitStack()
        self._lock = self._part = self._data = -1

    def __enter__(self) -> Self:
        folder = self._upload.folder
        with ExitStack() as opened, disk_errors():
            try:
                self._lock = _opened(opened, folder / "lock", os.O_RDWR)
                self._data = _opened(opened, folder / "data", os.O_WRONLY)
                self._part = _opened(opened, folder / "parts" / f"{self._number:05}", os.O_RDWR | os.O_CREAT)
            except FileNotFoundError:
                raise UploadNotFound("this upload is not under way") from None
            with self._under_way(), locked(self._part, exclusive=True):
                _write_part(self._part, self._token)
            self._open = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def write(self, data: bytes) -> None:
        if (due := self._gathered.add(data)) is not None:
            self._put(due)

    def commit(self) -> str:
        self._put(self._gathered.rest())
        etag = self._gathered.etag()
        with disk_errors():
            # Before the part counts as there its bytes must be on the disk, or a power cut would leave a hole that
            # nobody knows of.
            os.fsync(self._data)
            with self._mine():
                _write_part(self._part, f"{self._token} {self._gathered.taken} {etag}")
                os.fsync(self._part)
        return etag

    def _put(self, due: bytearray) -> None:
        with disk_errors(), self._mine():
            spare_room(self._data, len(due))
            write_all(self._data, due, offset=self._offset + self._gathered.taken - len(due))

    @contextmanager
    def _mine(self) -> Iterator[None]:
        with self._under_way(), locked(self._part, exclusive=True):
            if _first_line(self._part).partition(" ")[0] != self._token:
                raise PartSuperseded(f"part {self._number} is being sent again by a newer request")
            yield

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        try:
            # Not waiting: whoever completes the upload has no use for this part, and a server's loop must not stand.
            with locked(self._lock, exclusive=False, wait=False):
                if not (self._upload.folder / "data").exists():
                    raise UploadNotFound("this upload is not under way")
                yield
        except BlockingIOError:
            raise StorageUnavailable("the upload is being completed or aborted at this moment") from None


def _opened(stack: ExitStack, path: Path, flags: int) -> int:
    descriptor = os.open(path, flags, 0o644)
    stack.callback(os.close, descriptor)
    return descriptor


def _write_part(descriptor: int, line: str) -> None:
    write_all(descriptor, f"{line}\n".encode(), offset=0)


def _first_line(descriptor: int) -> str:
    return os.pread(descriptor, 256, 0).partition(b"\n")[0].decode()


def _read_part(path: Path) -> Part | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with locked(descriptor, exclusive=False):
            _, *known = _first_line(descriptor).split(" ")
    finally:
        os.close(descriptor)
    return Part(int(path.name), known[1], int(known[0])) if known else None
