"""Texts made to hurt: each ends in a table or in a sentence, in a worker that stays within its limits."""

from __future__ import annotations

import gzip
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from preview import Limits, Preview, Previewer, Source
from preview.errors import CorruptFile, NoTable, PreviewError, TooBig
from preview.limits import MB


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    reading = Previewer(Limits(memory=768 * MB), workers=1)
    yield reading
    reading.close()


def show(previewer: Previewer, folder: Path, name: str, content: bytes | str) -> Preview:
    path = folder / "content"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return previewer.preview(Source(path.as_uri(), path.stat().st_size, name))


def test_an_empty_file(previewer: Previewer, tmp_path: Path) -> None:
    for name in ("x.csv", "x.json", "x.parquet", "x.xlsx", "x.bin"):
        with pytest.raises(NoTable, match="empty"):
            show(previewer, tmp_path, name, b"")


def test_a_cell_of_50_mb_is_cut_and_said(previewer: Previewer, tmp_path: Path) -> None:
    fat = "x" * 50_000_000
    preview = show(previewer, tmp_path, "x.csv", f'id,text\n1,a\n2,"{fat}"\n3,b\n')
    assert [row[0] for row in preview.json_rows()] == [1, 2, 3]
    assert len(str(preview.json_rows()[1][1])) == 100_000
    assert "1 long cell is cut; download the file for the whole." in preview.notes
    assert len(preview.frame.iloc[1, 1]) == 2_000
    lines = show(previewer, tmp_path, "x.jsonl", '{"a": 1}\n{"a": "' + fat + '"}\n')
    assert len(str(lines.json_rows()[1][0])) == 100_000


def test_a_row_past_the_limit_is_left_out_and_said(previewer: Previewer, tmp_path: Path) -> None:
    fat = "x" * 70_000_000
    preview = show(previewer, tmp_path, "x.csv", f"id,text\n1,a\n2,b\n3,{fat}\n4,c\n")
    assert preview.json_rows() == [[1, "a"], [2, "b"]]
    assert any("longer than 64 MB" in note for note in preview.notes)
    with pytest.raises(TooBig, match="One row of this file is longer than"):
        show(previewer, tmp_path, "x.csv", f"a,b\n1,{fat}\n")
    with pytest.raises(TooBig, match="longer than the 64 MB"):
        show(previewer, tmp_path, "x.json", '[{"a": "' + fat + '"}]')


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_without_end_or_sense(previewer: Previewer, tmp_path: Path, quote: str) -> None:
    for content in (
        quote * 1_000_001,
        f"a,b\n{quote}" + "x\n" * 1_000_000,
        f"a,b\n1,{quote}" + f"{quote}{quote}," * 500_000,
    ):
        assert _outcome(previewer, tmp_path, "x.csv", content)


def test_delimiters_alone(previewer: Previewer, tmp_path: Path) -> None:
    preview = show(previewer, tmp_path, "x.csv", "," * 2_000_000 + "\n" + "1," * 10)
    assert preview.column_count >= 10
    assert len(preview.columns) <= 10_000


@pytest.mark.parametrize("depth", [900, 10_000, 1_000_000])
@pytest.mark.parametrize("shape", ["list", "object"])
def test_json_nested_without_end(previewer: Previewer, tmp_path: Path, depth: int, shape: str) -> None:
    opening, closing = ("[", "]") if shape == "list" else ('{"a":', "}")
    content = "[" + opening * depth + "1" + closing * depth + "]"
    with pytest.raises(PreviewError, match="nested deeper"):
        show(previewer, tmp_path, "x.json", content)
    with pytest.raises(PreviewError, match=r"nested|not JSON"):
        show(previewer, tmp_path, "x.jsonl", content + "\n" + content)


def test_json_of_small_values_without_end(previewer: Previewer, tmp_path: Path) -> None:
    preview = show(previewer, tmp_path, "x.json", "[" + "[]," * 1_000_000 + "[]]")
    assert (len(preview.json_rows()), preview.total_rows) == (100, None)


