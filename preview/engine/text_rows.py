"""All rows of a delimited text for DuckDB: through its own parser by way of a pipe, or through the preview's.

DuckDB's parser is several times faster, and strict: it is used for the plain dialects where both agree, and what it
refuses, or counts differently, goes through the preview's.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from preview.dialect import Dialect
from preview.encoding import decode
from preview.engine.connect import literal
from preview.errors import TooBig
from preview.limits import MB, Limits
from preview.opened_text import Text
from preview.row_ends import RowEnds

LINE: Final = 1_000_000
"""Bytes of the longest row that DuckDB's parser is given room for; a longer one goes the other way."""
BUFFER: Final = 4_000_000
BLOCK: Final = 1 << 20


def is_plain(dialect: Dialect, width: int) -> bool:
    """Whether DuckDB's parser reads the dialect as the preview does. (A text of one column has lines that are empty
    cells to the one and no rows to the other.)"""
    return bool(dialect.delimiter) and width > 1 and dialect.escape is None and not dialect.skip_spaces


class Values:
    """The bytes behind the first `leading` rows of a text; `rows` counts the rows among them once all have passed."""

    def __init__(self, text: Text, dialect: Dialect) -> None:
        self.rows = 0
        self._text, self._ends, self._leading = text, RowEnds(dialect), dialect.leading_rows

    def __iter__(self) -> Iterator[bytes]:
        seen = base = 0
        for chunk in self._text.chunks():
            found = self._ends.feed(chunk)
            before, seen = seen, seen + len(found)
            if before >= self._leading:
                yield chunk
            elif seen >= self._leading:
                # A row never ends within bytes held back from the chunk before, but it may end where they do.
                yield chunk[max(int(found[self._leading - before - 1]) - base, 0) :]
            base += len(chunk)
        self.rows = max(0, seen + len(self._ends.finish()) - self._leading)


class Pipe:
    """A named pipe that DuckDB reads as a file, and the thread that writes a text to it as UTF-8."""

    def __init__(self, blocks: Iterable[bytes], codec: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="datashelf-")
        self.path = Path(self._folder.name) / "rows"
        os.mkfifo(self.path, 0o600)
        self._blocks, self._codec = blocks, codec
        self._stop = threading.Event()
        self.error: BaseException | None = None
        """What kept the text from being read to its end."""
        self._thread = threading.Thread(target=self._feed, name="text-rows", daemon=True)

    def __enter__(self) -> Pipe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def stop(self) -> None:
        """End the writing, wherever it is."""
        self._stop.set()
        # A write that waits for a reader who is not reading any more ends when there is none at all.
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            while self._thread.is_alive():
                with contextlib.suppress(BlockingIOError):
                    os.read(descriptor, BLOCK)
                self._thread.join(0.002)
        finally:
            os.close(descriptor)

    def finish(self) -> None:
        """Wait for the text's end; raises what kept it from being read."""
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _feed(self) -> None:
        try:
            descriptor = self._opened()
            if descriptor is None:
                return
            with os.fdopen(descriptor, "wb", buffering=0) as out:
                for block in recoded(self._blocks, self._codec):
                    view = memoryview(block)
                    while view:
                        if self._stop.is_set():
                            return
                        view = view[out.write(view) :]
        except BrokenPipeError:
            pass  # DuckDB has given up, and says why
        except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits
            self.error = error

    def _opened(self) -> int | None:
        # Opening waits for a reader, which may never come; asking again and again can be stopped.
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                descriptor = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
                os.set_blocking(descriptor, True)
                return descriptor
            time.sleep(0.002)
        return None


def recoded(blocks: Iterable[bytes], codec: str) -> Iterator[bytes]:
    """The blocks as UTF-8."""
    if codecs.lookup(codec).name == "utf-8":
        # DuckDB finds bytes that are none; the preview's own reader then decodes them.
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for block in blocks:
        yield decoder.decode(block).encode()
    yield decoder.decode(b"", final=True).encode()


def csv_relation(path: Path, dialect: Dialect, width: int) -> str:
    """SQL of the rows that come out of a pipe: columns c0, c1 … of text."""
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
    quote = literal(dialect.quote or "")
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false, columns = {{{columns}}},"
        f" delim = {literal(dialect.delimiter or '')}, quote = {quote}, escape = {quote}, comment = '',"
        f" strict_mode = true, null_padding = false, buffer_size = {BUFFER}, max_line_size = {LINE})"
    )


def parsed_rows(text: Text, dialect: Dialect, limits: Limits) -> Iterator[list[list[str]]]:
    """The rows as the preview parses them, some thousands at a time. Raises TooBig for a row longer than is read."""
    for data in whole_rows(text, dialect, limits):
        yield dialect.parse(decode(data, text.encoding)[0])


def whole_rows(text: Text, dialect: Dialect, limits: Limits) -> Iterator[bytes]:
    """The bytes in pieces of whole rows, the leading ones left out. Raises TooBig for a row longer than is read."""
    ends, leading = RowEnds(dialect), dialect.leading_rows
    held, base, seen, begun = bytearray(), 0, 0, leading == 0
    for chunk in text.chunks():
        held += chunk
        found = ends.feed(chunk)
        if not begun and seen + len(found) >= leading:
            end = int(found[leading - seen - 1])
            del held[: end - base]
            base, begun = end, True
        seen += len(found)
        if begun and len(found) and len(held) >= min(BLOCK, limits.text):
            end = int(found[-1])
            yield bytes(held[: end - base])
            del held[: end - base]
            base = end
        if len(held) > limits.text:
            raise TooBig(
                f"One row of this file is longer than the {limits.text // MB} MB of text that are read at once."
            )
    if begun and held:
        yield bytes(held)
