"""Who may import whom (docs/architecture.md): read from every module's imports, wherever in the module they stand."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("api", "catalog", "db", "ops", "pages", "preview", "storage")
WIRING = ("app", "services")
"""The two modules that put the rooms together."""

MAY_IMPORT = {
    "settings": set[str](),
    "storage": {"settings"},
    "preview": {"settings"},
    "db": {"settings"},
    "catalog": {"db", "preview", "settings", "storage"},
    # The outer rooms get their services built; they know the words of storage and preview that the catalogue passes on.
    "pages": {"catalog", "preview", "services", "settings", "storage"},
    "api": {"catalog", "preview", "services", "settings", "storage"},
    "ops": {"catalog", "preview", "services", "settings", "storage"},
    "services": {"catalog", "db", "preview", "settings", "storage"},
    "app": {"api", "ops", "pages", "services", "settings", "storage"},
}
ONLY_IN = {
    "streamlit": {"app", "pages"},
    "fastapi": {"api", "app"},
    "minio": {"storage"},
    "sqlmodel": {"catalog", "db"},
    "sqlalchemy": {"catalog", "db"},
    "alembic": {"db"},
    "duckdb": {"preview"},
    "pyarrow": {"app", "pages", "preview"},
    "python_calamine": {"preview"},
    "cchardet": {"preview"},
    "faust_cchardet": {"preview"},
    "pebble": {"preview"},
    "fsspec": {"preview"},
    "typer": {"ops"},
}
"""app.py imports pyarrow only to freeze it out of the garbage collector's sight; screens show tables, not files."""


PASSES_ON_THE_ENVIRONMENT = {"preview/pool.py"}
"""Reads no setting: it hands a worker process the few variables that an interpreter needs to start."""


def modules() -> list[Path]:
    files = [ROOT / f"{name}.py" for name in (*WIRING, "settings") if (ROOT / f"{name}.py").exists()]
    for room in ROOMS:
        files += sorted((ROOT / room).rglob("*.py"))
    return files


def room_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Every module that `file` imports, under its full name, and the line; imports for type checkers count, too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                package = file.relative_to(ROOT).with_suffix("").parts[: -node.level]
                yield ".".join((*package, *(node.module or "").split("."))).rstrip("."), node.lineno
            else:
                yield node.module or "", node.lineno


def crossings() -> list[str]:
    """Every import that goes where it must not, as `file:line imports module`."""
    own = {*ROOMS, *WIRING, "settings"}
    found = []
    for file in modules():
        room = room_of(file)
        for name, line in imports(file):
            top = name.split(".")[0]
            wrong = top in own and top != room and top not in MAY_IMPORT[room]
            foreign = top in ONLY_IN and room not in ONLY_IN[top]
            if wrong or foreign:
                found.append(f"{file.relative_to(ROOT)}:{line} imports {name}")
    return found


def test_every_import_goes_inwards() -> None:
    assert crossings() == []


def test_the_rule_sees_a_crossing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The rule itself, on a small house with one wrong import of each kind: it must be able to fail.
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    for room in ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / "pages" / "one.py").write_text("def f():\n    from api import routes\n")
    (tmp_path / "catalog" / "two.py").write_text("import minio.error\nfrom . import views\n")
    (tmp_path / "preview" / "three.py").write_text("from storage import Part\nimport pyarrow\n")
    assert crossings() == [
        "catalog/two.py:1 imports minio.error",
        "pages/one.py:2 imports api",
        "preview/three.py:1 imports storage",
    ]


def test_only_settings_reads_the_environment() -> None:
    readers = []
    for file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            reads = (
                isinstance(node, ast.Attribute)
                and node.attr in ("environ", "environb", "getenv")
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
            )
            takes = (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and {a.name for a in node.names} & {"environ", "environb", "getenv"}
            )
            name = str(file.relative_to(ROOT))
            if (reads or takes) and name not in {"settings.py", *PASSES_ON_THE_ENVIRONMENT}:
                readers.append(f"{name}:{node.lineno}")
    assert readers == []


def test_no_pages_folder_beside_a_main_script() -> None:
    """Streamlit would run a file of such a folder as a page of its own, without the frame and its gate."""
    main = [file for file in ROOT.glob("*.py") if "st.navigation" in file.read_text(encoding="utf-8")]
    assert main == []
    assert not (ROOT / "pages" / "pages").exists()


def test_every_room_is_looked_at() -> None:
    folders = {file.parent.name for file in ROOT.glob("*/__init__.py")} | {
        file.parent.name for file in ROOT.glob("*/*.py")
    }
    assert folders - {*ROOMS, ".ci", "bench", "tests"} == set()
