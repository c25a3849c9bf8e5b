"""The encoding of a text, found by its bytes."""

from __future__ import annotations

import pytest

from preview.encoding import decode, detect
from tests.unit.preview.reading import count, look

RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю"
FRENCH = "Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva de crapaüter en canoë à Noël"
JAPANESE = "いろはにほへとちりぬるを、わかよたれそつねならむ"
CHINESE = "我能吞下玻璃而不伤身体，数据集的名称和说明"


@pytest.mark.parametrize(
    ("codec", "text", "label"),
    [
        ("utf-8", FRENCH, "UTF-8"),
        ("utf-8-sig", RUSSIAN, "UTF-8 with BOM"),
        ("utf-16", RUSSIAN, "UTF-16"),
        ("utf-16-le", FRENCH, "UTF-16"),
        ("utf-16-be", FRENCH, "UTF-16"),
        ("utf-32", FRENCH, "UTF-32"),
        ("cp1251", RUSSIAN, "Windows-1251"),
        ("koi8-r", RUSSIAN, "KOI8-R"),
        ("cp1252", FRENCH, "Windows-1252"),
        ("latin-1", FRENCH.replace("œ", "oe"), "Windows-1252"),
        ("cp932", JAPANESE, "Shift-JIS"),
        ("euc-jp", JAPANESE, "EUC-JP"),
        ("iso2022_jp", JAPANESE, "ISO-2022-JP"),
        ("gb18030", CHINESE, "GB18030"),
    ],
)
def test_text_in_any_encoding_reads_as_written(codec: str, text: str, label: str) -> None:
    lines = ["id,text"] + [f'{n},"{text} {n}"' for n in range(20)]
    preview = look("\r\n".join(lines).encode(codec), "x.csv")
    assert preview.json_rows() == [[n, f"{text} {n}"] for n in range(20)]
    assert preview.read_as[1] == label
    assert count("\r\n".join(lines).encode(codec), "x.csv").rows == 20


def test_a_character_cut_at_the_end_of_the_head_is_still_utf8() -> None:
    data = "жжж".encode()
    assert detect(data[:-1], whole=False).label == "UTF-8"
    assert detect(data[:-1], whole=True).label != "UTF-8"


def test_plain_ascii_is_utf8() -> None:
    assert detect(b"a,b\n1,2\n", whole=True).label == "UTF-8"


def test_late_bytes_of_another_encoding_are_read_for_themselves() -> None:
    text, encoding = decode("naïve façade à la carte".encode("cp1252"), detect(b"plain", whole=False))
    assert (text, encoding.label) == ("naïve façade à la carte", "Windows-1252")


def test_bytes_no_encoding_explains_show_a_replacement() -> None:
    preview = look(b"a,b\nx\x81y,1\nz,2\n", "x.csv")
    assert len(preview.json_rows()) == 2


def test_a_large_utf16_file_pages_like_any_other() -> None:
    text = "n,text\n" + "".join(f"{n},žluťoučký kůň {n}\n" for n in range(60_000))
    data = text.encode("utf-16")
    assert look(data, "x.csv", offset=50_000, rows=1).json_rows() == [[50_000, "žluťoučký kůň 50000"]]
    assert count(data, "x.csv").rows == 60_000
