"""What a file name says about its content: the format, the wrapping (gzip, zip …) and the media type. No byte is read
here.
"""

from __future__ import annotations

from pathlib import PurePosixPath

FORMATS = ("csv", "tsv", "json", "jsonl", "parquet", "arrow", "xlsx", "xls", "ods", "other")

TEXT_FORMATS = frozenset({"csv", "tsv", "json", "jsonl"})
"""Formats whose rows have to be counted by reading them all."""

EXTENSIONS = {
    "csv": "csv",
    "psv": "csv",
    "ssv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "json": "json",
    "geojson": "json",
    "topojson": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "geojsonl": "jsonl",
    "parquet": "parquet",
    "parq": "parquet",
    "pq": "parquet",
    "geoparquet": "parquet",
    "arrow": "arrow",
    "arrows": "arrow",
    "feather": "arrow",
    "ftr": "arrow",
    "ipc": "arrow",
    "xlsx": "xlsx",
    "xlsm": "xlsx",
    "xlsb": "xlsx",
    "xls": "xls",
    "ods": "ods",
}

WRAPPINGS = {
    "gz": "gzip",
    "gzip": "gzip",
    "bz2": "bz2",
    "bz": "bz2",
    "xz": "xz",
    "lzma": "xz",
    "zst": "zstd",
    "zstd": "zstd",
    "zip": "zip",
}

MEDIA_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "gzip": "application/gzip",
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
    "zstd": "application/zstd",
    "zip": "application/zip",
    "other": "application/octet-stream",
}

SERVED_TYPES = frozenset(MEDIA_TYPES.values())
"""Media types that no browser takes for a script, a style or a page."""

TITLES = {
    "csv": "CSV",
    "tsv": "TSV",
    "json": "JSON",
    "jsonl": "JSON Lines",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "xlsx": "Excel",
    "xls": "Excel",
    "ods": "OpenDocument",
    "gzip": "gzip",
    "bz2": "bzip2",
    "xz": "xz",
    "zstd": "Zstandard",
    "zip": "zip",
}
"""What a user calls them."""


def format_of(file_name: str) -> str:
    """One of `FORMATS`, by the name alone; a wrapping is looked through (`x.csv.gz` → `csv`, `x.gz` → `other`)."""
    suffixes = _suffixes(file_name)
    if suffixes and suffixes[-1] in WRAPPINGS:
        suffixes = suffixes[:-1]
    return EXTENSIONS.get(suffixes[-1], "other") if suffixes else "other"


def wrapping_of(file_name: str) -> str | None:
    """`gzip`, `bz2`, `xz`, `zstd`, `zip` or None, by the name alone."""
    suffixes = _suffixes(file_name)
    return WRAPPINGS.get(suffixes[-1]) if suffixes else None


def media_type_of(file_name: str) -> str:
    """The media type to store and serve the bytes with: a wrapped file's is that of the wrapping."""
    return MEDIA_TYPES[wrapping_of(file_name) or format_of(file_name)]


def _suffixes(file_name: str) -> list[str]:
    # A name that begins with a dot is all name, as everywhere on Unix; PurePosixPath keeps that rule.
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return [suffix[1:].lower() for suffix in PurePosixPath(name).suffixes] if name else []
