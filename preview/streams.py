"""Files as the readers want them: a seekable one that fetches ranges, and forward ones that may be decompressed.

A forward stream's `read(n)` gives at most n bytes, and b"" only at the end; nothing behind it grows with the file,
nor with what a bomb unpacks to.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, Protocol, cast

import zstandard

from preview.errors import CorruptFile, TooBig
from preview.formats import TITLES
from preview.transport import Transport, fetch_many
from preview.zstd_frames import Frames

FIRST: Final = 1 << 18
"""Bytes of a forward stream's first fetch; each later one doubles up to `LARGEST`, so that few rows cost few bytes."""
LARGEST: Final = 1 << 22
XZ_MEMORY: Final = 256 << 20
"""Bytes an .xz file may ask for; the strongest preset, `xz -9`, needs 65 MiB (xz(1))."""
ZSTD_WINDOW: Final = 1 << 27
"""Bytes: what `zstd --long=27` needs, the most the zstd tool unpacks unasked (zstd(1))."""


class Forward(Protocol):
    """A stream that is read once, from its beginning."""

    def read(self, size: int, /) -> bytes: ...


def is_cut(stream: Forward) -> bool:
    """Whether a stream ended because only the ends of its file are there, and not because the file did."""
    return bool(getattr(stream, "cut", False))


class RangeFile(io.RawIOBase):
    """A read-only, seekable file over a transport; remembers its first bytes and what it fetched last."""

    def __init__(self, transport: Transport, size: int, *, readahead: int = 1 << 16) -> None:
        super().__init__()
        self.size = size
        self.path = getattr(transport, "path", None)
        """Where the bytes lie on this machine's disk, if they do."""
        self.known = size
        """Bytes from the first on that are there to be read in order: all, but where only a file's ends are."""
        self.cut = False
        """Whether somebody read on to where those end."""
        self._transport = transport
        self._readahead = readahead
        self._position = 0
        self._head = b""
        self._block_start, self._block = 0, b""

    def head(self, length: int) -> bytes:
        """The first bytes, at most `length` of them; they are kept."""
        wanted = min(length, self.known)
        if len(self._head) < wanted:
            self._head += self._fetch(len(self._head), wanted - len(self._head))
        return self._head[:wanted]

    def read_at(self, start: int, length: int) -> bytes:
        """At most `length` bytes from `start`."""
        length = max(0, min(length, self.size - start))
        end = start + length
        if end <= len(self._head):
            return self._head[start:end]
        if self._block_start <= start and end <= self._block_start + len(self._block):
            return self._block[start - self._block_start : end - self._block_start]
        if length > self._readahead:
            return self._fetch(start, length)
        self._block_start, self._block = start, self._fetch(start, min(self._readahead, self.size - start))
        return self._block[:length]

    def read_exactly_at(self, start: int, length: int) -> bytes:
        """Like `read_at`, without fetching more than is asked for: for small pieces that lie far apart."""
        return self._fetch(start, max(0, min(length, self.size - start)))

    def keep(self, start: int, length: int) -> None:
        """Fetch bytes that will be read in small pieces; they are remembered until others are."""
        length = max(0, min(length, self.size - start))
        self._block_start, self._block = start, self._fetch(start, length)

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of each range, a beginning and an end. Raises ValueError where one lies outside the file."""
        if any(not 0 <= begin <= end <= self.size for begin, end in ranges):
            raise ValueError("a part of the file lies outside it")
        return fetch_many(self._transport, ranges)

    def _fetch(self, start: int, length: int) -> bytes:
        # A damaged file may point to where it has long ended; no disk and no store can be asked for that.
        return self._transport.fetch(start, length) if length > 0 else b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        data = self.read_at(self._position, self.size if size is None or size < 0 else size)
        self._position += len(data)
        return data

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed's buffer has no len()
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class ForwardFile:
    """A forward stream over a `RangeFile` from byte `start` on: begins with small fetches and doubles them.

    It ends early where not all of the file is `known`; `cut` turns true then.
    """

    def __init__(self, file: RangeFile, *, start: int = 0, first: int = FIRST) -> None:
        self.cut = False
        self._file = file
        self._position = start
        self._next = min(first, LARGEST)
        self._buffer = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        if not self._buffer:
            if self._position >= self._file.known < self._file.size:
                self.cut = self._file.cut = True
                return b""
            length = min(self._next, self._file.known - self._position)
            block = self._file.read_at(self._position, length) if self._position else self._file.head(length)
            self._position += len(block)
            self._next = min(self._next * 2, LARGEST)
            self._buffer = memoryview(block)
        data, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
        return data


class Chunks:
    """A forward stream over an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        while not self._buffer:
            block = next(self._chunks, None)
            if block is None:
                return b""
            self._buffer = memoryview(block)
        data, self._buffer = bytes(self._buffer[:size]), self._buffer[size:]
        return data


