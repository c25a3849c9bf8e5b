"""A file's way to the store: the parts that are not there yet, in lanes, each under a link signed for it just now.

It is longer than others because announcing, recognising, sending and completing share what is known of one upload;
lanes, digests, meters and the calls themselves have modules of their own.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from ops import digests
from ops.digests import SourceChanged, WholeDigest
from ops.lanes import in_lanes
from ops.meters import Meter
from ops.remote import Away, Refused, Remote, RemoteError, lost, printable, refused_link, store_refusal

MD5 = re.compile(r"[0-9a-f]{32}")
MOST_REFUSED = 6
"""How often in a row a store may refuse a link signed a moment before: a while, for one that has just started."""
MOST_ROUNDS = 3
"""How often parts that are not what they should be are sent again."""
ROUND_AGAIN = frozenset({"parts-missing", "part-mismatch", "size-mismatch"})
"""Problems that another look at the store's parts may solve."""
LATER_FIELDS = ("modified_at", "folder", "head_sha256", "tail_sha256")
"""What a server of 0.1 refuses to hear of."""


@dataclass(frozen=True)
class Source:
    """A file as it was when the push began; `folder` is where it lay below what was named."""

    path: Path
    folder: str
    size: int
    modified_ns: int
    head_sha256: str
    tail_sha256: str

    @classmethod
    def of(cls, path: Path, *, folder: str = "") -> Source:
        """Raises OSError, SourceChanged."""
        stat = path.stat()
        head, tail = digests.ends(path, stat.st_size)
        return cls(path, folder, stat.st_size, stat.st_mtime_ns, head, tail)

    @property
    def name(self) -> str:
        """In Unicode; what is not UTF-8 on disk becomes a mark, for no catalogue holds such a name."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    @property
    def shown(self) -> str:
        return printable(self.name)

    @property
    def modified_at(self) -> datetime:
        return datetime.fromtimestamp(self.modified_ns // 1_000_000_000, UTC)

    def is_unchanged(self) -> bool:
        """Whether size and date are still what they were."""
        stat = self.path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.modified_ns)

    def is_that_of(self, upload: dict[str, Any]) -> bool:
        """Whether an unfinished upload is of this file; what an older server does not tell does not count."""
        if (upload["size"], _plain(upload["filename"])) != (self.size, _plain(self.name)):
            return False
        dated = upload.get("modified_at")
        known = {"head_sha256": self.head_sha256, "tail_sha256": self.tail_sha256}
        if dated and abs((datetime.fromisoformat(dated) - self.modified_at).total_seconds()) >= 1:
            return False
        return all(upload.get(name) in (None, value) for name, value in known.items())


@dataclass
class Sending:
    """One upload under way. `sent` counts bytes that the store took, `found` those that it had."""

    remote: Remote
    source: Source
    upload_id: str
    part_size: int
    lanes: int
    meter: Meter
    through_app: bool = False
    """Whether part links through the app may be asked for where the store cannot be reached from here."""
    sent: int = 0
    found: int = 0
    sha256: str | None = None
    """Of the whole file, once it is complete."""
    _etags: dict[int, str] = field(default_factory=dict)
    _sha256: dict[int, str] = field(default_factory=dict)
    _met_store: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> dict[str, Any]:
        """Send what lacks and complete; the dataset as it is then. Raises RemoteError, SourceChanged, OSError."""
        whole = WholeDigest(self.source.path, size=self.source.size, piece=self.part_size)
        try:
            for last in (False,) * (MOST_ROUNDS - 1) + (True,):
                try:
                    self._send_missing(whole)
                    return self._complete(whole)
                except Refused as error:
                    if error.status == 404 and (done := self._finished_elsewhere()) is not None:
                        return done
                    if last or (error.slug not in ROUND_AGAIN and error.status != 404):
                        raise
                    self.meter.say(f"{error} Looking again at what the store has …")
            raise AssertionError("the last round returns or raises")
        finally:
            whole.close()

    @property
    def part_count(self) -> int:
        return max(1, -(-self.source.size // self.part_size))

    def length(self, number: int) -> int:
        return min(self.part_size, self.source.size - (number - 1) * self.part_size)

    def _send_missing(self, whole: WholeDigest) -> None:
        detail = self.remote.ask("GET", f"/uploads/{self.upload_id}")
        there = {part["number"]: part for part in detail["received"]}

        def bring(number: int) -> None:
            part = there.get(number)
            if part is None or part["size"] != self.length(number) or not self._is_ours(number, part["etag"]):
                self._send(number)
            whole.add(number)

        in_lanes(range(1, self.part_count + 1), bring, lanes=self.lanes, halted=self.remote.patience.halted)

    def _is_ours(self, number: int, etag: str) -> bool:
        """Whether a part that the store has is the file's; read once, and known from then on."""
        bare = etag.strip().strip('"').lower()
        if number in self._sha256:
            return self._etags[number].strip('"').lower() == bare
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with self.source.path.open("rb") as file:
            for block in digests.blocks(file, (number - 1) * self.part_size, self.length(number)):
                self.remote.patience.check()
                sha256.update(block)
                md5.update(block)
        # An ETag that is no MD5 (AWS, objects encrypted with a key of KMS) says nothing of the content.
        if MD5.fullmatch(bare) and md5.hexdigest() != bare:
            return False
        with self._lock:
            self._etags[number], self._sha256[number] = etag, sha256.hexdigest()
            self.found += self.length(number)
        self.meter.add(self.length(number))
        return True

    def _send(self, number: int) -> None:
        refused, unreached = 0, False

        def attempt() -> None:
            nonlocal refused, unreached
            url = self._link(number, through_app=unreached and self.through_app and not self._met_store)
            try:
                etag, sha256 = self._put(number, url)
            except Away:
                unreached = True
                raise
            except Refused as error:
                if error.status != 403:
                    raise
                refused += 1
                if refused < MOST_REFUSED:
                    raise Away(str(error)) from error
                raise refused_link(error) from error
            with self._lock:
                self._etags[number], self._sha256[number] = etag, sha256
                self.sent += self.length(number)

        self.remote.patience.run(attempt)

    def _link(self, number: int, *, through_app: bool) -> str:
        wanted = {"numbers": [number], **({"via": "app"} if through_app else {})}
        signed = self.remote.ask_once("POST", f"/uploads/{self.upload_id}/parts", json=wanted)
        return str(signed["parts"][0]["url"])

    def _put(self, number: int, url: str) -> tuple[str, str]:
        """ETag and SHA-256 of a part that was sent. Raises Away, Refused, SourceChanged, OSError."""
        length, moved, digest = self.length(number), 0, hashlib.sha256()

        def body() -> Iterator[bytes]:
            nonlocal moved
            with self.source.path.open("rb") as file:
                for block in digests.blocks(file, (number - 1) * self.part_size, length):
                    self.remote.patience.check()
                    digest.update(block)
                    yield block
                    moved += len(block)
                    self.meter.add(len(block))

        try:
            answer = self.remote.store.put(url, content=body(), headers={"Content-Length": str(length)})
            self._met_store = True
            if answer.status_code != 200:
                raise store_refusal(answer)
            if not (etag := answer.headers.get("etag")):
                raise Refused("The store's answer names no ETag; a proxy before it may drop it.", status=200)
        except httpx.HTTPError as error:
            self.meter.add(-moved)
            raise lost(f"the store at {httpx.URL(url).netloc.decode()}", error) from error
        except RemoteError:
            self.meter.add(-moved)
            raise
        return etag, digest.hexdigest()

    def _complete(self, whole: WholeDigest) -> dict[str, Any]:
        self.sha256 = sha256 = whole.result()
        if not self.source.is_unchanged():
            raise SourceChanged(f"“{self.source.shown}” changed while it was sent.")
        parts = [
            {"number": number, "etag": self._etags[number], "sha256": self._sha256[number]}
            for number in range(1, self.part_count + 1)
        ]
        path = f"/uploads/{self.upload_id}/complete"
        try:
            done: dict[str, Any] = self.remote.ask("POST", path, json={"parts": parts, "sha256": sha256})
        except Refused as error:
            if not _names(error, ("sha256",)):
                raise
            done = self.remote.ask("POST", path, json={"parts": parts})
        return done

    def _finished_elsewhere(self) -> dict[str, Any] | None:
        """The dataset, where somebody else completed this upload: completing again gives everybody the same answer.

        None where the upload is open still, and a store that had just started did not know it. Raises Refused where it
        is no more.
        """
        try:
            done: dict[str, Any] = self.remote.ask("POST", f"/uploads/{self.upload_id}/complete", json={"parts": []})
        except Refused as error:
            if error.slug == "parts-missing":
                return None
            raise Refused(
                "The upload was cancelled meanwhile. Run the same command again to send the file anew.",
                status=error.status,
                slug=error.slug,
            ) from error
        return done


