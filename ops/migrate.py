"""`python -m ops migrate`: moves every file from one backend to the other while the app runs."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from catalog.errors import DatabaseUnavailable, DatasetNotFound
from catalog.moving import Move, MoveOptions
from catalog.moving_checks import Checklist, Verdict
from catalog.moving_lock import MoveUnderWay
from catalog.moving_report import PLACES, Left, MoveReport, Route, Trouble, plain_size
from ops.session import opened
from settings import Settings
from storage import Backend

MARKS = {Verdict.OK: "[green]ok[/]  ", Verdict.NOTE: "[yellow]note[/]", Verdict.STOP: "[red]stop[/]"}
SHOWN = 20
"""Files that the text names one by one; the JSON report has them all."""
MEGA = 1_000_000


def migrate(
    source: Annotated[Backend, typer.Option("--from", help="Where the files lie now.")],
    target: Annotated[Backend, typer.Option("--to", help="Where they shall lie.")],
    *,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Files under way at the same time.")] = 4,
    limit_rate: Annotated[
        float | None, typer.Option(min=0.001, help="At most so many MB a second each way.", metavar="MB/s")
    ] = None,
    dataset: Annotated[UUID | None, typer.Option(help="Only this dataset's files.", metavar="ID")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the checklist and change nothing.")] = False,
    delete_source: Annotated[
        bool, typer.Option("--delete-source", help="Afterwards delete the old copies of files that are safe.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting old copies.")] = False,
    report_file: Annotated[
        Path | None, typer.Option("--json", help="Write the report there, as JSON.", metavar="FILE")
    ] = None,
) -> None:
    """Move every file to another backend; Ctrl-C at any moment, and the same command goes on.

    Each file is copied, read back, and its SHA-256 compared before the catalogue names the new place. The app may run
    meanwhile. Exit status: 0 everything is moved, 1 something is left.
    """
    if source is target:
        raise typer.BadParameter(f"--from and --to are both {source}; name two different ones.")
    route = Route(source, target)
    out = Console(highlight=False, soft_wrap=True)
    try:
        with opened() as services:
            move = Move(services.database, services.storages, route, services.settings.data_dir.resolve())
            out.print(f"Moving files {route}: {_ends(services.settings, route)}")
            checklist = move.look(dataset, prepare=not dry_run)
            _print_checklist(out, checklist)
            if not checklist.good:
                out.print("Nothing was moved. Put right what says “stop”, and run the same command again.")
                raise typer.Exit(1)
            if dry_run:
                return
            if delete_source and not yes:
                _ask(route)
            with _stoppable(out) as stop, Bar(out) as bar:
                options = MoveOptions(jobs, limit_rate and limit_rate * MEGA, dataset, delete_source)
                report = move.run(options, stop=stop, watcher=bar)
    except DatasetNotFound as error:
        raise typer.BadParameter(str(error), param_hint="--dataset") from None
    except (MoveUnderWay, DatabaseUnavailable) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    _print_report(out, report)
    if report_file is not None:
        _write(report_file, report)
    if not report.complete:
        raise typer.Exit(1)


class Bar:
    """The progress bar, fed by the move's threads; where nobody looks on, only its sentences are printed."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._done_files = self._done_size = 0
        self._progress = Progress(
            TextColumn("{task.fields[files]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[size]}"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=out,
            disable=not out.is_terminal,
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Bar:
        self._progress.start()
        self._task = self._progress.add_task("", total=None, files="", size="", speed="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def planned(self, left: Left) -> None:
        with self._lock:
            self._total_files = self._done_files + left.files.files
            self._total_size = self._done_size + left.files.size
        # Every byte counts twice: when it is copied, and when it is read back.
        if self._task is not None:
            self._progress.update(self._task, total=2 * self._total_size)
        self._show()

    def advanced(self, size: int) -> None:
        self._show(advance=size)

    def finished(self, file_size: int) -> None:
        with self._lock:
            self._done_files += 1
            self._done_size += file_size
        self._show()

    def said(self, text: str) -> None:
        self._out.print(escape(text))

    def _show(self, *, advance: int = 0) -> None:
        if self._task is None or self._progress.disable:
            return
        task = self._progress.tasks[0]
        speed = "" if not task.speed else f"{task.speed / 2 / MEGA:,.1f} MB/s"
        self._progress.update(
            self._task,
            advance=advance,
            files=f"{self._done_files:,} of {self._total_files:,} files",
            size=f"{plain_size(int(task.completed / 2))} of {plain_size(self._total_size)}",
            speed=speed,
        )


@contextmanager
def _stoppable(out: Console) -> Iterator[threading.Event]:
    """Ctrl-C and SIGTERM ask for an end in good order; a second time they end the process, which does no harm."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        out.print("Stopping. What is moved stays moved; the same command goes on with the rest.")

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ends(values: Settings, route: Route) -> str:
    minio = values.minio
    ends = {
        Backend.LOCAL: f"DATA_DIR={values.data_dir}",
        Backend.MINIO: f"MINIO__ENDPOINT={minio.endpoint}, links with MINIO__PUBLIC_ENDPOINT={minio.public_endpoint}",
    }
    return escape(f"{ends[route.source]} → {ends[route.target]}")


def _print_checklist(out: Console, checklist: Checklist) -> None:
    for check in checklist.checks:
        out.print(f"  {MARKS[check.verdict]}  {check.name:<10}  {escape(check.text)}")


def _ask(route: Route) -> None:
    typer.confirm(
        f"When everything is moved, delete the old copies on {PLACES[route.source]}? Links that were handed out before "
        "a file was moved lead to them, and they live up to a day.",
        abort=True,
    )


def _print_report(out: Console, report: MoveReport) -> None:
    source, target = PLACES[report.route.source], PLACES[report.route.target]
    if report.stopped:
        out.print(f"[red]The move ended early.[/] {escape(report.stopped)}")
    found = f", {report.found:,} of them found whole at {target} and not sent again" if report.found else ""
    out.print(
        f"Moved and verified: {report.moved:,} files ({plain_size(report.moved_bytes)}){found}. "
        f"Sent: {plain_size(report.sent_bytes)}."
    )
    _print_troubles(out, "Skipped", report.skipped)
    _print_troubles(out, "Failed", report.failed)
    left = report.left
    for amount, what in (
        (left.files, "to be moved"),
        (left.under_way, "of uploads under way"),
        (left.failed, "that failed their check"),
    ):
        if amount.files:
            out.print(f"Left on {source}: {amount} {what}.")
    if left.nothing:
        out.print(f"Nothing is left on {source}.")
    if report.released is not None:
        out.print(f"Old copies deleted: {report.released.deleted:,} ({plain_size(report.released.deleted_bytes)}).")
        _print_troubles(out, "Old copies kept", report.released.kept)
    elif report.old_copies.files:
        out.print(
            f"Old copies kept on {source}: {report.old_copies}. The same command with --delete-source deletes them."
        )
    if _is_all_tried(report):
        out.print(
            "What failed its check is not moved: put its bytes back from a backup (docs/backup.md, “One file back”), "
            "or delete the file."
        )
    elif not report.complete:
        out.print("Run the same command again to go on.")


def _is_all_tried(report: MoveReport) -> bool:
    """Whether all that is left are files that failed their check, of which another run would leave as many."""
    left = report.left
    kept = report.released is not None and report.released.kept
    return not (report.stopped or left.files.files or left.under_way.files or kept) and left.failed.files > 0


def _print_troubles(out: Console, what: str, troubles: list[Trouble]) -> None:
    if not troubles:
        return
    out.print(f"{what}: {len(troubles):,}")
    for trouble in troubles[:SHOWN]:
        out.print(f"  “{escape(printable(trouble.file_name))}” ({trouble.file_id}): {escape(trouble.reason)}")
    if len(troubles) > SHOWN:
        out.print(f"  … and {len(troubles) - SHOWN:,} more, all in the report of --json.")


def printable(name: str) -> str:
    """A name as a terminal can show it: it was somebody else's to choose."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)


def _write(path: Path, report: MoveReport) -> None:
    try:
        path.write_text(json.dumps(report.to_plain(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        typer.echo(f"The report could not be written to {path}: {error.strerror}.", err=True)
        raise typer.Exit(1) from None
