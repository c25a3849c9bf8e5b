"""What a child process does until it is killed; run as `python -m tests.faults.storage.crash_scripts NAME FOLDER …`."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from storage import Grant, LocalFileStorage, ObjectRef, Part, PartWriter
from storage.local_objects import ObjectTree
from storage.protocol import BucketRole

PART_SIZE = 4 * 1024**2


def local(folder: Path) -> LocalFileStorage:
    return LocalFileStorage(folder, b"k" * 32, lambda: "http://shelf")


def grant_for(storage: LocalFileStorage, ref: ObjectRef, upload_id: str, number: int) -> Grant:
    """The grant of a part's own signed link, as the objects route gets it."""
    return grant_of(storage, "PUT", storage.get_presigned_part_url(ref, upload_id, number, timedelta(minutes=1)))


def grant_of(storage: LocalFileStorage, method: str, url: str) -> Grant:
    parts = urlsplit(url)
    bucket, _, key = unquote(parts.path).removeprefix("/api/ml/v1/objects/").partition("/")
    return storage.verify_link(method, bucket=bucket, key=key, query=parts.query)


def writer_for(storage: LocalFileStorage, ref: ObjectRef, upload_id: str, number: int, length: int) -> PartWriter:
    return storage.part_writer(grant_for(storage, ref, upload_id, number), length=length)


def wait_for_the_end() -> NoReturn:
    print("ready", flush=True)
    while True:
        time.sleep(1)


def write_half_a_part(storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> None:
    with writer_for(storage, ref, upload_id, 2, PART_SIZE) as writer:
        writer.write(b"x" * (PART_SIZE // 2))
        wait_for_the_end()


def upload_half_an_object(storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> None:
    class Stuck(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) or wait_for_the_end()

    storage.upload_file(ref, Stuck(b"x" * 3_000_000), None, "text/csv")


def complete_and_die_before_the_rename(storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> None:
    ObjectTree.publish = lambda *args, **kwargs: _die()  # type: ignore[method-assign]
    storage.complete_multipart(ref, upload_id, _parts(storage, ref, upload_id))


def complete_and_die_after_the_rename(storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> None:
    shutil.rmtree = lambda *args, **kwargs: _die()  # type: ignore[assignment]
    storage.complete_multipart(ref, upload_id, _parts(storage, ref, upload_id))


def _parts(storage: LocalFileStorage, ref: ObjectRef, upload_id: str) -> list[Part]:
    return storage.list_parts(ref, upload_id)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


SCRIPTS = {
    script.__name__: script
    for script in (
        write_half_a_part,
        upload_half_an_object,
        complete_and_die_before_the_rename,
        complete_and_die_after_the_rename,
    )
}

if __name__ == "__main__":
    name, folder, key, upload_id = sys.argv[1:]
    SCRIPTS[name](local(Path(folder)), ObjectRef(BucketRole.DATASETS, key), upload_id)
