"""How a file is read: what was detected, and what a user says instead where that is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What a user says of a file instead of what is detected; None: as detected. Kept per dataset by the catalogue.

    `delimiter` is one character, or "" for a text of one column; `quote` is one character, or "" where quotes are
    ordinary characters; `encoding` is one of `encoding.CHOICES`; `skip` counts the rows before the table; `sheet` names
    a workbook's sheet, `member` a file inside a zip; `types` are pairs of column name and type, of `TYPES_TO_CHOOSE`.
    """

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    skip: int | None = None
    sheet: str | None = None
    member: str | None = None
    types: tuple[tuple[str, str], ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As JSON keeps it: only what is said."""
        plain = {name: value for name, value in asdict(self).items() if value is not None and value != ()}
        if self.types:
            plain["types"] = dict(self.types)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> ReadAs:
        """What `to_plain` gave."""
        if not plain:
            return AS_DETECTED
        return replace(cls(**{**plain, "types": ()}), types=tuple(sorted(dict(plain.get("types") or {}).items())))

    @property
    def key(self) -> str:
        """Tells two ways of reading one file apart in a cache; "" as detected."""
        plain = self.to_plain()
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16] if plain else ""


AS_DETECTED = ReadAs()

TYPES_TO_CHOOSE = ("string", "integer", "float", "boolean", "date", "timestamp")
"""The types a column of text can be said to have; a cell that is not of it is null, and a note counts those."""


@dataclass(frozen=True, slots=True)
class Detected:
    """How a file was read in the end: the detected, and what `ReadAs` said instead. None where it has no meaning.

    `sheets` and `members` are what can be chosen from (members: the tables inside a zip).
    """

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    header: bool | None = None
    skip: int | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    member: str | None = None
    members: tuple[str, ...] = ()
    chosen: tuple[str, ...] = field(default=())
    """The names of the fields above that are as a user said, not as detected."""

    def to_plain(self) -> dict[str, Any]:
        """As JSON carries it: only what is known."""
        return {name: value for name, value in asdict(self).items() if value is not None and value != ()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> Detected:
        """What `to_plain` gave."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in (plain or {}).items()
        }
        return cls(**values)
