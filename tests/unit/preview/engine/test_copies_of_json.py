"""JSON becomes a columnar copy some thousands of records at a time, typed over all of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preview import json_cells
from preview.arrow_cells import Arrow
from preview.engine import json_copy, row_groups, text_rows
from preview.engine.connect import connect
from preview.engine.seen import Seen, array_of
from preview.errors import CorruptFile, NoTable, SourceUnavailable, TooBig
from preview.limits import Limits
from preview.read_as import ReadAs
from preview.table import nested_text
from tests.unit.preview.engine.at_hand import MEMORY, copies_in, data_at, data_of, opened
from tests.unit.preview.engine.test_copies import SLOW, kept, rows_in
from tests.unit.preview.reading import look_at, types_of


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few records at a time, so that short files are of many pieces."""
    monkeypatch.setattr(text_rows, "BLOCK", 1)
    monkeypatch.setattr(json_copy, "RECORDS", 2)
    monkeypatch.setattr(row_groups, "GROUP_CELLS", 20)


@pytest.fixture(scope="module")
def con() -> Iterator[Any]:
    with connect(memory=100_000_000, threads=1) as engine:
        yield engine.con


def values_in(engine: Any) -> list[list[Any]]:
    return [Arrow(cell=10**9).cells("", column).values for column in engine.con.sql("FROM data").to_arrow_table()]


