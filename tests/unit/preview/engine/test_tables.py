"""Any readable file as a view: its rows are the file's, whole, in its order, with the preview's names and types."""

from __future__ import annotations

import bz2
import decimal
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from preview.arrow_cells import Arrow
from preview.engine import convert
from preview.engine import wide as wide_module
from preview.engine.connect import quoted
from preview.engine.tables import sql_names
from preview.errors import CorruptFile, EncryptedFile, NoTable, SourceGone
from preview.limits import Limits
from preview.read_as import ReadAs
from tests.unit.preview.engine.at_hand import data_at, data_of, opened
from tests.unit.preview.reading import look_at, types_of


def rows_of(engine: Any) -> list[tuple[Any, ...]]:
    return list(engine.con.execute("FROM data").fetchall())


def assert_as_previewed(folder: Path, path: Path, name: str) -> None:
    """The view has the preview's names, types and values."""
    shown = look_at(path, name=name, rows=1000)
    with opened(folder, data_at(path, name=name)) as (engine, table):
        assert {column.name: column.type for column in table.columns} == types_of(shown)
        assert table.rows == shown.total_rows
        found = engine.con.sql("FROM data").to_arrow_table()
        columns = [Arrow(cell=100_000).cells("", column).values for column in found.columns]
    wide = [place for place, column in enumerate(table.columns) if column.kind == "HUGEINT"]
    for place in wide:
        columns[place] = [None if value is None else str(value) for value in columns[place]]
    expected = [[str(v) if p in wide and v is not None else v for p, v in enumerate(row)] for row in shown.json_rows()]
    assert [list(row) for row in zip(*columns, strict=True)] == expected


TEXTS = {
    "plain.csv": "a,b,c\n1,x,2024-01-01\n2,,\n3,z,2024-02-29\n",
    "zeros.csv": "zip,id\n00501,12345678901234567890123\n10001,2\n",
    "big.csv": "n,u,mix\n1,18446744073709551615,-5\n2,0,18446744073709551615\n",
    "types.csv": "n,f,b,m,c\n1,1.50,true,2024-01-01 10:00:00,10:00:00\n2,-2e3,false,2024-01-02 00:00:00,23:59:00\n",
    "quoted.csv": 'a,b\n1,"x\ny"\n2,"say ""hi"""\n\n3,"a,b"\n',
    "semicolon.csv": "a;b\n1,5;x\n2,5;y\n",
    "tabs.tsv": "a\tb\n1\té\n",
    "ragged.csv": "a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n",
    "single.csv": "one\n1\n\n2\n",
    "empty.csv": "a,b\n",
    "no_header.csv": "1,2.5\n3,4.5\n5,6.5\n",
    "duplicates.csv": "a,a,,A\n1,2,3,4\n",
    "preamble.csv": "A title\nAnother line\na,b,c\n1,2,3\n4,5,6\n7,8,9\n",
    "escaped.csv": 'a,b\n1,"say \\"hi\\""\n2,"x"\n',
    "spaces.csv": 'a, b\n1, "x, y"\n2, "z"\n',
    "lone_cr.csv": "a,b\r1,2\r3,4\r",
    "stray.csv": 'a,b\n1,5" pipe\n2,x"y\n3,z\n',
    "null_words.csv": "a,b\nNA,null\n1,None\n",
    "lines.jsonl": '{"a":1,"b":"x"}\n{"a":12345678901234567890,"c":[1,2]}\n{"b":"2024-01-01"}\n',
    "array.json": '[{"a":1.5,"b":"2024-01-01","n":{"k":1}},{"a":null,"b":"2024-01-02"}]',
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_text_is_as_previewed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stored"
    path.write_text(TEXTS[name], encoding="utf-8", newline="")
    assert_as_previewed(tmp_path, path, name)


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.endswith("sv")))
def test_a_text_of_very_many_columns_is_as_previewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(convert, "WIDE", 1)
    test_a_text_is_as_previewed(tmp_path, name)


