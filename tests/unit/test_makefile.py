"""The Makefile on machines that lack something: each gets a sentence that says what to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "echo", "rm", "touch", "mkdir", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A project folder with the Makefile, and in bin/ what every machine has; no Python."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def make(machine: Path, target: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("make")
    if found is None:
        pytest.skip("make is not on this machine")
    return subprocess.run(
        [found, target],
        cwd=machine,
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(machine: Path, name: str, script: str) -> None:
    file = machine / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_without_python_it_says_which_to_install(machine: Path) -> None:
    answer = make(machine, "run")
    assert answer.returncode != 0
    assert "Datashelf needs Python 3.11 or later, and none was found." in answer.stderr
    assert not (machine / ".venv").exists()


def test_a_python_that_is_too_old_is_passed_over(machine: Path) -> None:
    program(machine, "python3", "exit 1")  # what the version question gets from 3.10
    assert "none was found" in make(machine, "run").stderr


def test_a_python_without_venv_is_named_with_its_remedy(machine: Path) -> None:
    program(machine, "python3", 'case "$1" in -c) exit 0 ;; *) mkdir -p .venv; exit 1 ;; esac')
    answer = make(machine, "run")
    assert answer.returncode != 0
    assert "python3 cannot make a virtual environment. Install its venv module" in answer.stderr
    assert not (machine / ".venv").exists(), "a half-made environment would pass for a whole one"


def test_what_is_installed_is_installed_once(machine: Path) -> None:
    (machine / ".venv" / "bin").mkdir(parents=True)
    program(machine, "fake", 'echo "$@" >> calls')
    (machine / ".venv" / "bin" / "python").symlink_to(machine / "bin" / "fake")
    for _ in range(2):
        assert make(machine, "run").returncode == 0
    calls = (machine / "calls").read_text().splitlines()
    assert len([call for call in calls if "pip" in call]) == 1
    assert calls[-1] == "-m streamlit run app.py"
