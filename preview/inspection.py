"""What the first and the last bytes of a file tell of it before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from preview.read_as import Detected
from preview.result import Column, JsonValue


@dataclass(frozen=True, slots=True)
class Inspection:
    """Columns and first rows as the preview will show them. `rows` is how many the file has: exact where
    `rows_exact`, else an estimate from the length of the first ones; None where nothing can be said.

    `format` and `read_as` are as in `Preview`. `reason` is the sentence why there is no table (columns are empty then);
    `certain` says that the file surely has none, False that it cannot be told from its ends alone (a workbook).
    """

    format: str
    columns: tuple[Column, ...] = ()
    column_count: int = 0
    first_rows: tuple[tuple[JsonValue, ...], ...] = ()
    rows: int | None = None
    rows_exact: bool = False
    read_as: tuple[str, ...] = ()
    detected: Detected = field(default_factory=Detected)
    notes: tuple[str, ...] = ()
    reason: str | None = None
    certain: bool = True
