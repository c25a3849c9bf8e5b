"""Snippets are valid code, whatever the file is called; that they run is tested against a server."""

from __future__ import annotations

import ast
import shlex
import uuid
from datetime import UTC, datetime

import pytest

from catalog.snippets import link_snippets, snippets
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


@pytest.mark.parametrize("with_token", [False, True])
@pytest.mark.parametrize("wrapping", ["", ".gz", ".bz2", ".xz", ".zst", ".zip"])
@pytest.mark.parametrize("extension", [*FORMATS, "psv", "tab", "arrows"])
def test_every_snippet_is_valid(extension: str, wrapping: str, with_token: bool) -> None:
    file = version(f"x.{extension}{wrapping}")
    for name, text in snippets(BASE, file, with_token=with_token).items():
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
        assert ("os" in imported & used) is with_token
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


def test_the_token_comes_from_the_environment_and_is_in_no_text() -> None:
    for name, text in snippets(BASE, version("x.csv"), with_token=True).items():
        said = text.splitlines()
        assert any(line.startswith("# DATASHELF_TOKEN") for line in said)
        # Both leave the header out where a redirect leads elsewhere; `headers=` of urllib would not.
        assert ('-H "Authorization: Bearer $DATASHELF_TOKEN"' if name == "curl" else "add_unredirected_header") in text
    assert "TOKEN" not in "".join(snippets(BASE, version("x.csv")).values())


RAW = "https://shelf.example.org/s/tok-en/raw/it%27s.csv"


@pytest.mark.parametrize("wrapping", ["", ".gz", ".zst", ".zip"])
@pytest.mark.parametrize("extension", [*FORMATS, "psv", "arrows"])
def test_every_snippet_of_a_link_is_valid_and_names_it(extension: str, wrapping: str) -> None:
    for name, text in link_snippets(RAW, version(f"x.{extension}{wrapping}"), with_password=False).items():
        assert RAW in text
        if name != "curl":
            tree = ast.parse(text)
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            imports = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
            assert {alias.asname or alias.name.split(".")[0] for alias in imports} <= used
            assert ("urllib.request.urlretrieve" in text) is ("import urllib.request" in text)


def test_the_password_of_a_link_is_asked_for_by_curl_alone() -> None:
    # pandas and DuckDB would send it on to the store, whose signed links refuse a second way of signing in.
    found = link_snippets(RAW, version("it's.csv"), with_password=True)
    assert list(found) == ["curl"]
    assert shlex.split(found["curl"]) == ["curl", "-fL", "-u", "link", "-o", "it's.csv", RAW]