@pytest.mark.long
@pytest.mark.parametrize(
    "last", ["007,9223372036854775808,x,yes,2024-02-30,5", '1,2,"3,5",false,2024-01-02,', "1,2,3.5,true,caf\xe9,1,7"]
)
def test_what_changes_late_in_very_many_columns_keeps_every_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    rows = [f"{n},{n},{n}.5,true,2024-01-01," for n in range(60_000)]
    text = "\n".join(["a,b,c,d,e,f", *rows, last, ""])
    found = []
    for wide in (500, 1):
        monkeypatch.setattr(convert, "WIDE", wide)
        monkeypatch.setattr(wide_module, "BLOCK", 500_000)
        folder = tmp_path / str(wide)
        with opened(folder, data_of(folder / "files", text, "late.csv")) as (engine, table):
            found.append((table.columns, table.rows, rows_of(engine)))
    assert found[0] == found[1]


@pytest.mark.parametrize("codec", ["utf-16", "cp1251", "utf-8-sig", "shift_jis"])
def test_a_text_of_another_encoding_is_as_previewed(tmp_path: Path, codec: str) -> None:
    word = "日本語の文字列" if codec == "shift_jis" else "Привет, мир"
    path = tmp_path / "stored"
    path.write_bytes("".join(["n;word\n", *(f'{n};"{word} {n}"\n' for n in range(50))]).encode(codec))
    assert_as_previewed(tmp_path, path, "words.csv")


@pytest.mark.parametrize("wrapping", ["gz", "bz2", "xz", "zip"])
def test_a_packed_text_is_as_previewed(tmp_path: Path, wrapping: str) -> None:
    text = b"a,b\n1,x\n2,y\n"
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("inner.csv", text)
    packed: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zip": lambda _: zipped.getvalue(),
    }
    path = tmp_path / "stored"
    path.write_bytes(packed[wrapping](text))
    assert_as_previewed(tmp_path, path, f"x.csv.{wrapping}" if wrapping != "zip" else "x.zip")


