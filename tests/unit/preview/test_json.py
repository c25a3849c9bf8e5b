"""JSON documents and JSON Lines: which values are the rows, and every value exact."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest

from preview.errors import CorruptFile, NoTable, TooBig
from preview.limits import Limits
from tests.unit.preview.reading import count, look, types_of

ROWS = [{"a": 1, "b": "x"}, {"a": None, "c": [1, 2]}, {"a": 2**60, "b": "y"}]


def test_an_array_of_objects_has_a_column_per_key() -> None:
    preview = look(json.dumps(ROWS), "x.json")
    assert types_of(preview) == {"a": "integer", "b": "string", "c": "list"}
    assert preview.json_rows() == [[1, "x", None], [None, None, [1, 2]], [str(2**60), "y", None]]
    assert (preview.total_rows, preview.partial, preview.read_as) == (3, False, ("JSON", "array", "UTF-8"))


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ([[1, "a"], [2, "b"]], [[1, "a"], [2, "b"]]),
        ([1, 2.5, None], [[1], [2.5], [None]]),
        ({"a": [1, 2], "b": ["x", "y"]}, [[1, "x"], [2, "y"]]),
        ({"meta": {"n": 2}, "items": [{"a": 1}, {"a": 2}]}, [[1], [2]]),
        ({"a": 1, "b": {"c": [True]}}, [[1, {"c": [True]}]]),
        ({"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 4}}, [["x", 1, 2], ["y", 3, 4]]),
        ({"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]),
        ("text", [["text"]]),
    ],
)
def test_the_usual_shapes_are_tables(document: object, rows: list[list[object]]) -> None:
    preview = look(json.dumps(document), "x.json")
    assert (preview.json_rows(), preview.total_rows) == (rows, len(rows))


@pytest.mark.parametrize("orient", ["records", "split", "columns", "index", "table"])
def test_whatever_pandas_writes_is_read_back(orient: str) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", None, "c"]})
    preview = look(frame.to_json(orient=orient), "x.json")  # type: ignore[call-overload]
    values = [row[-2:] for row in preview.json_rows()]
    assert values == [[1, "a"], [2, None], [3, "c"]]


def test_geojson_is_a_table_of_its_features() -> None:
    point = {"type": "Point", "coordinates": [1.5, 2.5]}
    features = [{"type": "Feature", "id": n, "properties": {"name": f"p{n}"}, "geometry": point} for n in range(3)]
    preview = look(json.dumps({"type": "FeatureCollection", "features": features}), "x.geojson")
    assert types_of(preview) == {"id": "integer", "name": "string", "geometry": "struct"}
    assert preview.json_rows()[2] == [2, "p2", point]


def test_numbers_keep_what_they_are() -> None:
    preview = look('[{"f": 1.0, "n": 12345678901234567890123, "x": NaN, "y": -Infinity, "m": 1}, {"m": "t"}]', "x.json")
    assert preview.json_rows()[0] == [1.0, "12345678901234567890123", "NaN", "-Infinity", 1]
    assert types_of(preview) == {"f": "float", "n": "integer", "x": "float", "y": "float", "m": "string"}


def test_dates_are_dates_only_where_all_are() -> None:
    preview = look('[{"d": "2024-01-01", "e": "2024-01-01", "t": "2024-01-01T10:00:00Z"}, {"e": "soon"}]', "x.json")
    assert types_of(preview) == {"d": "date", "e": "string", "t": "timestamp"}
    assert preview.json_rows()[0] == ["2024-01-01", "2024-01-01", "2024-01-01T10:00:00Z"]


def test_lone_surrogates_do_not_break_the_answer() -> None:
    preview = look('[{"s": "a\\ud800b", "n\\udfff": {"k\\ud800": "\\ud800"}}]', "x.json")
    assert preview.json_rows()[0][0] == "a\ufffdb"
    assert preview.frame.shape == (1, 2)


@pytest.mark.parametrize("size", [10, 40_000])
@pytest.mark.parametrize("offset", [0, 7, 9])
def test_a_large_array_pages_like_a_small_one(size: int, offset: int) -> None:
    rows = [{"n": n, "text": f'{{"[{n}]'} for n in range(size)]
    for document in (rows, {"kind": "x", "rows": rows}):
        preview = look(json.dumps(document), "x.json", rows=3, offset=offset)
        assert preview.json_rows() == [[row["n"], row["text"]] for row in rows[offset : offset + 3]]
        assert count(json.dumps(document), "x.json").rows == size


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.json", "x.txt"])
def test_json_lines_under_any_name(name: str) -> None:
    text = "".join(json.dumps(row) + "\n" for row in ROWS)
    preview = look(text, name)
    assert (preview.format, preview.total_rows, len(preview.json_rows())) == ("jsonl", 3, 3)
    assert preview.json_rows()[0] == [1, "x", None]


def test_json_lines_pages_and_skips_blank_lines_as_pandas_does() -> None:
    text = "\n".join(f'{{"n":{n}}}\n' for n in range(100))
    frame = pd.read_json(io.StringIO(text), lines=True)
    preview = look(text, "x.jsonl", rows=10, offset=95)
    assert [row[0] for row in preview.json_rows()] == frame["n"].tolist()[95:]
    assert (preview.total_rows, count(text, "x.jsonl").rows) == (100, 100)


def test_a_bad_line_is_shown_empty_and_said() -> None:
    preview = look('{"a":1}\n{"a":\n{"a":3}\n', "x.jsonl")
    assert preview.json_rows() == [[1], [None], [3]]
    assert "1 of these lines is not JSON and shown empty: line 2." in preview.notes


@pytest.mark.parametrize(
    ("content", "name", "error", "words"),
    [
        ('[{"a": 1}, {"a" 2}]', "x.json", CorruptFile, "line 1"),
        ('[\n{"a": 1},\n{"a": tru}\n]', "x.json", CorruptFile, "line 3"),
        ('[{"a": 1}, {"a": 2', "x.json", CorruptFile, "too early"),
        ("hello", "x.json", CorruptFile, "not valid JSON"),
        ("hello\nworld\n", "x.jsonl", CorruptFile, "not JSON Lines"),
        ("[]", "x.json", NoTable, "array is empty"),
        ("{}", "x.json", NoTable, "object is empty"),
        ("[" * 10_000 + "]" * 10_000, "x.json", TooBig, "nested deeper"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "x.json", TooBig, "nested deeper"),
        ('[{"a":' + "[" * 900 + "]" * 900 + "}]", "x.json", TooBig, "nested deeper"),
        ('[{"n": ' + "9" * 5000 + "}]", "x.json", TooBig, "more digits"),
    ],
)
def test_what_is_no_table_says_why(content: str, name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        look(content, name)


def test_a_json_document_named_csv_is_read_as_what_it_is() -> None:
    preview = look('[{"a": 1, "b": "x"}]', "x.csv")
    assert preview.json_rows() == [[1, "x"]]
    assert preview.notes[0] == "The name says CSV, but the content is JSON; it is read as that."


def test_a_large_object_that_is_no_list_says_so() -> None:
    text = json.dumps({f"k{n}": "x" * 100 for n in range(30_000)})
    with pytest.raises(TooBig, match="read whole"):
        look(text, "x.json", limits=Limits(text=1_000_000))
