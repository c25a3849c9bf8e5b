"""What a columnar copy says of the file it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from preview.read_as import Detected


@dataclass(frozen=True, slots=True)
class Facts:
    """`names`, `types` (the preview's) and `stores` (see `tables.VALUES`) are one per stored column; the rest as in
    `result.Preview`, over all rows."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    stores: tuple[str, ...]
    rows: int
    column_count: int
    format: str
    read_as: tuple[str, ...]
    notes: tuple[str, ...]
    detected: Detected

    def to_plain(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Facts:
        """What `to_plain` gave."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
        }
        return cls(**{**values, "detected": Detected.from_plain(plain["detected"])})
