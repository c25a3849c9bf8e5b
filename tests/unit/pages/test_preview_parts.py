"""What the Preview tab says and offers, without a browser: what can be read otherwise, what is cut, what is alike."""

from __future__ import annotations

import json
import uuid

import pandas as pd
import pytest

from pages import chosen_columns
from pages.read_as_form import choices
from pages.rows_table import as_shown
from pages.similar import shares
from pages.whole_cell import FITS, one_line, place_of, pretty
from preview.read_as import AS_DETECTED, Detected, ReadAs
from preview.result import Column, JsonValue, Preview

CSV = Detected(delimiter=";", quote='"', encoding="utf-8", header=True, skip=0)


def preview(rows: list[list[JsonValue]], *kinds: str, offset: int = 0) -> Preview:
    return Preview(
        columns=tuple(Column(f"c{place}", kind) for place, kind in enumerate(kinds)),
        offset=offset,
        total_rows=None,
        partial=False,
        notes=(),
        format="jsonl",
        read_as=(),
        column_count=len(kinds),
        rows_json=json.dumps(rows).encode(),
    )


def test_a_delimited_text_can_be_read_otherwise_in_every_respect_and_a_parquet_in_none() -> None:
    assert [choice.field for choice in choices(CSV, AS_DETECTED)] == ["delimiter", "encoding", "header", "quote"]
    assert [choice.field for choice in choices(Detected(encoding="utf-8"), AS_DETECTED)] == ["encoding"]
    assert choices(Detected(), AS_DETECTED) == ()


def test_what_is_detected_is_named_where_nothing_else_was_said() -> None:
    by_field = {choice.field: choice for choice in choices(CSV, AS_DETECTED)}
    assert by_field["delimiter"].detected == "Semicolon"
    assert by_field["header"].detected == "Column names"
    said = {choice.field: choice for choice in choices(CSV, ReadAs(delimiter="#"))}
    assert said["delimiter"].detected == ""
    assert said["delimiter"].options["#"] == "“#”"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("x" * FITS, "x" * FITS),
        ("x" * (FITS + 1), "x" * (FITS - 1) + "…"),
        ("one\ntwo", "one…"),
        ("one\r\ntwo", "one…"),
        ("\nsecond", "…"),
    ],
)
def test_a_text_is_cut_with_a_mark(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_cut_texts_leave_nulls_and_the_frame_as_they_are() -> None:
    frame = pd.DataFrame({"t": ["a" * 100, None, "b"]}, dtype="str")
    shown, _ = as_shown(frame, [Column("t", "string")])
    assert shown["t"].isna().tolist() == [False, True, False]
    assert len(shown["t"][0]) == FITS
    assert len(frame["t"][0]) == 100


def test_nested_values_and_texts_that_hold_json_are_indented() -> None:
    assert pretty({"a": [1]}) == ('{\n  "a": [\n    1\n  ]\n}', "json")
    assert pretty('{"ä":1}') == ('{\n  "ä": 1\n}', "json")
    assert pretty("{not json") == ("{not json", None)
    assert pretty("12") == ("12", None)


def test_a_pressed_cell_is_opened_where_the_table_does_not_show_all_of_it() -> None:
    file_id = uuid.uuid4()
    rows = preview([["x" * 100, 1, None], ["y", 2, {"k": 1}]], "string", "integer", "struct", offset=200)
    long = place_of(rows, file_id, 0, "c0", in_file=True)
    assert long is not None
    assert (long.row, long.column, long.shown) == (200, "c0", "x" * 100)
    nested = place_of(rows, file_id, 1, "c2", in_file=False)
    assert nested is not None
    assert nested.row is None
    assert [place_of(rows, file_id, row, name, in_file=True) for row, name in ((1, "c0"), (0, "c1"), (9, "c0"))] == [
        None
    ] * 3
    assert place_of(rows, file_id, 0, "#", in_file=True) is None


def test_thousands_of_columns_are_narrowed_and_all_can_be_chosen() -> None:
    wide = preview([list(range(1500))], *["integer"] * 1500)
    shown = chosen_columns.narrowed(wide)
    assert len(shown.columns) == len(shown.json_rows()[0]) == chosen_columns.SIDE_BY_SIDE
    assert len(chosen_columns.names_of(shown)) == 1500
    assert chosen_columns.coverage(shown, picked=()) == "the first 1,000 of 1,500 columns"
    narrow = preview([[1]], "integer")
    assert chosen_columns.narrowed(narrow) is narrow


def test_shared_columns_are_counted_and_named() -> None:
    assert shares(("a", "b"), 7) == "Shares 2 of 7 columns: a, b"
    assert shares(("a", "b"), 2) == "Shares all 2 columns: a, b"
    assert shares(("a",), 1) == "Shares the only column: a"
    assert shares(("a",) * 300, 300) == "Shares all of the first 300 columns: a, a, a, a, a, a …"
    assert shares(("a", "b"), 300) == "Shares 2 of the first 300 columns: a, b"
    assert shares(tuple("abcdefgh"), 9) == "Shares 8 of 9 columns: a, b, c, d, e, f …"
