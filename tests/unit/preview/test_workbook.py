"""Workbooks: the values of the cells, as openpyxl reads them."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any

import openpyxl
import pandas as pd
import pytest

from preview.errors import CorruptFile, EncryptedFile, NoTable, TooBig
from preview.limits import Limits
from tests.unit.preview.reading import look, types_of

moment = dt.datetime.fromisoformat

HEADER = ["id", "name", "x", "day", "at", "ok", "mixed", "clock"]
ROWS: list[list[Any]] = [
    [1, "a", 1.5, moment("2024-02-29"), moment("2024-02-29T10:30:00"), True, 5, dt.time(10, 30)],
    [2, None, 2, moment("1999-12-31"), moment("2000-01-01"), False, "007", dt.time(0, 0, 1)],
    [2**40, "ü😀", None, moment("2024-01-01"), moment("2024-01-01T23:59:59"), None, 2.5, None],
]


def workbook(sheets: dict[str, list[list[Any]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, dt.datetime) and cell.column == 4:
                    cell.number_format = "yyyy-mm-dd"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_values_and_types() -> None:
    preview = look(workbook({"Data": [HEADER, *ROWS]}), "x.xlsx")
    assert list(types_of(preview).values())[:3] == ["integer", "string", "float"]
    assert types_of(preview)["at"] == "timestamp"
    assert (types_of(preview)["ok"], types_of(preview)["mixed"]) == ("boolean", "string")
    rows = preview.json_rows()
    assert [row[:3] for row in rows] == [[1, "a", 1.5], [2, None, 2.0], [2**40, "ü😀", None]]
    assert [row[4] for row in rows] == ["2024-02-29T10:30:00", "2000-01-01T00:00:00", "2024-01-01T23:59:59"]
    assert [row[6] for row in rows] == ["5", "007", "2.5"]
    assert [str(row[3])[:10] for row in rows] == ["2024-02-29", "1999-12-31", "2024-01-01"]
    assert (preview.total_rows, preview.partial, preview.read_as) == (3, False, ("Excel", "sheet “Data”", "header row"))


def test_the_first_sheet_with_values_is_shown_and_the_others_named() -> None:
    preview = look(workbook({"Empty": [], "Sales": [["a", "b"], [1, 2]], "Costs": [["c"], [3]]}), "x.xlsx")
    assert preview.json_rows() == [[1, 2]]
    assert preview.notes[0] == "The sheet “Sales” is shown; the workbook has 3 sheets: also “Empty”, “Costs”."


@pytest.mark.parametrize("offset", [0, 950, 1500, 2999, 3000, 4000])
def test_pages_of_a_long_sheet(offset: int) -> None:
    data = workbook({"S": [["n", "s"], *([n, f"s{n}"] for n in range(3000))]})
    preview = look(data, "x.xlsx", offset=offset, rows=100)
    assert preview.json_rows() == [[n, f"s{n}"] for n in range(offset, min(offset + 100, 3000))]
    assert preview.total_rows == 3000


def test_titles_above_the_table_are_left_out_and_said() -> None:
    rows = [["Sales 2024"], [], ["id", "name", "x"], *([n, f"n{n}", n / 2] for n in range(9))]
    preview = look(workbook({"S": rows}), "x.xlsx")
    assert (preview.json_rows()[0], preview.total_rows) == ([0, "n0", 0.0], 9)
    assert any("not part of the table" in note for note in preview.notes)


def test_formulas_show_their_values_and_merged_cells_their_first() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["a", "b"], [1, "x"], [2, None]):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    out = io.BytesIO()
    book.save(out)
    assert look(out.getvalue(), "x.xlsx").json_rows() == [[1, "x"], [2, None]]


def test_an_open_document_sheet_says_what_it_is() -> None:
    content = (
        '<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        '<table:table table:name="T">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    cell = '<table:table-cell office:value-type="float" office:value="{}"><text:p>{}</text:p></table:table-cell>'
    rows = [
        text.format("a") + text.format("b"),
        cell.format(1, 1) + text.format("x"),
        cell.format(2, 2) + text.format("y"),
    ]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml", content.format(rows="".join(f"<table:table-row>{row}</table:table-row>" for row in rows))
        )
    preview = look(out.getvalue(), "x.ods")
    assert (preview.format, preview.json_rows()) == ("ods", [[1, "x"], [2, "y"]])
    assert preview.read_as[0] == "OpenDocument"


def test_what_pandas_reads_with_openpyxl_is_what_is_shown() -> None:
    data = workbook({"S": [["i", "f", "s"], *([n, n / 3, f"s{n}"] for n in range(200))]})
    frame = pd.read_excel(io.BytesIO(data), engine="openpyxl")
    assert look(data, "x.xlsx", rows=200).json_rows() == frame.to_numpy(dtype=object).tolist()


def test_a_workbook_under_another_name_is_read_as_what_it_is() -> None:
    preview = look(workbook({"S": [["a"], [1], [2]]}), "x.csv")
    assert (preview.json_rows(), preview.format) == ([[1], [2]], "xlsx")
    assert preview.notes[0] == "The name says CSV, but the content is Excel; it is read as that."


def test_a_workbook_without_values_is_no_table() -> None:
    with pytest.raises(NoTable, match="no cell with a value"):
        look(workbook({"S": []}), "x.xlsx")


def test_damaged_protected_and_mistaken_workbooks() -> None:
    data = workbook({"S": [["a"], [1]]})
    with pytest.raises(CorruptFile, match="directory is damaged"):
        look(data[:-30], "x.xlsx")
    with pytest.raises(CorruptFile, match="workbook is damaged"):
        look(_with_part(data, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row"), "x.xlsx")
    with pytest.raises(CorruptFile, match=r"named \.xlsx, but"):
        look(bytes(range(256)) * 20, "x.xlsx")
    with pytest.raises(EncryptedFile, match="password"):
        look(_compound("EncryptedPackage"), "x.xlsx")
    with pytest.raises(NoTable, match="old Office document"):
        look(_compound("WordDocument"), "x.doc")


def test_a_csv_named_xlsx_is_read_as_what_it_is() -> None:
    preview = look("a,b\n1,2\n3,4\n", "x.xlsx")
    assert (preview.format, preview.json_rows()) == ("csv", [[1, 2], [3, 4]])


def test_a_workbook_that_unpacks_to_too_much_is_refused() -> None:
    data = _with_part(workbook({"S": [["a"], [1]]}), "xl/media/zeros.bin", b"\0" * 10_000_000)
    with pytest.raises(TooBig, match="unpacks to 10 MB"):
        look(data, "x.xlsx", limits=Limits(spool=1_000_000))


def _with_part(data: bytes, name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return out.getvalue()


def _compound(stream: str) -> bytes:
    """An OLE compound file's header and a directory with one stream ([MS-CFB] 2.2, 2.6)."""
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    header[24:34] = bytes.fromhex("3e000300feff09000600")
    directory = stream.encode("utf-16-le").ljust(512, b"\0")
    return bytes(header) + directory
