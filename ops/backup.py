"""`python -m ops backup PLACE`: the catalogue, and with `--objects` every file, while the app runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

import services
from catalog.backup import Backup, BackupReport
from ops.bars import bar
from ops.places import load_settings, number, size, told, vault_at

SAFE = "Earlier snapshots are untouched. Run it again: what was copied is not copied again."


def back_up(
    place: Annotated[str, typer.Argument(help="A directory, or s3://bucket/prefix (credentials: BACKUP__… settings).")],
    *,
    objects: Annotated[bool, typer.Option("--objects", help="Back up the files too, not the catalogue alone.")] = False,
    keep: Annotated[int | None, typer.Option(min=1, help="Drop all but so many newest snapshots of this kind.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Files copied at once.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Back up the catalogue, and with --objects every file; a second run copies only what is new."""
    values = load_settings()
    vault = vault_at(place, values, to_write=True)
    with told(SAFE, f"Stopped. {SAFE}"), services.apart(values) as (database, storages), bar() as progress:
        report = Backup(database, storages, vault, progress, parallel).run(objects=objects, keep=keep)
    if as_json:
        typer.echo(json.dumps(report.to_plain(), indent=1))
    else:
        for line in _lines(report):
            typer.echo(line)
    if not report.clean:
        raise typer.Exit(1)


def _lines(report: BackupReport) -> list[str]:
    done = report.done
    said = [f"Snapshot {report.snapshot} is complete at {report.place}: {number(report.rows, 'row')}."]
    if report.with_objects:
        said.append(
            f"Files: {number(done.copied, 'file')} copied ({size(done.copied_size)}), "
            f"{done.reused:,} there already ({size(done.reused_size)})."
        )
    else:
        said.append(f"The catalogue alone; its {number(report.files, 'file')} are not in it (--objects).")
    if done.under_way:
        said.append(f"{number(done.under_way, 'upload')} under way: what has not arrived cannot be backed up.")
    if done.gone:
        said.append(f"{number(done.gone, 'file')} deleted while the backup was made, and so not in it.")
    if done.not_good:
        said.append(
            f"{number(done.not_good, 'file')} had failed before, and no good bytes of them are left to back up."
        )
    if report.pruned.snapshots or report.pruned.objects:
        said.append(
            f"Dropped: {number(len(report.pruned.snapshots), 'old snapshot')}, "
            f"{number(report.pruned.objects, 'object')} ({size(report.pruned.size)}) that no snapshot needs."
        )
    if report.from_the_future:
        said.append(
            f"Dated later than this one: {', '.join(report.from_the_future)}. A clock was wrong, and a restore takes "
            "the latest date: name the right one with --snapshot, or delete those folders below snapshots/."
        )
    if report.not_pruned:
        said.append(report.not_pruned)
    if report.problem_count:
        said.append(f"{number(report.problem_count, 'file')} could not be backed up; everything else is safe:")
        said += [f"  “{each.file_name}” ({each.file_id}): {each.what}" for each in report.problems]
    return said
