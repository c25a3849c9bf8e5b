"""`python -m ops migrate` as an operator runs it: checklist, move, report, exit status; and what the guide says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.app_server import OWN_SETTINGS, ROOT, s3_env
from tests.contract.test_ops import ops
from tests.seaweed import S3Server

pytestmark = [pytest.mark.s3, pytest.mark.long]
GUIDE = ROOT / "docs" / "minio_migration_guide.md"
TO_STORE = ("migrate", "--from", "local", "--to", "minio")
TO_DISK = ("migrate", "--from", "minio", "--to", "local")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the five samples on local disk."""
    folder = tmp_path_factory.mktemp("samples") / "data"
    assert ops("demo", DATA_DIR=str(folder)).returncode == 0
    return folder


@pytest.fixture
def env(tmp_path: Path, samples: Path, s3_server: S3Server) -> dict[str, str]:
    """Five samples on local disk, and a store that is to take new files."""
    # copy2 keeps the times, by which local disk knows its objects' facts again.
    shutil.copytree(samples, tmp_path / "data")
    return {"DATA_DIR": str(tmp_path / "data"), **s3_env(s3_server, bucket=f"t-{uuid.uuid4().hex[:20]}")}


def test_there_and_back_with_a_report_and_old_copies_that_go_when_asked(env: dict[str, str], tmp_path: Path) -> None:
    objects = tmp_path / "data" / "objects" / "datasets"
    held = {path.name: path.read_bytes() for path in objects.rglob("*") if path.is_file()}
    looked = ops(*TO_STORE, "--dry-run", **{**env, "STORAGE_BACKEND": "local"})
    assert looked.returncode == 0, looked.stderr
    assert f"{env['MINIO__BUCKET']}: missing" in looked.stdout
    assert "note  Settings    STORAGE_BACKEND=local" in looked.stdout
    assert "Moves       5 files" in looked.stdout

    moved = ops(*TO_STORE, "--json", str(tmp_path / "report.json"), **env)
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert "Moved and verified: 5 files" in moved.stdout
    assert "Nothing is left on local disk." in moved.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["moved"], report["verified"], report["complete"], report["failed"]) == (5, 5, True, [])

    unasked = ops(*TO_STORE, "--delete-source", **env)
    assert unasked.returncode == 1
    assert {path.name for path in objects.rglob("*") if path.is_file()} == held.keys()
    let_go = ops(*TO_STORE, "--delete-source", "--yes", **env)
    assert let_go.returncode == 0, let_go.stdout
    assert "Old copies deleted: 5" in let_go.stdout
    assert [path for path in objects.rglob("*") if path.is_file()] == []

    back = ops(*TO_DISK, **env)
    assert back.returncode == 0, back.stdout
    assert {path.name: path.read_bytes() for path in objects.rglob("*") if path.is_file()} == held


def test_what_is_left_is_named_and_the_status_is_1(env: dict[str, str], tmp_path: Path) -> None:
    lost = next(path for path in (tmp_path / "data" / "objects" / "datasets").rglob("*") if path.is_file())
    lost.unlink()
    answer = ops(*TO_STORE, **env)
    assert answer.returncode == 1
    assert "Moved and verified: 4 files" in answer.stdout
    assert f"({lost.name}): Local disk: there is no such object on the local disk." in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_store_that_is_away_stops_it_before_anything_is_moved(env: dict[str, str]) -> None:
    answer = ops(*TO_STORE, **{**env, "STORAGE_BACKEND": "local", "MINIO__ENDPOINT": "127.0.0.1:1"})
    assert answer.returncode == 1
    assert "stop  To          The store cannot be reached" in answer.stdout
    assert "Nothing was moved" in answer.stdout


def test_a_way_that_leads_nowhere_is_wrong_usage(tmp_path: Path) -> None:
    answer = ops("migrate", "--from", "local", "--to", "local", DATA_DIR=str(tmp_path))
    assert answer.returncode == 2
    assert "name two different ones" in answer.stderr


def test_ctrl_c_ends_it_in_order_and_the_same_command_goes_on(env: dict[str, str]) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(OWN_SETTINGS)}
    process = subprocess.Popen(
        # A rate at which the samples would take minutes.
        [sys.executable, "-u", "-m", "ops", *TO_STORE, "--limit-rate", "0.05"],
        cwd=ROOT,
        env={**clean, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "Moves " in line:
            break
    lock = Path(env["DATA_DIR"]) / "migrate.lock"
    while not lock.exists():
        assert process.poll() is None, said
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 1, rest
    assert "Stopping." in rest
    assert "The move ended early. It was stopped." in rest
    answer = ops(*TO_STORE, **env)
    assert answer.returncode == 0, answer.stdout
    assert "Nothing is left on local disk." in answer.stdout


def test_the_guide_shows_the_checklist_and_the_options_that_there_are(env: dict[str, str]) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    shown = set(re.findall(r"^ +(?:ok|note|stop) +(\w+)", guide, re.MULTILINE))
    printed = set(re.findall(r"^ +(?:ok|note|stop) +(\w+)", ops(*TO_STORE, "--dry-run", **env).stdout, re.MULTILINE))
    assert printed <= shown
    assert shown - printed == {"Stays"}
    options = set(re.findall(r"^\| `(--[\w-]+)", guide, re.MULTILINE)) | {"--delete-source", "--yes"}
    told = ops("migrate", "--help", COLUMNS="200").stdout
    assert set(re.findall(r"(--[\w-]+)", told)) - {"--help", "--from", "--to"} == options
