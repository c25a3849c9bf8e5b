"""What a move says at its end of what is left."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from catalog.moving_report import Amount, Left, MoveReport, Route
from ops.migrate import _print_report
from storage import Backend


@pytest.mark.parametrize(
    ("left", "stopped", "again"),
    [
        (Left(failed=Amount(2, 10)), None, False),
        (Left(failed=Amount(2, 10)), "It was stopped.", True),
        (Left(files=Amount(1, 5), failed=Amount(2, 10)), None, True),
        (Left(under_way=Amount(1, 5)), None, True),
    ],
)
def test_it_is_run_again_only_where_that_would_change_something(
    left: Left, stopped: str | None, *, again: bool
) -> None:
    said = io.StringIO()
    report = MoveReport(Route(Backend.LOCAL, Backend.MINIO), left=left, stopped=stopped)
    _print_report(Console(file=said, soft_wrap=True), report)
    assert ("Run the same command again" in said.getvalue()) is again
    assert ("One file back" in said.getvalue()) is not again