TABLE = pa.table(
    {
        "whole": pa.array([1, None, -(2**63)], pa.int64()),
        "unsigned": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "real": pa.array([1.5, float("nan"), float("-inf")], pa.float64()),
        "half": pa.array([1.5, None, 2.0], pa.float16()),
        "exact": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("-12345678901234567890.12")]),
        "flag": pa.array([True, False, None]),
        "day": pa.array([date(2024, 2, 29), None, date(1900, 1, 1)]),
        "at": pa.array([datetime(2024, 1, 1, 12, 30), None, datetime(1, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001
        "zoned": pa.array([datetime(2024, 1, 1, tzinfo=UTC), None, None], pa.timestamp("ms", "UTC")),
        "nanos": pa.array([1_700_000_000_123_456_789, None, 0], pa.timestamp("ns")),
        "clock": pa.array([time(1, 2, 3), None, time(23, 59)], pa.time64("us")),
        "text": pa.array(["ä", "", None]),
        "bytes": pa.array([b"\0\xff", None, b""]),
        "words": pa.array([["a", None], [], None], pa.list_(pa.string())),
        "deep": pa.array([[[1], []], None, []], pa.list_(pa.list_(pa.int32()))),
        "record": pa.array([{"k": 1, "v": "x"}, None, {"k": None, "v": ""}]),
        "label": pa.array(["x", None, "x"]).dictionary_encode(),
        'quoted "name"': pa.array([1, 2, 3]),
        "line\nbreak": pa.array([1, 2, 3]),
        "nothing": pa.nulls(3),
    }
)


def test_parquet_of_all_types_is_as_previewed(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    pq.write_table(TABLE, path, row_group_size=2)
    assert_as_previewed(tmp_path, path, "x.parquet")


def test_durations_are_spans_of_time(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    spans = [timedelta(days=1, seconds=2), None, timedelta(microseconds=-5)]
    pq.write_table(pa.table({unit: pa.array(spans, pa.duration(unit)) for unit in ("us", "ns")}), path)
    with opened(tmp_path, data_at(path, name="x.parquet")) as (engine, table):
        assert [(column.type, column.kind) for column in table.columns] == [("duration", "INTERVAL")] * 2
        assert rows_of(engine) == [(span, span) for span in spans]


@pytest.mark.parametrize("kind", ["file", "packed"])
def test_arrow_is_as_previewed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "stored"
    kept = TABLE.drop_columns(["exact", "half", "nanos"])
    pyarrow.feather.write_feather(kept, path, compression="lz4")
    if kind == "packed":
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert_as_previewed(tmp_path, path, "x.arrow" if kind == "file" else "x.arrow.gz")


def test_a_workbook_is_as_previewed(tmp_path: Path) -> None:
    path = tmp_path / "stored.xlsx"
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "x": [1.5, None],
            "t": ["a", "007"],
            "d": pd.to_datetime(["2024-01-01 10:00", "2024-01-02 00:00"]),
        }
    )
    frame.to_excel(path, index=False)
    assert_as_previewed(tmp_path, path, "x.xlsx")


def test_json_of_several_kinds_becomes_text(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", '[{"a":1,"b":[1,"x"]},{"a":"x","b":[{}]}]', "x.json")
    with opened(tmp_path, data) as (engine, table):
        assert [column.type for column in table.columns] == ["string", "list"]
        assert rows_of(engine) == [("1", '[1, "x"]'), ("x", "[{}]")]


def test_a_late_change_of_type_keeps_every_value(tmp_path: Path) -> None:
    rows = [f"{n},{n},{n}.5,true,2024-01-01," for n in range(60_000)]
    text = "\n".join(["a,b,c,d,e,f", *rows, "007,9223372036854775808,x,yes,2024-02-30,5", ""])
    with opened(tmp_path, data_of(tmp_path / "files", text, "late.csv")) as (engine, table):
        assert [column.type for column in table.columns] == ["string", "integer"] + ["string"] * 3 + ["integer"]
        last = engine.con.execute("FROM data OFFSET 60000").fetchall()
    assert last == [("007", 9223372036854775808, "x", "yes", "2024-02-30", 5)]


def test_a_late_ragged_row_keeps_every_cell(tmp_path: Path) -> None:
    text = "a,b\n" + "1,x\n" * 100_000 + "2,y,extra\n3\n"
    with opened(tmp_path, data_of(tmp_path / "files", text, "late.csv")) as (engine, table):
        assert [column.name for column in table.columns] == ["a", "b", "column_3"]
        last = engine.con.execute("FROM data OFFSET 100000").fetchall()
    assert (table.rows, last) == (100_002, [(2, "y", "extra"), (3, None, None)])


def test_a_late_byte_that_is_no_utf8_is_decoded(tmp_path: Path) -> None:
    text = b"a,b\n" + b"1,x\n" * 100_000 + "2,café\n".encode("cp1252")
    with opened(tmp_path, data_of(tmp_path / "files", text, "late.csv")) as (engine, table):
        assert table.rows == 100_001
        assert engine.con.execute("FROM data OFFSET 100000").fetchall()[0][1].startswith("caf")


def test_rows_keep_their_order(tmp_path: Path) -> None:
    text = "n,word\n" + "".join(f"{n},w{n}\n" for n in range(300_000))
    with opened(tmp_path, data_of(tmp_path / "files", text, "ordered.csv")) as (engine, table):
        numbers = engine.con.sql("SELECT n FROM data").to_arrow_table().column("n").to_pylist()
    assert numbers == list(range(300_000))
    assert table.is_copy


def test_what_a_user_says_of_the_file_is_followed(tmp_path: Path) -> None:
    said = ReadAs(delimiter=";", header=False, types=(("column_1", "string"), ("column_2", "boolean")))
    data = data_of(tmp_path / "files", "1;yes;a\n2;no;b\n3;maybe;c\n", "x.csv", read_as=said)
    with opened(tmp_path, data) as (engine, table):
        assert rows_of(engine) == [("1", True, "a"), ("2", False, "b"), ("3", None, "c")]
    assert "Of column 2, 1 cell is no boolean and taken as empty." in table.notes


def test_two_ways_of_reading_are_two_copies(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_text("a;b\n1;2\n")
    widths = []
    for said in (ReadAs(), ReadAs(delimiter="")):
        with opened(tmp_path, data_at(path, name="x.csv", read_as=said)) as (_, table):
            widths.append(len(table.columns))
    assert widths == [2, 1]


@pytest.mark.parametrize("name", ["lines.jsonl", "array.json", "wide.csv", "quoted.csv"])
def test_no_row_is_left_out_of_a_text_longer_than_a_preview_reads(tmp_path: Path, name: str) -> None:
    wide = ",".join(f"c{n}" for n in range(600)) + "\n" + ("1" + ",2" * 599 + "\n") * 2_000
    texts = {
        "lines.jsonl": '{"a":1,"b":"x"}\n' * 100_000,
        "array.json": "[" + ",".join(['{"a":1,"b":"x"}'] * 100_000) + "]",
        "wide.csv": wide,
        "quoted.csv": "a,b\n" + '1,"x""y"\n2,z" z\n' * 100_000,
    }
    rows = {"wide.csv": 2_000, "quoted.csv": 200_000}.get(name, 100_000)
    limits = Limits(text=300_000, skip=300_000)
    with opened(tmp_path, data_of(tmp_path / "files", texts[name], name), limits=limits) as (engine, table):
        assert (table.rows, table.notes) == (rows, ())
        assert engine.con.execute("SELECT count(*) FROM data").fetchall() == [(rows,)]


def test_names_that_differ_in_case_only_are_told_apart(tmp_path: Path) -> None:
    with opened(tmp_path, data_of(tmp_path / "files", "a,A,a_2\n1,2,3\n", "x.csv")) as (engine, table):
        assert [column.name for column in table.columns] == ["a", "A", "a_2"]
        assert len({column.sql.lower() for column in table.columns}) == 3
        for place, column in enumerate(table.columns, 1):
            assert engine.con.execute(f"SELECT {quoted(column.sql)} FROM data").fetchall() == [(place,)]


def test_sql_names_are_all_different() -> None:
    assert sql_names(["x", "X", "x_2", "X_2", "\0"]) == ["x", "X_3", "x_2", "X_2_2", "\ufffd"]


def test_five_thousand_columns(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(5_000)]
    text = ",".join(names) + "\n" + (",".join(["1"] * 5_000) + "\n") * 3
    with opened(tmp_path, data_of(tmp_path / "files", text, "wide.csv")) as (engine, table):
        assert [column.name for column in table.columns] == names
        assert engine.con.execute("SELECT c0, c4999 FROM data").fetchall() == [(1, 1)] * 3


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"", "x.csv", NoTable),
        (b"PAR1 nonsense that is no footer PAR1", "x.parquet", CorruptFile),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "x.csv", CorruptFile),
        (b"PARE" + bytes(100) + b"PARE", "x.parquet", EncryptedFile),
        (gzip.compress(b"a,b\n1,2\n")[:-12], "x.csv.gz", None),
    ],
    ids=["empty", "no-footer", "picture", "encrypted", "cut"],
)
def test_what_cannot_be_opened_says_why(
    tmp_path: Path, content: bytes, name: str, error: type[Exception] | None
) -> None:
    data = data_of(tmp_path / "files", content, name)
    if error is None:
        with opened(tmp_path, data) as (_, table):
            assert any("ends in the middle" in note for note in table.notes)
        return
    with pytest.raises(error), opened(tmp_path, data):
        pass
    assert not list((tmp_path / "copies").glob("*.parquet"))


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a,b\n1,2\n", "x.csv")
    Path(data.cache_key).unlink()
    with pytest.raises(SourceGone), opened(tmp_path, data):
        pass


def test_more_columns_than_are_shown_are_left_out(tmp_path: Path) -> None:
    data = data_of(tmp_path / "files", "a,b,c\n1,2,3\n", "x.csv")
    with opened(tmp_path, data, limits=Limits(columns=2)) as (_, table):
        assert ([column.name for column in table.columns], table.column_count) == (["a", "b"], 3)
