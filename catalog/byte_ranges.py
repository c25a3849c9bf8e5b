"""How many bytes of a file a client asks for, by its Range header (RFC 9110, 14.2)."""

from __future__ import annotations

import re

LONGEST = 1_000
"""Characters of a header that are read."""
_RANGE = re.compile(r"(\d{0,18})-(\d{0,18})")


def bytes_asked(header: str | None, size: int) -> int:
    """Of a file of `size` bytes: all of it without a header, or with one that no server would honour."""
    unit, _, ranges = (header or "").partition("=")
    if unit.strip().lower() != "bytes" or len(ranges) > LONGEST:
        return size
    asked = 0
    for one in ranges.split(","):
        found = _RANGE.fullmatch(one.strip())
        if found is None or found[0] == "-":
            return size
        first, last = found[1], found[2]
        if not first:
            asked += min(int(last), size)
        else:
            end = min(int(last), size - 1) if last else size - 1
            if last and int(last) < int(first):
                return size
            asked += max(0, end - int(first) + 1)
    return asked
