"""`python -m ops`, as a process of its own beside the app or without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app_server import OWN_SETTINGS, ROOT, running_app
from tests.real_parts import free_port

SAMPLES = ["Airports", "Palmer penguins", "Movies", "Seattle weather", "Flights"]


def ops(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN_SETTINGS)}
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_samples_are_loaded_once_and_a_running_app_shows_them(tmp_path: Path) -> None:
    with running_app(tmp_path / "data") as app:
        for _ in range(2):
            answer = ops("demo", DATA_DIR=str(tmp_path / "data"))
            assert answer.returncode == 0, answer.stderr
            assert [line.split("  ")[0] for line in answer.stdout.splitlines()] == SAMPLES
        with app.client() as client:
            listed = client.get("/datasets").json()
    assert [item["name"] for item in listed["items"]] == SAMPLES
    assert listed["total"] == 5


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({"STORAGE_BACKEND": "s3"}, "STORAGE_BACKEND=s3 is not allowed"),
        (
            {"STORAGE_BACKEND": "minio", "STORAGE_FALLBACK": "fail", "MINIO__RETRY_ATTEMPTS": "1"},
            "the store cannot be reached",
        ),
    ],
    ids=["setting", "store"],
)
def test_what_keeps_the_app_from_starting_is_one_sentence(env: dict[str, str], sentence: str, tmp_path: Path) -> None:
    answer = ops("demo", DATA_DIR=str(tmp_path), MINIO__ENDPOINT=f"127.0.0.1:{free_port()}", **env)
    assert answer.returncode == 78
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("verb", ["demo", "reconcile", "lifecycle"])
def test_a_database_that_is_away_is_a_sentence_and_1(verb: str, tmp_path: Path) -> None:
    answer = ops(verb, DATA_DIR=str(tmp_path), DATABASE_URL="postgresql://u:hunter2@127.0.0.1:1/x")
    assert answer.returncode == 1
    assert answer.stderr.startswith("The database that DATABASE_URL names cannot be used: ")
    assert answer.stderr.endswith("Nothing was changed; run it again.\n")
    assert "Traceback" not in answer.stderr
    assert "hunter2" not in answer.stderr


def test_help_names_every_verb() -> None:
    answer = ops("--help")
    assert answer.returncode == 0
    assert "demo" in answer.stdout
