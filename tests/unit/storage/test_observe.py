"""One log line and one measurement for each operation, however it ends."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from storage import BucketRole, FileNotInStorage, LocalFileStorage, ObjectRef

REF = ObjectRef(BucketRole.DATASETS, "datasets/x")


@pytest.fixture
def storage(tmp_path: Path) -> LocalFileStorage:
    made = LocalFileStorage(tmp_path, b"k" * 32, lambda: "http://shelf")
    made.prepare()
    return made


def counted(operation: str, outcome: str) -> float:
    labels = {"backend": "local", "operation": operation, "outcome": outcome}
    return REGISTRY.get_sample_value("datashelf_storage_operations_total", labels) or 0


def timed(operation: str) -> float:
    labels = {"backend": "local", "operation": operation}
    return REGISTRY.get_sample_value("datashelf_storage_operation_seconds_count", labels) or 0


def test_success_is_logged_and_counted(storage: LocalFileStorage) -> None:
    before, times = counted("upload_file", "ok"), timed("upload_file")
    with capture_logs() as logs:
        storage.upload_file(REF, io.BytesIO(b"x"), 1, "text/csv")
    (line,) = logs
    assert {name: line[name] for name in ("backend", "operation", "outcome", "role", "key", "log_level")} == {
        "backend": "local",
        "operation": "upload_file",
        "outcome": "ok",
        "role": "datasets",
        "key": "datasets/x",
        "log_level": "info",
    }
    assert line["duration_ms"] > 0
    assert counted("upload_file", "ok") == before + 1
    assert timed("upload_file") == times + 1


def test_failure_is_logged_with_its_outcome(storage: LocalFileStorage) -> None:
    before = counted("stat_file", "not_found")
    with capture_logs() as logs, pytest.raises(FileNotInStorage):
        storage.stat_file(REF)
    assert [line["outcome"] for line in logs] == ["not_found"]
    assert counted("stat_file", "not_found") == before + 1


def test_reader_that_gives_up_is_interrupted_and_not_a_failure_of_the_store(storage: LocalFileStorage) -> None:
    storage.upload_file(REF, io.BytesIO(b"x"), 1, "text/csv")
    before = counted("get_file", "interrupted")
    with pytest.raises(ZeroDivisionError), storage.get_file(REF):
        _ = 1 // 0
    assert counted("get_file", "interrupted") == before + 1


def test_signed_links_and_secrets_stay_out_of_the_log(storage: LocalFileStorage) -> None:
    with capture_logs() as logs:
        url = storage.get_presigned_url(REF, timedelta(minutes=1), "private name.csv")
    assert [line["log_level"] for line in logs] == ["debug"]
    assert url.rpartition("signature=")[2] not in str(logs)
    assert "private name" not in str(logs)
