"""The commands of README's "HTTP API", run as they stand against the real app; only address and id are filled in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app_server import ROOT, RunningApp
from tests.shelf_client import store, unique

DATA = b"station,temperature\nnorth,11.5\nsouth,14.0\n"


def block(language: str) -> str:
    section = re.search(r"## HTTP API\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert section
    found = re.search(rf"```{language}\n(.*?)```", section.group(1), re.DOTALL)
    assert found
    return found.group(1)


def run(command: list[str], folder: Path, **env: str) -> str:
    answer = subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=True, timeout=60
    )
    return answer.stdout


def test_the_shell_commands(shelf: RunningApp, tmp_path: Path) -> None:
    dataset = store(shelf, DATA, "Penguins of Þorlákshöfn.csv", name=unique("penguins"))
    script = block("sh").replace("http://localhost:8501", shelf.url)
    ids = {"file_id": dataset["files"][0]["id"], "dataset_id": dataset["id"]}
    said = run(["bash", "-euo", "pipefail", "-c", script], tmp_path, **ids)
    assert dataset["name"] in said
    assert '"north"' in said
    assert '"expiry_sec":600' in said
    (saved,) = tmp_path.iterdir()
    assert saved.read_bytes() == DATA
    with shelf.client() as client:
        kept = client.get(f"/datasets/{dataset['id']}")
    assert kept.status_code == 200, "moved to the trash, and brought back"


def test_the_upload(shelf: RunningApp, tmp_path: Path) -> None:
    (tmp_path / "measurements.csv").write_bytes(DATA)
    said = run([sys.executable, "-c", block("python").replace("http://localhost:8501", shelf.url)], tmp_path)
    name, file_id = said.rsplit(maxsplit=1)
    assert name.startswith("measurements")
    with shelf.client(follow_redirects=True) as client:
        assert client.get(f"/files/{file_id}/download").content == DATA


@pytest.mark.parametrize("path", ["/api/ml/v1/docs", "/api/ml/v1/openapi.json", "/metrics", "/api/health/live"])
def test_every_address_that_is_told_answers(local_app: RunningApp, path: str) -> None:
    with local_app.client() as client:
        assert client.get(f"{local_app.url}{path}").status_code == 200
