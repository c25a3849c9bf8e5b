"""What CI says of known vulnerabilities, and what it says where it cannot know."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def audit() -> ModuleType:
    file = Path(__file__).resolve().parents[2] / ".ci" / "audit.py"
    spec = importlib.util.spec_from_file_location("audit", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_installed_is_audited_and_what_only_tests_need_is_not(audit: ModuleType) -> None:
    packages = audit.shipped()
    assert {"fastapi", "streamlit", "argon2-cffi"} <= packages.keys()
    assert "anyio" in packages  # that they bring
    assert not {"pytest", "playwright", "schemathesis"} & packages.keys()


CLEAN = {"name": "Fast_API", "version": "1", "vulns": []}
BAD = {"name": "minio", "version": "7", "vulns": [{"id": "PYSEC-1", "fix_versions": ["8"]}]}
SKIPPED = {"name": "minio", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("results", "code", "said"),
    [
        ([CLEAN, {**BAD, "vulns": []}], 0, "none of 2 packages has a known vulnerability"),
        ([CLEAN, BAD], 1, "PYSEC-1, fixed in 8"),
        ([CLEAN, SKIPPED], 0, "1 packages are clean; NOT AUDITED: minio."),
        ([SKIPPED, {**SKIPPED, "name": "fast-api"}], 0, "NOTHING WAS AUDITED"),
        (OSError("no route to host"), 0, "NOTHING WAS AUDITED"),
    ],
)
def test_each_outcome_is_said(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    results: list[dict[str, Any]] | OSError,
    code: int,
    said: str,
) -> None:
    def audited(_packages: dict[str, str]) -> list[dict[str, Any]]:
        if isinstance(results, OSError):
            raise results
        return results

    monkeypatch.setattr(audit, "shipped", lambda: {"fast-api": "1", "minio": "7"})
    monkeypatch.setattr(audit, "audited", audited)
    assert audit.main() == code
    assert said in capsys.readouterr().out
