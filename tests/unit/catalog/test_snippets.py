"""Snippets are valid code, whatever the file is called; that they run is tested against a server."""

from __future__ import annotations

import ast
import shlex
import uuid
from datetime import UTC, datetime

import pytest

from catalog.snippets import snippets
from catalog.views import FileVersion
from preview.formats import FORMATS, format_of, media_type_of
from storage import Backend

BASE = "http://localhost:8501"


def version(file_name: str) -> FileVersion:
    return FileVersion(
        id=uuid.uuid4(),
        dataset_id=uuid.uuid4(),
        version=1,
        file_name=file_name,
        format=format_of(file_name),
        media_type=media_type_of(file_name),
        size=1,
        sha256=None,
        sha256_verified=False,
        rows=None,
        columns=None,
        status="ready",
        created_at=datetime.now(UTC),
        backend=Backend.LOCAL,
        downloads=0,
        rows_counted="unknown",
    )


@pytest.mark.parametrize("wrapping", ["", ".gz", ".bz2", ".xz", ".zst", ".zip"])
@pytest.mark.parametrize("extension", [*FORMATS, "psv", "tab", "arrows"])
def test_every_snippet_is_valid(extension: str, wrapping: str) -> None:
    file = version(f"x.{extension}{wrapping}")
    for name, text in snippets(BASE, file).items():
        if name == "curl":
            continue
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert {"json", "urllib"} <= imported & used
        assert f"{BASE}/api/ml/v1/files/{file.id}/download-url" in text


@pytest.mark.parametrize("file_name", ["x.pdf", "x", "x.zip", "x.parquet.gz"])
def test_without_a_table_there_is_only_curl(file_name: str) -> None:
    assert list(snippets(BASE, version(file_name))) == ["curl"]


@pytest.mark.parametrize(
    "file_name", ["it's.csv", '$(rm -rf ~)".csv', "a b;c.csv", "-o.csv", "-", "`x`.csv", "ü 🎉.csv"]
)
def test_curl_saves_under_any_name(file_name: str) -> None:
    words = shlex.split(snippets(BASE, version(file_name))["curl"])
    assert words[:3] == ["curl", "-fL", "-o"]
    assert words[3].removeprefix("./") == file_name
    assert not words[3].startswith("-")
    assert len(words) == 5