def announce(remote: Remote, source: Source, *, dataset_id: str | None, name: str | None) -> dict[str, Any]:
    """Begin an upload of the file, or find the one that was begun: `upload_id, part_size, file_id, dataset_id`.

    Where the answer to a beginning is lost it is looked for, not made a second time. Raises RemoteError.
    """
    wanted = {"filename": source.name, "size": source.size, "dataset_id": dataset_id, "name": name}
    later = {
        "modified_at": source.modified_at.isoformat().replace("+00:00", "Z"),
        "folder": source.folder,
        "head_sha256": source.head_sha256,
        "tail_sha256": source.tail_sha256,
    }

    def attempt() -> dict[str, Any]:
        found = _unfinished(remote, source, dataset_id=dataset_id, name=name)
        if found is not None:
            return found
        try:
            started: dict[str, Any] = remote.ask_once("POST", "/uploads", json={**wanted, **later})
        except Refused as error:
            if not _names(error, LATER_FIELDS):
                raise
            started = remote.ask_once("POST", "/uploads", json=wanted)
        return started

    return remote.patience.run(attempt)


def same_content(remote: Remote, source: Source, *, dataset_id: str | None) -> dict[str, Any] | None:
    """A file on the shelf that is this one to the last byte, where the server can tell. Raises RemoteError, OSError."""
    wanted = {"size": source.size, "head_sha256": source.head_sha256, "tail_sha256": source.tail_sha256}
    if source.size <= digests.MIB:
        wanted["sha256"] = source.head_sha256
    try:
        alike = _alike(remote, wanted, dataset_id)
        if alike and not any(item["certain"] for item in alike):
            # Both ends are the same: worth reading the whole of it.
            alike = _alike(remote, {**wanted, "sha256": digests.of_range(source.path, 0, source.size)}, dataset_id)
    except Refused as error:
        if error.status in (404, 405, 422):
            return None  # a server that cannot tell
        raise
    return next((item for item in alike if item["certain"]), None)


