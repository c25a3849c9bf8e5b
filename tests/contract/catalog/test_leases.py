"""A lease has one holder at a time, whatever happens to the others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from catalog.leases import Leases
from catalog.reports import ReportKind, Reports
from db.utc import utc_now
from tests.contract.catalog.conftest import Shelf

LIFE = timedelta(minutes=1)


def test_a_lease_has_one_holder_until_it_ends(shelf: Shelf) -> None:
    first, second = Leases(shelf.database), Leases(shelf.database)
    assert first.take("sweep", LIFE)
    assert not second.take("sweep", LIFE)
    assert second.take("another", LIFE)
    assert first.take("sweep", LIFE), "a holder holds on"
    assert second.take("sweep", LIFE, now=utc_now() + 2 * LIFE), "whoever holds it died"
    assert not first.take("sweep", LIFE)


def test_a_lease_given_back_is_free(shelf: Shelf) -> None:
    first, second = Leases(shelf.database), Leases(shelf.database)
    assert first.take("sweep", LIFE)
    second.let_go("sweep")
    assert not second.take("sweep", LIFE)
    first.let_go("sweep")
    assert second.take("sweep", LIFE)


def test_reports_kept_at_once_leave_one(shelf: Shelf) -> None:
    reports, start = Reports(shelf.database), threading.Barrier(4)

    def keep(number: int) -> None:
        start.wait()
        reports.keep(ReportKind.SCRUB, {"read": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(4)))
    kept = reports.last(ReportKind.SCRUB)
    assert kept is not None
    assert kept.content["read"] in range(4)


def test_a_report_takes_the_place_of_the_one_before(shelf: Shelf) -> None:
    reports = Reports(shelf.database)
    assert reports.last(ReportKind.SCRUB) is None
    reports.keep(ReportKind.SCRUB, {"read": 1})
    reports.keep(ReportKind.SCRUB, {"read": 2})
    kept = reports.last(ReportKind.SCRUB)
    assert kept is not None
    assert kept.content == {"read": 2}
    assert reports.last(ReportKind.RECONCILE) is None
