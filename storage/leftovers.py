"""Files on a local disk that a crash left and that are no object: found by age, removed only while they are as old."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file, or the folder of an upload, that nothing uses any more; `size` in bytes on the disk."""

    path: Path
    size: int


def old_files(folder: Path, before: datetime) -> Iterator[Leftover]:
    """Every file at any depth that was last touched before then."""
    for name, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            yield from as_leftover(Path(name, file), before)


def as_leftover(path: Path, before: datetime) -> Iterator[Leftover]:
    """The path, where nobody has touched it, or anything in it, since then."""
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
    size = 0
    with suppress(FileNotFoundError):
        for each in (path, *inside):
            found = each.lstat()
            if found.st_mtime >= before.timestamp():
                return
            # Files of uploads are sparse: what counts is what they take, not how long they are.
            size += found.st_blocks * 512
        yield Leftover(path, size)


def remove_leftover(path: Path, before: datetime) -> bool:
    """Remove it where it is still untouched; says whether it is gone."""
    if path.exists() and not any(as_leftover(path, before)):
        return False
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return not path.exists()
