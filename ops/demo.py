"""`python -m ops demo`: five sample datasets on the shelf, as the button on the empty Datasets screen loads them."""

from __future__ import annotations

from typing import Annotated

import typer

from catalog.caller import Caller
from catalog.errors import UserNotFound
from ops.session import opened
from services import Services
from storage import StorageError


def load_samples(
    *,
    owner: Annotated[
        str | None, typer.Option(metavar="WHO", help="Whose they become, where people sign in: a name or an address.")
    ] = None,
) -> None:
    """Load five sample datasets; those that are there already stay as they are."""
    with opened() as services:
        caller = _owner(services, owner)
        try:
            for dataset_id in services.samples.load(caller):
                summary = services.datasets.get(caller, dataset_id).summary
                typer.echo(f"{summary.name}  {summary.file_name}")
        except StorageError as error:
            typer.echo(f"The samples could not all be stored: {error}. Run it again to go on.", err=True)
            raise typer.Exit(1) from None


def _owner(services: Services, owner: str | None) -> Caller:
    if services.settings.auth.mode == "none":
        return services.identity.local_user()
    if owner is None:
        typer.echo("People sign in here: say whose the samples become, with --owner.", err=True)
        raise typer.Exit(2)
    try:
        found = services.people.find(None, owner)
    except UserNotFound as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    return Caller(found.id, found.name)
