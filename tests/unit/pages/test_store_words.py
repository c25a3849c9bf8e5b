"""What the banner and the Storage screen say about a store that is well, that is away, and that runs full."""

from __future__ import annotations

from datetime import timedelta

import pytest

import settings
from catalog.datasets import StoreUse
from pages import failures
from pages.banner import Outage
from pages.findings import Finding, findings, uses_disk, verdict
from storage import Backend, Health, StorageState

WELL = Health(ok=True, detail="", latency=timedelta(milliseconds=38), free_bytes=38_000_000_000)
AWAY = Health(ok=False, detail="The connection to minio:9000 was refused.")


@pytest.fixture
def minio() -> settings.Settings:
    return settings.load(storage_backend="minio", _env_file=None)


def state(*, active: Backend, reachable: bool) -> StorageState:
    return StorageState(Backend.MINIO, active, reachable)


def test_a_fallback_says_where_new_files_go_and_what_cannot_be_had() -> None:
    away = Outage("the store at minio:9000", fallen_back=True, files=3, free=38_000_000_000, every=10)
    assert away.title == "The store at minio:9000 does not answer"
    assert away.sentence == (
        "New files are kept on this server’s disk (38.0 GB free). 3 files there cannot be read or downloaded until "
        "then, and none is lost. It is tried again every 10 s."
    )


def test_an_outage_says_that_uploads_wait_and_promises_no_disk() -> None:
    away = Outage("the store at minio:9000", fallen_back=False, files=0, free=None, every=10)
    assert away.sentence == "Uploads wait and go on when it is back. It is tried again every 10 s."


def test_a_store_that_answers_is_well(minio: settings.Settings) -> None:
    now = state(active=Backend.MINIO, reachable=True)
    lines = findings(now, WELL, WELL, [StoreUse(Backend.MINIO, "mlops-files", "datasets", 136, 12_900_000_000)], minio)
    assert [line.title for line in lines if line.good is False] == []
    assert lines[0] == Finding("Store answers", "Asked and answered in 38 ms.", good=True)
    assert lines[-1] == Finding("In bucket mlops-files, datasets", "136 objects, 12.9 GB")
    assert verdict(now, lines, minio) == (
        True,
        "All is well",
        "the store at minio:9000 answers, and new files go there",
    )


def test_what_is_wrong_stands_first(minio: settings.Settings) -> None:
    now = state(active=Backend.LOCAL, reachable=False)
    lines = findings(now, AWAY, WELL, [], minio)
    assert [line.good for line in lines] == [False, False, True]
    assert lines[0].text == AWAY.detail
    good, sentence, meaning = verdict(now, lines, minio)
    assert not good
    assert sentence == "The store at minio:9000 does not answer"
    assert meaning == "new files go to this server’s disk until it does"


def test_little_room_is_not_well(minio: settings.Settings) -> None:
    now = state(active=Backend.MINIO, reachable=True)
    full = Health(ok=True, detail="", free_bytes=10_000_000)
    lines = findings(now, WELL, full, [], minio)
    assert verdict(now, lines, minio)[:2] == (False, "Look at: Room left")


def test_a_disk_that_nothing_needs_is_not_looked_at(minio: settings.Settings) -> None:
    now = state(active=Backend.MINIO, reachable=True)
    there = StoreUse(Backend.MINIO, "mlops-files", "datasets", 1, 1)
    here = StoreUse(Backend.LOCAL, "datasets", "datasets", 1, 1)
    assert not uses_disk(now, [there])
    assert uses_disk(now, [there, here])
    assert uses_disk(state(active=Backend.LOCAL, reachable=False), [])
    assert "Room left" not in [line.title for line in findings(now, WELL, None, [there], minio)]


def test_an_unknown_reason_of_a_failed_download_is_still_explained() -> None:
    assert failures.download_sentence("storage-unavailable").startswith("The store does not answer.")
    assert failures.download_sentence("<script>") == failures.download_sentence(failures.DOWNLOAD)
