"""What the banner and the Storage screen say beside the Doctor's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from catalog.datasets import ShelfTotals, StoreUse
from catalog.reports import KeptReport, ReportKind
from pages import failures
from pages.banner import Outage
from pages.findings import Line, checks, in_trash, places, usage
from settings import Settings
from storage import Backend

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SETTINGS = Settings(_env_file=None)


def report(**content: object) -> KeptReport:
    return KeptReport(NOW - timedelta(minutes=12), dict(content))


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


def test_a_store_that_answers_and_cannot_be_used_says_why_and_promises_nothing() -> None:
    said = "The store answers, but the bucket mlops-files is missing."
    away = Outage("the store at minio:9000", fallen_back=False, files=3, free=None, every=10, refusal=said)
    assert away.title == "The store at minio:9000 cannot be used"
    assert away.sentence == (
        f"{said} Uploads wait and go on when it is back. 3 files there cannot be read or downloaded until then. "
        "It is tried again every 10 s."
    )


def test_what_lies_where_is_told_of_both_backends() -> None:
    uses = (
        StoreUse(Backend.MINIO, "mlops-files", "datasets", 136, 12_900_000_000),
        StoreUse(Backend.LOCAL, "datasets", "datasets", 1, 1),
    )
    assert places(ShelfTotals(3, 137, 12_900_000_001, uses), SETTINGS) == [
        Line("In bucket mlops-files, datasets", "136 objects, 12.9 GB"),
        Line("On this server’s disk, datasets", "1 object, 1 B"),
    ]


def test_the_usage_line_speaks_of_old_versions_where_there_are_some() -> None:
    totals = ShelfTotals(61, 148, 12_900_000_000, ())
    assert usage(totals) == "**12.9 GB** :gray[in 148 objects · 61 datasets, 148 versions]"
    assert "· 2.1 GB in versions older than 90 days]" in usage(totals, (9, 2_100_000_000))


def test_checks_that_run_by_themselves_say_what_they_found_and_when() -> None:
    found = checks({ReportKind.RECONCILE: report(found=0, repaired=0)}, now=NOW)
    assert found == [Line("Catalogue and store agree", "Nothing amiss; compared 12 min ago.", good=True)]


def test_what_is_amiss_names_the_command() -> None:
    (line,) = checks({ReportKind.RECONCILE: report(found=4, repaired=1)}, now=NOW)
    assert line.good is False
    assert line.text == "3 things amiss; compared 12 min ago. See: python -m ops reconcile"


def test_a_scrub_tells_of_files_that_failed_it() -> None:
    read = checks({ReportKind.SCRUB: report(files=40, failed=0)}, now=NOW)[-1]
    assert read == Line("Stored bytes are as sent", "40 files read again; looked at 12 min ago.", good=True)
    bad = checks({ReportKind.SCRUB: report(files=40, failed=1)}, now=NOW)[-1]
    assert bad.good is False
    assert bad.text == "1 file failed the check and is not served; looked at 12 min ago."


def test_lifecycle_sums_over_its_rules() -> None:
    rules = [{"done": 3, "size": 2_000_000}, {"done": 0, "size": 500}, {"done": 1, "size": 1_000_000}]
    assert checks({ReportKind.LIFECYCLE: report(rules=rules)}, now=NOW)[-1].text == (
        "4 things cleared away, 3.0 MB; 12 min ago."
    )
    assert "Nothing was due" in checks({ReportKind.LIFECYCLE: report(rules=rules[1:2])}, now=NOW)[-1].text


def test_before_the_first_comparison_nothing_is_claimed() -> None:
    assert checks({}, now=NOW) == [Line("Catalogue and store agree", "Not compared yet; it is done by itself.")]


def test_the_trash_is_mentioned_only_where_something_lies_in_it() -> None:
    assert in_trash(0, 0, 7) is None
    assert in_trash(2, 1_500_000, 7) == Line("In the trash", "2 things, 1.5 MB; kept for 7 days.")


def test_an_unknown_reason_of_a_failed_download_is_still_explained() -> None:
    assert failures.download_sentence("storage-unavailable").startswith("The store does not answer.")
    assert failures.download_sentence("<script>") == failures.download_sentence(failures.DOWNLOAD)