DOCUMENTS = {
    "kinds.jsonl": '{"a":1}\n{"a":"x"}\n{"a":true}\n{"a":[1]}\n{"a":{"k":1}}\n{"a":1.5}\n{"a":null}\n{"a":1e999}\n',
    "nulls.jsonl": '{"a":null,"b":1,"c":null}\n{"a":5,"b":null,"c":null}\n',
    "whole.jsonl": '{"a":9007199254740993,"b":18446744073709551615,"c":-1,"d":12345678901234567890123456,"e":%s}\n'
    '{"a":1,"b":0,"c":18446744073709551615,"d":-1,"e":1}\n' % ("9" * 60),
    "real.jsonl": '{"a":1,"b":9007199254740993,"c":1e999,"d":NaN}\n{"a":1.5,"b":1.5,"c":1,"d":-Infinity}\n',
    "nested.jsonl": '{"a":[1,2],"b":{"k":1},"c":[[1],["x"]],"e":{},"f":[],"g":[9007199254740993],"h":[NaN]}\n'
    '{"a":[1.5],"b":{"k":2},"c":[],"e":{},"f":[],"g":[1],"h":[1.5]}\n',
    "alike.jsonl": '{"a":{"k":1,"K":2}}\n{"a":{"k":3,"K":4}}\n',
    "bad.jsonl": '{"a":1}\nno json\n{"a":2}\n{"a":\n',
    "cut.jsonl": '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n{"a":3,"b":"z',
    "lists.jsonl": '[1,"x"]\n[2]\n[3,"y",true]\n',
    "shapes.jsonl": '{"a":1}\n{"a":2}\n{"a":3}\n[1]\n5\n',
    "nothing.jsonl": "{}\n{}\n",
    "late.jsonl": '{}\n{}\n{}\n{"a":1}\n{"a":2,"b":"x"}\n{"a":"z"}\n',
    "moments.jsonl": '{"a":"2024-01-01","b":"2024-01-01T10:00:00","c":"2024-01-01T10:00:00Z","e":"2024-02-30","f":""}\n'
    '{"a":"2024-01-02","b":"2024-01-02T10:00:00.123456","c":null,"e":"2024-01-01","f":"2024-01-01"}\n'
    '{"a":"2024-01-03","b":"2024-01-02T10:00:00.123456","c":null,"e":"2024-01-01","f":"2024-01-01"}\n',
    "dates and more.jsonl": '{"a":"2024-01-01"}\n{"a":"2024-01-01"}\n{"a":"2024-01-01T10:00:00"}\n',
    "nanoseconds.jsonl": '{"a":"2024-01-01T10:00:00.123456789"}\n{"a":"2024-01-01T10:00:00.123456"}\n',
    "surrogates.jsonl": '{"a":"\\ud800x","\\ud800":"z","b":["\\ud800"]}\n{"a":"ok"}\n',
    "names.jsonl": '{"":1,"a":2,"A":3}\n{"":1,"a":2,"A":3}\n',
    "features.jsonl": '{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]},"properties":{"n":1}}\n' * 3,
    "separators.jsonl": '\x1e{"a":1}\n\x1e{"a":2}\n',
    "crlf.jsonl": '{"a":1}\r\n\r\n{"a":2}\r\n',
    "deep.jsonl": '{"a":' + "[" * 200 + "]" * 200 + '}\n{"a":[]}\n',
    "array.json": '[{"a":1,"b":"x"},{"a":2.5},{"b":null,"c":[1]}]',
    "array of lists.json": "[[1,2],[3,4,5],[null]]",
    "array of values.json": "[1,2,3]",
    "array of all.json": '[{"a":1},{"a":1},{"a":1},1,{"a":2}]',
    "one after the other.json": '{"a":1}\n\n{\n"a":2}{"a":"x"}',
    "within an object.json": '{"meta":1,"rows":[{"a":1},{"a":2}]}',
    "titles apart.json": '{"columns":["a","b"],"data":[[1,2],[3,4]]}',
    "titles apart, nested.json": '{"columns":["a","b","c"],"data":[[{"k":1,"K":2},[{}],[1]],[{"k":3,"K":4},[],[2]]]}',
    "one.json": '{"a":1,"b":[1,2]}',
}


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_json_is_as_previewed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "stored"
    path.write_text(DOCUMENTS[name], encoding="utf-8")
    shown = look_at(path, name=name)
    with opened(tmp_path, data_at(path, name=name)) as (engine, table):
        assert {column.name: column.type for column in table.columns} == types_of(shown)
        assert (table.rows, table.format, table.read_as) == (shown.total_rows, shown.format, shown.read_as)
        assert (table.notes, table.column_count, table.detected) == (shown.notes, shown.column_count, shown.detected)
        found = values_in(engine)
        kinds = [column.kind for column in table.columns]
    for place, kind in enumerate(kinds):
        expected = [row[place] for row in shown.json_rows()]
        if kind == "VARCHAR":
            # Where no type of DuckDB's holds them all, each value is the text it is in JSON.
            expected = [value if value is None or isinstance(value, str) else nested_text(value) for value in expected]
        if shown.columns[place].type == "integer":
            expected = [None if value is None else int(str(value)) for value in expected]
            found[place] = [None if value is None else int(str(value)) for value in found[place]]
        assert found[place] == expected, table.columns[place]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "x", "2024-01-01", "2024-01-01T10:00:00", "2024-01-01 10:00", "1999-01-01T00:00Z"]),
    st.lists(st.one_of(st.integers(-(2**60), 2**60), st.floats(), st.none()), max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), st.one_of(st.integers(0, 3), st.text(max_size=1)), max_size=2),
)


@given(
    pieces=st.lists(st.one_of(*(st.lists(one, max_size=3) for one in (VALUES, st.integers(), st.floats()))), max_size=3)
)
@settings(max_examples=100, deadline=None)
def test_pieces_have_the_type_of_the_whole(con: Any, pieces: list[list[Any]]) -> None:
    values = [value for piece in pieces for value in piece]
    seen = Seen(con)
    for piece in pieces:
        seen.add(piece)
    form = seen.form()
    arrays = [array_of(con, form, piece) for piece in pieces]
    assert form.type == json_cells.type_of([value for value in values if value is not None])
    assert all(array.type == form.kind for array in arrays)
    found = [value for array in arrays for value in array.to_pylist()]
    assert [value is None for value in found] == [value is None for value in values]
    if form.type == "integer":
        assert [None if value is None else int(value) for value in found] == values


