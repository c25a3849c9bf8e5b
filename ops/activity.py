"""`python -m ops activity export`: who did what, as CSV or JSON Lines on standard output or into a file."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from catalog.activity import ActivityQuery
from catalog.activity_export import Format, written
from catalog.activity_groups import Group
from catalog.errors import DatabaseUnavailable, InvalidQuery
from ops.session import opened

app = typer.Typer(no_args_is_help=True, help="Who did what on the shelf.")

Moment = Annotated[str | None, typer.Option(metavar="TIME", help="RFC 3339 or a day: 2026-11-29, in UTC.")]


def moment(text: str | None) -> datetime | None:
    """A point in time as typed; without a zone it is UTC. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"“{text}” is no time; one is 2026-11-29 or 2026-11-29T10:00:00Z.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@app.callback()
def commands() -> None:
    """Who did what on the shelf."""


@app.command(name="export")
def export(
    *,
    form: Annotated[Format, typer.Option("--format", help="For a spreadsheet, or for a program.")] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output without it.")] = None,
    q: Annotated[str, typer.Option("--search", "-q", help="Words in a name or an address.")] = "",
    person: Annotated[str | None, typer.Option(help="A user's id or name, or a command such as “ops restore”.")] = None,
    group: Annotated[list[Group] | None, typer.Option(help="A kind; repeat it for several.")] = None,
    since: Moment = None,
    until: Moment = None,
) -> None:
    """Everything that matches, the newest first.

    Ends with 0; with 1 where the database is away or the file cannot be written; with 78 where the settings are wrong.
    """
    query = ActivityQuery(q=q, person=person, groups=tuple(group or ()), since=moment(since), until=moment(until))
    with opened() as services:
        try:
            pieces = written(services.activity.whole(query), form)
            with nullcontext(sys.stdout.buffer) if output is None else output.open("wb") as sink:
                sink.writelines(pieces)
        except InvalidQuery as error:
            raise typer.BadParameter(str(error)) from None
        except (DatabaseUnavailable, OSError) as error:
            typer.echo(f"Not finished: {str(error).rstrip('.')}. Nothing was changed; run it again.", err=True)
            raise typer.Exit(1) from None
