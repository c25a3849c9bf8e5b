"""Bytes of a source by range: from the local disk, or from an object store over HTTP with retries.

Every failure leaves as `SourceGone` (the store says it is not there) or `SourceUnavailable` (anything else).
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import urllib3

from preview.errors import SourceGone, SourceUnavailable
from preview.source import Source

ATTEMPTS: Final = 3
BACKOFF: Final = 0.2
"""Seconds before the second attempt; doubled before the third."""
CHUNK: Final = 1 << 20
ERROR: Final = 4096
"""Bytes of an error answer that are looked at."""

NEAR: Final = 1 << 14
"""Bytes between two ranges that are fetched with them rather than asking twice."""
LANES: Final = 6
"""Requests at once for ranges that lie apart: what a far store takes to answer is then waited for once."""

GONE = "The file's bytes are no longer in the store. Another version may still be there; else upload the file again."
NO_BUCKET = (
    "The store answers, but the file’s bucket is not there, so the file cannot be read just now. Whoever runs the "
    "shelf can put the bucket back; then try again."
)
AWAY = "The store did not answer, so the file cannot be read just now. It is safe; try again in a moment."


class Transport(Protocol):
    """A way to the bytes of one source."""

    def fetch(self, start: int, length: int) -> bytes:
        """Exactly `length` bytes from `start`, which lie within the file."""
        ...

    def stream(self, start: int) -> Iterator[bytes]:
        """All bytes from `start` to the end, in chunks of up to 1 MiB."""
        ...


def open_transport(source: Source) -> Transport:
    """The transport for the source's scheme. Raises ValueError for a scheme that is neither file nor http(s)."""
    scheme = urlsplit(source.url).scheme
    if scheme == "file":
        return DiskTransport(source)
    if scheme in ("http", "https"):
        return HttpTransport(source)
    raise ValueError(f"a source is read from file:// or http(s)://, not {scheme}://")


def fetch_many(transport: Transport, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """The bytes of each range, a beginning and an end; those that are near each other in one request, from a store
    several at a time.
    """
    runs: list[list[int]] = []
    for begin, end in sorted(ranges):
        if begin == end:
            continue
        if runs and begin <= runs[-1][1] + NEAR:
            runs[-1][1] = max(runs[-1][1], end)
        else:
            runs.append([begin, end])
    sizes = [(begin, end - begin) for begin, end in runs]
    if isinstance(transport, HttpTransport) and len(runs) > 1:
        blocks = list(_lanes().map(lambda run: transport.fetch(*run), sizes))
    else:
        blocks = [transport.fetch(*run) for run in sizes]
    starts = [begin for begin, _ in runs]
    found = []
    for begin, end in ranges:
        run = bisect_right(starts, begin) - 1
        found.append(blocks[run][begin - starts[run] : end - starts[run]] if begin < end else b"")
    return found


def _off_disk(error: OSError) -> str:
    return (
        f"The file cannot be read from the disk: {error.strerror}. It is untouched; whoever runs the shelf can look "
        "into the data folder, then try again."
    )


class DiskTransport:
    """Reads a file of the local storage."""

    def __init__(self, source: Source) -> None:
        self.path = path = Path(unquote(urlsplit(source.url).path))
        self._size = source.size
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise SourceGone(GONE) from None
        except OSError as error:
            raise SourceUnavailable(_off_disk(error)) from None

    def fetch(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        parts = []
        while length > 0:
            block = self._read(length)
            parts.append(block)
            length -= len(block)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def stream(self, start: int) -> Iterator[bytes]:
        self._file.seek(start)
        left = self._size - start
        while left > 0:
            block = self._read(min(CHUNK, left))
            left -= len(block)
            yield block

    def _read(self, length: int) -> bytes:
        try:
            block = self._file.read(length)
        except OSError as error:
            raise SourceUnavailable(_off_disk(error)) from None
        if not block:
            raise SourceGone("The stored file is shorter than it was when it was added.")
        return block


class HttpTransport:
    """Reads an object over HTTP range requests on one kept-alive connection."""

    def __init__(self, source: Source) -> None:
        self._url = source.url
        self._size = source.size

    def fetch(self, start: int, length: int) -> bytes:
        if length <= 0:
            return b""
        failure = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(BACKOFF * 2 ** (attempt - 1))
            try:
                response = self._get(start, start + length - 1)
                try:
                    return _exactly(response, length)
                finally:
                    response.release_conn()
            except (urllib3.exceptions.HTTPError, _Retryable) as error:
                failure = str(error)
        raise SourceUnavailable(AWAY) from ConnectionError(failure)

    def stream(self, start: int) -> Iterator[bytes]:
        position, failures = start, 0
        while position < self._size:
            try:
                for block in self._rest(position):
                    position += len(block)
                    failures = 0
                    yield block
            except (urllib3.exceptions.HTTPError, _Retryable) as error:
                failures += 1
                if failures >= ATTEMPTS:
                    raise SourceUnavailable(AWAY) from error
                time.sleep(BACKOFF * 2 ** (failures - 1))

    def _rest(self, position: int) -> Iterator[bytes]:
        response = self._get(position, self._size - 1)
        try:
            for block in response.stream(CHUNK, decode_content=False):
                position += len(block)
                yield block
        finally:
            # Closed rather than released: a reader that stops early must not leave the rest in the pipe.
            response.close()
        if position < self._size:
            raise _Retryable("the answer ended early")

    def _get(self, first: int, last: int) -> urllib3.BaseHTTPResponse:
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
        response = _connections().request(
            "GET",
            self._url,
            headers=headers,
            preload_content=False,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=5, read=15),
        )
        if response.status == 206 or (response.status == 200 and first == 0):
            return response
        status = response.status
        said = response.read(ERROR) if status == 404 else b""
        response.close()
        if b"<Code>NoSuchBucket</Code>" in said:
            raise SourceUnavailable(NO_BUCKET)
        if status in (404, 410):
            raise SourceGone(GONE)
        if status == 416:
            raise SourceGone("The stored file is shorter than it was when it was added.")
        if status >= 500 or status == 429:
            raise _Retryable(f"status {status}")
        if status == 200:
            raise SourceUnavailable(
                "The store sends whole files only; a preview needs one that honours Range. The file itself is safe: "
                "download it instead."
            )
        raise SourceUnavailable(
            f"The store refused to hand the file out (status {status}). The file itself is untouched; whoever runs the "
            "shelf can look at Storage, then try again."
        )


class _Retryable(Exception):  # never leaves this module
    pass


def _exactly(response: urllib3.BaseHTTPResponse, length: int) -> bytes:
    data: bytes = response.read(length, decode_content=False)
    while len(data) < length:
        more: bytes = response.read(length - len(data), decode_content=False)
        if not more:
            raise _Retryable("the answer ended early")
        data += more
    if response.status == 200:
        response.close()
    return data


_pool: list[urllib3.PoolManager] = []


def _connections() -> urllib3.PoolManager:
    # One per worker process, made on first use: connections are kept between reads of the same store.
    if not _pool:
        _pool.append(urllib3.PoolManager(num_pools=4, maxsize=LANES))
    return _pool[0]


_executors: list[ThreadPoolExecutor] = []


def _lanes() -> ThreadPoolExecutor:
    # One per worker process as well: starting threads takes longer than a request to a near store.
    if not _executors:
        _executors.append(ThreadPoolExecutor(LANES, thread_name_prefix="range"))
    return _executors[0]