def test_a_late_column_and_a_late_type_are_those_of_all_rows(tmp_path: Path) -> None:
    lines = [f'{{"n":{n},"at":"2024-01-01"}}\n' for n in range(60_000)]
    text = "".join([*lines, '{"n":1.5,"at":"2024-01-01T00:00:00Z","new":[1]}\n'])
    with opened(tmp_path, data_of(tmp_path / "files", text, "x.jsonl")) as (engine, table):
        assert [(column.name, column.type) for column in table.columns] == [
            ("n", "float"),
            ("at", "string"),
            ("new", "list"),
        ]
        assert table.rows == 60_001
        assert engine.con.execute("FROM data OFFSET 59999").fetchall() == [
            (59_999.0, "2024-01-01", None),
            (1.5, "2024-01-01T00:00:00Z", [1]),
        ]
        assert engine.con.execute("SELECT sum(n) FROM data").fetchall() == [(sum(range(60_000)) + 1.5,)]


def test_moments_with_an_offset_are_moments(tmp_path: Path) -> None:
    text = '{"a":"2024-01-01T10:00:00+02:00","d":"2024-01-01"}\n{"a":"2024-01-01T10:00:00Z","d":null}\n'
    with opened(tmp_path, data_of(tmp_path / "files", text, "x.jsonl")) as (engine, table):
        assert [column.kind for column in table.columns] == ["TIMESTAMP WITH TIME ZONE", "DATE"]
        assert [moment.astimezone(UTC) for (moment,) in engine.con.execute("SELECT a FROM data").fetchall()] == [
            datetime(2024, 1, 1, 8, tzinfo=UTC),
            datetime(2024, 1, 1, 10, tzinfo=UTC),
        ]
        assert engine.con.execute("SELECT d FROM data").fetchall() == [(date(2024, 1, 1),), (None,)]


@pytest.mark.usefixtures("small_pieces")
def test_types_that_a_user_says(tmp_path: Path) -> None:
    rows = [{"zip": 501, "n": "5", "x": True, "d": "31.01.2024", "t": ""}] * 3 + [
        {"zip": "00501", "n": "x", "x": "no", "d": None, "t": "y"},
        {"zip": None, "n": "1" * 30, "x": 1, "d": "soon", "t": None},
    ]
    said = (("zip", "string"), ("n", "integer"), ("x", "boolean"), ("d", "date"), ("t", "string"))
    for name, text in (("x.jsonl", "\n".join(map(json.dumps, rows))), ("x.json", json.dumps(rows))):
        data = data_of(tmp_path / "files", text, name, read_as=ReadAs(types=said))
        with opened(tmp_path, data) as (engine, table):
            assert [(column.name, column.type) for column in table.columns] == list(said)
            assert engine.con.execute("FROM data OFFSET 2").fetchall() == [
                ("501", 5, True, date(2024, 1, 31), ""),
                ("00501", None, False, None, "y"),
                (None, int(Decimal("1" * 30)), True, None, None),
            ]
            assert table.notes == (
                "Of “n”, 1 value is no integer and taken as empty.",
                "Of “d”, 1 value is no date and taken as empty.",
            )


def test_many_keys_of_an_object_are_text(tmp_path: Path) -> None:
    text = "".join(f'{{"a":{{"key{n}":{n}}}}}\n' for n in range(600))
    with opened(tmp_path, data_of(tmp_path / "files", text, "x.jsonl")) as (engine, table):
        assert [(column.type, column.kind) for column in table.columns] == [("struct", "VARCHAR")]
        assert engine.con.execute("FROM data LIMIT 1").fetchall() == [('{"key0": 0}',)]


