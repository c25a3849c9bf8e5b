"""Texts of every usual delimiter, quoting, encoding and line end hold the values that pandas reads with the right
options.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pandas as pd
import pytest

from preview.read_as import ReadAs
from tests.unit.preview.reading import look, types_of

DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "caret": "^", "Ctrl-A": "\x01"}
QUOTINGS: Final = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC}
WORDS: Final = {
    "utf-8": "Größe naïve 東京 Москва 😀 a'b #1 NA null O'Neil",
    "utf-8-sig": "Größe naïve 東京 Москва 😀",
    "utf-16": "Größe 東京 Москва 😀",
    "utf-16-le": "Größe Москва abc def",
    "utf-16-be": "Größe Москва abc def",
    "utf-32": "Größe 東京 😀",
    "cp1252": "Größe naïve café “quoted” – dash €",
    "latin-1": "Größe naïve café señor",
    "cp1251": "Москва Новосибирск Анна Борис вчера сегодня",
    "shift_jis": "東京 大阪 表示 ソース 名前 会社 ひらがな カタカナ",
}


def rows_of(seed: int, words: Sequence[str], delimiter: str, count: int = 60) -> list[list[str]]:
    """Rows of values that readers like to spoil, under a header."""
    chance = random.Random(seed)  # the same rows in every run
    nasty = ["", "a" + delimiter + "b", 'say "hi"', "two\nlines", " padded ", "007", "-", "1e5x", "yes", "'", "x"]
    rows = [["id", "code", "amount", "day", "at", "flag", "text"]]
    for place in range(count):
        rows.append(
            [
                "" if place % 11 == 5 else str(place * 10**12),
                f"{place:05d}",
                "" if place % 7 == 3 else repr(chance.uniform(-1e6, 1e6)),
                (date(2023, 12, 25) + timedelta(days=place)).isoformat(),
                (datetime(2024, 2, 28, 23, 0) + timedelta(minutes=37 * place)).isoformat(sep=" "),  # noqa: DTZ001
                chance.choice(["true", "false"]),
                f"{chance.choice(words)} {chance.choice(nasty)}".strip(" ") if place % 5 else chance.choice(nasty),
            ]
        )
    return rows


def written(rows: list[list[str]], *, delimiter: str, quoting: int, end: str) -> str:
    out = io.StringIO(newline="")
    # A quoted empty cell is read as null by pandas and here.
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()


def as_pandas_reads(content: bytes, **options: Any) -> list[list[str | None]]:
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_values=[""], **options)
    return [[None if pd.isna(value) else str(value) for value in row] for row in frame.itertuples(index=False)]


def all_text(names: Sequence[str]) -> ReadAs:
    return ReadAs(types=tuple((name, "string") for name in names))


def check(content: bytes, name: str, rows: list[list[str]], **options: Any) -> None:
    """The preview's cells as text are pandas', and the types it finds by itself keep their meaning."""
    expected = as_pandas_reads(content, **options)
    plain = look(content, name, read_as=all_text(rows[0]))
    assert [column.name for column in plain.columns] == rows[0]
    assert plain.json_rows() == expected
    assert plain.total_rows == len(expected)
    found = look(content, name)
    assert types_of(found) == {
        "id": "integer",
        "code": "string",
        "amount": "float",
        "day": "date",
        "at": "timestamp",
        "flag": "boolean",
        "text": "string",
    }
    for shown, texts in zip(found.json_rows(), expected, strict=True):
        number, code, amount, day, at, flag, text = shown
        assert (code, day, text) == (texts[1], texts[3], texts[6])
        assert number == (None if texts[0] is None else int(texts[0]))
        assert amount == (None if texts[2] is None else float(texts[2]))
        assert at == str(texts[4]).replace(" ", "T")
        assert flag is (texts[5] == "true")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("quoting", QUOTINGS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_every_delimiter_and_quoting(delimiter: str, quoting: str, end: str) -> None:
    mark = DELIMITERS[delimiter]
    rows = rows_of(7, WORDS["utf-8"].split(), mark)
    content = written(rows, delimiter=mark, quoting=QUOTINGS[quoting], end=end).encode()
    check(content, "t.csv", rows, sep=mark)


@pytest.mark.parametrize("encoding", WORDS)
def test_every_encoding(encoding: str) -> None:
    rows = rows_of(11, WORDS[encoding].split(), ",")
    content = written(rows, delimiter=",", quoting=csv.QUOTE_MINIMAL, end="\n").encode(encoding)
    check(content, "t.csv", rows, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16"])
def test_every_encoding_of_json(encoding: str) -> None:
    records = [
        {"n": place, "big": 2**53 + place, "s": word, "none": None, "nested": {"of": [word, 0.5]}}
        for place, word in enumerate(WORDS[encoding].split())
    ]
    shown = [[r["n"], str(r["big"]), r["s"], None, r["nested"]] for r in records]
    document = json.dumps(records, ensure_ascii=False).encode(encoding)
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode(encoding)
    assert look(document, "t.json").json_rows()[1:] == shown[1:]
    assert look(lines, "t.jsonl").json_rows()[1:] == shown[1:]


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "values", "table"])
def test_every_orientation_pandas_writes(orient: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "007"], "c": [0.5, None, -1e300]}, index=[5, 7, 9])
    preview = look(frame.to_json(orient=orient), "t.json")
    labelled = orient in ("columns", "index", "split", "table")
    rows = [[value if value == value else None for value in row] for row in frame.itertuples(index=False)]
    assert [row[1 if labelled else 0 :] for row in preview.json_rows()] == rows
    if labelled:
        assert [int(str(row[0])) for row in preview.json_rows()] == [5, 7, 9]
    names = [column.name for column in preview.columns][1 if labelled else 0 :]
    assert names == (["column_1", "column_2", "column_3"] if orient == "values" else ["a", "b", "c"])


def test_objects_one_after_another_are_rows() -> None:
    assert look('{\n "a": 1\n}\n{\n "a": 2,\n "b": [{"c": 3}]\n}\n', "t.json").json_rows() == [
        [1, None],
        [2, [{"c": 3}]],
    ]
    assert look('{"a":1}{"a":2}', "t.jsonl").json_rows() == [[1], [2]]
    assert look('\x1e{"a":1}\n\x1e{"a":2}\n', "t.jsonl").json_rows() == [[1], [2]]


def test_a_feature_keeps_its_own_names_apart() -> None:
    features = [
        {"type": "Feature", "id": 1, "properties": {"id": "x", "geometry": "old"}, "geometry": {"type": "Point"}},
        {"type": "Feature", "properties": None, "geometry": None},
    ]
    for content in (json.dumps({"type": "FeatureCollection", "features": features}), json.dumps(features[0])):
        preview = look(content, "t.geojson")
        assert [column.name for column in preview.columns][:4] == ["feature_id", "id", "geometry", "feature_geometry"]
        assert preview.json_rows()[0][:4] == [1, "x", "old", {"type": "Point"}]


def test_whole_numbers_beside_fractions_stay_exact() -> None:
    rows = look('[{"a": 0.5, "b": 1}, {"a": 9007199254740993, "b": 2.5}]', "t.json")
    assert types_of(rows) == {"a": "string", "b": "float"}
    assert rows.json_rows() == [[0.5, 1], ["9007199254740993", 2.5]]


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("# made by x\n# a, note\na,b\n1,2\n3,4\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("#a,b\n1,2\n3,4\n", ["#a", "b"], [[1, 2], [3, 4]]),
        ("sep=;\r\na;b\r\n1;2,5\r\n", ["a", "b"], [[1, "2,5"]]),
        ("name\nDoe, Jane\nRoe, Richard\n", ["name"], [["Doe, Jane"], ["Roe, Richard"]]),
        ("note,price,2019\nx,1.5,7\ny,2.5,8\n", ["note", "price", "2019"], [["x", 1.5, 7], ["y", 2.5, 8]]),
        ("2019,abc\n31,def\n", ["column_1", "column_2"], [[2019, "abc"], [31, "def"]]),
        ("url\nhttp://a.b/c\nhttps://d.e/f\n", ["url"], [["http://a.b/c"], ["https://d.e/f"]]),
        ("v\n1,5\n2,5\n", ["v"], [["1,5"], ["2,5"]]),
        ("at\n2024-01-31 10:00:00+02:00\n2024-02-01 10:00:00+02:00\n", ["at"], None),
        ("name|list\nx|1,2,3\ny|4,5,6\n", ["name", "list"], [["x", "1,2,3"], ["y", "4,5,6"]]),
    ],
    ids=["comments", "hash", "sep", "names", "year", "no year", "addresses", "decimals", "moments", "lists"],
)
def test_delimiters_inside_values_divide_nothing(content: str, names: list[str], rows: list[Any] | None) -> None:
    preview = look(content, "t.csv")
    assert [column.name for column in preview.columns] == names
    assert preview.total_rows == 2 if rows is None else preview.json_rows() == rows


def test_what_writers_write_is_what_is_found() -> None:
    """Tables of words that look like other things, written by `csv` in every way: names and rows are found unsaid."""
    chance = random.Random(17)
    odd = ["x; y", '5" pipe', "a, b", "", "NA", "-", "12:30", "http://x.y/z?a=b,c", "#1", "10%", "1,234.50", "a|b"]
    odd += ["tab\there", "C:\\dir\\", 'say "hi"', "two\nlines", "  lead", "trail  ", "2024-01-02", "007", "1e5", "True"]
    makers: list[Callable[[], str]] = [
        lambda: str(chance.randrange(10**9)),
        lambda: f"{chance.uniform(-99, 99):.3f}",
        lambda: chance.choice(odd),
        lambda: (date(2024, 1, 1) + timedelta(days=chance.randrange(900))).isoformat(),
    ]
    for _ in range(200):
        names = chance.sample(["id", "name", "value", "when", "note", "city", "price €", "a b"], chance.randrange(2, 7))
        kinds = [chance.choice(makers) for _ in names]
        rows = [[kind() for kind in kinds] for _ in range(chance.randrange(4, 40))]
        mark, quoting = chance.choice([",", ";", "\t", "|"]), chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        content = written([names, *rows], delimiter=mark, quoting=quoting, end=chance.choice(["\n", "\r\n"]))
        preview = look(content, "t.csv", read_as=all_text(names))
        assert [column.name for column in preview.columns] == names, content
        assert preview.json_rows() == [[cell or None for cell in row] for row in rows], content
        assert preview.total_rows == len(rows)


@pytest.mark.parametrize("text", ["0.1", "-0", "1e308", "123456789012345678", "18446744073709551615"])
def test_numbers_mean_what_their_digits_say(text: str) -> None:
    (row,) = look(f"a,b\n{text},x\n", "t.csv").json_rows()
    assert Decimal(str(row[0])) == Decimal(text)
