"""`python -m ops reconcile` and `lifecycle`, as processes of their own: what they say and how they end."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from catalog.removal import ref_of
from db import open_database
from storage import BucketRole
from tests.contract.catalog.conftest import local_storages, make_shelf
from tests.contract.catalog.damaging import DATA, lost_key, plant, row
from tests.contract.test_ops import ops
from tests.real_parts import free_port


@pytest.fixture
def data_dir(sqlite_template: Path, tmp_path: Path) -> Path:
    """A shelf with a file whose object is gone, one that is good, two versions, and an object of the day before
    yesterday that nobody knows of."""
    shutil.copyfile(sqlite_template, tmp_path / "datashelf.db")
    with (
        closing(local_storages(tmp_path)) as storages,
        open_database(f"sqlite:///{tmp_path / 'datashelf.db'}") as database,
    ):
        shelf = make_shelf(database, storages)
        good = shelf.upload(DATA, name="Good")
        shelf.upload(DATA, dataset_id=good.summary.id)
        lost = shelf.upload(DATA, name="Lost").files[0].id
        storages.local.delete_file(ref_of(row(shelf, lost)))
        key = plant(shelf, lost_key(shelf, BucketRole.MODELS)).key
        old = time.time() - 2 * 86_400
        os.utime(storages.local.root / "models" / key, (old, old))
    return tmp_path


def test_reconcile_says_what_it_finds_repairs_it_when_asked_and_is_clean_then(data_dir: Path) -> None:
    told = ops("reconcile", DATA_DIR=str(data_dir))
    assert told.returncode == 1, told.stderr
    assert "Files whose bytes the store no longer has: 1 (8 bytes)" in told.stdout
    assert "Objects that no file stands for: 1 (8 bytes)" in told.stdout
    assert "Put them back from a backup (docs/backup.md, “One file back”), or upload them again" in told.stdout
    assert "2 findings; nothing was changed. Run it again with --apply" in told.stdout
    repaired = ops("reconcile", "--apply", "--json", DATA_DIR=str(data_dir))
    assert repaired.returncode == 0, repaired.stderr
    report = json.loads(repaired.stdout)
    assert {group["kind"]: group["repaired"] for group in report["groups"]} == {"lost": 1, "orphan": 1}
    assert (report["clean"], report["applied"], report["checked"]["files"]) == (True, True, 3)
    clean = ops("reconcile", "--deep", DATA_DIR=str(data_dir))
    assert clean.returncode == 0, clean.stdout
    assert "Read 2 files to the end (16 bytes)." in clean.stdout
    assert "Known already: 1 file marked failed earlier." in clean.stdout
    assert clean.stdout.endswith("Clean: catalogue and stores agree.\n")


@pytest.mark.parametrize(
    ("arguments", "env", "status", "sentence"),
    [
        (("--older-than", "23h"), {}, 2, "Nothing younger than a day is ever removed"),
        (("--older-than", "soon"), {}, 2, "for example 24h or 7d"),
        ((), {"STORAGE_BACKEND": "s3"}, 78, "STORAGE_BACKEND=s3 is not allowed"),
        (("--apply",), {"STORAGE_BACKEND": "minio", "MINIO__RETRY_ATTEMPTS": "1"}, 1, "The check was not finished"),
    ],
    ids=["young", "no age", "setting", "store away"],
)
def test_reconcile_ends_with_a_sentence(
    arguments: tuple[str, ...], env: dict[str, str], status: int, sentence: str, data_dir: Path
) -> None:
    answer = ops(
        "reconcile",
        *arguments,
        DATA_DIR=str(data_dir),
        MINIO__ENDPOINT=f"127.0.0.1:{free_port()}",
        COLUMNS="200",
        **env,
    )
    assert (answer.returncode, "Traceback" in answer.stderr) == (status, False), answer.stderr
    assert sentence in answer.stderr


def test_lifecycle_tells_before_it_takes(data_dir: Path) -> None:
    told = ops("lifecycle", DATA_DIR=str(data_dir), LIFECYCLE__VERSIONS="1")
    assert told.returncode == 0, told.stderr
    assert "Versions beyond the 1 newest of a dataset: 1 (8 bytes)" in told.stdout
    assert "Good, version 1 (data.csv)" in told.stdout
    assert "off (switch it on with LIFECYCLE__UNTOUCHED=true)" in told.stdout
    assert "Nothing was changed. --apply clears these 1 away" in told.stdout
    done = ops("lifecycle", "--apply", "--json", "--set-in-store", DATA_DIR=str(data_dir), LIFECYCLE__VERSIONS="1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {rule["rule"]: rule["done"] for rule in report["rules"]} == {
        "temp": 0,
        "uploads": 0,
        "untouched": 0,
        "versions": 1,
    }
    assert report["store"] == []


def test_moving_a_dataset_that_is_not_there_is_wrong_usage(data_dir: Path) -> None:
    unknown = str(uuid.uuid4())
    answer = ops(
        "migrate", "--from", "local", "--to", "minio", "--dataset", unknown, DATA_DIR=str(data_dir), COLUMNS="200"
    )
    assert answer.returncode == 2, answer.stderr
    assert f"There is no dataset {unknown}" in answer.stderr
    assert "Nothing is left" not in answer.stdout
