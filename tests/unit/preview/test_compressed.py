"""Texts and tables inside gzip, bzip2, xz, zstd and zip."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from preview.errors import CorruptFile, EncryptedFile, NoTable
from preview.zstd_frames import Frames
from tests.unit.preview.reading import count, look

CSV = ("n,text\n" + "".join(f'{n},"row\n{n}"\n' for n in range(50_000))).encode()
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, 1),
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
    "zst": zstandard.compress,
}


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("suffix", list(PACKERS))
@pytest.mark.parametrize("offset", [0, 40_000])
def test_a_compressed_csv_pages_like_a_plain_one(suffix: str, offset: int) -> None:
    preview = look(PACKERS[suffix](CSV), f"x.csv.{suffix}", offset=offset, rows=2)
    assert preview.json_rows() == [[n, f"row\n{n}"] for n in (offset, offset + 1)]
    assert (preview.format, preview.notes) == ("csv", ())


@pytest.mark.parametrize("suffix", [*PACKERS, "zip"])
def test_compressed_rows_are_counted(suffix: str) -> None:
    data = zipped({"x.csv": CSV}) if suffix == "zip" else PACKERS[suffix](CSV)
    found = count(data, f"x.csv.{suffix}")
    assert (found.rows, found.size) == (50_000, len(data))


@pytest.mark.parametrize("suffix", list(PACKERS))
def test_several_members_in_a_row_are_one_text(suffix: str) -> None:
    pack = PACKERS[suffix]
    data = pack(b"a,b\n1,2\n") + pack(b"3,4\n")
    assert look(data, f"x.csv.{suffix}").json_rows() == [[1, 2], [3, 4]]


def test_bytes_behind_the_last_member_are_padding() -> None:
    assert look(gzip.compress(b"a,b\n1,2\n") + b"\0" * 100, "x.csv.gz").json_rows() == [[1, 2]]


def test_a_compressed_file_under_a_plain_name_is_unpacked() -> None:
    assert look(gzip.compress(b"a,b\n1,2\n"), "x.csv").json_rows() == [[1, 2]]
    assert look(gzip.compress(b'{"a":1}\n{"a":2}\n'), "x.gz").format == "jsonl"


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_a_truncated_file_shows_what_came_out(suffix: str) -> None:
    data = PACKERS[suffix](("a,b\n" + "".join(f"{n},{n * 7919 % 10007}\n" for n in range(150_000))).encode())
    cut = data[: len(data) * 3 // 4]
    preview = look(cut, f"x.csv.{suffix}")
    assert (preview.json_rows()[0], preview.total_rows) == ([0, 0], None)
    assert count(cut, f"x.csv.{suffix}").rows is None


def test_a_small_truncated_file_says_so() -> None:
    whole = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 10007) for n in range(5000)))
    preview = look(whole[:-4000], "x.csv.gz")
    assert "The compressed file ends in the middle; these are the rows that could be unpacked." in preview.notes
    assert (preview.total_rows, preview.partial) == (None, True)


@pytest.mark.parametrize("options", [{}, {"write_checksum": True}, {"write_content_size": False}], ids=str)
@pytest.mark.parametrize("data", [b"", b"a", b"ab" * 200_000, bytes(range(256)) * 2_000], ids=len)
def test_a_zstandard_frame_is_known_to_end_or_not(data: bytes, options: dict[str, bool]) -> None:
    frame = zstandard.ZstdCompressor(**options).compress(data)
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    packed = frame + skippable + frame
    for step in (3, 1 << 20):
        for length in (len(frame), len(frame + skippable), len(packed)):
            assert _ends(packed[:length], step)
            assert not _ends(packed[: length - 1], step)


def _ends(packed: bytes, step: int) -> bool:
    frames = Frames()
    for start in range(0, len(packed), step):
        frames.feed(packed[start : start + step])
    return frames.ended


def test_damage_inside_says_so() -> None:
    data = bytearray(gzip.compress(CSV))
    data[200:260] = b"\xff" * 60
    with pytest.raises(CorruptFile, match="gzip data is damaged"):
        look(bytes(data), "x.csv.gz")


def test_a_parquet_file_inside_gzip() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"n": range(10)}), out)
    preview = look(gzip.compress(out.getvalue()), "x.parquet.gz", offset=5)
    assert (preview.json_rows()[0], preview.total_rows, preview.read_as[-1]) == ([5], 10, "gzip")


def test_a_zip_opens_its_first_table_and_lists_the_rest() -> None:
    data = zipped({"readme.md": b"# hi", "__MACOSX/._a.csv": b"x", "data/b.csv": b"a,b\n1,2\n", "c.json": b"[]"})
    preview = look(data, "x.zip")
    assert preview.json_rows() == [[1, 2]]
    assert preview.notes[0] == "This zip holds 3 files: readme.md, data/b.csv, c.json. “data/b.csv” is shown."
    assert preview.read_as[-1] == "zip"


def test_a_zip_of_one_file_whose_name_says_nothing() -> None:
    assert look(zipped({"dump": b"a;b\n1;2\n3;4\n"}), "x.zip").json_rows() == [[1, 2], [3, 4]]


def test_tables_of_other_formats_inside_a_zip() -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"n": [7]}), out)
    assert look(zipped({"a.parquet": out.getvalue()}), "x.zip").json_rows() == [[7]]
    assert look(zipped({"a.csv.gz": gzip.compress(b"a,b\n1,2\n")}), "x.zip").json_rows() == [[1, 2]]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "holds no files"),
        ({"a.txt": b"x", "b.png": b"y"}, "none of them a table: a.txt, b.png"),
        ({"word/document.xml": b"<x/>"}, "a Word document"),
        ({"a.npy": b"x"}, "NumPy archive"),
        ({"a.csv": b""}, "is empty"),
    ],
)
def test_a_zip_without_a_table_says_what_it_is(members: dict[str, bytes], words: str) -> None:
    with pytest.raises(NoTable, match=words):
        look(zipped(members), "x.zip")


def test_a_protected_zip_says_so() -> None:
    data = bytearray(zipped({"a.csv": b"a,b\n1,2\n"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(EncryptedFile, match="password"):
        look(bytes(data), "x.zip")


def test_a_zip_without_its_end_says_so() -> None:
    with pytest.raises(CorruptFile, match="directory is damaged"):
        look(zipped({"a.csv": CSV})[:-40], "x.zip")


def test_twice_compressed_is_left_alone() -> None:
    with pytest.raises(NoTable, match="compressed twice"):
        look(gzip.compress(gzip.compress(CSV)), "x.csv.gz.gz")


def test_an_empty_compressed_file() -> None:
    with pytest.raises(NoTable, match="holds nothing"):
        look(gzip.compress(b""), "x.csv.gz")
