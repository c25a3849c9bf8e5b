"""What the first bytes say a file is, whatever its name."""

from __future__ import annotations

import re
from typing import Final

SIGNATURES: Final = (
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"ARROW1\x00\x00", "arrow"),
    (b"FEA1", "feather1"),
    (b"\x1f\x8b", "gzip"),
    *((b"BZh%d1AY&SY" % level, "bz2") for level in range(1, 10)),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
)

STRANGERS: Final = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF media file"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"CDF\x01", "a NetCDF file"),
    (b"CDF\x02", "a NetCDF file"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a Java class"),
    (b"OggS", "an Ogg media file"),
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"\x04\x22\x4d\x18", "an LZ4 file"),
    (b"\xff\x06\x00\x00sNaPpY", "a Snappy file"),
    (b"GGUF", "a GGUF model"),
    (b"RDX", "an R data file"),
    (b"RDA", "an R data file"),
    (b"<stata_dta>", "a Stata file"),
    (b"$FL2", "an SPSS file"),
    (b"$FL3", "an SPSS file"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"DUCK", "a DuckDB database"),
)

WORKBOOK_PARTS: Final = ("xl/workbook.xml", "xl/workbook.bin")

_BINARY_CONTROLS = bytes(set(range(32)) - {7, 8, 9, 10, 11, 12, 13, 26, 27, 28, 29, 30, 31, 1, 2, 3})
_HTML = re.compile(rb"\s*(<!doctype html|<html|<head|<body)", re.IGNORECASE)
_XML = re.compile(rb"\s*<(\?xml|!doctype|[a-z][\w:.-]*[\s>])", re.IGNORECASE)


def signature_of(head: bytes) -> str | None:
    """`parquet arrow arrow-stream feather1 gzip bz2 xz zstd zip ole`, or None where the first bytes are none of
    these.
    """
    for magic, kind in SIGNATURES:
        if head.startswith(magic):
            return kind
    # An IPC stream has no magic: a continuation marker, then a small little-endian length, then a flatbuffer whose root
    # offset is small too (Arrow columnar format, "Encapsulated message format").
    if head[:4] == b"\xff\xff\xff\xff" and len(head) >= 12:
        length = int.from_bytes(head[4:8], "little")
        root = int.from_bytes(head[8:12], "little")
        if 0 < length < 1 << 28 and 0 < root < length:
            return "arrow-stream"
    return None


def stranger(head: bytes) -> str | None:
    """What a file is that holds no table, in words ("a PDF document"), or None."""
    for magic, name in STRANGERS:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "a video or HEIC picture"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[128:132] == b"DICM":
        return "a DICOM picture"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle, which is never opened because opening one runs what is in it"
    return None


def markup(head: bytes) -> str | None:
    """What a text in angle brackets is, or None."""
    if _HTML.match(head[:512]):
        return "a web page (HTML)"
    return "an XML document" if _XML.match(head[:512]) else None


def is_binary(head: bytes) -> bool:
    """Whether the bytes are no text in any 8-bit or UTF-8 encoding. UTF-16 and UTF-32 have to be ruled out before."""
    sample = head[:65536]
    if not sample:
        return False
    if b"\0" in sample and sample.count(b"\0") > len(sample) // 1000:
        return True
    controls = len(sample) - len(sample.translate(None, _BINARY_CONTROLS))
    return controls > len(sample) // 100
