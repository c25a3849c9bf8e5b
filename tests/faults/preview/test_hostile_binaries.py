"""Binary files made to hurt: each ends in a table or in a sentence, in a worker that stays within its limits."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from preview import Limits, Preview, Previewer, Source
from preview.errors import CorruptFile, PreviewError
from preview.limits import MB


@pytest.fixture(scope="module")
def previewer() -> Iterator[Previewer]:
    reading = Previewer(Limits(memory=300 * MB, timeout=timedelta(seconds=30)), workers=1)
    yield reading
    reading.close()


def show(previewer: Previewer, folder: Path, name: str, content: bytes) -> Preview:
    path = folder / "content"
    path.write_bytes(content)
    return previewer.preview(Source(path.as_uri(), len(content), name))


def parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def workbook(rows: int) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("S")
    for n in range(rows):
        sheet.append([n, f"s{n}"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


TABLE = pa.table(
    {
        "n": range(500),
        "s": [f"text {n % 9}" for n in range(500)],
        "l": [[n, None] for n in range(500)],
        "t": pa.array(range(500), pa.timestamp("us", "UTC")),
    }
)


def ipc() -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_file(out, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=100)
    return out.getvalue()


MAKERS = {"x.parquet": lambda: parquet(TABLE), "x.arrow": ipc, "x.xlsx": lambda: workbook(50)}


@pytest.mark.parametrize("name", list(MAKERS))
def test_mutations_never_end_in_silence(previewer: Previewer, tmp_path: Path, name: str) -> None:
    whole = MAKERS[name]()
    pick = random.Random(name)
    sentences: list[str] = []
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(pick.randint(1, 6)):
            data[pick.randrange(len(data))] = pick.randrange(256)
        if pick.random() < 0.3:
            del data[pick.randrange(len(data)) :]
        try:
            show(previewer, tmp_path, name, bytes(data)).json_rows()
        except PreviewError as error:
            sentences.append(str(error))
    assert all(len(sentence) > 20 for sentence in sentences)
    assert show(previewer, tmp_path, name, whole).json_rows()


def test_a_dictionary_bomb_is_not_unfolded(previewer: Previewer, tmp_path: Path) -> None:
    fat = "x" * 20_000_000
    table = pa.table({"s": pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array([fat]))})
    preview = show(previewer, tmp_path, "x.parquet", parquet(table, compression="zstd"))
    assert (len(preview.json_rows()), preview.total_rows) == (100, 100_000)
    assert any("long" in note for note in preview.notes)
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    assert len(show(previewer, tmp_path, "x.arrow", out.getvalue()).json_rows()) == 100


def test_a_page_that_unpacks_without_end(previewer: Previewer, tmp_path: Path) -> None:
    table = pa.table({"s": ["x" * 20_000_000] * 16})
    data = parquet(table, compression="zstd", use_dictionary=False, data_page_size=1 << 31)
    with pytest.raises(PreviewError) as caught:
        show(previewer, tmp_path, "x.parquet", data)
    assert "memory" in str(caught.value)


def test_lists_without_end(previewer: Previewer, tmp_path: Path) -> None:
    table = pa.table({"l": [list(range(1_000_000))] * 3})
    preview = show(previewer, tmp_path, "x.parquet", parquet(table))
    assert len(preview.json_rows()) == 3
    assert any("cut" in note for note in preview.notes)


def test_a_footer_that_lies_about_its_length(previewer: Previewer, tmp_path: Path) -> None:
    data = parquet(TABLE)
    for length in (0, 1, len(data), 2**31 - 1, 2**32 - 1):
        with pytest.raises(CorruptFile):
            show(previewer, tmp_path, "x.parquet", data[:-8] + length.to_bytes(4, "little") + b"PAR1")


def test_a_sheet_of_two_cells_as_far_apart_as_can_be(previewer: Previewer, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    book.active["XFD1048576"] = 2
    out = io.BytesIO()
    book.save(out)
    with pytest.raises(PreviewError, match=r"memory|far apart"):
        show(previewer, tmp_path, "x.xlsx", out.getvalue())


def test_a_workbook_that_lies_about_its_size(previewer: Previewer, tmp_path: Path) -> None:
    data = bytearray(workbook(20_000))
    place = data.index(b"PK\x01\x02")
    while place >= 0:
        data[place + 24 : place + 28] = (100).to_bytes(4, "little")
        place = data.find(b"PK\x01\x02", place + 4)
    with pytest.raises(PreviewError):
        show(previewer, tmp_path, "x.xlsx", bytes(data))


@pytest.mark.parametrize("shift", [9, 0xFFFF], ids=["small", "huge"])
def test_an_old_workbook_whose_directory_lies_past_its_end(previewer: Previewer, tmp_path: Path, shift: int) -> None:
    data = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4000)
    data[30:32] = shift.to_bytes(2, "little")
    with pytest.raises(CorruptFile, match="The workbook is damaged"):
        show(previewer, tmp_path, "x.xls", bytes(data))


def test_a_zip_that_names_a_million_files(previewer: Previewer, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for n in range(20_000):
            archive.writestr(f"{n}.bin", b"")
    with pytest.raises(PreviewError, match="20,000 files"):
        show(previewer, tmp_path, "x.zip", out.getvalue())
