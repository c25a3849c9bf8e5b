"""The tree of finished objects on local disk: `{root}/{bucket}/{key}`, and beside it what S3 would remember of each.

`{root}/.meta/{bucket}/{key}.json` holds the ETag and content type, written before the object is moved to its place and
tied to it by size and time. A file without a fitting one (copied in by hand, or a crash between the two) is still an
object; its ETag is then made of its time and size.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from storage.disk import disk_errors, flush_folder, make_folders, older_than, replace_text
from storage.keys import check_key
from storage.leftovers import Leftover, old_files
from storage.protocol import (
    BucketMissing,
    BucketRole,
    FileNotInStorage,
    InvalidKey,
    ObjectRef,
    StorageDenied,
    StoredObject,
)

STALE = timedelta(days=1)
"""Age at which a temporary file is no longer somebody's write under way."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is remembered of an object besides its bytes. `upload_id` is the multipart upload that made it."""

    etag: str
    content_type: str | None
    upload_id: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectTree:
    """Finds, publishes, lists and removes finished objects."""

    root: Path

    def prepare(self) -> None:
        """Make the folders and drop temporary files a crash left behind. Raises StorageDenied, StorageFull."""
        with disk_errors():
            for name in (*BucketRole, ".meta", ".incoming"):
                try:
                    make_folders(self.root / name)
                except (FileExistsError, NotADirectoryError) as error:
                    raise StorageDenied(f"{error.filename} is a file where the data folder should be") from error
            for path in (self.root / ".incoming").iterdir():
                if older_than(path, STALE):
                    path.unlink(missing_ok=True)

    def incoming(self) -> Path:
        """A path for a file that is still being written, on the same file system as its place."""
        return self.root / ".incoming" / uuid4().hex

    def path(self, ref: ObjectRef) -> Path:
        """Where the object lies. Raises InvalidKey for a key or a bucket that would leave the tree."""
        check_key(ref.key)
        bucket = ref.bucket or ref.role.value
        if "/" in bucket or bucket.startswith("."):
            raise InvalidKey(f"bucket {bucket!r} is no folder of ours", ref=ref)
        return self.root / bucket / ref.key

    def stat(self, ref: ObjectRef) -> StoredObject:
        """Raises FileNotInStorage, BucketMissing."""
        path = self.path(ref)
        try:
            with disk_errors(ref):
                found = path.stat()
                if stat.S_ISREG(found.st_mode):
                    return self._described(ref, found)
        except FileNotInStorage:
            pass
        self.check_bucket(ref)
        raise FileNotInStorage("there is no such object on the local disk", ref=ref)

    def exists(self, ref: ObjectRef) -> bool:
        """False only where the object is not there; a missing bucket raises BucketMissing."""
        try:
            self.stat(ref)
        except BucketMissing:
            raise
        except FileNotInStorage:
            return False
        return True

    def check_bucket(self, ref: ObjectRef) -> None:
        """Refuse a key that cannot be (InvalidKey) and a bucket that is gone (BucketMissing)."""
        self.path(ref)
        with disk_errors(ref):
            if not self._bucket(ref).is_dir():
                raise missing_folder(self._bucket(ref), ref)

    def upload_id(self, ref: ObjectRef) -> str | None:
        """The multipart upload that made the object, where one did and the object is there."""
        with disk_errors(ref):
            facts = self._facts(ref, self.path(ref).stat()) if self.path(ref).is_file() else None
        return facts.upload_id if facts else None

    def publish(self, file: Path, ref: ObjectRef, facts: Facts) -> StoredObject:
        """Move a written and flushed file to its place, replacing what was there, in one step for every reader."""
        self.check_bucket(ref)
        path, remembered = self.path(ref), self._meta_path(ref)
        with disk_errors(ref):
            make_folders(path.parent)
            make_folders(remembered.parent)
            found = file.stat()
            text = {"etag": facts.etag, "content_type": facts.content_type, "upload_id": facts.upload_id}
            replace_text(remembered, json.dumps({**text, "size": found.st_size, "modified_ns": found.st_mtime_ns}))
            file.replace(path)
            flush_folder(path.parent)
            return self._described(ref, found)

    def remove(self, ref: ObjectRef) -> None:
        """Absent already: no error. Raises BucketMissing, StorageDenied."""
        with disk_errors(ref):
            if self.exists(ref):
                self.path(ref).unlink(missing_ok=True)
            self._meta_path(ref).unlink(missing_ok=True)

    def walk(self, role: BucketRole, prefix: str, *, bucket: str) -> Iterator[StoredObject]:
        """Every object whose key begins with the prefix, in the order of their keys. Raises BucketMissing."""
        ref = ObjectRef(role, "", bucket)
        if not self._bucket(ref).is_dir():
            raise missing_folder(self._bucket(ref))
        yield from self._walk(self._bucket(ref), ref, prefix)

    def leftovers(self, before: datetime) -> Iterator[Leftover]:
        """Half-written objects, and what is remembered of objects that are gone."""
        yield from old_files(self.root / ".incoming", before)
        for left in old_files(self.root / ".meta", before):
            if not (self.root / left.path.relative_to(self.root / ".meta")).with_suffix("").exists():
                yield left

    def probe(self) -> None:
        """Write and remove one small file; raises OSError or BucketMissing where that cannot be done."""
        path = self.incoming()
        if not path.parent.is_dir():
            raise missing_folder(path.parent)
        try:
            path.write_bytes(b"probe")
        finally:
            path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free

    def _walk(self, folder: Path, above: ObjectRef, prefix: str) -> Iterator[StoredObject]:
        with disk_errors(), os.scandir(folder) as entries:
            # A folder sorts as its name with a slash: that is where its keys stand among their neighbours.
            found = sorted((f"{above.key}{entry.name}{'/' if entry.is_dir() else ''}", entry.path) for entry in entries)
        for key, path in found:
            ref = ObjectRef(above.role, key, above.bucket)
            if key.endswith("/") and (key.startswith(prefix) or prefix.startswith(key)):
                yield from self._walk(Path(path), ref, prefix)
            elif not key.endswith("/") and key.startswith(prefix):
                try:
                    described = self.stat(ref)
                except (FileNotInStorage, InvalidKey):
                    continue  # removed since the folder was read, or put there by hand under a name no key can have
                yield described

    def _described(self, ref: ObjectRef, found: os.stat_result) -> StoredObject:
        facts = self._facts(ref, found) or Facts(f"{found.st_mtime_ns:x}-{found.st_size:x}", None)
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        return StoredObject(ref, self._bucket(ref).name, found.st_size, facts.etag, facts.content_type, modified)

    def _facts(self, ref: ObjectRef, found: os.stat_result) -> Facts | None:
        try:
            text = json.loads(self._meta_path(ref).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if (text["size"], text["modified_ns"]) != (found.st_size, found.st_mtime_ns):
            return None
        return Facts(text["etag"], text["content_type"], text["upload_id"])

    def _bucket(self, ref: ObjectRef) -> Path:
        return self.root / (ref.bucket or ref.role.value)

    def _meta_path(self, ref: ObjectRef) -> Path:
        return self.root / ".meta" / self._bucket(ref).name / f"{ref.key}.json"


def missing_folder(folder: Path, ref: ObjectRef | None = None) -> BucketMissing:
    """The error for a folder that `prepare` made and that is gone."""
    return BucketMissing(f"the folder {folder} is missing, as where the data disk is not mounted", ref=ref)
