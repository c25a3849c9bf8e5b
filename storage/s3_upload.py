"""Sending a stream to the store, all or nothing, piece by piece from memory.

A piece stays in memory until the store has it, so it can be sent again even where the stream cannot be read again.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from storage.multipart import MultipartCalls
from storage.protocol import MAX_PARTS, ObjectRef, Part, PartTooLarge, StorageError, UploadNotFound, WrongLength
from storage.retries import Retries
from storage.s3_errors import s3_errors

PIECE_BYTES = 8 * 1024**2
UNKNOWN_PIECE_BYTES = 16 * 1024**2
"""For a stream of unknown size: 10,000 of them are 156 GiB."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends one stream to one object."""

    multipart: MultipartCalls
    retries: Retries
    ref: ObjectRef
    bucket: str
    content_type: str

    def send(self, data: BinaryIO, size: int | None) -> int:
        """Returns the bytes sent. Raises WrongLength, PartTooLarge (unknown size, past 156 GiB), the store's errors."""
        piece_bytes = UNKNOWN_PIECE_BYTES if size is None else max(PIECE_BYTES, math.ceil(size / MAX_PARTS))
        first = _take(data, piece_bytes)
        if len(first) < piece_bytes:
            _check(len(first), size, ended=True)
            self._put(first)
            return len(first)
        return self._send_parts(data, first, size, piece_bytes)

    def _put(self, data: bytes) -> None:
        self.retries.safe(
            lambda: self.multipart.put(self.bucket, self.ref.key, data=data, content_type=self.content_type), self.ref
        )

    def _send_parts(self, data: BinaryIO, first: bytes, size: int | None, piece_bytes: int) -> int:
        upload_id = self.retries.unsafe(
            lambda: self.multipart.start(self.bucket, self.ref.key, content_type=self.content_type), self.ref
        )
        try:
            parts: list[Part] = []
            piece, total = first, 0
            while piece:
                total += len(piece)
                _check(total, size, ended=False)
                parts.append(self._send_part(upload_id, len(parts) + 1, piece))
                piece = _take(data, piece_bytes)
            _check(total, size, ended=True)
            # Unknown to the store means that an earlier attempt, whose answer was lost, has completed it: the caller
            # looks for the object next.
            with suppress(UploadNotFound):
                self.retries.safe(
                    lambda: self.multipart.complete(self.bucket, self.ref.key, upload_id, parts), self.ref
                )
        except BaseException:
            with suppress(StorageError), s3_errors(self.ref):
                self.multipart.abort(self.bucket, self.ref.key, upload_id)
            raise
        return total

    def _send_part(self, upload_id: str, number: int, piece: bytes) -> Part:
        if number > MAX_PARTS:
            raise PartTooLarge("a stream of unknown size is too long for the store", ref=self.ref)
        return self.retries.safe(
            lambda: self.multipart.send_part(self.bucket, self.ref.key, upload_id, number=number, data=piece), self.ref
        )


def _take(data: BinaryIO, length: int) -> bytes:
    # A pipe or a socket may give less than asked for before its end.
    pieces: list[bytes] = []
    while length and (piece := data.read(length)):
        pieces.append(piece)
        length -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _check(total: int, size: int | None, *, ended: bool) -> None:
    if size is not None and (total > size or (ended and total < size)):
        raise WrongLength(f"the stream has {'more' if total > size else total} bytes, not the {size} announced")
