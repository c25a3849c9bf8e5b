"""Bytes that pass through the app, where a browser cannot reach the store: one part in, one object out.

The links are the app's own (`signed_links`), of the same shape and with the same promises as the store's. What comes in
by one goes on to the store as it comes, with the length announced, and nothing is kept here: where the client breaks
off, so does the request to the store, for which a part that is not whole does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from storage.keys import check_part_number, check_upload_id
from storage.minio import MinioFileStorage
from storage.observe import observed
from storage.part_writer import check_length
from storage.protocol import (
    MAX_PART_SIZE,
    Backend,
    BucketRole,
    ObjectRef,
    StorageError,
    StorageUnavailable,
    WrongLength,
)
from storage.s3_clients import READ_SECONDS, trust
from storage.s3_errors import error_of, s3_errors
from storage.signed_links import RELAY_PATH, Grant, LinkInvalid, sign_link, verify_link

REQUEST_LIFE: Final = timedelta(days=1)
"""How long the store takes the request that goes on: S3 looks at its signature once, when it begins."""
PASSED_ON: Final = ("range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
PASSED_BACK: Final = ("content-length", "content-range", "accept-ranges", "etag", "last-modified", "content-type")
LONGEST_ERROR: Final = 64 * 1024
"""Bytes of an error's body that are read."""
NO_FAULT: Final = frozenset({200, 206, 304, 412, 416})
"""Answers to a GET that are the client's to read: RFC 9110, 13 and 14."""


@dataclass(frozen=True)
class Relay:
    """Signs links to the app's relay route and does what they allow. Errors are the store's."""

    storage: MinioFileStorage
    secret: bytes = field(repr=False)
    link_base: Callable[[], str] = field(repr=False)

    def part_url(
        self, ref: ObjectRef, upload_id: str, number: int, expires_in: timedelta, *, size: int | None = None
    ) -> str:
        """An absolute PUT link for one part of at most `size` bytes, 1 ≤ number ≤ 10,000."""
        check_part_number(number)
        check_upload_id(upload_id, ref)
        return self._signed("PUT", ref, expires_in, upload_id=upload_id, part_number=number, size=size)

    def download_url(self, ref: ObjectRef, expires_in: timedelta, filename: str, *, inline: bool = False) -> str:
        """An absolute GET link that saves under `filename`."""
        return self._signed("GET", ref, expires_in, filename=filename, inline=inline)

    def verify(self, method: str, *, bucket: str, key: str, query: str) -> Grant:
        """What a link that came in allows. Raises LinkInvalid, LinkExpired."""
        return verify_link(method, bucket=bucket, key=key, query=query, secret=self.secret, path=RELAY_PATH)

    def part_writer(self, grant: Grant, *, length: int | None) -> RelayedPart:
        """Takes the body of a PUT link. Raises LengthRequired, PartTooLarge, LinkInvalid."""
        if grant.method != "PUT" or grant.upload_id is None or grant.part_number is None:
            raise LinkInvalid("the link is not for a part")
        limit = MAX_PART_SIZE if grant.size is None else min(grant.size, MAX_PART_SIZE)
        checked, ref = check_length(length, limit=limit), _ref(grant)
        url = self.storage.get_internal_part_url(ref, grant.upload_id, grant.part_number, REQUEST_LIFE)
        return RelayedPart(self, ref, url, length=checked)

    def open(self, grant: Grant, headers: Mapping[str, str]) -> RelayedObject:
        """The store's answer to a GET link, of whose headers Range and the conditions are passed on.

        Raises FileNotInStorage and the store's other errors; `status` is one of `NO_FAULT`.
        """
        if grant.method != "GET":
            raise LinkInvalid("the link is not for reading")
        ref = _ref(grant)
        url = self.storage.get_internal_url(ref, REQUEST_LIFE)
        wanted = {name: headers[name] for name in PASSED_ON if name in headers}
        with observed(Backend.MINIO, "relay_get", ref):
            return self.storage.retries.safe(lambda: self._ask(url, ref, wanted), ref)

    def connect(self, url: str, ref: ObjectRef) -> HTTPConnection:
        """A connection of its own: one that is cut off half-way must not be used again."""
        parts = urlsplit(url)

        def opened() -> HTTPConnection:
            if parts.scheme == "https":
                connection: HTTPConnection = HTTPSConnection(parts.netloc, timeout=READ_SECONDS, context=trust())
            else:
                connection = HTTPConnection(parts.netloc, timeout=READ_SECONDS)
            connection.connect()
            return connection

        return self.storage.retries.safe(opened, ref)

    def _ask(self, url: str, ref: ObjectRef, headers: Mapping[str, str]) -> RelayedObject:
        with ExitStack() as undo:
            connection = self.connect(url, ref)
            undo.callback(connection.close)
            with _words(ref):
                connection.request("GET", target(url), headers={**headers, "Accept-Encoding": "identity"})
                answer = connection.getresponse()
                if answer.status not in NO_FAULT:
                    raise error_of(answer.status, answer.read(LONGEST_ERROR), ref)
            undo.pop_all()
            return RelayedObject(connection, answer, ref)

    def _signed(
        self,
        method: str,
        ref: ObjectRef,
        expires_in: timedelta,
        *,
        filename: str | None = None,
        inline: bool = False,
        upload_id: str | None = None,
        part_number: int | None = None,
        size: int | None = None,
    ) -> str:
        return sign_link(
            method,
            bucket=ref.bucket or self.storage.bucket_for(ref.role),
            key=ref.key,
            expires_in=expires_in,
            secret=self.secret,
            base=self.link_base(),
            filename=filename,
            inline=inline,
            upload_id=upload_id,
            part_number=part_number,
            size=size,
            path=RELAY_PATH,
        )


