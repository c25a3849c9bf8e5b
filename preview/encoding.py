"""Which encoding a text is in: byte-order mark, then strict UTF-8, then UTF-16 by its zero bytes, then a statistical
guess.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Final

import cchardet

from preview.errors import WrongReadAs

MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8 with BOM"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)

GUESSABLE: Final = {
    "WINDOWS-1250": ("cp1250", "Windows-1250"),
    "WINDOWS-1251": ("cp1251", "Windows-1251"),
    "WINDOWS-1252": ("cp1252", "Windows-1252"),
    "WINDOWS-1253": ("cp1253", "Windows-1253"),
    "WINDOWS-1254": ("cp1254", "Windows-1254"),
    "WINDOWS-1255": ("cp1255", "Windows-1255"),
    "WINDOWS-1256": ("cp1256", "Windows-1256"),
    "WINDOWS-1257": ("cp1257", "Windows-1257"),
    "ISO-8859-1": ("cp1252", "Windows-1252"),
    "ISO-8859-2": ("iso8859-2", "Latin-2"),
    "ISO-8859-5": ("iso8859-5", "ISO 8859-5"),
    "ISO-8859-7": ("iso8859-7", "ISO 8859-7"),
    "ISO-8859-9": ("cp1254", "Windows-1254"),
    "ISO-8859-15": ("iso8859-15", "Latin-9"),
    "KOI8-R": ("koi8-r", "KOI8-R"),
    "KOI8-U": ("koi8-u", "KOI8-U"),
    "SHIFT_JIS": ("cp932", "Shift-JIS"),
    "EUC-JP": ("euc-jp", "EUC-JP"),
    "ISO-2022-JP": ("iso2022_jp", "ISO-2022-JP"),
    "GB18030": ("gb18030", "GB18030"),
    "GB2312": ("gb18030", "GB18030"),
    "GBK": ("gb18030", "GB18030"),
    "BIG5": ("big5hkscs", "Big5"),
    "EUC-KR": ("cp949", "EUC-KR"),
    "UHC": ("cp949", "EUC-KR"),
}
"""What the detector may answer → (codec, label). Each 8-bit set is read as its superset, as browsers do (WHATWG
Encoding).
"""


CHOICES: Final = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little-endian)",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32 (little-endian)",
    "utf-32-be": "UTF-32 (big-endian)",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
    **{codec: label for codec, label in sorted(GUESSABLE.values(), key=lambda pair: pair[1]) if codec != "cp1252"},
    "cp437": "DOS 437",
    "cp850": "DOS 850",
    "cp866": "DOS 866",
    "mac-roman": "Mac Roman",
}
"""What a user can say a text is in: codec → label."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec, its name for a user, and how many bytes of byte-order mark stand before the text.

    `said` says that a user named it: bytes it cannot explain are then no reason to look for another.
    """

    codec: str
    label: str
    mark: int = 0
    said: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether line ends and delimiters are more than one byte, so that the bytes cannot be searched as they are."""
        return self.codec.startswith(("utf-16", "utf-32", "iso2022"))


UTF8: Final = Encoding("utf-8", "UTF-8")


def chosen(codec: str, head: bytes) -> Encoding:
    """The encoding a user names, for a text that begins with `head`. Raises WrongReadAs where there is none such."""
    if codec not in CHOICES:
        raise WrongReadAs(f"“{codec[:40]}” is no encoding that is read; these are: {', '.join(CHOICES)}.")
    mark = next((mark for mark, of, _ in MARKS if of == codec and head.startswith(mark)), b"")
    return Encoding(codec, CHOICES[codec], len(mark), said=True)


def detect(head: bytes, *, whole: bool) -> Encoding:
    """The encoding of a text that begins with `head`; where it is not `whole`, its last character may be cut."""
    for mark, codec, label in MARKS:
        if head.startswith(mark):
            return Encoding(codec, label, len(mark))
    if decodes(head, "utf-8", whole=whole) and b"\0" not in head:
        return _escaped(head) or UTF8
    return _by_zero_bytes(head, whole=whole) or _guess(head, whole=whole)


def decodes(data: bytes, codec: str, *, whole: bool) -> bool:
    """Whether the bytes are valid in the codec, a cut last character allowed where they are not `whole`."""
    try:
        codecs.getincrementaldecoder(codec)("strict").decode(data, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def decode(data: bytes, encoding: Encoding) -> tuple[str, Encoding]:
    """The text of whole rows, and the encoding that gave it.

    Rows far into a file may hold the first byte its head gave no sign of; they are then looked at by themselves. What
    no encoding explains is read as Windows-1252 with U+FFFD for its five undefined bytes.
    """
    try:
        return data.decode(encoding.codec), encoding
    except UnicodeDecodeError:
        if encoding.mark or encoding.is_wide or encoding.said:
            return data.decode(encoding.codec, "replace"), encoding
        other = detect(data, whole=True)
        return data.decode(other.codec, "replace"), other


def _escaped(head: bytes) -> Encoding | None:
    # ISO-2022-JP is pure ASCII with escape sequences; without one of them there is nothing to ask.
    if b"\x1b$" in head[:65536] and decodes(head, "iso2022_jp", whole=False):
        return Encoding("iso2022_jp", "ISO-2022-JP")
    return None


def _by_zero_bytes(head: bytes, *, whole: bool) -> Encoding | None:
    sample = head[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    for zeros, others, codec in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if half and zeros > half * 0.3 and others < half * 0.05 and decodes(head, codec, whole=whole):
            return Encoding(codec, "UTF-16")
    return None


def _guess(head: bytes, *, whole: bool) -> Encoding:
    # Lines of pure ASCII say nothing and drown the few that do.
    telling = b"\n".join(line for line in head.splitlines() if not line.isascii())[:65536]
    found = str(cchardet.detect(telling or head)["encoding"] or "").upper()
    codec, label = GUESSABLE.get(found, ("cp1252", "Windows-1252"))
    if decodes(head, codec, whole=whole):
        return Encoding(codec, label)
    if decodes(head, "cp1252", whole=whole):
        return Encoding("cp1252", "Windows-1252")
    return Encoding("latin-1", "Latin-1") if not decodes(head, codec, whole=whole) else Encoding(codec, label)
