"""`python -m ops backup` and `restore` as an operator runs them: beside the running app, and into a new one."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from ops.__main__ import app as commands
from tests import shelf_client
from tests.app_server import OWN_SETTINGS, ROOT, running_app

pytestmark = pytest.mark.long

FILES = {"naïve ☕.csv": b"id,name\n1,one\n", "nothing.csv": b"", "large.bin": bytes(range(256)) * 8192}


def ops(*arguments: str, largest: int | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command; `largest` is the size in bytes that a file may grow to, as where a disk is full."""
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN_SETTINGS)}
    limit = None if largest is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    return subprocess.run(
        [sys.executable, "-m", "ops", *arguments],
        cwd=ROOT,
        env={**clean, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=limit,
    )


def test_backed_up_beside_the_running_app_and_served_by_another(tmp_path: Path) -> None:
    data, place, new = (str(tmp_path / name) for name in ("data", "backup", "new"))
    with running_app(tmp_path / "data") as app:
        for name, content in FILES.items():
            shelf_client.store(app, content, name)
        first = ops("backup", place, "--objects", "--json", DATA_DIR=data)
        assert first.returncode == 0, first.stderr
        report = json.loads(first.stdout)
        assert (report["clean"], report["done"]["copied"]) == (True, len(FILES))
        second = ops("backup", place, "--objects", "--keep", "1", DATA_DIR=data)
        assert second.returncode == 0, second.stderr
        assert f"0 files copied (0 bytes), {len(FILES)} there already" in second.stdout
    secret = (tmp_path / "data" / "secret_key").read_bytes()
    assert not any(secret in path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file())

    checked = ops("restore", place, "--verify-only", DATA_DIR=new)
    assert checked.returncode == 0, checked.stderr
    assert not (tmp_path / "new").exists()
    done = ops("restore", place, DATA_DIR=new)
    assert done.returncode == 0, done.stderr
    assert f"{len(FILES)} files" in done.stdout
    with running_app(tmp_path / "new") as app, app.client() as client:
        listed = client.get("/datasets").json()
        assert {item["file_name"] for item in listed["items"]} == set(FILES)
        for item in listed["items"]:
            assert httpx.get(item["download_url"]).content == FILES[item["file_name"]]


def test_a_full_disk_is_a_sentence_and_leaves_earlier_snapshots_alone(tmp_path: Path) -> None:
    data, place = str(tmp_path / "data"), str(tmp_path / "backup")
    assert ops("demo", DATA_DIR=data).returncode == 0
    assert ops("backup", place, DATA_DIR=data).returncode == 0
    before = sorted((tmp_path / "backup" / "snapshots").iterdir())
    full = ops("backup", place, "--objects", DATA_DIR=data, largest=200_000)
    assert full.returncode == 1
    assert "The disk that holds the backup has no room left. Earlier snapshots are untouched." in full.stderr
    assert "Traceback" not in full.stderr
    assert sorted((tmp_path / "backup" / "snapshots").iterdir()) == before
    assert list((tmp_path / "backup" / ".incoming").iterdir()) == []
    after = ops("backup", place, "--objects", "--json", DATA_DIR=data)
    assert after.returncode == 0, after.stderr
    assert json.loads(after.stdout)["done"]["reused"] > 0, "what fitted is not copied again"


def test_places_that_cannot_be_are_refused_in_words(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    inside = ops("backup", f"{data}/backup", DATA_DIR=data)
    assert (inside.returncode, "inside DATA_DIR" in inside.stderr) == (2, True)
    leaked = ops("backup", "s3://key:hunter2@bucket/x", DATA_DIR=data)
    assert (leaked.returncode, "never from the address" in leaked.stderr) == (2, True)
    assert "hunter2" not in leaked.stderr
    for place in ("", "s3:/bucket/x"):
        no_place = ops("backup", place, DATA_DIR=data)
        assert (no_place.returncode, "s3://bucket/prefix" in no_place.stderr) == (2, True)
    assert not (ROOT / "s3:").exists()
    nothing = ops("restore", str(tmp_path / "nowhere"), DATA_DIR=data)
    assert (nothing.returncode, "There is no complete backup at" in nothing.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "does", "sentence"),
    [
        (["backup"], "ops.backup.Backup.run", "Earlier snapshots are untouched."),
        (["restore"], "ops.restore.Restore.run", "it goes on where it was."),
        (["restore", "--verify-only"], "ops.restore.verify", "Nothing was changed."),
    ],
)
def test_ctrl_c_is_a_sentence_and_130(
    arguments: list[str], does: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(does, interrupted)
    answer = CliRunner().invoke(commands, [*arguments, str(tmp_path / "backup")])
    assert answer.exit_code == 130
    assert answer.stderr.startswith("Stopped. ")
    assert sentence in answer.stderr
