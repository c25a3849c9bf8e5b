"""`python -m ops restore PLACE`: a backup into the empty installation that the settings name, verified file by file."""

from __future__ import annotations

import json
from typing import Annotated

import typer

import services
from catalog.restoring import Restore, RestoreReport, verify
from ops.bars import bar
from ops.places import load_settings, number, size, told, vault_at

SAFE = "The backup is untouched. Run it again when that is put right: it goes on where it was."
STOPPED = "Stopped. The backup is untouched. Run it again: it goes on where it was."
CHECK_STOPPED = "Stopped. Nothing was changed."


def restore(
    place: Annotated[str, typer.Argument(help="A directory, or s3://bucket/prefix (credentials: BACKUP__… settings).")],
    *,
    snapshot: Annotated[str, typer.Option(help="The snapshot's name, as its folder is called.")] = "latest",
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Read and compare all of it; restore nothing.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Files written at once.")] = 4,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Restore a backup into an empty installation: DATABASE_URL, DATA_DIR and STORAGE_BACKEND say which."""
    values = load_settings()
    vault = vault_at(place, values, to_write=False)
    with told(SAFE, CHECK_STOPPED if verify_only else STOPPED), bar() as progress:
        if verify_only:
            report = verify(vault, snapshot, watcher=progress, parallel=parallel)
        else:
            with services.apart(values) as (database, storages):
                report = Restore(vault, database, storages, progress, parallel).run(snapshot)
    if as_json:
        typer.echo(json.dumps(report.to_plain(), indent=1))
    else:
        for line in _lines(report, verified=verify_only):
            typer.echo(line)
    if not report.clean:
        raise typer.Exit(1)


def _lines(report: RestoreReport, *, verified: bool) -> list[str]:
    if verified:
        said = [f"Snapshot {report.snapshot} at {report.place}: {number(report.rows, 'row')} read and right."]
        if report.with_objects:
            said.append(f"{number(report.files, 'file')} ({size(report.size)}) read and right.")
        else:
            said.append("It holds the catalogue alone, without the files.")
    else:
        went_on = " (went on with a restore begun before)" if report.went_on else ""
        said = [f"Snapshot {report.snapshot} of {report.place} is restored{went_on}: {number(report.rows, 'row')}."]
        how = "written, and right" if report.with_objects else "found in the store, with the right size"
        said.append(f"{number(report.files, 'file')} ({size(report.size)}) {how}.")
    if report.given_up:
        said.append(f"{number(report.given_up, 'upload')} under way then: given up, upload the files again.")
    if report.gone:
        said.append(f"{number(report.gone, 'file')} deleted while the backup was made: not brought back.")
    if report.not_good:
        said.append(f"{number(report.not_good, 'file')} had failed before the backup, and still count as failed.")
    if report.replaced:
        said.append(f"In {number(report.replaced, 'row')} a NUL, which PostgreSQL cannot hold, became “�”.")
    if report.problem_count:
        what = "wrong in the backup" if verified else "restored as failed"
        said.append(f"{number(report.problem_count, 'file')} {what}:")
        said += [f"  “{each.file_name}” ({each.file_id}): {each.what}" for each in report.problems]
    return said
