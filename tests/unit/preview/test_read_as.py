"""What a user says of a file is what it is read as, and what cannot be said is answered with what can."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest

from preview.encoding import CHOICES
from preview.errors import NoTable, WrongReadAs
from preview.read_as import AS_DETECTED, TYPES_TO_CHOOSE, Detected, ReadAs
from tests.unit.preview.reading import look, types_of


def test_a_delimiter_is_taken_as_said() -> None:
    content = "a;b\n1;2,5\n3;4,5\n"
    assert look(content, "t.csv").detected.delimiter == ";"
    preview = look(content, "t.csv", read_as=ReadAs(delimiter=","))
    assert preview.json_rows() == [["1;2", 5], ["3;4", 5]]
    assert preview.detected.delimiter == ","
    assert preview.detected.chosen == ("delimiter",)
    whole = look(content, "t.csv", read_as=ReadAs(delimiter=""))
    assert whole.json_rows() == [["1;2,5"], ["3;4,5"]]


def test_a_text_without_columns_has_them_once_its_delimiter_is_said() -> None:
    text = "one two\nthree\nfour five six\n"
    with pytest.raises(NoTable):
        look(text, "t.txt")
    assert look(text, "t.txt", read_as=ReadAs(delimiter="", header=False)).json_rows() == [
        ["one two"],
        ["three"],
        ["four five six"],
    ]


def test_quotes_are_taken_as_said() -> None:
    content = "a,b\n'x,1',\"2\"\n"
    assert look(content, "t.csv", read_as=ReadAs(quote="'")).json_rows() == [["x,1", '"2"']]
    assert look(content, "t.csv", read_as=ReadAs(quote="")).json_rows() == [["'x", "1'", '"2"']]


@pytest.mark.parametrize("codec", CHOICES)
def test_every_encoding_that_can_be_said_is_read(codec: str) -> None:
    words = "café" if codec in ("cp1252", "latin-1", "utf-8", "cp850", "mac-roman") else "cafe"
    preview = look(f"a,b\n{words},1\n".encode(codec), "t.csv", read_as=ReadAs(encoding=codec))
    assert preview.json_rows() == [[words, 1]]
    assert preview.detected.encoding == codec
    assert preview.read_as[1] == CHOICES[codec]


def test_an_encoding_is_not_doubted_once_said() -> None:
    content = "имя,n\nАнна,1\n".encode("cp1251")
    assert look(content, "t.csv", read_as=ReadAs(encoding="cp1252")).json_rows() == [["Àííà", 1]]
    assert look(content, "t.csv", read_as=ReadAs(encoding="utf-8")).json_rows() == [["����", 1]]


@pytest.mark.parametrize(("header", "rows"), [(True, [[3, 4]]), (False, [[1, 2], [3, 4]])])
def test_a_header_is_there_or_not_as_said(header: bool, rows: list[Any]) -> None:
    preview = look("1,2\n3,4\n", "t.csv", read_as=ReadAs(header=header))
    assert preview.json_rows() == rows
    assert preview.total_rows == len(rows)


def test_rows_before_the_table_are_skipped_as_said() -> None:
    preview = look("x,y\nz,w\na,b\n1,2\n", "t.csv", read_as=ReadAs(skip=2))
    assert types_of(preview) == {"a": "integer", "b": "integer"}
    assert preview.total_rows == 1
    with pytest.raises(WrongReadAs, match="has 4 rows, so 9 cannot be skipped"):
        look("x,y\nz,w\na,b\n1,2\n", "t.csv", read_as=ReadAs(skip=9))


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "One"
    book.active.append(["a", "b"])
    book.active.append([1, 2.5])
    other = book.create_sheet("Two")
    for row in (["Title"], ["n", "s"], [1, "x"], [2, "y"]):
        other.append(row)
    book.create_sheet("Empty")
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def test_any_sheet_can_be_chosen() -> None:
    content = workbook()
    assert look(content, "t.xlsx").detected == Detected(
        header=True, skip=0, sheet="One", sheets=("One", "Two", "Empty")
    )
    preview = look(content, "t.xlsx", read_as=ReadAs(sheet="Two", skip=1))
    assert preview.json_rows() == [[1, "x"], [2, "y"]]
    assert preview.detected.chosen == ("skip", "sheet")
    assert look(content, "t.xlsx", read_as=ReadAs(sheet="Two", skip=1, header=False)).total_rows == 3
    with pytest.raises(NoTable, match="The sheet “Empty” has no cell"):
        look(content, "t.xlsx", read_as=ReadAs(sheet="Empty"))
    with pytest.raises(WrongReadAs, match="no sheet “Three”; it has “One”, “Two”, “Empty”"):
        look(content, "t.xlsx", read_as=ReadAs(sheet="Three"))
    with pytest.raises(WrongReadAs, match="The sheet has 2 rows, so 5 cannot be skipped"):
        look(content, "t.xlsx", read_as=ReadAs(skip=5))


def test_any_member_of_a_zip_can_be_chosen() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("d/a.csv", "a,b\n1,2\n")
        archive.writestr("b.jsonl", '{"x": 1}\n')
        archive.writestr("book.xlsx", workbook())
    content = sink.getvalue()
    members = ("d/a.csv", "b.jsonl", "book.xlsx")
    first = look(content, "t.zip")
    assert (first.json_rows(), first.detected.member, first.detected.members) == ([[1, 2]], "d/a.csv", members)
    assert look(content, "t.zip", read_as=ReadAs(member="b.jsonl")).json_rows() == [[1]]
    sheet = look(content, "t.zip", read_as=ReadAs(member="book.xlsx", sheet="Two", skip=1))
    assert sheet.json_rows() == [[1, "x"], [2, "y"]]
    assert sheet.detected.members == members
    with pytest.raises(WrongReadAs, match="This zip holds no “gone"):
        look(content, "t.zip", read_as=ReadAs(member="gone.csv"))


@pytest.mark.parametrize(
    ("kind", "texts", "values"),
    [
        ("string", ["1.50", "007"], ["1.50", "007"]),
        ("integer", ["007", " +5 ", "1.5", "x"], [7, 5, None, None]),
        ("float", ["007", "1e3", ".5", "NaN", "1,5"], [7.0, 1000.0, 0.5, "NaN", None]),
        ("boolean", ["yes", "F", "1", "2"], [True, False, True, None]),
        (
            "date",
            ["2024-02-29", "20240229", "29.2.2024", "2024-02-29 10:00", "2024-02-30", "01/02/2024"],
            [*["2024-02-29"] * 4, None, None],
        ),
        (
            "timestamp",
            ["2024-02-29", "2024-02-29T10:00Z", "29.02.2024 10:00:01", "24:00"],
            ["2024-02-29T00:00:00", "2024-02-29T10:00Z", "2024-02-29T10:00:01", None],
        ),
    ],
    ids=TYPES_TO_CHOOSE,
)
def test_a_column_has_the_type_that_is_said(kind: str, texts: list[str], values: list[Any]) -> None:
    said = ReadAs(types=(("v", kind),))
    table = "n,v\n" + "".join(f'{place},"{text}"\n' for place, text in enumerate(texts)) + "9,\n"
    preview = look(table, "t.csv", read_as=said)
    assert types_of(preview) == {"n": "integer", "v": kind}
    assert [row[1] for row in preview.json_rows()] == [*values, None]
    lost = values.count(None)
    notes = [note for note in preview.notes if "shown empty" in note]
    assert notes == (
        [f"{lost} of the cells shown of “v” {'is' if lost == 1 else 'are'} no {kind} and shown empty."] * bool(lost)
    )
    assert preview.detected.chosen == ("types",)


def test_types_can_be_said_of_any_format() -> None:
    said = ReadAs(types=(("v", "integer"),))
    assert look('[{"v": "007"}, {"v": 8}, {"v": [1]}]', "t.json", read_as=said).json_rows() == [[7], [8], [None]]
    text = ReadAs(types=(("v", "string"),))
    assert look('[{"v": [1, true]}, {"v": 8}]', "t.json", read_as=text).json_rows() == [["[1, true]"], ["8"]]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (ReadAs(encoding="klingon"), "“klingon” is no encoding that is read; these are: utf-8, "),
        (ReadAs(delimiter="||"), "A delimiter is one ASCII character, not “||”"),
        (ReadAs(quote="\n"), "A quote is one ASCII character"),
        (ReadAs(delimiter='"', quote='"'), "cannot be the same character"),
        (ReadAs(skip=-1), "From 0 to 1,000 rows can be skipped"),
        (ReadAs(types=(("a", "money"),)), "“money” is no type to choose; these are: string, integer, "),
    ],
    ids=["encoding", "delimiter", "quote", "both", "skip", "type"],
)
def test_what_cannot_be_said_is_answered_with_what_can(said: ReadAs, sentence: str) -> None:
    with pytest.raises(WrongReadAs) as caught:
        look("a,b\n1,2\n", "t.csv", read_as=said)
    assert sentence in str(caught.value)


def test_what_was_said_survives_being_kept() -> None:
    said = ReadAs(delimiter="", header=False, skip=0, types=(("b", "date"), ("a", "float")))
    assert (
        ReadAs.from_plain(said.to_plain()).key == ReadAs.from_plain(ReadAs.from_plain(said.to_plain()).to_plain()).key
    )
    assert ReadAs.from_plain(said.to_plain()).types == (("a", "float"), ("b", "date"))
    assert ReadAs.from_plain({}) == AS_DETECTED
    assert AS_DETECTED.key == ""
    found = Detected(delimiter=",", members=("a", "b"), header=False)
    assert Detected.from_plain(found.to_plain()) == found