def _alike(remote: Remote, wanted: dict[str, Any], dataset_id: str | None) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = remote.ask("POST", "/uploads/same", json=wanted)["items"]
    return [item for item in items if dataset_id in (None, item["dataset_id"])]


def _unfinished(remote: Remote, source: Source, *, dataset_id: str | None, name: str | None) -> dict[str, Any] | None:
    for upload in remote.ask_once("GET", "/uploads")["items"]:
        if not source.is_that_of(upload):
            continue
        if dataset_id is not None:
            if upload["dataset_id"] == dataset_id:
                return dict(upload)
        elif name in (None, upload.get("dataset_name", name)) and not _has_versions(remote, upload["dataset_id"]):
            return dict(upload)
    return None


def _has_versions(remote: Remote, dataset_id: str) -> bool:
    # Without --dataset a push makes a dataset: an upload into one that was there is somebody else's intent.
    try:
        return bool(remote.ask_once("GET", f"/datasets/{dataset_id}")["files"])
    except Refused as error:
        if error.status == 404:
            return False
        raise


def _names(error: Refused, fields: tuple[str, ...]) -> bool:
    """Whether a refusal is about these members of a request, which a server of 0.1 does not know."""
    errors = error.body.get("errors") or []
    return error.status == 422 and any(item.get("field") in fields for item in errors)


def _plain(name: str) -> str:
    """A file name as the catalogue keeps it (`catalog/names.py`): without folders of any system, composed."""
    return unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
