"""What is imported is pinned, and what is pinned is needed."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN = {"api", "app", "bench", "catalog", "db", "ops", "pages", "preview", "services", "settings", "storage", "tests"}
PRODUCT = OWN - {"bench", "tests"}
NEEDED_UNIMPORTED = {
    "psycopg": "SQLAlchemy's driver for postgresql+psycopg://",
    "python-multipart": "FastAPI's forms",
    "uvicorn": "serves what `streamlit run` starts",
}
TOOLS = {"pip-audit", "mypy", "pre-commit", "pytest-rerunfailures", "pytest-xdist", "ruff"}


def pinned(name: str) -> set[str]:
    """The packages of a requirements file; every one must be pinned."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[[\w,]+\])?==[\w.]+", line) for line in wanted]
    assert all(found), wanted
    return {normal(match.group(1)) for match in found if match}


def normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folders: set[str]) -> dict[str, str]:
    """Every foreign package that is imported, with a file that does."""
    files = [ROOT / f"{name}.py" for name in folders if (ROOT / f"{name}.py").exists()]
    files += [file for name in folders for file in (ROOT / name).rglob("*.py")]
    providers, found = packages_distributions(), {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.split(".")[0] for name in names} - OWN - sys.stdlib_module_names - {"_typeshed"}:
                for package in providers.get(top, [top]):
                    found[normal(package)] = str(file.relative_to(ROOT))
    return found


def test_what_the_product_imports_is_pinned() -> None:
    missing = {name: file for name, file in imported(PRODUCT).items() if name not in pinned("requirements.txt")}
    assert missing == {}


def test_what_tests_and_benchmarks_import_is_pinned() -> None:
    known = pinned("requirements.txt") | pinned("requirements-dev.txt")
    missing = {name: file for name, file in imported(OWN).items() if name not in known}
    assert missing == {}


def test_what_is_pinned_is_needed() -> None:
    unused = pinned("requirements.txt") - set(imported(PRODUCT)) - set(NEEDED_UNIMPORTED)
    assert unused == set()


def test_what_is_pinned_for_development_is_needed() -> None:
    left = pinned("requirements-dev.txt") - set(imported(OWN)) - TOOLS
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "catalog").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files if file != Path(__file__))
    # Some are used by name: in a subprocess, in a snippet that a test runs, as stubs for mypy.
    assert {
        name for name in left if not name.startswith("types-") and not name.endswith("-stubs") and name not in text
    } == set()
