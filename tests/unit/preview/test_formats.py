"""What names say."""

from __future__ import annotations

import pytest

from preview.formats import format_of, media_type_of, wrapping_of


@pytest.mark.parametrize(
    ("name", "format_", "wrapping", "media_type"),
    [
        ("x.csv", "csv", None, "text/csv"),
        ("X.CSV", "csv", None, "text/csv"),
        ("x.csv.gz", "csv", "gzip", "application/gzip"),
        ("x.tar.gz", "other", "gzip", "application/gzip"),
        ("x.gz", "other", "gzip", "application/gzip"),
        ("a.b.tsv", "tsv", None, "text/tab-separated-values"),
        ("x.ndjson.zst", "jsonl", "zstd", "application/zstd"),
        ("x.geojson", "json", None, "application/json"),
        ("x.parquet", "parquet", None, "application/vnd.apache.parquet"),
        ("x.feather", "arrow", None, "application/vnd.apache.arrow.file"),
        ("x.xlsm", "xlsx", None, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("x.xls", "xls", None, "application/vnd.ms-excel"),
        ("x.ods", "ods", None, "application/vnd.oasis.opendocument.spreadsheet"),
        ("x.csv.zip", "csv", "zip", "application/zip"),
        ("x.zip", "other", "zip", "application/zip"),
        ("csv", "other", None, "application/octet-stream"),
        (".csv", "other", None, "application/octet-stream"),
        ("", "other", None, "application/octet-stream"),
        ("folder.csv/x", "other", None, "application/octet-stream"),
        ("x.pdf", "other", None, "application/octet-stream"),
    ],
)
def test_names(name: str, format_: str, wrapping: str | None, media_type: str) -> None:
    assert (format_of(name), wrapping_of(name), media_type_of(name)) == (format_, wrapping, media_type)
