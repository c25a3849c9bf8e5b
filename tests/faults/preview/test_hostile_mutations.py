"""Damaged files of every format, under right and wrong names, read as they are and as a user says, whole and by their
ends: each ends in a table or in a sentence of its own, and the worker that read it is there for the next.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import openpyxl
import psutil
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from preview import Limits, Previewer, Source
from preview.errors import PreviewError, WorkerCrashed
from preview.limits import MB
from preview.read_as import AS_DETECTED, ReadAs

TABLE: Final = pa.table(
    {
        "id": range(300),
        "s": [f"x{place}" for place in range(300)],
        "l": [[place, None] for place in range(300)],
        "m": pa.array([[("k", place)] for place in range(300)], pa.map_(pa.string(), pa.int64())),
        "d": pa.array([f"{place % 5}" for place in range(300)]).dictionary_encode(),
        "t": pa.array(range(300), pa.timestamp("us", "UTC")),
    }
)


@cache
def csv_text() -> bytes:
    rows = (f'{place},"n, {place}",2024-01-{place % 28 + 1:02d}\n' for place in range(200))
    return ("id,name,d\n" + "".join(rows)).encode()


def parquet(**options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(TABLE, out, **options)
    return out.getvalue()


def feather() -> bytes:
    out = io.BytesIO()
    pyarrow.feather.write_feather(TABLE, out, compression="uncompressed")
    return out.getvalue()


def stream() -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=100)
    return out.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for place in range(50):
        book.active.append([place, f"x{place}", date(2024, 1, 1)])
    book.create_sheet("b").append([1])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.csv", csv_text())
        packed.writestr("b.json", '[{"a": 1}]')
    return out.getvalue()


FEATURES: Final = [{"type": "Feature", "id": n, "properties": {"a": n}, "geometry": None} for n in range(30)]
WHOLE: Final[dict[str, Callable[[], bytes]]] = {
    "t.csv": csv_text,
    "wide.csv": lambda: csv_text().decode().encode("utf-16"),
    "t.json": lambda: json.dumps([{"a": n, "b": {"c": [n, None, "x"]}} for n in range(100)]).encode(),
    "split.json": lambda: json.dumps({"columns": ["a", "b"], "data": [[1, 2]] * 50, "index": list(range(50))}).encode(),
    "t.geojson": lambda: json.dumps({"type": "FeatureCollection", "features": FEATURES}).encode(),
    "t.jsonl": lambda: b"\n".join(json.dumps({"a": n, "b": [1]}).encode() for n in range(100)),
    "t.parquet": parquet,
    "pages.parquet": lambda: parquet(compression="zstd", data_page_version="2.0", write_page_index=True),
    "t.feather": feather,
    "t.arrows": stream,
    "t.xlsx": workbook,
    "t.zip": archive,
    "t.csv.gz": lambda: gzip.compress(csv_text()),
    "t.csv.bz2": lambda: bz2.compress(csv_text()),
    "t.csv.xz": lambda: lzma.compress(csv_text()),
    "t.csv.zst": lambda: zstandard.compress(csv_text()),
    "t.parquet.gz": lambda: gzip.compress(parquet()),
}
SAID: Final = (
    *[AS_DETECTED] * 5,
    ReadAs(delimiter=";"),
    ReadAs(encoding="utf-16-le"),
    ReadAs(header=False, skip=1),
    ReadAs(sheet="b"),
    ReadAs(member="b.json"),
    ReadAs(quote="'", types=(("a", "date"), ("id", "timestamp"))),
)


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content, damaged in one way in one place or several."""
    data = bytearray(content)
    way = chance.randrange(7)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        place = chance.randrange(len(data) + 1)
        if way == 0:
            data[place : place + 1] = chance.randbytes(1)
        elif way == 1:
            del data[place : place + chance.randrange(1, 30)]
        elif way == 2:
            data[place:place] = chance.randbytes(chance.randrange(1, 20))
        elif way == 3:
            data[place : place + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80"])
        elif way == 4:
            data[place:place] = data[chance.randrange(len(data) + 1) :][: chance.randrange(1, 100)]
        elif way == 5:
            del data[place:]
        else:
            data[place : place + 1] = bytes([(data[place : place + 1] or b"\0")[0] ^ 1 << chance.randrange(8)])
    return bytes(data)


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    before = set(psutil.Process().children(recursive=True))
    reading = Previewer(Limits(memory=400 * MB, timeout=timedelta(seconds=30)), workers=1)
    yield reading
    reading.close()
    left = [child for child in psutil.Process().children(recursive=True) if child not in before]
    gone, alive = psutil.wait_procs(left, timeout=10)
    assert not alive, gone


def sentences(previewer: Previewer, folder: Path, name: str, times: int) -> list[str]:
    """What is said of so many damaged copies of a file."""
    chance = random.Random(name)
    whole = WHOLE[name]()
    path = folder / "content"
    said: list[str] = []
    for _ in range(times):
        content = mutated(whole, chance)
        path.write_bytes(content)
        called = name if chance.random() < 0.8 else chance.choice(sorted(WHOLE))
        read_as = chance.choice(SAID)
        columns = chance.choice([None, None, ["id", "s", "a"]])
        offset = chance.choice([0, 0, 50, 1000])
        try:
            previewer.preview(
                Source(path.as_uri(), len(content), called), rows=100, offset=offset, columns=columns, read_as=read_as
            ).json_rows()
        except WorkerCrashed:
            raise
        except PreviewError as error:
            said.append(str(error))
        end = chance.choice([1, 100, 1000, 1 << 18])
        found = previewer.inspect(called, len(content), content[:end], content[-end:], read_as=read_as)
        assert bool(found.columns) is (found.reason is None)
        if found.reason:
            said.append(found.reason)
    return said


def check(previewer: Previewer, folder: Path, name: str, times: int) -> None:
    said = sentences(previewer, folder, name, times)
    assert all(len(sentence) > 20 for sentence in said)
    # What a reader did not expect is told as the name of an exception: none is left.
    assert [sentence for sentence in said if "could not be read as what it seems" in sentence] == []
    path = folder / "content"
    path.write_bytes(WHOLE[name]())
    assert previewer.preview(Source(path.as_uri(), path.stat().st_size, name)).json_rows()


@pytest.mark.parametrize("name", WHOLE)
def test_damage_ends_in_a_table_or_a_sentence(previewer: Previewer, tmp_path: Path, name: str) -> None:
    check(previewer, tmp_path, name, 12)


@pytest.mark.long
@pytest.mark.parametrize("name", WHOLE)
def test_much_damage_ends_in_a_table_or_a_sentence(previewer: Previewer, tmp_path: Path, name: str) -> None:
    check(previewer, tmp_path, name, 150)


@pytest.mark.parametrize("columns", [5_000, 20_000])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "arrow"])
def test_the_last_of_very_many_columns_can_be_chosen(
    previewer: Previewer, tmp_path: Path, form: str, columns: int
) -> None:
    names = [f"c{place}" for place in range(columns)]
    path = tmp_path / f"wide.{form}"
    if form == "csv":
        lines = [",".join(names), *(",".join(str(row * place) for place in range(columns)) for row in range(3))]
        path.write_text("\n".join(lines))
    elif form == "jsonl":
        records = ({name: row * place for place, name in enumerate(names)} for row in range(3))
        path.write_text("\n".join(map(json.dumps, records)))
    else:
        table = pa.table({name: [row * place for row in range(3)] for place, name in enumerate(names)})
        if form == "parquet":
            pq.write_table(table, path)
        else:
            pyarrow.feather.write_feather(table, path)
    source = Source(path.as_uri(), path.stat().st_size, path.name)
    first = previewer.preview(source, rows=3)
    assert first.column_count == columns
    assert len(first.columns) == min(columns, 10_000)
    last = previewer.preview(source, rows=3, columns=[names[-1], names[1]])
    assert last.json_rows() == [[0, 0], [columns - 1, 1], [2 * (columns - 1), 2]]
    assert last.all_columns == tuple(names)
    assert previewer.cell(source, row=2, column=names[-1]) == 2 * (columns - 1)
