"""`python -m ops reconcile`: hold the catalogue against the stores, and repair what a crash or a hand left behind."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, NoReturn

import typer
from rich.filesize import decimal

from catalog.damage import ONLY_WHERE_ASKED, WORDS, ReconcileReport
from catalog.errors import DatabaseUnavailable, InvalidAge, ReconcileUnderWay
from catalog.reconcile import LEASE_LIFE, Reconcile
from ops.session import opened
from storage import StorageError

SHOWN = 10
"""Findings of a kind that the text names."""
WAIT = LEASE_LIFE + timedelta(seconds=5)
"""So long another check that repairs is waited for: one that was killed holds on no longer."""
_AGE = re.compile(r"(\d+)([hd])")


def age(text: str) -> timedelta:
    """`36h` or `2d`. Raises typer.BadParameter."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter("must be a number of hours or days, for example 24h or 7d", param_hint="--older-than")
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    if hours > 24 * 36_500:
        raise typer.BadParameter("must be at most a hundred years", param_hint="--older-than")
    return timedelta(hours=hours)


def reconcile(
    *,
    apply: Annotated[
        bool, typer.Option("--apply", help="Repair what is found. Without it nothing is changed.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Read every stored byte and compare its SHA-256, too.")] = False,
    unknown: Annotated[
        bool,
        typer.Option(
            "--unknown", help="With --apply: remove, too, what is named as ours and the catalogue has never heard of."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON on standard output.")] = False,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Remove nothing younger; 24h at least (for example 36h, 7d).")
    ] = "24h",
) -> None:
    """Hold every row against every object, and repair it with --apply.

    The app may run meanwhile. Ends with 0 where all is well, or where --apply repaired everything that was found; with
    1 where something is left, or where a store or the database is away; with 78 where the settings are wrong.
    """
    youngest = age(older_than)
    with opened() as services:
        idle = timedelta(days=services.settings.lifecycle.upload_days)
        check = Reconcile(services.database, services.storages, idle=idle)
        try:
            report = _run(check, apply=apply, deep=deep, older_than=youngest, unknown=unknown)
        except InvalidAge as error:
            raise typer.BadParameter(str(error), param_hint="--older-than") from None
        except ReconcileUnderWay as error:
            _fail(f"{error} Nothing was changed.")
        except (StorageError, DatabaseUnavailable) as error:
            said = str(error).rstrip(".")
            _fail(f"The check was not finished: {said}. No file was judged lost for it; run it again.")
    typer.echo(json.dumps(report.to_plain(), ensure_ascii=False, indent=2) if as_json else "\n".join(_text(report)))
    if not report.clean:
        raise typer.Exit(1)


def _run(check: Reconcile, *, apply: bool, deep: bool, older_than: timedelta, unknown: bool) -> ReconcileReport:
    until, told = time.monotonic() + WAIT.total_seconds(), False
    while True:
        try:
            return check.run(apply=apply, deep=deep, older_than=older_than, unknown=unknown)
        except ReconcileUnderWay:
            if time.monotonic() > until:
                raise
            if not told:
                typer.echo("Another check is repairing; waiting for it.", err=True)
                told = True
            time.sleep(1)


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


def _text(report: ReconcileReport) -> Iterator[str]:
    seen = report.checked
    yield (
        f"Checked {_many(seen.files, 'row')} against {_many(seen.objects, 'object')} "
        f"({decimal(seen.object_bytes)}) and {_many(seen.uploads, 'unfinished upload')}."
    )
    if report.deep:
        yield f"Read {_many(seen.files_read, 'file')} to the end ({decimal(seen.bytes_read)})."
    for kind, group in report.in_order():
        words = WORDS[kind]
        yield ""
        yield f"{words.title}: {group.found:,}{f' ({decimal(group.size)})' if group.size else ''}"
        for finding in group.first[:SHOWN]:
            mark = "repaired  " if finding.repaired else ""
            yield f"  {mark}{finding.where}{f'  {finding.detail}' if finding.detail else ''}"
        if group.found > SHOWN:
            yield f"  … and {group.found - SHOWN:,} more (--json names the first thousand)"
        if group.repaired:
            yield f"  {group.repaired:,} {words.repair}."
        if words.next_step and (group.left or words.always):
            yield f"  {words.next_step}"
    left_alone = list(_left_alone(report))
    if left_alone:
        yield ""
        yield from left_alone
    yield ""
    yield _verdict(report)


def _left_alone(report: ReconcileReport) -> Iterator[str]:
    seen, hours = report.checked, int(report.older_than.total_seconds() // 3600)
    if seen.young:
        yield f"Left alone: {_many(seen.young, 'thing')} younger than {hours} hours, which may still be at work."
    if seen.foreign:
        yield f"Left alone: {_many(seen.foreign, 'object')} that Datashelf did not name."
    if seen.known_failed:
        yield f"Known already: {_many(seen.known_failed, 'file')} marked failed earlier."


def _verdict(report: ReconcileReport) -> str:
    if not report.found:
        return "Clean: catalogue and stores agree."
    if report.clean:
        return f"{_many(report.found, 'finding')}, all repaired. Catalogue and stores agree now."
    left = report.found - report.repaired
    if not report.applied:
        mended = (kind for kind in WORDS if WORDS[kind].repair and kind not in ONLY_WHERE_ASKED)
        can = sum(report.groups[kind].found for kind in mended if kind in report.groups)
        way = " Run it again with --apply to repair what can be repaired." if can else ""
        return f"{_many(left, 'finding')}; nothing was changed.{way}"
    return f"{_many(report.found, 'finding')}, {report.repaired:,} repaired, {left:,} left: see what is said there."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
