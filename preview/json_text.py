"""JSON read piece by piece: one value at a time out of a text that need not fit in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from preview.errors import CorruptFile, TooBig
from preview.limits import MB
from preview.opened_text import Text

CHUNK: Final = 1 << 16
BLANK: Final = " \t\n\r\ufeff"


class JsonText:
    """A cursor in a JSON text. `limit` bounds one value, in characters. Raises CorruptFile (with the line), TooBig."""

    def __init__(self, text: Text, *, limit: int) -> None:
        self._blocks = self._decoded(text)
        self._limit = limit
        self._decode = json.JSONDecoder().raw_decode
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._lines = 0
        self.passed = 0
        """Characters that lie behind the cursor's buffer."""

    @staticmethod
    def _decoded(text: Text) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(text.encoding.codec)("replace")
        for block in text.chunks():
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    @property
    def position(self) -> int:
        """Characters before the cursor."""
        return self.passed + self._at

    def peek(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in BLANK:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def take(self, allowed: str) -> str:
        """The next character, which has to be one of `allowed`."""
        found = self.peek()
        if not found:
            raise CorruptFile("The JSON ends too early; was it sent whole?")
        if found not in allowed:
            raise self._broken(self._at, f"{found!r} stands where {' or '.join(allowed)} should")
        self._at += 1
        return found

    def opens_objects(self) -> bool:
        """Whether the cursor stands before an array whose first element is an object."""
        while True:
            rest = self._buffer[self._at + 1 : self._at + 1 + CHUNK].lstrip(BLANK)
            if rest or not self._more(CHUNK):
                return rest.startswith("{")

    def value(self) -> Any:
        """The next value, parsed."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                unfinished = error.msg.startswith("Unterminated string") or error.pos > len(self._buffer) - 64
                if unfinished and self._more(len(self._buffer) - self._at):
                    continue
                if unfinished and self._ended and error.pos >= len(self._buffer.rstrip()):
                    raise CorruptFile("The JSON ends too early; was it sent whole?") from None
                raise self._broken(error.pos, error.msg[:1].lower() + error.msg[1:]) from None
            except ValueError:
                raise TooBig("A number in this JSON has more digits than a preview reads.") from None
            except RecursionError:
                raise TooBig("This JSON is nested deeper than a preview reads (about 1,000 levels).") from None
            # A number at the very end of what was read may go on.
            if end == len(self._buffer) and not isinstance(value, str | list | dict) and self._more(CHUNK):
                continue
            self._at = end
            return value

    def _more(self, wanted: int) -> bool:
        if self._ended:
            return False
        if self._at:
            self._lines += self._buffer.count("\n", 0, self._at)
            self.passed += self._at
            self._buffer = self._buffer[self._at :]
            self._at = 0
        if len(self._buffer) > self._limit:
            raise TooBig(
                f"One value in this JSON is longer than the {self._limit // MB} MB of text a preview reads at once."
            )
        blocks, size = [self._buffer], 0
        while size < max(wanted, CHUNK):
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
                break
            blocks.append(block)
            size += len(block)
        self._buffer = "".join(blocks)
        return size > 0

    def _broken(self, position: int, why: str) -> CorruptFile:
        line = self._lines + self._buffer.count("\n", 0, position) + 1
        return CorruptFile(f"This is not valid JSON: line {line:,}: {why}.")


def elements(text: JsonText) -> Iterator[Any]:
    """The elements of the array the cursor stands before."""
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield text.value()
        if text.take(",]") == "]":
            return


def values(text: JsonText) -> Iterator[Any]:
    """The values of a text in which one stands after the other, as `jq` writes them."""
    while text.peek():
        yield text.value()


def is_sequence(sample: str) -> bool:
    """Whether a text begins with one object after another, with no comma between."""
    return looks_like_json(sample) == "sequence"


def looks_like_json(sample: str) -> str | None:
    """`json`, `jsonl`, `sequence` (objects one after the other, on lines as they come), or None, by the first
    characters of a text.
    """
    text = sample.lstrip(BLANK)
    if text[:1] not in ("[", "{"):
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        return "json"
    except ValueError:
        return "json" if _OPENING.match(text) else None
    rest = text[end:].lstrip(" \t\r")
    following = rest.lstrip(BLANK + "\x1e")[:1]
    if not following:
        return "json"
    on_one_line = rest[:1] == "\n" and not any(mark in text[:end] for mark in "\r\n")
    if on_one_line and following in "[{":
        return "jsonl"
    return "sequence" if following == text[0] == "{" else None


_OPENING = re.compile(r"(?:\[\s*)*(?:\{\s*(?:\"(?:[^\"\\]|\\.)*\"\s*:|\}|$)|\[\s*(?:[\"\d\]-]|true|false|null|$))")
