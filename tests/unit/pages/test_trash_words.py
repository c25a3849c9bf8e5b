"""What the Trash screen says of what lies there."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from catalog.trash_items import TrashItem, TrashKind
from pages import wording
from pages.widgets.trash_list import about, row

NOW = datetime(2026, 12, 28, 23, 30, tzinfo=UTC)
DATASET = TrashItem(
    id=uuid.UUID(int=1),
    kind=TrashKind.DATASET,
    dataset_id=uuid.UUID(int=1),
    name="Airports",
    version=None,
    versions=3,
    file_name="airports.csv",
    size=631_095,
    deleted_at=NOW - timedelta(hours=2),
    purge_at=NOW + timedelta(days=7),
)
VERSION = replace(DATASET, id=uuid.UUID(int=2), kind=TrashKind.VERSION, version=2, versions=1)


def test_what_it_is() -> None:
    assert about(DATASET) == "Dataset with 3 versions · airports.csv"
    assert about(replace(DATASET, versions=1)) == "Dataset · airports.csv"
    assert about(VERSION) == "Version 2 · airports.csv"
    assert about(replace(VERSION, owner="Ann")) == "Version 2 · airports.csv · Ann"
    assert about(replace(VERSION, in_trashed=True)) == "Version 2 · airports.csv · restore its dataset first"


def test_a_row_says_since_when_until_when_and_what_a_button_is_for() -> None:
    shown = row(DATASET, now=NOW, zone=UTC)
    assert (shown["deleted"], shown["until"], shown["size"]) == ("2 h ago", "4 January 2027", "631 kB")
    assert (shown["what"], shown["can_restore"]) == ("Airports", True)
    later = row(replace(VERSION, in_trashed=True), now=NOW, zone=UTC)
    assert (later["what"], later["can_restore"]) == ("version 2 of Airports", False)


def test_a_day_is_the_readers_own() -> None:
    when = datetime(2026, 12, 5, 23, 30, tzinfo=UTC)
    assert wording.day(when, now=NOW) == "5 December"
    assert wording.day(when, now=NOW, zone=ZoneInfo("Asia/Tokyo")) == "6 December"