class Rewound:
    """A forward stream with bytes put back before it."""

    def __init__(self, first: bytes, rest: Forward) -> None:
        self._first = memoryview(first)
        self._rest = rest

    @property
    def cut(self) -> bool:
        return is_cut(self._rest)

    def read(self, size: int, /) -> bytes:
        if self._first:
            data, self._first = bytes(self._first[:size]), self._first[size:]
            return data
        return self._rest.read(size)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class Unpacked:
    """What a gzip, bzip2, xz or zstd stream holds, several members in a row included.

    `truncated` turns true where the packed bytes end before their stream does: what came out until then is good. Raises
    CorruptFile where they break their format.
    """

    def __init__(self, packed: Forward, wrapping: str) -> None:
        self.truncated = False
        self._packed = packed
        self._wrapping = wrapping
        self._zstd = wrapping == "zstd"
        self._ended = False
        self._input = b""
        if self._zstd:
            self._walk = Frames()
            self._frames = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(
                cast("BinaryIO", _Recorder(packed, self._walk)), read_across_frames=True
            )
        else:
            self._member: _Decompressor = _new_member(wrapping)
            self._begun = False

    @property
    def cut(self) -> bool:
        return is_cut(self._packed)

    def read(self, size: int, /) -> bytes:
        try:
            return self._read_zstd(size) if self._zstd else self._read_members(size)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
            if isinstance(error, ConnectionError | FileNotFoundError):
                raise
            if "emory" in str(error) or "window" in str(error).lower():
                raise TooBig(
                    f"Unpacking this {TITLES[self._wrapping]} file needs more memory than a preview may use."
                ) from None
            raise CorruptFile(f"The {TITLES[self._wrapping]} data is damaged: {error}.") from None

    def _read_zstd(self, size: int) -> bytes:
        data = self._frames.read(size)
        if not data:
            self.truncated = not self._walk.ended
        return data

    def _read_members(self, size: int) -> bytes:
        while not self._ended:
            if self._member.eof:
                rest = self._member.unused_data.lstrip(b"\0") or self._packed.read(1 << 16).lstrip(b"\0")
                if not rest or not _begins_member(rest, self._wrapping):
                    # Bytes after the last member are padding or a signature; gunzip ignores them with a warning too.
                    self._ended = True
                    break
                self._member, self._input, self._begun = _new_member(self._wrapping), rest, True
            needs_input = getattr(self._member, "needs_input", not self._input)
            if needs_input and not self._input:
                self._input = self._packed.read(1 << 16)
                if not self._input:
                    self.truncated = self._begun
                    self._ended = True
                    break
                self._begun = True
            data = self._member.decompress(self._input, size)
            self._input = getattr(self._member, "unconsumed_tail", b"")
            if data:
                return data
        return b""


class _Recorder:
    # zstandard's stream_reader asks for .read only; the class keeps its type honest.
    def __init__(self, packed: Forward, walk: Frames) -> None:
        self._packed, self._walk = packed, walk

    def read(self, size: int = -1) -> bytes:
        data = self._packed.read(size if size > 0 else 1 << 16)
        self._walk.feed(data)
        return data


class _Gzip:
    # zlib's object with the names the bz2 and lzma ones use.
    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(31)
        self.unconsumed_tail = b""

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        result = self._inflate.decompress(data, max_length)
        self.unconsumed_tail = self._inflate.unconsumed_tail
        return result


def _new_member(wrapping: str) -> _Decompressor:
    if wrapping == "gzip":
        return _Gzip()
    if wrapping == "bz2":
        return cast("_Decompressor", bz2.BZ2Decompressor())
    return cast("_Decompressor", lzma.LZMADecompressor(memlimit=XZ_MEMORY))


MAGIC: Final = {"gzip": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\x00", "zstd": b"\x28\xb5\x2f\xfd"}


def _begins_member(data: bytes, wrapping: str) -> bool:
    return data.startswith(MAGIC[wrapping][: len(data)])


def spool(stream: Forward, *, limit: int, what: str) -> tuple[BinaryIO, int]:
    """Copy a stream into an unnamed temporary file; returns it, rewound, and its size. Raises TooBig past `limit`
    bytes.
    """
    file = cast("BinaryIO", tempfile.TemporaryFile(prefix="datashelf-"))  # noqa: SIM115  # the reader of it closes it
    size = 0
    while block := stream.read(1 << 20):
        size += len(block)
        if size > limit:
            file.close()
            raise TooBig(f"{what} has to be read whole, which is done up to {limit // 1_000_000} MB.")
        file.write(block)
    file.seek(0)
    return file, size
