"""A file's way from the store: pieces by range, in lanes, into `NAME.part` with a note of what is there.

`NAME.part.json` is that note; with it a pull that was killed goes on. NAME is cut in both where it is very long.
Nothing stands under the file's own name before every byte was read back from the disk and found to be right.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ops import digests
from ops.digests import WholeDigest
from ops.lanes import in_lanes
from ops.meters import Meter
from ops.remote import Away, Refused, Remote, RemoteError, lost, refused_link, store_refusal

PIECE = 16 * digests.MIB
"""Bytes of one range: what is fetched again, at most, by each lane of a pull that was killed."""
MOST_REFUSED = 6
"""How often in a row a store may refuse a link signed a moment before."""
MOST_ROUNDS = 3
"""How often a file is begun anew, or its wrong pieces are fetched again."""
LONGEST_NAME = 255
"""Bytes of a file's name that the usual file systems take (NAME_MAX)."""
_LONGEST_ENDING = len(".part.json~")


class Replaced(Exception):
    """The object is another one than the pieces that are here came from."""


class WrongBytes(RemoteError):
    """What the store sent is not the file."""


@dataclass(frozen=True)
class Wanted:
    """The file as the catalogue knows it; `parts` are (begin, size, SHA-256) of what has a digest of its own."""

    file_id: str
    name: str
    size: int
    sha256: str | None
    parts: tuple[tuple[int, int, str], ...]