def test_more_keys_than_columns_are_shown(tmp_path: Path) -> None:
    text = "".join(f'{{"c{n}":{n}}}\n' for n in range(5))
    with opened(tmp_path, data_of(tmp_path / "files", text, "x.jsonl"), limits=Limits(columns=2)) as (engine, table):
        assert ([column.name for column in table.columns], table.column_count) == (["c0", "c1"], 5)
        assert engine.con.execute("FROM data LIMIT 2").fetchall() == [(0, None), (None, 1)]


LONG_ARRAY = "[" + ",".join(['{"a":1,"b":"%s"}' % ("x" * 100)] * 20_000)


@pytest.mark.parametrize(
    ("text", "name", "error"),
    [
        ("[]", "x.json", NoTable),
        (LONG_ARRAY, "x.json", CorruptFile),
        (LONG_ARRAY + ', nonsense, {"a":1}]', "x.json", CorruptFile),
        ('{"a":1}\n' + '{"a":"' + "x" * 3_000_000 + '"}\n', "x.jsonl", TooBig),
        ('{"a":\n{"b":\n', "x.jsonl", CorruptFile),
    ],
    ids=["empty", "cut", "broken", "long", "no-json"],
)
def test_what_cannot_be_read_says_why_and_leaves_nothing(
    tmp_path: Path, text: str, name: str, error: type[Exception]
) -> None:
    data = data_of(tmp_path / "files", text, name)
    limits = Limits(text=300_000) if error is TooBig else Limits()
    with pytest.raises(error), opened(tmp_path, data, limits=limits):
        pass
    assert [path.name for path in (tmp_path / "copies").iterdir() if not path.name.endswith(".lock")] == []


def test_a_failure_on_the_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from preview.engine.convert import WatchedFile

    fetch = WatchedFile._fetch

    def failing(self: WatchedFile, start: int, length: int) -> bytes:
        if start > 1_000_000:
            raise SourceUnavailable("The store did not answer.")
        return fetch(self, start, length)

    monkeypatch.setattr(WatchedFile, "_fetch", failing)
    data = data_of(tmp_path / "files", '{"a":1,"b":"text"}\n' * 150_000, "x.jsonl")
    with pytest.raises(SourceUnavailable), opened(tmp_path, data):
        pass
    assert [path.name for path in (tmp_path / "copies").iterdir() if not path.name.endswith(".lock")] == []


def test_a_worker_killed_in_the_middle_leaves_no_half_copy(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    path.write_text('{"a":1,"b":"text"}\n' * 150_000)
    command = [sys.executable, "-c", SLOW.replace("x.csv", "x.jsonl"), str(tmp_path), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"in the middle\n"
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    copies = copies_in(tmp_path)
    assert not kept(copies)
    assert rows_in(copies, data_at(path, name="x.jsonl")) == 150_000
    assert not list(copies.folder.glob("*.tmp"))


SMALL = """
import sys
from pathlib import Path
from preview.engine import convert, query
from preview.worker import bound
from tests.unit.preview.engine.at_hand import copies_in, data_at
from tests.unit.preview.engine.test_copies import rows_in
bound(int(sys.argv[3]))
print(rows_in(copies_in(Path(sys.argv[1])), data_at(Path(sys.argv[2]))))
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_a_text_many_times_the_memory_is_copied(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"stored.{kind}"
    record = '{"id":%d,"name":"somebody %d","score":%d.5,"tags":["a","b"],"who":{"age":%d}}'
    records = [record % (n, n, n, n % 90) for n in range(10_000)]
    text = "\n".join(records) + "\n" if kind == "jsonl" else ",".join(records)
    with path.open("w") as file:
        times = 80_000_000 // len(text)
        file.write("" if kind == "jsonl" else "[")
        for number in range(times):
            file.write(text if kind == "jsonl" or not number else "," + text)
        file.write("" if kind == "jsonl" else "]")
    command = [sys.executable, "-c", SMALL, str(tmp_path), str(path), str(2 * MEMORY)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[4], check=False)
    assert done.stdout.strip() == str(times * 10_000), done.stderr[-2000:]
