"""What a file's two ends tell is what the preview shows of the whole, and what they cannot tell is not guessed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable
from typing import Final

import openpyxl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from preview.inspecting import inspect
from preview.inspection import Inspection
from preview.limits import Limits
from preview.previewer import inspection_of
from preview.read_as import AS_DETECTED, ReadAs
from preview.source import Source
from tests.unit.preview.reading import look

END: Final = 1 << 18
ROWS: Final = 100_000


def ends(content: bytes, name: str, *, read_as: ReadAs = AS_DETECTED, end: int = END) -> Inspection:
    source = Source("", len(content), name)
    return inspection_of(*inspect(source, content[:end], content[-end:], limits=Limits(), read_as=read_as))


def csv_of(rows: int) -> bytes:
    return ("id,code,x\n" + "".join(f"{place},{place % 977:05d},{place / 7}\n" for place in range(rows))).encode()


def table_of(rows: int) -> pa.Table:
    chance = random.Random(1)
    return pa.table(
        {
            "id": range(rows),
            "code": [f"{place % 977:05d}" for place in range(rows)],
            "x": [chance.random() for _ in range(rows)],
        }
    )


PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gz": gzip.compress,
    # Blocks of 100 kB: the usual ones of 900 kB may not fit into the first bytes.
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "zst": zstandard.compress,
}


@pytest.mark.parametrize("rows", [3, 20_000, ROWS])
def test_a_text_is_told_from_its_beginning(rows: int) -> None:
    content = csv_of(rows)
    found = ends(content, "t.csv")
    preview = look(content, "t.csv", rows=5)
    assert found.columns == preview.columns
    assert list(map(list, found.first_rows)) == preview.json_rows()
    assert (found.format, found.read_as, found.detected) == (preview.format, preview.read_as, preview.detected)
    assert found.reason is None
    assert found.rows_exact is (len(content) <= 2 * END)
    assert found.rows is not None
    assert found.rows == rows if found.rows_exact else abs(found.rows / rows - 1) < 0.1


@pytest.mark.parametrize("packer", PACKERS)
def test_a_compressed_text_is_told_from_its_beginning(packer: str) -> None:
    chance = random.Random(5)
    rows = [f"{place},{place:06d},{chance.getrandbits(96):x}\n" for place in range(80_000)]
    content = PACKERS[packer](("id,code,hash\n" + "".join(rows)).encode())
    found = ends(content, f"t.csv.{packer}")
    assert [(column.name, column.type) for column in found.columns][:2] == [("id", "integer"), ("code", "string")]
    assert found.first_rows[1][:2] == (1, "000001")
    assert not found.rows_exact
    assert abs((found.rows or 0) / 80_000 - 1) < 0.25
    assert not any("ends in the middle" in note for note in found.notes)


def test_a_block_larger_than_the_beginning_tells_nothing_yet() -> None:
    found = ends(bz2.compress(random.Random(6).randbytes(2 * END).hex().encode()), "t.csv.bz2")
    assert (found.certain, found.columns, found.rows) == (False, (), None)


def test_an_estimate_knows_its_encoding() -> None:
    content = csv_of(ROWS).decode().encode("utf-16")
    assert abs((ends(content, "t.csv").rows or 0) / ROWS - 1) < 0.1


@pytest.mark.parametrize("form", ["array", "lines"])
def test_json_is_told_from_its_beginning(form: str) -> None:
    records = [{"n": place, "s": "ж" * 20, "l": [place]} for place in range(30_000)]
    document = json.dumps(records) if form == "array" else "\n".join(map(json.dumps, records))
    found = ends(document.encode(), "t.json" if form == "array" else "t.jsonl")
    assert [(column.name, column.type) for column in found.columns] == [
        ("n", "integer"),
        ("s", "string"),
        ("l", "list"),
    ]
    assert found.first_rows[0] == (0, "ж" * 20, [0])
    assert abs((found.rows or 0) / 30_000 - 1) < 0.1


def parquet_of(table: pa.Table, **options: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="none", **options)
    return sink.getvalue()


def test_a_parquet_footer_tells_all_but_the_rows_out_of_reach() -> None:
    table = table_of(ROWS)
    near, far = ends(parquet_of(table, row_group_size=1000), "t.parquet"), ends(parquet_of(table), "t.parquet")
    for found in (near, far):
        assert (found.rows, found.rows_exact, found.column_count) == (ROWS, True, 3)
        assert [column.type for column in found.columns] == ["integer", "string", "float"]
    assert [list(row[:2]) for row in near.first_rows] == [[place, f"{place:05d}"] for place in range(5)]
    assert far.first_rows == ()


def test_a_footer_larger_than_the_end_is_said() -> None:
    wide = pa.table({f"column {place}": [1.5] * 20 for place in range(5_000)})
    found = ends(parquet_of(wide), "t.parquet")
    assert (found.certain, found.columns) == (False, ())
    assert "What describes this Parquet file is " in str(found.reason)


def feather_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(table, sink, compression="uncompressed", chunksize=1000)
    return sink.getvalue()


def test_arrow_tells_its_columns_from_the_beginning() -> None:
    found = ends(feather_of(table_of(ROWS)), "t.feather")
    assert [column.name for column in found.columns] == ["id", "code", "x"]
    assert found.first_rows[4][:2] == (4, "00004")
    assert (found.rows, found.read_as) == (None, ("Arrow", "IPC file"))


def workbook_of(rows: int) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet('A & "B"')
    book.create_sheet("Two")
    chance = random.Random(2)
    for place in range(rows):
        sheet.append([f"a{place}", chance.random()])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def test_a_small_workbook_is_read_and_a_large_one_names_its_sheets() -> None:
    small, large = ends(workbook_of(5), "t.xlsx"), ends(workbook_of(25_000), "t.xlsx")
    assert (small.rows, small.rows_exact, small.detected.sheet) == (5, True, 'A & "B"')
    assert (large.certain, large.columns, large.detected.sheets) == (False, (), ('A & "B"', "Two"))
    assert large.reason == 'A workbook with the sheets “A & "B"”, “Two”; the table is shown once the file is here.'


def test_a_zip_shows_a_member_at_its_beginning() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", csv_of(ROWS))
        archive.writestr("b.csv", csv_of(ROWS))
    found = ends(sink.getvalue(), "t.zip")
    assert [column.name for column in found.columns] == ["id", "code", "x"]
    assert (found.detected.member, found.detected.members) == ("a.csv", ("a.csv", "b.csv"))
    later = ends(sink.getvalue(), "t.zip", read_as=ReadAs(member="b.csv"))
    assert (later.certain, later.columns) == (False, ())


def test_what_is_said_of_the_file_holds_for_its_ends() -> None:
    content = b"1;2\n" * 200_000
    found = ends(content, "t.csv", read_as=ReadAs(delimiter=",", header=False))
    assert [(column.name, column.type) for column in found.columns] == [("column_1", "string")]
    assert found.detected.chosen == ("delimiter", "header")


NOISE: Final = random.Random(3).randbytes(3 * END)


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "t.csv", "The file is empty (0 bytes)"),
        (NOISE, "t.bin", "a binary file of no table format"),
        (b"\x89PNG\r\n\x1a\n" + NOISE, "t.csv", "it is a PNG picture"),
        (b"PAR1" + NOISE + b"\x10\0\0\0PAR1", "t.parquet", "This Parquet file is damaged"),
        (b"<html>" + b"x" * 3 * END, "t.html", "This is a web page"),
    ],
    ids=["empty", "noise", "picture", "parquet", "page"],
)
def test_what_is_surely_no_table_is_said_so(content: bytes, name: str, reason: str) -> None:
    found = ends(content, name)
    assert found.certain
    assert reason in str(found.reason)
    assert (found.columns, found.rows) == ((), None)


@pytest.mark.parametrize("end", [1, 10, 1000, 70_000])
@pytest.mark.parametrize("name", ["t.csv", "t.json", "t.parquet", "t.xlsx", "t.csv.gz", "t.zip", "t.feather"])
def test_shorter_ends_end_in_a_table_or_a_sentence(name: str, end: int) -> None:
    contents: dict[str, Callable[[], bytes]] = {
        "t.csv": lambda: csv_of(10_000),
        "t.json": lambda: json.dumps([{"a": place} for place in range(30_000)]).encode(),
        "t.parquet": lambda: parquet_of(table_of(30_000)),
        "t.xlsx": lambda: workbook_of(3_000),
        "t.csv.gz": lambda: gzip.compress(csv_of(30_000)),
        "t.zip": lambda: workbook_of(3_000),
        "t.feather": lambda: feather_of(table_of(30_000)),
    }
    found = ends(contents[name](), name, end=end)
    assert bool(found.columns) is (found.reason is None)
