"""What the first and the last bytes of a file tell of it, by the same readers as the preview.

They see a file of its full size of which only these bytes are there. What lies between is never guessed: a table is
told as far as the ends hold it, and the number of rows of a text is an estimate from the length of its first ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from preview.ends import UNKNOWN, OutsideEnds, file_of_ends
from preview.errors import CorruptFile, PreviewError, TooBig
from preview.formats import format_of
from preview.ipc import read_ipc_stream
from preview.limits import MB, Limits
from preview.read_as import Detected, ReadAs
from preview.reader import Job, finished, read_file
from preview.row_estimate import estimated_rows
from preview.source import Source
from preview.streams import ForwardFile, RangeFile
from preview.table import Table, payload
from preview.workbook import sheet_names_at_ends

ROWS: Final = 5
"""First rows that are told."""
IPC_MAGIC: Final = b"ARROW1\0\0"
"""What stands before the stream that an Arrow IPC file holds (Arrow columnar format, "IPC File Format")."""


def inspect(
    source: Source, head: bytes, tail: bytes, *, limits: Limits, read_as: ReadAs
) -> tuple[dict[str, Any], bytes]:
    """The facts of an `Inspection`, and its first rows as JSON."""
    if not source.size:
        return _without_table(source, "The file is empty (0 bytes), so there is nothing to show.", certain=True)
    look = _Look(source, head, tail, Job(source.file_name, ROWS, 0, limits.for_rows(ROWS), None, read_as, None))
    try:
        table = look.table()
    except PreviewError as error:
        if look.certain:
            return _without_table(source, str(error), certain=True)
        sheets = sheet_names_at_ends(look.file())
        return _without_table(source, look.why_not(sheets), certain=False, sheets=sheets)
    facts, rows = payload(table, offset=0, limits=limits)
    estimate = look.estimate(table) if table.total_rows is None else table.total_rows
    told = {"rows": estimate, "rows_exact": table.total_rows is not None, "reason": None, "certain": True}
    return {**facts, **told}, rows


@dataclass(slots=True)
class _Look:
    """The ends of one file, read in the ways that may do. `certain` says that the first one failed for good."""

    source: Source
    head: bytes
    tail: bytes
    job: Job
    certain: bool = False

    @property
    def whole(self) -> bool:
        return len(self.head) + len(self.tail) >= self.source.size

    def file(self) -> RangeFile:
        return file_of_ends(self.source.size, self.head, self.tail)[0]

    def table(self) -> Table:
        """The table with as many first rows as the ends hold. Raises PreviewError."""
        failure: PreviewError | None = None
        for job in self._jobs():
            file, ends = file_of_ends(self.source.size, self.head, self.tail)
            try:
                return finished(self._read(file, job, from_start=failure is not None), job)
            except PreviewError as error:
                # What looks damaged may only have been cut off.
                cut = isinstance(error, CorruptFile) and (ends.missed or file.cut)
                self.certain = not (cut or isinstance(error, OutsideEnds | TooBig))
                if self.certain or self.whole:
                    raise
                failure = failure or error
        raise failure or OutsideEnds(UNKNOWN)

    def _jobs(self) -> Iterator[Job]:
        for rows in (ROWS, ROWS if self.head.startswith(IPC_MAGIC) else 1, 0):
            yield replace(self.job, rows=rows)

    def _read(self, file: RangeFile, job: Job, *, from_start: bool) -> Table:
        if not (from_start and self.head.startswith(IPC_MAGIC)):
            return read_file(file, job)
        # Where the footer's batches are out of reach, the stream at the beginning still tells columns and first rows.
        table = read_ipc_stream(ForwardFile(file, start=len(IPC_MAGIC)), **job.page)
        table.read_as, table.total_rows = ("Arrow", "IPC file"), None
        return table

    def estimate(self, table: Table) -> int | None:
        """About how many rows the file has."""
        return estimated_rows(self.file(), self.job, table)

    def why_not(self, sheets: tuple[str, ...]) -> str:
        """Why nothing can be told yet."""
        later = "the table is shown once the file is here"
        if sheets:
            listed = ", ".join(f"“{name}”" for name in sheets[:10]) + (" …" if len(sheets) > 10 else "")
            return f"A workbook with the sheet{'' if len(sheets) == 1 else 's'} {listed}; {later}."
        if format_of(self.source.file_name) in ("xlsx", "xls", "ods"):
            return f"A workbook is read whole: {later}."
        length = int.from_bytes(self.tail[-8:-4], "little")
        if self.tail[-4:] == b"PAR1" and length + 8 > len(self.tail):
            return (
                f"What describes this Parquet file is {length / MB:,.1f} MB long, more than is looked at yet; {later}."
            )
        return UNKNOWN


def _without_table(
    source: Source, reason: str, *, certain: bool, sheets: tuple[str, ...] = ()
) -> tuple[dict[str, Any], bytes]:
    facts: dict[str, Any] = {
        "format": format_of(source.file_name),
        "columns": [],
        "column_count": 0,
        "rows": None,
        "rows_exact": False,
        "read_as": [],
        "detected": Detected(sheets=sheets).to_plain(),
        "notes": [],
        "reason": reason,
        "certain": certain,
    }
    return facts, b"[]"
