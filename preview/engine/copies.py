"""Columnar copies of files that are not Parquet: made once, kept over restarts, the least used deleted first.

A folder shared by any number of worker processes. A copy is two files, `<key>.json` (its facts) and `<key>.parquet`,
renamed into place in this order when they are whole. Locks are flock(2)s, which end with whoever holds them: one per
key while a copy is made, and a shared one on each copy that is being read, which keeps it from being deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from preview.asking import Data
from preview.engine.connect import Engine
from preview.engine.convert import convert
from preview.engine.facts import Facts
from preview.errors import TooBig
from preview.limits import MB, Limits
from preview.source import Source

FORMAT: Final = 2
"""Raised whenever the same file would give another copy: older ones are then no longer found."""
MAGIC: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class Copy:
    """A whole copy: where it is, and what it says of the file it was made of."""

    source: Source
    facts: Facts


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies in `folder`, of at most `limit` bytes together."""

    folder: Path
    limit: int

    def get(
        self, engine: Engine, data: Data, *, limits: Limits, on_progress: Callable[[float], None] | None = None
    ) -> Copy:
        """The copy of a file as it is read, made if it is not there; held for as long as the engine's connection.

        Raises every PreviewError; TooBig where the copy would be larger than all copies may be.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        key = key_of(data)
        found = self._find(engine, key)
        if found is not None:
            return found
        with self._alone(key):
            found = self._find(engine, key)
            if found is not None:
                return found
            self.sweep(held=key)
            self._make(engine, key, data, limits, on_progress)
            found = self._find(engine, key)
        if found is None:
            raise OSError("the copy that was just made is gone")
        self.trim()
        return found

    def sweep(self, *, held: str = "") -> None:
        """Delete what killed workers left half made; `held` is the key that the caller is alone with.

        What belongs to a key that somebody else holds stays: DuckDB writes beside the file it was given and puts its
        own in that one's place, so the lock on the file itself says nothing of what grows.
        """
        for left in self.folder.glob("*.tmp"):
            key = left.name.removeprefix("tmp_")
            with contextlib.ExitStack() as locks, contextlib.suppress(OSError):
                if key[:2] != held[:2]:
                    lock = locks.enter_context((self.folder / f"{key[:2]}.lock").open("wb"))
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(locks.enter_context(left.open("rb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()

    def trim(self) -> None:
        """Delete the copies used longest ago until the rest is within the limit; those being read stay."""
        entries = []
        for path in self.folder.glob("*.parquet"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                entries.append((status.st_mtime, status.st_size, path))
        held = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if held <= self.limit:
                return
            with contextlib.suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)
                held -= size

    def _find(self, engine: Engine, key: str) -> Copy | None:
        path = self.folder / f"{key}.parquet"
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        try:
            facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            size = path.stat().st_size
            whole = size == facts.pop("size") and os.pread(file.fileno(), 4, size - 4) == MAGIC
            os.utime(path)
        except (OSError, ValueError):
            whole = False
        if not whole:
            # What a power cut left of it is made anew.
            file.close()
            path.unlink(missing_ok=True)
            return None
        engine.held.callback(file.close)
        return Copy(Source(path.resolve().as_uri(), size, path.name), Facts.from_plain(facts))

    def _make(
        self, engine: Engine, key: str, data: Data, limits: Limits, on_progress: Callable[[float], None] | None
    ) -> None:
        fresh = self.folder / f"{key}.{os.getpid()}.tmp"
        words = self.folder / f"{key}.{os.getpid()}.json.tmp"

        def check() -> None:
            with contextlib.suppress(FileNotFoundError):
                if fresh.stat().st_size > self.limit:
                    raise TooBig(
                        f"Statistics and queries need a copy of this file in columns, which would be larger than the "
                        f"{self.limit // MB:,} MB that all copies may have. A Parquet file needs no copy."
                    )

        # Held while it grows: another worker's sweep lets it be.
        with fresh.open("wb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            try:
                facts = convert(engine, data, fresh, limits=limits, on_progress=on_progress, check=check)
                check()
                plain = {**facts.to_plain(), "size": fresh.stat().st_size}
                words.write_text(json.dumps(plain), encoding="utf-8")
                words.rename(self.folder / f"{key}.json")
                fresh.rename(self.folder / f"{key}.parquet")
            finally:
                fresh.unlink(missing_ok=True)
                words.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        # One of 256 lock files, which are never deleted: two keys that share one wait for each other, and no more.
        with (self.folder / f"{key[:2]}.lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def key_of(data: Data) -> str:
    """The name of a copy: by the content, which never changes, and by how it is read."""
    said = "\0".join((str(FORMAT), data.cache_key, data.read_as.key, data.source.file_name))
    return hashlib.sha256(said.encode()).hexdigest()[:40]
