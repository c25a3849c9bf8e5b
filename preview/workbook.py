"""Excel and OpenDocument workbooks: read whole, values as the cells hold them, formulas' results included."""

from __future__ import annotations

import html
import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO, Final

import python_calamine

from preview.archive import open_archive
from preview.dialect import check
from preview.errors import CorruptFile, EncryptedFile, NoTable, PreviewError, TooBig, WrongReadAs
from preview.header import has_header
from preview.limits import MB, Limits
from preview.moments import moment_text, span_text
from preview.read_as import AS_DETECTED, Detected, ReadAs
from preview.result import JsonValue
from preview.streams import RangeFile
from preview.table import Cells, Table, clean, number, pick, real

SAMPLE: Final = 1000
PACKED_RATIO: Final = 4
"""A workbook may unpack to this many times `Limits.spool`: its cells are then held in memory once."""

NAMES_PART: Final = 1 << 20
_SHEET_NAME: Final = re.compile(r"<(?:\w+:)?sheet\s[^<>]*?\bname=\"([^\"]*)\"")


def check_parts(archive: zipfile.ZipFile, limits: Limits) -> None:
    """Refuse a workbook whose parts unpack to more than may be held. Raises TooBig, EncryptedFile."""
    size = sum(part.file_size for part in archive.infolist())
    if size > limits.spool * PACKED_RATIO:
        raise TooBig(
            f"This workbook unpacks to {size // MB:,} MB; "
            f"a preview unpacks up to {limits.spool * PACKED_RATIO // MB:,} MB."
        )
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise EncryptedFile("This workbook is protected with a password, so its rows cannot be shown.")


def read_workbook(
    file: BinaryIO,
    *,
    kind: str,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None = None,
    said: ReadAs = AS_DETECTED,
) -> Table:
    """The rows of the sheet a user names, else of the first that has any.

    Raises CorruptFile, EncryptedFile, NoTable, WrongReadAs (no such sheet).
    """
    check(said)
    try:
        book = python_calamine.load_workbook(file)
        names = list(book.sheet_names)
        if said.sheet is not None and said.sheet not in names:
            listed = ", ".join(f"“{name}”" for name in names)
            raise WrongReadAs(f"This workbook has no sheet “{said.sheet[:100]}”; it has {listed[:500]}.")
        for name in names if said.sheet is None else (said.sheet,):
            sheet = book.get_sheet_by_name(name)
            if sheet.height and sheet.width:
                return _sheet(
                    sheet, name, names, kind=kind, rows=rows, offset=offset, limits=limits, columns=columns, said=said
                )
    except python_calamine.PasswordError:
        raise EncryptedFile("This workbook is protected with a password, so its rows cannot be shown.") from None
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        if isinstance(error, PreviewError):
            raise
        raise CorruptFile(f"The workbook is damaged: {_short(error)}.") from None
    where = "This workbook" if said.sheet is None else f"The sheet “{said.sheet}”"
    raise NoTable(f"{where} has no cell with a value in it.")


def sheet_names_at_ends(file: RangeFile) -> tuple[str, ...]:
    """The names of an .xlsx workbook's sheets, where the parts that tell them can be read; else none."""
    try:
        archive = open_archive(file)
        part = archive.getinfo("xl/workbook.xml")
        text = archive.read(part).decode("utf-8", "replace") if part.file_size <= NAMES_PART else ""
    except (PreviewError, KeyError, OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):
        return ()
    return tuple(html.unescape(name) for name in _SHEET_NAME.findall(text))


def _short(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200].rstrip(".")


