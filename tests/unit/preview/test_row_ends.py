"""Row ends agree with Python's csv module, however the text is cut into chunks."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from preview.dialect import Dialect
from preview.row_ends import RowEnds

TEXTS = st.text(alphabet='a,"\n\r;\\ ', max_size=60)
CUTS = st.lists(st.integers(1, 7), min_size=1, max_size=30)


def ends_of(dialect: Dialect, text: str, cuts: Sequence[int]) -> list[int]:
    finder, data, place = RowEnds(dialect), text.encode(), 0
    found: list[int] = []
    while place < len(data):
        size = cuts[place % len(cuts)]
        found.extend(map(int, finder.feed(data[place : place + size])))
        place += size
    found.extend(map(int, finder.finish()))
    return found


@given(TEXTS, CUTS)
@example('a,"b\n', [1])
@example('"a""b"\r\n\r\n"c"', [3])
@example('a"b"\n"c\n"\n', [2])
@example('"\r', [1])
def test_rows_are_those_of_the_csv_module(text: str, cuts: list[int]) -> None:
    dialect = Dialect(",")
    expected = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert len(ends_of(dialect, text, cuts)) == len(expected)


@given(TEXTS, CUTS)
def test_where_the_chunks_are_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    for dialect in (Dialect(","), Dialect(";", quote="'"), Dialect(",", escape="\\"), Dialect(",", skip_spaces=True)):
        assert ends_of(dialect, text, cuts) == ends_of(dialect, text, [10_000])


@given(st.lists(st.lists(st.text(alphabet='ab,"\n\r ', max_size=6), min_size=2, max_size=4), max_size=12), CUTS)
def test_every_row_that_was_written_is_found(rows: list[list[str]], cuts: list[int]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    text = out.getvalue()
    ends = ends_of(Dialect(","), text, cuts)
    starts = [0, *ends]
    pieces = [text.encode()[start:end].decode() for start, end in zip(starts, ends, strict=False)]
    assert [Dialect(",").parse(piece)[0] for piece in pieces] == rows


def test_a_text_without_quotes_needs_none() -> None:
    assert ends_of(Dialect(None, quote=None), 'a"\n"b\n\nc', [2]) == [3, 6, 8]