def test_json_with_many_keys(previewer: Previewer, tmp_path: Path) -> None:
    content = "".join(json.dumps({f"k{n}_{m}": m for m in range(300)}) + "\n" for n in range(50))
    preview = show(previewer, tmp_path, "x.jsonl", content)
    assert (preview.column_count, len(preview.columns)) == (15_000, 10_000)


def test_names_as_long_as_books(previewer: Previewer, tmp_path: Path) -> None:
    preview = show(previewer, tmp_path, "x.csv", "a" * 900_000 + ",b\n1,2\n3,4\n")
    assert len(preview.columns[0].name) == 200


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name", ["x.csv", "x.tsv", "x.json", "x.jsonl", "x.xlsx", "x.xls", "x.ods", "x.parquet", "x.arrow", "x.zip", "x"]
)
def test_random_noise_under_any_name(previewer: Previewer, tmp_path: Path, name: str, seed: int) -> None:
    with pytest.raises(PreviewError) as caught:
        show(previewer, tmp_path, name, random.Random(seed).randbytes(20_000))
    assert len(str(caught.value)) > 30


@pytest.mark.parametrize("seed", range(10))
def test_noise_that_looks_like_text(previewer: Previewer, tmp_path: Path, seed: int) -> None:
    pick = random.Random(seed)
    content = "".join(pick.choices('ab1,;|\t"\n\r {}[]:.\\é', k=20_000))
    for name in ("x.csv", "x.json", "x.jsonl", "x.txt"):
        assert _outcome(previewer, tmp_path, name, content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "a PNG picture"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 8, "a PDF document"),
        (b"SQLite format 3\x00" + bytes(2000), "a SQLite database"),
        (b"\x80\x04\x95" + bytes(2000), "pickle, which is never opened"),
        (b"<!DOCTYPE html><html><body>x</body></html>", r"a web page \(HTML\)"),
        (b'<?xml version="1.0"?><a/>', "an XML document"),
    ],
)
def test_other_content_is_called_what_it_is(previewer: Previewer, tmp_path: Path, content: bytes, words: str) -> None:
    for name in ("x.csv", "x.bin"):
        with pytest.raises((NoTable, CorruptFile), match=words):
            show(previewer, tmp_path, name, content)


def test_a_gzip_bomb_costs_what_a_preview_may_cost(previewer: Previewer, tmp_path: Path) -> None:
    rows = b"a,b\n" + b"1,2\n" * 10_000_000
    preview = show(previewer, tmp_path, "x.csv.gz", gzip.compress(rows, 1))
    assert (len(preview.json_rows()), preview.total_rows) == (100, None)
    with pytest.raises(PreviewError):
        show(previewer, tmp_path, "x.csv.gz", gzip.compress(bytes(100_000_000), 1))
    with pytest.raises(TooBig, match="longer than"):
        show(previewer, tmp_path, "x.csv.gz", gzip.compress(b"a,b\n" + b"a" * 70_000_000, 1))
    with pytest.raises(NoTable, match="one very long line"):
        show(previewer, tmp_path, "x.csv.gz", gzip.compress(b"a" * 70_000_000, 1))


def test_a_zip_bomb_costs_what_a_preview_may_cost(previewer: Previewer, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.csv", b"a,b\n" + b"x" * 70_000_000)
    with pytest.raises(TooBig, match="longer than"):
        show(previewer, tmp_path, "x.zip", out.getvalue())


def _outcome(previewer: Previewer, folder: Path, name: str, content: str) -> object:
    """The table or the sentence; a crash, a time-out or an unforeseen exception fails the test."""
    try:
        return show(previewer, folder, name, content)
    except (RuntimeError, TimeoutError):
        raise
    except PreviewError as error:
        sentence = str(error)
    assert "as what it seems to be" not in sentence
    return sentence
