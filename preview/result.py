"""What a read gives back: rows as a pandas DataFrame and as JSON, and what is known of the whole file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from preview.read_as import Detected

if TYPE_CHECKING:
    import pandas as pd

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

TYPES = (
    "boolean",
    "integer",
    "float",
    "decimal",
    "string",
    "date",
    "time",
    "timestamp",
    "duration",
    "binary",
    "list",
    "struct",
    "map",
    "null",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, unique within its file, and its type, one of `TYPES`."""

    name: str
    type: str


@dataclass(frozen=True)
class Preview:
    """Some rows of a file, and how much of the file they and the facts about it cover.

    `frame` is for the eye, `json_rows()` for programs. `total_rows` is exact or None; `partial` says that the count
    or the types cover less than the whole file; `notes` are sentences for the user; `read_as` says what was detected;
    `column_count` is the number of columns in the file, of which `columns` are those shown.
    """

    columns: tuple[Column, ...]
    offset: int
    total_rows: int | None
    partial: bool
    notes: tuple[str, ...]
    format: str
    read_as: tuple[str, ...]
    column_count: int
    rows_json: bytes = field(repr=False)
    """The rows as UTF-8 JSON, ready to be sent."""
    detected: Detected = field(default_factory=Detected)
    """How the file was read, field by field; what can be overridden by `ReadAs`."""
    all_columns: tuple[str, ...] = ()
    """The names of all columns, up to `Limits.names`, where `columns` are not all of them; else empty."""

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows for the eye: one column per entry of `columns`, indexed by their place in the file.

        Cells longer than `frames.SHOWN` characters are cut with "…"; integers past ±(2^53−1), decimals, times of day,
        durations, bytes and nested values are text, because a browser's table rounds or garbles them.
        """
        from preview.frames import frame_of

        return frame_of(self.columns, self.json_rows(), offset=self.offset)

    def json_rows(self) -> list[list[JsonValue]]:
        """The rows as JSON values.

        Integers beyond ±(2^53−1) and decimals are strings; NaN and infinities are "NaN", "Infinity", "-Infinity";
        dates and times ISO 8601; bytes base64; nested values JSON. A cell longer than `Limits.cell` is cut, and a
        note says so.
        """
        return cast("list[list[JsonValue]]", json.loads(self.rows_json))


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass over all stored bytes found: `rows` of a text format (None for any other, or where they cannot be
    counted), the SHA-256 of the stored bytes in lower-case hex, and how many bytes there were.

    `part_digests` are the SHA-256 of the parts, 32 bytes each, where a part's size was given.
    """

    rows: int | None
    sha256: str
    size: int
    row_index: RowIndex | None = None
    part_digests: bytes = b""


@dataclass(frozen=True, slots=True)
class RowIndex:
    """Where rows of a text file begin: entry n is the byte at which row n × `step` (of values, counted from 0) begins.

    Good for the way of reading whose `ReadAs.key` is `read_key` only. None is made of compressed texts and encodings
    that are decoded on the way (UTF-16, UTF-32), whose bytes cannot be entered in the middle.
    """

    step: int
    offsets: tuple[int, ...]
    read_key: str = ""

    def to_plain(self) -> dict[str, JsonValue]:
        """As JSON carries it."""
        return {"step": self.step, "offsets": list(self.offsets), "read_key": self.read_key}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any] | None) -> RowIndex | None:
        """What `to_plain` gave; None where there is none."""
        if not plain:
            return None
        return cls(int(plain["step"]), tuple(map(int, plain["offsets"])), str(plain.get("read_key", "")))
