"""A text as the readers want it: its beginning, its encoding, and what comes behind."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from preview.encoding import UTF8, Encoding, chosen
from preview.encoding import detect as detect_encoding
from preview.row_index import Entry
from preview.streams import Forward, Rewound, is_cut

SMALL: Final = 1 << 20
"""Bytes: a text up to this size is read whole, so that its count and its types are exact."""
HEAD: Final = 1 << 18
"""Bytes of a larger text that its encoding, dialect and types are judged by."""
READ: Final = 1 << 20


@dataclass(slots=True)
class Text:
    """The beginning of a text, in an encoding whose ASCII bytes can be searched, and the stream behind it.

    `whole` says that `head` is all of it. `encoding` is how `head` and the stream's bytes are decoded; `label` what the
    file itself is in. `start` counts the bytes before `head`, None where its bytes are not the file's own; `enter`
    gives a stream from a later row of the stored file on, None where it can only be read from its beginning.
    """

    head: bytes
    rest: Forward
    whole: bool
    encoding: Encoding
    label: str
    codec: str = "utf-8"
    """What the file itself is in, as `encoding.CHOICES` has it."""
    start: int | None = None
    enter: Callable[[Entry], Forward] | None = None

    def chunks(self) -> Iterator[bytes]:
        yield self.head
        while not self.whole and (block := self.rest.read(READ)):
            yield block

    def chunks_from(self, entry: Entry) -> Iterator[bytes]:
        """The bytes from a row of the index on."""
        stream = self.enter(entry) if self.enter is not None else None
        while stream is not None and (block := stream.read(READ)):
            yield block

    def sample(self) -> str:
        """The head as text, its last character dropped where it is cut."""
        text = codecs.getincrementaldecoder(self.encoding.codec)("replace").decode(self.head, final=self.whole)
        return text.lstrip("\ufeff")


class _Utf8:
    """A forward stream of UTF-8 out of one in a wider encoding."""

    def __init__(self, stream: Forward, codec: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)("replace")
        self._ended = False

    @property
    def cut(self) -> bool:
        return is_cut(self._stream)

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            block = self._stream.read(max(size // 2, 4))
            self._ended = not block
            if data := self._decoder.decode(block, final=not block).encode("utf-8", "replace"):
                return data
        return b""


def open_text(stream: Forward, *, size: int | None, codec: str | None = None) -> Text:
    """Read the beginning of a text and judge its encoding, unless a user names its `codec`. `size` is its length in
    bytes, None where unknown (compressed). Raises WrongReadAs.
    """
    wanted = SMALL + 1 if size is None or size <= SMALL else HEAD
    head = fill(stream, wanted)
    whole = len(head) < wanted and not is_cut(stream)
    encoding = detect_encoding(head, whole=whole) if codec is None else chosen(codec, head)
    label = encoding.label
    if not encoding.is_wide:
        plain = replace(encoding, mark=0)
        return Text(head[encoding.mark :], stream, whole, plain, label, encoding.codec, start=encoding.mark)
    wide = _Utf8(Rewound(head[encoding.mark :], stream), encoding.codec)
    head = fill(wide, wanted)
    return Text(head, wide, len(head) < wanted and not is_cut(wide), UTF8, label, encoding.codec)


def fill(stream: Forward, wanted: int) -> bytes:
    """The next `wanted` bytes, fewer only at the end."""
    blocks, size = [], 0
    while size < wanted and (block := stream.read(wanted - size)):
        blocks.append(block)
        size += len(block)
    return b"".join(blocks)
