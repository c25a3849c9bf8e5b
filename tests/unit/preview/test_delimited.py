"""CSV and its kin: every value as the file has it, whatever the delimiter, quoting or raggedness."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pyarrow.csv
import pytest

from preview.errors import NoTable, TooBig
from preview.limits import Limits
from tests.unit.preview.reading import look, types_of


def test_values_and_types_are_those_of_the_file() -> None:
    preview = look(
        "id,plz,n,x,ok,day,at,t,text\n"
        "1,01067,5,1.5,true,2024-02-29,2024-02-29 10:00:00,10:00:00,a\n"
        "2,99999,,NaN,FALSE,2023-01-01,2024-02-29T10:00:01.5,23:59:59,NA\n",
        "x.csv",
    )
    assert types_of(preview) == {
        "id": "integer",
        "plz": "string",
        "n": "integer",
        "x": "float",
        "ok": "boolean",
        "day": "date",
        "at": "timestamp",
        "t": "time",
        "text": "string",
    }
    assert preview.json_rows() == [
        [1, "01067", 5, 1.5, True, "2024-02-29", "2024-02-29T10:00:00", "10:00:00", "a"],
        [2, "99999", None, "NaN", False, "2023-01-01", "2024-02-29T10:00:01.5", "23:59:59", "NA"],
    ]
    assert (preview.total_rows, preview.partial, preview.column_count) == (2, False, 9)
    assert preview.read_as == ("CSV", "UTF-8", "comma", "header row")


@pytest.mark.parametrize(
    ("delimiter", "word"),
    [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe"), ("^", "caret"), ("\x01", "Ctrl-A")],
)
def test_any_delimiter_is_found(delimiter: str, word: str) -> None:
    text = "\n".join(delimiter.join(row) for row in (["a", "b", "c"], ["1", "x y", "2.5"], ["2", "z", "3.5"]))
    preview = look(text, "x.csv")
    assert preview.json_rows() == [[1, "x y", 2.5], [2, "z", 3.5]]
    assert preview.read_as[2] == word


def test_decimal_commas_between_semicolons_stay_text() -> None:
    preview = look("a;b\n1,5;2,5\n3,5;4,5\n", "x.csv")
    assert preview.json_rows() == [["1,5", "2,5"], ["3,5", "4,5"]]


def test_a_tsv_says_so() -> None:
    preview = look("a\tb\n1\t2\n", "x.tsv")
    assert (preview.format, preview.read_as[0]) == ("tsv", "TSV")


@pytest.mark.parametrize("name", ["x.txt", "x", "x.dat"])
def test_a_divided_text_of_any_name_is_a_table(name: str) -> None:
    preview = look("a;b\n1;2\n3;4\n", name)
    assert (preview.format, preview.json_rows()) == ("csv", [[1, 2], [3, 4]])


def test_prose_is_no_table() -> None:
    with pytest.raises(NoTable, match="text without columns"):
        look("Dear reader,\nthis is a letter. It goes on, and on.\n\nYours\n", "letter.txt")


def test_quotes_newlines_and_doubled_quotes_stay_inside_their_cell() -> None:
    rows = [["id", "text"], ["1", 'He said "hi",\nthen left'], ["2", 'x""y'], ["3", ""], ["4", "two\r\nlines"]]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    preview = look(out.getvalue().encode(), "x.csv")
    assert [row[1] for row in preview.json_rows()] == [row[1] or None for row in rows[1:]]
    assert preview.total_rows == 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_of_every_kind(end: str, last: bool) -> None:
    preview = look(("a,b" + end + "1,2" + end + "3,4" + (end if last else "")).encode(), "x.csv")
    assert (preview.json_rows(), preview.total_rows) == ([[1, 2], [3, 4]], 2)


def test_backslash_escaped_quotes() -> None:
    preview = look('id,text\n1,"say \\"hi\\", x"\n2,"b"\n', "x.csv")
    assert preview.json_rows() == [[1, 'say "hi", x'], [2, "b"]]


def test_single_quotes_and_spaces_after_delimiters() -> None:
    assert look("a,b\n1,'x, y'\n2,'z, w'\n", "x.csv").json_rows() == [[1, "x, y"], [2, "z, w"]]
    assert look('a, b\n1, "x, y"\n2, "z"\n', "x.csv").json_rows() == [[1, "x, y"], [2, "z"]]


def test_a_quote_that_never_closes_swallows_nothing() -> None:
    body = "".join(f"{n},plain\n" for n in range(50))
    preview = look(f'id,text\n{body}50,"open\n{body}', "x.csv")
    assert preview.total_rows == 101
    assert any("never closed" in note for note in preview.notes)
    assert look(f'id,text\n{body}50,"open\n{body}', "x.csv", offset=50, rows=1).json_rows() == [[50, '"open']]


def test_ragged_rows_are_shown_and_counted() -> None:
    preview = look("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n", "x.csv")
    assert preview.json_rows() == [[1, 2, 3, None], [4, 5, None, None], [6, 7, 8, 9], [10, 11, 12, None]]
    assert [column.name for column in preview.columns] == ["a", "b", "c", "column_4"]
    assert "2 of the first 4 rows have more or fewer cells than the header." in preview.notes


def test_empty_and_repeated_names_are_kept_apart() -> None:
    preview = look("a,,a,a_2,\n1,2,3,4,5\n", "x.csv")
    assert [column.name for column in preview.columns] == ["a", "column_2", "a_3", "a_2", "column_5"]
    assert preview.json_rows() == [[1, 2, 3, 4, 5]]
    assert len(preview.frame.columns) == 5
    assert len(preview.notes) == 2


def test_row_labels_without_a_name_and_trailing_delimiters() -> None:
    labels = look("x,y\nr1,1,2\nr2,3,4\n", "x.csv")
    assert ([column.name for column in labels.columns], labels.json_rows()[0]) == (["column_1", "x", "y"], ["r1", 1, 2])
    trailing = look("x,y\n1,2,\n3,4,\n", "x.csv")
    assert (trailing.json_rows(), trailing.notes) == ([[1, 2], [3, 4]], ())


def test_a_file_without_a_header_row() -> None:
    preview = look("1,x,2.5\n2,y,3.5\n3,z,4.5\n", "x.csv")
    assert [column.name for column in preview.columns] == ["column_1", "column_2", "column_3"]
    assert (preview.total_rows, preview.read_as[3], preview.notes) == (3, "no header row", ())


def test_titles_before_the_table_are_left_out_and_said() -> None:
    preview = look("Sales report\nmade today\n\nid,name,x\n1,a,2\n2,b,3\n3,c,4\n4,d,5\n", "x.csv")
    assert (preview.json_rows()[0], preview.total_rows) == ([1, "a", 2], 4)
    assert "The first 2 lines of the file are not part of the table." in preview.notes


def test_one_column_may_hold_commas() -> None:
    preview = look("text\nHello\nDear all, welcome\nBye, then\nx\ny\nz\n", "x.csv")
    assert (preview.column_count, preview.total_rows, preview.read_as[2]) == (1, 6, "one column")


def test_header_only() -> None:
    preview = look("a,b,c\n", "x.csv")
    assert ([column.type for column in preview.columns], preview.json_rows(), preview.total_rows) == (
        ["null"] * 3,
        [],
        0,
    )
    assert preview.frame.shape == (0, 3)


@pytest.mark.parametrize("content", ["\n", "\n\n\n", "  \n \t\n", "\ufeff\r\n"])
def test_blank_lines_alone_are_no_table(content: str) -> None:
    with pytest.raises(NoTable, match="blank lines"):
        look(content, "x.csv")


@pytest.mark.parametrize("offset", [0, 1, 99, 100, 950, 999])
def test_pages_at_any_offset_are_what_pandas_reads(offset: int) -> None:
    frame = pd.DataFrame({"n": range(1000), "text": [f'row {n}\nwith "quotes", and more' for n in range(1000)]})
    page = look(frame.to_csv(index=False), "x.csv", rows=100, offset=offset)
    assert page.json_rows() == frame.iloc[offset : offset + 100].to_numpy().tolist()
    assert list(page.frame.index) == list(range(offset, min(offset + 100, 1000)))


def test_an_offset_past_the_end_has_no_rows() -> None:
    preview = look("a,b\n1,2\n", "x.csv", offset=10)
    assert (preview.json_rows(), preview.total_rows, types_of(preview)) == ([], 1, {"a": "integer", "b": "integer"})


def test_a_late_change_of_type_changes_the_page_and_loses_nothing() -> None:
    text = "n\n" + "".join(f"{n}\n" for n in range(300_000)) + "x1\n"
    assert look(text, "x.csv").partial
    last = look(text, "x.csv", offset=299_999)
    assert (last.json_rows(), types_of(last)) == ([["299999"], ["x1"]], {"n": "string"})


def test_rows_too_far_in_say_so() -> None:
    text = "n\n" + "".join(f"{n:09d}\n" for n in range(200_000))
    with pytest.raises(TooBig, match="this far into a text file"):
        look(text, "x.csv", offset=190_000, limits=Limits(skip=1_000_000))


def test_many_columns_are_counted_and_shown_as_far_as_the_rows_leave_room() -> None:
    text = ",".join(f"c{n}" for n in range(5000)) + "\n" + ",".join(map(str, range(5000))) + "\n"
    preview = look(text, "x.csv")
    assert (preview.column_count, preview.json_rows()) == (5000, [list(range(5000))])
    narrow = look(text, "x.csv", rows=1000)
    assert (narrow.column_count, narrow.json_rows()) == (5000, [list(range(1000))])
    assert "The first 1,000 of 5,000 columns are shown." in narrow.notes


def test_what_pyarrow_reads_is_what_is_shown() -> None:
    text = "i,f,s,d\n" + "".join(f"{n},{n / 7!r},s{n},2024-01-{n % 28 + 1:02d}\n" for n in range(500))
    table = pyarrow.csv.read_csv(io.BytesIO(text.encode()))
    preview = look(text, "x.csv", rows=500)
    expected = [[row["i"], row["f"], row["s"], row["d"].isoformat()] for row in table.to_pylist()]
    assert preview.json_rows() == expected