@dataclass
class Note:
    """What is in the `.part` file; written anew after every piece, whole or not at all."""

    path: Path
    file_id: str
    size: int
    etag: str | None = None
    pieces: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self) -> bool:
        """Take over an earlier pull's note of the same file, and say whether there is one; any other is as none."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            known = json.loads(self.path.read_text(encoding="utf-8"))
            if known["file_id"] != self.file_id:
                return False
            if (known["size"], known["piece"]) == (self.size, PIECE):
                self.etag, self.pieces = known["etag"], {int(number) for number in known["pieces"]}
            return True
        return False

    def add(self, number: int) -> None:
        with self._lock:
            self.pieces.add(number)
            self._save()

    def forget(self, numbers: set[int] | None = None) -> None:
        """Some pieces, or all of them and the ETag they came under."""
        with self._lock:
            if numbers is None:
                self.pieces, self.etag = set(), None
            else:
                self.pieces -= numbers
            self._save()

    def agree(self, etag: str) -> None:
        """Raises Replaced where earlier pieces came under another ETag."""
        with self._lock:
            if self.etag is None:
                self.etag = etag
            elif self.etag != etag:
                raise Replaced

    def _save(self) -> None:
        said = {"file_id": self.file_id, "size": self.size, "piece": PIECE, "etag": self.etag}
        fresh = self.path.with_name(self.path.name + "~")
        fresh.write_text(json.dumps({**said, "pieces": sorted(self.pieces)}), encoding="utf-8")
        fresh.replace(self.path)


@dataclass
class Fetching:
    """One file on its way here. `got` counts bytes that travelled, `found` those of an earlier pull."""

    remote: Remote
    wanted: Wanted
    target: Path
    lanes: int
    meter: Meter
    got: int = 0
    found: int = 0
    _link: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def part(self) -> Path:
        return self.target.with_name(_stem(self.target.name) + ".part")

    @property
    def piece_count(self) -> int:
        return -(-self.wanted.size // PIECE)

    def run(self, *, replace: bool) -> str:
        """Fetch, check, and put it in its place; its SHA-256. Raises RemoteError, OSError, FileExistsError."""
        note = Note(self.part.with_name(self.part.name + ".json"), self.wanted.file_id, self.wanted.size)
        with self._locked():
            if not note.load() and self.part.stat().st_size and not replace:
                raise FileExistsError(
                    errno.EEXIST,
                    "There is something already that no pull of this file began, and which --force replaces",
                    str(self.part),
                )
            sha256 = self._fetch(note)
            with self.part.open("rb") as file:
                os.fsync(file.fileno())
            if replace:
                self.part.replace(self.target)
            else:
                self._name_it()
            note.path.unlink(missing_ok=True)
        return sha256

    def _name_it(self) -> None:
        """Raises FileExistsError where a file came into being meanwhile: a link never replaces."""
        try:
            os.link(self.part, self.target)
        except FileExistsError:
            raise
        except OSError:
            # A file system without links, such as exFAT.
            if self.target.exists():
                raise
            self.part.rename(self.target)
            return
        self.part.unlink()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self.part.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RemoteError(f"Another pull is writing {self.part}.") from None
            yield

    def _fetch(self, note: Note) -> str:
        """Until every byte is here and right. Raises WrongBytes once that cannot be had."""
        wrong: set[int] = set()
        for _ in range(MOST_ROUNDS):
            self._trim(note)
            whole = WholeDigest(self.part, size=self.wanted.size, piece=PIECE)
            try:
                self._fetch_missing(note, whole)
                sha256 = whole.result()
            except Replaced:
                self.meter.say("The file in the store is another one than before: beginning anew.")
                note.forget()
                self.meter.add(-self.got - self.found)
                self.got = self.found = 0
                continue
            finally:
                whole.close()
            wrong = self._wrong_pieces(sha256)
            if not wrong:
                return sha256
            self.meter.say("What arrived differs from the file's checksum: fetching that again.")
            note.forget(wrong)
        self.part.unlink()
        note.path.unlink(missing_ok=True)
        raise WrongBytes(
            "What the store sends is not the file: its checksum differs. Nothing was kept. "
            "Whoever runs Datashelf can look into it with: python -m ops reconcile"
            if wrong
            else "The file in the store changed again and again while it was fetched. Nothing was kept; run it again."
        )

    def _trim(self, note: Note) -> None:
        """The `.part` file at its full length, and no piece taken for there that it may not hold."""
        if self.part.stat().st_size != self.wanted.size:
            note.forget()
            os.truncate(self.part, self.wanted.size)

    def _fetch_missing(self, note: Note, whole: WholeDigest) -> None:
        if not self.wanted.size:
            whole.add(1)
            return
        there = set(note.pieces)
        counted = bool(self.got or self.found)

        def bring(number: int) -> None:
            if number not in there:
                self._bring(note, number)
            elif not counted:
                with self._lock:
                    self.found += self._length(number)
                self.meter.add(self._length(number))
            whole.add(number)

        in_lanes(range(1, self.piece_count + 1), bring, lanes=self.lanes, halted=self.remote.patience.halted)

    def _length(self, number: int) -> int:
        return min(PIECE, self.wanted.size - (number - 1) * PIECE)

    def _bring(self, note: Note, number: int) -> None:
        refused, missing, moved = 0, False, 0

        def attempt() -> None:
            nonlocal refused, missing, moved
            url = self._link or self._fresh_link()
            begin = (number - 1) * PIECE
            end = begin + self._length(number) - 1
            try:
                for block in self._range(note, url, begin + moved, end):
                    os.pwrite(descriptor, block, begin + moved)
                    moved += len(block)
                    self.meter.add(len(block))
                    self.remote.patience.moved()
            except Refused as error:
                if error.status not in (403, 404) or (error.status == 404 and missing):
                    raise
                with self._lock:
                    self._link = "" if self._link == url else self._link
                if error.status == 404:
                    # A file that was moved meanwhile is somewhere else: a fresh link says where.
                    missing = True
                    raise Away(str(error)) from error
                refused += 1
                if refused < MOST_REFUSED:
                    raise Away(str(error)) from error
                raise refused_link(error) from error
            if moved < self._length(number):
                raise Away("The store's answer broke off.")

        descriptor = os.open(self.part, os.O_WRONLY)
        try:
            self.remote.patience.run(attempt)
        except BaseException:
            self.meter.add(-moved)
            raise
        finally:
            os.close(descriptor)
        note.add(number)
        with self._lock:
            self.got += self._length(number)

    def _fresh_link(self) -> str:
        answer: dict[str, Any] = self.remote.ask_once("GET", f"/files/{self.wanted.file_id}/download-url")
        with self._lock:
            self._link = str(answer["url"])
            return self._link

    def _range(self, note: Note, url: str, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from `begin` to `end`, both included, or fewer. Raises Away, Refused, Replaced, Stopped."""
        headers = {"Range": f"bytes={begin}-{end}", **({"If-Range": note.etag} if note.etag else {})}
        left = end - begin + 1
        try:
            with self.remote.store.stream("GET", url, headers=headers) as answer:
                if answer.status_code == 200 and note.etag:
                    raise Replaced
                if answer.status_code == 200:
                    where = httpx.URL(url).netloc.decode()
                    raise Refused(f"{where} answers a range with the whole file; a proxy may do so.", status=200)
                if answer.status_code != 206:
                    answer.read()
                    raise store_refusal(answer)
                if answer.headers.get("content-range") != f"bytes {begin}-{end}/{self.wanted.size}":
                    raise Replaced
                etag = answer.headers.get("etag", "")
                # A weak one names no bytes (RFC 9110, 13.1.5).
                note.agree("" if etag.startswith("W/") else etag)
                for block in answer.iter_raw(digests.BLOCK):
                    self.remote.patience.check()
                    yield block[:left]
                    left -= len(block)
        except httpx.HTTPError as error:
            raise lost(f"the store at {httpx.URL(url).netloc.decode()}", error) from error

    def _wrong_pieces(self, sha256: str) -> set[int]:
        """The pieces to fetch again; none where all is as it should be, as far as the catalogue can tell."""
        if self.wanted.sha256 is not None and sha256 == self.wanted.sha256:
            return set()
        wrong: set[int] = set()
        for begin, size, expected in self.wanted.parts:
            if digests.of_range(self.part, begin, size) != expected:
                wrong |= set(range(begin // PIECE + 1, (begin + max(size, 1) - 1) // PIECE + 2))
        if wrong or self.wanted.sha256 is None:
            return wrong
        return set(range(1, self.piece_count + 1)) or {1}


def _stem(name: str) -> str:
    """A file's name, cut between two characters where the endings of what it is fetched into would make it too long."""
    most = LONGEST_NAME - _LONGEST_ENDING
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name
