"""What people type: file names, dataset names, descriptions, tags; checked, and brought into one form.

Everything is stored in Unicode's composed form (NFC), so that “é” typed on a Mac and on Linux is one name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence

from catalog.errors import Invalid, InvalidDescription, InvalidFileName, InvalidFolder, InvalidName, InvalidTags
from preview.formats import WRAPPINGS

LONGEST_FILE_NAME = 255
LONGEST_FOLDER = 1000
LONGEST_NAME = 200
LONGEST_EMAIL = 254
"""RFC 5321, 4.5.3.1.3, without the brackets of a path."""
LONGEST_DESCRIPTION = 10_000
LONGEST_TAG = 60
MOST_TAGS = 50
MOST_MARKS = 30

EMAIL = re.compile(r"[^@\s<>()\"',;:\\]+@[^@\s<>()\"',;:\\]+")
WRAPPED = tuple(f".{wrapping}" for wrapping in WRAPPINGS)
EXTENSION = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,10}$")
"""A file name's last extension; “report 2.0” and “2024.12” have none."""


def composed(text: str) -> str:
    """The composed form (NFC), in time that grows with the length.

    Of a run of combining marks the first `MOST_MARKS` stay (UAX #15, Stream-Safe Text Format; no script has as many):
    they are sorted, which takes the square of their number and lets nobody else work meanwhile.
    """
    return unicodedata.normalize("NFC", _stream_safe(text))


def _stream_safe(text: str) -> str:
    if text.isascii():
        return text
    marks, kept = 0, []
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def has_control(text: str, *, allowed: str = "") -> bool:
    """Whether there are control characters, line separators, or halves of surrogate pairs, which no database stores."""
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in allowed for c in text)


def fold(text: str) -> str:
    """The form in which texts are compared and sorted: width, ligatures and case do not count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _stream_safe(text)).casefold())


def sort_key(name: str) -> str:
    """What a name is sorted by. Cut, because folding lengthens some letters and an index holds no value without end."""
    return fold(name)[:LONGEST_NAME]


def clean_file_name(raw: str) -> str:
    """The name without its folders. Raises InvalidFileName."""
    name = composed(re.split(r"[/\\]", raw)[-1])
    if has_control(name):
        raise InvalidFileName("The file name contains a line break or another control character. Rename the file.")
    if not name.strip() or name in (".", ".."):
        raise InvalidFileName("The file has no name.")
    if len(name) > LONGEST_FILE_NAME:
        raise InvalidFileName(
            f"The file name has {len(name)} characters; {LONGEST_FILE_NAME} is the most. Rename the file."
        )
    return name


def clean_folder(raw: str) -> str:
    """The folder a file was dropped with, its steps parted by single slashes. Raises InvalidFolder."""
    folder = composed("/".join(step for step in re.split(r"[/\\]", raw) if step))
    if has_control(folder):
        raise InvalidFolder("The folder's name contains a line break or another control character.")
    if len(folder) > LONGEST_FOLDER:
        raise InvalidFolder(f"The folder's name has {len(folder):,} characters; {LONGEST_FOLDER:,} is the most.")
    return folder


def clean_name(raw: str) -> str:
    """A dataset's name, without spaces around it. Raises InvalidName."""
    name = composed(raw).strip()
    if has_control(name):
        raise InvalidName("The name contains a line break or another control character.")
    if not name:
        raise InvalidName("The name is empty.")
    if len(name) > LONGEST_NAME:
        raise InvalidName(f"The name has {len(name)} characters; {LONGEST_NAME} is the most.")
    return name


def clean_email(raw: str) -> str:
    """An e-mail address in the one form in which it is kept: however it is typed, it is the same. Raises Invalid."""
    email = fold(raw.strip())
    if len(email) > LONGEST_EMAIL or has_control(email) or not EMAIL.fullmatch(email):
        raise Invalid("This is no e-mail address. Write it like ada@example.org.")
    return email


def clean_description(raw: str) -> str:
    """A description; line breaks become plain ones. Raises InvalidDescription."""
    text = composed(raw).replace("\r\n", "\n").replace("\r", "\n").strip()
    if has_control(text, allowed="\n\t\u2028\u2029"):
        raise InvalidDescription("The description contains a control character.")
    if len(text) > LONGEST_DESCRIPTION:
        raise InvalidDescription(f"The description has {len(text):,} characters; {LONGEST_DESCRIPTION:,} is the most.")
    return text


def clean_tags(raw: Sequence[str]) -> dict[str, str]:
    """Tags as typed, by the key that makes two of them the same, in order. Raises InvalidTags."""
    tags: dict[str, str] = {}
    for one in raw:
        tag = composed(one)
        if has_control(tag):
            raise InvalidTags("A tag contains a line break or another control character.")
        tag = " ".join(tag.split())
        if not tag:
            raise InvalidTags("A tag is empty.")
        if len(tag) > LONGEST_TAG:
            raise InvalidTags(f"The tag “{tag[:20]}…” has {len(tag)} characters; {LONGEST_TAG} is the most.")
        tags.setdefault(fold(tag), tag)
    if len(tags) > MOST_TAGS:
        raise InvalidTags(f"There are {len(tags)} tags; {MOST_TAGS} is the most.")
    return tags


def default_name(file_name: str) -> str:
    """A dataset's name from its file's: `sales.csv.gz` → `sales`; a name that is all extension stays whole."""
    stem = file_name
    if stem.lower().endswith(WRAPPED):
        stem = stem.rpartition(".")[0]
    stem = EXTENSION.sub("", stem)
    return stem.strip()[:LONGEST_NAME].strip() or file_name.strip()[:LONGEST_NAME]


def free_names(name: str, taken: Collection[str]) -> Iterator[str]:
    """The name, then `name (2)`, `name (3)` …, without those known to be taken; never ends, never too long."""
    if name not in taken:
        yield name
    number = 2
    while True:
        suffix = f" ({number})"
        candidate = name[: LONGEST_NAME - len(suffix)].rstrip() + suffix
        if candidate not in taken:
            yield candidate
        number += 1