def _sheet(
    sheet: Any,
    name: str,
    names: Sequence[str],
    *,
    kind: str,
    rows: int,
    offset: int,
    limits: Limits,
    columns: Sequence[str] | None,
    said: ReadAs,
) -> Table:
    width = int(sheet.width)
    # The reader begins with the first row of the sheet; height and width count from the first cell with a value.
    lines = islice(sheet.iter_rows(), int(sheet.start[0]), None)
    head = [_values(line, width) for line in islice(lines, SAMPLE)]
    preamble = _preamble(head) if said.skip is None else said.skip
    if said.skip and said.skip >= int(sheet.height):
        raise WrongReadAs(f"The sheet has {int(sheet.height):,} rows, so {said.skip:,} cannot be skipped.")
    header = said.header
    if header is None:
        header = has_header([[_text(value) for value in line] for line in head[preamble : preamble + 200]])
    first = preamble + (1 if header else 0)
    titles = [_text(value) for value in head[preamble]] if header and len(head) > preamble else []
    picked = pick((titles + [""] * width)[:width], limits, columns, named=header)
    notes = picked.notes
    if len(names) > 1:
        others = ", ".join(f"“{other}”" for other in names if other != name)
        notes.insert(0, f"The sheet “{name}” is shown; the workbook has {len(names)} sheets: also {others[:300]}.")
    if preamble:
        lines_text = "row" if preamble == 1 else f"{preamble} rows"
        notes.append(f"The first {lines_text} of the sheet {'is' if preamble == 1 else 'are'} not part of the table.")
    start = first + offset
    page = head[start : start + rows]
    page += [
        _values(line, width)
        for line in islice(lines, max(0, start - len(head)), max(0, start - len(head)) + rows - len(page))
    ]
    total = max(0, int(sheet.height) - first)
    sample = head[first:]
    cells = [
        _cells(label, [line[place] for line in sample], [line[place] for line in page])
        for place, label in zip(picked.places, picked.names, strict=True)
    ]
    title = "OpenDocument" if kind == "ods" else "Excel"
    read_as = (title, f"sheet “{name}”", "header row" if header else "no header row")
    partial = total > len(sample)
    return Table(
        cells,
        len(page),
        kind,
        read_as,
        total,
        partial=partial,
        column_count=width,
        notes=notes,
        all_columns=picked.all_names,
        detected=Detected(header=header, skip=preamble, sheet=name, sheets=tuple(names)),
    )


def _values(line: Sequence[Any], width: int) -> list[Any]:
    values = [None if value == "" else value for value in line[:width]]
    return values + [None] * (width - len(values))


def _preamble(rows: Sequence[Sequence[Any]]) -> int:
    """Rows of at most one value before a table of three columns or more: titles, blank lines."""
    filled = [sum(value is not None for value in row) for row in rows[:50]]
    if not filled or sorted(filled)[len(filled) // 2] < 3:
        return 0
    return next((place for place, count in enumerate(filled[:20]) if count > 1), 0)


def _text(value: Any) -> str:
    """A cell as a person would type it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date | time | timedelta):
        return str(_moment(value))
    return clean(str(value))


def _cells(name: str, sample: Sequence[Any], shown: Sequence[Any]) -> Cells:
    present = [value for value in (*sample, *shown) if value is not None]
    kind = _type_of(present)
    return Cells(name, kind, [None if value is None else READ[kind](value) for value in shown])


def _type_of(values: Sequence[Any]) -> str:
    kinds = {type(value) for value in values}
    if not kinds:
        return "null"
    if kinds == {bool}:
        return "boolean"
    if kinds <= {int, float}:
        # A workbook stores every number as a double; where all are whole, integers is what was typed.
        whole = all(isinstance(value, int) or (value.is_integer() and abs(value) <= 2**53) for value in values)
        return "integer" if whole else "float"
    if kinds == {date}:
        return "date"
    if kinds <= {date, datetime}:
        return "timestamp"
    if kinds == {time}:
        return "time"
    if kinds == {timedelta}:
        return "duration"
    return "string"


def _moment(value: Any) -> JsonValue:
    if isinstance(value, timedelta):
        return span_text(value)
    if isinstance(value, datetime):
        return moment_text(value)
    return str(value.isoformat())


def _timestamp(value: Any) -> JsonValue:
    return moment_text(value if isinstance(value, datetime) else datetime(value.year, value.month, value.day))  # noqa: DTZ001  # a cell has no zone


READ: Final[dict[str, Any]] = {
    "null": lambda _: None,
    "boolean": bool,
    "integer": lambda value: number(int(value)),
    "float": lambda value: real(float(value)),
    "date": _moment,
    "time": _moment,
    "duration": _moment,
    "timestamp": _timestamp,
    "string": _text,
}
