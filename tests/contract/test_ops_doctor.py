"""`python -m ops doctor` as a process of its own: what it says, as text and as JSON, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settings import EXIT_CONFIG
from tests.app_server import s3_env
from tests.contract.test_ops import ops
from tests.real_parts import free_port
from tests.seaweed import S3Server


@pytest.mark.s3
def test_a_missing_bucket_ends_with_1_and_prints_the_way_out(s3_server: S3Server, tmp_path: Path) -> None:
    env = s3_env(s3_server, bucket="nobody-made-this-either")
    answer = ops("doctor", DATA_DIR=str(tmp_path), PUBLIC_URL="https://shelf.example.org", **env)
    assert answer.returncode == 1, answer.stderr
    assert "There is no bucket nobody-made-this-either in the store." in answer.stdout
    assert "s3.bucket.create -name nobody-made-this-either" in answer.stdout


def test_local_disk_that_is_well_ends_with_0_and_json_says_the_same(tmp_path: Path) -> None:
    answer = ops("doctor", "--json", DATA_DIR=str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert said["verdict"]["status"] == "ok"
    assert {"data-dir", "room", "write", "database"} == {finding["id"] for finding in said["findings"]}


def test_it_looks_at_a_store_without_which_the_app_would_not_even_start(tmp_path: Path) -> None:
    env = {"STORAGE_BACKEND": "minio", "STORAGE_FALLBACK": "fail", "MINIO__ENDPOINT": f"127.0.0.1:{free_port()}"}
    answer = ops("doctor", DATA_DIR=str(tmp_path), MINIO__RETRY_ATTEMPTS="1", **env)
    assert answer.returncode == 1, answer.stderr
    assert f"{env['MINIO__ENDPOINT']} refuses the connection." in answer.stdout


def test_a_setting_that_is_not_allowed_ends_with_78(tmp_path: Path) -> None:
    answer = ops("doctor", DATA_DIR=str(tmp_path), STORAGE_BACKEND="tape")
    assert answer.returncode == EXIT_CONFIG
    assert "STORAGE_BACKEND" in answer.stderr
    assert answer.stdout == ""
