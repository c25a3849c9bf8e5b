"""Columns of text turned into typed values without losing one: a type is taken only where every value keeps its
meaning.

"007" and ids longer than 64 bits stay text, NA and null stay text, yes and T are no truth values, 2024-02-30 is no
date. An empty cell is null whatever the type. Times keep the digits the file has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from preview.result import JsonValue
from preview.table import Cells, clean, number, real

BOOLEAN: Final = r"^\s*(?:true|false|True|False|TRUE|FALSE)\s*$"
INTEGER: Final = r"^\s*(?:0|-?[1-9][0-9]{0,19})\s*$"
FLOAT: Final = (
    r"^\s*(?:-?(?:0|[1-9][0-9]*)|[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+|[-+]?(?:nan|NaN|NAN|inf|Inf|INF|infinity|Infinity))\s*$"
)
"""A sign of plus before a bare whole number is part of a telephone number, not of a value."""
DATE: Final = r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$"
TIME: Final = r"^\s*(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?\s*$"
TIMESTAMP: Final = (
    r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
    r"(?: ?(?:Z|UTC|[-+](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?\s*$"
)
"""An offset is less than a day, as in RFC 3339, 5.6: +25:00 is no time zone."""
_ZONE = re.compile(r" ?(?:(Z|UTC)|([-+]\d{2}):?(\d{2})?)$")
LARGEST_UNSIGNED: Final = 2**64 - 1
SMALLEST_SIGNED: Final = -(2**63)


def typed(name: str, sample: Sequence[str | None], shown: Sequence[str | None]) -> Cells:
    """The cells to show, of the type that fits all of `sample`, which includes them; "" and None are null."""
    kind = type_of(sample)
    return Cells(name, kind, [None if not text else READ[kind](text) for text in shown])


def type_of(texts: Sequence[str | None]) -> str:
    """`null boolean integer float date time timestamp string`: the narrowest that keeps every value."""
    present = [text for text in texts if text]
    if not present:
        return "null"
    # The first value decides cheaply for most columns.
    likely = [choice for choice in CHOICES if re.fullmatch(choice[1][1:-1], present[0])]
    if not likely:
        return "string"
    array = pa.array([text if len(text) <= 64 else "…" for text in map(clean, present)], pa.string())
    for kind, pattern, holds in likely:
        if pc.all(pc.match_substring_regex(array, pattern)).as_py() and holds(present):
            return kind
    return "string"


def is_iso_moment(texts: Sequence[str]) -> str | None:
    """`date` or `timestamp` where all texts already are what JSON would show for it, else None."""
    kind = type_of(texts)
    if kind == "date" or (kind == "timestamp" and all(READ[kind](text) == text for text in texts)):
        return kind
    return None


def _fits_64_bits(texts: Sequence[str]) -> bool:
    values = [int(text) for text in texts if len(text) > 18]
    if not values:
        return True
    low, high = min(values), max(values)
    return low >= SMALLEST_SIGNED and high <= LARGEST_UNSIGNED


def _are_exact_floats(texts: Sequence[str]) -> bool:
    """Whether there is a number among NaN and the infinities, and no whole number that a double would round."""
    whole = [text for text in texts if len(text) > 15 and text.strip().removeprefix("-").isdecimal()]
    if not any(any(map(str.isdigit, text)) for text in texts):
        return False
    return _fits_64_bits(whole) and all(int(text) == int(float(text)) for text in whole)


def _all_dates(texts: Sequence[str]) -> bool:
    return _all_parse(lambda text: date.fromisoformat(text.strip()), texts)


def _all_moments(texts: Sequence[str]) -> bool:
    # Only the day can still be wrong; the patterns have bounded hours, minutes and seconds.
    return _all_parse(lambda text: date.fromisoformat(text.strip()[:10]), texts)


def _all_parse(parse: Callable[[str], object], texts: Sequence[str]) -> bool:
    try:
        for text in set(texts):
            parse(text)
    except ValueError:
        return False
    return True


def _anything(texts: Sequence[str]) -> bool:
    return bool(texts)


CHOICES: Final = (
    ("integer", INTEGER, _fits_64_bits),
    ("float", FLOAT, _are_exact_floats),
    ("boolean", BOOLEAN, _anything),
    ("date", DATE, _all_dates),
    ("timestamp", TIMESTAMP, _all_moments),
    ("time", TIME, _anything),
)


def _moment(text: str) -> JsonValue:
    text = text.strip()
    text = f"{text[:10]}T{text[11:]}"
    zone = _ZONE.search(text, 16)
    if zone is None:
        return text
    offset = "Z" if zone[1] else f"{zone[2]}:{zone[3] or '00'}"
    return text[: zone.start()] + offset


def _truth(text: str) -> JsonValue:
    return text.strip().lower() == "true"


def _integer(text: str) -> JsonValue:
    return number(int(text))


def _real(text: str) -> JsonValue:
    return real(float(text))


def _stripped(text: str) -> JsonValue:
    return text.strip()


def _text(text: str) -> JsonValue:
    return clean(text)


def _nothing(_: str) -> JsonValue:
    return None


READ: Final[dict[str, Callable[[str], JsonValue]]] = {
    "boolean": _truth,
    "integer": _integer,
    "float": _real,
    "date": _stripped,
    "time": _stripped,
    "timestamp": _moment,
    "string": _text,
    "null": _nothing,
}