class RelayedPart:
    """A `PartWriter` whose bytes go straight on to the store."""

    def __init__(self, relay: Relay, ref: ObjectRef, url: str, *, length: int) -> None:
        self._relay = relay
        self._ref = ref
        self._url = url
        self._left = length
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._connection is not None:
            self._connection.close()

    def write(self, data: bytes) -> None:
        connection = self._opened()
        self._left -= len(data)
        if self._left < 0:
            raise WrongLength("more bytes came than were announced", ref=self._ref)
        if not data:
            return
        try:
            with _words(self._ref):
                connection.send(data)
        except StorageUnavailable as error:
            # A store that refuses in the middle says why and hangs up.
            raise self._refusal(connection) or error from error

    def commit(self) -> str:
        connection = self._opened()
        if self._left:
            raise WrongLength(f"{self._left} of the bytes announced did not come", ref=self._ref)
        with observed(Backend.MINIO, "relay_put", self._ref), _words(self._ref):
            answer = connection.getresponse()
            if answer.status != 200:
                raise error_of(answer.status, answer.read(LONGEST_ERROR), self._ref)
            etag = (answer.getheader("ETag") or "").strip('"')
            if not etag:
                raise StorageError("the store took a part and gave it no ETag", ref=self._ref)
            return etag

    def _opened(self) -> HTTPConnection:
        if self._connection is None:
            connection = self._relay.connect(self._url, self._ref)
            self._connection = connection
            with _words(self._ref):
                connection.putrequest("PUT", target(self._url), skip_accept_encoding=True)
                connection.putheader("Content-Length", str(self._left))
                connection.endheaders()
        return self._connection

    def _refusal(self, connection: HTTPConnection) -> StorageError | None:
        try:
            with _words(self._ref):
                answer = connection.getresponse()
                if answer.status >= 400:
                    return error_of(answer.status, answer.read(LONGEST_ERROR), self._ref)
        except StorageUnavailable:
            return None
        return None


class RelayedObject:
    """The store's answer; `read` it to its end, then `close`."""

    def __init__(self, connection: HTTPConnection, answer: HTTPResponse, ref: ObjectRef) -> None:
        self._connection = connection
        self._answer = answer
        self._ref = ref
        self.status = answer.status
        given = {name: answer.getheader(name) for name in PASSED_BACK}
        self.headers = {name: value for name, value in given.items() if value is not None}

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; none at the end. Raises StorageUnavailable where the store breaks off."""
        with _words(self._ref):
            data = self._answer.read(size)
            if not data and self._answer.length:
                raise StorageUnavailable("the store's answer was cut off", ref=self._ref)
            return data

    def close(self) -> None:
        self._connection.close()


def target(url: str) -> str:
    """The part of an address that a request names."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _ref(grant: Grant) -> ObjectRef:
    # The real bucket stands in the link; of which role it is makes no difference to the store.
    return ObjectRef(BucketRole.DATASETS, grant.key, grant.bucket)


@contextmanager
def _words(ref: ObjectRef) -> Iterator[None]:
    """What goes wrong inside, as a StorageError."""
    try:
        with s3_errors(ref):
            yield
    except HTTPException as error:
        raise StorageUnavailable(f"the connection to the store failed ({type(error).__name__})", ref=ref) from error
