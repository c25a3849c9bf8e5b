"""What a user may say of how a dataset's files are read."""

from __future__ import annotations

from catalog.errors import InvalidReadAs
from catalog.names import has_control
from preview.encoding import CHOICES
from preview.read_as import TYPES_TO_CHOOSE, ReadAs

LONGEST_NAME = 1000
"""Characters of a sheet's or a member's name."""
MOST_SKIPPED = 10_000
"""Rows before the table."""
MOST_TYPES = 10_000
"""Columns whose type is said."""


def check_read_as(read_as: ReadAs) -> None:
    """Raises InvalidReadAs for what no reader could keep to."""
    for what, sign in (("delimiter", read_as.delimiter), ("quote", read_as.quote)):
        if sign is not None and (len(sign) > 1 or sign in ("\r", "\n", "\x00") or "\ud800" <= sign <= "\udfff"):
            raise InvalidReadAs(f"The {what} is one character, or none at all.")
    if read_as.delimiter and read_as.delimiter == read_as.quote:
        raise InvalidReadAs("The delimiter and the quote are the same character. Choose another for one of them.")
    if read_as.encoding is not None and read_as.encoding not in CHOICES:
        raise InvalidReadAs(f"There is no encoding “{read_as.encoding[:40]}”; there are {', '.join(CHOICES)}.")
    if read_as.skip is not None and not 0 <= read_as.skip <= MOST_SKIPPED:
        raise InvalidReadAs(f"From 0 to {MOST_SKIPPED:,} rows can stand before the table.")
    for what, name in (("sheet", read_as.sheet), ("member", read_as.member)):
        if name is not None and (not name or len(name) > LONGEST_NAME or has_control(name)):
            raise InvalidReadAs(f"The {what} has no name that could be one.")
    if len(read_as.types) > MOST_TYPES:
        raise InvalidReadAs(f"The types of {MOST_TYPES:,} columns can be said.")
    for name, kind in read_as.types:
        if kind not in TYPES_TO_CHOOSE:
            raise InvalidReadAs(f"“{name[:40]}” cannot be {kind[:40]}; it can be {', '.join(TYPES_TO_CHOOSE)}.")
        if any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in name):
            raise InvalidReadAs("A column's name holds a character that cannot be kept.")
