"""What a row of the list and the line of facts show of a dataset."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from catalog.views import DatasetDetail, DatasetSummary, FileVersion, RowsCounted
from db.tables import Visibility
from pages.navigation import address
from pages.widgets.dataset_list import row
from pages.widgets.facts import parts
from storage import Backend

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
ID = uuid.UUID(int=7)


def summary(
    *,
    description: str = "US airports\nwith codes",
    rows: int | None = 3376,
    visibility: str = "private",
    mine: bool = True,
) -> DatasetSummary:
    then = NOW - timedelta(minutes=2)
    return DatasetSummary(
        id=ID,
        name="<b>Airports</b>",
        description=description,
        tags=("geo",),
        owner="local",
        visibility=Visibility.PRIVATE,
        access="owner",
        format="csv",
        size=210_365,
        rows=rows,
        columns=7,
        created_at=then,
        updated_at=then,
        file_id=uuid.UUID(int=8),
        file_name="airports.csv",
    )


def version(*, rows: int | None = 3376, counted: RowsCounted = "known", sha256: str | None = "9c" * 32) -> FileVersion:
    return FileVersion(
        id=uuid.UUID(int=8),
        dataset_id=ID,
        version=4,
        file_name="airports.csv",
        format="csv",
        media_type="text/csv",
        size=210_365,
        sha256=sha256,
        sha256_verified=True,
        rows=rows,
        columns=7,
        status="ready",
        created_at=NOW,
        backend=Backend.LOCAL,
        downloads=1,
        rows_counted=counted,
    )


def test_a_row_links_to_the_page_and_to_the_counted_download_not_to_a_signed_address() -> None:
    shown = row(summary(), now=NOW, zone=UTC)
    assert shown["href"] == f"/dataset?id={ID}"
    assert shown["download"] == f"/api/ml/v1/files/{uuid.UUID(int=8)}/download"


def test_a_row_says_the_facts_in_the_words_of_the_screen() -> None:
    shown = row(summary(), now=NOW, zone=UTC)
    assert shown["about"] == "US airports with codes · local"
    assert (shown["shape"], shown["size"], shown["updated"]) == ("3,376 × 7", "210 kB", "2 min ago")
    assert shown["name"] == "<b>Airports</b>"


def test_without_a_description_the_file_name_tells_what_it_is() -> None:
    assert row(summary(description=""), now=NOW, zone=UTC)["about"] == "airports.csv · local"


def test_the_facts_are_those_that_are_known() -> None:
    detail = DatasetDetail(summary(), (), (), 1)
    assert parts(detail, version()) == ["3,376 rows × 7 columns", "210 kB", "local", "1 download", "SHA-256"]
    fresh = version(rows=None, counted="counting", sha256=None)
    assert parts(detail, fresh) == ["counting rows… × 7 columns", "210 kB", "local", "1 download"]


def test_an_address_leaves_out_what_is_empty_and_escapes_the_rest() -> None:
    assert address("/", {"q": "", "tag": []}) == "/"
    assert address("/", {"q": "a&b", "tag": ["x y", "é"]}) == "/?q=a%26b&tag=x+y&tag=%C3%A9"
