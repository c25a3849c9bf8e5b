"""What one read may cost. Sizes are bytes, decimal; durations are `timedelta`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

KB = 1000
MB = 1000 * KB


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of every read; a worker enforces `memory` (RLIMIT_DATA) and its owner `timeout`."""

    timeout: timedelta = timedelta(seconds=20)
    """One preview, from the moment a worker takes it; waiting for a worker does not count."""
    scan_timeout: timedelta = timedelta(hours=24)
    """One pass over a whole file: 5 TiB at 65 MB/s."""
    memory: int = 1024 * MB
    """Data one worker may hold."""
    text: int = 64 * MB
    """Text (after decompression) that is parsed for one preview; a longer row is not shown."""
    skip: int = 256 * MB
    """Text that is passed over to reach an offset."""
    spool: int = 256 * MB
    """A file that must be whole (a workbook, a member of a zip) is copied to disk up to this size."""
    columns: int = 10_000
    """Columns shown; the true number is always told."""
    names: int = 100_000
    """Columns that can be chosen by name; the first ones."""
    cells: int = 1_000_000
    """Rows times columns of one preview; where they would be more, fewer columns are shown."""
    cell: int = 100_000
    """Characters of one cell in `Preview.json_rows()`."""
    rows_text: int = 16 * MB
    """Characters of all rows of one preview together; where they are more, cells are cut shorter."""
    rows: int = 1000
    """Rows of one preview."""

    def for_rows(self, rows: int) -> Limits:
        """The same limits, with as many columns as so many rows leave room for."""
        return replace(self, columns=min(self.columns, max(1, self.cells // max(rows, 1))))

    def for_one_cell(self) -> Limits:
        """The same limits, with room for one cell as long as all the text of a preview."""
        return replace(self, cell=self.text, rows_text=self.text)

    def to_plain(self) -> dict[str, float]:
        """As JSON can carry it: durations in seconds."""
        return {
            key: value.total_seconds() if isinstance(value, timedelta) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Limits:
        """What `to_plain` gave."""
        values: dict[str, Any] = {
            key: timedelta(seconds=value) if key.endswith("timeout") else value for key, value in plain.items()
        }
        return cls(**values)
