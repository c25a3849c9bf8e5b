"""The app's own housekeeping: every task that is registered can be done, and none stands in another's way."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import services
from catalog.leases import Leases
from catalog.reconcile import Reconcile
from catalog.reports import ReportKind, Reports
from db.utc import utc_now
from settings import load

HOUR = timedelta(hours=1)


def test_every_task_is_done_once_and_says_what_it_found(tmp_path: Path) -> None:
    with closing(services.build(load(data_dir=tmp_path))) as built:
        built.housekeeping.do_due(age=timedelta(0))
        early = Leases(built.database).held()
        built.housekeeping.do_due(age=HOUR)
        at_once = {"sweep", "trash", "slices", "sessions"}
        assert early == at_once, "a new process looks through everything only once it has settled"
        # A task that failed would be due again within minutes.
        due_soon = early | Leases(built.database).held(now=utc_now() + timedelta(minutes=30))
        assert due_soon >= {task.name for task in built.housekeeping.tasks}
        reports = Reports(built.database)
        first = reports.last(ReportKind.RECONCILE)
        assert first is not None
        assert first.content["clean"] is True
        assert reports.last(ReportKind.LIFECYCLE) is not None
        built.housekeeping.do_due(age=HOUR)
        assert reports.last(ReportKind.RECONCILE) == first
        assert Reconcile(built.database, built.storages).run(apply=True).clean, "a person need not wait for it"
